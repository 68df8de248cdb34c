"""The budget of a season: where the best use is known, it is found; elsewhere nothing tried by hand beats it."""

import itertools
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import ConfigError
from agritwin.simulation.orchard.balance import simulate
from agritwin.simulation.orchard.budget import allocate
from agritwin.simulation.orchard.management import Irrigation
from tests.simulation.orchard.conftest import orchard, season

KY = np.array([0.9, 0.3, 1.1])
DAYS = np.array([50, 41, 65])  # of the stages of the grove in conftest


def drought() -> xr.Dataset:
    """No rain, 5 mm of demand every day."""
    weather = season()
    weather["precipitation"][:], weather["et0"][:] = 0.0, 5.0
    weather["wind_speed"][:], weather["relative_humidity_min"][:] = 2.0, 45.0
    return weather


def pot(**changes: Any) -> xr.Dataset:
    """Trees without a store, no bare soil: the day's 4 mm are all that stress leaves between little water and none."""
    values = orchard(
        total_available_water=20.0, depletion_fraction=0.8, depletion_adjustment=0.0, initial_depletion_share=1.0,
        kcb_initial=0.8, kcb_mid=0.8, kcb_end=0.8, cover_minimum=0.999, cover_maximum=1.0,
        **{f"ky_stage_{stage}": ky for stage, ky in enumerate(KY, start=1)}, **changes,
    )  # fmt: skip
    return xr.Dataset({name: ("member", np.array([value])) for name, value in values.items()}).assign(
        {
            name: ("member", np.array([value], dtype="datetime64[s]"))
            for name, value in values.items()
            if isinstance(value, np.datetime64)
        }
    )


def best_shares(budget: float, demand: NDArray) -> NDArray:
    """Exact answer of max sum log(1 - ky + ky s) with sum(s demand) = budget, 0 <= s <= 1 (Karush-Kuhn-Tucker)."""
    low, high = 1e-9, 1e3
    for _ in range(200):
        price = np.sqrt(low * high)
        shares = np.clip(1.0 / (price * demand) - (1.0 - KY) / KY, 0.0, 1.0)
        low, high = (price, high) if (shares * demand).sum() > budget else (low, price)
    return shares


@pytest.mark.parametrize("budget", [150.0, 300.0, 450.0])
def test_the_known_optimum_without_a_store_is_found(budget: float) -> None:
    demand = 5.0 * 0.8 * DAYS
    exact = best_shares(budget, demand)
    found = allocate(drought(), pot(), budget, Irrigation(under_canopy=False, wetted_fraction=1.0), generations=60)
    assert found.plan == "optimised"
    expected = float(np.prod(1.0 - KY * (1.0 - exact)))
    reached = found.table["relative_yield"].sel(plan="optimised").item()
    assert reached == pytest.approx(expected, rel=0.01)
    assert reached <= expected + 0.005  # and no more than can be had
    run = simulate(drought(), pot(), management=found.management)
    transpired = [run[f"final_transpiration_stage_{stage}"].item() for stage in (1, 2, 3)]
    np.testing.assert_allclose(np.array(transpired) / demand, exact, atol=0.04)
    assert found.table["irrigation"].sel(plan="optimised").item() <= budget + 1e-9


def grove(members: int) -> xr.Dataset:
    random = np.random.default_rng(1)
    values = orchard(total_available_water=random.uniform(90, 180, members))
    return xr.Dataset({name: ("member", np.broadcast_to(np.asarray(value), members)) for name, value in values.items()})


def test_no_shares_tried_by_hand_beat_it() -> None:
    weather, field = season(members=12), grove(12)
    found = allocate(weather, field, 120.0)
    reached = found.table["relative_yield"].sel(plan="optimised").item()
    for shares in itertools.product((0.2, 0.6, 1.0), repeat=3):
        by_hand = Irrigation(rule="deficit", stage_shares=shares, threshold_share_of_raw=0.8, season_limit_mm=120.0)
        assert simulate(weather, field, management=by_hand)["relative_yield_water"].mean().item() <= reached + 1e-3
    assert found.gain >= -1e-9
    assert found.table["irrigation"].sel(plan=["uniform", "refill", "optimised"]).max() <= 120.0 + 1e-9


