"""The twin's library: built once, found again, built anew when what it rests on changes."""

import numpy as np
import pytest
import xarray as xr
from shapely.geometry import box

from agritwin.errors import StoreError
from agritwin.pins import open_pointer
from agritwin.products import library as product
from agritwin.simulation.flood.events import Event
from agritwin.simulation.flood.library import Plan

PLAN = Plan((30.0, 90.0), (1.0, 2.0), (0.0, 1.0), 20.0, 85.0, 0.05)
PARCEL = box(30, 30, 120, 120)


@pytest.fixture(scope="module")
def terrain():
    rows, columns = np.mgrid[:16, :16]
    heights = 0.1 * rows - 0.8 * np.exp(-((rows - 8) ** 2 + (columns - 8) ** 2) / 10) + 5
    y, x = 155.0 - 10 * np.arange(16), 5.0 + 10 * np.arange(16)
    return xr.Dataset({"surface_altitude": (("y", "x"), heights)}, {"y": y, "x": x}, {"synthetic": "true"})


@pytest.fixture
def runs(monkeypatch):
    """How often the solver was asked."""
    asked, run = [], product.build
    monkeypatch.setattr(product, "build", lambda *arguments: (asked.append(1), run(*arguments))[1])
    return asked


def test_a_library_is_built_once_and_anew_when_terrain_or_plan_change(tmp_path, monkeypatch, terrain, runs):
    monkeypatch.chdir(tmp_path)
    first = product.library_of("t", terrain, PARCEL, PLAN)
    again = product.library_of("t", terrain, PARCEL, PLAN)
    assert len(runs) == 1
    assert np.array_equal(first["water_depth_max"], again["water_depth_max"])
    product.library_of("t", terrain, PARCEL, Plan((30.0, 100.0), (1.0, 2.0), (0.0, 1.0), 20.0, 85.0, 0.05))
    assert len(runs) == 2
    lifted = terrain.copy(data={"surface_altitude": terrain["surface_altitude"].to_numpy() + 0.001})
    assert product.mark(lifted, PARCEL, PLAN) != product.mark(terrain, PARCEL, PLAN)


def test_what_is_kept_can_be_read_by_the_watch(tmp_path, monkeypatch, terrain):
    monkeypatch.chdir(tmp_path)
    runs = product.library_of("t", terrain, PARCEL, PLAN)
    product.keep_library("results/t/flood_library.json", "t", runs, 1.2, None)
    event = Event(70.0, 1.5, 0.5)
    expected = 1.2 * product.open_library(runs).read(event).depth_max_m
    assert product.read_library("results/t/flood_library.json").read(event).depth_max_m == pytest.approx(expected)
    assert abs(runs.attrs["check_error_m"]) < 0.1


def test_without_a_terrain_the_pointer_says_why(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    product.keep_library("results/t/flood_library.json", "t", None, 1.0, "no heights")
    assert product.read_library("results/t/flood_library.json") is None
    with pytest.raises(StoreError, match="no heights"):
        open_pointer("results/t/flood_library.json")


def test_depths_are_scaled_to_the_full_run_where_both_are_water(terrain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    library = product.open_library(product.library_of("t", terrain, PARCEL, PLAN))
    storm = {"depth_mm": 60.0, "duration_h": 1.0}
    read_m = library.read(Event(60.0, 1.0, 0.5)).depth_max_m
    assert product.scale_of(library, storm, 1.5 * read_m) == pytest.approx(1.5)
    assert product.scale_of(library, storm, 0.0) == 1.0
