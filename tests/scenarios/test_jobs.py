"""Scenarios in the DAG: jobs when they are asked for, none otherwise."""

from pathlib import Path

from tests.conftest import DEMO, clone, snakemake


def jobs(folder: Path, *arguments: str) -> int:
    done = snakemake(folder, "-n", *arguments, "--config", f"twin={DEMO}")
    assert done.returncode == 0, done.stdout + done.stderr
    return (done.stdout + done.stderr).count("rule simulate_scenario:")


def test_scenarios_are_jobs_only_when_asked_for_and_wait_when_paused(tmp_path: Path) -> None:
    folder = clone(tmp_path / "workspace")
    count = len(list((folder / "config/scenarios" / DEMO).glob("*.yaml")))
    assert jobs(folder) == 0
    assert jobs(folder, "scenarios") == count
    wish = folder / "data/scenarios" / DEMO / "half-the-water/wish.json"
    wish.parent.mkdir(parents=True)
    wish.write_text('"pause"\n', encoding="utf-8")
    assert jobs(folder, "scenarios") == count - 1
