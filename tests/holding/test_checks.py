import json
from pathlib import Path

import pytest

from agritwin.holding.checks import disagreeing_yields
from agritwin.holding.intake import take_in
from agritwin.holding.mapping import load_mappings
from tests.holding.conftest import AS_OF, BALSA, NEIGHBOUR, PINILLO

ROOT = Path(__file__).parents[2]


def test_kg_and_kg_per_ha_are_compared_by_the_area(engine, raw, tmp_path):
    for name, unit, amounts in (("a", "kg", [6000, 5000]), ("b", "kg/ha", [600, 400]), ("c", "t", [6.1, 5.1])):
        rows = [
            {"id": PINILLO, "fecha": f"{year}-09-30", "cosecha": amount, "unidad": unit}
            for year, amount in zip((2020, 2021), amounts, strict=True)
        ]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
        take_in(engine, [PINILLO], tmp_path / f"{name}.json", None, AS_OF, raw=raw)
    found = disagreeing_yields(engine, PINILLO, area_ha=10.0)
    assert found[["season", "source", "other_source"]].values.tolist() == [
        [2021, "a.json", "b.json"],
        [2021, "b.json", "c.json"],
    ]


def test_the_dry_weight_that_disagrees_in_the_demo_is_found(engine, raw):
    folder = ROOT / "data" / "archive" / "holding"
    if not folder.is_dir():
        pytest.skip("the archive's holding files are not built")
    mappings = load_mappings(ROOT / "config" / "mappings")
    for name in ("activities.xlsx", f"harvest-{PINILLO}.json"):
        twins = (PINILLO, NEIGHBOUR, BALSA)
        take_in(engine, twins, folder / name, mappings, AS_OF.replace(year=2025), raw=raw, landed_for=PINILLO)
    found = disagreeing_yields(engine, PINILLO, area_ha=13.63)
    assert found[["season", "state", "other_state"]].values.tolist() == [[2022, "unstated", "dry"]]
