"""Speed of the flood solver on the common problem of rain on farmland.

1000 x 1000 cells of 5 m, fractal relief with a median slope of 2.6 %, 50 mm/h, n = 0.05, closed and dry at the start.
Rates are million cell updates of the flow solver per CPU-second, the best of three runs; "all in" counts rain, records
and output as well. The ratio is to the fastest peer measured on one thread of a like machine, LISFLOOD-FP 8.1 "fast"
with 27; others are itzi-core 0.8.0 with 16.6, LISFLOOD-FP 8.1 ACC with 14.2, landlab OverlandFlow with 7.

Run: python benchmarks/flood.py [minutes of flood, 10 by default]
"""

import sys
import time

import numpy as np
import xarray as xr

from agritwin.simulation.flood import PointInflow, layout, simulate, solver

CELL = 5.0
BEST_PEER = 27.0
REPEATS = 3


def farmland(count: int, seed: int = 1) -> xr.Dataset:
    """Fractal relief with a median slope of 2.6 %, from a random spectrum."""
    rng = np.random.default_rng(seed)
    wave = np.hypot(*np.meshgrid(np.fft.fftfreq(count), np.fft.rfftfreq(count), indexing="ij"))
    wave[0, 0] = 1
    spectrum = wave**-1.9 * (rng.standard_normal(wave.shape) + 1j * rng.standard_normal(wave.shape))
    spectrum[0, 0] = 0
    z = np.fft.irfft2(spectrum, (count, count))
    z *= 0.026 / np.median(np.hypot(*np.gradient(z, CELL)))
    centres = (np.arange(count) + 0.5) * CELL
    return xr.Dataset({"surface_altitude": (("y", "x"), z)}, {"y": centres, "x": centres}, {"synthetic": "true"})


class Clock:
    """Time spent in the flow kernels, and the cells that they updated."""

    def __init__(self) -> None:
        self.cpu = self.wall = self.cells = self.steps = 0.0
        advance = solver._Flow.advance

        def timed(flow, *args, **options):
            cpu, wall = time.process_time(), time.perf_counter()
            advance(flow, *args, **options)
            self.cpu += time.process_time() - cpu
            self.wall += time.perf_counter() - wall
            self.cells, self.steps = flow.state[layout.CELL_UPDATES], flow.state[layout.STEPS]

        self.timed = timed

    def run(self, *args, **options) -> tuple[xr.Dataset, float]:
        """Simulate and return the result and its CPU-seconds in all."""
        advance, solver._Flow.advance = solver._Flow.advance, self.timed
        start = time.process_time()
        try:
            return simulate(*args, **options), time.process_time() - start
        finally:
            solver._Flow.advance = advance


def rain_on_farmland(seconds: float) -> None:
    terrain = farmland(1000)
    rain = xr.DataArray([50.0], {"time": [3600.0]}, ("time",), attrs={"units": "mm h-1"})
    options = {"duration_s": seconds, "output_times_s": [seconds], "boundaries": "closed"}
    warm = {"duration_s": 5, "output_times_s": [5]}
    walls = {}
    print(f"{'case':34}{'steps':>7}{'Mcell/CPU-s':>13}{'all in':>8}{'ratio':>7}{'wall':>7}  mass error")
    for precision, advection, threads in [
        ("f32", False, 1),
        ("f32", False, 2),
        ("f32", True, 1),
        ("f64", False, 1),
        ("f64", True, 1),
    ]:
        choice = {"precision": precision, "advection": advection, "threads": threads}
        simulate(terrain, rain, **options | warm | choice)
        runs = []
        for _ in range(REPEATS):
            clock = Clock()
            result, total = clock.run(terrain, rain, **options | choice)
            runs.append((clock.cpu, clock, total))
        _, clock, total = min(runs, key=lambda run: run[0])
        rate = clock.cells / clock.cpu / 1e6
        walls[precision, advection, threads] = min(clock.wall for _, clock, _ in runs)
        name = f"{precision}, advection {'on' if advection else 'off'}, {threads} thread(s)"
        error = float(result["mass_error_relative"])
        print(
            f"{name:34}{clock.steps:7.0f}{rate:13.0f}{clock.cells / total / 1e6:8.0f}{rate / BEST_PEER:7.1f}"
            f"{clock.wall:7.2f}  {error:.1e}"
        )
    gain = walls["f32", False, 1] / walls["f32", False, 2]
    print(f"two threads against one, wall, best of {REPEATS}: {gain:.2f} (at least 1.7 on a machine that is else idle)")


def dry_land() -> None:
    """A source on dry farmland: cells visited and time against a run in which every cell is wet."""
    terrain = farmland(1000)
    options = {"duration_s": 600, "output_times_s": [600], "boundaries": "closed", "advection": False}
    inflow = [PointInflow(2500, 2500, [0], [20.0])]
    dry, wet = Clock(), Clock()
    dry.run(terrain, None, inflows=inflow, **options)
    wet.run(terrain, None, inflows=inflow, initial_depth=2e-5, **options)
    visited = dry.cells / dry.steps / 1e6
    each = wet.cpu / wet.steps / (dry.cpu / dry.steps)
    print(f"dry land: {100 * visited:.1f} % of the cells visited, a step {each:.0f} times faster")


if __name__ == "__main__":
    rain_on_farmland(60 * float(sys.argv[1]) if len(sys.argv) > 1 else 600.0)
    dry_land()
