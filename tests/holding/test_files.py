import zipfile

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


@pytest.mark.parametrize("name", ["../../etc/passwd.csv", "..\\up.csv", "a\x00b.csv", "", "..", "line\nbreak.csv"])
def test_names_that_are_paths(tmp_path, name):
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
