"""What may pass the edge of the raster, and water that enters at a point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from agritwin.errors import ConfigError
from agritwin.simulation.flood import layout
from agritwin.simulation.flood.grid import Grid

Side = Literal["west", "east", "south", "north"]
SIDES: tuple[Side, ...] = ("west", "east", "south", "north")


@dataclass(frozen=True)
class FreeEdge:
    """Water leaves as over a continuation of the bed; none enters. `start`..`stop` is the stretch of the side (m)."""

    side: Side
    start: float = -np.inf
    stop: float = np.inf


@dataclass(frozen=True)
class StageEdge:
    """The water level beyond the edge is prescribed; water passes either way.

    Attributes
    ----------
    times_s, levels_m
        Seconds from the start, and water levels in the terrain's datum (m); linear between, constant outside.
    """

    side: Side
    times_s: Sequence[float]
    levels_m: Sequence[float]
    start: float = -np.inf
    stop: float = np.inf


@dataclass(frozen=True)
class DischargeEdge:
    """A hydrograph enters through the faces of part of a side, the same per metre of it.

    Attributes
    ----------
    times_s, discharge
        Seconds from the start, and discharge (m3 s-1) of the whole stretch; linear between, constant outside.
    """

    side: Side
    times_s: Sequence[float]
    discharge: Sequence[float]
    start: float = -np.inf
    stop: float = np.inf


@dataclass(frozen=True)
class PointInflow:
    """A hydrograph enters the cell at (x, y): `discharge` (m3 s-1) at `times_s`, linear between, constant outside."""

    x: float
    y: float
    times_s: Sequence[float]
    discharge: Sequence[float]


Edge = FreeEdge | StageEdge | DischargeEdge
Boundaries = str | Mapping[str, str] | Sequence[FreeEdge | StageEdge]
Inflow = PointInflow | DischargeEdge


@dataclass
class OpenEdges:
    """Open faces, point inflows and their series in the arrays that the kernels read."""

    edges: np.ndarray
    weights: np.ndarray
    points: np.ndarray
    series: tuple[np.ndarray, ...]


@dataclass
class _SeriesList:
    times: list[np.ndarray] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)

    def add(self, times: Sequence[float], values: Sequence[float], what: str, *, positive: bool) -> int:
        t, v = np.asarray(times, float), np.asarray(values, float)
        if t.ndim != 1 or t.shape != v.shape or t.size == 0 or not np.all(np.diff(t) > 0) or not np.isfinite(v).all():
            raise ConfigError(
                f"The series of {what} needs as many finite values as times ({v.size} and {t.size}), times ascending.",
                "Correct times_s and the values.",
            )
        if positive and v.min() < 0:
            raise ConfigError(
                f"The discharge of {what} falls to {v.min():g} m3/s.", "Give inflows as positive numbers."
            )
        self.times.append(t)
        self.values.append(v)
        return len(self.times) - 1

    def arrays(self) -> tuple[np.ndarray, ...]:
        starts = np.cumsum([0, *(t.size for t in self.times)])
        totals = [np.concatenate([[0.0], np.cumsum(0.5 * np.diff(t) * (v[1:] + v[:-1]))]) for t, v in self._pairs()]
        joined = (np.concatenate(part) if part else np.zeros(0) for part in (self.times, self.values, totals))
        return (starts.astype(np.int64), *joined, np.zeros(len(self.times)))

    def _pairs(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return list(zip(self.times, self.values, strict=True))


def open_edges(grid: Grid, boundaries: Boundaries, inflows: Sequence[Inflow]) -> OpenEdges:
    """Cut the openings into the wall around the raster (changes `grid.bed` beyond it) and list them for the layout.

    Parameters
    ----------
    boundaries
        `free` or `closed` for all sides, a mapping of sides to these words, or a sequence of edges; what is not named
        is closed.
    inflows
        Points and edges where water enters.

    Raises
    ------
    ConfigError
        If a side, a kind or a series is not what it must be, or a stretch meets no face.
    DataError
        If a point lies outside the raster.
    """
    table: dict[tuple[str, int], tuple[list[int], float]] = {}
    series = _SeriesList()
    points = []
    for edge in [*_listed(boundaries), *(i for i in inflows if isinstance(i, DischargeEdge))]:
        for key, row in _faces(grid, edge, series).items():
            table[key] = row
    for k, inflow in enumerate(i for i in inflows if isinstance(i, PointInflow)):
        place = grid.locate(inflow.x, inflow.y, f"Inflow {k}")
        points.append([*place, series.add(inflow.times_s, inflow.discharge, f"inflow {k}", positive=True)])
    rows = [row for row, _ in table.values()]
    for row in rows:
        _extend_bed(grid.bed, row)
    return OpenEdges(
        np.array(rows, np.int64).reshape(-1, 12),
        np.array([weight for _, weight in table.values()], float),
        np.array(points, np.int64).reshape(-1, 3),
        series.arrays(),
    )


def _listed(boundaries: Boundaries) -> list[Edge]:
    if isinstance(boundaries, str):
        boundaries = dict.fromkeys(SIDES, boundaries)
    if not isinstance(boundaries, Mapping):
        return list(boundaries)
    for side, kind in boundaries.items():
        if side not in SIDES or kind not in ("free", "closed"):
            raise ConfigError(
                f"Boundary {side!r}: {kind!r} is not known; sides are {', '.join(SIDES)}, kinds free and closed.",
                "Use these words, or a list of FreeEdge and StageEdge.",
            )
    return [FreeEdge(side) for side in SIDES if boundaries.get(side) == "free"]


def _faces(grid: Grid, edge: Edge, series: _SeriesList) -> dict[tuple[str, int], tuple[list[int], float]]:
    """Rows of the edge table, keyed by side and position along it, each with its share of the discharge per metre."""
    if edge.side not in SIDES:
        raise ConfigError(f"Side {edge.side!r} is not known.", f"Use one of {', '.join(SIDES)}.")
    along = grid.y if edge.side in ("west", "east") else grid.x
    chosen = np.flatnonzero((along >= edge.start) & (along <= edge.stop))
    if chosen.size == 0:
        raise ConfigError(
            f"No cell of the {edge.side} edge has its centre between {edge.start:g} and {edge.stop:g} m.",
            f"Choose a stretch within {along.min():g}..{along.max():g} m.",
        )
    kind, number, weight = layout.FREE, -1, 0.0
    if isinstance(edge, StageEdge):
        levels = [level - grid.datum for level in edge.levels_m]
        kind, number = layout.STAGE, series.add(edge.times_s, levels, f"the {edge.side} edge", positive=False)
    elif isinstance(edge, DischargeEdge):
        kind, number = (
            layout.DISCHARGE,
            series.add(edge.times_s, edge.discharge, f"the {edge.side} edge", positive=True),
        )
        weight = 1.0 / (chosen.size * grid.cell_size)
    return {(edge.side, int(k)): (_table_row(grid, edge.side, int(k), kind, number), weight) for k in chosen}


def _table_row(grid: Grid, side: Side, position: int, kind: int, number: int) -> list[int]:
    """Return cell, ghost cell, face and the place beyond it in the padded arrays; see `layout` for the columns."""
    rows, columns = grid.shape
    k = position + 1
    low_end = side == "west" or side == ("south" if grid.y[-1] > grid.y[0] else "north")
    last = columns if side in ("west", "east") else rows
    cell, ghost, face, outer = (1, 0, 1, 0) if low_end else (last, last + 1, last + 1, last + 2)
    sign = 1 if low_end else -1
    if side in ("west", "east"):
        return [0, k, cell, k, ghost, k, face, k, outer, sign, kind, number]
    return [1, cell, k, ghost, k, face, k, outer, k, sign, kind, number]


def _extend_bed(bed: np.ndarray, row: list[int]) -> None:
    """Continue the bed beyond an open face: downhill as inside for a free edge, level otherwise."""
    cell = (row[layout.CELL_ROW], row[layout.CELL_COLUMN])
    ghost = (row[layout.GHOST_ROW], row[layout.GHOST_COLUMN])
    inner = (2 * cell[0] - ghost[0], 2 * cell[1] - ghost[1])
    fall = max(float(bed[inner]) - float(bed[cell]), 0.0) if row[layout.KIND] == layout.FREE else 0.0
    bed[ghost] = bed[cell] - fall
