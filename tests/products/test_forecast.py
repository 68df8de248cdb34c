import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.products.forecast import forecasts

SETTINGS = {"variables": ["et0"], "horizon_days": 7, "backtest_origins": 20}


def record(first, last):
    days = pd.date_range(first, last)
    usual = 3.0 - 2.5 * np.cos(2 * np.pi * (days.day_of_year.to_numpy() - 15) / 365.25)
    values = usual + np.random.default_rng(1).normal(0.0, 0.3, days.size)
    return xr.Dataset({"et0": ("day", values.clip(0.0), {"units": "mm d-1"})}, {"day": days})


def test_a_record_too_short_for_one_backtest_is_an_outcome_and_nothing_is_forecast_from_it():
    found = forecasts(record("2024-06-01", "2024-10-31"), record("2024-11-01", "2025-06-14"), SETTINGS)
    assert found == {"variables": {}, "outcome": "short_record", "days": 153, "days_needed": 1095}


@pytest.mark.parametrize(("days", "outcome"), [(1094, "short_record"), (1095, "forecast")])
def test_three_years_are_enough(days, outcome):
    past = record("2021-10-01", "2024-10-31").isel(day=slice(-days, None))
    found = forecasts(past, record("2024-11-01", "2025-06-14"), SETTINGS)
    assert (found["outcome"], list(found["variables"])) == (outcome, ["et0"] if outcome == "forecast" else [])
