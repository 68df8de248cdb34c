"""Frost and leaf wetness by hour and day."""

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.agromet import frost, wetness


def spring(values: np.ndarray) -> xr.DataArray:
    time = pd.date_range("2024-04-09T23:00", periods=len(values), freq="h")
    return xr.DataArray(values, coords={"time": time}, dims="time", attrs={"units": "degC"})


def test_hours_below_the_threshold_are_counted_by_local_day() -> None:
    celsius = np.full(48, 5.0)
    celsius[4:7] = -1.0
    celsius[30] = -2.5
    found = frost.frost_hours(spring(celsius), "Europe/Madrid")
    assert found.values.tolist() == [3.0, 1.0]
    assert frost.frost_hours(spring(celsius), "Europe/Madrid", -2.0).values.tolist() == [0.0, 1.0]
    assert frost.minimum(spring(celsius), "Europe/Madrid").values.tolist() == [-1.0, -2.5]


def test_a_missing_hour_hides_the_day() -> None:
    celsius = np.full(24, 5.0)
    celsius[3] = np.nan
    assert np.isnan(frost.frost_hours(spring(celsius), "Europe/Madrid")).all()


def test_leaves_are_wet_in_rain_or_damp_air() -> None:
    humid = xr.DataArray([50.0, 95.0, 60.0, np.nan, 95.0], dims="time", attrs={"units": "percent"})
    rain = xr.DataArray([0.0, 0.0, 0.3, 0.0, np.nan], dims="time", attrs={"units": "mm"})
    np.testing.assert_array_equal(wetness.leaf_wetness(humid, rain), [0.0, 1.0, 1.0, np.nan, np.nan])
