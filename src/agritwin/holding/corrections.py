"""Lines from quarantine, corrected by people: exported as a workbook, filled in, and laid over the file as it was sent.

The bytes of a sender are never altered. A correction names a cell of them and says what should have stood there; the
file is then read anew with its corrections, so that orders of days, decimal signs and equal lines are decided from the
corrected column as a whole.
"""

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import sqlalchemy as sa
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from agritwin.errors import DataError
from agritwin.holding.field_notebook import safe_cell
from agritwin.holding.files import land
from agritwin.holding.readers import Cell, Sheet, read_sheets
from agritwin.holding.sentences import say
from agritwin.records import tables as t
from agritwin.records.database import insert, reading, writing

Corrections = dict[tuple[str, int, str], str]
"""Sheet, row and column letters -> what should have stood there, as JSON."""

HEADERS = {
    "en": ("file", "sheet", "row", "column", "value", "reason", "suggestion", "correction", "line", "sha256"),
    "es": ("archivo", "hoja", "fila", "columna", "valor", "motivo", "propuesta", "corrección", "línea", "sha256"),
}
WIDTHS = (24, 12, 6, 9, 24, 44, 44, 24, 60, 12)
NEEDED = ("sheet", "row", "column", "correction", "sha256")


def corrections_of(connection: sa.Connection, sha256: str) -> Corrections:
    """Return the corrections of a file."""
    c = t.corrections.c
    rows = connection.execute(sa.select(c.sheet, c.row, c.column, c.value).where(c.sha256 == sha256))
    return {(sheet, row, column): value for sheet, row, column, value in rows}


def correct(sheet: Sheet, corrections: Corrections) -> Sheet:
    """Return a sheet with its corrections laid over it."""
    own = {(row, column): value for (name, row, column), value in corrections.items() if name == sheet.name}
    if not own:
        return sheet
    rows, mended = [list(row) for row in sheet.rows], set()
    for (number, letters), value in own.items():
        row, column = number - sheet.first, column_index_from_string(letters) - 1
        if 0 <= row < len(rows) and column < len(rows[row]):
            rows[row][column] = json.loads(value)  # what was written as text is decided with its column
            mended.add((row, column))
    problems = [problem for problem in sheet.problems if (problem.row, problem.column) not in mended]
    return replace(sheet, rows=rows, problems=problems)


