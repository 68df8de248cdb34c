import datetime as dt
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest

from agritwin.errors import DataError
from agritwin.holding.files import check_name, keep, land
from agritwin.holding.intake import take_in
from agritwin.holding.readers import read_sheets
from tests.holding.conftest import AS_OF, PINILLO


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        read_sheets(land(path, **options))
    assert caught.value.remedy
    return caught.value.message


def test_missing_empty_and_strange_files(tmp_path):
    assert "not a regular file" in refused(tmp_path / "absent.csv")
    (tmp_path / "empty.xlsx").touch()
    assert "empty" in refused(tmp_path / "empty.xlsx")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    assert ".jpg" in refused(tmp_path / "photo.jpg")
    (tmp_path / "renamed.xlsx").write_text("a;b")
    assert "no .xlsx inside" in refused(tmp_path / "renamed.xlsx")
    (tmp_path / "linked.csv").symlink_to(tmp_path / "photo.jpg")
    assert "not a regular file" in refused(tmp_path / "linked.csv")


def test_cut_off_workbook(workbook, tmp_path):
    whole = workbook([["FECHA", "LABOR"], ["2020-01-01", "PODA"]]).read_bytes()
    (tmp_path / "half.xlsx").write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refused(tmp_path / "half.xlsx")


def test_archive_that_is_no_workbook(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert "cannot be read" in refused(tmp_path / "a.xlsx")


@pytest.mark.parametrize("mark", [b"PK\x03\x04", b"PK\x01\x02"])
def test_a_workbook_with_a_password_or_a_damaged_part(workbook, tmp_path, mark):
    data = bytearray(workbook([["FECHA", "LABOR"], ["2020-01-01", "PODA"]]).read_bytes())
    place = data.index(mark)
    if mark == b"PK\x01\x02":
        data[place + 8] |= 1  # encrypted, says the directory
    else:
        data[place + 60] ^= 255  # amid the first part
    (tmp_path / "a.xlsx").write_bytes(data)
    assert "cannot be read as a workbook" in refused(tmp_path / "a.xlsx")


def test_macros_are_refused_whatever_the_ending(workbook, tmp_path):
    path = workbook([["FECHA", "LABOR"], ["2020-01-01", "PODA"]])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    assert "macros" in refused(path)
    (tmp_path / "b.xlsm").write_bytes(path.read_bytes())
    assert "macros" in refused(tmp_path / "b.xlsm")


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * 40_000_000)
    assert path.stat().st_size < 100_000
    assert "unpack" in refused(path)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.csv", "..\\up.csv", "a\x00b.csv", "", "..", "line\nbreak.csv", "a\u202evsc.csv"]
)
def test_names_that_are_no_labels(tmp_path, name):
    path = tmp_path / "fine.csv"
    path.write_text("a,b\n1,2\n")
    assert "cannot be the name" in refused(path, name=name)


@pytest.mark.parametrize("name", ["año 2020 #1 100%.csv", "-rf.csv", "Ñandú.xlsx", "a'b\".csv"])
def test_names_that_people_use(name):
    assert check_name(name)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("fecha;labor\n2020-01-01;PodaciÃ³n\n".encode(), "wrong encoding"),
        (b"fecha;labor\n2020-01-01;\x81\x8d\n", "not text"),
        (b"fecha;labor\n\x00\x00;x\n", "not text"),
        (b"PK\x03\x04rest", "archive inside"),
    ],
)
def test_text_in_a_wrong_encoding(tmp_path, content, says):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert says in refused(path)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [("año;ñ\n", "utf-8"), ("año;ñ\n", "utf-8-sig"), ("año;ñ\n", "cp1252"), ("año;ñ\n", "utf-16")],
)
def test_text_in_usual_encodings(tmp_path, content, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode(encoding))
    assert read_sheets(land(path))[0].rows == [["año", "ñ"]]


@pytest.mark.parametrize("content", ["{", "[]", "[1, 2]", '{"a": 1, "b"', "null", "[" * 100_000])
def test_json_that_holds_no_records(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content)
    refused(path)


