"""Waves with known solutions: advancing front, dam breaks, bowl, steady channel (Hunter et al. 2005; SWASHES)."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

from agritwin.simulation.flood import DischargeEdge, StageEdge, simulate
from agritwin.simulation.flood.kernels import GRAVITY

FRICTIONLESS = 1e-9


def on_cells(depth):
    return xr.DataArray(depth, dims=("y", "x"))


@pytest.mark.parametrize(
    ("speed", "manning", "cell", "advection", "tolerance"),
    [
        (0.29, 0.03, 25, False, 0.010),
        (0.29, 0.03, 25, True, 0.010),
        (0.635, 0.03, 25, True, 0.012),
        (0.4, 0.01, 5, True, 0.002),
    ],
)
def test_front_on_a_level_plane(raster, speed, manning, cell, advection, tolerance):
    """h = (7/3 n2 u2 (u t - x))^(3/7) solves the full equations, for acceleration vanishes in it."""

    def depth(x, t):
        return (7 / 3 * (manning * speed) ** 2 * np.maximum(speed * t - x, 0)) ** (3 / 7)

    times = np.linspace(0, 3600, 1801)
    terrain = raster(np.zeros((2, int(speed * 3600 * 1.15 / cell))), cell)
    result = simulate(
        terrain, None, duration_s=3600, output_times_s=[3600], manning=manning, advection=advection,
        boundaries=[StageEdge("west", times, depth(-cell / 2, times))],
    )  # fmt: skip
    exact = depth(terrain["x"].to_numpy(), 3600)
    wet = exact > 0
    error = result["water_depth"][0, 0].to_numpy() - exact
    assert np.sqrt(np.mean(error[wet] ** 2)) < tolerance
    assert abs(float(result["mass_error_relative"])) < 1e-6


def ritter(x, t, left):
    c = np.sqrt(GRAVITY * left)
    s = x / t
    return np.where(s < -c, left, np.where(s < 2 * c, 4 / (9 * GRAVITY) * np.maximum(c - s / 2, 0) ** 2, 0.0))


def stoker(x, t, left, right):
    c0, g = np.sqrt(GRAVITY * left), GRAVITY

    def jump(c):
        return -8 * g * right * c**2 * (c0 - c) ** 2 + (c**2 - g * right) ** 2 * (c**2 + g * right)

    c = brentq(jump, np.sqrt(g * right) * (1 + 1e-6), c0)
    middle, speed = c**2 / g, 2 * (c0 - c)
    shock = middle * speed / (middle - right)
    s = x / t
    fan = 4 / (9 * g) * (c0 - s / 2) ** 2
    return np.where(s < -c0, left, np.where(s < speed - c, fan, np.where(s < shock, middle, right)))


@pytest.mark.parametrize(("right", "tolerance"), [(0.0, 0.02), (0.001, 0.008)], ids=["Ritter dry", "Stoker wet"])
@pytest.mark.parametrize("precision", ["f32", "f64"])
def test_dam_break(raster, right, tolerance, precision):
    count, left = 400, 0.005
    terrain = raster(np.zeros((2, count)), 10 / count)
    x = terrain["x"].to_numpy() - 5
    result = simulate(
        terrain, None, duration_s=6, output_times_s=[6], manning=FRICTIONLESS, boundaries="closed", courant=0.5,
        initial_depth=on_cells(np.where(x < 0, left, right) * np.ones((2, 1))), precision=precision,
    )  # fmt: skip
    exact = ritter(x, 6, left) if right == 0 else stoker(x, 6, left, right)
    model = result["water_depth"][0, 0].to_numpy()
    assert np.abs(model - exact).sum() / exact.sum() < tolerance
    assert model.min() >= 0
    assert abs(float(result["mass_error_relative"])) < (1e-12 if precision == "f64" else 1e-6)
    assert result.attrs["advection"] == "true"  # switched on by itself


def test_thacker_bowl(raster):
    """Water in a paraboloid swings out and back to where it was after each period (Thacker 1981)."""
    count, size, h0, r0, a = 120, 4.0, 0.1, 0.8, 1.0
    terrain = raster(np.zeros((count, count)), size / count)
    x, y = np.meshgrid(terrain["x"] - size / 2, terrain["y"] - size / 2)
    r2 = x**2 + y**2
    terrain["surface_altitude"] = (("y", "x"), h0 * (r2 / a**2 - 1))
    swing, omega = (a**2 - r0**2) / (a**2 + r0**2), np.sqrt(8 * GRAVITY * h0) / a

    def depth(t):
        k = 1 - swing * np.cos(omega * t)
        level = h0 * (np.sqrt(1 - swing**2) / k - 1 - r2 / a**2 * ((1 - swing**2) / k**2 - 1))
        return np.maximum(level - h0 * (r2 / a**2 - 1), 0)

    period = 2 * np.pi / omega
    result = simulate(
        terrain, None, duration_s=period, output_times_s=[period / 2, period], manning=FRICTIONLESS,
        boundaries="closed", initial_depth=on_cells(depth(0)), precision="f64", courant=0.5,
    )  # fmt: skip
    errors = [float(np.abs(result["water_depth"][k] - depth(t)).sum() / depth(t).sum()) for k, t in
              enumerate([period / 2, period])]  # fmt: skip
    assert errors[0] < 0.02
    assert errors[1] < 0.04
    assert np.abs(depth(period / 2) - depth(0)).sum() / depth(0).sum() > 0.3  # so standing still would not pass
    assert abs(float(result["mass_error_relative"])) < 1e-12


@pytest.mark.parametrize("rain", [0.0, 0.001], ids=["dry", "with rain"])
def test_macdonald_channel(raster, steady_rain, rain):
    """The bed under which a given depth is steady (MacDonald et al. 1997), 1000 m, subcritical."""
    length, count, manning = 1000.0, 200, 0.033
    entering = 1.0 if rain else 2.0
    cell = length / count

    def depth(x):
        return (4 / GRAVITY) ** (1 / 3) * (1 + 0.5 * np.exp(-16 * (x / length - 0.5) ** 2))

    x = np.linspace(0, length + cell, 20 * (count + 1) + 1)
    h, q = depth(x), entering + rain * x
    slope = (q**2 / (GRAVITY * h**3) - 1) * np.gradient(h, x) - manning**2 * q**2 / h ** (10 / 3)
    slope -= 2 * q * rain / (GRAVITY * h**2)
    bed = np.concatenate([[0], np.cumsum(0.5 * (slope[1:] + slope[:-1]) * np.diff(x))])
    centres = (np.arange(count) + 0.5) * cell
    z = np.interp(centres, x, bed) - bed.min()
    end = 5000.0
    result = simulate(
        raster(np.tile(z, (2, 1)), cell), steady_rain(rain * 3.6e6, end) if rain else None, duration_s=end,
        output_times_s=[end], manning=manning, initial_depth=0.01, precision="f64", hydrology_step_s=0.1,
        boundaries=[StageEdge("east", [0], [z[-1] + depth(length + cell / 2)])],
        inflows=[DischargeEdge("west", [0], [2 * cell * entering])],
    )  # fmt: skip
    error = result["water_depth"][0, 0].to_numpy() - depth(centres)
    assert np.abs(error).mean() < 0.005
