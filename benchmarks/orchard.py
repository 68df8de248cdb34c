"""Speed, memory and import time of the orchard balance, each beside its limit.

Run from the repository root: ``python -m benchmarks.orchard``. One thread, one weather for all members, 365 days, best
of the repeats; the first call compiles and is not counted. CPU seconds, since others may load the machine: the best of
many repeats is the one they disturbed least, the median tells how much they did.
"""

import argparse
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from agritwin.simulation.orchard import kernels, layout
from agritwin.simulation.orchard.balance import simulate
from agritwin.simulation.orchard.management import Irrigation
from tests.simulation.orchard import reference
from tests.simulation.orchard.conftest import orchard, season

DAYS = 365
MIDDLE = {
    "total_available_water": 140.0, "total_evaporable_water": 20.0, "inverse_falling_rate": 1 / 12,
    "depletion_fraction": 0.4, "depletion_adjustment": 0.04, "retention": 85.0, "kcb_initial": 0.15,
    "kcb_mid": 0.75, "kcb_end": 0.4, "kcb_climate_gain": 0.8, "height_factor": 1.05, "cover_minimum": 0.02,
    "cover_maximum": 0.4, "leaf_out": 163.0, "inverse_development": 1 / 54, "senescence": 314.0,
    "inverse_late": 1 / 40, "leaf_fall": 354.0, "inverse_fall": 1 / 16, "stage_2": 213.0, "stage_3": 254.0,
    "maturity": 319.0, "wetted_fraction": 0.3, "inverse_wetted": 1 / 0.3, "canopy_shelter": 0.67, "threshold": 1.0,
    "refill": 1.0, "deficit_stage_1": -1.0, "deficit_stage_2": -1.0, "deficit_stage_3": -1.0, "maximum": 6.0,
    "season_limit": 1e9, "first_day": -1e9, "last_day": 1e9,
}  # fmt: skip


SECONDS_OF_IMPORT = """
import resource, sys
before = resource.getrusage(resource.RUSAGE_SELF)
__import__(sys.argv[1])
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""


def cpu_seconds(run: Callable[[], object], repeats: int) -> list[float]:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return sorted(times)


def import_seconds(module: str) -> float:
    command = [sys.executable, "-c", SECONDS_OF_IMPORT, module]
    done = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(3)]
    return min(float(each.stdout) for each in done)


def peak_bytes(members: int, daily: bool) -> int:
    field = {name: np.repeat(np.asarray(value), members) for name, value in orchard().items()}
    weather = season(DAYS)
    tracemalloc.start()
    simulate(weather, field, management=Irrigation(rule="refill"), daily=daily)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def report_memory() -> None:
    for daily, what in ((False, "sums only"), (True, "all days ")):
        few, some, many = (peak_bytes(members, daily) for members in (2_000, 4_000, 8_000))
        ratio = (many - some) / (some - few) / 2.0
        slope = (many - few) / 6_000 / 1e3
        print(
            f"memory, {what}        {slope:12.1f} kB per member; growth over linear growth {ratio:.3f} (1.00 = linear)"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--members", type=int, default=4096)
    options.add_argument("--repeats", type=int, default=40)
    chosen = options.parse_args()
    members, repeats = chosen.members, chosen.repeats

    random = np.random.default_rng(0)
    parameters = np.array([MIDDLE[name] * random.uniform(0.95, 1.05, members) for name in layout.PARAMETERS])
    weather = season(DAYS)
    drivers = np.zeros((4, DAYS, 1))
    drivers[0, :, 0], drivers[1, :, 0] = weather["precipitation"], weather["et0"]
    state = np.zeros((len(layout.STATE), members))
    state[:5] = np.array([40.0, 10.0, 10.0, 1.0, 1.0])[:, None]
    sums = np.empty((len(layout.SUMS), members))
    field = {name: np.repeat(np.asarray(value), 1000) for name, value in orchard().items()}
    rule = Irrigation(rule="refill")

    def whole(daily: bool) -> Callable[[], object]:
        return lambda: simulate(weather, field, management=rule, daily=daily)

    for run in (whole(daily=False), whole(daily=True)):
        run()
    compiled = cpu_seconds(lambda: kernels.run(drivers, parameters, state.copy(), sums, None), repeats)
    plain = cpu_seconds(lambda: reference.run(drivers, parameters, state), 2)[0]
    brief, long = (cpu_seconds(whole(daily), repeats)[0] for daily in (False, True))

    best, median = members / compiled[0], members / compiled[repeats // 2]
    print(f"kernel, sums only        {best:12,.0f} season-members per CPU-second, best of {repeats} (limit 1,000,000)")
    print(
        f"                         {median:12,.0f} in the median; {compiled[0] / members / DAYS * 1e9:.2f} ns per day"
    )
    print(
        f"NumPy loop of the tests  {members / plain:12,.0f} season-members per CPU-second: {plain / compiled[0]:.0f} x"
    )
    print(f"simulate, 1000 members   {brief * 1e3:12.1f} ms sums only, {long * 1e3:.1f} ms with all days")
    report_memory()
    for module in ("agritwin.simulation", "agritwin.simulation.orchard.balance"):
        limit = " (limit 1)" if module == "agritwin.simulation" else " (xarray, numba and the compiled kernel included)"
        print(f"import of {module}: {import_seconds(module):.2f} CPU s{limit}")


if __name__ == "__main__":
    main()
