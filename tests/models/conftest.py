"""Synthetic daily and hourly series of known make."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr


def autoregressive(n, first, second, rng):
    x, noise = np.zeros(n), rng.normal(size=n)
    for i in range(2, n):
        x[i] = first * x[i - 1] + second * x[i - 2] + noise[i]
    return x / x.std()


@pytest.fixture(scope="session")
def daily():
    """Seven years of synthetic daily air temperature: a season plus persistent anomalies, wider in winter."""
    days = pd.date_range("2018-01-01", "2024-12-31")
    phase = 2 * np.pi * (days.day_of_year.to_numpy() - 110) / 365.25
    anomaly = autoregressive(len(days), 0.8, -0.05, np.random.default_rng(7))
    values = 12 + 9 * np.sin(phase) + (3 - np.sin(phase)) * anomaly
    attrs = {"units": "degC", "long_name": "synthetic daily mean air temperature"}
    return xr.DataArray(values, coords={"day": days}, dims="day", name="air_temperature", attrs=attrs)


@pytest.fixture(scope="session")
def hourly():
    """Forty days of synthetic hourly air temperature: a daily wave plus persistent anomalies."""
    times = pd.date_range("2024-05-01 01:00", periods=40 * 24, freq="h")
    anomaly = autoregressive(len(times), 0.95, 0.0, np.random.default_rng(8))
    values = 15 + 6 * np.sin(2 * np.pi * (times.hour.to_numpy() - 9) / 24) + 3 * anomaly
    return xr.DataArray(values, coords={"time": times}, dims="time", name="air_temperature", attrs={"units": "degC"})
