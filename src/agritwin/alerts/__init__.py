"""Danger judged by explained rules, told once to those concerned, and acted upon at most once."""
