"""Kill -9 at random moments during any rule, run again: the same cubes, records and products as an undisturbed run."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from agritwin import pins
from agritwin.cubes import digest
from agritwin.errors import StoreError
from agritwin.pins import open_pointer
from agritwin.records import queries
from agritwin.records.database import connect
from tests.conftest import DEMO, clone, snakemake

KILLS = 30
PINS = ("weather", "forecast", "ndvi")


def start(folder: Path) -> subprocess.Popen:
    environment = os.environ | {"PATH": os.defpath}
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "-q", "all", "--config", f"twin={DEMO}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(process: subprocess.Popen, *, only_parent: bool) -> None:
    """Kill -9 the whole tree, or the parent alone so that its jobs go on as orphans."""
    family = [] if only_parent else psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for member in family:
        if member.is_running():
            member.kill()
    process.wait()


def state(folder: Path) -> dict:
    """All that a run leaves behind, without the random names of snapshots."""
    found: dict = {}
    for pin in sorted(path for name in PINS for path in folder.glob(f"data/twins/*/{name}.json")):
        content = json.loads(pin.read_text())
        parts = [content] if "digest" in content else [content[part] for part in pins.PARTS]
        found[str(pin.relative_to(folder))] = [(part["digest"], part.get("start"), part["end"]) for part in parts]
    for pointer in sorted(folder.glob("data/cubes/*/*.json")):
        name = str(pointer.relative_to(folder))
        if name.endswith(("status.json", "look.json")):
            found[name] = {key: value for key, value in json.loads(pointer.read_text()).items() if key != "pointer"}
            continue
        try:
            found[name] = digest(open_pointer(pointer))
        except StoreError as error:
            found[name] = str(error)
    for product in sorted(folder.glob("results/*/*.json")):
        content = json.loads(product.read_text())
        found[str(product.relative_to(folder))] = {
            key: value for key, value in content.items() if key not in ("snapshot", "inputs")
        }
    engine = connect(folder / "data" / "records.db")
    found["records"] = queries.digest(engine, DEMO, what=("activities", "treatments", "harvests", "quarantine"))
    return found


@pytest.mark.slow
def test_a_run_killed_thirty_times_ends_like_an_undisturbed_one(built, tmp_path, monkeypatch):
    folder = clone(tmp_path / "workspace")
    chance = random.Random(20250615)
    for number in range(KILLS):
        process = start(folder)
        time.sleep(chance.uniform(0.8, 7.0))
        if process.poll() is None:
            kill(process, only_parent=number % 5 == 4)
        else:
            # The run was through: undo a random product, so that there is something left to kill.
            chance.choice(sorted(folder.glob(f"results/{DEMO}/*.json"))).unlink()
    done = snakemake(folder, "--config", f"twin={DEMO}")
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.chdir(built)
    undisturbed = state(built)
    monkeypatch.chdir(folder)
    disturbed = state(folder)
    assert disturbed.keys() == undisturbed.keys()
    for name, value in undisturbed.items():
        assert disturbed[name] == value, name
    leftovers = [path for path in folder.rglob(".*") if path.is_file() and path.parent.name == DEMO]
    assert leftovers == []
    again = snakemake(folder, "--config", f"twin={DEMO}")
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.slow
def test_a_second_run_in_the_same_workspace_is_refused_while_one_is_under_way(built, tmp_path):
    folder = clone(tmp_path / "workspace")
    process = start(folder)
    try:
        lock = folder / ".snakemake" / "agritwin.lock"
        for _ in range(200):
            if lock.exists():
                break
            time.sleep(0.05)
        time.sleep(0.5)
        second = snakemake(folder, "--config", f"twin={DEMO}")
        assert second.returncode != 0
        assert "Another run is under way" in second.stdout + second.stderr
    finally:
        kill(process, only_parent=False)


@pytest.mark.slow
def test_a_dry_run_is_free_to_plan_while_a_run_is_under_way(built, tmp_path):
    folder = clone(tmp_path / "workspace")
    process = start(folder)
    try:
        time.sleep(2.5)
        done = snakemake(folder, "-n", "--config", f"twin={DEMO}")
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        kill(process, only_parent=False)
