"""Plant-protection records of a year, as the law asks for them, with what each still lacks.

Contents after Commission Implementing Regulation (EU) 2023/564, annex, and the Spanish field notebook (Real Decreto
1311/2012, annex III). Nothing is filled in that the holding did not state.
"""

import datetime as dt
import io
import json
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.holding.notebook_sections import FERTILISING, NOT_KEPT, Section, sections
from agritwin.records import queries

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
DOSE_UNITS = ("kg ha-1", "l ha-1", "g ha-1", "ml ha-1", "kg hl-1", "l hl-1", "g hl-1", "ml hl-1", "cm3 hl-1")


@dataclass(frozen=True)
class Field:
    """A field of a record: its name, whether the law asks for it always (or where relevant), and its meaning."""

    name: str
    required: bool
    meaning: str


FIELDS = (
    Field("type_of_use", True, "treatment of plants, of seed, of stored products or premises"),
    Field("product_name", True, "trade name of the plant protection product"),
    Field("registration_number", True, "authorisation number of the product"),
    Field("day", True, "day of use"),
    Field("start_time", False, "start of use, where the label restricts it"),
    Field("dose", True, "dose applied"),
    Field("dose_unit", True, "unit of the dose: kg or litres per hectare or hectolitre"),
    Field("parcel", True, "identity of the place: SIGPAC code"),
    Field("treated_area_ha", True, "treated area [ha]"),
    Field("crop_eppo", True, "EPPO code of the crop"),
    Field("growth_stage_bbch", False, "BBCH stage, where the label restricts it"),
    Field("problem", True, "pest, disease or weed"),
    Field("applicator", True, "person who applied, with register number"),
    Field("equipment", True, "equipment, with register number"),
    Field("efficacy", True, "good, regular or bad"),
    Field("notes", False, "justification and remarks"),
)
EPPO = {
    "pistachio": "PIAVE",
    "almond": "PRNDU",
    "olive": "OLVEU",
    "vine": "VITVI",
    "wheat": "TRZAX",
    "maize": "ZEAMX",
    "barley": "HORVX",
    "potato": "SOLTU",
    "rapeseed": "BRSNN",
    "sunflower": "HELAN",
}
"""Species of a twin -> its code in the EPPO Global Database (gd.eppo.int)."""
LEAST = tuple(field.name for field in FIELDS if field.required)


@dataclass(frozen=True)
class FieldNotebook:
    """A year of plant-protection records of one twin.

    Attributes
    ----------
    twin_id, year, issue_date
        Which parcel, which year, and up to which day records are known.
    holder
        Holder, tax number, address: whatever was given, as it was given.
    records
        One row a product and application; missing values are None.
    missing
        One row a missing field: ``record`` (number from 1), ``field``, ``meaning``, ``required``.
    sections
        The other sections of the Spanish notebook, each with what its rows lack.
    """

    twin_id: str
    year: int
    issue_date: dt.date
    holder: dict[str, str]
    records: list[dict[str, Any]]
    missing: list[dict[str, Any]]
    sections: list[Section] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether no record lacks a required field; a year without records is complete."""
        return not any(entry["required"] for entry in self.missing)


def field_notebook(
    engine: sa.Engine,
    twin_id: str,
    year: int,
    issue_date: dt.date,
    holder: dict[str, str] | None = None,
    defaults: dict[str, Any] | None = None,
    parcel: dict[str, Any] | None = None,
) -> FieldNotebook:
    """Collect the plant-protection records of a year.

    Parameters
    ----------
    engine, twin_id, year
        Store, parcel, calendar year.
    issue_date
        Last day to be seen.
    holder
        What is known of the holder, printed at the top.
    defaults
        What the holding stated for all its records, for example ``{"crop_eppo": "PIAVE"}``; used where a record has
        no value of its own.
    parcel
        What is known of the parcel beside the records: ``species, variety, irrigation`` and others of section 2.1.

    Raises
    ------
    DataError
        When a default is no field of a record.
    """
    names = [field.name for field in FIELDS]
    defaults = defaults or {}
    if unknown := sorted(set(defaults) - set(names)):
        raise DataError(f"{', '.join(unknown)} are no fields of a plant-protection record.", f"Use {', '.join(names)}.")
    table = queries.treatments(engine, twin_id, issue_date)
    # What feeds the plants stands in a section of its own.
    table = table.loc[(table["day"].dt.year == year) & ~table["category"].isin(FERTILISING)].sort_values(
        ["day", "product", "key", "occurrence"]
    )
    records = []
    for row in table.to_dict("records"):
        record = {name: _known(row.get(name)) for name in names} | {"day": f"{row['day']:%Y-%m-%d}", "parcel": twin_id}
        records.append({name: defaults.get(name) if value is None else value for name, value in record.items()})
    missing = [entry for number, record in enumerate(records, start=1) for entry in _missing(number, record)]
    others = sections(engine, twin_id, year, issue_date, holder or {}, parcel or {}, records)
    return FieldNotebook(twin_id, year, issue_date, holder or {}, records, missing, others)


def _known(value: Any) -> Any:
    return None if value is None or (not isinstance(value, str) and pd.isna(value)) or value == "" else value


def _missing(number: int, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a record lacks; a dose in a unit that the law does not know counts as lacking one."""
    lacking = [field for field in FIELDS if record[field.name] is None]
    unit = record["dose_unit"]
    if unit is not None and unit not in DOSE_UNITS:
        lacking += [field for field in FIELDS if field.name == "dose_unit"]
    return [
        {"record": number, "field": field.name, "meaning": field.meaning, "required": field.required}
        for field in lacking
    ]


