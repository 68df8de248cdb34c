"""Peers on the cases of docs/flood.md that only need closed edges: their error, in the measure that ours is told in.

The foot of the plane is a pit here, whose growing volume is the discharge. Grid, start, rain and Manning's n are ours
(`benchmarks/flood_cases.py`).

Run: python -m benchmarks.flood_proof_peers PYTHON_OF_THE_PEERS
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import flood_cases as cases
from benchmarks.flood_peers import peer

type Problem = tuple[dict[str, Any], Callable[[NDArray], float]]
"""What a peer is given, and what is measured of its depths (time, y, x)."""

DRY = {"rain": 0.0, "until": 0.0}
PIT_M = 5.0


def still_lake() -> Problem:
    """Largest change of the depth in a minute, m."""
    x, y = np.meshgrid(np.arange(0.25, 75, 0.5), np.arange(0.25, 30, 0.5))
    bed = cases.humps(x, y)
    start = np.maximum(0.875 - bed, 0)
    return (
        {"bed": bed, "start": start, "cell": 0.5, "manning": 0.05, "times": [60.0], **DRY},
        lambda depths: float(np.abs(depths[-1] - start).max()),
    )


def dam(right: float) -> Problem:
    """Relative L1 of the depth after 6 s, percent."""
    case = cases.dam_break(right, "f64")
    start = np.tile(np.where(case.along < 0, 0.005, right), (2, 1))
    return (
        {"bed": np.zeros((2, case.along.size)), "start": start, "cell": 10 / case.along.size, "times": [6.0]}
        | {"manning": cases.FRICTIONLESS, **DRY},
        lambda depths: 100 * float(np.abs(depths[-1][0] - case.reference).sum() / case.reference.sum()),
    )


def swing() -> Problem:
    """Relative L1 of the depth after one period, percent."""
    bed, depth, period, cell = cases.paraboloid()
    start = depth(0.0)
    return (
        {"bed": bed, "start": start, "cell": cell, "manning": cases.FRICTIONLESS, "times": [period], **DRY},
        lambda depths: 100 * float(np.abs(depths[-1] - start).sum() / start.sum()),
    )


def plane(length: int, slope: float, manning: float, intensity: float, hours: float, cell: int) -> Problem:
    """Efficiency of Nash and Sutcliffe of the discharge at the foot."""
    count, end = length // cell, hours * 3600
    bed = np.tile(slope * (length - (np.arange(count + 5) + 0.5) * cell), (3, 1))
    bed[:, count:] = bed[:, count - 1 : count] - PIT_M
    times = np.arange(60.0, 1.5 * end + 1, 60.0)

    def efficiency(depths: NDArray) -> float:
        held = np.concatenate([[0.0], depths[:, 1, count:].sum(axis=1) * cell])
        own = intensity / 3.6e6 * 5 * cell * np.minimum(np.concatenate([[0.0], times]), end)
        ours = np.diff(held - own) / 60.0
        known = cases.kinematic_outflow(times - 30.0, length, slope, manning, intensity / 3.6e6, end)
        return float(1 - ((ours - known) ** 2).sum() / ((known - known.mean()) ** 2).sum())

    problem = {"bed": bed, "start": np.zeros(bed.shape), "cell": float(cell), "manning": manning, "times": times}
    return problem | {"rain": intensity, "until": end}, efficiency


CASES = {
    "lake at rest, m": (still_lake, ("itzi", "anuga")),
    "rain on a plane of 800 m, NSE": (lambda: plane(800, 0.05, 0.015, 10.8, 1.5, 10), ("itzi",)),
    "rain on a plane of 100 m, NSE": (lambda: plane(100, 0.02, 0.04, 50, 1.0, 1), ("itzi",)),
    "Ritter dam break, L1 %": (lambda: dam(0.0), ("anuga",)),
    "Stoker dam break, L1 %": (lambda: dam(0.001), ("anuga",)),
    "Thacker bowl, one period, L1 %": (swing, ("anuga",)),
}
"""With the peers that take the set-up: itzi-core stops where it makes water and none comes in, and the cliff of the pit
is nothing for ANUGA."""


def main() -> None:
    """Print a line a case."""
    for title, (build, peers) in CASES.items():
        problem, measure = build()
        figures = (f"{name} {measure(peer(sys.argv[1], name, **problem)[0]):.4g}" for name in peers)
        print(f"{title:34}{', '.join(figures)}", flush=True)


if __name__ == "__main__":
    main()
