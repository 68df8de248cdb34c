"""Rain on a plane against the kinematic wave, and the tilted V-catchment of Di Giammarco et al. (1996)."""

import numpy as np
import pytest

from benchmarks import flood_cases


@pytest.mark.parametrize(
    ("length", "slope", "manning", "intensity", "hours", "cell"),
    [(800, 0.05, 0.015, 10.8, 1.5, 10), (100, 0.02, 0.04, 50, 1.0, 1)],
)
@pytest.mark.parametrize("precision", ["f32", "f64"])
def test_plane_gives_the_kinematic_hydrograph(length, slope, manning, intensity, hours, cell, precision):
    plane = flood_cases.plane(length, slope, manning, intensity, hours, cell, precision)
    assert plane.efficiency > 0.999
    plateau = plane.ours[np.searchsorted(plane.along, hours * 3600) - 2]
    assert plateau == pytest.approx(intensity / 3.6e6 * length, rel=1e-6 if precision == "f64" else 1e-4)
    assert plane.mass_error < (1e-12 if precision == "f64" else 1e-6)


def test_v_catchment_reaches_its_equilibrium():
    catchment = flood_cases.v_catchment()
    outflow = catchment.result["outflow_rate"]
    assert float(outflow.interp(monitor_time=5400)) == pytest.approx(4.86, rel=0.01)
    # nine tenths of the plateau come within the range that published codes span, and the channel drains after the rain
    rising = outflow[outflow.to_numpy().searchsorted(0.9 * 4.86)]
    assert 2400 < float(rising["monitor_time"]) < 2900
    assert 0.4 < float(outflow.interp(monitor_time=9000)) < 0.6
    assert catchment.mass_error < 1e-12
