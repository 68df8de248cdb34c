"""A season of 1,000 members with 60 observations assimilated, end to end: ``python -m benchmarks.assimilation``.

CPU seconds on one core after the cached compilation, best of the repeats; memory by member from two sizes.
"""

import argparse
import time
import tracemalloc

import numpy as np

from agritwin.simulation.assimilation.cycle import assimilate, open_loop
from agritwin.simulation.assimilation.observations import Observation
from tests.simulation.assimilation import twin_experiment as twin

LIMIT_SECONDS = 0.5
OBSERVATIONS = 60


def season(members: int, observations: list[Observation], seed: int = 0) -> None:
    """Set up the orchards, draw the prior, and assimilate: all that a user waits for."""
    model = twin.model(twin.weather_of(seed), members)
    prior = twin.drawn(members, np.random.default_rng(seed))
    found = assimilate(model, prior, twin.ESTIMATED, observations)
    assert len(found.log) == len(observations)


def seen() -> list[Observation]:
    """Sixty observations of a truth, evenly over the season."""
    random = np.random.default_rng(7)
    truth, secret = twin.model(twin.weather_of(0), 1), twin.drawn(1, random)
    course = open_loop(truth, secret)[0]["root_zone_depletion"].to_numpy()[0]
    everything = twin.observed(truth, secret, course, random)
    return [everything[at] for at in np.linspace(0, len(everything) - 1, OBSERVATIONS).astype(int)]


def cpu_seconds(members: int, observations: list[Observation], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        season(members, observations)
        times.append(time.process_time() - start)
    return min(times)


def peak_bytes(members: int, observations: list[Observation]) -> int:
    tracemalloc.start()
    season(members, observations)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=7)
    repeats = options.parse_args().repeats
    observations = seen()
    season(64, observations)  # compiles, or loads what was compiled
    for members in (200, 1000):
        limit = f"   limit {LIMIT_SECONDS} s" if members == 1000 else ""
        spent = cpu_seconds(members, observations, repeats)
        print(f"{members:5d} members, {OBSERVATIONS} observations  {spent:6.3f} CPU s{limit}")
    sizes = {members: peak_bytes(members, observations) for members in (500, 1000, 2000)}
    each = (sizes[2000] - sizes[1000]) / 1000
    print(f"memory                        {each / 1e3:6.0f} kB a member (peak, season of 214 days)")
    print(f"from 500 to 1000 members      {(sizes[1000] - sizes[500]) / 500 / 1e3:6.0f} kB a member: linear")


if __name__ == "__main__":
    main()
