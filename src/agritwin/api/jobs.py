"""What a service may start: rules of the workflow and registered jobs, by name. Nothing here calls an address."""

import datetime as dt
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agritwin.api.errors import RefusalError
from agritwin.api.shapes import TwinId
from agritwin.api.surroundings import SECRET, Surroundings
from agritwin.records import services

RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r'\n    output:\n(?:.*\n)*?.*"((?:results|reports)/\{twin\}/[\w.]+)"')
TIME_LIMIT_S = 3600
PAUSE_S = 1.0
COMMAND = "from agritwin.cli import app; app()"


class JobParameters(BaseModel):
    """What every job takes: the twin that it concerns."""

    model_config = ConfigDict(extra="forbid")
    twin: TwinId


class RefreshParameters(JobParameters):
    """What a refresh takes: besides the twin the day up to which it goes."""

    as_of: dt.date | None = None


@dataclass(frozen=True)
class Job:
    """Something that may be started: what it does, what it takes, and the command line that does it."""

    summary: str
    parameters: type[JobParameters]
    command: Callable[[Any], list[str]]


def jobs(root: Path) -> dict[str, Job]:
    """Return all that may be started in a workspace: ``job:refresh``, and ``rule:<name>`` for rules that publish."""
    found = {"job:refresh": Job("bring the twin up to a date", RefreshParameters, _refresh)}
    for path in sorted((root / "workflow" / "rules").glob("*.smk")):
        for name, body in RULE.findall(path.read_text(encoding="utf-8")):
            if (target := TARGET.search(body)) is not None:
                found[f"rule:{name}"] = Job(f"make {target[1]}", JobParameters, _rule(target[1]))
    return found


def checked(job: Job, parameters: dict[str, Any]) -> JobParameters:
    """Return the parameters of a job.

    Raises
    ------
    RefusalError
        When one is missing, unknown or of the wrong kind.
    """
    try:
        return job.parameters.model_validate(parameters)
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        names = ", ".join(job.parameters.model_fields)
        raise RefusalError(f"These parameters do not fit: {what}.", f"The job takes {names}.") from error


def _refresh(parameters: RefreshParameters) -> list[str]:
    command = [sys.executable, "-c", COMMAND, "refresh", "--twin", parameters.twin]
    return [*command, "--as-of", parameters.as_of.isoformat()] if parameters.as_of else command


def _rule(target: str) -> Callable[[JobParameters], list[str]]:
    def command(parameters: JobParameters) -> list[str]:
        path = target.format(twin=parameters.twin)
        return [sys.executable, "-m", "snakemake", path, "--config", f"twin={parameters.twin}"]

    return command


def work(around: Surroundings, stop: threading.Event) -> None:
    """Carry out queued runs one after the other until told to stop; a run that is under way then is interrupted."""
    services.interrupt_runs(around.engine, around.now())
    known = jobs(around.root)
    while not stop.is_set():
        run = services.take_run(around.engine, around.now())
        if run is None:
            stop.wait(PAUSE_S)
            continue
        job = known.get(run["job"])
        if job is None:
            ended = ("failed", None, f"There is no job {run['job']!r} any more.")
        else:
            ended = execute(job.command(checked(job, run["parameters"])), around.root, stop)
        services.end_run(around.engine, run["id"], *ended, around.now())


def execute(
    command: list[str], folder: Path, stop: threading.Event, limit_s: float = TIME_LIMIT_S
) -> tuple[str, int | None, str]:
    """Run a command to its end, its time limit or the stop; return state, exit code and what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != SECRET}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        waited = 0.0
        while process.poll() is None and waited < limit_s and not stop.is_set():
            stop.wait(PAUSE_S / 10)
            waited += PAUSE_S / 10
        state = "timed_out" if waited >= limit_s else "interrupted"
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        else:
            state = "done" if process.returncode == 0 else "failed"
        log.seek(0)
        return state, process.returncode, log.read().decode("utf-8", "replace").replace("\x00", "")
