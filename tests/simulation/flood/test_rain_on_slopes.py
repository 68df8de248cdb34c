"""Rain on a plane against the kinematic wave, and the tilted V-catchment of Di Giammarco et al. (1996)."""

import numpy as np
import pytest

from agritwin.simulation.flood import FreeEdge, simulate


def kinematic_outflow(t, length, slope, manning, rain, rain_end):
    """Discharge (m2/s) at the foot of a plane (Eagleson 1970): rise, plateau, and recession by characteristics."""
    alpha, m = np.sqrt(slope) / manning, 5 / 3
    rise = alpha * (rain * np.minimum(t, rain_end)) ** m
    q = np.minimum(rise, rain * length)
    later = np.linspace(1e-9, rain * length, 20001)
    since = (length - later / rain) / (alpha * m * (later / alpha) ** ((m - 1) / m))
    falling = np.interp(t - rain_end, since[::-1], later[::-1])
    return np.where(t > rain_end, falling, q)


def nash_sutcliffe(model, reference):
    return 1 - np.sum((model - reference) ** 2) / np.sum((reference - reference.mean()) ** 2)


@pytest.mark.parametrize(
    ("length", "slope", "manning", "intensity", "hours", "cell"),
    [(800, 0.05, 0.015, 10.8, 1.5, 10), (100, 0.02, 0.04, 50, 1.0, 1)],
)
@pytest.mark.parametrize("precision", ["f32", "f64"])
def test_plane_gives_the_kinematic_hydrograph(
    raster, steady_rain, length, slope, manning, intensity, hours, cell, precision
):
    columns = length // cell
    bed = np.tile(slope * (length - (np.arange(columns) + 0.5) * cell), (3, 1))
    end = hours * 3600
    result = simulate(
        raster(bed, cell), steady_rain(intensity, end), duration_s=1.5 * end, output_times_s=[end], manning=manning,
        boundaries={"east": "free"}, monitor_step_s=10, hydrology_step_s=1, advection=False, precision=precision,
    )  # fmt: skip
    rain = intensity / 3.6e6
    middle = 0.5 * (result["monitor_time"].to_numpy()[1:] + result["monitor_time"].to_numpy()[:-1])
    model = result["outflow_rate"].to_numpy()[1:] / (3 * cell)
    reference = kinematic_outflow(middle, length, slope, manning, rain, end)
    assert nash_sutcliffe(model, reference) > 0.999
    plateau = model[np.searchsorted(middle, end) - 2]
    assert plateau == pytest.approx(rain * length, rel=1e-6 if precision == "f64" else 1e-4)
    assert abs(float(result["mass_error_relative"])) < (1e-12 if precision == "f64" else 1e-6)


def test_v_catchment_reaches_its_equilibrium(raster, steady_rain):
    cell = 20
    x, y = np.meshgrid(np.arange(81) * cell + 10.0, np.arange(50) * cell + 10.0)
    bed = 0.05 * np.maximum(abs(x - 810) - 10, 0) + 0.02 * y
    channel = abs(x - 810) < 10
    terrain = raster(bed, cell)
    manning = terrain["surface_altitude"].copy(data=np.where(channel, 0.15, 0.015))
    result = simulate(
        terrain, steady_rain(10.8, 5400), duration_s=10800, output_times_s=[10800], manning=manning,
        boundaries=[FreeEdge("south", 800, 820)], monitor_step_s=10, precision="f64", advection=False,
    )  # fmt: skip
    outflow = result["outflow_rate"]
    assert float(outflow.interp(monitor_time=5400)) == pytest.approx(4.86, rel=0.01)
    # nine tenths of the plateau come within the range that published codes span, and the channel drains after the rain
    rising = outflow[outflow.to_numpy().searchsorted(0.9 * 4.86)]
    assert 2400 < float(rising["monitor_time"]) < 2900
    assert 0.4 < float(outflow.interp(monitor_time=9000)) < 0.6
    assert abs(float(result["mass_error_relative"])) < 1e-12
