"""Irrigation advice: the depth is right when applied, and the share is that of the members."""

import datetime

import numpy as np
import pytest

from agritwin.errors import DataError
from agritwin.simulation.orchard.advice import irrigation_advice
from agritwin.simulation.orchard.balance import final_state, simulate
from agritwin.simulation.orchard.management import Irrigation
from tests.simulation.orchard.conftest import orchard, season

FIRST = datetime.date(2024, 6, 25)


def test_no_need_in_winter() -> None:
    found = irrigation_advice(simulate(season(), orchard()), datetime.date(2024, 1, 20))
    assert found["advised_net"].item() == 0.0
    assert found["share_in_need"].item() == 0.0
    assert np.isnat(found["first_day_of_need"].values)


def test_the_advised_depth_brings_the_week_back_to_the_threshold() -> None:
    weather = season()
    dry = simulate(weather, orchard())
    found = irrigation_advice(dry, FIRST, Irrigation(efficiency=0.8))
    depth = found["advised_net"].item()
    assert depth > 0.0
    assert found["advised_gross"].item() == pytest.approx(depth / 0.8)
    before = simulate(weather.sel(day=slice(None, "2024-06-24")), orchard())
    week = weather.sel(day=slice("2024-06-25", "2024-07-01"))
    week["irrigation"] = ("day", [depth, 0, 0, 0, 0, 0, 0])
    watered = simulate(week, orchard(), final_state(before))
    margin = watered["root_zone_depletion"] - watered["readily_available_water"]
    # better watered trees use more, and part of the water evaporates: a few mm, but no more
    assert 0.0 <= float(margin.max()) < 0.75 * depth


def test_share_counts_the_members_that_run_dry() -> None:
    water = np.array([60.0] * 3 + [990.0] * 7)
    hot = season(40, first="2024-06-01")
    hot["et0"][:], hot["precipitation"][:] = 6.0, 0.0
    dry = simulate(hot, orchard(total_available_water=water, initial_depletion_share=0.0))
    found = irrigation_advice(dry, FIRST)
    assert found["share_in_need"].item() == pytest.approx(0.3)
    assert found["advised_net"].item() == 0.0  # half of the members need none
    cautious = irrigation_advice(simulate(season(), orchard(total_available_water=water)), FIRST, assurance=0.9)
    assert cautious["advised_net"].item() > 0.0


def test_a_week_that_is_not_simulated_is_refused() -> None:
    with pytest.raises(DataError, match="3 of the 7 days"):
        irrigation_advice(simulate(season(), orchard()), datetime.date(2024, 10, 28))


def test_a_week_already_irrigated_is_refused() -> None:
    watered = simulate(season(), orchard(), management=Irrigation(rule="fixed", depth_mm=5.0, interval_days=1))
    with pytest.raises(DataError, match="'none'"):
        irrigation_advice(watered, FIRST)
