"""Flags: every check has weather that it must catch and weather that it must leave alone."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.agromet import quality, radiation
from agritwin.errors import DataError

PLACE = {"latitude": 41.5, "longitude": -5.7, "elevation_m": 700.0}


@pytest.fixture
def weather() -> xr.Dataset:
    time = xr.DataArray(pd.date_range("2024-05-01T01:00", periods=72, freq="h"), dims="time")
    time = time.assign_coords(time=time)
    hour = np.arange(72)
    wave = np.sin(2 * np.pi * (hour - 10) / 24)
    sun = 0.72 * radiation.extraterrestrial_radiation_hourly(PLACE["latitude"], PLACE["longitude"], time) / 0.0036
    return xr.Dataset(
        {
            "air_temperature": ("time", 15 + 8 * wave + 0.01 * hour),
            "relative_humidity": ("time", 60 - 25 * wave + 0.01 * hour),
            "wind_speed": ("time", 2 + wave + 0.01 * hour),
            "precipitation": ("time", np.zeros(72)),
            "shortwave_radiation": ("time", sun.values),
            "surface_pressure": ("time", 930 + wave + 0.01 * hour),
        },
        coords={"time": time},
    )


def flags_of(weather: xr.Dataset, name: str) -> list[int]:
    return quality.flag(weather, **PLACE)[f"{name}_flag"].values.tolist()


def test_good_weather_has_no_flag(weather: xr.Dataset) -> None:
    found = quality.flag(weather, **PLACE)
    assert len(found.data_vars) == 6
    assert all((found[name] == quality.GOOD).all() for name in found.data_vars)
    attributes = found["air_temperature_flag"].attrs
    assert len(attributes["flag_values"]) == len(attributes["flag_meanings"].split())


def test_missing_range_and_step(weather: xr.Dataset) -> None:
    weather["air_temperature"][10] = np.nan
    weather["air_temperature"][20] = 70.0
    weather["air_temperature"][40:] += 12.0
    found = flags_of(weather, "air_temperature")
    assert (found[10], found[20], found[40], found[41]) == (
        quality.MISSING,
        quality.OUT_OF_RANGE,
        quality.STEP,
        quality.GOOD,
    )


def test_a_jump_across_a_gap_in_time_is_no_step(weather: xr.Dataset) -> None:
    weather["air_temperature"][40:] += 12.0
    cut = weather.isel(time=np.r_[0:38, 40:72])
    assert set(flags_of(cut, "air_temperature")) == {quality.GOOD}


def test_a_stuck_sensor_but_not_a_dry_spell(weather: xr.Dataset) -> None:
    weather["air_temperature"][22:35] = 15.2
    found = np.array(flags_of(weather, "air_temperature"))
    assert (found[22:35] == quality.STUCK).all()
    assert (np.delete(found, np.r_[22:35]) == quality.GOOD).all()
    assert set(flags_of(weather, "precipitation")) == {quality.GOOD}


def test_radiation_at_night_and_beyond_the_sun(weather: xr.Dataset) -> None:
    weather["shortwave_radiation"][1] = 80.0
    weather["shortwave_radiation"][12] = 1350.0
    found = flags_of(weather, "shortwave_radiation")
    assert (found[1], found[12], found[13]) == (quality.INCONSISTENT, quality.INCONSISTENT, quality.GOOD)


def test_radiation_far_above_a_clear_sky(weather: xr.Dataset) -> None:
    weather["shortwave_radiation"][8] *= 1.36  # a morning hour, still below the top of the atmosphere
    assert flags_of(weather, "shortwave_radiation")[8] == quality.ABOVE_CLEAR_SKY


def test_rain_out_of_dry_air(weather: xr.Dataset) -> None:
    weather["relative_humidity"][16] = 35.0
    weather["precipitation"][16] = 5.0
    weather["precipitation"][4] = 5.0
    found = flags_of(weather, "precipitation")
    assert (found[16], found[4]) == (quality.INCONSISTENT, quality.GOOD)


def test_members_are_refused(weather: xr.Dataset) -> None:
    with pytest.raises(DataError, match="member"):
        quality.flag(xr.concat([weather, weather], dim="member"), **PLACE)
