"""The season of a twin corrected by images and probes."""

import datetime

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.products import annual_correction
from agritwin.products import assimilation as product
from agritwin.products.crop import dated
from agritwin.report.sections.correction import correction, outlook, streams
from agritwin.simulation.orchard.balance import simulate
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.parameters import sample, with_cover
from agritwin.views.blocks import Absent, Plot, Table
from agritwin.views.language import language
from tests.simulation.orchard.conftest import orchard, season

MEMBERS, LAST = 60, datetime.date(2024, 7, 31)
SITE = {
    "latitude": 41.3,
    "soil": {
        "root_depth_m": 1.0,
        "total_available_water_mm": 120.0,
        "layers": [
            {"depth_top_m": 0.0, "depth_bottom_m": 0.5, "field_capacity": 0.20, "wilting_point": 0.10},
            {"depth_top_m": 0.5, "depth_bottom_m": 2.0, "field_capacity": 0.26, "wilting_point": 0.12},
        ],
    },
}


@pytest.fixture
def members():
    random = np.random.default_rng(0)
    cover = np.clip(0.4 + 0.06 * random.standard_normal(MEMBERS), 0.1, 0.9)
    water = 120.0 * np.exp(0.15 * random.standard_normal(MEMBERS))
    return with_cover(sample("pistachio", MEMBERS, 1, cover_maximum=cover, total_available_water=water), 41.3)


@pytest.fixture
def stages():
    given = {name: value for name, value in orchard().items() if isinstance(value, np.datetime64)}
    out = given["leaf_out"]
    later = {"bud_swell": -30, "bloom": -4, "fruit_set": 8}
    given |= {name: out + np.timedelta64(number, "D") for name, number in later.items()}
    shift = np.random.default_rng(1).integers(-5, 6, MEMBERS).astype("timedelta64[D]")
    moved = {name: ("member", (day + shift).astype("datetime64[ns]")) for name, day in given.items()}
    return xr.Dataset(moved, {"member": np.arange(MEMBERS)})


@pytest.fixture
def weather():
    days = season(330).expand_dims(member=np.arange(MEMBERS)).copy(deep=True)
    return days.assign_coords(origin=("day", np.repeat("observed", 330)), year=("member", np.full(MEMBERS, 2020)))


def corrected(weather, members, stages, seen):
    return product.correct(weather, members, stages, Irrigation(), seen, SITE, 1, LAST)


def test_probes_stand_for_the_soil_nearest_to_them():
    context = pd.DataFrame(
        {"soil_moisture_20cm": [0.10, np.nan], "soil_moisture_60cm": [0.20, 0.2], "soil_moisture_150cm": [9.0, 9.0]},
        index=pd.date_range("2024-06-01", periods=2),
    )
    found = product.root_zone_moisture(context, 1.0)  # 0 to 0.4 m, 0.4 to 1 m; 1.5 m is below the roots
    assert found.to_dict() == {pd.Timestamp("2024-06-01"): pytest.approx(0.4 * 0.10 + 0.6 * 0.20)}
    assert product.root_zone_moisture(pd.DataFrame({"ndvi": [0.4]}), 1.0).empty
    assert product.water_content(SITE) == pytest.approx((0.23, 0.11))


def test_scenes_count_from_the_swelling_buds_and_probes_every_third_day():
    time = pd.to_datetime(["2024-01-10T11", "2024-05-10T11", "2024-06-09T11", "2024-06-19T11"])
    scenes = xr.Dataset({"ndvi_mean": ("time", [0.3, 0.4, 0.5, 0.6]), "usable": ("time", [1, 1, 0, 1])}, {"time": time})
    context = pd.DataFrame({"soil_moisture_30cm": 0.15}, index=pd.date_range("2024-06-01", periods=9))
    seen = product.observations(scenes, context, SITE, datetime.date(2024, 3, 1))
    cover = [one for one in seen if one.quantity == "ground_cover"]
    assert [(str(one.day), round(one.value, 3)) for one in cover] == [("2024-05-10", 0.324), ("2024-06-19", 0.576)]
    assert len(seen) - len(cover) == 3
    assert {one.bias for one in seen} == {None, "probe_bias"}


