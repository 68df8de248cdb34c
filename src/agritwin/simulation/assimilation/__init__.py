"""Correct an ensemble by what was observed: serial square-root filter, its checks, its log, and the smoother."""
