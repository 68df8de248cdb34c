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
