"""Season-members per CPU-second of WOFOST, against PCSE in the same run.

Run from the repository root: ``python -m benchmarks.annual``. Winter wheat and grain maize of PCSE's own test rows,
water limited, from emergence to ripeness, one weather for all members, one thread, best of the repeats; compilation is
counted apart. PCSE runs single seasons with parameters, weather and calendar made beforehand and its own daily
output; its call of the garbage collector at the end of a crop stays as it is, and is then left out to tell its share.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import xarray as xr

from agritwin.simulation.annual import reference
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.annual.parameters import as_dataset
from agritwin.simulation.annual.wofost import simulate
from tests.simulation.annual import published
from tests.simulation.annual.conftest import cropping, field

LEAST_SPEED, LEAST_RATIO, LONGEST_IMPORT, LONGEST_COMPILATION = 15_000, 2_000, 1.0, 25.0
VARIED = ("TSUM1", "TSUM2", "SPAN", "TDWI", "RGRLAI", "WAV", "RDMCR")
ONE = (
    "from tests.simulation.annual.conftest import cropping, field; from tests.simulation.annual import published;"
    "from agritwin.simulation.annual.wofost import simulate; import time; weather = published.weather();"
    "start = time.process_time(); simulate(weather, field('maize'), None, cropping('maize'));"
    "print(time.process_time() - start)"
)
IMPORT = (
    "import time; start = time.process_time(); import agritwin.simulation, agritwin.simulation.annual.wofost;"
    "print(time.process_time() - start)"
)
BARE_IMPORT = (
    "import time; start = time.process_time(); import agritwin.simulation, agritwin.simulation.annual;"
    "print(time.process_time() - start)"
)


def best_cpu_seconds(run: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def season(crop: str) -> tuple[xr.Dataset, dict[str, Any]]:
    """Weather from emergence to the last published day, and the management."""
    last = published.results(crop, "wlp").index[-1]
    return published.weather().sel(day=slice(published.start(crop), last)), cropping(crop)


def varied(crop: str, members: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    parameters = field(crop, AMAX_FACTOR=random.uniform(0.9, 1.1, members))
    return parameters | {name: parameters[name] * random.uniform(0.9, 1.1, members) for name in VARIED}


def pcse_seconds(crop: str, repeats: int, *, collecting: bool) -> float:
    """CPU seconds of one season of PCSE, engine included."""
    import pcse.engine

    weather, management = season(crop)
    parameters = as_dataset(field(crop))
    idle = mock.patch.object(pcse.engine, "gc", SimpleNamespace(collect=lambda: 0))
    with nullcontext() if collecting else idle:
        run = reference.preparation(weather, parameters, Cropping.of(management))
        return best_cpu_seconds(lambda: run().run_till_terminate(), repeats)


def in_another_process(code: str, **environment: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    return float(done.stdout.split()[-1])


def peak_bytes(members: int, daily: bool) -> int:
    weather, management = season("wheat")
    parameters = varied("wheat", members)
    tracemalloc.start()
    simulate(weather, parameters, None, management, daily=daily)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def compare(crop: str, members: int, repeats: int) -> None:
    weather, management = season(crop)
    parameters = varied(crop, members)
    simulate(weather, field(crop), None, management)
    slow = pcse_seconds(crop, repeats, collecting=True)
    without = pcse_seconds(crop, repeats, collecting=False)
    print(f"{crop}, {weather.sizes['day']} days, {members} members, water limited")
    print(f"  PCSE, one season {slow * 1e3:.0f} ms CPU, {without * 1e3:.0f} ms without its garbage collection")
    for label, daily in (("sums and state", False), ("leaf area daily", ["leaf_area_index"]), ("all daily", True)):
        run = partial(simulate, weather, parameters, None, management, daily=daily)
        speed = members / best_cpu_seconds(run, repeats)
        print(f"  {label:16}{speed:8,.0f} season-members per CPU-second (at least {LEAST_SPEED:,}), ", end="")
        print(
            f"{speed * slow:,.0f} times PCSE (at least {LEAST_RATIO:,}), {speed * without:,.0f} without its collection"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--members", type=int, default=4096)
    options.add_argument("--repeats", type=int, default=5)
    chosen = options.parse_args()
    os.environ.setdefault("USER", "nobody")
    with tempfile.TemporaryDirectory() as home:  # PCSE writes into the home folder as soon as it is imported
        os.environ["HOME"] = home
        (Path(home) / ".pcse").mkdir()
        (Path(home) / ".pcse" / "pcse.db").touch()
        reference.load()
        for crop in ("wheat", "maize"):
            compare(crop, chosen.members, chosen.repeats)
    for daily in (False, True):
        small, large = peak_bytes(1000, daily), peak_bytes(2000, daily)
        kind = "all daily variables" if daily else "sums and state"
        each = (large - small) / 1000 / 1024
        print(f"memory, {kind}: {each:.1f} KiB a member; 2000 over 1000 members {large / small:.2f}")
    print(f"import of agritwin.simulation.annual {in_another_process(BARE_IMPORT):.2f} s (below {LONGEST_IMPORT:g})")
    print(f"import with the engine {in_another_process(IMPORT):.2f} s CPU")
    with tempfile.TemporaryDirectory() as fresh:
        first = in_another_process(ONE, NUMBA_CACHE_DIR=fresh)
        again = in_another_process(ONE, NUMBA_CACHE_DIR=fresh)
    print(f"first run of all: {first:.1f} s CPU with compilation (below {LONGEST_COMPILATION:g}), then {again:.2f} s")


if __name__ == "__main__":
    main()
