"""Floods with known solutions, as tests and the table of docs/flood.md run them (Hunter et al. 2005; SWASHES)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from agritwin.simulation.flood import DischargeEdge, FreeEdge, StageEdge, simulate
from agritwin.simulation.flood.layout import GRAVITY

FRICTIONLESS = 1e-9


@dataclass(frozen=True)
class Case:
    """A run beside what is known of it.

    Attributes
    ----------
    result
        As the solver returns it.
    along
        Where or when the two are compared: m, s, or number of a point.
    ours, reference
        Two series over `along`, or two maps (y, along).
    """

    result: xr.Dataset
    along: NDArray
    ours: NDArray
    reference: NDArray

    @property
    def error(self) -> NDArray:
        """Ours less the reference."""
        return self.ours - self.reference

    @property
    def relative_l1(self) -> float:
        """Sum of the sizes of errors over that of the reference."""
        return float(np.abs(self.error).sum() / np.abs(self.reference).sum())

    @property
    def efficiency(self) -> float:
        """Efficiency of Nash and Sutcliffe."""
        return float(1 - (self.error**2).sum() / ((self.reference - self.reference.mean()) ** 2).sum())

    @property
    def mass_error(self) -> float:
        """Volume unaccounted for as a share of what came in, without its sign."""
        return abs(float(self.result["mass_error_relative"]))


def raster(z: NDArray, cell: float, west: float = 0.0, south: float = 0.0) -> xr.Dataset:
    """Make a terrain from heights, its south-western corner at (west, south)."""
    y, x = ((np.arange(n) + 0.5) * cell for n in z.shape)
    return xr.Dataset({"surface_altitude": (("y", "x"), z)}, {"y": south + y, "x": west + x}, {"synthetic": "true"})


def steady_rain(intensity: float, duration: float) -> xr.DataArray:
    """Make a rain of one intensity (mm/h) and duration (s)."""
    return xr.DataArray([intensity], {"time": [duration]}, ("time",), attrs={"units": "mm h-1"})


def humps(x: NDArray, y: NDArray) -> NDArray:
    """Bed of Liang & Borthwick (2009): three cones on level ground, in heights that float32 holds exactly."""
    cones = [
        peak - slope * np.hypot(x - a, y - b)
        for peak, slope, a, b in [(1, 0.125, 30, 6), (1, 0.125, 30, 24), (3, 0.3, 47.5, 15)]
    ]
    return np.round(np.maximum.reduce([np.zeros_like(x), *cones]) * 1024) / 1024


def lake(precision: str, *, advection: bool) -> Case:
    """Liang & Borthwick (2009): three humps in a lake, one of them above the water. Nothing may move in 600 s."""
    x, y = np.meshgrid(np.arange(0.25, 75, 0.5), np.arange(0.25, 30, 0.5))
    bed = humps(x, y)
    depth = np.maximum(0.875 - bed, 0)
    result = simulate(
        raster(bed, 0.5), None, duration_s=600, output_times_s=[600], boundaries="closed",
        initial_depth=xr.DataArray(depth, dims=("y", "x")), precision=precision, advection=advection,
    )  # fmt: skip
    return Case(result, x[0], bed + result["water_depth"][0].to_numpy(), bed + depth)


def front_depth(speed: float, manning: float, x: NDArray | float, t: NDArray | float) -> NDArray:
    """Depth of a front onto a level plane: (7/3 n2 u2 (u t - x))^(3/7) solves the full equations."""
    return (7 / 3 * (manning * speed) ** 2 * np.maximum(speed * t - x, 0)) ** (3 / 7)


def front(speed: float, manning: float, cell: float, *, advection: bool) -> Case:
    """Run a front onto a level plane for an hour; compared where it is wet."""
    times = np.linspace(0, 3600, 1801)
    terrain = raster(np.zeros((2, int(speed * 3600 * 1.15 / cell))), cell)
    rising = front_depth(speed, manning, -cell / 2, times)
    result = simulate(
        terrain, None, duration_s=3600, output_times_s=[3600], manning=manning, advection=advection,
        boundaries=[StageEdge("west", times.tolist(), rising.tolist())],
    )  # fmt: skip
    x = terrain["x"].to_numpy()
    exact = front_depth(speed, manning, x, 3600)
    wet = exact > 0
    return Case(result, x[wet], result["water_depth"][0, 0].to_numpy()[wet], exact[wet])


def kinematic_outflow(t: NDArray, length: float, slope: float, manning: float, rain: float, end: float) -> NDArray:
    """Discharge (m2/s) at the foot of a plane (Eagleson 1970): rise, plateau, and recession by characteristics."""
    alpha, m = np.sqrt(slope) / manning, 5 / 3
    rise = alpha * (rain * np.minimum(t, end)) ** m
    later = np.linspace(1e-9, rain * length, 20001)
    since = (length - later / rain) / (alpha * m * (later / alpha) ** ((m - 1) / m))
    falling = np.interp(t - end, since[::-1], later[::-1])
    return np.where(t > end, falling, np.minimum(rise, rain * length))


def plane(
    length: int, slope: float, manning: float, intensity: float, hours: float, cell: int, precision: str = "f64"
) -> Case:
    """Rain on a plane, and the discharge at its foot (m2/s) over time."""
    columns = length // cell
    bed = np.tile(slope * (length - (np.arange(columns) + 0.5) * cell), (3, 1))
    end = hours * 3600
    result = simulate(
        raster(bed, cell), steady_rain(intensity, end), duration_s=1.5 * end, output_times_s=[end], manning=manning,
        boundaries={"east": "free"}, monitor_step_s=10, hydrology_step_s=1, advection=False, precision=precision,
    )  # fmt: skip
    sampled = result["monitor_time"].to_numpy()
    middle = 0.5 * (sampled[1:] + sampled[:-1])
    reference = kinematic_outflow(middle, length, slope, manning, intensity / 3.6e6, end)
    return Case(result, middle, result["outflow_rate"].to_numpy()[1:] / (3 * cell), reference)


def between_planes(x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Return bed and Manning's n of the tilted V-catchment of Di Giammarco et al. (1996)."""
    return 0.05 * np.maximum(abs(x - 810) - 10, 0) + 0.02 * y, np.where(abs(x - 810) < 10, 0.15, 0.015)