def test_a_refused_file_leaves_nothing_behind(engine, raw, tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    with pytest.raises(DataError):
        take_in(engine, [PINILLO], path, None, AS_OF, raw=raw)
    assert not raw.exists()


def test_bytes_are_kept_once(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n")
    kept = keep(land(path), tmp_path / "raw")
    assert kept.read_bytes() == path.read_bytes()
    assert keep(land(path), tmp_path / "raw") == kept
    assert len(list((tmp_path / "raw").iterdir())) == 1


def open_document(path, rows):
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{urn}:office:1.0" '
        f'xmlns:table="{urn}:table:1.0" xmlns:text="{urn}:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="Hoja1">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<m:manifest xmlns:m="{urn}:manifest:1.0"><m:file-entry m:full-path="/" m:media-type="{kind}"/></m:manifest>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", content)


def ods_cell(text, repeated=1):
    more = f' table:number-columns-repeated="{repeated}"' if repeated > 1 else ""
    return f'<table:table-cell office:value-type="string"{more}><text:p>{text}</text:p></table:table-cell>'


def test_open_document_spreadsheets_are_read(tmp_path):
    cells = [["fecha", "labor"], ["31/01/2020", "PODA"]]
    rows = [f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>" for row in cells]
    empty = '<table:table-row table:number-rows-repeated="{}"><table:table-cell {}="16384"/></table:table-row>'
    rows.append(empty.format(1_048_574, "table:number-columns-repeated"))  # as LibreOffice ends every sheet
    open_document(tmp_path / "a.ods", "".join(rows))
    (sheet,) = read_sheets(land(tmp_path / "a.ods"))
    assert (sheet.name, sheet.rows) == ("Hoja1", cells)


ROW = "<table:table-row {}>{}</table:table-row>"
FAR = {
    "repeated.ods": ROW.format('table:number-rows-repeated="1000000"', ods_cell("x", 1000)),
    "far.ods": ROW.format("", ods_cell("x", 1000)) + ROW.format('table:number-rows-repeated="9999"', "") * 2
    + ROW.format("", ods_cell("x")),
    "far.json": json.dumps([{f"key {number}": 1} for number in range(3000)]),
    "far.csv": "a;b\n" * 100_000 + ";" * 100,
}  # fmt: skip


@pytest.mark.parametrize("name", FAR)
def test_what_stands_far_out_does_not_ask_for_all_memory(tmp_path, name):
    if name.endswith(".ods"):
        open_document(tmp_path / name, FAR[name])
    else:
        (tmp_path / name).write_text(FAR[name])
    assert "spans" in refused(tmp_path / name)


def test_two_cells_of_a_workbook_far_apart(workbook):
    path = workbook([["FECHA"]])
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    page["XFD1048576"].font = openpyxl.styles.Font(bold=True)  # formatted, and empty
    book.save(path)
    assert len(read_sheets(land(path))[0].rows) == 1
    page["XFD1048576"] = 1
    book.save(path)
    assert "spans 1048576 x 16384" in refused(path)  # a reader that begins on it ends the process


def test_workbooks_of_the_nineties_are_read():
    (sheet,) = read_sheets(land(Path(__file__).parent / "data" / "work.xls"))
    assert sheet.name == "Año 2020"
    assert sheet.rows == [
        ["Fecha", "Labor", "Cantidad", "Recinto ID"],
        [dt.date(2020, 3, 4), "Poda en otoño", 2.5, PINILLO],
        [dt.date(2020, 12, 11), "Riego", 1200.0, PINILLO],
    ]


def test_merged_cells_are_filled_and_hidden_sheets_marked(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["fecha", "labor"], ["2020-01-31", "PODA"], [None, "RIEGO"]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    book.create_sheet("notes").append(["secret"])
    book["notes"].sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    read, notes = read_sheets(land(tmp_path / "a.xlsx"))
    assert read.rows[2] == ["2020-01-31", "RIEGO"]
    assert (read.hidden, notes.hidden) == (False, True)
