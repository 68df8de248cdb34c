"""Kill -9 at random moments of append, readers open all the while: no torn state, nothing committed lost."""

import random
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from agritwin import cubes, weather_cube
from agritwin.cubes import digest, open_group
from agritwin.errors import StoreError
from tests.conftest import ROOT
from tests.faults import cube_writer

SHORT, FULL = 3, 200
APPENDS_A_KILL = 3
WAITING = 3


class Reader(threading.Thread):
    """Reads the newest state again and again, and every value of it."""

    def __init__(self, kind: str, store: Path) -> None:
        super().__init__(daemon=True)
        self.check = {"weather": check_weather, "ndvi": check_ndvi}[kind]
        self.store, self.reads, self.torn, self.sizes = store, 0, [], []
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.sizes.append(self.check(self.store))
                self.reads += 1
            except StoreError as error:
                if self.sizes:
                    self.torn.append(repr(error))
            except Exception as error:  # a torn state may show in any way
                self.torn.append(repr(error))
            time.sleep(0.05)


def check_weather(store: Path) -> int:
    snapshot = cubes.repository(store).lookup_branch("main")
    hourly = weather_cube.open_hourly(store, snapshot)
    count = hourly.sizes["time"]
    assert count % 24 == 0, "a day is committed whole"
    expected = cube_writer.weather(hourly["time"].to_numpy())
    for name in cube_writer.NAMES:
        np.testing.assert_array_equal(hourly[name], expected[name])
    days = weather_cube.open_daily(store, snapshot)
    # Days and hours are of the same commit: every hour is counted in its day.
    assert days["air_temperature_hours"].sum() == count
    assert np.isfinite(days["et0"][:-1]).all()
    return count


def check_ndvi(store: Path) -> int:
    cube = open_group(store, "ndvi").load()
    for number in {0, cube.sizes["time"] // 2, cube.sizes["time"] - 1}:
        expected = cube_writer.scene(number)
        np.testing.assert_allclose(cube["ndvi"][number], expected["ndvi"][0], atol=6e-5)
        assert str(cube["scene_id"][number].item()) == f"scene-{number:04d}"
    return cube.sizes["time"]


@pytest.mark.parametrize("kind", ["weather", "ndvi"])
def test_kills_in_the_middle_of_appends_tear_and_lose_nothing(kind, tmp_path, thorough):
    kills = FULL if thorough else SHORT
    chance = random.Random(7)
    store, wanted = tmp_path / "cube.icechunk", kills * APPENDS_A_KILL
    count = cube_writer.APPEND[kind][1]
    reader = Reader(kind, store)
    reader.start()
    killed, told, appending = 0, 0, 0.1
    # Those that come next are starting meanwhile: that takes longer than what is killed.
    writers = deque(started(kind, store) for _ in range(min(kills, WAITING)))
    while killed < kills:
        writer = writers.popleft()
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        if killed + len(writers) + 1 < kills:
            writers.append(started(kind, store))
        begun = time.monotonic()
        writer.stdin.write("\n")
        writer.stdin.flush()
        told = int(writer.stdout.readline())
        appending = 0.5 * appending + 0.5 * (time.monotonic() - begun)
        time.sleep(chance.uniform(0, 2 * appending))
        writer.kill()
        rest = writer.stdout.read().split()
        writer.wait()
        told = int(rest[-1]) if rest else told
        killed += 1
        kept = count(store)
        assert kept in (told, told + 1), "what was told as committed is there, and at most one more"
    reader.stop.set()
    reader.join()
    assert reader.torn == []
    assert reader.reads > killed
    assert reader.sizes == sorted(reader.sizes), "no reader goes back in time"
    append = cube_writer.APPEND[kind][0]
    target = max(count(store), min(wanted, 40)) + 1
    for position in range(count(store), target):
        append(store, position)
    undisturbed = tmp_path / "undisturbed.icechunk"
    for position in range(target):
        append(undisturbed, position)
    assert state(kind, store) == state(kind, undisturbed)


def started(kind: str, store: Path) -> subprocess.Popen[str]:
    """A process that will append to a cube."""
    command = [sys.executable, "-m", "tests.faults.cube_writer", kind, str(store), str(10**6)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def state(kind: str, store: Path) -> list[str]:
    if kind == "ndvi":
        return [digest(open_group(store, "ndvi").load())]
    return [digest(weather_cube.open_hourly(store)), digest(weather_cube.open_daily(store))]