def v_catchment() -> Case:
    """Rain on the tilted V-catchment: discharge at its end (m3/s) against the equilibrium."""
    cell = 20
    bed, roughness = between_planes(*np.meshgrid(np.arange(81) * cell + 10.0, np.arange(50) * cell + 10.0))
    terrain = raster(bed, cell)
    result = simulate(
        terrain, steady_rain(10.8, 5400), duration_s=10800, output_times_s=[10800], monitor_step_s=10,
        manning=terrain["surface_altitude"].copy(data=roughness), boundaries=[FreeEdge("south", 800, 820)],
        precision="f64", advection=False,
    )  # fmt: skip
    time = result["monitor_time"].to_numpy()
    return Case(result, time, result["outflow_rate"].to_numpy(), np.full(time.size, 4.86))


@dataclass(frozen=True)
class Channel:
    """A channel of 1000 m whose bed makes a given depth steady (MacDonald et al. 1997), subcritical.

    Attributes
    ----------
    entering, rain
        Discharge into it, m2/s, and rain on it, m/s.
    """

    rain: float
    length = 1000.0
    cell = 5.0
    manning = 0.033
    end = 5000.0

    @property
    def entering(self) -> float:
        """Discharge into it, m2/s."""
        return 1.0 if self.rain else 2.0

    @property
    def centres(self) -> NDArray:
        """Middles of its cells, m."""
        return np.arange(self.cell / 2, self.length, self.cell)

    def depth(self, x: NDArray | float) -> NDArray:
        """Return the steady depth, m."""
        return (4 / GRAVITY) ** (1 / 3) * (1 + 0.5 * np.exp(-16 * (np.asarray(x) / self.length - 0.5) ** 2))

    def bed(self, at: NDArray) -> NDArray:
        """Return the altitude of the bed, m."""
        x = np.linspace(0, self.length + self.cell, 20 * (self.centres.size + 1) + 1)
        h, q = self.depth(x), self.entering + self.rain * x
        slope = (q**2 / (GRAVITY * h**3) - 1) * np.gradient(h, x) - self.manning**2 * q**2 / h ** (10 / 3)
        slope -= 2 * q * self.rain / (GRAVITY * h**2)
        bed = np.concatenate([[0], np.cumsum(0.5 * (slope[1:] + slope[:-1]) * np.diff(x))])
        return np.interp(at, x, bed) - bed.min()


