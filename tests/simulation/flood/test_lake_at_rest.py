"""Liang & Borthwick (2009): three humps in a lake, one of them above the water. Nothing may move."""

import numpy as np
import pytest
import xarray as xr

from agritwin.simulation.flood import simulate
from benchmarks import flood_cases


@pytest.mark.parametrize("precision", ["f32", "f64"])
@pytest.mark.parametrize("advection", [False, True])
def test_lake_stays_at_rest(precision, advection):
    lake = flood_cases.lake(precision, advection=advection)
    depth = lake.result["water_depth"][0]
    assert (depth == 0).any()
    assert (depth > 0.5).any()
    assert float(lake.result["speed_max"].max()) == 0.0
    assert float(abs(lake.error).max()) == 0.0
    assert lake.mass_error == 0.0


def test_a_tilted_lake_does_move(raster):
    bed = np.zeros((8, 40))
    depth = xr.DataArray(1 + 0.1 * np.linspace(-1, 1, 40) * np.ones((8, 1)), dims=("y", "x"))
    result = simulate(
        raster(bed, 0.5), None, duration_s=5, output_times_s=[5], boundaries="closed", initial_depth=depth
    )
    assert float(result["speed_max"].max()) > 0.05
