"""Results of a simulation as a dataset, and their summary for a parcel."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from agritwin.errors import DataError
from agritwin.simulation.flood.grid import Grid, cells

if TYPE_CHECKING:
    from agritwin.simulation.flood.monitor import Monitor

HANDED_ON = ("source", "title", "licence", "attribution", "synthetic")
SHARE_DEPTHS_CM = (5, 10, 30)


@dataclass(frozen=True)
class Ledger:
    """Volumes of a run (m3)."""

    initial_volume: float
    rain_volume: float
    infiltration_volume: float
    inflow_volume: float
    outflow_volume: float
    stored_volume: float

    @property
    def mass_error_relative(self) -> float:
        """What came in less what left and what is held, as a share of what came in."""
        entered = self.initial_volume + self.rain_volume + self.inflow_volume
        left = self.infiltration_volume + self.outflow_volume + self.stored_volume
        return (entered - left) / entered if entered else 0.0


@dataclass(frozen=True)
class Frame:
    """Depth (m) and velocities along x and along rows (m s-1) at one time."""

    depth: np.ndarray
    along_x: np.ndarray
    along_rows: np.ndarray


def frame(fields: tuple[np.ndarray, ...], grid: Grid) -> Frame:
    """Copy depths and form velocities of cells from padded arrays; still where shallower than `layout.SHALLOW`."""
    from agritwin.simulation.flood.record_kernels import cell_velocities  # numba, which readers of runs do not need

    h, qx, qy = fields
    along_x, along_rows = grid.padded(), grid.padded()
    cell_velocities(h, qx, qy, grid.bed, along_x, along_rows)
    return Frame(cells(h).copy(), cells(along_x), cells(along_rows))


def collect(
    terrain: xr.Dataset,
    grid: Grid,
    times_s: np.ndarray,
    frames: list[Frame],
    monitor: "Monitor",
    gauges: list[str],
    ledger: Ledger,
    settings: dict[str, str | float],
) -> xr.Dataset:
    """Assemble the dataset of a simulation.

    Returns
    -------
    xr.Dataset
        `water_depth`, `velocity_x`, `velocity_y` (time, y, x); `water_depth_max`, `water_depth_max_time`, `speed_max`,
        `depth_speed_max`, `hazard_max`, `arrival_time` (y, x); `duration_above` (threshold, y, x); `inflow_rate`,
        `outflow_rate` (monitor_time), `gauge_depth` (gauge, monitor_time); volumes in m3 and `mass_error_relative`.
    """
    up = 1.0 if grid.y[-1] > grid.y[0] else -1.0
    sampled = np.array(monitor.times)
    plane, series = ("y", "x"), ("time", "y", "x")
    maxima, moments = monitor.maxima[:, 1:-2, 1:-2], monitor.moments[:, 1:-2, 1:-2]
    variables = {
        "water_depth": _variable(series, _stack(frames, "depth", grid), "m", "depth of surface water", "time: point"),
        "velocity_x": _variable(
            series, _stack(frames, "along_x", grid), "m s-1", "velocity towards east", "time: point"
        ),
        "velocity_y": _variable(
            series, up * _stack(frames, "along_rows", grid), "m s-1", "velocity towards north", "time: point"
        ),
        "water_depth_max": _variable(plane, maxima[0], "m", "greatest depth", "time: maximum"),
        "water_depth_max_time": _variable(plane, moments[0], "s", "time of greatest depth after the start"),
        "speed_max": _variable(plane, maxima[1], "m s-1", "greatest speed", "time: maximum"),
        "depth_speed_max": _variable(plane, maxima[2], "m2 s-1", "greatest depth times speed", "time: maximum"),
        "hazard_max": _variable(plane, maxima[3], "1", "greatest hazard rating, Defra/EA FD2321", "time: maximum"),
        "arrival_time": _variable(plane, moments[1], "s", f"first time deeper than {_first(monitor)}"),
        "duration_above": _variable(
            ("threshold", *plane), monitor.above[:, 1:-2, 1:-2], "s", "time deeper than the threshold", "time: sum"
        ),
        "inflow_rate": _variable(
            ("monitor_time",), _rates(sampled, monitor.inflow), "m3 s-1", "water let in", "time: mean"
        ),
        "outflow_rate": _variable(
            ("monitor_time",), _rates(sampled, monitor.outflow), "m3 s-1", "water leaving through edges", "time: mean"
        ),
        "gauge_depth": _variable(
            ("gauge", "monitor_time"),
            np.array(monitor.gauges).reshape(sampled.size, len(gauges)).T,
            "m",
            "depth at gauges",
        ),
        "mass_error_relative": _variable((), ledger.mass_error_relative, "1", "volume unaccounted for, share of input"),
    }
    for name, volume in asdict(ledger).items():
        variables[name] = _variable((), volume, "m3", name.replace("_", " "))
    variables["water_depth"].attrs["standard_name"] = "flood_water_thickness"
    coordinates = {
        "x": ("x", grid.x, terrain["x"].attrs or {"units": "m"}),
        "y": ("y", grid.y, terrain["y"].attrs or {"units": "m"}),
        "time": ("time", times_s, {"units": "s", "long_name": "time after the start"}),
        "threshold": ("threshold", monitor.thresholds.astype(float).round(6), {"units": "m", "long_name": "depth"}),
        "monitor_time": ("monitor_time", sampled, {"units": "s", "long_name": "time after the start"}),
        "gauge": ("gauge", np.array(gauges, dtype=str)),
    }
    if "spatial_ref" in terrain.coords:
        coordinates["spatial_ref"] = terrain["spatial_ref"]
    attributes = {key: terrain.attrs[key] for key in HANDED_ON if key in terrain.attrs}
    return xr.Dataset(variables, coordinates, attributes | settings)


def parcel_summary(result: xr.Dataset, mask: xr.DataArray) -> dict[str, float | dict[str, float] | None]:
    """Summarise a simulation for a parcel.

    Parameters
    ----------
    result
        As `simulate` returns it.
    mask
        True inside the parcel, (y, x) on the raster of the result.

    Returns
    -------
    dict
        `max_depth_m`; `share_over_<5, 10, 30>_cm_percent` by greatest depth; `first_arrival_s` (None where the first
        threshold was never passed); `hours_above`, threshold in m to the longest time of any cell above it.

    Raises
    ------
    DataError
        If the mask has another shape or no cell.
    """
    inside = mask.transpose("y", "x").to_numpy().astype(bool)
    deepest = result["water_depth_max"].to_numpy()
    if inside.shape != deepest.shape or not inside.any():
        raise DataError(
            f"The mask has shape {inside.shape} and {int(inside.sum())} cells inside; the result {deepest.shape}.",
            "Rasterise the parcel on the terrain's raster; it must cover the centre of a cell.",
        )
    depths, arrival = deepest[inside].astype(np.float64), result["arrival_time"].to_numpy()[inside]
    durations = result["duration_above"].to_numpy()[:, inside].max(axis=1) / 3600.0
    arrived = arrival[~np.isnan(arrival)]
    shares = {f"share_over_{cm}_cm_percent": float(100 * np.mean(depths > cm / 100)) for cm in SHARE_DEPTHS_CM}
    return {
        "max_depth_m": float(depths.max()),
        **shares,
        "first_arrival_s": float(arrived.min()) if arrived.size else None,
        "hours_above": {f"{t:g}": float(d) for t, d in zip(result["threshold"].to_numpy(), durations, strict=True)},
    }


def _variable(dims: tuple[str, ...], values: np.ndarray | float, units: str, name: str, cell: str = "") -> xr.Variable:
    return xr.Variable(dims, values, {"units": units, "long_name": name} | ({"cell_methods": cell} if cell else {}))


def _stack(frames: list[Frame], name: str, grid: Grid) -> np.ndarray:
    kept = [getattr(f, name) for f in frames]
    return np.stack(kept) if kept else np.zeros((0, *grid.shape), grid.bed.dtype)


def _rates(times: np.ndarray, volumes: list[float]) -> np.ndarray:
    """Mean rate since the sample before; nothing before the first."""
    return np.concatenate([[0.0], np.diff(volumes) / np.diff(times)])


def _first(monitor: "Monitor") -> str:
    return f"{monitor.thresholds[0]:g} m" if monitor.thresholds.size else "the first threshold"
