"""The command line on a small workspace: files are checked, taken in, listed, compared and deleted, without a run."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from agritwin import workspace
from agritwin.cli import app
from agritwin.scenarios import comparison, places, status
from agritwin.scenarios.checkpoint import Checkpoint

TWIN = "47-96-0-0-5-20-1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Snakefile").write_text("", encoding="utf-8")
    (tmp_path / "config/twins").mkdir(parents=True)
    (tmp_path / "config/config.yaml").write_text("{}", encoding="utf-8")
    (tmp_path / f"config/twins/{TWIN}.yaml").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scenario(folder: Path, name: str = "drier", **said: Any) -> places.Places:
    found = places.Places(TWIN, name)
    found.definition.parent.mkdir(parents=True, exist_ok=True)
    found.definition.write_text(yaml.safe_dump({"twin": TWIN, "title": "Drier", **said}), encoding="utf-8")
    return found


def result(name: str, yields: float, partial: bool = False) -> dict[str, Any]:
    same = {key: {"p10": 1.0, "p50": 1.0, "p90": 1.0} for key in comparison.ROWS}
    asked = same | {"relative_yield": {"p10": yields - 0.1, "p50": yields, "p90": yields + 0.1}}
    summary = {"baseline": same, "scenario": asked, "difference": same, "share_better": 0.0, "allocation": None}
    about = {"twin": TWIN, "scenario": name, "partial": partial, "synthetic": True, "issue_time": "2025-06-15"}
    return about | {"members": 10, "members_done": 10, "changes": {}, "summary": summary}


def say(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["scenario", *arguments])
    return done.exit_code, " ".join(done.output.split())


def test_states_are_told_from_files_alone(folder: Path) -> None:
    here = scenario(folder)
    assert status.of(here).state == "new"
    checkpoint = Checkpoint(here.checkpoint)
    with checkpoint.held():
        checkpoint.begin("key")
        checkpoint.tell("running", 2, 8)
        assert status.of(here).state == "running"
        assert status.of(here).share == 0.25
    assert status.of(here).state == "interrupted"  # nobody holds it: it was killed
    checkpoint.tell("paused", 3, 8)
    assert status.of(here).state == "paused"
    scenario(folder, "wrong", members=-1)
    assert {each.places.name: each.state for each in status.all_of()} == {"drier": "paused", "wrong": "invalid"}
    assert say("list")[0] == 0


def test_delete_leaves_nothing(folder: Path) -> None:
    here, other = scenario(folder), scenario(folder, "other")
    checkpoint = Checkpoint(here.checkpoint)
    with checkpoint.held():
        checkpoint.begin("key")
        code, told = say("delete", "drier", "--yes")
        assert code == 2
        assert "is running" in told
    for each in (here, other):
        workspace.write_json(each.result, result(each.name, 0.5))
        each.cube.mkdir(parents=True)
        each.log.parent.mkdir(parents=True, exist_ok=True)
        each.log.write_text("log", encoding="utf-8")
    assert say("delete", f"{TWIN}/drier", "--yes")[0] == 0
    assert not [path for path in folder.rglob("*") if "drier" in path.name]
    assert len(other.belongings()) == 4
    assert say("delete", "drier", "--yes")[0] == 2
    say("delete", "other", "--yes")
    assert not (folder / "data/cubes/scenario").joinpath(TWIN).exists()


def test_only_what_is_under_way_can_be_held(folder: Path) -> None:
    here = scenario(folder)
    for wish in ("pause", "stop"):
        code, told = say(wish, "drier")
        assert code == 2
        assert "it is new" in told
    checkpoint = Checkpoint(here.checkpoint)
    with checkpoint.held():
        checkpoint.begin("key")
        checkpoint.tell("running", 1, 4)
        assert say("pause", "drier")[0] == 0
        assert checkpoint.wish == "pause"
        assert say("stop", "drier")[0] == 0
        assert checkpoint.wish == "stop"


def test_scenarios_stand_beside_the_twin_as_it_is(folder: Path) -> None:
    for name, yields, partial in (("drier", 0.5, False), ("wetter", 0.9, True)):
        workspace.write_json(scenario(folder, name).result, result(name, yields, partial))
    code, told = say("compare", "drier", "wetter")
    assert code == 0
    for words in ("as it is", "wetter (partial)", "50 (40 to 60)", "90 (80 to 100)", "Synthetic"):
        assert words in told
    code, told = say("compare", "unknown")
    assert code == 2
    assert "Known: " in told


def test_a_file_is_checked_before_it_is_taken_in(folder: Path) -> None:
    away = folder / "elsewhere"
    away.mkdir()
    mine = away / "drier.yaml"
    mine.write_text(f"twin: {TWIN}\ntitle: Drier\nirrigation: {{rule: never}}\n", encoding="utf-8")
    code, told = say("run", str(mine))
    assert code == 2
    assert "irrigation.rule = 'never'" in told
    assert not (folder / "config/scenarios").exists()
    mine.write_text("twin: 47-96-0-0-5-20-9\ntitle: Drier\n", encoding="utf-8")
    assert "There is no twin '47-96-0-0-5-20-9'" in say("run", str(mine))[1]
    scenario(folder, note="mine")
    mine.write_text(f"twin: {TWIN}\ntitle: Drier\n", encoding="utf-8")
    assert "is there already" in say("run", str(mine))[1]


FLOOD = {"depth_mm": 60.0, "duration_h": 2.0}
SHARES = {"0.05": 10.0, "0.1": 5.0, "0.3": 0.0}
VOLUMES = {"outflow_volume": 100.0, "infiltration_volume": 50.0}


def flood_result(name: str, depth_m: float, own_m: float = 0.5) -> dict[str, Any]:
    runs = [
        {"storm": FLOOD, "depth_max_m": depth, "flooded_share_percent": SHARES, "first_arrival_h": None}
        | {"volumes_m3": VOLUMES}
        for depth in (own_m, depth_m)
    ]
    about = {"twin": TWIN, "scenario": name, "synthetic": True, "issue_time": None, "title": "What if"}
    return about | {"summary": {"baseline": runs[0], "scenario": runs[1], "difference": {}}}


def test_a_flood_scenario_goes_the_same_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = []
    monkeypatch.setattr("agritwin.cli.scenario._drive", driven.append)
    mine = folder / "dike.yaml"
    mine.write_text(f"kind: flood\ntwin: {TWIN}\ntitle: A dike\nstorm: {{depth_mm: 90}}\n", encoding="utf-8")
    assert say("run", str(mine)) == (0, "")
    (chosen,) = driven
    assert chosen == places.Places(TWIN, "floods/dike")
    assert chosen.definition.read_bytes() == mine.read_bytes()
    scenario(folder, "dry")
    assert places.find("dike") == places.find(f"{TWIN}/dike") == places.find("floods/dike") == chosen
    assert {each.places.name: each.state for each in status.all_of()} == {"dry": "new", "floods/dike": "new"}
    assert "it is new" in say("pause", "dike")[1]

    for path in (chosen.result, chosen.log, chosen.cube / "store"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")
    assert status.of(chosen).state == "done"
    assert say("delete", "dike", "--yes")[0] == 0
    assert [path for path in folder.rglob("*") if "dike" in path.name or path.name == "floods"] == [mine]
    assert places.find("dry").definition.is_file()


def test_a_flood_scenario_is_checked_before_it_is_taken_in(folder: Path) -> None:
    mine = folder / "dike.yaml"
    mine.write_text(f"kind: flood\ntwin: {TWIN}\ntitle: A dike\nstorm: {{depth: 90}}\n", encoding="utf-8")
    code, told = say("run", str(mine))
    assert code == 2
    assert "key 'storm.depth' is unknown" in told
    assert not (folder / "config/scenarios").exists()


def test_floods_are_compared_with_floods(folder: Path) -> None:
    for name, depth in (("floods/dike", 0.2), ("floods/cloudburst", 0.9)):
        here = scenario(folder, name, kind="flood")
        workspace.write_json(here.result, flood_result(name, depth))
    workspace.write_json(scenario(folder).result, result("drier", 0.5))
    code, told = say("compare", "dike", "cloudburst")
    assert code == 0
    assert "Greatest depth in the parcel, m 0.50 0.20 0.90" in told
    assert "arrives after, h - - -" in told
    assert "Synthetic" in told
    assert "differ" not in told
    workspace.write_json(places.find("dike").result, flood_result("floods/dike", 0.2, own_m=0.4))
    assert "differ" in say("compare", "dike", "cloudburst")[1]
    code, told = say("compare", "dike", "drier")
    assert code == 2
    assert "Compare them apart" in told
