import csv
import datetime as dt
import io
import json
from xml.etree import ElementTree

import openpyxl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from agritwin.errors import DataError
from agritwin.holding.field_notebook import FieldNotebook, field_notebook, safe_cell, to_json, to_xlsx, to_xml
from agritwin.holding.intake import take_in
from agritwin.holding.mapping import load_mapping
from agritwin.holding.notebook_sections import SIGPAC
from agritwin.records import tables as t
from agritwin.records.database import writing
from tests.holding.conftest import AS_OF, PINILLO
from tests.holding.test_published_examples import MAPPING, TWINS

HEADER = [
    "Fecha", "Producto", "Nº registro", "Dosis", "Unidad dosis", "Superficie tratada", "Problema fitosanitario",
    "Aplicador", "Equipo", "Eficacia", "Observaciones", "Recinto ID",
]  # fmt: skip
EVIL = '=HYPERLINK("http://example.org";"x")'


@pytest.fixture
def year(engine, raw, tmp_path):
    """A year as a holding with orderly papers sends it, but for one line."""
    complete = ["ES-11111", 2.5, "l/ha", 13.6, "Botryosphaeria", "12345678Z", "ROMA 1", "buena", None, PINILLO]
    rows = [
        ["31/03/2022", "Cuprosan WG", *complete],
        ["15/05/2022", "Signum", *complete],
        ["20/06/2022", EVIL, None, 1, None, None, None, None, None, None, "+cmd", PINILLO],
        ["20/06/2023", "Signum", *complete],
    ]
    file = tmp_path / "year.csv"
    with file.open("w", newline="") as target:
        csv.writer(target, delimiter=";").writerows([HEADER, *rows])
    report = take_in(engine, [PINILLO], file, None, AS_OF, raw=raw)
    assert (report.accepted, report.rejected) == (4, 0)
    return field_notebook(
        engine, PINILLO, 2022, AS_OF, {"name": "@Holder"}, {"crop_eppo": "PIAVE", "type_of_use": "plants"}
    )


def test_a_year_in_order_lacks_only_what_the_label_may_ask(year):
    assert [record["day"] for record in year.records] == ["2022-03-31", "2022-05-15", "2022-06-20"]
    assert year.records[0]["dose_unit"] == "l ha-1"
    orderly = {entry["field"] for entry in year.missing if entry["record"] < 3}
    assert orderly == {"start_time", "growth_stage_bbch", "notes"}


def test_what_is_missing_is_listed_record_by_record(year):
    assert not year.complete
    lacking = {entry["field"] for entry in year.missing if entry["record"] == 3 and entry["required"]}
    assert lacking == {
        "registration_number", "dose_unit", "treated_area_ha", "problem", "applicator", "equipment", "efficacy",
    }  # fmt: skip


def test_json_and_xml_say_the_same(year):
    document = json.loads(to_json(year))
    root = ElementTree.fromstring(to_xml(year))
    records = [{field.get("name"): field.text for field in record} for record in root.findall("record")]
    assert records == [
        {name: str(value) for name, value in record.items() if value is not None} for record in document["records"]
    ]
    assert len(root.findall("missing")) == len(document["missing"])
    assert root.get("complete") == "false"


