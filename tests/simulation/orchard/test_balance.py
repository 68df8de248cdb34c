"""The water balance: worked examples of FAO-56, the NumPy reference, and what must hold for any orchard."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agritwin.errors import ConfigError, DataError
from agritwin.simulation.orchard import kernels, layout
from agritwin.simulation.orchard.balance import final_state, simulate
from agritwin.simulation.orchard.management import Irrigation
from tests.simulation.orchard import reference
from tests.simulation.orchard.conftest import orchard, season

DATA = Path(__file__).parent / "data"
BOOK_DAYS = pd.date_range("2024-01-01", periods=10, freq="D")
NEVER = np.datetime64("NaT", "s")


def book(**given: Any) -> xr.Dataset:
    """Ten days of a worked example, with the crop given day by day."""
    variables = {
        "precipitation": np.zeros(10),
        "wind_speed": np.full(10, 2.0),
        "relative_humidity_min": np.full(10, 45.0),
    }
    variables |= {"irrigation": np.zeros(10), **given}
    return xr.Dataset(
        {name: ("day", np.broadcast_to(values, 10)) for name, values in variables.items()}, coords={"day": BOOK_DAYS}
    )


def book_field(**changes: Any) -> dict[str, Any]:
    days = dict.fromkeys(
        ["leaf_out", "full_canopy", "senescence", "leaf_fall", "leafless", "stage_2", "stage_3", "maturity"], NEVER
    )
    plain = {"curve_number": 1.0, "depletion_adjustment": 0.0, "height": 0.3, "initial_depletion_share": 0.0}
    return {**orchard(), **days, **plain, **changes}


@pytest.fixture(scope="module")
def example_35() -> tuple[xr.Dataset, dict[str, Any]]:
    """Sandy loam, TEW 18, REW 8, dry at first; 40 mm on day 1 over 0.8 of the ground, 6 mm of rain on day 6."""
    et0 = [4.5, 5.0, 3.9, 4.2, 4.8, 2.7, 5.8, 5.1, 4.7, 5.2]
    rain, irrigation = np.zeros(10), np.zeros(10)
    rain[5], irrigation[0] = 6.0, 40.0
    kcb = [0.30, 0.31, 0.32, 0.33, 0.34, 0.36, 0.37, 0.38, 0.39, 0.40]
    bare = np.array([0.92, 0.91, 0.91, 0.90, 0.89, 0.89, 0.88, 0.87, 0.87, 0.86])
    exposed = np.minimum(bare, np.where(np.arange(10) < 5, 0.8, 1.0))  # Eq. 75 by hand: the book has a single layer
    # the book's Kc max, 1.212 for 1.6 m s-1 and 35 percent, is rounded to 1.21: here that of 2 m s-1 and 40 percent
    drivers = book(
        precipitation=rain,
        et0=et0,
        irrigation=irrigation,
        kcb=kcb,
        ground_cover=1 - exposed,
        relative_humidity_min=40.0,
    )
    field = book_field(
        total_evaporable_water=18.0,
        readily_evaporable_water=8.0,
        total_available_water=45.0,
        depletion_fraction=0.6,
        initial_depletion_share=23.0 / 45.0,
    )
    return drivers, field


SINGLE_LAYER = Irrigation(wetted_fraction=1.0, under_canopy=False)


def dry_surface(drivers: xr.Dataset, field: dict[str, Any], management: Irrigation) -> xr.Dataset:
    """The examples begin with an evaporation layer that is quite dry."""
    start = final_state(simulate(drivers.isel(day=[0]), field, management=management))
    for part in ("irrigated", "rainfed"):
        start[f"{part}_surface_depletion"] = ("member", [field["total_evaporable_water"]])
    start["root_zone_depletion"] = ("member", [23.0])
    return simulate(drivers, field, state=start, management=management)


def test_example_35_dual_coefficient_over_ten_days(example_35: tuple[xr.Dataset, dict[str, Any]]) -> None:
    drivers, field = example_35
    found = dry_surface(drivers, field, SINGLE_LAYER).isel(member=0)
    etc = found["soil_evaporation"] + found["transpiration"]
    kc = etc / drivers["et0"]
    printed_kc = [1.21, 1.21, 1.04, 0.70, 0.52, 1.00, 0.82, 0.55, 0.47, 0.44]  # its table rounds De to whole mm
    exact_kc = [1.21, 1.21, 0.97, 0.69, 0.54, 0.96, 0.81, 0.57, 0.49, 0.45]  # of the same table without rounding
    printed_etc = [5.5, 6.1, 4.0, 2.9, 2.5, 2.7, 4.7, 2.8, 2.2, 2.3]
    np.testing.assert_allclose(kc, printed_kc, atol=0.08)
    np.testing.assert_allclose(kc, exact_kc, atol=0.015)
    exact_etc = [5.5, 6.1, 3.8, 2.9, 2.6, 2.6, 4.7, 2.9, 2.3, 2.4]
    np.testing.assert_allclose(etc, printed_etc, atol=0.25)
    np.testing.assert_allclose(etc, exact_etc, atol=0.06)
    assert float(etc.sum()) == pytest.approx(35.6, abs=0.2)


def test_example_35_with_the_strips_apart(example_35: tuple[xr.Dataset, dict[str, Any]]) -> None:
    """The part that only rain wets, a ninth of the ground, moves what the book's single layer tells by a hundredth."""
    drivers, field = example_35
    single = dry_surface(drivers, field, SINGLE_LAYER).isel(member=0)
    apart = drivers.assign(
        ground_cover=("day", 1 - np.array([0.92, 0.91, 0.91, 0.9, 0.89, 0.89, 0.88, 0.87, 0.87, 0.86]))
    )
    strips = dry_surface(apart, field, Irrigation(wetted_fraction=0.8, under_canopy=False)).isel(member=0)
    kc, book = ((found["soil_evaporation"] + found["transpiration"]) / drivers["et0"] for found in (strips, single))
    np.testing.assert_allclose(kc[:9], book[:9], atol=0.01)
    assert float(strips["drainage"][0]) == pytest.approx(17.0 + 18.0 * 0.12, abs=0.01)  # which irrigation cannot fill


