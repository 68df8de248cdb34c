"""The flood solver beside its peers: one grid, rain and duration, one run, one thread each.

Peers are itzi-core, landlab's OverlandFlow and ANUGA, in an environment of their own:
`pip install itzi-core landlab anuga`. Rates are million updates of cells (ANUGA: triangles, four a cell) per CPU-second
of the time loop. Depth maps are compared with ours: greatest depth, share wetter than 5 cm, the critical success index
of that wet area (1 = the same cells), and the root-mean-square difference.

Run: python -m benchmarks.flood_peers PYTHON_OF_THE_PEERS [cells a side, 300 by default] [minutes, 20 by default]
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from agritwin.simulation.flood import simulate
from benchmarks.flood import CELL, REPEATS, Clock, farmland
from benchmarks.flood_peer import Problem

PEERS = ("itzi", "landlab", "anuga")
RAIN, MANNING, WET = 50.0, 0.05, 0.05
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "flood_peers.png"


def ours(terrain: xr.Dataset, duration: float) -> tuple[np.ndarray, float, float]:
    """Depth, cell updates and CPU-seconds of the flow kernels: the best of several runs."""
    rain = xr.DataArray([RAIN], {"time": [duration]}, ("time",), attrs={"units": "mm h-1"})
    options = {"manning": MANNING, "boundaries": "closed", "advection": False}
    simulate(terrain, rain, duration_s=5, output_times_s=[5], **options)
    runs = []
    for _ in range(REPEATS):
        clock = Clock()
        result, _ = clock.run(terrain, rain, duration_s=duration, output_times_s=[duration], **options)
        runs.append((clock.cpu, clock.cells, result))
    cpu, cells, result = min(runs, key=lambda run: run[0])
    return result["water_depth"].isel(time=-1).to_numpy(), cells, cpu


def peer(python: str, name: str, problem: Problem) -> tuple[np.ndarray, float, float]:
    """Depths (time, y, x), cell updates and CPU-seconds of a peer."""
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder, "problem.npz"), Path(folder, "result.npz")
        np.savez(given, **vars(problem))
        script = Path(__file__).with_name("flood_peer.py")
        single = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        single.pop("PYTHONPATH", None)
        command = [python, str(script), name, str(given), str(result)]
        done = subprocess.run(command, cwd=folder, env=single, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name}: {done.stderr[-2000:]}")
        found = np.load(result)
        return found["depth"], float(found["updates"]), float(found["cpu"])


def main() -> None:
    python, *rest = sys.argv[1:]
    count, minutes = (int(rest[0]) if rest else 300), (float(rest[1]) if len(rest) > 1 else 20.0)
    terrain, duration = farmland(count), 60 * minutes
    bed = terrain["surface_altitude"].to_numpy()
    problem = Problem(bed, np.zeros(bed.shape), CELL, np.array([duration]), MANNING, RAIN, duration)
    results = {"agritwin": ours(terrain, duration)}
    for name in PEERS:
        depths, updates, cpu = peer(python, name, problem)
        results[name] = depths[-1], updates, cpu
    reference, _, spent = results["agritwin"]
    print(f"{count} x {count} cells of {CELL:g} m, {RAIN:g} mm/h for {minutes:g} min, n = {MANNING}, closed")
    print("peer         CPU-s   ours is  Mupdates/CPU-s   max m  wet %   CSI  RMSE mm  mean mm")
    for name, (depth, updates, cpu) in results.items():
        wet, known = depth > WET, reference > WET
        success = (wet & known).sum() / max((wet | known).sum(), 1)
        error = 1000 * np.sqrt(np.mean((depth - reference) ** 2))
        print(
            f"{name:10}{cpu:8.2f}{cpu / spent:9.1f}x{updates / cpu / 1e6:16.1f}{depth.max():8.3f}"
            f"{100 * wet.mean():7.2f}{success:6.3f}{error:9.2f}{1000 * depth.mean():9.3f}"
        )
    figure, axes = plt.subplots(1, len(results), figsize=(4 * len(results), 4), layout="constrained")
    for axis, (name, (depth, _, cpu)) in zip(axes, results.items(), strict=True):
        image = axis.imshow(depth, vmin=0, vmax=np.quantile(reference, 0.995), cmap="Blues", origin="lower")
        axis.set(title=f"{name}: {cpu:.1f} CPU-s", xticks=[], yticks=[])
    figure.colorbar(image, ax=axes, label="depth after the rain (m), synthetic relief")
    figure.savefig(PICTURE, dpi=70)


if __name__ == "__main__":
    main()
