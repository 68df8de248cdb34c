"""Days as the cube keeps them: what each value is made of."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agritwin.agromet.day_table import day_table, with_hargreaves
from agritwin.agromet.et0 import hargreaves
from agritwin.agromet.humidity import air_pressure, elevation_from_pressure
from agritwin.provenance import Provenance

NAMES = (
    "air_temperature",
    "precipitation",
    "relative_humidity",
    "shortwave_radiation",
    "surface_pressure",
    "wind_speed",
)


def hours(codes=None, names=("missing", "station.measured", "grid.modelled")):
    """Two days of hours in UTC whose values are given by two sources."""
    time = np.datetime64("2025-06-01T01", "ns") + np.arange(48) * np.timedelta64(1, "h")
    daily = np.sin((np.arange(48) % 24 - 8) / 24 * 2 * np.pi)
    values = dict(zip(NAMES, (18 + 8 * daily, 0 * daily, 55 - 20 * daily, np.maximum(daily, 0) * 800), strict=False))
    values |= {"surface_pressure": 930 + 0 * daily, "wind_speed": 2 + 0 * daily}
    data = xr.Dataset({name: ("time", values[name]) for name in NAMES}, {"time": time}, {"synthetic": "true"})
    codes = np.ones((48, 6), np.uint8) if codes is None else codes
    origin = Provenance(codes, list(names), {})
    return data.assign(origin=(("time", "variable"), origin.codes, origin.attributes())).assign_coords(
        variable=list(NAMES)
    )


def origins(days, name):
    meanings = np.array(days["origin"].attrs["flag_meanings"].split())
    return meanings[days["origin"].sel(variable=name).to_numpy()].tolist()


def made(hourly):
    return day_table(hourly, 41.3, -4.8, 750.0, "UTC")


def test_a_day_of_one_source_is_of_that_source_and_what_is_computed_is_estimated():
    days = made(hours())
    assert origins(days, "air_temperature_max") == ["station.measured"] * 2
    assert origins(days, "et0") == ["fao56_penman_monteith.estimated"] * 2
    assert origins(days, "vapour_pressure_deficit") == ["derived.estimated"] * 2
    assert origins(days, "precipitation_trace") == ["missing"] * 2


def test_a_day_of_two_sources_is_of_several_and_of_the_lesser_kind():
    codes = np.ones((48, 6), np.uint8)
    codes[30:33, 0] = 2
    days = made(hours(codes))
    assert origins(days, "air_temperature") == ["station.measured", "several.modelled"]
    assert origins(days, "precipitation") == ["station.measured"] * 2


def test_a_day_that_lacks_an_hour_is_missing_and_counts_its_hours():
    hourly = hours()
    hourly["wind_speed"][3] = np.nan
    days = made(hourly)
    assert origins(days, "wind_speed") == ["missing", "station.measured"]
    assert days["wind_speed_hours"].to_numpy().tolist() == [23, 24]
    assert origins(days, "et0") == ["hargreaves.estimated", "fao56_penman_monteith.estimated"]
    expected = hargreaves(days["air_temperature_max"], days["air_temperature_min"], 41.3, days["day"].dt.dayofyear)
    assert float(days["et0"][0]) == pytest.approx(float(expected[0]))


def test_a_stations_own_evapotranspiration_is_kept():
    days = xr.Dataset(
        {name: ("day", np.array(values)) for name, values in (("air_temperature_max", [30.0]), ("et0", [5.1]))},
        {"day": [np.datetime64("2025-06-01", "ns")]},
    ).assign(air_temperature_min=("day", [12.0]))
    assert float(with_hargreaves(days, 41.3)["et0"][0]) == 5.1
    estimated = with_hargreaves(days.drop_vars("et0"), 41.3)["et0"]
    assert estimated.attrs["origin"] == "estimated"
    assert 4.0 < float(estimated[0]) < 8.0


@given(st.floats(-300, 5000))
def test_the_elevation_of_a_pressure_inverts_fao_56(elevation):
    assert elevation_from_pressure(air_pressure(elevation)) == pytest.approx(elevation, abs=1e-6)
