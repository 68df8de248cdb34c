"""What peers make of the cases of docs/flood.md: on our grid, start, rain and roughness, judged as ours are.

Discharge over an edge is the rain that the land no longer holds. `flood_peer.py` says which edge each of them knows.
`python -m benchmarks.flood_proofs --peers PYTHON` runs them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.simulation.flood.infiltration import CurveNumber, CurveNumberState
from benchmarks import flood_cases as cases
from benchmarks import flood_events as events
from benchmarks.flood_cases import Case
from benchmarks.flood_peer import Problem
from benchmarks.flood_peers import peer

EVERYONE = ("itzi", "landlab", "anuga")
NAMES = {"itzi": "itzi-core", "landlab": "landlab", "anuga": "ANUGA"}
WITH_EDGES = ("itzi", "anuga")
"""landlab's component takes neither levels nor discharges at an edge."""
FRICTIONLESS = ("landlab", "anuga")
"""itzi-core makes water in the first steps of what has no friction, and stops itself."""


@dataclass(frozen=True)
class Rivals:
    """A case as peers take it, how their depths (time, y, x) become one of ours, and who runs it."""

    problem: Problem
    read: Callable[[NDArray], Case]
    peers: tuple[str, ...] = EVERYONE

    def measured(self, python: str) -> dict[str, Case]:
        """Run the peers, by the names that readers know."""
        return {NAMES[name]: self.read(peer(python, name, self.problem)[0]) for name in self.peers}


def _case(along: NDArray, ours: NDArray, reference: NDArray) -> Case:
    return Case(xr.Dataset(), along, ours, reference)


def lake() -> Rivals:
    """A minute of the lake at rest."""
    x, y = np.meshgrid(np.arange(0.25, 75, 0.5), np.arange(0.25, 30, 0.5))
    bed = cases.humps(x, y)
    start = np.maximum(0.875 - bed, 0)
    problem = Problem(bed, start, 0.5, np.array([60.0]), 0.05)
    return Rivals(problem, lambda depths: _case(x[0], bed + depths[-1], bed + start))


def front(speed: float, manning: float, cell: float) -> Rivals:
    """An hour of the front onto a level plane."""
    times = np.linspace(0, 3600, 1801)
    x = cell * (np.arange(int(speed * 3600 * 1.15 / cell)) + 0.5)
    exact = cases.front_depth(speed, manning, x, 3600)
    wet = exact > 0
    rising = np.array([times, *(cases.front_depth(speed, manning, at, times) for at in (0.0, cell / 2))])
    level = np.zeros((2, x.size))
    problem = Problem(level, level, cell, times[-1:], manning, rising=rising)
    return Rivals(problem, lambda depths: _case(x[wet], depths[-1][0][wet], exact[wet]), WITH_EDGES)


def _gone(depths: NDArray, problem: Problem) -> NDArray:
    """Discharge over the edge between the times, m3/s: the rain that the land no longer holds."""
    fallen = problem.rain / 3.6e6 * np.minimum(problem.times, problem.until) * problem.bed.size
    gone = (fallen - depths.sum(axis=(1, 2))) * problem.cell**2
    return np.diff(gone, prepend=0.0) / problem.times[0]


def plane(length: int, slope: float, manning: float, intensity: float, hours: float, cell: int) -> Rivals:
    """Rain on a plane that falls to the south."""
    end, rows = hours * 3600, length // cell
    times = np.arange(60.0, 1.5 * end + 1, 60.0)
    bed = np.tile(slope * (np.arange(rows)[:, None] + 0.5) * cell, (1, 3))
    problem = Problem(
        bed, np.zeros(bed.shape), cell, times, manning, intensity, end, leaving=np.arange(3),
        corners=np.tile(slope * np.arange(rows + 1)[:, None] * cell, (1, 4)),
    )  # fmt: skip
    known = cases.kinematic_outflow(times - 30.0, length, slope, manning, intensity / 3.6e6, end)
    return Rivals(problem, lambda depths: _case(times - 30.0, _gone(depths, problem) / (3 * cell), known))


