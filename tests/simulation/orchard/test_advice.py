"""Irrigation advice: worked by hand, right when it is applied, and as likely as it says."""

import datetime
from typing import Any

import numpy as np
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.simulation.orchard.advice import aimed_share, irrigation_advice
from agritwin.simulation.orchard.balance import simulate
from agritwin.simulation.orchard.management import Irrigation
from tests.simulation.orchard.conftest import orchard, season

FIRST = datetime.date(2024, 7, 1)
#: All but closed canopy, so that the ground evaporates next to nothing: the trees take 4 of 5 mm a day.
TREES = orchard(
    total_available_water=140.0, depletion_fraction=0.4, depletion_adjustment=0.0, curve_number=30.0,
    kcb_initial=0.8, kcb_mid=0.8, kcb_end=0.8, cover_minimum=0.999, cover_maximum=1.0,
)  # fmt: skip
STAGES = xr.Dataset(
    {name: ("member", [TREES[name]]) for name in ("leaf_out", "stage_2", "stage_3", "maturity", "leafless")}
)
EVAPORATED = 0.4  # mm in a week, from the hundredth of the ground that is never covered


def week(rain: tuple[float, ...] = (), first: datetime.date = FIRST) -> xr.Dataset:
    """Seven days of 5 mm of demand in a standard climate."""
    days = season(7, first=str(first))
    days["et0"][:], days["wind_speed"][:], days["relative_humidity_min"][:] = 5.0, 2.0, 45.0
    days["precipitation"][:] = np.pad(rain, (0, 7 - len(rain)))
    return days


def after(depletion: float, days: xr.Dataset, **changes: Any) -> xr.Dataset:
    return simulate(days, TREES | {"initial_depletion_share": depletion / 140.0} | changes)


# The root zone holds 140 mm, the trees lack none of the first 56
@pytest.mark.parametrize(
    ("depletion", "rain", "millimetres", "chance", "day"),
    [
        (100.0, (), 100 - 56 + 7 * 4, 1.0, 1),  # dry soil: back to 56, then what unstressed trees take
        (100.0, (61.0,), 100 - 61 + 7 * 4 - 56, 1.0, 5),  # rain tomorrow: 43 mm lacking at its end, 59 on day 5
        (54.0, (0.0, 0.0, 40.0), 54 + 2 * 4 - 56, 1.0, 1),  # short until the rain comes
        (100.0, (0.0, 140.0), 100 + 4 - 56, 1.0, 1),  # rain that drains what was watered: no more after it
        (0.0, (), 0.0, 0.0, None),  # full soil
        (27.0, (), 0.0, 0.0, None),  # enough for seven days
        (30.0, (), 2.0, 1.0, 7),  # short on the last
    ],
)
def test_worked_by_hand(
    depletion: float, rain: tuple[float, ...], millimetres: float, chance: float, day: int | None
) -> None:
    found = irrigation_advice(after(depletion, week(rain)), FIRST, Irrigation(efficiency=0.8))
    assert found["advised_net"].item() == pytest.approx(millimetres, abs=EVAPORATED)
    assert found["advised_gross"].item() == pytest.approx(found["advised_net"].item() / 0.8)
    assert found["share_in_need"].item() == chance
    begins = found["first_day_of_need"].to_numpy().astype("datetime64[D]")
    expected = np.datetime64("NaT", "D") if day is None else np.datetime64(FIRST) + np.timedelta64(day - 1, "D")
    np.testing.assert_array_equal(begins, expected)
    assert found["share_left_short"].item() == 0.0


def test_water_that_rain_drives_out_is_lacking_later() -> None:
    found = irrigation_advice(after(100.0, week((0.0, 100.0))), FIRST, Irrigation(threshold_share_of_raw=0.2))
    # to 11.2 mm on the first day; the rain fills the soil and drains, then it falls to 24 mm at 4 a day
    assert found["advised_net"].item() == pytest.approx(104.0 - 11.2 + 24.0 - 11.2, abs=EVAPORATED)


def test_the_depth_keeps_to_what_can_be_given() -> None:
    dry = after(100.0, week())
    by_day = irrigation_advice(dry, FIRST, Irrigation(maximum_mm_per_day=5.0))
    assert by_day["advised_net"].item() == pytest.approx(35.0)
    assert by_day["share_left_short"].item() == 1.0
    by_week = irrigation_advice(dry, FIRST, Irrigation(maximum_mm_per_day=11.0))
    assert by_week["advised_net"].item() == pytest.approx(72.0, abs=EVAPORATED)  # late, but not short in the end
    assert by_week["share_left_short"].item() == 0.0
    watered = week(first=FIRST - datetime.timedelta(days=7))
    watered["irrigation"] = ("day", [12.0, 0, 0, 0, 0, 0, 0])
    course = simulate(xr.concat([watered, week().assign(irrigation=("day", np.zeros(7)))], "day"), TREES)
    left = irrigation_advice(course, FIRST, Irrigation(season_limit_mm=20.0), share=1.0)
    assert left["advised_net"].item() == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("first", "shares", "millimetres"),
    [
        # held at 140 - share (140 - 56), where they take the share of 4 mm a day
        ("2024-05-10", (0.5, 0.25, 1.0), 100 - 98 + 7 * 2),
        ("2024-06-10", (0.5, 0.75, 1.0), 100 - 77 + 7 * 3),
        ("2024-08-10", (0.5, 0.25, 1.0), 100 - 56 + 7 * 4),
        ("2024-08-10", (1.0, 1.0, 0.0), 0.0),
        ("2024-10-01", (1.0, 1.0, 1.0), 0.0),  # the fruit is ripe
    ],
)
def test_a_deficit_by_stage_asks_for_less(first: str, shares: tuple[float, float, float], millimetres: float) -> None:
    begin = datetime.date.fromisoformat(first)
    rule = Irrigation(rule="deficit", stage_shares=shares)
    dry = after(100.0, week(first=begin))
    found = irrigation_advice(dry, begin, rule, aimed_share(STAGES, rule, dry["day"]))
    assert found["advised_net"].item() == pytest.approx(millimetres, abs=EVAPORATED)
    assert found["share_in_need"].item() == float(millimetres > 0.0)