@pytest.mark.parametrize("code", ["es", "en"])
def test_all_that_can_be_learnt_has_a_name_that_people_know(code):
    trees = (*product.PARAMETERS, "leaf_out", *product.FACTOR_ERRORS, product.BIAS.name)
    for name in (*trees, *annual_correction.GROWTH, *annual_correction.SOIL):
        assert language(code).has(f"unknown.{name}"), name


def test_without_observations_nothing_is_corrected(weather, members, stages):
    found = corrected(weather, members, stages, [])
    assert found.parameters.equals(members)
    assert found.stages.equals(stages)
    assert found.weather.equals(found.free_weather)


def test_leaves_that_never_come_stop_the_correction_and_not_the_run(weather, members, stages):
    stages = stages.where(stages["member"] != 3)
    seen = [product.Observation(datetime.date(2024, 6, 1), "ground_cover", 0.4, 0.05, "satellite")]
    found = corrected(weather, members, stages, seen)
    assert found.found.log.empty
    assert found.parameters.equals(members)


def test_a_wet_soil_and_a_dense_canopy_are_believed_within_reason(weather, members, stages):
    context = pd.DataFrame({"soil_moisture_50cm": 0.19}, index=pd.date_range("2024-06-01", LAST))
    scenes = xr.Dataset(
        {"ndvi_mean": ("time", [0.55, 0.56]), "usable": ("time", [1, 1])},
        {"time": pd.to_datetime(["2024-07-01T11", "2024-07-11T11"])},
    )
    seen = product.observations(scenes, context, SITE, datetime.date(2024, 3, 1))
    found = corrected(weather, members, stages, seen)
    free = simulate(found.free_weather, dated(members, stages))
    run = simulate(found.weather, dated(found.parameters, found.stages))
    runs = {"free": free, "corrected": run}
    day = np.datetime64(LAST, "ns")
    share = {
        name: (one["root_zone_depletion"] / one["total_available_water"]).sel(day=day) for name, one in runs.items()
    }
    assert float(found.parameters["cover_maximum"].mean()) > float(members["cover_maximum"].mean()) + 0.03
    assert float(share["corrected"].mean()) < float(share["free"].mean())
    smoothed = found.found.smoothed["root_zone_depletion"]
    np.testing.assert_allclose(run["root_zone_depletion"].sel(day=smoothed["day"]), smoothed, atol=1e-6)


@pytest.mark.parametrize("code", ["es", "en"])
def test_the_page_shows_both_runs_what_was_seen_and_the_end(weather, members, stages, code):
    say = language(code)
    context = pd.DataFrame({"soil_moisture_50cm": 0.15}, index=pd.date_range("2024-06-01", LAST))
    found = corrected(weather, members, stages, product.observations(None, context, SITE, LAST))
    free = simulate(found.free_weather, dated(members, stages))
    run = simulate(found.weather, dated(found.parameters, found.stages))
    for one in (free, run):
        one["relative_yield"] = one["relative_yield_water"]
    cube = product.with_bands(run, free, run, LAST)
    summary = {
        "depletion_mm": 40.0,
        "assimilation": product.told(found, free, SITE, LAST),
        "outlook": product.outlook_summary(run, weather, LAST),
    }
    blocks = correction(cube, summary, "2024-08-01", say) + outlook(cube, summary, say)
    assert [block.name for block in blocks if isinstance(block, Plot)] == [
        "corrected-depletion",
        "corrected-cover",
        "outlook",
    ]
    streams = next(block for block in blocks if isinstance(block, Table))
    assert streams.rows[0][0] == say("correction.soil_moisture_probe")
    assert all(isinstance(block, Absent) for block in correction(None, {}, None, say) + outlook(None, {}, say))


@pytest.mark.parametrize(
    ("seen", "used", "ratio", "judged"),
    [
        (12, 12, 1.0, "as expected"),
        (12, 7, 0.3, "much of it not believed"),
        (12, 0, None, "much of it not believed"),
        (2, 0, None, "too few"),
    ],
)
def test_a_source_that_is_often_refused_does_not_agree(seen, used, ratio, judged):
    """What was believed agrees by being believed; images of trees say little of a field of wheat."""
    stream = {"stream": "satellite leaf area", "observations": seen, "used": used, "bias": -0.1, "ratio": ratio}
    table = streams([stream | {"low": 0.2, "high": 2.3}], language("en"))
    assert table.rows[0][0] == "Satellite: leaf area"
    assert table.rows[0][-1] == judged
