"""Scenarios of a field: sowing, soil, water and weather change its growth; what is of trees only is refused."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from agritwin.cubes import digest
from agritwin.errors import AgritwinError, ConfigError
from agritwin.scenarios import job, result
from agritwin.scenarios.comparison import table
from agritwin.scenarios.courses import Known
from agritwin.scenarios.fields import TREES_ONLY, baseline, changed
from agritwin.scenarios.variants import Twin
from agritwin.scenarios.variants import changed as changed_orchard
from tests.scenarios.conftest import ask, make_twin
from tests.scenarios.test_work import begun

SOME = np.arange(6)
WHEAT = {"species": "wheat", "sowing": "10-15", "harvest": None, "year": None, "trees_per_ha": None}


@pytest.fixture(scope="module")
def field(known: Known) -> Twin:
    soil = known.site["soil"]
    layers = [layer | {"saturation": 0.45, "saturated_hydraulic_conductivity": 8.0} for layer in soil["layers"]]
    whole = Known(**{**vars(known), "site": known.site | {"soil": soil | {"layers": layers}}})
    return make_twin(whole, planting=WHEAT)


@pytest.fixture(scope="module")
def as_it_is(field: Twin) -> xr.Dataset:
    return baseline(field, ask()).run(SOME)


def run(twin: Twin, **said: Any) -> xr.Dataset:
    return changed(twin, ask(**said)).run(SOME)


def middle(result: xr.Dataset, name: str) -> np.datetime64:
    return np.sort(result[f"date_{name}"].to_numpy())[SOME.size // 2]


def test_a_scenario_that_changes_nothing_is_the_field_from_its_sowing_on(field: Twin, as_it_is: xr.Dataset) -> None:
    xr.testing.assert_identical(run(field), as_it_is)
    assert as_it_is["day"].values[[0, -1]].astype("datetime64[D]").astype(str).tolist() == ["2024-10-15", "2025-10-14"]
    assert float(abs(as_it_is["water_balance_error"]).max()) < 0.01
    assert float(as_it_is["crop"].min()) > 1000.0
    assert (as_it_is["date_emergence"].dt.year == 2024).all()


def test_sowing_water_soil_weather_and_seed_change_it(field: Twin, as_it_is: xr.Dataset) -> None:
    late = run(field, dates={"sowing": "2025-01-20"})
    assert middle(late, "flowering") > middle(as_it_is, "flowering")
    assert late["day"].equals(as_it_is["day"])
    early = run(field, dates={"harvest": "2025-06-20"})
    assert float(early["crop"].mean()) < float(as_it_is["crop"].mean())
    assert result.summary(result.kept(as_it_is, early), None)["share_better"] == 0.0  # cut green
    dry = run(field, irrigation={"rule": "none"})
    assert float(dry["season_irrigation"].max()) == 0.0 < float(as_it_is["season_irrigation"].min())
    assert (dry["relative_yield"] <= as_it_is["relative_yield"] + 1e-9).all()
    held = run(field, irrigation={"rule": "none", "from_day": "2025-06-15"})
    before = slice(None, "2025-06-14")
    for name in ("root_zone_depletion", "leaf_area_index", "irrigation"):
        np.testing.assert_array_equal(held[name].sel(day=before), as_it_is[name].sel(day=before), err_msg=name)
    assert float(abs(held["water_balance_error"]).max()) < 0.01
    sandy = run(field, soil={"layers": [{"bottom_m": 1.5, "sand": 85, "clay": 5}]})
    assert float(sandy["total_available_water"].mean()) < 0.9 * float(as_it_is["total_available_water"].mean())
    past = run(field, weather={"source": "year", "year": 2023})
    assert not np.array_equal(past["precipitation"], as_it_is["precipitation"])
    other = run(field, seed=9)
    assert not np.array_equal(other["crop"], as_it_is["crop"])
    barley = run(field, planting={"species": "barley"})
    assert str(middle(barley, "emergence")) > "2025-02-20"


def test_paused_it_goes_on_to_the_same_bits(field: Twin, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "PART", 4)
    asked = ask(irrigation={"rule": "fixed", "depth_mm": 20.0}, dates={"sowing": "2024-11-20"}, members=8)
    whole, _, _ = job.work(field, asked, begun(tmp_path / "whole"))
    checkpoint = begun(tmp_path / "cut")
    checkpoint.wishes = {0: "pause"}
    with pytest.raises(job.PausedError, match="after 1 of 2 parts"):
        job.work(field, asked, checkpoint)
    checkpoint.want("run")
    assert digest(job.work(field, asked, checkpoint)[0]) == digest(whole)
    told = result.summary(whole, None)
    assert told["scenario"]["frost_damage"]["p50"] is None
    assert [row["stage"] for row in told["scenario"]["stages"]] == ["emergence", "flowering", "ripeness"]
    published = {
        "twin": "formula", "scenario": "s", "issue_time": "2025-06-15", "partial": False, "members_done": 8,
        "changes": {}, "synthetic": True, "summary": told,
    }  # fmt: skip
    shown = [row["key"] for row in table([published])["rows"]]
    assert "crop_kg_per_ha" in shown
    assert "frost_damage" not in shown


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"dates": {"bloom": "2025-05-01"}}, "dates.bloom makes no sense for an annual crop: .* set dates.sowing"),
        ({"planting": {"trees_per_ha": 100}, "start": {"last_crop": 1}}, "planting.trees_per_ha(.|\n)*start.last_crop"),
        ({"irrigation": {"rule": "deficit", "stage_shares": [1, 1, 1]}}, "rule deficit is for trees"),
        ({"planting": {"species": "almond"}}, "'almond', no annual crop"),
        ({"soil": {"layers": [{"bottom_m": 1, "field_capacity": 0.3, "wilting_point": 0.1}]}}, "need sand and clay"),
        ({"dates": {"sowing": "2025-05-01", "harvest": "2025-04-01"}}, "sowing 2025-05-01 is not before harvest"),
        ({"dates": {"harvest": "2024-10-01"}}, "sowing 2024-10-15 is not before harvest 2024-10-01"),
        ({"dates": {"first": "2023-01-01"}}, "no span of the season"),
        ({"dates": {"last": "2027-01-01"}}, "no span of the season"),
        ({"irrigation": {"rule": "none", "from_day": "2030-06-15"}}, "from_day 2030-06-15 is none of the days"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(field: Twin, said: dict[str, Any], message: str) -> None:
    with pytest.raises((AgritwinError, ValueError), match=message):
        run(field, **said)


def test_every_key_of_trees_is_one_of_the_scenario_file() -> None:
    parts = ask().model_dump()
    assert all(key.split(".")[1] in parts[key.split(".")[0]] for key in TREES_ONLY)


def test_an_orchard_is_not_sown(twin: Twin) -> None:
    with pytest.raises(ConfigError, match="not sown"):
        changed_orchard(twin, ask(dates={"sowing": "2025-03-01"}))
