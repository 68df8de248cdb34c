"""The flood solver beside what is known: the tables and the figure of docs/flood.md.

Run: python -m benchmarks.flood_proofs [--peers PYTHON] [--valley GRID [--hours HOURS]] [--write]. ``--peers`` names the
Python of an environment with itzi-core, landlab and ANUGA, which then run the same cases. ``--valley``, or the variable
EA_TEST5_TERRAIN, names the terrain of test 5 of the Environment Agency, an ESRI ASCII grid that its owner gives on
request; without it that test is left out. ``--write`` puts tables and figure into docs/flood.md; it needs both.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from benchmarks import flood_cases as cases
from benchmarks import flood_ea as ea
from benchmarks import flood_events as events
from benchmarks import flood_proof_peers as rivals
from benchmarks.flood_cases import Case
from benchmarks.flood_proof_peers import Rivals

PAGE = Path(__file__).resolve().parents[1] / "docs" / "flood.md"
PICTURE = PAGE.parent / "images" / "flood_proofs.png"
PEERS = {"itzi-core": "tab:orange", "landlab": "tab:green", "ANUGA": "tab:red"}


POINT = "point"
LEVELS = ("x, m", "level, m")
DEPTHS = ("x, m", "depth, m")
UNIT_DISCHARGE = ("time, s", "discharge, m2/s")
HYDROGRAPH = ("time, s", "discharge, m3/s")
GAUGES = ("time, s", "depth, m")


@dataclass(frozen=True)
class Proof:
    """A case, what is measured in it, the bar, its axes, the peers that run it, what is said of those that do not."""

    title: str
    run: Callable[[], Case]
    measure: Callable[[Case], float]
    unit: str
    bar: str
    axes: tuple[str, str]
    rivals: Callable[[], Rivals] | None = None
    said: str = ""


def root_mean_square(case: Case) -> float:
    """Root of the mean square error."""
    return float(np.sqrt(np.mean(case.error**2)))


def mean_size(case: Case) -> float:
    """Mean size of the error."""
    return float(np.abs(case.error).mean())


def largest(case: Case) -> float:
    """Largest size of the error."""
    return float(np.abs(case.error).max())


def in_percent(case: Case) -> float:
    """Relative L1 in percent."""
    return 100 * case.relative_l1


def of_plateau(case: Case) -> float:
    """How far the discharge at the end of the rain of the V-catchment is off, in percent."""
    return 100 * abs(float(np.interp(5400, case.along, case.ours)) / 4.86 - 1)


def in_full_ponds(case: Case) -> float:
    """Largest error in the ponds that are full, mm."""
    return 1000 * float(np.abs(np.delete(case.error, ea.ON_THE_WAY)).max())


def beyond_the_hump(case: Case) -> float:
    """Depth that momentum carries into the second hollow, m."""
    return float(case.result["gauge_depth"][1, -1])


def of_peak(case: Case) -> float:
    """How far the peak is off, in percent."""
    return 100 * abs(float(case.ours.max() / case.reference.max()) - 1)


PLANES = {
    "rain on a plane of 800 m": (800, 0.05, 0.015, 10.8, 1.5, 10),
    "rain on a plane of 100 m": (100, 0.02, 0.04, 50, 1.0, 1),
}
NO_FRICTION = "itzi-core stops without friction"
FORMULA = "formula of Bates et al. 2010: {}; landlab takes no level at an edge"

PROOFS = [
    Proof(
        "lake at rest, f32", lambda: cases.lake("f32", advection=True), largest, "level, m, largest error", "0", LEVELS,
        rivals.lake,
    ),
    Proof(
        "front, 0.29 m/s, cells of 25 m", lambda: cases.front(0.29, 0.03, 25, advection=False), root_mean_square,
        "depth, m, RMSE", "< 0.010", DEPTHS, lambda: rivals.front(0.29, 0.03, 25), FORMULA.format(0.0085),
    ),
    Proof(
        "front, 0.635 m/s, 25 m, advection", lambda: cases.front(0.635, 0.03, 25, advection=True), root_mean_square,
        "depth, m, RMSE", "< 0.012", DEPTHS, lambda: rivals.front(0.635, 0.03, 25), FORMULA.format(0.0083),
    ),
    Proof(
        "front, 0.4 m/s, 5 m, advection", lambda: cases.front(0.4, 0.01, 5, advection=True), root_mean_square,
        "depth, m, RMSE", "< 0.002", DEPTHS, lambda: rivals.front(0.4, 0.01, 5), FORMULA.format(0.0123),
    ),
    *(
        Proof(
            title, partial(cases.plane, *plane), lambda case: case.efficiency, "discharge, NSE", "> 0.999",
            UNIT_DISCHARGE, partial(rivals.plane, *plane),
        )
        for title, plane in PLANES.items()
    ),
    Proof("V-catchment, plateau", cases.v_catchment, of_plateau, "discharge, % off", "< 1", HYDROGRAPH, rivals.valley),
    Proof(
        "MacDonald channel, advection", lambda: cases.channel(0.0), mean_size, "depth, m, MAE", "< 0.005", DEPTHS,
        lambda: rivals.channel(0.0), "landlab takes no discharge at an edge",
    ),
    Proof(
        "MacDonald channel in rain, advection", lambda: cases.channel(0.001), mean_size, "depth, m, MAE", "< 0.005",
        DEPTHS, lambda: rivals.channel(0.001), "landlab as above",
    ),
    Proof(
        "Ritter dam break, advection", lambda: cases.dam_break(0.0, "f64"), in_percent, "depth, L1, %", "< 3", DEPTHS,
        lambda: rivals.dam(0.0), NO_FRICTION,
    ),
    Proof(
        "Stoker dam break, advection", lambda: cases.dam_break(0.001, "f64"), in_percent, "depth, L1, %", "< 1.5",
        DEPTHS, lambda: rivals.dam(0.001), NO_FRICTION,
    ),
    Proof(
        "Thacker bowl, one period, advection", lambda: cases.bowl()[1], in_percent, "depth, L1, %", "< 4", DEPTHS,
        rivals.swing, NO_FRICTION,
    ),
    Proof(
        "EA test 2, full ponds", lambda: ea.depressions("f32", advection=False), in_full_ponds, "depth, mm, largest",
        "< 1", (POINT, "depth, m"), said="LISFLOOD-FP is the reference",
    ),
    Proof(
        "EA test 3, second hollow, advection", lambda: ea.obstruction(advection=True), beyond_the_hump, "depth, m",
        "> 0.02", LEVELS, said="0 (diffusive codes, by design of the test)",
    ),
    Proof(
        "Merewether 2007, levels observed", lambda: events.merewether(advection=True)[0], mean_size, "level, m, MAE",
        "< 0.15", (POINT, "level, m"), said="TUFLOW 0.07, published with the levels",
    ),
    Proof(
        "Boscastle 2004, peak of another model", events.boscastle, of_peak, "discharge, % off", "< 30",
        ("time, h", "discharge, m3/s"), rivals.boscastle,
    ),
]  # fmt: skip


type Found = tuple[str, Case, dict[str, Case], tuple[str, str]]
"""Title of a panel, our run, those of peers, and what its axes are."""


def proofs_table(python: str | None) -> tuple[str, list[Found]]:
    """Run all cases with one number each, peers too where their Python is named."""
    lines = [
        "| case | measured | ours | bar | peers | mass error | CPU-s |",
        "|---|---|---|---|---|---|---|",
    ]
    found: list[Found] = []
    for proof in PROOFS:
        clock = time.process_time()
        case = proof.run()
        spent = time.process_time() - clock
        others = proof.rivals().measured(python) if python and proof.rivals else {}
        digits = 4 if proof.unit.endswith("NSE") else 2
        peers = [f"{name} {proof.measure(theirs):.{digits}g}" for name, theirs in others.items()]
        lines.append(
            f"| {proof.title} | {proof.unit} | {proof.measure(case):.4g} | {proof.bar} | "
            f"{'; '.join([', '.join(peers)] * bool(peers) + [proof.said] * bool(proof.said))} | "
            f"{case.mass_error:.0e} | {spent:.1f} |"
        )
        print(lines[-1], flush=True)
        found.append((proof.title, case, others, proof.axes))
    return "\n".join(lines), found


def plain_table() -> tuple[str, list[Found]]:
    """Run test 4 with and without advection, beside its peers."""
    runs = {
        f"agritwin, {'full equations' if advection else 'local inertia'}, 5 m": ea.plain(5, 5, advection=advection)
        for advection in (True, False)
    }
    lines = [
        "| 5 cm reached, s | " + " | ".join(f"point {k}" for k in range(1, 7)) + " |",
        "|" + "---|" * 7,
        *(_row(name, ea.arrivals(case, ea.CROSSED_PLAIN_M), 0) for name, case in runs.items()),
        *(_row(peer.name, peer.arrival, 0) for peer in ea.PLAIN),
    ]
    for when, seconds in (("1 h", 3600), ("3 h", 10800)):
        lines += ["", f"| depth after {when}, m | " + " | ".join(f"point {k}" for k in range(1, 7)) + " |"]
        lines += ["|" + "---|" * 7]
        lines += [_row(name, [np.interp(seconds, c.along, h) for h in c.ours], 3) for name, c in runs.items()]
        lines += [_row(peer.name, peer.depths[when], 3) for peer in ea.PLAIN]
    print("\n".join(lines), flush=True)
    return "\n".join(lines), [(f"EA test 4: {name}", case, {}, GAUGES) for name, case in runs.items()]


def valley_table(case: Case) -> tuple[str, list[Found]]:
    """Put a run of test 5 with advection beside its peers."""
    points = " | ".join(f"point {k}" for k in range(1, 8))
    depths: dict[str, tuple[str, NDArray]] = {
        "greatest depth, m": ("peak", case.ours.max(axis=1)),
        "depth after 5 h, m": ("5 h", np.array([np.interp(18000, case.along, h) for h in case.ours])),
    }
    lines = [f"Run of {case.along[-1] / 3600:.1f} h, mass error {case.mass_error:.0e}."]
    for title, (name, ours) in depths.items():
        lines += ["", f"| {title} | {points} |", "|" + "---|" * 8, _row("agritwin, 10 m", ours, 2)]
        lines += [_row(peer.name, peer.depths[name], 2) for peer in ea.VALLEY]
    lines += ["", f"| 50 cm reached, s | {points} |", "|" + "---|" * 8]
    lines += [_row("agritwin, 10 m", ea.arrivals(case, ea.CROSSED_VALLEY_M), 0)]
    lines += [_row(peer.name, peer.arrival, 0) for peer in ea.VALLEY]
    print("\n".join(lines), flush=True)
    return "\n".join(lines), [("EA test 5, greatest depths of DG2", case, {}, GAUGES)]


def _row(name: str, values: object, digits: int) -> str:
    return f"| {name} | " + " | ".join(f"{value:.{digits}f}" for value in np.asarray(values, float)) + " |"


def draw(found: list[Found]) -> None:
    """Draw each case as ours over what is known, with peers dashed."""
    columns = 5
    rows = -(-len(found) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.2 * columns, 2.5 * rows), layout="constrained")
    for axis, (title, case, others, (along, across)) in zip(axes.flat, found, strict=False):
        ours, known = _drawn(case.ours, case), _drawn(case.reference, case)
        style = {"marker": "o", "markersize": 5, "linestyle": ""} if along == POINT else {}
        if known.shape[1] == case.along.size:
            axis.plot(case.along, known[0], "k", linewidth=2.5, alpha=0.35, **style)
        else:
            axis.hlines(known.ravel(), case.along[0], case.along[-1], "k", alpha=0.35)
        for name, theirs in others.items():
            axis.plot(theirs.along, _drawn(theirs.ours, theirs)[0], "--", color=PEERS[name], linewidth=0.8)
        axis.plot(case.along, ours.T, linewidth=0.9, **style | ({"marker": "x"} if style else {}))
        axis.set_title(title, fontsize=8)
        axis.set_xlabel(along, fontsize=7)
        axis.set_ylabel(across, fontsize=7)
        axis.tick_params(labelsize=6)
    for axis in axes.flat[len(found) :]:
        axis.set_axis_off()
    legend = [Line2D([], [], linestyle="--", color=colour, label=name) for name, colour in PEERS.items()]
    figure.legend(handles=[Line2D([], [], label="agritwin"), *legend], loc="lower right")
    figure.savefig(PICTURE, dpi=90)


def _drawn(values: NDArray, case: Case) -> NDArray:
    """Return series over `along`; of a map, its middle row."""
    series = np.atleast_2d(values)
    is_map = np.atleast_2d(case.ours).shape[0] > 10 or np.atleast_2d(case.ours).shape[1] != case.along.size
    return series[series.shape[0] // 2, None] if is_map else series


def write(name: str, table: str) -> None:
    """Put a table between its markers."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    head, rest = PAGE.read_text().split(begin)
    PAGE.write_text(f"{head}{begin}\n{table}\n{end}{rest.split(end)[1]}")


def main() -> None:
    """Print the tables, and write them and the figure where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="Python of the peers")
    named = os.environ.get("EA_TEST5_TERRAIN")
    parser.add_argument("--valley", type=Path, default=Path(named) if named else None, help="terrain of test 5")
    parser.add_argument("--hours", type=float, default=30.0, help="length of test 5")
    parser.add_argument("--write", action="store_true", help="put tables and figure into docs/flood.md")
    asked = parser.parse_args()
    if asked.write and not (asked.peers and asked.valley):
        parser.error("--write needs --peers and --valley: without them their columns and panel would be lost")
    tables = {"proofs": proofs_table(asked.peers), "plain": plain_table()}
    if asked.valley:
        tables["valley"] = valley_table(ea.valley(asked.valley, asked.hours, advection=True))
    if asked.write:
        for name, (table, _) in tables.items():
            write(name, table)
        draw([one for _, found in tables.values() for one in found])


if __name__ == "__main__":
    main()