def channel(rain: float) -> Case:
    """Fill the channel until it is steady."""
    made = Channel(rain)
    z, cell, end = made.bed(made.centres), made.cell, made.end
    result = simulate(
        raster(np.tile(z, (2, 1)), cell), steady_rain(rain * 3.6e6, end) if rain else None, duration_s=end,
        output_times_s=[end], manning=made.manning, initial_depth=0.01, precision="f64", hydrology_step_s=0.1,
        boundaries=[StageEdge("east", [0], [float(z[-1] + made.depth(made.length + cell / 2))])],
        inflows=[DischargeEdge("west", [0], [2 * cell * made.entering])],
    )  # fmt: skip
    return Case(result, made.centres, result["water_depth"][0, 0].to_numpy(), made.depth(made.centres))


def _ritter(x: NDArray, t: float, left: float) -> NDArray:
    c = np.sqrt(GRAVITY * left)
    s = x / t
    return np.where(s < -c, left, np.where(s < 2 * c, 4 / (9 * GRAVITY) * np.maximum(c - s / 2, 0) ** 2, 0.0))


def _stoker(x: NDArray, t: float, left: float, right: float) -> NDArray:
    c0, g = np.sqrt(GRAVITY * left), GRAVITY

    def jump(c: float) -> float:
        return -8 * g * right * c**2 * (c0 - c) ** 2 + (c**2 - g * right) ** 2 * (c**2 + g * right)

    c = brentq(jump, np.sqrt(g * right) * (1 + 1e-6), c0)
    middle, speed = c**2 / g, 2 * (c0 - c)
    shock = middle * speed / (middle - right)
    s = x / t
    fan = 4 / (9 * g) * (c0 - s / 2) ** 2
    return np.where(s < -c0, left, np.where(s < speed - c, fan, np.where(s < shock, middle, right)))


def dam_break(right: float, precision: str) -> Case:
    """Let water 5 mm deep go over a dry bed (Ritter) or over still water of depth `right` (Stoker), 6 s."""
    count, left = 400, 0.005
    terrain = raster(np.zeros((2, count)), 10 / count)
    x = terrain["x"].to_numpy() - 5
    start = xr.DataArray(np.where(x < 0, left, right) * np.ones((2, 1)), dims=("y", "x"))
    result = simulate(
        terrain, None, duration_s=6, output_times_s=[6], manning=FRICTIONLESS, boundaries="closed", courant=0.5,
        initial_depth=start, precision=precision,
    )  # fmt: skip
    exact = _ritter(x, 6, left) if right == 0 else _stoker(x, 6, left, right)
    return Case(result, x, result["water_depth"][0, 0].to_numpy(), exact)


BOWL_RADIUS, BOWL_DEPTH, BOWL_SIZE, BOWL_CELLS = 1.0, 0.1, 4.0, 120


def bowl_bed(along: NDArray) -> NDArray:
    """Bed of a paraboloid where both coordinates are among these, m."""
    x, y = np.meshgrid(*[along - BOWL_SIZE / 2] * 2)
    return BOWL_DEPTH * ((x**2 + y**2) / BOWL_RADIUS**2 - 1)


def paraboloid() -> tuple[NDArray, Callable[[float], NDArray], float, float]:
    """Return bed, depth at a time, period and cell size of water that swings in a paraboloid (Thacker 1981)."""
    cell, r0 = BOWL_SIZE / BOWL_CELLS, 0.8
    bed = bowl_bed((np.arange(BOWL_CELLS) + 0.5) * cell)
    swing = (BOWL_RADIUS**2 - r0**2) / (BOWL_RADIUS**2 + r0**2)
    omega = np.sqrt(8 * GRAVITY * BOWL_DEPTH) / BOWL_RADIUS

    def depth(t: float) -> NDArray:
        k, stretch = 1 - swing * np.cos(omega * t), bed / BOWL_DEPTH + 1
        level = BOWL_DEPTH * (np.sqrt(1 - swing**2) / k - 1 - stretch * ((1 - swing**2) / k**2 - 1))
        return np.maximum(level - bed, 0)

    return bed, depth, 2 * np.pi / omega, cell


def bowl() -> tuple[Case, Case]:
    """Water in a paraboloid swings out and back to where it was: after half a period and a whole."""
    bed, depth, period, cell = paraboloid()
    result = simulate(
        raster(bed, cell), None, duration_s=period, output_times_s=[period / 2, period], manning=FRICTIONLESS,
        boundaries="closed", initial_depth=xr.DataArray(depth(0), dims=("y", "x")), precision="f64", courant=0.5,
    )  # fmt: skip
    x = result["x"].to_numpy()
    half, whole = (
        Case(result, x, result["water_depth"][k].to_numpy(), depth(t)) for k, t in enumerate([period / 2, period])
    )
    return half, whole
