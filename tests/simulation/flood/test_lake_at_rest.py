"""Liang & Borthwick (2009): three humps in a lake, one of them above the water. Nothing may move."""

import numpy as np
import pytest
import xarray as xr

from agritwin.simulation.flood import simulate


@pytest.mark.parametrize("precision", ["f32", "f64"])
@pytest.mark.parametrize("advection", [False, True])
def test_lake_stays_at_rest(raster, precision, advection):
    x, y = np.meshgrid(np.arange(0.25, 75, 0.5), np.arange(0.25, 30, 0.5))
    humps = [peak - slope * np.hypot(x - a, y - b) for peak, slope, a, b in
             [(1, 0.125, 30, 6), (1, 0.125, 30, 24), (3, 0.3, 47.5, 15)]]  # fmt: skip
    bed = np.round(np.maximum.reduce([np.zeros_like(x), *humps]) * 1024) / 1024  # exact in float32
    depth = xr.DataArray(np.maximum(0.875 - bed, 0), dims=("y", "x"))
    result = simulate(
        raster(bed, 0.5), None, duration_s=600, output_times_s=[600], boundaries="closed",
        initial_depth=depth, precision=precision, advection=advection,
    )  # fmt: skip
    assert (depth == 0).any()
    assert (depth > 0.5).any()
    assert float(result["speed_max"].max()) == 0.0
    assert float(abs(result["water_depth"][0] - depth).max()) == 0.0
    assert float(result["mass_error_relative"]) == 0.0


def test_a_tilted_lake_does_move(raster):
    bed = np.zeros((8, 40))
    depth = xr.DataArray(1 + 0.1 * np.linspace(-1, 1, 40) * np.ones((8, 1)), dims=("y", "x"))
    result = simulate(
        raster(bed, 0.5), None, duration_s=5, output_times_s=[5], boundaries="closed", initial_depth=depth
    )
    assert float(result["speed_max"].max()) > 0.05