def test_it_states_what_else_could_be_done_with_the_water() -> None:
    found = allocate(season(members=8), grove(8), 100.0, generations=8)
    table = found.table
    assert table["plan"].values.tolist() == ["none", "uniform", "refill", "unlimited", "optimised"]
    assert table["irrigation"].sel(plan="none").item() == 0.0
    assert table["irrigation"].sel(plan="uniform").item() == pytest.approx(100.0)
    assert table["relative_yield"].sel(plan="unlimited") >= table["relative_yield"].sel(plan="refill")
    assert (table["relative_yield_p10"] <= table["relative_yield_p90"]).all()
    assert all(values.attrs["units"] for values in table.data_vars.values())
    again = allocate(season(members=8), grove(8), 100.0, generations=8)
    assert again.management == found.management


def test_with_several_years_the_plan_is_judged_on_others_than_those_it_was_sought_on() -> None:
    courses = np.arange(12) % 6
    assert allocate(season(members=12), grove(12), 100.0, courses=courses, generations=4).judged_apart
    assert not allocate(season(members=12), grove(12), 100.0, courses=courses % 3, generations=4).judged_apart


YEARS = np.arange(30) % 10


def uncertain(seed: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Ten years of weather on soils and with responses of the yield that differ from member to member."""
    random = np.random.default_rng(seed)
    weather = xr.concat([season(seed=100 * seed + year) for year in range(10)], "member").isel(member=YEARS)
    field = grove(30)
    spread = 1.0 + 0.15 * random.standard_normal((3, 30))
    responses = zip((1, 2, 3), (0.8, 0.4, 0.9), strict=True)
    field = field.assign({f"ky_stage_{n}": ("member", np.clip(ky * spread[n - 1], 0, 1)) for n, ky in responses})
    return weather, field.assign(total_available_water=("member", random.uniform(90, 180, 30)))


@pytest.mark.parametrize("budget", [60.0, 200.0])
@pytest.mark.parametrize("seed", [0, 3])
def test_in_years_that_it_never_saw_it_beats_fixed_dates_and_a_threshold_with_the_same_water(
    seed: int, budget: float
) -> None:
    weather, field = uncertain(seed)
    found = allocate(weather, field, budget, Irrigation(maximum_mm_per_day=6.0), courses=YEARS, seed=seed)
    assert found.judged_apart
    assert found.plan == "optimised"
    assert found.gain > 0.01
    unseen = np.flatnonzero(YEARS % 2 == 1)
    run = simulate(weather.isel(member=unseen), field.isel(member=unseen), management=found.management)
    told = found.table["relative_yield"].sel(plan="optimised").item()
    assert run["relative_yield_water"].mean().item() == pytest.approx(told, rel=1e-12)
    water = found.table["irrigation"]
    np.testing.assert_allclose(water.sel(plan=["uniform", "refill"]), budget)
    assert water.sel(plan="optimised").item() <= budget + 1e-9


@pytest.mark.parametrize(("most", "depth", "interval"), [(50.0, 300.0 / 22, 7), (6.0, 300.0 / 52, 3), (1.0, 1.0, 1)])
def test_what_it_is_compared_with_can_be_done_by_the_system(most: float, depth: float, interval: int) -> None:
    table = allocate(season(members=2), grove(2), 300.0, Irrigation(maximum_mm_per_day=most), generations=1).table
    given = table["irrigation"].sel(plan="uniform").item()
    applications = -(-154 // interval)
    assert given == pytest.approx(depth * applications)


@pytest.mark.parametrize("budget", [0.0, -5.0, np.inf])
def test_a_budget_that_is_none_is_refused(budget: float) -> None:
    with pytest.raises(ConfigError, match="budget_mm"):
        allocate(season(members=2), grove(2), budget)
