"""The simulation: from terrain, rain and edges to depths, maxima and a ledger of volumes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from agritwin.errors import ConfigError, DataError
from agritwin.simulation.flood import layout, outputs
from agritwin.simulation.flood.edges import Boundaries, Inflow, OpenEdges, open_edges
from agritwin.simulation.flood.grid import Grid, build_grid, cells
from agritwin.simulation.flood.hydrology import Hydrology
from agritwin.simulation.flood.infiltration import CurveNumber, GreenAmpt
from agritwin.simulation.flood.kernels import advance, advance_parallel
from agritwin.simulation.flood.monitor import Monitor
from agritwin.simulation.flood.storms import read_rain

LOGGER = logging.getLogger(__name__)
THETA = 0.9  # weight of a face's own discharge in the local-inertial scheme
FROUDE_LIMIT = 0.5  # above it the advection of momentum matters
FROUDE_DEPTH = 0.1  # m, depth of flow at which the limit is judged
NEVER = 1 << 30


def simulate(
    terrain: xr.Dataset,
    rain: xr.DataArray | None,
    *,
    duration_s: float,
    output_times_s: Sequence[float],
    manning: float | xr.DataArray = 0.05,
    infiltration: GreenAmpt | CurveNumber | None = None,
    boundaries: Boundaries = "free",
    inflows: Sequence[Inflow] = (),
    initial_depth: float | xr.DataArray = 0.0,
    gauges: Mapping[str, tuple[float, float]] | None = None,
    precision: str = "f32",
    advection: str | bool = "auto",
    threads: int = 1,
    thresholds_m: Sequence[float] = (0.05, 0.1, 0.3, 0.5),
    courant: float = 0.65,
    longest_step_s: float = 5.0,
    hydrology_step_s: float = 10.0,
    monitor_step_s: float | None = None,
) -> xr.Dataset:
    """Simulate surface water on a raster terrain with the shallow water equations.

    Local inertia with implicit Manning friction on a staggered grid (Bates et al. 2010; de Almeida & Bates 2013), with
    momentum-conserving advection (Stelling & Duinmeijer 2003) where asked for. Buildings and dikes are raised bed.

    Parameters
    ----------
    terrain
        `surface_altitude` (y, x) in m; `x`, `y` cell centres in m; no gaps. Licence and `synthetic` are handed on.
    rain
        (time[, y, x]) with `units` mm per interval or mm h-1; see `storms.read_rain`. None for no rain.
    duration_s, output_times_s
        Length of the simulation and times of the fields kept (s from the start, 0 allowed).
    manning
        Roughness (s m-1/3), a number or (y, x).
    infiltration
        `GreenAmpt` acts on ponded water, `CurveNumber` on rain; None for sealed ground.
    boundaries
        `free`, `closed`, a mapping of sides to these, or a sequence of `FreeEdge` and `StageEdge` (the rest closed).
    inflows
        `PointInflow` and `DischargeEdge`.
    initial_depth
        Water at the start (m), a number or (y, x).
    gauges
        Name to (x, y): depth there at each `monitor_time`.
    precision
        `f32` (state only; volumes are summed in double precision) or `f64`.
    advection
        True, False, or `auto`: on where water is let in, stands at the start, or the Froude number of uniform flow
        0.1 m deep on the steepest twentieth of the terrain passes 0.5. Without it flow faster than its waves (Froude
        number above 1) is outside what the scheme describes, and may run in surges.
    threads
        Bands of rows worked on at once; results do not depend on it.
    thresholds_m
        Depths (m) for `duration_above`; the first also defines arrival.
    courant, longest_step_s
        Time step as a share of the limit of stability (at most 0.7), and its upper bound (s).
    hydrology_step_s, monitor_step_s
        Intervals (s) at which rain and infiltration act, and at which maxima and durations are brought up to date
        (None: a five-hundredth of the duration, within 10 and 60 s, and no more than a hundredth).

    Returns
    -------
    xr.Dataset
        See `outputs.collect`.

    Raises
    ------
    DataError
        If terrain, rain or rasters have gaps, negative values or other shapes.
    ConfigError
        If an option is not one of those named.
    """
    _check(duration_s, output_times_s, precision, threads, courant, thresholds_m)
    grid = build_grid(terrain, precision)
    openings = open_edges(grid, boundaries, inflows)
    roughness = _raster(manning, grid, "manning", positive=True)
    start = _raster(initial_depth, grid, "initial_depth")
    with_advection = _advection(advection, grid, roughness, openings, start)
    hydrology = Hydrology(grid, read_rain(rain, grid.shape), infiltration)
    step = monitor_step_s or min(max(duration_s / 500, 10.0), 60.0, duration_s / 100)
    places = [grid.locate(*position, f"Gauge {name}") for name, position in (gauges or {}).items()]
    monitor = Monitor(grid, tuple(thresholds_m), places)
    flow = _Flow.begin(
        grid, openings, roughness, start, threads, (courant, longest_step_s, 1.0 if with_advection else THETA)
    )
    wanted = np.unique(np.asarray(output_times_s, float))
    frames = _run(flow, hydrology, monitor, duration_s, wanted, hydrology_step_s, step, advection=with_advection)
    LOGGER.info("Flood: %d steps, %.3g cell updates", flow.state[layout.STEPS], flow.state[layout.CELL_UPDATES])
    settings = {"advection": str(with_advection).lower(), "precision": precision, "monitor_step_s": step}
    names = list(gauges or {})
    return outputs.collect(terrain, grid, wanted, frames, monitor, names, flow.ledger(hydrology), settings)


@dataclass
class _Flow:
    """Everything that the kernels step on."""

    grid: Grid
    openings: OpenEdges
    fields: tuple[np.ndarray, ...]
    rest: np.ndarray
    spans: tuple[np.ndarray, ...]
    n2: np.ndarray
    work: np.ndarray
    state: np.ndarray
    limits: tuple[float, float, float]
    initial_volume: float

    @classmethod
    def begin(
        cls,
        grid: Grid,
        openings: OpenEdges,
        roughness: np.ndarray,
        start: np.ndarray,
        threads: int,
        limits: tuple[float, float, float],
    ) -> "_Flow":
        kind, (height, width) = grid.bed.dtype, grid.bed.shape
        h = grid.padded(start)
        fields = (h, np.zeros_like(h), np.zeros_like(h))
        squared = roughness.astype(kind) ** 2
        n2 = np.full((1, width), squared) if squared.ndim == 0 else np.pad(squared, ((1, 2), (1, 2)), mode="edge")
        spans = tuple(np.full(height, value, np.int64) for value in (NEVER, -1, NEVER, -1))
        work = np.zeros((threads, layout.SCRATCH_ROWS, width), kind)
        work[:, layout.SHARE : layout.SHARE + layout.RING] = 1
        state = np.zeros(layout.STATE_SIZE)
        volume = float(cells(h).sum(dtype=np.float64)) * grid.cell_area
        flow = cls(grid, openings, fields, np.zeros_like(h), spans, n2, work, state, limits, volume)
        flow.find_water()
        table = openings.edges[openings.edges[:, layout.KIND] != layout.FREE]
        for row, column in [*table[:, [layout.CELL_ROW, layout.CELL_COLUMN]], *openings.points[:, :2]]:
            flow.span(row, column, column)
        return flow

    def span(self, row: int, first: int, last: int) -> None:
        low, high = self.spans[:2]
        low[row], high[row] = min(low[row], first), max(high[row], last)

    def find_water(self) -> None:
        """Bring spans and greatest depth up to date after depths were changed between steps."""
        wet = cells(self.fields[0]) > 0
        rows = np.flatnonzero(wet.any(axis=1))
        low, high = self.spans[:2]
        low[rows + 1] = np.minimum(low[rows + 1], wet[rows].argmax(axis=1) + 1)
        high[rows + 1] = np.maximum(high[rows + 1], wet.shape[1] - wet[rows, ::-1].argmax(axis=1))
        self.state[layout.DEPTH_MAX] = float(cells(self.fields[0]).max())

    def advance(self, until: float, stop: float, *, advection: bool) -> None:
        o = self.openings
        kernel = advance_parallel if len(self.work) > 1 else advance
        kernel(
            self.fields, self.rest, self.grid.bed, self.n2, self.spans, o.edges, o.weights, o.points, o.series,
            self.work, self.state, until, stop, self.grid.cell_size, self.limits, advection,
        )  # fmt: skip

    def ledger(self, hydrology: Hydrology) -> outputs.Ledger:
        area, state = self.grid.cell_area, self.state
        held = float(cells(self.fields[0]).sum(dtype=np.float64) + cells(self.rest).sum(dtype=np.float64)) * area
        return outputs.Ledger(
            initial_volume=self.initial_volume,
            rain_volume=hydrology.rain_volume,
            infiltration_volume=hydrology.infiltration_volume,
            inflow_volume=float(state[layout.EDGE_IN] + state[layout.POINT_IN]),
            outflow_volume=float(state[layout.EDGE_OUT]),
            stored_volume=held,
        )


def _run(
    flow: _Flow,
    hydrology: Hydrology,
    monitor: Monitor,
    duration: float,
    wanted: np.ndarray,
    hydrology_step: float,
    monitor_step: float,
    *,
    advection: bool,
) -> list[outputs.Frame]:
    """Alternate flow, hydrology and records; returns a frame for each time wanted."""
    frames = [outputs.frame(flow.fields, flow.grid)] if wanted.size and wanted[0] == 0 else []
    monitor.update(flow.fields, flow.spans, flow.state)
    hydrology_due, monitor_due = hydrology_step, monitor_step
    for stop in np.unique([*wanted[wanted > 0], duration]):
        while (now := flow.state[layout.TIME]) < stop:
            due = min(hydrology_due if hydrology.active(now) else stop, monitor_due, stop)
            flow.advance(due, stop, advection=advection)
            now = flow.state[layout.TIME]
            if now >= min(hydrology_due, stop):
                if hydrology.act(flow.fields[0], flow.rest, now):
                    flow.find_water()
                hydrology_due = now + hydrology_step
            if now >= min(monitor_due, stop):
                monitor.update(flow.fields, flow.spans, flow.state)
                monitor_due = now + monitor_step
        if stop in wanted:
            frames.append(outputs.frame(flow.fields, flow.grid))
    return frames


def _check(
    duration: float, wanted: Sequence[float], precision: str, threads: int, courant: float, thresholds: Sequence[float]
) -> None:
    if duration <= 0 or any(not 0 <= t <= duration for t in wanted):
        raise ConfigError(
            f"Duration {duration} s with outputs at {list(wanted)} s cannot be.",
            "Give a positive duration and output times within it.",
        )
    if precision not in ("f32", "f64") or threads < 1 or not 0 < courant <= 0.7:
        raise ConfigError(
            f"precision {precision!r}, threads {threads}, courant {courant} are not all allowed.",
            "Use f32 or f64, at least one thread, and a Courant number above 0 and up to 0.7.",
        )
    if any(b <= a for a, b in zip((0.0, *thresholds), thresholds, strict=False)):
        raise ConfigError(f"Thresholds {list(thresholds)} m do not ascend from above zero.", "Sort them.")


def _raster(value: float | xr.DataArray, grid: Grid, name: str, *, positive: bool = False) -> np.ndarray:
    values = value.transpose("y", "x").to_numpy() if isinstance(value, xr.DataArray) else np.asarray(value)
    values = values.astype(np.float64)
    if values.shape not in ((), grid.shape):
        raise DataError(
            f"{name} has shape {values.shape}, the terrain {grid.shape}.", "Resample it to the terrain's raster."
        )
    if not np.isfinite(values).all() or values.min() < 0 or (positive and values.min() == 0):
        bound = "above 0" if positive else "0 or more"
        raise DataError(f"{name} must be {bound} everywhere, found {values.min():g}.", "Correct the values.")
    return values


def _advection(wanted: str | bool, grid: Grid, roughness: np.ndarray, openings: OpenEdges, start: np.ndarray) -> bool:
    if isinstance(wanted, bool):
        return wanted
    if wanted != "auto":
        raise ConfigError(f"advection is {wanted!r}.", "Use True, False or auto.")
    if len(openings.points) or np.any(openings.edges[:, layout.KIND] != layout.FREE) or np.any(start > 0):
        return True
    along_rows, along_x = np.gradient(cells(grid.bed).astype(np.float64), grid.cell_size)
    slope = np.hypot(along_rows, along_x)
    uniform = FROUDE_DEPTH ** (1 / 6) * np.sqrt(slope / layout.GRAVITY) / roughness
    return bool(np.percentile(uniform, 95) > FROUDE_LIMIT)
