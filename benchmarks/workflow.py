"""How fast the workflow is: ``make benchmark``. Prints each figure beside the limit the project sets itself (2 cores).

Run on an idle machine; figures of one run belong together.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agritwin import job

ROOT = Path(__file__).resolve().parents[1]
DEMO = "47-96-0-0-5-20-1"
PARTS = ("Snakefile", "workflow", "config", "notebooks", "profiles")
TRIVIAL = (
    '{"cells": [{"cell_type": "code", "execution_count": null, "metadata": {"tags": ["parameters"]}, "outputs": [],'
    ' "source": "x = 1"}, {"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [],'
    ' "source": "x + 1"}], "metadata": {"kernelspec": {"display_name": "p", "language": "python", "name": "python3"}},'
    ' "nbformat": 4, "nbformat_minor": 4}'
)

SPENT = """import runpy, sys, time
del sys.argv[0]
try:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
finally:
    with open("spent.txt", "a") as told:
        print(time.process_time(), file=told)
"""


def workspace(folder: Path) -> Path:
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy2(source, folder / name)
    (folder / "data").mkdir()
    (folder / "data" / "archive").symlink_to(ROOT / "data" / "archive")
    return folder


def timed(folder: Path, *command: str) -> tuple[float, float]:
    """Wall and CPU seconds of a command and all its children."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, spent


def snakemake(folder: Path, *arguments: str) -> tuple[float, float]:
    return timed(folder, sys.executable, "-m", "snakemake", *arguments, "-q", "all")


def tell(what: str, value: float, limit: float, unit: str) -> None:
    print(f"{what:<52} {value:8.1f} {unit:<6} limit {limit:g}{'' if value <= limit else '   OVER'}", flush=True)


def thousand_twins(folder: Path) -> None:
    outline = (folder / "config" / "twins" / f"{DEMO}.geojson").read_text(encoding="utf-8")
    text = (folder / "config" / "twins" / f"{DEMO}.yaml").read_text(encoding="utf-8")
    for number in range(1000):
        name = f"twin-{number:04d}"
        (folder / "config" / "twins" / f"{name}.geojson").write_text(outline, encoding="utf-8")
        own = text.replace(f"{DEMO}.geojson", f"{name}.geojson")
        (folder / "config" / "twins" / f"{name}.yaml").write_text(own, encoding="utf-8")


def notebook_overhead(folder: Path) -> None:
    """What a notebook of one sum costs: in a run, whose forks find their imports done, and alone, imports and all."""
    (folder / "trivial.ipynb").write_text(TRIVIAL, encoding="utf-8")
    module = ("agritwin.notebook", "trivial.ipynb", "done.ipynb", '{"x": 2}')
    bare = min(timed(folder, sys.executable, "-c", "x = 2\nx + 1")[1] for _ in range(5))
    alone = [timed(folder, sys.executable, "-m", *module)[1] for _ in range(6)]
    tell("overhead of a notebook alone, with its imports", min(alone) - bare, 0.8, "CPU-s")
    warm = job.keep_warm(folder)
    if warm is not None:
        while not (folder / job.SOCKET).exists():
            time.sleep(0.1)
        (folder / "spent.py").write_text(SPENT, encoding="utf-8")
        # The fork is no child of this process, so it tells itself what it spent.
        asked = [timed(folder, sys.executable, "-m", "agritwin.job", "spent", *module)[1] for _ in range(6)]
        forked = [float(line) for line in (folder / "spent.txt").read_text(encoding="utf-8").split()]
        tell("overhead of a notebook in a run", min(asked) + min(forked) - bare, 0.8, "CPU-s")
        warm.communicate()


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = workspace(Path(temporary) / "workspace")
        one = ("--config", f"twin={DEMO}")
        wall, cpu = snakemake(folder, *one)
        tell("cold demo twin, wall", wall, 90, "s")
        tell("cold demo twin, CPU", cpu, 180, "CPU-s")
        tell("is it up to date?", snakemake(folder, *one)[0], 3, "s")
        refresh = timed(folder, str(Path(sys.executable).with_name("agritwin")), "refresh", "--twin", DEMO)
        tell("refresh by one day", refresh[0], 25, "s")
        notebook_overhead(folder)
        thousand_twins(folder)
        plans = [timed(folder, sys.executable, "-m", "snakemake", "-n", "-q")[0] for _ in range(5)]
        tell("dry run of 1,000 twins, best of 5", min(plans), 10, "s")
        tell("dry run of 1,000 twins, worst of 5", max(plans), 10, "s")


if __name__ == "__main__":
    main()
