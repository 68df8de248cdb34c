"""From bytes to sheets of cells: xlsx, xls, ods, csv and json, with merged cells filled and formulas computed."""

import csv
import datetime as dt
import io
import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from agritwin.errors import DataError
from agritwin.holding.computing import compute, formulas_without_value
from agritwin.holding.extent import check_extents, check_span
from agritwin.holding.files import Landed

Cell = str | float | bool | dt.date | dt.datetime | None
MOST_ROWS = 200_000
DELIMITERS = ";,\t|"
DOUBLE_ENCODED = re.compile("Ã[\u0080-\u00bf\u0192-\u2122]")


@dataclass(frozen=True)
class Problem:
    """A cell that could not be read: row and column from 0, the formula (which stands in the cell), and why."""

    row: int
    column: int
    value: str
    reason: str


@dataclass(frozen=True)
class Sheet:
    """Cells in rows, all of one length; empty cells are None. ``first`` is the number by which people call row 0."""

    name: str
    rows: list[list[Cell]]
    first: int = 1
    problems: list[Problem] = field(default_factory=list)
    hidden: bool = False


def read_sheets(landed: Landed, encoding: str | None = None, delimiter: str | None = None) -> list[Sheet]:
    """Read every sheet of a file; a csv or json file is one sheet called after nothing.

    Parameters
    ----------
    landed
        The file, already checked.
    encoding, delimiter
        Of a csv, where the mapping states them; detected otherwise.

    Raises
    ------
    DataError
        When the content cannot be read or is unreasonably large.
    """
    if landed.suffix in (".xlsx", ".xls", ".ods"):
        sheets = _read_workbook(landed)
    elif landed.suffix == ".json":
        sheets = [_read_json(landed)]
    else:
        sheets = [_read_csv(landed, encoding, delimiter)]
    if any(len(sheet.rows) > MOST_ROWS for sheet in sheets):
        raise DataError(f"{landed.name} has more than {MOST_ROWS} rows.", "Split it by year.")
    return sheets


def _read_workbook(landed: Landed) -> list[Sheet]:
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    if landed.suffix != ".xls":  # whose sheets have 256 columns at most
        check_extents(landed)
    sheets = []
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(landed.data))
        for about in book.sheets_metadata:
            if about.typ != SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(about.name)
            if sheet.start is None:
                continue
            check_span(landed.name, sheet.total_height, sheet.total_width)
            rows = [[_cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
            sheets.append(Sheet(about.name, rows, hidden=about.visible != SheetVisibleEnum.Visible))
            _fill_merged(rows, sheet.merged_cell_ranges or [])
    except CalamineError as error:
        raise DataError(
            f"{landed.name} cannot be read as a workbook: {error}.", "Open it and save it anew, without a password."
        ) from error
    return _computed(sheets, formulas_without_value(landed.data)) if landed.suffix == ".xlsx" else sheets


def _computed(sheets: list[Sheet], formulas: dict[str, dict[tuple[int, int], str]]) -> list[Sheet]:
    """Fill formula cells that carry no cached value; each that cannot be computed becomes a problem."""
    rows = {sheet.name: sheet.rows for sheet in sheets}
    problems = compute(rows, {name: own for name, own in formulas.items() if name in rows})
    for sheet in sheets:
        for row, column in formulas.get(sheet.name, {}):
            sheet.rows[row][column] = _cell(sheet.rows[row][column])
        sheet.problems.extend(
            Problem(row, column, formula, f"formula without a value: {why}")
            for (row, column), (formula, why) in problems.get(sheet.name, {}).items()
        )
    return sheets


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value.replace("\x00", "").strip() or None  # PostgreSQL takes no NUL
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float | dt.date) or value is None else str(value)


def _fill_merged(rows: list[list[Cell]], ranges: list[Any]) -> None:
    for (top, left), (bottom, right) in ranges:
        for row in range(top, min(bottom + 1, len(rows))):
            for column in range(left, min(right + 1, len(rows[row]))):
                rows[row][column] = rows[top][left]


def _read_json(landed: Landed) -> Sheet:
    try:
        document = json.loads(_decode(landed, None))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{landed.name} is not JSON: {error}.", "Export it again.") from error
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list)]
        document = lists[0] if len(lists) == 1 else [document]
    if not isinstance(document, list) or not document or not all(isinstance(item, dict) for item in document):
        raise DataError(f"{landed.name} holds no list of records.", "Send a list of objects with the same keys.")
    keys = list(dict.fromkeys(key for item in document for key in item))
    check_span(landed.name, len(document), len(keys))
    rows = [[_json_cell(item.get(key)) for key in keys] for item in document]
    return Sheet("", [[str(key) for key in keys], *rows], first=0)


def _json_cell(value: Any) -> Cell:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else _cell(value)


def _read_csv(landed: Landed, encoding: str | None, delimiter: str | None) -> Sheet:
    text = _decode(landed, encoding)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text), strict=False))
    except csv.Error as error:
        raise DataError(f"{landed.name} is no table of text: {error}.", "Export it again as csv.") from error
    width = max((len(row) for row in rows), default=0)
    check_span(landed.name, len(rows), width)
    return Sheet("", [[_cell(value) for value in row] + [None] * (width - len(row)) for row in rows])


def _delimiter(text: str) -> str:
    """Return the sign that cuts the first lines into the most columns of equal count."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]

    def columns(sign: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=sign)]
        usual = max(counts, key=counts.count, default=1)
        return (counts.count(usual) if usual > 1 else 0, usual)

    return max(DELIMITERS, key=columns)


def _decode(landed: Landed, encoding: str | None) -> str:
    data = landed.data
    if encoding is None:
        utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        candidates = ("utf-16",) if utf16 else ("utf-8-sig", "cp1252")
    else:
        candidates = (encoding,)
    for candidate in candidates:
        try:
            text = data.decode(candidate)
        except (UnicodeDecodeError, LookupError):
            continue
        if "\x00" in text:
            break
        if DOUBLE_ENCODED.search(text):
            raise DataError(
                f"{landed.name} was converted to a wrong encoding once: it shows {DOUBLE_ENCODED.findall(text)[0]!r}.",
                "Export it again as UTF-8 from the program that made it.",
            )
        return text
    raise DataError(
        f"{landed.name} is not text in {' or '.join(candidates)}.",
        "Save it as UTF-8, or state its 'encoding' in the mapping.",
    )
