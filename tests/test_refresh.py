"""``agritwin refresh``: exit codes, the lock, the clock, catching up, and cron."""

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from filelock import FileLock
from typer.testing import CliRunner

from agritwin import forecast_cube, weather_cube
from agritwin.cli import app, refresh
from agritwin.observe import journal
from tests.conftest import DEMO, clone

CELL = "archive-n413w048"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace whose runs of Snakemake are only written down; ``codes`` are what they return."""
    folder = clone(tmp_path / "workspace")
    monkeypatch.chdir(folder)
    runs, codes = [], []

    def run(command, **options):
        runs.append(command)
        return subprocess.CompletedProcess(command, codes.pop(0) if codes else 0)

    monkeypatch.setattr(refresh.subprocess, "run", run)
    return folder, runs, codes


def call(*arguments):
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def status(folder, state, name=CELL, kind="weather"):
    path = folder / f"data/cubes/{kind}/{name}.status.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    failures = [{"source": "open_meteo", "what": "did not answer"}] if state != "ok" else []
    path.write_text(
        json.dumps({"kind": kind, "state": state, "last_value": "2025-06-10T23", "failures": failures, "sources": []})
    )


def test_a_refresh_is_two_runs_observe_to_the_date_and_then_the_rest(workspace):
    _, runs, _ = workspace
    code, told = call("refresh", "--twin", DEMO, "--as-of", "2025-06-20")
    assert (code, "up to date as of 2025-06-20" in told) == (0, True)
    assert [run[4:] for run in runs] == [
        ["profiles/cron", "observe", "--config", f"twin={DEMO}", "as_of=2025-06-20"],
        ["profiles/cron", "--config", f"twin={DEMO}"],
    ]


def test_a_failed_job_is_partial_failure_and_the_rest_still_runs(workspace):
    _, runs, codes = workspace
    codes += [1, 0]
    code, told = call("refresh", "--as-of", "2025-06-20")
    assert code == refresh.INCOMPLETE
    assert len(runs) == 2
    assert "incomplete" in told


def test_a_source_that_did_not_answer_is_named_with_what_is_kept(workspace):
    folder, _, _ = workspace
    status(folder, "stale")
    code, told = call("refresh", "--as-of", "2025-06-20")
    assert code == refresh.STALE
    assert "open_meteo did not answer; the last good data, of 2025-06-10T23, are kept" in told.replace("\n", " ")


def test_the_stale_source_of_another_twin_does_not_matter(workspace):
    folder, _, _ = workspace
    status(folder, "stale", "archive-s339e1512")
    assert call("refresh", "--as-of", "2025-06-20")[0] == 0


def test_a_wrong_configuration_is_named_and_runs_nothing(workspace):
    _, runs, _ = workspace
    code, told = call("refresh", "--twin", "nowhere")
    assert (code, runs) == (2, [])
    assert "no twin 'nowhere'" in told


def test_an_overlapping_refresh_is_refused_and_says_who_holds_the_workspace(workspace):
    folder, runs, _ = workspace
    (folder / ".snakemake").mkdir()
    program = (
        "import json, os, sys, time\nfrom filelock import FileLock\n"
        "lock = FileLock('.snakemake/agritwin-refresh.lock'); lock.acquire()\n"
        "open('.snakemake/agritwin-refresh.json', 'w').write(json.dumps({'process': os.getpid(), 'since': 'noon'}))\n"
        "print('held', flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        code, told = call("refresh", "--as-of", "2025-06-20")
        assert (code, runs) == (refresh.BUSY, [])
        assert f"under way since noon (process {holder.pid})" in told
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert call("refresh", "--as-of", "2025-06-20")[0] == 0, "the lock of a killed refresh is no obstacle"


def test_a_run_by_hand_is_not_disturbed(workspace):
    folder, runs, _ = workspace
    (folder / ".snakemake").mkdir()
    with FileLock(folder / ".snakemake/agritwin.lock"):
        assert call("refresh", "--as-of", "2025-06-20")[0] == refresh.BUSY
    assert runs == []


def test_the_archives_clock_moves_on_by_a_day(workspace):
    folder, runs, _ = workspace
    (folder / "data/as_of.json").write_text('{"as_of": "2025-10-25"}')
    call("refresh")
    assert runs[0][-1] == "as_of=2025-10-26"


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        ("2025-03-29T23:30", "2025-03-29"),  # 00:30 in Madrid, the night in which the clock goes forward
        ("2025-03-30T00:30", "2025-03-30"),
        ("2025-03-30T03:15", "2025-03-30"),  # 05:15 in summer time
        ("2025-10-25T23:30", "2025-10-25"),  # 01:30 in Madrid, for the first time that night: 02:30 comes twice
        ("2025-10-26T00:30", "2025-10-26"),
        ("2025-10-26T04:15", "2025-10-26"),
    ],
)
def test_the_date_is_that_of_utc_also_in_the_nights_when_clocks_change(workspace, monkeypatch, moment, date):
    _, runs, _ = workspace

    class Clock(dt.datetime):
        @classmethod
        def now(cls, zone=None):
            return dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC).astimezone(zone)

    monkeypatch.setattr(refresh.dt, "datetime", Clock)
    (Path("config/twins") / f"{DEMO}.yaml").write_text(
        Path("config/twins", f"{DEMO}.yaml").read_text() + "\nsources: {weather: [open_meteo]}\n"
    )
    call("refresh", "--twin", DEMO)
    assert runs[0][-1] == f"as_of={date}"


def test_the_journal_shows_each_source_with_its_twins(workspace, monkeypatch):
    journal.enter(kind="weather", place=CELL, sources=["archive"], failures=[], items=24, gaps=0)
    journal.enter(kind="weather", place="archive-elsewhere", sources=["open_meteo"], failures=[], items=24, gaps=0)
    monkeypatch.setattr(refresh.console, "width", 80)
    code, told = call("journal", "--twin", DEMO)
    assert code == 0
    assert f"weather {DEMO}" in " ".join(told.split())
    assert "open_meteo" not in told
    assert "…" not in told  # nothing is cut off in a terminal of 80 columns


CRON = Path("/etc/cron.d/agritwin-test")
OTHER_TIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@pytest.fixture
def cron(request, tmp_path, thorough):
    """Debian's own cron, for a line in a built workspace."""
    if not thorough:
        pytest.skip("cron looks once a minute: part of the acceptance campaign (--thorough)")
    if shutil.which("cron") is None or os.geteuid() != 0:
        pytest.skip("needs Debian's cron and root")
    if cron_runs():
        pytest.skip("another cron is running on this machine")
    folder = tmp_path / "workspace"
    shutil.copytree(request.getfixturevalue("built"), folder, symlinks=True)

    @contextlib.contextmanager
    def running(when, **environment):
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        passed_on = "".join(f"{name}={os.environ[name]}\n" for name in ("PYTHONPATH",) if name in os.environ)
        refreshing = f"agritwin refresh --twin {DEMO} >> refresh.log 2>&1; echo $? >> codes"
        CRON.write_text(f"SHELL=/bin/sh\nPATH={path}\n{passed_on}{when} root cd {folder} && ({refreshing})\n")
        daemon = subprocess.Popen(["cron", "-f"], env=os.environ | environment)
        try:
            yield folder
        finally:
            CRON.unlink()
            daemon.terminate()
            daemon.wait()
            while cron_runs():  # a child that waits for its job
                time.sleep(1)

    return running