def test_example_35_column_by_column(example_35: tuple[xr.Dataset, dict[str, Any]]) -> None:
    table = pd.read_csv(DATA / "swb2_FAO56_Example_35.txt", sep="\t").rename(columns=lambda name: name[5:])
    drivers, field = example_35
    found = dry_surface(drivers, field, SINGLE_LAYER).isel(member=0)
    few = np.minimum(table["1_minus_fc"], table["fw"])
    np.testing.assert_allclose(few, table["few"], atol=1e-12)
    np.testing.assert_allclose(found["kcb"], table["kcb"], atol=1e-12)
    np.testing.assert_allclose(
        found["irrigated_surface_depletion"], table["depletion_end"], atol=0.55
    )  # printed in whole mm
    np.testing.assert_allclose(found["soil_evaporation"] / few, table["evaporation"], atol=0.08)
    np.testing.assert_allclose(found["soil_evaporation"], table["mean_evap"], atol=0.09)
    np.testing.assert_allclose(found["soil_evaporation"] / drivers["et0"], table["ke"], atol=0.015)
    etc = found["soil_evaporation"] + found["transpiration"]
    np.testing.assert_allclose(etc, table["etc"], atol=0.06)
    np.testing.assert_allclose(etc / drivers["et0"], table["kc"], atol=0.015)


def test_example_38_scheduling(example_35: tuple[xr.Dataset, dict[str, Any]]) -> None:
    drivers, field = example_35
    schedule = Irrigation(rule="refill", wetted_fraction=1.0, under_canopy=False, first_day=BOOK_DAYS[1].date())
    found = dry_surface(drivers, field, schedule).isel(member=0)
    np.testing.assert_allclose(found["root_zone_depletion"], [5, 12, 16, 18, 21, 18, 22, 25, 27, 6], atol=0.75)
    assert found["drainage"].values[0] == pytest.approx(17.0, abs=0.01)
    assert found["irrigation"].values[9] == pytest.approx(27.0, abs=0.75)
    assert found["irrigation"].values[1:9].tolist() == [0.0] * 8