def valley() -> Rivals:
    """Rain on the V-catchment."""
    cell, times = 20.0, np.arange(60.0, 10801.0, 60.0)
    bed, roughness = cases.between_planes(*np.meshgrid(cell * (np.arange(81) + 0.5), cell * (np.arange(50) + 0.5)))
    corners = cases.between_planes(*np.meshgrid(cell * np.arange(82), cell * np.arange(51)))[0]
    problem = Problem(
        bed, np.zeros(bed.shape), cell, times, roughness, 10.8, 5400.0, leaving=np.array([40]), corners=corners
    )
    return Rivals(problem, lambda depths: _case(times - 30.0, _gone(depths, problem), np.full(times.size, 4.86)))


def channel(rain: float) -> Rivals:
    """Let peers fill the channel until it is steady."""
    made = cases.Channel(rain)
    bed, known = np.tile(made.bed(made.centres), (2, 1)), made.depth(made.centres)
    corners = np.tile(made.bed(np.linspace(0, made.length, made.centres.size + 1)), (3, 1))
    problem = Problem(
        bed, np.full(bed.shape, 0.01), made.cell, np.array([made.end]), made.manning, rain * 3.6e6, made.end,
        entering=made.entering, west_depth=float(made.depth(0.0)), east_depth=float(made.depth(made.length)),
        corners=corners, longest_step=0.5,
    )  # fmt: skip
    return Rivals(problem, lambda depths: _case(made.centres, depths[-1][0], known), WITH_EDGES)


def dam(right: float) -> Rivals:
    """Let the dam break."""
    case = cases.dam_break(right, "f64")
    start = np.tile(np.where(case.along < 0, 0.005, right), (2, 1))
    problem = Problem(np.zeros(start.shape), start, 10 / case.along.size, np.array([6.0]), cases.FRICTIONLESS)
    return Rivals(problem, lambda depths: replace(case, ours=depths[-1][0]), FRICTIONLESS)


def swing() -> Rivals:
    """One period of the bowl."""
    bed, depth, period, cell = cases.paraboloid()
    start = depth(0.0)
    corners = cases.bowl_bed(cell * np.arange(bed.shape[1] + 1))
    problem = Problem(bed, start, cell, np.array([period]), cases.FRICTIONLESS, corners=corners)
    x = cell * np.arange(bed.shape[1])
    return Rivals(problem, lambda depths: _case(x, depths[-1], start), FRICTIONLESS)


def boscastle() -> Rivals:
    """Peers get the rain that runs off by our curve number, and the sea as a pit."""
    bed, sea, intensity = events.valency()
    soil = CurveNumberState(CurveNumber(events.BOSCASTLE_CURVE_NUMBER), (1, 1))
    excess = np.array([mm - 12e3 * float(soil.abstract(np.full((1, 1), mm / 12e3))[0, 0]) for mm in intensity])
    ends = 300.0 * np.arange(1, intensity.size + 1)
    begins = ends[np.flatnonzero(excess > 1e-6)[0]] - 300.0
    times = np.arange(300.0, events.WATCHED[-1] - begins + 1, 300.0)
    hours = (begins + times) / 3600
    watched = hours > events.WATCHED[0] / 3600

    def read(depths: NDArray) -> Case:
        rates = np.diff((depths * sea).sum(axis=(1, 2)), prepend=0.0) * 2500 / 300
        return _case(hours[watched], rates[watched], events.modelled(hours[watched]))

    later = ends > begins
    problem = Problem(
        bed[::-1], np.zeros(bed.shape), 50.0, times, events.BOSCASTLE_MANNING, excess[later], ends[later] - begins,
    )  # fmt: skip
    return Rivals(problem, lambda depths: read(depths[:, ::-1]))
