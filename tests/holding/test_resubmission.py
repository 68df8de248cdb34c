"""From quarantine back into the records: corrected lines, confirmed mappings, reviewed products."""

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

from agritwin.errors import DataError
from agritwin.holding.corrections import HEADERS, export_quarantine, is_corrections, read_corrections
from agritwin.holding.intake import take_in
from agritwin.holding.mapping import load_mappings
from agritwin.holding.products import aliases, confirm_alias
from agritwin.holding.resubmission import confirm, proposals, resubmit
from agritwin.products.records import take_in_all
from agritwin.records import queries
from tests.holding.conftest import AS_OF, PINILLO

LINES = [
    "fecha;labor;recinto id;observaciones",
    f"13/02/2021;PODA;{PINILLO};",
    f"31/02/2021;RIEGO;{PINILLO};sale el sol",
    f"14/02/2021;;{PINILLO};",
    "15/02/2021;SIEGA;47-1-0-0-1-1-1;",
    f"13/02/2021;PODA;{PINILLO};",
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "trabajos.csv"
    path.write_text("\n".join(LINES))
    return path


@pytest.fixture
def taken(engine, raw, file):
    return take_in(engine, [PINILLO], file, None, AS_OF, raw=raw, landed_for=PINILLO)


def filled(engine, raw, path, answers, language="en"):
    """Export the quarantine and fill it in: row -> what should stand in the cell that is named."""
    export_quarantine(engine, raw, PINILLO, path, language)
    book = openpyxl.load_workbook(path)
    page = book.active
    columns = {name: place for place, name in enumerate(HEADERS["en"], start=1)}
    for line in range(2, page.max_row + 1):
        number = page.cell(line, columns["row"]).value
        if number in answers:
            page.cell(line, columns["correction"], answers[number])
    book.save(path)
    return path


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_rejected_line_is_shown_with_its_place_and_its_reason(engine, raw, taken, tmp_path, language):
    assert export_quarantine(engine, raw, PINILLO, tmp_path / "q.xlsx", language) == taken.rejected == 3
    header, *rows = openpyxl.load_workbook(tmp_path / "q.xlsx").active.iter_rows(values_only=True)
    assert header == HEADERS[language]
    assert [row[:5] for row in rows] == [
        ("trabajos.csv", None, 3, "A", "31/02/2021"),
        ("trabajos.csv", None, 4, "B", None),
        ("trabajos.csv", None, 5, "C", "47-1-0-0-1-1-1"),
    ]
    assert rows[0][5] == {"en": "This is no day.", "es": "Esto no es un día."}[language]
    assert rows[0][8] == f"A: 31/02/2021 | B: RIEGO | C: {PINILLO} | D: sale el sol"


def test_corrected_lines_are_taken_in_once(engine, raw, taken, file, tmp_path):
    assert (taken.accepted, taken.rejected) == (2, 3)
    book = filled(engine, raw, tmp_path / "q.xlsx", {3: "28/02/2021", 4: "DESBROCE"}, "es")
    (report,) = resubmit(engine, [PINILLO], book, [], raw, {})
    assert (report.changed, report.accepted, report.rejected) == (True, 4, 1)
    rows = queries.activities(engine, PINILLO)
    assert list(zip(rows["day"].dt.date, rows["task"], strict=True)) == [
        (dt.date(2021, 2, 13), "PODA"),
        (dt.date(2021, 2, 13), "PODA"),
        (dt.date(2021, 2, 14), "DESBROCE"),
        (dt.date(2021, 2, 28), "RIEGO"),
    ]
    before = queries.digest(engine, PINILLO)
    assert not resubmit(engine, [PINILLO], book, [], raw, {})[0].changed
    assert not take_in(engine, [PINILLO], file, None, AS_OF, raw=raw, landed_for=PINILLO).changed
    assert queries.digest(engine, PINILLO) == before
    assert (raw / taken.sha256).read_text() == "\n".join(LINES)  # the original is untouched


def test_a_sheet_whose_name_looks_like_a_formula_is_corrected_too(engine, raw, tmp_path):
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = "-2021"
    for row in (["fecha", "labor"], [dt.date(2021, 1, 1), "PODA"], ["32/01/2021", "SIEGA"]):
        page.append(row)
    book.save(tmp_path / "a.xlsx")
    assert take_in(engine, [PINILLO], tmp_path / "a.xlsx", None, AS_OF, raw=raw, landed_for=PINILLO).rejected == 1
    (cells,) = read_corrections(filled(engine, raw, tmp_path / "q.xlsx", {3: "2021-01-31"})).values()
    assert cells == {("-2021", 3, "A"): '"2021-01-31"'}


def test_a_correction_is_judged_like_any_line(engine, raw, taken, tmp_path):
    book = filled(engine, raw, tmp_path / "q.xlsx", {3: "30/02/2021", 5: PINILLO})
    (report,) = resubmit(engine, [PINILLO], book, [], raw, {})
    assert [refusal.value for refusal in report.refusals if refusal.row == 3] == ["30/02/2021"]
    assert report.accepted == 3


def test_a_real_date_typed_into_the_workbook_is_that_day(engine, raw, taken, tmp_path):
    book = filled(engine, raw, tmp_path / "q.xlsx", {3: dt.date(2021, 3, 4)})
    resubmit(engine, [PINILLO], book, [], raw, {})
    assert dt.date(2021, 3, 4) in set(queries.activities(engine, PINILLO)["day"].dt.date)


def test_corrections_dropped_beside_the_file_count_in_whatever_order(engine, raw, taken, file, tmp_path):
    """The next run, or one on an empty store, reads both from the landing zone."""
    book = filled(engine, raw, tmp_path / "a quarantine.xlsx", {3: "28/02/2021"})
    assert is_corrections(book)
    assert not is_corrections(file)
    resubmit(engine, [PINILLO], book, [], raw, {})
    before = queries.digest(engine, PINILLO)
    for documents in ([str(file), str(book)], [str(book), str(file)]):
        reports, refused = take_in_all(engine, PINILLO, [PINILLO], documents, [], AS_OF, None)
        assert (len(reports), refused) == (1, [])
        assert queries.digest(engine, PINILLO) == before


def test_what_is_no_answer_is_told(engine, raw, taken, file, tmp_path):
    with pytest.raises(DataError, match="no exported quarantine"):
        read_corrections(filled_other(tmp_path))
    book = filled(engine, raw, tmp_path / "q.xlsx", {3: "28/02/2021"})
    page = openpyxl.load_workbook(book)
    page.active["D2"] = None
    page.save(book)
    with pytest.raises(DataError, match="which cell"):
        read_corrections(book)
    book = filled(engine, raw, book, {3: "28/02/2021"})
    (raw / taken.sha256).unlink()
    with pytest.raises(DataError, match="never came"):
        resubmit(engine, [PINILLO], book, [], raw, {})


def filled_other(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["file", "correction"])
    book.save(tmp_path / "other.xlsx")
    return tmp_path / "other.xlsx"


def test_a_mapping_is_confirmed_once_and_remembered(engine, raw, tmp_path):
    first, second = tmp_path / "cosecha 2020.csv", tmp_path / "cosecha 2021.csv"
    first.write_text(f"fecha;cosecha;recinto id\n03/09/2020;800;{PINILLO}\n05/09/2020;500;{PINILLO}\n")
    second.write_text(f"fecha;cosecha;recinto id\n04/09/2021;900;{PINILLO}\n")
    asked = take_in(engine, [PINILLO], first, [], AS_OF, raw=raw)
    assert (asked.accepted, asked.questions) == (0, 1)  # day or month first? which unit?
    (proposal,) = proposals(engine, [])
    folder = tmp_path / "mappings"
    path = confirm(proposal, folder, "cooperativa", date_order="dmy", unit="kg", dose_unit=None)
    assert path.name == "cooperativa.yaml"
    kept = load_mappings(folder)
    assert take_in(engine, [PINILLO], first, kept, AS_OF, raw=raw).accepted == 2
    assert proposals(engine, kept) == []
    later = take_in(engine, [PINILLO], second, kept, AS_OF, raw=raw)
    assert (later.accepted, later.questions) == (1, 0)
    assert queries.harvests(engine, PINILLO)["day"].dt.month.to_list() == [9, 9, 9]
    with pytest.raises(DataError, match="already"):
        confirm(proposal, folder, "cooperativa")
    with pytest.raises(DataError, match="no question"):
        confirm(proposal, folder, "other", colour="red")


def test_spellings_of_products_are_reviewed(engine, raw, tmp_path):
    file = tmp_path / "trabajos.csv"
    names = ["sinerfol zinc", "synerfol zinc", "synerfol zinc", "cobre"]
    rows = [f"{13 + n}/02/2021;TRATAMIENTO ({name} (2));{PINILLO}" for n, name in enumerate(names)]
    file.write_text("\n".join(["fecha;labor;recinto id", *rows]))
    take_in(engine, [PINILLO], file, None, AS_OF, raw=raw)
    table = aliases(engine).set_index("alias")
    assert table.loc["sinerfol zinc", ["product", "status", "lines"]].to_list() == ["synerfol zinc", "proposed", 1]
    confirm_alias(engine, "sinerfol zinc", "Sinerfol Zn")
    assert aliases(engine).set_index("alias").loc["sinerfol zinc", "status"] == "confirmed"
    assert "Sinerfol Zn" in set(queries.treatments(engine, PINILLO)["product_name"])
    with pytest.raises(DataError, match="No treatment"):
        confirm_alias(engine, "ghost", "x")


def test_the_quarantine_of_the_published_example_comes_back(engine, raw, examples, tmp_path):
    """The fourteen harvests whose ids were dragged: corrected, all fifteen are the parcel's own."""
    file = Path(examples / PINILLO / "FakeHarvest-1.json")
    report = take_in(engine, [PINILLO], file, None, AS_OF, raw=raw, landed_for=PINILLO, harvest_unit="kg/ha")
    assert report.rejected == 14
    book = filled(engine, raw, tmp_path / "q.xlsx", dict.fromkeys(range(2, 16), PINILLO))
    (again,) = resubmit(engine, [PINILLO], book, [], raw, {PINILLO: "kg/ha"})
    assert (again.accepted, again.rejected) == (15, 0)
