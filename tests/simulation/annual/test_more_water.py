"""More water never lowers transpiration: for the canopy of the day. For a season it is no theorem."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agritwin.simulation.annual import reference
from agritwin.simulation.annual.parameters import sample
from agritwin.simulation.annual.wofost import final_state, simulate
from tests.simulation.annual import published
from tests.simulation.annual.conftest import shipped
from tests.simulation.annual.drawn import CROPS, FIELDS, place


def irrigated(weather: xr.Dataset, day: int, depth: float) -> xr.Dataset:
    water = np.zeros(weather.sizes["day"])
    water[day] = depth
    return weather.assign(irrigation=("day", water, {"units": "mm"}))


def transpired_by_moisture(
    crop: str, members: xr.Dataset, weather: xr.Dataset, day: int, moisture: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Transpiration of one day (moisture, member) by the moisture of the root zone, all else in the state alike."""
    before = simulate(weather.isel(day=slice(0, day)), members, None, shipped(crop), daily=False)
    same = np.tile(np.arange(members.sizes["member"]), len(moisture))
    state = final_state(before).isel(member=same).assign(soil_moisture=("member", moisture.ravel()))
    every = members.isel(member=same)
    for each in (state, every):
        each["member"] = np.arange(same.size)
    today = simulate(weather.isel(day=[day]), every, state, shipped(crop), daily=["transpiration"])
    return today["transpiration"].to_numpy().reshape(moisture.shape)


@given(drawn=FIELDS, crop=CROPS, day=st.integers(20, 250))
@settings(max_examples=12, deadline=None)
def test_more_water_in_the_soil_never_lowers_the_transpiration_of_the_day(
    drawn: dict[str, float], crop: str, day: int
) -> None:
    """Up to saturation; where roots can drown, up to the critical share of air."""
    weather, soil = place(drawn)
    members = sample(crop, 8, 2, **soil)
    dry, full, air = (np.broadcast_to(members[name], 8) for name in ("SMW", "SM0", "CRAIRC"))
    wettest = np.maximum(full - air, dry) if soil["IOX"] else full
    moisture = np.linspace(0.5 * dry, wettest, 9)
    assert (np.diff(transpired_by_moisture(crop, members, weather, day, moisture), axis=0) >= -1e-12).all()


def test_a_crop_in_leaf_does_transpire_more_from_a_wetter_soil() -> None:
    members = sample("maize", 50, 3)
    dry, moist = (np.broadcast_to(members[name], 50) for name in ("SMW", "SMFCF"))
    found = transpired_by_moisture("maize", members, published.weather(), 180, np.linspace(dry, moist, 5))
    assert (found[0] == 0.0).all()
    assert (found[-1] > 1.0).all()


@given(drawn=FIELDS, crop=CROPS, day=st.integers(20, 200), depth=st.floats(0.1, 60.0))
@settings(max_examples=15, deadline=None)
def test_water_of_a_day_lowers_nothing_until_the_canopy_has_answered(
    drawn: dict[str, float], crop: str, day: int, depth: float
) -> None:
    """It is in the soil on the next day, and in the leaves on the one after. Lack of oxygen is left out."""
    weather, soil = place(drawn)
    members = sample(crop, 4, 2, **{**soil, "IOX": 0.0})
    names = ["transpiration", "soil_moisture", "leaf_area_index"]
    dry, wet = (
        simulate(each, members, None, shipped(crop), daily=names).isel(day=slice(0, day + 2))
        for each in (weather, irrigated(weather, day, depth))
    )
    assert (wet["leaf_area_index"] == dry["leaf_area_index"]).all()
    assert float((wet["transpiration"] - dry["transpiration"]).min()) >= -1e-9
    assert float((wet["soil_moisture"] - dry["soil_moisture"]).min()) >= -1e-12


def potatoes(depth: float) -> tuple[xr.Dataset, xr.Dataset, dict[str, Any]]:
    """Potatoes in a dry year on little soil, given a depth in February, before they are planted."""
    soil = {"IOX": 0.0, "WAV": 11.0, "RDMSOL": 150.0, "SMW": 0.10, "SMFCF": 0.20, "SM0": 0.35}
    weather = published.weather().copy(deep=True)
    weather["precipitation"][:] *= 0.3
    return irrigated(weather, 46, depth), sample("potato", 1, 12, **soil), shipped("potato")


def test_over_a_season_a_wetting_may_cost_more_than_it_gives() -> None:
    """More than 10 mm a day start the evaporation of a bare soil anew: potatoes then find less water, not more."""
    none, little, more = (
        simulate(weather, members, None, management, daily=False)
        for weather, members, management in map(potatoes, (0.0, 5.0, 11.0))
    )
    transpired = [found["season_transpiration"].item() for found in (none, little, more)]
    assert transpired[2] < transpired[0] - 5.0 < transpired[1] - 6.0
    assert more["season_soil_evaporation"].item() > none["season_soil_evaporation"].item() + 11.0
    assert more["yield_dry_matter"].item() < none["yield_dry_matter"].item()


@pytest.mark.usefixtures("pcse")
@pytest.mark.filterwarnings("ignore:Passing unrec:DeprecationWarning")
def test_pcse_has_the_same_season_in_which_water_costs_more_than_it_gives() -> None:
    none, more = (
        reference.simulate(weather, members, None, management)
        for weather, members, management in map(potatoes, (0.0, 11.0))
    )
    lost, evaporated = (float((none - more)[name].sum()) for name in ("transpiration", "soil_evaporation"))
    assert 5.0 < lost < 7.0
    assert evaporated < -11.0
    ours = simulate(*potatoes(11.0)[:2], None, shipped("potato"), daily=["transpiration"])["transpiration"]
    assert float(more["transpiration"].sum()) == pytest.approx(float(ours.sum()), rel=1e-6)
