"""What derives from hours: textbook values of simple air, and days that add up."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.agromet.daily import daily
from agritwin.agromet.derived import derived_days, derived_hours

PLACE = {"latitude": 41.6, "longitude": -4.7, "elevation_m": 750.0}
UNITS = {
    "air_temperature": "degC",
    "relative_humidity": "percent",
    "wind_speed": "m s-1",
    "precipitation": "mm",
    "shortwave_radiation": "W m-2",
}


def weather(days=2, **values):
    """Two UTC days of the same hours, ends of hours from 01:00 on."""
    time = pd.date_range("2025-07-01 01:00", periods=24 * days, freq="h")
    given = {"relative_humidity": 100.0, "wind_speed": 2.0, "precipitation": 0.0, "shortwave_radiation": 0.0} | values
    filled = {
        name: ("time", np.broadcast_to(value, len(time)) * 1.0, {"units": UNITS[name]}) for name, value in given.items()
    }
    return xr.Dataset(filled, {"time": time})


def test_a_day_of_fog_at_five_degrees():
    hours = derived_hours(weather(air_temperature=5.0), **PLACE)
    day = derived_days(hours, "UTC").isel(day=0)
    assert day["chill_hours"] == day["chill_units"] == day["leaf_wetness_hours"] == 24
    assert float(day["dew_point_temperature"]) == pytest.approx(5.0)
    assert float(day["wet_bulb_temperature_min"]) == pytest.approx(5.0)
    assert float(hours["vapour_pressure_deficit"].max()) == 0.0
    assert 0 < float(day["growing_degree_hours"]) < 24


def test_a_hot_dry_day_undoes_chill_and_wets_nothing():
    hours = derived_hours(weather(air_temperature=30.0, relative_humidity=20.0), **PLACE)
    day = derived_days(hours, "UTC").isel(day=0)
    assert (day["chill_hours"], day["chill_units"], day["leaf_wetness_hours"]) == (0, -24, 0)
    assert float(day["dew_point_temperature"]) < float(day["wet_bulb_temperature_min"]) < 30.0


def test_hours_of_reference_evapotranspiration_add_up_to_about_that_of_the_day():
    """FAO-56 Eq. 53 by the hour against Eq. 6 by the day: they differ by some percent, never by more."""
    hour = np.arange(24) + 0.5
    sun = np.tile(np.clip(950 * np.sin(np.pi * (hour - 5) / 14), 0, None), 2)
    air = np.tile(22 + 8 * np.sin(np.pi * (hour - 9) / 12), 2)
    found = weather(air_temperature=air, relative_humidity=45.0, shortwave_radiation=sun)
    summed = derived_days(derived_hours(found, **PLACE), "UTC")["et0_of_hours"]
    assert float(summed[1]) == pytest.approx(float(daily(found, zone="UTC", **PLACE)["et0"][1]), rel=0.1)


def test_a_day_that_misses_an_hour_is_unknown_and_every_variable_has_a_unit():
    found = weather(air_temperature=5.0)
    found["air_temperature"][30] = np.nan
    hours = derived_hours(found, **PLACE)
    days = derived_days(hours, "UTC")
    assert np.isfinite(days["chill_hours"]).to_numpy().tolist() == [True, False]
    assert all(values.attrs["units"] for values in (*hours.values(), *days.values()))


def test_what_lacks_a_variable_is_absent():
    hours = derived_hours(weather(air_temperature=5.0)[["air_temperature"]], **PLACE)
    assert set(hours) == {"chill_hours", "chill_units", "chill_portions", "growing_degree_hours"}
    assert "et0_of_hours" not in derived_days(hours, "UTC")
