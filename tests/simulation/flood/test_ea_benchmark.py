"""Environment Agency benchmark, test 2: filling of depressions (Neelz & Pender 2013, SC120002)."""

import numpy as np
import pytest

from agritwin.simulation.flood import DischargeEdge, simulate

# depths at points 1-12 after 48 h by LISFLOOD-FP 8.1, acceleration solver
REFERENCE = [0.3889, 0.3501, 0.3465, 0.3422, 0.1715, 0.3495, 0.3467, 0.3423, 0.0, 0.0, 0.0973, 0.1940]
ON_THE_WAY = [4, 10, 11]  # ponds that are filled in part: the path of the water decides


@pytest.mark.parametrize(("advection", "precision", "mass"), [(False, "f32", 1e-7), (True, "f64", 1e-12)])
def test_depressions_fill_and_spill(raster, advection, precision, mass):
    cell = 20
    centres = (np.arange(100) + 0.5) * cell
    x, y = np.meshgrid(centres, centres)
    # the benchmark's surface z = 8.667 - x/2000 + y/1500 + (cos kx + cos ky)/4, averaged over cells of 20 m
    waves = np.cos(2 * np.pi * x / 500) + np.cos(2 * np.pi * y / 500)
    bed = 8.667 - x / 2000 + y / 1500 + 0.25 * np.sinc(cell / 500) * waves
    minutes = np.array([0, 5, 10, 86, 91])
    result = simulate(
        raster(bed, cell), None, duration_s=48 * 3600, output_times_s=[48 * 3600], manning=0.03, boundaries="closed",
        inflows=[DischargeEdge("west", 60.0 * minutes, [0, 0, 20, 20, 0], 1900, 2000)], advection=advection,
        longest_step_s=10, precision=precision,
    )  # fmt: skip
    points = 250 + 500 * np.arange(4)
    depth = result["water_depth"][0].sel(x=points, y=points, method="nearest").transpose("x", "y").to_numpy().ravel()
    assert np.delete(depth[:12], ON_THE_WAY) == pytest.approx(np.delete(REFERENCE, ON_THE_WAY), abs=1e-3)
    assert depth[ON_THE_WAY] == pytest.approx(np.array(REFERENCE)[ON_THE_WAY], abs=1e-2)
    assert (depth[12:] == 0).all()
    assert float(result["inflow_volume"]) == pytest.approx(97200, rel=1e-6)
    assert abs(float(result["mass_error_relative"])) < mass
    assert float(result["water_depth"].min()) >= 0
