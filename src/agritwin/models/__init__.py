"""Forecasts of series and of yields, each beside its baselines, with intervals whose coverage is measured."""