def test_example_37_water_stress() -> None:
    drivers = book(et0=6.0, kcb=1.0, ground_cover=0.99)
    field = book_field(
        total_available_water=160.0, depletion_fraction=0.4, initial_depletion_share=55 / 160, height=1.0
    )
    start = final_state(simulate(drivers.isel(day=[0]), field, management=SINGLE_LAYER))
    start["root_zone_depletion"] = ("member", [55.0])
    start["irrigated_surface_depletion"] = ("member", [field["total_evaporable_water"]])
    found = simulate(drivers, field, state=start, management=SINGLE_LAYER).isel(member=0)
    np.testing.assert_allclose(found["ks"], [1, 1, 0.97, 0.91, 0.85, 0.80, 0.75, 0.70, 0.66, 0.62], atol=0.0051)
    depletion = [61.0, 67.0, 72.8, 78.3, 83.4, 88.2, 92.6, 96.9, 100.8, 104.5]
    np.testing.assert_allclose(found["root_zone_depletion"], depletion, atol=0.08)


@pytest.mark.parametrize("rule", ["refill", "deficit"])
def test_kernel_agrees_with_the_plain_numpy_loop(rule: str) -> None:
    random = np.random.default_rng(2)
    members, days = 70, 200  # more than a block, and no multiple of it
    drivers = np.zeros((4, days, members))
    drivers[0] = random.gamma(0.5, 15.0, (days, members)) * (random.uniform(size=(days, members)) < 0.3)
    drivers[1] = random.uniform(0.5, 8.0, (days, members))
    drivers[2] = random.normal(0.0, 0.06, (days, members))
    drivers[3] = 12.0 * (random.uniform(size=(days, members)) < 0.04)
    middle = {
        "total_available_water": 140, "total_evaporable_water": 20, "inverse_falling_rate": 1 / 12,
        "depletion_fraction": 0.45, "depletion_adjustment": 0.04, "retention": 80, "kcb_initial": 0.15,
        "kcb_mid": 0.8, "kcb_end": 0.4, "kcb_climate_gain": 0.8, "height_factor": 1.05, "cover_minimum": 0.02,
        "cover_maximum": 0.4, "leaf_out": 20, "inverse_development": 1 / 50, "senescence": 120,
        "inverse_late": 1 / 30, "leaf_fall": 150, "inverse_fall": 1 / 15, "stage_2": 60, "stage_3": 90,
        "maturity": 130, "wetted_fraction": 0.3, "inverse_wetted": 1 / 0.3, "canopy_shelter": 0.67, "threshold": 1.0,
        "refill": 0.9, "deficit_stage_1": -1, "deficit_stage_2": -1, "deficit_stage_3": -1, "maximum": 20,
        "season_limit": 150, "first_day": 30, "last_day": 140,
    }  # fmt: skip
    if rule == "deficit":
        middle |= {"refill": 1, "deficit_stage_1": 0.9, "deficit_stage_2": 0.4, "deficit_stage_3": 0.7}
    parameters = np.array([middle[name] * random.uniform(0.9, 1.1, members) for name in layout.PARAMETERS])
    state = np.zeros((len(layout.STATE), members))
    state[:5] = np.array([40.0, 15.0, 12.0, 0.3, 0.6])[:, None]
    expected, expected_state = reference.run(drivers, parameters, state)
    daily, sums = np.empty((len(layout.DAILY), days, members)), np.empty((len(layout.SUMS), members))
    kernels.run(drivers, parameters, state, sums, daily)
    for row, name in enumerate(layout.DAILY):
        np.testing.assert_allclose(daily[row], expected[name], atol=1e-9, err_msg=name)
    for row, name in enumerate(layout.STATE):
        np.testing.assert_allclose(state[row], expected_state[name], atol=1e-9, err_msg=name)
    for row, name in enumerate(layout.SUMS):
        np.testing.assert_allclose(sums[row], expected[name].sum(axis=0), atol=1e-8, err_msg=name)
    brief = np.empty_like(sums)
    state = np.zeros_like(state)
    state[:5] = np.array([40.0, 15.0, 12.0, 0.3, 0.6])[:, None]
    kernels.run(drivers, parameters, state, brief, None)
    np.testing.assert_array_equal(brief, sums)
    assert expected["irrigation"].sum() > 0
    assert expected["drainage"].sum() > 0
    assert (expected["ks"] < 1).any()


