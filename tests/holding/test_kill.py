"""Killed at any moment and started again, an intake ends where an undisturbed one does."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agritwin.records import queries
from agritwin.records.database import connect
from tests.holding.intake_worker import TWINS, take_in_all

WORKER = Path(__file__).with_name("intake_worker.py")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("landing")
    tasks = ["PODA", "RIEGO", "TRATAMIENTO (cobre (2), zinc (0,5))", "COSECHA"]
    for month in range(1, 7):
        lines = ["fecha;labor;recinto id"]
        for day in range(1, 29):
            for twin in (*TWINS, "47-1-0-0-1-1-1"):
                lines += [f"{day:02}/{month:02}/2021;{tasks[(day + month) % 4]};{twin}"] * 4
        (folder / f"{month}.csv").write_text("\n".join(lines))
    return folder


def state(store):
    engine = connect(store / "records.db")
    what = ("activities", "treatments", "harvests", "quarantine")
    found = [queries.digest(engine, twin, what=what) for twin in TWINS]
    found.append(queries.journal(engine).drop(columns="as_of").to_dict("records"))
    engine.dispose()
    return found, sorted(path.name for path in (store / "raw").iterdir() if not path.name.startswith("."))


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed(files, tmp_path, thorough):
    kills = 10 if thorough else 4
    undisturbed = tmp_path / "undisturbed"
    began = time.monotonic()
    take_in_all(files, undisturbed)
    duration = time.monotonic() - began
    expected = state(undisturbed)
    moments = random.Random(20250615)
    cut = 0
    for trial in range(kills):
        store = tmp_path / str(trial)
        process = subprocess.Popen([sys.executable, WORKER, files, store], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0, duration))
        process.send_signal(signal.SIGKILL)
        cut += process.wait() == -signal.SIGKILL
        process.stdout.close()
        take_in_all(files, store)
        assert state(store) == expected
    assert cut >= kills // 2, "the intake was over before it could be killed"
