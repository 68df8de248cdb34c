"""What a scenario changes comes out in the water, the stages and the crop; what it leaves out stays the twin's own."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import ConfigError
from agritwin.scenarios.courses import Known, of
from agritwin.scenarios.definition import WeatherChange
from agritwin.scenarios.variants import Twin, baseline, changed, plan
from tests.scenarios.conftest import ask, make_twin

SOME = np.arange(8)


def run(twin: Twin, **said: Any) -> xr.Dataset:
    return changed(twin, ask(**said)).run(SOME)


@pytest.fixture(scope="module")
def as_it_is(twin: Twin) -> xr.Dataset:
    return baseline(twin, ask()).run(SOME)


def test_a_scenario_that_changes_nothing_is_the_twin(twin: Twin, as_it_is: xr.Dataset) -> None:
    xr.testing.assert_identical(run(twin), as_it_is)
    assert as_it_is["day"].values[[0, -1]].astype("datetime64[D]").astype(str).tolist() == ["2024-11-01", "2025-10-31"]
    assert float(abs(as_it_is["water_balance_error"]).max()) < 0.01
    assert float(as_it_is["season_irrigation"].min()) > 50.0


def test_rules_change_the_water_from_their_day_on(twin: Twin, as_it_is: xr.Dataset) -> None:
    day = dt.date(2025, 7, 10)
    found = run(twin, irrigation={"rule": "none", "from_day": day})
    before, after = slice(None, "2025-07-09"), slice("2025-07-10", None)
    np.testing.assert_array_equal(found["irrigation"].sel(day=before), as_it_is["irrigation"].sel(day=before))
    assert float(found["irrigation"].sel(day=after).max()) == 0.0
    assert float(found["water_balance_error"].max()) < 0.01
    assert (found["relative_yield"] <= as_it_is["relative_yield"] + 1e-12).all()
    np.testing.assert_allclose(found["season_irrigation"], found["irrigation"].sum("day"), atol=1e-9)


def test_a_twin_that_writes_its_irrigation_down_gets_that_and_refills_as_needed_from_then_on(known: Known) -> None:
    diary = pd.DataFrame({"irrigation_mm": [20.0, 10.0]}, pd.DatetimeIndex(["2025-05-20", "2025-06-03"]))
    twin = replace(make_twin(known, irrigation={"rule": "records"}), context=diary)
    found = baseline(twin, ask()).run(SOME)
    so_far, ahead = (
        found["irrigation"].sel(day=span) for span in (slice(None, "2025-06-14"), slice("2025-06-15", None))
    )
    assert so_far.sum("day").to_numpy() == pytest.approx(np.full(SOME.size, 0.9 * 30.0))
    assert so_far.sel(day="2025-05-20").to_numpy() == pytest.approx(np.full(SOME.size, 18.0))
    assert float(ahead.sum("day").min()) > 50.0
    dry = run(twin, irrigation={"rule": "none"})
    assert float(dry["season_irrigation"].max()) == 0.0


def test_fixed_deficit_and_limits(twin: Twin) -> None:
    weekly = run(
        twin, irrigation={"rule": "fixed", "depth_mm": 12.0, "from_day": "2025-06-15", "until_day": "2025-08-31"}
    )
    depths = weekly["irrigation"].isel(member=0).sel(day=slice("2025-06-15", None))
    assert set(np.unique(depths)) == {0.0, 12.0}
    assert float(depths.sum()) == 12.0 * 12
    held = run(twin, irrigation={"rule": "deficit", "stage_shares": [1.0, 0.4, 1.0]})
    limited = run(twin, irrigation={"rule": "refill", "season_limit_mm": 80.0})
    assert float(limited["season_irrigation"].max()) <= 80.0 + 1e-9
    assert float(held["season_irrigation"].mean()) > float(limited["season_irrigation"].mean())


def test_soil_density_trees_and_start(twin: Twin, as_it_is: xr.Dataset) -> None:
    layers = [
        {"bottom_m": 0.5, "field_capacity": 0.30, "wilting_point": 0.14},
        {"bottom_m": 2.0, "field_capacity": 0.34, "wilting_point": 0.16, "coarse_fragments": 20.0},
    ]
    deep = changed(twin, ask(soil={"layers": layers, "root_depth_m": 1.5}))
    assert float(deep.parameters["total_available_water"][0]) == pytest.approx(80.0 + 0.18 * 0.8 * 1000.0)
    assert float(deep.parameters["total_evaporable_water"][0]) == pytest.approx(1000 * (0.30 - 0.07) * 0.1)
    rooted = changed(twin, ask(soil={"root_depth_m": 0.8}))
    assert float(rooted.parameters["total_available_water"][0]) == pytest.approx(0.12 * 0.95 * 400 + 0.11 * 0.9 * 400)
    given = changed(twin, ask(soil={"total_available_water_mm": 90, "curve_number": 60}))
    assert float(given.parameters["total_available_water"][0]) == 90.0
    assert float(given.parameters["curve_number"][0]) == 60.0
    dense = changed(twin, ask(planting={"trees_per_ha": 500}))
    own = baseline(twin, ask())
    np.testing.assert_allclose(dense.parameters["cover_maximum"][0], 2.0 * own.parameters["cover_maximum"][0])
    assert float(dense.parameters["kcb_mid"][0]) > float(own.parameters["kcb_mid"][0])
    wet, dry = (run(twin, start={"depletion_share": share}) for share in (0.0, 0.9))
    assert float(wet["root_zone_depletion"][0, 0]) < float(dry["root_zone_depletion"][0, 0])
    after_much = run(twin, start={"last_crop": 1.4})
    assert float(after_much["crop"].mean()) < float(as_it_is["crop"].mean())
    young = run(twin, planting={"year": 2024})
    assert float(young["crop"].max()) == 0.0


def test_dates_move_the_stages_and_cut_the_season(twin: Twin, as_it_is: xr.Dataset) -> None:
    found = run(
        twin, dates={"bloom": "2025-05-20", "harvest": "2025-10-10", "first": "2025-03-01", "last": "2025-10-15"}
    )
    whole = changed(twin, ask(dates={"bloom": "2025-05-20"})).parameters["bloom"].to_numpy()
    assert pd.Series(whole).quantile(0.5, interpolation="lower") == pd.Timestamp("2025-05-20")
    assert (found["date_maturity"] == np.datetime64("2025-10-10")).all()
    assert found["day"].values[[0, -1]].astype("datetime64[D]").astype(str).tolist() == ["2025-03-01", "2025-10-15"]
    shift = found["date_bloom"] - as_it_is["date_bloom"]
    assert len(np.unique(shift)) == 1


def test_weather_of_a_past_season_stands_on_the_days_of_this_one(twin: Twin, known: Known) -> None:
    courses = of(known, WeatherChange(source="year", year=2023), 5)
    days = courses.days(np.array([0, 1]))
    past = known.past.sel(day=slice("2022-11-01", "2023-10-31"))
    np.testing.assert_array_equal(days["et0"][0], np.maximum(past["et0"], past["et0"]))
    assert days["day"].values[0] == np.datetime64("2024-11-01")
    years = of(known, WeatherChange(source="years"), 5)
    assert years.temperature["continuation"].values.tolist() == [2024, 2023, 2022, 2021]
    assert years.course_of(np.arange(6)).tolist() == [0, 1, 2, 3, 0, 1]
    np.testing.assert_array_equal(years.days(np.array([1]))["precipitation"][0], days["precipitation"][0])
    assert np.isfinite(run(twin, weather={"source": "years"})["relative_yield"]).all()


def test_the_season_is_observed_then_forecast_then_past_years(known: Known) -> None:
    courses = of(known, WeatherChange(), 5)
    days = courses.days(np.arange(8))
    rain = days["precipitation"]
    observed = known.now["precipitation"]
    np.testing.assert_array_equal(rain.sel(day=observed["day"])[3], observed)
    ahead = rain.sel(day=slice("2025-06-15", "2025-06-19"))
    np.testing.assert_array_equal(ahead[0], ahead[2])  # two members of the forecast, in turn
    assert not np.array_equal(days["et0"].sel(day=ahead["day"])[0], days["et0"].sel(day=ahead["day"])[1])
    rest = slice("2025-06-20", None)
    for member, year in enumerate([2024, 2023, 2022, 2021]):
        expected = known.past["et0"].sel(day=slice(f"{year}-06-20", f"{year}-10-31"))
        np.testing.assert_array_equal(days["et0"].sel(day=rest)[member], expected)
    alone = of(known, WeatherChange(source="forecast"), 5)
    assert alone.days(np.arange(2))["day"].values[-1] == np.datetime64("2025-06-19")


def test_the_plan_for_the_water_keeps_to_its_budget(twin: Twin) -> None:
    asked = changed(twin, ask(irrigation={"rule": "optimised", "budget_mm": 60, "from_day": "2025-06-15"}, members=24))
    found = plan(asked, 60.0, seed=1)
    assert found.judged_apart
    assert float(found.table["irrigation"].sel(plan=["uniform", "refill", "optimised"]).max()) <= 60.0 + 1e-9
    assert float(found.table["irrigation"].sel(plan="uniform")) == pytest.approx(60.0)
    assert found.management.season_limit_mm == 60.0


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"weather": {"source": "year", "year": 1999}}, "1999 are not in the record"),
        ({"dates": {"harvest": "2025-05-01"}}, "before the kernels fill"),
        ({"dates": {"first": "2023-01-01"}}, "no span of the season"),
        ({"soil": {"root_depth_m": 3.0}}, "3 m do not fit"),
    ],
)
def test_what_cannot_be_is_refused(twin: Twin, said: dict[str, Any], message: str) -> None:
    from agritwin.errors import AgritwinError

    with pytest.raises(AgritwinError, match=message):
        run(twin, **said)


def test_a_density_over_an_unknown_one_is_refused(known: Known) -> None:
    with pytest.raises(ConfigError, match="twin's own is not known"):
        changed(make_twin(known, planting={"trees_per_ha": None}), ask(planting={"trees_per_ha": 400}))
