"""The demo's own holding files: each slip built into them is found, and everything else is loaded."""

import datetime as dt
from pathlib import Path

import pytest

from agritwin.holding.intake import take_in
from agritwin.holding.mapping import load_mappings
from agritwin.records import queries
from tests.holding.conftest import BALSA, NEIGHBOUR, PINILLO

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data" / "archive" / "holding"


def take(engine, raw, name, **options):
    if not (FOLDER / name).exists():
        pytest.skip("the archive's holding files are not built")
    twins = (PINILLO, NEIGHBOUR, BALSA)
    mappings = load_mappings(ROOT / "config" / "mappings")
    return take_in(engine, twins, FOLDER / name, mappings, dt.date(2025, 6, 15), raw=raw, **options)


def test_slips_of_the_workbook(engine, raw):
    report = take(engine, raw, "activities.xlsx", landed_for=PINILLO)
    rejected = {(r.column, r.value) for r in report.refusals if r.kind == "rejected"}
    assert rejected == {
        ("A", None),
        ("A", "45412"),
        ("A", "00/05/2023"),
        ("A", "31/02/2024"),
        ("C", "LAGUNILLA"),
        ("Q", "0"),
        ("R", "0"),
    }
    assert report.rows_in == report.accepted + report.rejected
    assert "2024-04-30" in next(r.suggestion for r in report.refusals if r.value == "45412")
    dry = queries.harvests(engine, PINILLO).query("state == 'dry'")
    assert dry["amount"].to_list() == [13575, 9851, 5656, 11068]  # one line below its name, as archived


def test_strangers_in_the_harvest_file(engine, raw):
    report = take(engine, raw, f"harvest-{PINILLO}.json", landed_for=PINILLO)
    assert (report.accepted, report.rejected) == (12, 3)
    assert queries.harvests(engine, PINILLO)["year"].to_list() == list(range(2013, 2025))


def test_the_harvest_file_without_units_is_a_question(engine, raw):
    assert take(engine, raw, f"harvest-{NEIGHBOUR}.json", landed_for=NEIGHBOUR).accepted == 0
    answered = take(engine, raw, f"harvest-{NEIGHBOUR}.json", landed_for=NEIGHBOUR, harvest_unit="kg/ha")
    assert answered.accepted == 12
