"""Simulations of what weather, soil and management do to a holding: the orchard's water, and floods."""
