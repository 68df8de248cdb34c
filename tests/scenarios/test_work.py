"""Paused, killed, stopped, resumed: the same members come to the same numbers, to the bit."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from agritwin import workspace
from agritwin.cubes import digest
from agritwin.errors import ConfigError
from agritwin.scenarios import job, result
from agritwin.scenarios.checkpoint import Checkpoint
from agritwin.scenarios.variants import Twin
from tests.scenarios.conftest import ask

QUESTION = ask(irrigation={"rule": "deficit", "stage_shares": [1.0, 0.5, 1.0]}, members=60)
ROOT = Path(__file__).parents[2]


class Wishing(Checkpoint):
    """A checkpoint on which somebody says what they want after some parts."""

    wishes: dict[int, Any] = {}  # noqa: RUF012 (set by each test)

    def save(self, number: int, part: xr.Dataset) -> None:
        super().save(number, part)
        if number in self.wishes:
            self.want(self.wishes.pop(number))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "PART", 20)


def begun(folder: Path) -> Wishing:
    checkpoint = Wishing(folder)
    with checkpoint.held():
        checkpoint.begin("key")
    checkpoint.want("run")
    return checkpoint


@pytest.fixture(scope="module")
def uninterrupted(twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    job.PART = 20
    return job.work(twin, QUESTION, begun(tmp_path_factory.mktemp("whole")))[0]


def test_a_paused_run_goes_on_to_the_same_bits(twin: Twin, uninterrupted: xr.Dataset, tmp_path: Path) -> None:
    checkpoint = begun(tmp_path)
    checkpoint.wishes = {0: "pause"}
    with pytest.raises(job.PausedError, match="after 1 of 3 parts"):
        job.work(twin, QUESTION, checkpoint)
    assert checkpoint.progress == {"state": "paused", "done": 1, "parts": 3}
    with pytest.raises(job.PausedError):
        job.work(twin, QUESTION, checkpoint)  # still paused: nobody said to go on
    checkpoint.want("run")
    dataset, parts, _ = job.work(twin, QUESTION, checkpoint)
    assert parts == 3
    assert digest(dataset) == digest(uninterrupted)


def test_a_stopped_run_is_a_valid_smaller_ensemble(twin: Twin, uninterrupted: xr.Dataset, tmp_path: Path) -> None:
    checkpoint = begun(tmp_path)
    checkpoint.wishes = {1: "stop"}
    dataset, _, _ = job.work(twin, QUESTION, checkpoint)
    assert dataset.sizes["member"] == 40
    xr.testing.assert_identical(dataset, uninterrupted.isel(member=slice(0, 40)))
    told = result.summary(dataset, None)
    assert told["baseline"]["relative_yield"]["p50"] is not None
    checkpoint.want("run")
    assert digest(job.work(twin, QUESTION, checkpoint)[0]) == digest(uninterrupted)


def test_a_stop_before_the_first_part_publishes_nothing(twin: Twin, tmp_path: Path) -> None:
    checkpoint = begun(tmp_path)
    checkpoint.want("stop")
    with pytest.raises(job.PausedError, match="0 of 3"):
        job.work(twin, QUESTION, checkpoint)


def test_parts_of_another_question_are_not_used(tmp_path: Path) -> None:
    checkpoint = begun(tmp_path)
    checkpoint.save(0, xr.Dataset({"x": ("member", np.arange(3.0))}))
    checkpoint.keep_plan({"a": 1})
    checkpoint.begin("key")
    assert checkpoint.done() == [0]
    checkpoint.begin("another")
    assert checkpoint.done() == []
    assert checkpoint.plan() is None


def test_one_process_at_a_time(tmp_path: Path) -> None:
    checkpoint = begun(tmp_path)
    with checkpoint.held():
        assert checkpoint.is_held()
        with pytest.raises(ConfigError, match="running already"), Checkpoint(tmp_path).held():
            pass
    assert not checkpoint.is_held()


def test_the_plan_of_an_optimised_rule_is_kept_and_used_again(twin: Twin, tmp_path: Path) -> None:
    asked = ask(irrigation={"rule": "optimised", "budget_mm": 60, "from_day": "2025-06-15"}, members=24)
    first, second = begun(tmp_path / "whole"), begun(tmp_path / "cut")
    whole, _, allocation = job.work(twin, asked, first)
    second.wishes = {0: "pause"}
    with pytest.raises(job.PausedError):
        job.work(twin, asked, second)
    assert second.plan() == allocation
    second.want("run")
    assert digest(job.work(twin, asked, second)[0]) == digest(whole)
    assert allocation is not None
    assert [row["plan"] for row in allocation["counterfactuals"]] == [
        "none",
        "uniform",
        "refill",
        "unlimited",
        "optimised",
    ]
    watered = whole["irrigation"].sel(run=1, day=slice("2025-06-15", None)).sum("day")
    assert float(watered.max()) <= 60.0 + 1e-9


def test_what_is_kept_tells_its_units_and_its_runs(uninterrupted: xr.Dataset) -> None:
    assert uninterrupted["run"].attrs["flag_meanings"].split() == ["baseline", "scenario"]
    for name, values in uninterrupted.data_vars.items():
        assert values.attrs.get("units") or values.attrs["zone"], name
        assert values.attrs["long_name"], name


CAMPAIGN = """
import sys
from pathlib import Path
from tests.scenarios import conftest, test_work
from agritwin.scenarios import job
from agritwin.scenarios.checkpoint import Checkpoint
from agritwin.scenarios.courses import Known
from agritwin import workspace
from agritwin.cubes import digest
job.PART = 10
known = Known.of(
    conftest.hours("2020-10-20T01:00", "2024-10-31T23:00", 1),
    conftest.hours("2024-11-01T00:00", "2025-06-14T22:00", 2),
    conftest.forecast("2025-06-14T23:00", "2025-06-24T22:00"), conftest.SITE, conftest.ZONE,
)
checkpoint = Checkpoint(Path(sys.argv[1]))
with checkpoint.held():
    checkpoint.begin("key")
    print("begun", flush=True)
    print(digest(job.work(conftest.make_twin(known), test_work.QUESTION, checkpoint)[0]), flush=True)
"""


def started(folder: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
    return subprocess.Popen(
        [sys.executable, "-c", CAMPAIGN, str(folder)], stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )


def test_whoever_looks_while_a_run_ends_sees_no_run_and_no_error(tmp_path: Path, monkeypatch) -> None:
    checkpoint = Checkpoint(tmp_path / "ending")
    checkpoint.tell("running", 2, 6)
    assert checkpoint.progress == {"state": "running", "done": 2, "parts": 6}

    def ended(path: Path) -> None:
        shutil.rmtree(checkpoint.folder)
        return workspace.read_json(path)

    monkeypatch.setattr("agritwin.scenarios.checkpoint.read_json", ended)
    assert checkpoint.progress is None


def test_killed_at_any_point_it_comes_to_the_same_result(
    uninterrupted: xr.Dataset, tmp_path: Path, thorough: bool
) -> None:
    kills, random = (40 if thorough else 1), np.random.default_rng(3)
    folder = tmp_path / "killed"
    for _ in range(kills):
        process = started(folder)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(float(random.uniform(0.0, 2.0)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if len(Checkpoint(folder).done()) == 6:
            (folder / f"part-{int(random.integers(0, 6)):05d}.nc").unlink()
    (folder / ".part-00004-half").write_bytes(b"as a kill in the middle of writing leaves it")
    last = started(folder)
    assert last.communicate()[0].split()[-1] == digest(uninterrupted)
    assert not list(folder.glob(".part*"))