@pytest.mark.parametrize("first", ["2024-03-20", "2024-11-20"])
def test_a_dormant_orchard_is_not_watered(first: str) -> None:
    begin = datetime.date.fromisoformat(first)
    dry = after(130.0, week(first=begin))
    assert float(dry["root_zone_depletion"].min()) > float(dry["readily_available_water"].max())
    found = irrigation_advice(dry, begin, share=aimed_share(STAGES, Irrigation(), dry["day"]))
    assert found["advised_net"].item() == 0.0
    assert found["share_in_need"].item() == 0.0
    olives = STAGES.assign_attrs(evergreen=1)
    found = irrigation_advice(dry, begin, share=aimed_share(olives, Irrigation(), dry["day"]))
    assert found["share_in_need"].item() == 1.0  # leaves that stay are thirsty in any month


def test_it_is_what_a_rule_gives_that_keeps_sparse_trees_from_stress() -> None:
    grove = orchard(initial_depletion_share=0.75)
    july = season().sel(day=slice("2024-07-01", "2024-07-07"))
    found = irrigation_advice(simulate(july, grove), FIRST)
    depth = found["advised_net"].item()
    held = simulate(july, grove, management=Irrigation(rule="deficit"))
    evaporated = held["soil_evaporation"].sum().item() - simulate(july, grove)["soil_evaporation"].sum().item()
    assert held["ks"].min().item() == 1.0
    # the rule looks at the morning and lets the last day's use stand; what the ground evaporates is not advised
    left = (held["root_zone_depletion"] - held["readily_available_water"]).isel(day=-1).item()
    assert depth == pytest.approx(held["season_irrigation"].item() + left - evaporated, abs=1.0)
    assert evaporated < 0.15 * depth


def uncertain(members: int, seed: int) -> tuple[xr.Dataset, dict[str, Any]]:
    """Soils, trees and weather that nobody knows for certain, of one population; how dry it is on the whole differs."""
    random = np.random.default_rng(seed)
    july = season(7, members, seed, str(FIRST))
    july["et0"] = july["et0"] + 4.0
    start = random.uniform(0.0, 0.5)
    grove = orchard(
        total_available_water=140.0 * np.exp(0.2 * random.standard_normal(members)),
        kcb_mid=random.uniform(0.5, 1.0, members),
        initial_depletion_share=start + random.uniform(-0.1, 0.1, members).clip(-start),
    )
    return july, grove


def test_the_chance_and_the_depth_are_those_of_truths() -> None:
    """Truths of the population of the members: the chance comes true, and half of them need more than is advised."""
    chances, came, more = [], [], []
    for seed in range(60):
        weather, grove = uncertain(120, seed)
        run = simulate(weather, grove)
        members, truths = run.isel(member=slice(0, 100)), run.isel(member=slice(100, None))
        told, came_to = irrigation_advice(members, FIRST), irrigation_advice(truths, FIRST)
        chances.append(told["share_in_need"].item())
        came.append(came_to["share_in_need"].item())
        more.append((came_to["need"] > told["advised_net"]).mean().item())
    expected, observed = np.array(chances), np.array(came)
    assert expected.min() < 0.25
    assert expected.max() > 0.75
    assert observed.mean() == pytest.approx(expected.mean(), abs=0.03)
    for low in (0.0, 0.25, 0.5, 0.75):
        bin_ = (expected >= low) & (expected <= low + 0.25)
        assert observed[bin_].mean() == pytest.approx(expected[bin_].mean(), abs=0.1)
    needed = expected > 0.55
    assert np.array(more)[needed].mean() == pytest.approx(0.5, abs=0.06)


def test_share_counts_the_members_that_run_dry() -> None:
    water = np.array([60.0] * 3 + [990.0] * 7)
    dry = simulate(week(), TREES | {"total_available_water": water, "initial_depletion_share": 0.0})
    found = irrigation_advice(dry, FIRST)
    assert found["share_in_need"].item() == pytest.approx(0.3)
    assert found["advised_net"].item() == 0.0  # half of the members need none
    cautious = irrigation_advice(dry, FIRST, assurance=0.9)
    assert cautious["advised_net"].item() == pytest.approx(28.0 - 24.0, abs=EVAPORATED)


def test_a_week_that_is_not_simulated_is_refused() -> None:
    with pytest.raises(DataError, match="3 of the 7 days"):
        irrigation_advice(simulate(season(), orchard()), datetime.date(2024, 10, 28))


def test_a_week_already_irrigated_is_refused() -> None:
    watered = simulate(season(), orchard(), management=Irrigation(rule="fixed", depth_mm=5.0, interval_days=1))
    with pytest.raises(DataError, match="'none'"):
        irrigation_advice(watered, FIRST)
