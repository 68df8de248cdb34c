"""Floods that forecast members bring: read off for each, the worst run in full, judged by the share that agrees."""

import datetime as dt

import numpy as np
import pytest
import xarray as xr
from shapely.geometry import box

from agritwin.config import read_yaml
from agritwin.products.floods_ahead import floods_ahead, from_flood, refine
from agritwin.simulation.flood.library import Library, Plan, build
from tests.conftest import ROOT

CONFIG = read_yaml(ROOT / "config" / "config.yaml")
FLOOD = CONFIG["flood"] | {"library": CONFIG["flood"]["library"] | {"depths_mm": [30, 90], "resolution_m": 10}}
UNTIL = dt.datetime(2025, 6, 15, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def terrain():
    """A slope of 20 x 20 cells of 10 m with a hollow in the parcel."""
    rows, columns = np.mgrid[:20, :20]
    heights = 0.2 * (20 - rows) - 1.0 * np.exp(-((rows - 12) ** 2 + (columns - 10) ** 2) / 10) + 10
    y, x = 4_600_000.0 - 10 * np.arange(20), 350_000.0 + 10 * np.arange(20)
    return xr.Dataset({"surface_altitude": (("y", "x"), heights)}, {"y": y, "x": x}, {"synthetic": "true"})


@pytest.fixture(scope="module")
def parcel():
    return box(350_060, 4_599_840, 350_140, 4_599_920)


@pytest.fixture(scope="module")
def library(terrain, parcel):
    from agritwin.products.library import parcel_mask

    built = build(terrain, Plan.of(FLOOD))
    return Library.of(built, parcel_mask(terrain, parcel).to_numpy().astype(bool))


def forecast(*members):
    """Members of 30 hours, dry apart from what is given as {hour: mm}."""
    rain = np.zeros((len(members), 30))
    for row, fallen in zip(rain, members, strict=True):
        for hour, amount in fallen.items():
            row[hour] = amount
    time = np.datetime64("2025-06-15T01", "ns") + np.arange(30) * np.timedelta64(1, "h")
    data = xr.DataArray(rain, {"time": time}, ("member", "time"), attrs={"units": "mm"})
    return xr.Dataset({"precipitation": data}, attrs={"source": "test"})


DRY, STORM = {}, {10: 35.0, 11: 45.0}


def judged(library, members, refined=None):
    ahead = floods_ahead(library, members, 0.5)
    return from_flood(ahead, refined or {}, members, CONFIG["alerts"], UNTIL, None)[0]


def test_the_share_of_members_with_a_flood_decides(library):
    assert judged(library, forecast(*[STORM] * 4, *[DRY] * 6)).level in ("mid", "serious")
    assert judged(library, forecast(STORM, *[DRY] * 9)).level == "none"


def test_the_alert_stands_from_the_rain_until_it_has_run_off(library):
    judgement = judged(library, forecast(STORM))
    assert judgement.valid_from == UNTIL + dt.timedelta(hours=11)
    assert judgement.valid_until == UNTIL + dt.timedelta(hours=13)
    assert judgement.evidence["storm"] == "80.0 mm / 2 h"
    assert judgement.probability == 1.0


def test_wetter_soil_is_deeper_water(library):
    members = forecast(STORM)
    depths = [floods_ahead(library, members, water)[0][1].depth_max_m for water in (0.0, 1.0)]
    assert depths[0] < depths[1]


def test_without_forecast_or_library_nothing_is_judged(library):
    assert floods_ahead(None, forecast(STORM), 0.5) == []
    assert from_flood([], {}, None, CONFIG["alerts"], UNTIL, None) == []


def test_the_worst_member_is_run_in_full_and_its_depth_takes_the_place_of_the_one_read_off(library, terrain, parcel):
    members = forecast(DRY, STORM, {5: 30.0, 6: 20.0})
    ahead = floods_ahead(library, members, 0.5)
    refined = refine(terrain, parcel, members, ahead, CONFIG["alerts"], FLOOD)
    assert list(refined) == [1]
    assert refined[1] == pytest.approx(ahead[1][1].depth_max_m, rel=0.25)
    assert judged(library, forecast(STORM), {0: 0.06}).value == 0.06


def test_dry_members_are_not_run(library, terrain, parcel):
    members = forecast(DRY, {3: 5.0})
    assert refine(terrain, parcel, members, floods_ahead(library, members, 0.5), CONFIG["alerts"], FLOOD) == {}


def test_no_member_is_run_where_the_others_settle_the_level(library, terrain, parcel):
    """Three of ten must agree: one of four alike changes nothing, one of three does."""
    for alike, runs in ((4, 0), (3, 1)):
        members = forecast(*[STORM] * alike, *[DRY] * (10 - alike))
        ahead = floods_ahead(library, members, 0.5)
        refined = refine(terrain, parcel, members, ahead, CONFIG["alerts"], FLOOD)
        assert len(refined) == runs
    settled = forecast(*[STORM] * 4, *[DRY] * 6)
    assert len({judged(library, settled, {0: depth}).level for depth in (0.0, 0.1, 0.3, 9.0)}) == 1
