"""Uploads into the landing zone, and what of files was not loaded."""

import datetime as dt

from agritwin.api.routes import files
from agritwin.holding.intake import take_in
from agritwin.workspace import LANDING
from tests.api.conftest import ON_SQLITE, OTHER, TWIN
from tests.servers import full_disk

WORK = b"fecha;labor\n01/03/2021;PODA\n32/03/2021;PODA\n"


def send(client, name, content=WORK, twin=TWIN):
    return client.post(f"/landing/{twin}", files={"file": (name, content)})


@ON_SQLITE
def test_a_file_lands_byte_for_byte_and_once(as_, workspace):
    worker = as_("worker")
    name = "año 50 % #1.csv"
    first = send(worker, name)
    assert (first.status_code, first.json()["changed"]) == (201, True)
    assert (workspace / LANDING / TWIN / name).read_bytes() == WORK
    assert send(worker, name).json()["changed"] is False
    other = send(worker, name, WORK + b"02/03/2021;RIEGO\n").json()["file"]
    assert other.startswith("año 50 % #1.") and other.endswith(".csv") and other != name
    listed = as_("viewer").get(f"/landing/{TWIN}").json()
    assert {row["file"] for row in listed} == {name, other}
    assert first.json()["sha256"] in {row["sha256"] for row in listed}


UNSAFE = (
    ("../../config/config.yaml", WORK),
    ("..\\x.csv", WORK),
    (".hidden.csv", WORK),
    ("x" * 300 + ".csv", WORK),
    ("ñ" * 150 + ".csv", WORK),
    ("macro.xlsm", WORK),
    ("table.xlsx", WORK),
    ("script.py", WORK),
    ("empty.csv", b""),
)


@ON_SQLITE
def test_what_is_unsafe_is_refused_and_leaves_nothing(as_, workspace):
    worker = as_("worker")
    for name, content in UNSAFE:
        assert send(worker, name, content).status_code == 422, name
    assert not list((workspace / LANDING / TWIN).glob("*"))


@ON_SQLITE
def test_files_have_a_limit(as_, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_FILE", 1000)
    assert send(as_("worker"), "a.csv", b"x" * 1001).status_code == 413


@ON_SQLITE
def test_a_full_disk_is_told_and_keeps_nothing(as_, workspace):
    worker = as_("worker")
    with full_disk():
        refused = send(worker, "a.csv", WORK * 1000)
    assert (refused.status_code, bool(refused.json()["remedy"])) == (507, True)
    assert not list((workspace / LANDING / TWIN).glob("*"))


def test_only_who_records_on_a_twin_sends_files_for_it(as_):
    assert send(as_("viewer"), "a.csv").status_code == 403
    assert send(as_("worker"), "a.csv", twin=OTHER).status_code == 403
    assert send(as_("stranger"), "a.csv").status_code == 403
    assert send(as_("stranger"), "a.csv", twin=OTHER).status_code == 201


def test_lines_in_quarantine_are_listed_with_reason_and_suggestion(as_, engine, tmp_path):
    path = tmp_path / "work.csv"
    path.write_bytes(WORK)
    take_in(engine, [TWIN], path, None, dt.date(2022, 1, 1), raw=tmp_path / "raw", landed_for=TWIN)
    (row,) = [row for row in as_("viewer").get(f"/quarantine/{TWIN}").json() if row["value"] == "32/03/2021"]
    assert (row["kind"], row["file"], row["row"]) == ("rejected", "work.csv", 3)
    assert row["reason"] and row["suggestion"]
    assert as_("stranger").get(f"/quarantine/{TWIN}").status_code == 403
