"""Hours out of daily extremes: within the extremes, and the chill of a real winter as published models count it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.agromet import chill
from agritwin.agromet.hourly_temperature import hourly_temperature

SAMPLE = Path(__file__).parents[3] / "shared/science_samples/ka_weather.csv"


def days(values: np.ndarray) -> xr.DataArray:
    day = pd.date_range("2024-01-01", periods=len(values), freq="D")
    return xr.DataArray(values, coords={"day": day}, dims="day", attrs={"units": "degC"})


def test_hours_stay_within_the_extremes_and_reach_them_nearly() -> None:
    found = hourly_temperature(days(np.full(366, 20.0)), days(np.full(366, 5.0)), 41.0)
    assert 4.5 <= float(found.min()) <= 6.0
    assert 19.5 <= float(found.max()) <= 20.0
    assert (found.idxmax("hour") >= 13).all()
    assert (found.idxmin("hour") <= 8).all()


def test_chill_and_heat_of_a_winter_at_klein_altendorf() -> None:
    if not SAMPLE.exists():
        pytest.skip("shared science samples are not here")
    record = pd.read_csv(SAMPLE)
    record.index = pd.to_datetime(record[["Year", "Month", "Day"]])
    record.index.name = "day"
    extremes = record[["Tmax", "Tmin"]].to_xarray()
    hourly = hourly_temperature(extremes["Tmax"], extremes["Tmin"], 50.4)
    winter = hourly.sel(day=slice("2008-11-01", "2009-03-31"))
    celsius = xr.DataArray(winter.to_numpy().ravel(), dims="time", attrs={"units": "degC"})
    assert celsius.size == 3624
    assert float(chill.chill_hours(celsius).sum()) == 2017
    assert float(chill.utah_units(celsius).sum()) == 1853.5
    assert float(chill.chill_portions(celsius).sum()) == pytest.approx(98.348627, abs=1e-3)
    assert float(chill.growing_degree_hours(celsius).sum()) == pytest.approx(2385.3444, abs=0.1)