def export_quarantine(engine: sa.Engine, raw: Path, twin_id: str, path: Path, language: str = "en") -> int:
    """Write the rejected lines of a twin's files into a workbook to be filled in, and return how many there are.

    Parameters
    ----------
    engine, raw
        Record store, and the folder of the bytes as they were sent.
    twin_id
        Lines of this twin, and those of its files that name no twin of the holding.
    path
        The workbook; its column ``correction`` is for the sender. More lines may be added for other cells of a row.
    language
        ``es`` or ``en``.
    """
    q, i = t.quarantine.c, t.intakes.c
    select = (
        sa.select(i.file, q.sheet, q.row, q.column, q.value, q.reason, q.suggestion, i.sha256)
        .join(t.intakes, i.id == q.intake_id)
        .where(q.kind == "rejected", q.row.is_not(None), sa.or_(q.twin_id == twin_id, i.landed_for == twin_id))
        .order_by(i.file, q.sheet, q.row, q.column)
        .distinct()
    )
    with reading(engine) as connection:
        rejected = connection.execute(select).all()
    lines = _lines(raw, {row.sha256: row.file for row in rejected})
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = "quarantine"
    page.append(list(HEADERS[language]))
    for row in rejected:
        told = (say(row.reason, language), say(row.suggestion, language))
        line = lines.get((row.sha256, row.sheet, row.row), "")
        content = [row.file, row.sheet, row.row, row.column, row.value, *told, None, line, row.sha256]
        page.append([safe_cell(cell) for cell in content])
    _format(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return len(rejected)


def _lines(raw: Path, files: dict[str, str]) -> dict[tuple[str, str, int], str]:
    """Return each line of some files as text, with the letters of its columns."""
    found = {}
    for sha256, name in files.items():
        for sheet in read_sheets(land(raw / sha256, name)):
            for place, row in enumerate(sheet.rows):
                cells = (f"{get_column_letter(k + 1)}: {cell}" for k, cell in enumerate(row) if cell is not None)
                found[sha256, sheet.name, place + sheet.first] = " | ".join(cells)[:1000]
    return found


def _format(page: Worksheet) -> None:
    place = HEADERS["en"].index("correction") + 1
    for k, width in enumerate(WIDTHS, start=1):
        page.column_dimensions[get_column_letter(k)].width = width
        page.cell(1, k).font = Font(bold=True)
    for row in page.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        row[place - 1].fill = PatternFill("solid", fgColor="FFF2CC")
        row[place - 1].number_format = "@"  # else a spreadsheet turns 3/4 into a day of its own choice
    page.freeze_panes = "A2"


def is_corrections(path: Path) -> bool:
    """Return whether a file is a workbook that :func:`export_quarantine` wrote."""
    return path.suffix.lower() == ".xlsx" and path.is_file() and _columns(path) is not None


def _columns(path: Path) -> dict[str, int] | None:
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return None
    header = next(iter(read_sheets(land(path))), Sheet("", [])).rows[:1]
    written = [str(cell) for cell in header[0]] if header else []
    for headers in HEADERS.values():
        names = dict(zip(HEADERS["en"], headers, strict=True))
        if all(names[name] in written for name in NEEDED):
            return {name: written.index(names[name]) for name in NEEDED}
    return None


def read_corrections(path: Path) -> dict[str, Corrections]:
    """Read the workbook as it comes back: SHA-256 of a file -> its corrections; lines not filled in are left out.

    Raises
    ------
    DataError
        When it is another workbook, or a correction does not say which cell it is for.
    """
    places = _columns(path)
    if places is None:
        raise DataError(f"{path.name} is no exported quarantine.", "Make one: agritwin records quarantine --export.")
    found: dict[str, Corrections] = {}
    for number, row in enumerate(read_sheets(land(path))[0].rows[1:], start=2):
        cells = {name: row[place] for name, place in places.items()}
        if cells["correction"] is None:
            continue
        letters, line = str(cells["column"] or "").strip().upper(), cells["row"]
        if not re.fullmatch(r"[A-Z]{1,3}", letters) or not isinstance(line, int | float):
            raise DataError(
                f"{path.name}, line {number}: it is not said which cell is to hold {cells['correction']!r}.",
                "Write the letters of its column (A, B, ...), as in the column 'line'.",
            )
        of_file = found.setdefault(str(cells["sha256"]), {})
        sheet = str(cells["sheet"] or "").removeprefix("'")  # of safe_cell; no name of a sheet begins with one
        of_file[sheet, int(line), letters] = _written(cells["correction"])
    return found


def _written(cell: Cell) -> str:
    return json.dumps(cell.isoformat() if isinstance(cell, dt.date) else cell, ensure_ascii=False)


def save_corrections(engine: sa.Engine, corrections: dict[str, Corrections]) -> int:
    """Keep corrections; one of the same cell takes the place of the older. Return how many are new or other.

    Parameters
    ----------
    engine
        Record store.
    corrections
        As :func:`read_corrections` gives them.
    """
    changed = 0
    with writing(engine) as connection:
        for sha256, cells in corrections.items():
            known = corrections_of(connection, sha256)
            rows = [
                {"sha256": sha256, "sheet": sheet, "row": row, "column": column, "value": value}
                for (sheet, row, column), value in cells.items()
                if known.get((sheet, row, column)) != value
            ]
            if rows:
                statement = insert(connection, t.corrections)
                key = ["sha256", "sheet", "row", "column"]
                connection.execute(
                    statement.on_conflict_do_update(index_elements=key, set_={"value": statement.excluded.value}), rows
                )
            changed += len(rows)
    return changed