ORCHARDS = st.fixed_dictionaries(
    {
        "total_available_water": st.floats(30.0, 300.0),
        "total_evaporable_water": st.floats(10.0, 30.0),
        "readily_evaporable_water": st.floats(2.0, 9.0),
        "curve_number": st.floats(40.0, 95.0),
        "depletion_fraction": st.floats(0.1, 0.8),
        "kcb_mid": st.floats(0.2, 1.3),
        "height": st.floats(0.5, 8.0),
        "cover_maximum": st.floats(0.05, 1.0),
        "initial_depletion_share": st.floats(0.0, 1.0),
    }
)
RULES_TO_TRY = [
    Irrigation(),
    Irrigation(rule="fixed", depth_mm=15.0, interval_days=9, wetted_fraction=0.4),
    Irrigation(rule="refill", maximum_mm_per_day=20.0, season_limit_mm=200.0),
    Irrigation(rule="deficit", stage_shares=(0.8, 0.3, 1.0), threshold_share_of_raw=0.7),
    Irrigation(rule="refill", wetted_fraction=1.0, under_canopy=False, threshold_share_of_raw=0.5),
]
RULES = st.sampled_from(RULES_TO_TRY)


@given(changes=ORCHARDS, rule=RULES, seed=st.integers(0, 1000), wetter=st.sampled_from([0.0, 1.0, 4.0]))
@settings(max_examples=30, deadline=None)
def test_balance_closes_every_day_and_nothing_is_negative(
    changes: dict[str, float], rule: Irrigation, seed: int, wetter: float
) -> None:
    weather = season(seed=seed)
    weather["precipitation"] *= wetter
    found = simulate(weather, orchard(**changes), management=rule)
    assert abs(found["water_balance_error"].item()) < 1e-9
    today = found.isel(member=0)
    came = weather["precipitation"] - today["runoff"] + today["irrigation"]
    left = today["soil_evaporation"] + today["transpiration"] + today["drainage"]
    at_first = changes["initial_depletion_share"] * changes["total_available_water"]
    depletion = np.concatenate([[at_first], today["root_zone_depletion"].to_numpy()])
    np.testing.assert_allclose(np.diff(depletion), (left - came).to_numpy(), atol=0.01)
    for name in layout.DAILY:
        assert float(found[name].min()) >= -1e-9, name
    assert float(found["root_zone_depletion"].max()) <= changes["total_available_water"] + 1e-9
    assert float(found["ks"].max()) <= 1.0
    assert (found["transpiration"] <= found["potential_transpiration"] + 1e-9).all()
    assert 0.0 <= found["relative_yield_water"].item() <= 1.0 + 1e-12


SHALLOW = {
    "total_available_water": 30.0, "total_evaporable_water": 28.0, "readily_evaporable_water": 2.0,
    "curve_number": 40.0, "depletion_fraction": 0.7, "kcb_mid": 1.2, "cover_maximum": 0.74,
    "initial_depletion_share": 0.6,
}  # fmt: skip


@given(changes=ORCHARDS, rule=RULES, members=st.integers(2, 150))
@example(changes=SHALLOW, rule=RULES_TO_TRY[4], members=40)  # where a compiler free to reorder sums fails
@settings(max_examples=8, deadline=None)
def test_equal_members_stay_equal_whatever_stands_beside_them(
    changes: dict[str, float], rule: Irrigation, members: int
) -> None:
    grove = {name: np.repeat(np.asarray(value), members) for name, value in orchard(**changes).items()}
    other = np.arange(members) % 3 == 1
    grove["kcb_mid"] = np.where(other, 0.9 * grove["kcb_mid"], grove["kcb_mid"])
    grove["leaf_out"] = np.where(other, grove["leaf_out"] - np.timedelta64(20, "D"), grove["leaf_out"])
    found = simulate(season(), grove, management=rule).isel(member=~other)
    for name in (*layout.DAILY, "relative_yield_water", "season_irrigation"):
        assert (found[name] == found[name].isel(member=0)).all(), name


