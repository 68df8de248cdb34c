"""A job gives the same in a fork of the warm process as alone, and ends with whoever asked for it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agritwin.job import SOCKET

NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"]},
            "source": "x = 1",
            "outputs": [],
            "execution_count": 1,
        },
        {
            "cell_type": "code",
            "metadata": {},
            "source": "import os\nx, os.environ.get('MARK')",
            "outputs": [],
            "execution_count": 1,
        },
    ],
    "metadata": {"kernelspec": {"display_name": "p", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 4,
}
SLEEPER = "import pathlib, time, os\npathlib.Path('started').write_text(str(os.getpid()))\ntime.sleep(60)"


def wait(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def alive(number):
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def job(folder, *arguments, **options):
    command = [sys.executable, "-m", "agritwin.job", *arguments]
    environment = os.environ | {"PYTHONPATH": str(folder), "MARK": "mine"}
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options
    )


def outcome(folder, *arguments):
    process = job(folder, *arguments)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors.splitlines()[-1:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("warm")
    (path / ".snakemake").mkdir()
    (path / "trivial.ipynb").write_text(json.dumps(NOTEBOOK))
    (path / "sleeper.py").write_text(SLEEPER)
    (path / "fails.py").write_text("import sys\nprint('out')\nsys.exit('a reason')")
    (path / "breaks.py").write_text("raise ValueError('broken')")
    (path / "good.json").write_text('{"a": 1}')
    return path


@pytest.fixture(scope="module")
def warm(folder):
    if sys.platform != "linux":
        pytest.skip("the warm process is for Linux")
    process = subprocess.Popen([sys.executable, "-m", "agritwin.warm"], cwd=folder, stdin=subprocess.PIPE)
    wait((folder / SOCKET).exists)
    yield process
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    assert not (folder / SOCKET).exists()


@pytest.mark.parametrize(
    "arguments",
    [("json.tool", "good.json"), ("json.tool", "absent.json"), ("fails",), ("breaks",), ("no.such.module",)],
    ids=" ".join,
)
def test_exit_code_and_streams_are_those_of_the_job_alone(warm, folder, arguments):
    answered = outcome(folder, *arguments)
    hidden = (folder / SOCKET).rename(folder / "hidden")
    try:
        assert outcome(folder, *arguments) == answered
    finally:
        hidden.rename(folder / SOCKET)


def test_a_notebook_sees_its_parameters_and_the_environment_of_the_asker(warm, folder):
    assert outcome(folder, "agritwin.notebook", "trivial.ipynb", "done.ipynb", '{"x": 7}')[0] == 0
    text = json.loads((folder / "done.ipynb").read_text())["cells"][-1]["outputs"][0]["data"]["text/plain"]
    assert "".join(text) == "(7, 'mine')"


def test_a_job_dies_with_who_asked_for_it(warm, folder):
    asker = job(folder, "sleeper")
    wait((folder / "started").exists)
    wait(lambda: (folder / "started").read_text())
    number = int((folder / "started").read_text())
    assert number != asker.pid
    assert alive(number)
    asker.kill()
    asker.communicate()
    wait(lambda: not alive(number), 10)


def test_a_killed_warm_process_leaves_a_socket_that_harms_nobody(tmp_path):
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / "good.json").write_text('{"a": 1}')
    process = subprocess.Popen([sys.executable, "-m", "agritwin.warm"], cwd=tmp_path, stdin=subprocess.PIPE)
    wait((tmp_path / SOCKET).exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / SOCKET).exists()
    assert outcome(tmp_path, "json.tool", "good.json")[0] == 0