def test_the_other_sections_hold_what_is_recorded_and_list_what_is_not(engine, raw, tmp_path):
    work = tmp_path / "work.csv"
    lines = (
        "23/02/2022;ABONADO (urea)",
        "25/03/2022;ABONADO DE FONDO (complejo 8 15 15 (300 kg))",
        "23/02/2021;ABONADO",
    )
    work.write_text("fecha;labor;recinto id\n" + "".join(f"{line};{PINILLO}\n" for line in lines))
    take_in(engine, [PINILLO], work, None, AS_OF, raw=raw)
    with writing(engine) as connection:
        row = {"twin_id": PINILLO, "key": "k", "occurrence": 1, "year": 2022, "day": dt.date(2022, 9, 1)}
        row |= {"amount": 1.5, "unit": "t", "state": "dry", "lot": "L1"}
        connection.execute(sa.insert(t.harvests).values(row))
        ana = {"name": "Ana", "tax_number": "12345678Z", "applicator_register": "ROPO 7"}
        connection.execute(sa.insert(t.parties).values(ana))
        spray = {"twin_id": PINILLO, "key": "s", "occurrence": 1, "day": dt.date(2022, 3, 1), "product": "Signum"}
        connection.execute(sa.insert(t.treatments).values(spray | {"applicator": "12345678Z", "equipment": "ROMA 1"}))
    known = {"species": "pistachio", "variety": "Kerman"}
    found = field_notebook(engine, PINILLO, 2022, AS_OF, {"name": "Holder"}, parcel=known)
    section = {one.title: one for one in found.sections}
    assert section["1.2 persons who apply"].rows == [ana | {"licence_level": None}]
    assert section["1.3 equipment"].missing == [
        {"record": 1, "field": name} for name in ("roma_number", "bought", "last_inspection")
    ]
    assert [section["2.1 parcel"].rows[0][name] for name in SIGPAC] == PINILLO.split("-")
    assert known.items() <= section["2.1 parcel"].rows[0].items()
    lacking = {entry["field"] for entry in section["2.1 parcel"].missing}
    assert lacking & {"species", "variety", "irrigation"} == {"irrigation"}
    assert section["5 harvest sold"].rows == [
        {"day": "2022-09-01", "product": None, "kg": 1500.0, "parcel": PINILLO, "lot": "L1", "client": None}
    ]
    fed = [(row["day"], row["product"], row["dose"], row["dose_unit"]) for row in section["6 fertilisation"].rows]
    assert fed == [("2022-02-23", "ABONADO (urea)", None, None), ("2022-03-25", "complejo 8 15 15", 300.0, "kg")]
    assert [record["product_name"] for record in found.records] == ["Signum"]  # what protects, not what feeds
    assert {"record": 1, "field": "address"} in section["1.1 holding"].missing
    document, root = json.loads(to_json(found)), ElementTree.fromstring(to_xml(found))
    assert [one["title"] for one in document["sections"]] == [one.get("title") for one in root.findall("section")]
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(found)))
    assert book["5 harvest sold"]["C2"].value == 1500
    assert [row[0].value for row in book["missing in sections"]][-1] == "4 analyses"


def test_no_cell_of_the_workbook_is_a_formula(year):
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(year)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    values = [cell.value for cell in cells]
    assert f"'{EVIL}" in values
    assert "'+cmd" in values
    assert "'@Holder" in values
    assert book["records"].max_row == 4


@given(st.text(max_size=20))
def test_no_text_begins_like_a_formula(text):
    assert not safe_cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    notebook = FieldNotebook("t", 2022, AS_OF, {"name": text}, [], [])
    openpyxl.load_workbook(io.BytesIO(to_xlsx(notebook)))
    ElementTree.fromstring(to_xml(notebook))
    assert json.loads(to_json(notebook))["holder"]["name"] == text


def test_the_published_workbook_lacks_registration_numbers(engine, raw, examples):
    take_in(engine, TWINS, examples / PINILLO / "FakeActivities-1.xlsx", load_mapping(MAPPING), AS_OF, raw=raw)
    notebook = field_notebook(engine, PINILLO, 2021, dt.date(2021, 12, 31))
    assert notebook.records
    lacking = [entry["record"] for entry in notebook.missing if entry["field"] == "registration_number"]
    assert lacking == list(range(1, len(notebook.records) + 1))
    assert all(record["dose"] > 0 for record in notebook.records)


def test_defaults_are_fields(engine):
    with pytest.raises(DataError, match="colour"):
        field_notebook(engine, PINILLO, 2022, AS_OF, defaults={"colour": "red"})
    assert field_notebook(engine, PINILLO, 2022, AS_OF).complete
