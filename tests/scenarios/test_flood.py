"""Flood scenarios: dikes, culverts, other rains and soils change what they should, and a typo is named."""

import json

import numpy as np
import pytest
import xarray as xr
import yaml
from shapely.geometry import box, mapping

from agritwin.config import read_yaml
from agritwin.cubes import write_group
from agritwin.errors import ConfigError, DataError
from agritwin.geometry import to_crs
from agritwin.pins import open_pointer, write_pointer
from agritwin.scenarios import flood as job
from agritwin.scenarios.definition import read, read_any
from agritwin.scenarios.flood import with_works
from agritwin.scenarios.flood_definition import Culvert, Dike, FloodScenario, schema
from tests.conftest import ROOT

EPSG, WEST, NORTH = 32630, 350_000.0, 4_570_000.0
FLOOD = read_yaml(ROOT / "config" / "config.yaml")["flood"] | {"simulated_h": 3.0, "storm_depth_mm": 60}


@pytest.fixture
def terrain():
    """A valley of 10 m cells that falls south, closed by a bank of 2 m with the parcel below it."""
    rows, columns = np.mgrid[:24, :24]
    heights = 0.15 * (24 - rows) + 0.05 * np.abs(columns - 12)
    heights[14] += 2.0
    y, x = NORTH - 10.0 * np.arange(24), WEST + 10.0 * np.arange(24)
    return xr.Dataset({"surface_altitude": (("y", "x"), heights)}, {"y": y, "x": x}, {"synthetic": "true"})


def degrees(*points):
    """Longitude and latitude of cells (row, column)."""
    from shapely.geometry import Point

    return [to_crs(Point(WEST + 10 * column, NORTH - 10 * row), EPSG, 4326).coords[0] for row, column in points]


CULVERT = {"line": degrees((12, 12), (16, 12)), "blocked": True}


def test_a_dike_is_raised_ground_without_a_gap(terrain):
    line = degrees((4, 4), (9, 18))
    raised = with_works(terrain, EPSG, [Dike(line=line, height_m=1.5)], [])["surface_altitude"]
    change = (raised - terrain["surface_altitude"]).to_numpy()
    assert set(np.unique(change.round(6))) == {0.0, 1.5}
    assert (change[:, 4:19] > 0).any(axis=0).all()


def test_an_open_culvert_cuts_the_bank_down_to_its_ends_and_raises_nothing(terrain):
    opened = with_works(terrain, EPSG, [], [Culvert(**CULVERT)])["surface_altitude"].to_numpy()
    before = terrain["surface_altitude"].to_numpy()
    assert (opened <= before).all()
    assert opened[14, 12] < before[14, 12] - 1.5
    assert opened[14, 2] == before[14, 2]


def test_a_line_beside_the_terrain_is_refused(terrain):
    with pytest.raises(DataError, match="does not touch"):
        with_works(terrain, EPSG, [Dike(line=[(10.0, 50.0), (10.1, 50.0)], height_m=1)], [])


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"storm": {"depth": 3}}, "storm.depth"),
        ({"dikes": [{"height_m": 1}]}, "dikes.0.line"),
        ({"kind": "crop"}, "kind"),
    ],
)
def test_a_typo_is_named(tmp_path, change, key):
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump({"kind": "flood", "twin": "t", "title": "x"} | change))
    with pytest.raises(ConfigError, match=key):
        read(path, FloodScenario)


def test_the_scenarios_of_this_repository_are_understood():
    paths = sorted((ROOT / "config" / "scenarios").glob("*/floods/*.yaml"))
    assert paths
    for path in paths:
        assert read_any(path).twin == path.parents[1].name
        assert "schema/flood_scenario.json" in path.read_text(encoding="utf-8").splitlines()[0]
    assert json.loads((ROOT / "config/schema/flood_scenario.json").read_text(encoding="utf-8")) == schema()