def to_json(notebook: FieldNotebook) -> str:
    """Write a notebook as JSON."""
    return json.dumps(_document(notebook), ensure_ascii=False, indent=1)


def to_xml(notebook: FieldNotebook) -> bytes:
    """Write a notebook as XML, UTF-8; missing values are left out and listed under ``missing``."""
    root = ElementTree.Element(
        "plantProtectionRecords",
        twin=notebook.twin_id,
        year=str(notebook.year),
        issueDate=notebook.issue_date.isoformat(),
        complete=str(notebook.complete).lower(),
    )
    _children(ElementTree.SubElement(root, "holder"), notebook.holder)
    for number, record in enumerate(notebook.records, start=1):
        _children(ElementTree.SubElement(root, "record", number=str(number)), record)
    for entry in notebook.missing:
        about = {"record": str(entry["record"]), "required": str(entry["required"]).lower()}
        ElementTree.SubElement(root, "missing", about).text = entry["field"]
    for section in notebook.sections:
        element = ElementTree.SubElement(root, "section", title=section.title)
        for number, row in enumerate(section.rows, start=1):
            _children(ElementTree.SubElement(element, "record", number=str(number)), row)
        for entry in section.missing:
            ElementTree.SubElement(element, "missing", record=str(entry["record"])).text = entry["field"]
    for title in NOT_KEPT:
        ElementTree.SubElement(root, "notKept").text = title
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def to_xlsx(notebook: FieldNotebook) -> bytes:
    """Write a notebook as a workbook: a sheet for records, one for what they lack, one for each section.

    No cell is ever a formula.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    names = [field.name for field in FIELDS]
    sheets = {
        "records": [names, *([record[name] for name in names] for record in notebook.records)],
        "missing": [["record", "field", "meaning", "required"], *(list(entry.values()) for entry in notebook.missing)],
        "holder": [["field", "value"], *map(list, notebook.holder.items())],
        **{
            one.title: [list(one.rows[0]), *(list(row.values()) for row in one.rows)]
            for one in notebook.sections
            if one.rows
        },
        "missing in sections": [
            ["section", "record", "field"],
            *([one.title, *entry.values()] for one in notebook.sections for entry in one.missing),
            *([title, None, "not kept: to be filled in where it applies"] for title in NOT_KEPT),
        ],
    }
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for line, row in enumerate(rows, start=1):
            for column, value in enumerate(row, start=1):
                cell = sheet.cell(line, column, safe_cell(value))
                if isinstance(value, str):
                    cell.data_type = "s"
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def safe_cell(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula, and without characters that XML forbids.

    Examples
    --------
    >>> safe_cell("=1+1")
    "'=1+1"
    """
    if not isinstance(value, str):
        return value
    text = _printable(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _printable(text: str) -> str:
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def _document(notebook: FieldNotebook) -> dict[str, Any]:
    return {
        "twin": notebook.twin_id,
        "year": notebook.year,
        "issue_date": notebook.issue_date.isoformat(),
        "complete": notebook.complete,
        "holder": notebook.holder,
        "records": notebook.records,
        "missing": notebook.missing,
        "sections": [{"title": one.title, "records": one.rows, "missing": one.missing} for one in notebook.sections],
        "not_kept": NOT_KEPT,
    }


def _children(parent: ElementTree.Element, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if value is not None:
            ElementTree.SubElement(parent, "field", name=name).text = _printable(str(value))
