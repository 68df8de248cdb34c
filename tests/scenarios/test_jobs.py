"""Scenarios in the DAG: jobs when they are asked for, none otherwise."""

from pathlib import Path

import yaml

from agritwin.scenarios.definition import read
from agritwin.scenarios.flood_definition import FloodScenario
from tests.conftest import DEMO, clone, snakemake

FLOODS = {
    "rain": {"storm": {"depth_mm": 120, "duration_h": 6}},
    "soil": {"soil_water": 0.0},
    "dike": {"dikes": [{"line": [[-4.8222, 41.2730], [-4.8200, 41.2700]], "height_m": 1.0}]},
    "culvert": {"culverts": [{"line": [[-4.8212, 41.2716], [-4.8222, 41.2729]], "blocked": True}]},
}


def planned(folder: Path, *arguments: str) -> str:
    done = snakemake(folder, "-n", *arguments, "--config", f"twin={DEMO}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def jobs(folder: Path, *arguments: str) -> int:
    return planned(folder, *arguments).count("rule simulate_scenario:")


def test_scenarios_are_jobs_only_when_asked_for_and_wait_when_paused(tmp_path: Path) -> None:
    folder = clone(tmp_path / "workspace")
    count = len(list((folder / "config/scenarios" / DEMO).glob("*.yaml")))
    assert jobs(folder) == 0
    assert jobs(folder, "scenarios") == count
    wish = folder / "data/scenarios" / DEMO / "half-the-water/wish.json"
    wish.parent.mkdir(parents=True)
    wish.write_text('"pause"\n', encoding="utf-8")
    assert jobs(folder, "scenarios") == count - 1


def test_floods_of_every_kind_are_jobs_of_their_own_target(tmp_path: Path) -> None:
    folder = clone(tmp_path / "workspace")
    files = folder / "config/scenarios" / DEMO / "floods"
    for name, asked in FLOODS.items():
        content = {"kind": "flood", "twin": DEMO, "title": name} | asked
        (files / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        assert read(files / f"{name}.yaml", FloodScenario).title == name
    told = planned(folder, "flood_scenarios")
    assert told.count("rule simulate_scenario:") == 0
    wanted = {f"results/{DEMO}/scenarios/floods/{path.stem}.json" for path in files.glob("*.yaml")}
    assert wanted >= {f"results/{DEMO}/scenarios/floods/{name}.json" for name in FLOODS}
    assert all(told.count(f"output: {result}\n") == 1 for result in wanted), told
