"""Nights of frost in WOFOST 7.2: they slow growth and development and kill nothing, so no claim is made on yield."""

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agritwin.simulation.annual.parameters import sample, table
from agritwin.simulation.annual.wofost import final_state, simulate
from tests.simulation.annual import published
from tests.simulation.annual.conftest import shipped
from tests.simulation.annual.drawn import CROPS, FIELDS, place


def with_night(weather: xr.Dataset, day: int, coldest: float) -> xr.Dataset:
    changed = weather.copy(deep=True)
    changed["air_temperature_min"][day] = min(coldest, float(weather["air_temperature_min"][day]))
    return changed


@given(drawn=FIELDS, crop=CROPS, day=st.integers(20, 180), coldest=st.floats(-15.0, 5.0))
@settings(max_examples=12, deadline=None)
def test_a_colder_night_never_raises_the_assimilation_of_the_day(
    drawn: dict[str, float], crop: str, day: int, coldest: float
) -> None:
    """Of the same crop, where the day is no warmer than the crop likes best."""
    weather, soil = place(drawn)
    members = sample(crop, 10, 4, **soil)
    warmth = table(members, "TMPFTB")
    best = warmth[warmth[:, 1].argmax(), 0]
    state = final_state(simulate(weather.isel(day=slice(0, day)), members, None, shipped(crop), daily=False))
    weather["air_temperature_max"][day] = np.clip(weather["air_temperature_max"][day], None, best)
    weather["air_temperature_min"][day] = np.clip(weather["air_temperature_min"][day], None, best)
    mild, cold = (
        simulate(each.isel(day=[day]), members, state, shipped(crop))["gross_assimilation"]
        for each in (weather, with_night(weather, day, coldest))
    )
    assert float((cold - mild).max()) <= 1e-9


def test_a_frost_after_the_crop_has_gone_changes_nothing() -> None:
    weather, members = published.weather(), sample("wheat", 5, 1)
    found = simulate(weather, members, None, shipped("wheat"))
    last = int((found["end"].max() - weather["day"][0]) / np.timedelta64(1, "D"))
    later = simulate(with_night(weather, last + 1, -20.0), members, None, shipped("wheat"))
    for name in ("yield_dry_matter", "total_above_ground_production", "season_transpiration"):
        assert later[name].to_numpy().tobytes() == found[name].to_numpy().tobytes(), name


def test_a_frost_that_delays_ripeness_may_raise_the_yield() -> None:
    """Why a later frost is bound to nothing here: WOFOST 7.2 has no frost damage, and a cold day is a longer season."""
    weather, members = published.weather(), sample("wheat", 1, 1)
    without, frost = (
        simulate(each, members, None, shipped("wheat"), daily=False) for each in (weather, with_night(weather, 111, -4))
    )
    assert frost["yield_dry_matter"].item() > without["yield_dry_matter"].item() + 100.0
    assert (frost["ripeness"] > without["ripeness"]).all()
