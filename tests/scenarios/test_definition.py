"""Scenario files: what may be said, and how it is refused otherwise."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from agritwin.errors import ConfigError
from agritwin.scenarios import definition


def written(folder: Path, name: str = "drier.yaml", **said: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump({"twin": "47-96-0-0-5-20-1", "title": "drier", **said}), encoding="utf-8")
    return path


def test_the_examples_in_the_repository_are_valid_and_about_their_twin(root: Path) -> None:
    examples = sorted((root / "config/scenarios").glob("*/*.yaml"))
    assert len(examples) >= 3
    for path in examples:
        assert definition.read(path).twin == path.parent.name
        assert "schema/scenario.json" in path.read_text(encoding="utf-8").splitlines()[0]


def test_the_schema_in_the_repository_is_that_of_the_model(root: Path) -> None:
    kept = json.loads((root / "config/schema/scenario.json").read_text(encoding="utf-8"))
    assert kept == definition.schema()


def test_changes_are_what_the_file_says(tmp_path: Path) -> None:
    asked = definition.read(written(tmp_path, irrigation={"rule": "none"}, members=10))
    assert asked.changes() == {"irrigation": {"rule": "none"}, "members": 10}
    assert definition.read(written(tmp_path)).changes() == {}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"irigation": {}}, "'irigation' is unknown"),
        ({"irrigation": {"rule": "sometimes"}}, "irrigation.rule = 'sometimes'"),
        (
            {"irrigation": {"rule": "none", "from_day": "2025-07-01", "until_day": "2025-06-01"}},
            "until_day 2025-06-01 is before from_day 2025-07-01",
        ),
        ({"irrigation": {"rule": "fixed"}}, "the rule fixed and the key depth_mm go together"),
        ({"irrigation": {"rule": "deficit", "stage_shares": [0.5, 1.5, 1]}}, "irrigation.stage_shares.1 = 1.5"),
        ({"irrigation": {"budget_mm": 100}}, "the rule optimised and the key budget_mm go together"),
        ({"planting": {"trees_per_ha": -4}}, "planting.trees_per_ha = -4"),
        ({"planting": {"species": "mango"}}, "planting.species = 'mango'"),
        ({"dates": {"bloom": "2025-09-01", "harvest": "2025-08-01"}}, "bloom 2025-09-01 is not before harvest"),
        ({"soil": {"layers": [{"bottom_m": 1.0}]}}, "either field_capacity and wilting_point, or sand and clay"),
        ({"soil": {"layers": [{"bottom_m": 1.0, "field_capacity": 0.1, "wilting_point": 0.2}]}}, "is not above"),
        ({"weather": {"source": "year"}}, "the source year and the key year go together"),
        ({"members": 0}, "members = 0"),
        ({"title": ""}, "title = ''"),
    ],
)
def test_what_may_not_be_said_is_refused_with_key_and_value(tmp_path: Path, said: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        definition.read(written(tmp_path, **said))
    assert words in caught.value.message
    assert "drier.yaml" in caught.value.message


def test_names_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no name for a scenario"):
        definition.read(written(tmp_path, "No Water.yaml"))
    with pytest.raises(ConfigError, match="no file"):
        definition.read(tmp_path / "gone.yaml")
