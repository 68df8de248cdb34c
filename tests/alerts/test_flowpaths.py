"""Flow paths by doubled pointers: against a walk cell by cell, and against pyflwdir."""

import numpy as np
import pyflwdir
import pytest
import shapely
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agritwin.alerts.flowpaths import D8, catchment, drains_to
from agritwin.terrain import drainage


def walked(codes, target):
    """Follow every cell downhill, step by step."""
    rows, columns = codes.shape
    way = np.full(codes.shape, np.nan)
    for start in np.ndindex(codes.shape):
        (row, column), length = start, 0.0
        for _ in range(codes.size + 1):
            if target[row, column]:
                way[start] = length
                break
            down, right = D8.get(int(codes[row, column]), (0, 0))
            if (down, right) == (0, 0) or not (0 <= row + down < rows and 0 <= column + right < columns):
                break
            row, column, length = row + down, column + right, length + np.hypot(down, right)
    return way


@given(st.integers(2, 7), st.integers(2, 7), st.integers(0, 10_000))
def test_the_same_cells_and_lengths_as_a_walk(rows, columns, seed):
    heights = np.random.default_rng(seed).permutation(rows * columns).reshape(rows, columns).astype(float)
    codes = np.zeros(heights.shape, np.uint8)
    for code, (down, right) in D8.items():  # each cell to some lower neighbour, so that no path runs in a circle
        for row, column in np.ndindex(heights.shape):
            to = row + down, column + right
            if 0 <= to[0] < rows and 0 <= to[1] < columns and heights[to] < heights[row, column]:
                codes[row, column] = code
    target = np.zeros(heights.shape, bool)
    target[np.unravel_index(seed % heights.size, heights.shape)] = True
    reaches, way = drains_to(codes, target)
    expected = walked(codes, target)
    assert np.array_equal(reaches, ~np.isnan(expected))
    assert way[reaches] == pytest.approx(expected[reaches])


@pytest.fixture(scope="module")
def hill():
    """A hillside falling east, with a hollow way down its middle."""
    y, x = 1000.0 - 5 * np.arange(40) - 2.5, 5 * np.arange(60) + 2.5
    heights = 50 - 0.1 * x[None, :] + 0.02 * np.abs(y[:, None] - 900.0)
    altitude = xr.DataArray(heights, {"y": y, "x": x}, ("y", "x"), attrs={"units": "m"})
    return drainage(altitude, 5000.0)["flow_direction"]


def test_the_same_cells_as_pyflwdir(hill):
    columns, rows = np.meshgrid(hill["x"], hill["y"])
    below = shapely.contains_xy(shapely.box(200, 880, 250, 920), columns, rows)
    network = pyflwdir.from_array(hill.to_numpy(), ftype="d8", latlon=False)
    reaches, _ = drains_to(hill.to_numpy(), below)
    assert 100 < reaches.sum() < hill.size / 2
    assert np.array_equal(reaches, network.basins(idxs=np.flatnonzero(below)) > 0)


def test_a_catchment_that_goes_on_beyond_the_terrain_is_told(hill):
    columns, rows = np.meshgrid(hill["x"], hill["y"])
    whole = catchment(hill, shapely.contains_xy(shapely.box(200, 880, 250, 920), columns, rows))
    assert whole["cut_off"]
    assert whole["area_ha"] > 0.2
    crest = catchment(hill, shapely.contains_xy(shapely.box(10, 985, 30, 994), columns, rows))
    assert crest["area_ha"] < whole["area_ha"]