def test_one_weather_serves_all() -> None:
    parameters = {name: np.repeat(np.asarray(value), 130) for name, value in orchard().items()}
    shared = simulate(season(), parameters, management=Irrigation(rule="refill"))
    own = simulate(season().expand_dims(member=130), parameters, management=Irrigation(rule="refill"))
    xr.testing.assert_equal(shared["root_zone_depletion"], own["root_zone_depletion"])


def test_a_run_cut_in_two_equals_the_whole() -> None:
    rule = Irrigation(rule="refill", season_limit_mm=120.0)
    weather = season()
    whole = simulate(weather, orchard(), management=rule)
    first = simulate(weather.isel(day=slice(0, 250)), orchard(), management=rule)
    second = simulate(weather.isel(day=slice(250, None)), orchard(), final_state(first), rule)
    for name in ("final_root_zone_depletion", "relative_yield_water", "final_refilled"):
        assert second[name].item() == pytest.approx(whole[name].item(), abs=1e-12)
    np.testing.assert_allclose(second["ks"], whole["ks"][:, 250:], atol=1e-12)


def test_refill_keeps_the_trees_from_stress_within_its_limit() -> None:
    free = simulate(season(), orchard(), management=Irrigation(rule="refill", threshold_share_of_raw=0.8))
    dry = simulate(season(), orchard())
    assert float(free["ks"].min()) > 0.99
    assert free["relative_yield_water"].item() == pytest.approx(1.0, abs=1e-3)
    assert dry["relative_yield_water"].item() < 0.9
    limited = simulate(season(), orchard(), management=Irrigation(rule="refill", season_limit_mm=90.0))
    assert limited["season_irrigation"].item() == pytest.approx(90.0)


def test_fixed_rule_waters_on_its_days() -> None:
    rule = Irrigation(
        rule="fixed", depth_mm=10.0, interval_days=7, first_day=pd.Timestamp("2024-05-01").date(),
        last_day=pd.Timestamp("2024-05-31").date(),
    )  # fmt: skip
    found = simulate(season(), orchard(), management=rule)["irrigation"].isel(member=0)
    watered = found["day"].values[found.values > 0].astype("datetime64[D]").astype(str).tolist()
    assert watered == ["2024-05-01", "2024-05-08", "2024-05-15", "2024-05-22", "2024-05-29"]


def test_a_deficit_holds_each_stage_at_its_share_and_gives_nothing_before_or_after() -> None:
    dry = season()
    dry["precipitation"][:] = 0.0
    rule = Irrigation(rule="deficit", stage_shares=(1.0, 0.25, 0.6))
    found = simulate(dry, orchard(total_available_water=60.0), management=rule).isel(member=0)
    day, date = found["day"], np.datetime64
    share = found["transpiration"] / found["potential_transpiration"]
    for settled, last, expected in (
        ("2024-05-25", "2024-05-31", 1.0),
        ("2024-07-05", "2024-07-11", 0.25),
        ("2024-07-14", "2024-09-14", 0.6),
    ):
        inside = (day >= date(settled)) & (day <= date(last))
        # what evaporates by day is given back on the next, when the trees have felt it
        np.testing.assert_allclose(share.where(inside, drop=True), expected, atol=0.06)
    assert float(found["irrigation"].where((day < date("2024-04-12")) | (day >= date("2024-09-15"))).max()) == 0.0


def test_a_deficit_of_nothing_is_no_irrigation_and_one_of_all_no_stress() -> None:
    none = simulate(season(), orchard(), management=Irrigation(rule="deficit", stage_shares=(0.0, 0.0, 0.0)))
    full = simulate(season(), orchard(), management=Irrigation(rule="deficit", threshold_share_of_raw=0.9))
    xr.testing.assert_equal(none["irrigation"], simulate(season(), orchard())["irrigation"])
    assert full["relative_yield_water"].item() > 0.99


