"""Tests 2 to 5 of the Environment Agency's benchmark of two-dimensional models (Neelz & Pender 2013, SC120002).

What LISFLOOD-FP 8.0 says to tests 4 and 5 is from the results that Shaw et al. (2021) published (doi
10.5281/zenodo.4066824, CC BY 4.0): its acceleration solver (local inertia) and its DG2 solver (full equations).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agritwin.simulation.flood import DischargeEdge, PointInflow, simulate
from benchmarks.flood_cases import Case, raster

POND_POINTS = 250 + 500 * np.arange(4)
PONDS = (0.3889, 0.3501, 0.3465, 0.3422, 0.1715, 0.3495, 0.3467, 0.3423, 0.0, 0.0, 0.0973, 0.1940, 0.0, 0.0, 0.0, 0.0)
"""Depths (m) at the points of test 2 after 48 h by LISFLOOD-FP 8.1, acceleration solver."""
ON_THE_WAY = [4, 10, 11]
"""Ponds of test 2 that are filled in part: the path of the water decides."""
PLAIN_POINTS = ((50, 1000), (100, 1000), (200, 1000), (300, 1000), (400, 1000), (300, 1300))
VALLEY_POINTS = (
    (235200, 832400), (236700, 833800), (237800, 835200), (239400, 838000), (243300, 840300), (235700, 832500),
    (237700, 835500),
)  # fmt: skip
CROSSED_PLAIN_M = 0.05
CROSSED_VALLEY_M = 0.5


@dataclass(frozen=True)
class Published:
    """What a peer says at the points of a test: when the front comes (s), and depths (m) by what they are."""

    name: str
    arrival: tuple[float, ...]
    depths: dict[str, tuple[float, ...]]


PLAIN = (
    Published(
        "LISFLOOD-FP 8.0 DG2, 5 m",
        (690, 1082, 1951, 2878, 3853, 4127),
        {"1 h": (0.3092, 0.2461, 0.1739, 0.1137, 0, 0), "3 h": (0.3241, 0.2727, 0.2240, 0.1946, 0.1718, 0.1665)},
    ),
    Published(
        "LISFLOOD-FP 8.0 ACC, 1 m",
        (685, 1082, 1951, 2882, 3859, 4110),
        {"1 h": (0.3132, 0.2487, 0.1753, 0.1146, 0, 0), "3 h": (0.3283, 0.2752, 0.2253, 0.1955, 0.1725, 0.1674)},
    ),
)
VALLEY = (
    Published(
        "LISFLOOD-FP 8.0 DG2, 10 m",
        (1542, 2549, 3257, 5348, 11659, 1854, 3566),
        {
            "peak": (3.4528, 3.4784, 5.3573, 5.6208, 4.1023, 1.4941, 2.9113),
            "5 h": (1.1043, 0.1410, 2.6189, 4.6896, 3.2832, 0.0009, 0.3330),
        },
    ),
    Published(
        "LISFLOOD-FP 8.0 ACC, 10 m",
        (1527, 2480, 3135, 5137, 11060, 1806, 3405),
        {
            "peak": (3.3390, 3.2388, 5.2250, 5.5479, 4.0801, 1.4262, 2.8260),
            "5 h": (1.0985, 0.1395, 2.5752, 4.5349, 3.3793, 0.0015, 0.2912),
        },
    ),
)


def depressions(precision: str, *, advection: bool) -> Case:
    """Test 2: sixteen depressions fill and spill; depths at their middle after 48 h."""
    cell = 20
    centres = (np.arange(100) + 0.5) * cell
    x, y = np.meshgrid(centres, centres)
    # the benchmark's surface z = 8.667 - x/2000 + y/1500 + (cos kx + cos ky)/4, averaged over cells of 20 m
    waves = np.cos(2 * np.pi * x / 500) + np.cos(2 * np.pi * y / 500)
    bed = 8.667 - x / 2000 + y / 1500 + 0.25 * np.sinc(cell / 500) * waves
    minutes = np.array([0, 5, 10, 86, 91])
    result = simulate(
        raster(bed, cell), None, duration_s=48 * 3600, output_times_s=[48 * 3600], manning=0.03, boundaries="closed",
        inflows=[DischargeEdge("west", (60.0 * minutes).tolist(), [0, 0, 20, 20, 0], 1900, 2000)], advection=advection,
        longest_step_s=10, precision=precision,
    )  # fmt: skip
    depth = result["water_depth"][0].sel(x=POND_POINTS, y=POND_POINTS, method="nearest").transpose("x", "y")
    return Case(result, np.arange(1, 17), depth.to_numpy().ravel(), np.array(PONDS))


def obstruction(*, advection: bool) -> Case:
    """Test 3: a wave runs down a slope of 1:200 into a hollow, which its volume would just fill, and over the hump.

    The bed is that of the published raster to 1 mm. Compared are the levels along the axis after 15 minutes with the
    crest of the hump: what stands beyond it was carried there by momentum.
    """
    x = 1.0 + 2 * np.arange(150)
    turn = 2 * np.pi / 100
    fall = np.where(x < 144, 10.7326 - 0.005 * (x + 49), 10 - 0.25 * np.cos(turn * (x - 150)))
    hump = 9.875 - 0.125 * np.cos(turn * (x - 150))
    rise = np.where(x < 275, 10 - 0.25 * np.cos(turn * (x - 250)), 10 + 0.25 * turn * (x - 275))
    bed = np.where(x < 150, fall, np.where(x < 250, hump, rise))
    result = simulate(
        raster(np.tile(bed, (50, 1)), 2.0), None, duration_s=900, output_times_s=[900], manning=0.01,
        boundaries="closed", inflows=[DischargeEdge("west", [0, 5, 15, 25, 35], [0, 0, 65.5, 65.5, 0])],
        gauges={"first": (149, 49), "second": (249, 49)}, advection=advection,
    )  # fmt: skip
    return Case(result, x, bed + result["water_depth"][0, 24].to_numpy(), np.maximum(bed, 10.0))


def plain(cell: float, hours: float, *, advection: bool) -> Case:
    """Test 4: 20 m3/s through 20 m of the western edge of a dry level plain; depths at the points over time.

    The other edges are free, as in the peers' runs. The reference is the first peer's depth after 3 h.
    """
    result = simulate(
        raster(np.zeros((round(2000 / cell), round(1000 / cell))), cell), None, duration_s=hours * 3600,
        output_times_s=[], manning=0.05, boundaries=dict.fromkeys(("east", "north", "south"), "free"),
        inflows=[DischargeEdge("west", [0, 300, 3600, 14400, 18000], [0, 0, 20, 20, 0], 990, 1010)],
        gauges={f"{n} {e}{w}": (x + e * cell / 2, y + w * cell / 2) for n, (x, y) in enumerate(PLAIN_POINTS)
                for e in (-1, 1) for w in (-1, 1)},
        monitor_step_s=20, advection=advection,
    )  # fmt: skip
    # the points are corners of cells
    depth = result["gauge_depth"].to_numpy().reshape(len(PLAIN_POINTS), 4, -1).mean(axis=1)
    return Case(result, result["monitor_time"].to_numpy(), depth, np.array(PLAIN[0].depths["3 h"]))


def valley(terrain: Path, hours: float, *, advection: bool) -> Case:
    """Test 5: the flood wave of a failing dam, 3000 m3/s, runs 17 km down a valley; depths at the points over time.

    Parameters
    ----------
    terrain
        The test's terrain on cells of 10 m, an ESRI ASCII grid. The Environment Agency gives it on request.
    hours, advection
        Length of the run (30 in the test), and whether momentum is advected.
    """
    with terrain.open() as file:
        header = dict(file.readline().split() for _ in range(6))
        z = np.loadtxt(file)[::-1]
    west, south, cell = (float(header[name]) for name in ("xllcorner", "yllcorner", "cellsize"))
    z = np.where(z == float(header["NODATA_value"]), z.max() + 100, z)
    # twenty cells of a line across the valley's head
    inflows = [
        PointInflow(232625 + 10 * k, 830500 - 10 * k, [0, 300, 600, 1200, 6000], [0, 0, 150, 150, 0]) for k in range(20)
    ]
    result = simulate(
        raster(z, cell, west, south), None, duration_s=hours * 3600, output_times_s=[], manning=0.04, inflows=inflows,
        boundaries="closed", gauges={str(k): place for k, place in enumerate(VALLEY_POINTS)}, longest_step_s=10,
        monitor_step_s=60, advection=advection,
    )  # fmt: skip
    time = result["monitor_time"].to_numpy()
    return Case(result, time, result["gauge_depth"].to_numpy(), np.array(VALLEY[0].depths["peak"]))


def arrivals(case: Case, depth: float) -> NDArray:
    """When each point is first deeper than `depth` (s, between the samples), NaN where never."""
    found = []
    for series in case.ours:
        k = int((series > depth).argmax())
        before, after = series[k - 1], series[k]
        share = (depth - before) / (after - before) if k else np.nan
        found.append(case.along[k - 1] + share * (case.along[k] - case.along[k - 1]))
    return np.array(found)