def cron_runs():
    return subprocess.run(["pgrep", "-x", "cron"], capture_output=True, check=False).returncode == 0


def known_date(folder):
    return dt.date.fromisoformat(json.loads((folder / "data/as_of.json").read_text())["as_of"])


def ended(folder, seconds=400):
    """Wait for a refresh to end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not (folder / "codes").is_file():
        time.sleep(1)
    return (folder / "codes").read_text().split()


@pytest.mark.slow
def test_cron_refreshes_a_workspace(cron):
    """The line of the documentation once a minute; the workspace moves on by a day or more."""
    with cron("* * * * *") as folder:
        before = known_date(folder)
        codes = ended(folder)
    told = (folder / "refresh.log").read_text()
    assert codes[0] in ("0", str(refresh.BUSY)), told
    assert known_date(folder) > before, told


@pytest.mark.slow
@pytest.mark.skipif(OTHER_TIME is None, reason="needs Debian's faketime")
@pytest.mark.parametrize(("night", "hours"), [("2025-03-30", 2), ("2025-10-26", 4)])
def test_cron_refreshes_once_in_a_night_in_which_the_clock_changes(cron, night, hours):
    """Half past two is left out in spring and comes twice in autumn; four hours pass in a minute."""
    faster = {"TZ": "Europe/Madrid", "LD_PRELOAD": str(OTHER_TIME), "FAKETIME": f"@{night} 01:30:00 x240"}
    with cron("30 2 * * *", **faster) as folder:
        before = known_date(folder)
        time.sleep(hours * 3600 / 240)  # not until the machine's own daily jobs
    assert ended(folder) == ["0"], (folder / "refresh.log").read_text()
    assert known_date(folder) == before + dt.timedelta(days=1)


@pytest.mark.usefixtures("workspace")
def test_the_skill_of_forecasts_is_not_told_before_there_are_enough():
    code, told = call("skill", DEMO)
    assert code == 2
    assert "There is no cube" in told
    hours = np.datetime64("2025-06-01", "ns") + np.arange(72) * np.timedelta64(1, "h")
    attributes = {"units": "degC"}
    weather = xr.Dataset({"air_temperature": ("time", np.zeros(72), attributes)}, {"time": hours}, {"source": "t"})
    weather_cube.write_hourly(Path(f"data/cubes/weather/{CELL}.icechunk"), weather, "weather")
    values = np.ones((3, 48))
    issue = xr.Dataset(
        {"air_temperature": (("member", "time"), values, attributes)}, {"time": hours[24:], "issue_time": hours[24]}
    )
    forecast_cube.write_issue(Path(f"data/cubes/forecast/{CELL}.icechunk"), issue, "issue")
    code, told = call("skill", DEMO)
    assert code == 0
    assert "Not enough: scores need 20 issues" in told
    assert "1 kept so far" in " ".join(told.split())


def test_a_clock_in_the_future_of_live_sources_is_refused(workspace):
    _, runs, _ = workspace
    path = Path("config/twins") / f"{DEMO}.yaml"
    path.write_text(path.read_text() + "\nsources: {weather: [open_meteo]}\n")
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).date().isoformat()
    code, told = call("refresh", "--twin", DEMO, "--as-of", later)
    assert (code, runs) == (2, [])
    assert "lies in the future" in told