def test_shares_by_stage_may_differ_by_member() -> None:
    one = [
        simulate(season(), orchard(), management=Irrigation(rule="deficit", stage_shares=(s, 0.4, 1.0)))
        for s in (0.2, 0.9)
    ]
    both = simulate(
        season(), orchard(height=np.full(2, 3.5)),
        management=Irrigation(rule="deficit", stage_shares=(np.array([0.2, 0.9]), 0.4, 1.0)),
    )  # fmt: skip
    for member, alone in enumerate(one):
        np.testing.assert_array_equal(both["irrigation"][member], alone["irrigation"][0])
    with pytest.raises(ConfigError, match="stage_shares"):
        Irrigation(rule="deficit", stage_shares=(0.5, 1.5, 1.0))


def test_members_do_not_depend_on_their_neighbours() -> None:
    """What lets a run be cut into groups of members, and a stopped one be a valid smaller ensemble."""
    random = np.random.default_rng(5)
    water = random.uniform(60, 200, 150)
    leaf_out = np.datetime64("2024-04-12", "s") + random.integers(0, 30, 150).astype("timedelta64[D]")
    field = orchard(total_available_water=water, leaf_out=leaf_out)
    rule = Irrigation(rule="refill", maximum_mm_per_day=6.0)
    whole = simulate(season(), field, management=rule)
    for part in (slice(0, 1), slice(7, 64), slice(64, 131), slice(149, 150)):
        alone = simulate(season(), orchard(total_available_water=water[part], leaf_out=leaf_out[part]), management=rule)
        for name in ("root_zone_depletion", "transpiration", "relative_yield_water", "season_irrigation"):
            np.testing.assert_array_equal(alone[name], whole[name][part])


def test_every_output_has_units_and_its_day() -> None:
    found = simulate(season(), orchard(), management=Irrigation(rule="refill"))
    assert found["day"].dtype.kind == "M"
    for name, values in found.data_vars.items():
        assert values.attrs["units"], name
        assert values.attrs["long_name"], name
    assert found.attrs["synthetic"] == "true"


def test_trees_whose_leaves_never_come_have_no_yield() -> None:
    days = dict.fromkeys(
        ["leaf_out", "full_canopy", "senescence", "leaf_fall", "leafless", "stage_2", "stage_3", "maturity"], NEVER
    )
    found = simulate(season(), orchard(**days))
    assert np.isnan(found["relative_yield_water"].item())
    assert float(found["kcb"].max()) == 0.15


def test_sums_without_days_are_those_of_the_days() -> None:
    short = simulate(season(), orchard(), daily=False)
    full = simulate(season(), orchard())
    assert "transpiration" not in short
    assert short["season_transpiration"].item() == pytest.approx(float(full["transpiration"].sum()), abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depletion_fraction": 4.0}, "depletion_fraction is 4 1 in 1 of 1 members"),
        ({"total_available_water": np.nan}, "total_available_water is nan"),
        ({"readily_evaporable_water": 25.0}, "readily_evaporable_water is not below total_evaporable_water"),
        ({"leafless": np.datetime64("2024-01-01")}, "leaf_fall is not below leafless"),
        ({"initial_depletion_share": 2.0}, "initial_depletion_share"),
    ],
)
def test_wrong_parameters_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate(season(), orchard(**changes))


def test_missing_parameters_are_named() -> None:
    parameters = orchard()
    del parameters["height"], parameters["stage_3"]
    with pytest.raises(ConfigError, match="height, stage_3 missing"):
        simulate(season(), parameters)


def test_members_that_do_not_match_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"\[3, 5\] members"):
        simulate(season(members=3), orchard(height=np.full(5, 3.0)))


@pytest.mark.parametrize("name", ["precipitation", "et0", "wind_speed", "relative_humidity_min"])
def test_missing_weather_is_refused(name: str) -> None:
    weather = season()
    weather[name][17] = np.nan
    with pytest.raises(DataError, match=f"{name} is missing or below .* in 1 of 365"):
        simulate(weather, orchard())
    with pytest.raises(DataError, match=f"no {name}"):
        simulate(weather.drop_vars(name), orchard())


def test_a_gap_between_days_is_refused() -> None:
    with pytest.raises(DataError, match="do not follow"):
        simulate(season().isel(day=[0, 1, 3]), orchard())


@pytest.mark.parametrize("bad", [{"rule": "sometimes"}, {"wetted_fraction": 0.0}, {"treshold": 1.0}])
def test_wrong_management_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        simulate(season(), orchard(), management=bad)
