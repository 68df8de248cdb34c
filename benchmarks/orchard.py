"""Season-members per CPU-second of the orchard balance, against the plain NumPy loop of the tests.

Run from the repository root: ``python benchmarks/orchard.py``. One thread, one weather for all members, 365 days, sums
only, best of the repeats; the first call compiles and is not counted.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agritwin.simulation.orchard import kernels
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
    "refill": 1.0, "maximum": 6.0, "season_limit": 1e9, "first_day": -1e9, "last_day": 1e9,
}  # fmt: skip


def best_cpu_seconds(run: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--members", type=int, default=4096)
    options.add_argument("--repeats", type=int, default=15)
    chosen = options.parse_args()
    members, repeats = chosen.members, chosen.repeats

    random = np.random.default_rng(0)
    parameters = np.array([MIDDLE[name] * random.uniform(0.95, 1.05, members) for name in kernels.PARAMETERS])
    weather = season(DAYS)
    drivers = np.zeros((4, DAYS, 1))
    drivers[0, :, 0], drivers[1, :, 0] = weather["precipitation"], weather["et0"]
    state = np.zeros((len(kernels.STATE), members))
    state[:4] = np.array([40.0, 10.0, 1.0, 0.9])[:, None]
    sums, no_days = np.empty((len(kernels.SUMS), members)), np.empty((0, DAYS, members))

    kernels.run(drivers, parameters, state.copy(), sums, no_days)
    compiled = best_cpu_seconds(lambda: kernels.run(drivers, parameters, state.copy(), sums, no_days), repeats)
    plain = best_cpu_seconds(lambda: reference.run(drivers, parameters, state), 2)
    field = {name: np.repeat(np.asarray(value), 1000) for name, value in orchard().items()}
    rule = Irrigation(rule="refill")
    whole = best_cpu_seconds(lambda: simulate(weather, field, management=rule), repeats)
    brief = best_cpu_seconds(lambda: simulate(weather, field, management=rule, daily=False), repeats)

    print(f"kernel, sums only        {members / compiled:12,.0f} season-members per CPU-second")
    print(f"                         {compiled / members / DAYS * 1e9:12.2f} ns per member and day")
    print(f"NumPy loop of the tests  {members / plain:12,.0f} season-members per CPU-second")
    print(f"ratio                    {plain / compiled:12.1f}")
    print(f"simulate, 1000 members   {brief * 1e3:12.1f} ms sums only, {whole * 1e3:.1f} ms with all days")


if __name__ == "__main__":
    main()
