"""Scenarios in the DAG: jobs when they are asked for, none otherwise."""

import datetime
from pathlib import Path

import yaml

from agritwin.scenarios.definition import read
from agritwin.scenarios.flood_definition import FloodScenario
from agritwin.scenarios.places import of_season
from tests.conftest import DEMO, clone, snakemake

FLOODS = {
    "rain": {"storm": {"depth_mm": 120, "duration_h": 6}},
    "soil": {"soil_water": 0.0},
    "dike": {"dikes": [{"line": [[-4.8222, 41.2730], [-4.8200, 41.2700]], "height_m": 1.0}]},
    "culvert": {"culverts": [{"line": [[-4.8212, 41.2716], [-4.8222, 41.2729]], "blocked": True}]},
}


def planned(folder: Path, *arguments: str, **asked: str) -> str:
    config = [f"{key}={value}" for key, value in {"twin": DEMO, **asked}.items()]
    done = snakemake(folder, "-n", *arguments, "--config", *config)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def jobs(folder: Path, *arguments: str, **asked: str) -> int:
    return planned(folder, *arguments, **asked).count("rule simulate_scenario:")


def test_scenarios_are_jobs_only_when_asked_for_and_wait_when_paused(tmp_path: Path) -> None:
    folder = clone(tmp_path / "workspace")
    count = len(list((folder / "config/scenarios" / DEMO).glob("*.yaml")))
    assert jobs(folder) == 0
    assert jobs(folder, "scenarios") == count
    wish = folder / "data/scenarios" / DEMO / "half-the-water/wish.json"
    wish.parent.mkdir(parents=True)
    wish.write_text('"pause"\n', encoding="utf-8")
    assert jobs(folder, "scenarios") == count - 1


def test_a_scenario_of_a_season_that_is_over_keeps_its_result_and_the_report_is_built_without_it(
    tmp_path: Path,
) -> None:
    folder = clone(tmp_path / "workspace")
    result = folder / "results" / DEMO / "scenarios/half-the-water.json"
    result.parent.mkdir(parents=True)
    result.write_text("{}", encoding="utf-8")
    assert jobs(folder) == 1  # in step with its twin
    assert jobs(folder, as_of="2025-12-01") == 0


def test_days_that_a_file_names_say_of_which_season_it_is(tmp_path: Path) -> None:
    def asked(text: str, as_of: str, starts: str = "11-01") -> bool:
        file = tmp_path / "s.yaml"
        file.write_text(text, encoding="utf-8")
        return of_season(file, datetime.date.fromisoformat(as_of), starts)

    june = "irrigation: {rule: none, from_day: 2025-06-15}"
    assert asked(june, "2024-11-02")
    assert asked(june, "2025-11-01")  # the last day known is one of the season
    assert not asked(june, "2025-11-02")
    assert not asked(june, "2024-11-01")
    assert asked("weather: {source: year, year: 2022}", "2030-01-01")
    assert asked("dates: {sowing: 2024-10-20}", "2025-06-01")
    assert not asked("dates: {sowing: 2024-10-20, harvest: 2025-07-01}", "2026-06-01")
    assert asked("dates: {harvest: 2026-03-01}", "2025-12-01", "05-01")
    assert asked("dates: [oops", "2025-06-01")


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
