"""Infiltration and losses against worked examples."""

import numpy as np
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.simulation.flood import CurveNumber, GreenAmpt, simulate
from agritwin.simulation.flood.infiltration import CurveNumberState, GreenAmptState

SILT_LOAM = GreenAmpt(conductivity_mm_h=6.5, suction_mm=167.0, moisture_deficit=0.340)


@pytest.mark.parametrize("step", [10.0, 60.0, 3600.0])
def test_green_ampt_under_a_film_of_water(step):
    """Chow, Maidment & Mays (1988), example 4.3.1: 3.17 cm and 1.81 cm/h after one hour."""
    soil = GreenAmptState(SILT_LOAM, (1, 1))
    storage = soil.suction * soil.deficit
    film = np.full((1, 1), 0.0)
    for _ in range(round(3600 / step)):
        # the example neglects the depth of the pond: give ample water, but no head
        soil.suction = storage / soil.deficit - 1.0
        soil.infiltrate(film + 1.0, step)
    assert float(soil.total[0, 0]) == pytest.approx(0.0317, abs=5e-5)
    rate = float((soil.conductivity * (1 + storage / soil.total))[0, 0])
    assert rate * 3.6e5 == pytest.approx(1.81, abs=0.01)


@pytest.mark.parametrize(("rain_cm_h", "hours", "depth_cm"), [(5.0, 0.17, 0.85), (1.0, 10.5, 10.5)])
def test_green_ampt_ponds_when_the_example_says(raster, rain_cm_h, hours, depth_cm):
    """Chow, Maidment & Mays (1988), example 4.4.1: time to ponding and depth infiltrated until then."""
    soil = GreenAmptState(SILT_LOAM, (1, 1))
    step, time, pond = 10.0, 0.0, np.zeros((1, 1))
    while pond[0, 0] < 1e-9:
        pond = pond + rain_cm_h / 3.6e5 * step
        pond = pond - soil.infiltrate(pond, step)
        time += step
    assert time / 3600 == pytest.approx(hours, rel=0.03)
    assert float(soil.total[0, 0]) * 100 == pytest.approx(depth_cm, rel=0.03)


def test_curve_number_runoff():
    """S = 25400/CN - 254; CN 80 and 100 mm of rain give 50.5 mm of runoff, however the rain is cut up."""
    storage = 25400 / 80 - 254
    expected = (100 - 0.2 * storage) ** 2 / (100 + 0.8 * storage)
    assert expected == pytest.approx(50.5, abs=0.1)
    for parts in (1, 7, 100):
        state = CurveNumberState(CurveNumber(80), (2, 2))
        kept = sum(state.abstract(np.float64(0.1 / parts)) for _ in range(parts))
        assert (0.1 - kept) * 1000 == pytest.approx(np.full((2, 2), expected))


@pytest.mark.parametrize("uniform", [True, False])
@pytest.mark.parametrize("loss", [CurveNumber(75), GreenAmpt(20, 100, 0.3)])
def test_losses_are_booked(raster, uniform, loss):
    """Uniform rain and the same rain as a raster lose the same."""
    shape = (12, 15)
    values = np.array([40.0, 20.0]) if uniform else np.array([40.0, 20.0])[:, None, None] * np.ones((2, *shape))
    dims = ("time",) if uniform else ("time", "y", "x")
    rain = xr.DataArray(values, {"time": [1800.0, 3600.0]}, dims, attrs={"units": "mm"})
    result = simulate(
        raster(np.zeros(shape), 10.0), rain, duration_s=5400, output_times_s=[5400], boundaries="closed",
        infiltration=loss, precision="f64",
    )  # fmt: skip
    area = 12 * 15 * 100
    assert float(result["rain_volume"]) == pytest.approx(0.060 * area)
    lost = float(result["infiltration_volume"]) / area * 1000
    if isinstance(loss, CurveNumber):
        storage = 25400 / 75 - 254
        assert lost == pytest.approx(60 - (60 - 0.2 * storage) ** 2 / (60 + 0.8 * storage))
    else:
        assert 30 < lost < 60
    left = 0.060 * area - float(result["infiltration_volume"])
    assert float(result["stored_volume"]) == pytest.approx(left, abs=1e-9 * area)
    assert abs(float(result["mass_error_relative"])) < 1e-12


def test_everything_soaks_into_a_sponge(raster, steady_rain):
    result = simulate(
        raster(np.zeros((5, 5)), 10.0), steady_rain(20, 3600), duration_s=7200, output_times_s=[7200],
        boundaries="closed", infiltration=GreenAmpt(100, 100, 0.4),
    )  # fmt: skip
    assert float(result["water_depth"].max()) == pytest.approx(0, abs=1e-9)
    assert float(result["infiltration_volume"]) == pytest.approx(0.020 * 2500)


@pytest.mark.parametrize(
    ("loss", "name"),
    [(GreenAmpt(-1, 100, 0.3), "conductivity_mm_h"), (GreenAmpt(10, 100, 1.3), "moisture_deficit"),
     (CurveNumber(0), "curve number"), (CurveNumber(xr.DataArray(np.ones((2, 2)), dims=("y", "x"))), "number")],
)  # fmt: skip
def test_impossible_soils_are_refused(raster, loss, name):
    with pytest.raises(DataError, match=name):
        simulate(raster(np.zeros((5, 5)), 10.0), None, duration_s=10, output_times_s=[], infiltration=loss)