@pytest.fixture
def simulate(terrain, tmp_path, monkeypatch):
    """Run a scenario on the valley and return what was published."""
    monkeypatch.chdir(tmp_path)
    parcel = to_crs(box(WEST + 60, NORTH - 220, WEST + 180, NORTH - 160), EPSG, 4326)
    (tmp_path / "parcel.geojson").write_text(json.dumps({"geometry": mapping(parcel)}))
    store = tmp_path / "terrain.icechunk"
    write_group(store, "terrain", terrain, "a valley")
    write_pointer(tmp_path / "terrain.json", store, "terrain")

    def go(**change):
        path = tmp_path / "what-if.yaml"
        path.write_text(yaml.safe_dump({"kind": "flood", "twin": "t", "title": "What if"} | change))
        job.simulate_scenario(str(path), "parcel.geojson", "terrain.json", "results/what-if.json", "t", FLOOD)
        return json.loads((tmp_path / "results" / "what-if.json").read_text())

    return go


def test_more_rain_on_wetter_soil_is_deeper_and_the_run_is_kept(simulate):
    told = simulate(storm={"depth_mm": 90}, soil_water=1.0)
    summary = told["summary"]
    assert summary["difference"]["depth_max_m"] > 0.02
    assert summary["scenario"]["storm"] == {"depth_mm": 90, "duration_h": 2, "shape": "alternating_block"}
    assert told["synthetic"] is True
    kept = open_pointer("results/what-if.json")
    own, asked = (float(kept["water_depth_max"].sel(run=run).max()) for run in (0, 1))
    assert own >= summary["baseline"]["depth_max_m"] - 0.001
    assert asked >= summary["scenario"]["depth_max_m"] - 0.001
    course = kept["parcel_depth"]
    assert course.dims == ("run", "time")
    assert float(course.sel(run=1).max()) > float(course.sel(run=0).max()) > 0
    assert (kept["parcel_depth_max"] >= course).all()


def test_rain_in_time_and_space_falls_where_a_raster_says(simulate, tmp_path):
    stamps = np.datetime64("2025-06-14T20:30", "ns") + np.arange(2) * np.timedelta64(30, "m")
    axes = {"time": stamps, "lat": [41.3, 41.25, 41.2], "lon": [-4.9, -4.8, -4.7]}
    rain = xr.Dataset({"rain": (("time", "lat", "lon"), np.full((2, 3, 3), 60.0), {"units": "mm h-1"})}, axes)
    rain.to_netcdf(tmp_path / "radar.nc", engine="scipy")
    told = simulate(storm={"rain_raster": "radar.nc"})["summary"]["scenario"]
    even = simulate(storm={"depth_mm": 60, "duration_h": 1, "shape": "uniform"})["summary"]["scenario"]
    assert told["storm"] == {"depth_mm": 60.0, "duration_h": 1.0}
    assert told["depth_max_m"] == pytest.approx(even["depth_max_m"], rel=1e-3)
    with pytest.raises(ConfigError, match="either 'rain_raster', or depth"):
        simulate(storm={"rain_raster": "radar.nc", "depth_mm": 90})


def test_velocities_are_kept_beside_the_greatest_speed_to_the_millimetre(simulate):
    simulate()
    kept = open_pointer("results/what-if.json")
    speed = np.hypot(kept["velocity_x"], kept["velocity_y"])
    assert float(speed.max()) > 0.05
    assert ((speed <= kept["speed_max"] + 0.001) | (kept["water_depth"] < 0.01)).all()
    assert (kept["depth_speed_max"] <= kept["water_depth_max"] * kept["speed_max"] + 0.001).all()


def test_nothing_changed_is_no_change(simulate):
    change = simulate()["summary"]["difference"]
    assert change["depth_max_m"] == 0
    assert set(change["flooded_share_percent"].values()) == {0}


def test_a_blocked_culvert_keeps_water_from_the_land_below(simulate):
    line = [list(point) for point in CULVERT["line"]]
    blocked = simulate(culverts=[{"line": line, "blocked": True}])["summary"]["difference"]
    assert blocked["depth_max_m"] < -0.005
    opened = simulate(culverts=[{"line": line, "blocked": False}])["summary"]["difference"]
    assert opened["depth_max_m"] == 0
