"""A table and its mapping brought together: cells by field, columns decided as a whole, lines given to their twin."""

import datetime as dt
import re
from collections.abc import Collection
from itertools import pairwise
from typing import Literal

from agritwin.errors import DataError
from agritwin.geometry import SIGPAC, sigpac_code
from agritwin.holding.amounts import NumberColumn, decide_numbers
from agritwin.holding.dates import DateColumn, decide_days, readings
from agritwin.holding.findings import Holding, Lines, Refusal, RefusedError
from agritwin.holding.formulas import SPREADSHEET_ZERO
from agritwin.holding.mapping import SIGPAC_PARTS, Mapping, TableMapping
from agritwin.holding.readers import Cell
from agritwin.holding.tables import Table
from agritwin.holding.vocabulary import NEEDED, plain

TOTAL = re.compile(r"(?:sub ?)?total(?:es|s)?\b|suma\b|sum\b")


class TableReader:
    """One table being read as its mapping says."""

    def __init__(self, table: Table, how: TableMapping, mapping: Mapping, holding: Holding) -> None:
        self.table, self.how, self.mapping, self.holding = table, how, mapping, holding
        self.places = {name: table.column(header) for name, header in how.columns.items()}
        self.named = {plain(name): twin for name, twin in mapping.places.items()}
        self.lines = Lines(rows_in=len(table.rows))
        self.asked: dict[tuple[str, str], list[str]] = {}
        self.current: str | None = None
        self.numbers_of_records: list[int] = []
        self.dragged = "twin" in self.places and _dragged([self.cell(row, "twin") for row in table.rows])

    def cell(self, row: list[Cell], name: str) -> Cell:
        """Return the cell of a field, None where the table has no such column."""
        place = self.places.get(name)
        return None if place is None else row[place]

    def text(self, row: list[Cell], name: str) -> str | None:
        """Return the cell of a field as text with single spaces."""
        value = self.cell(row, name)
        return None if value is None else " ".join(str(value).split())

    def attributes(self, row: list[Cell], content: Collection[str]) -> dict[str, str | int | float | bool]:
        """Return the cells that neither say the twin nor stand in the content of the record, by their headers.

        A column without a header is called by its letters; one whose header stands before it too, by both.
        """
        years = self.table.years or (None,) * len(row)
        taken = {self.places[name] for name in self.places if name in content or name in ("twin", *SIGPAC_PARTS)}
        taken |= {place for place, year in enumerate(years) if year}
        return {
            self._called(place): cell if isinstance(cell, str | int | float | bool) else str(cell)
            for place, cell in enumerate(row)
            if cell is not None and place not in taken
        }

    def _called(self, place: int) -> str:
        header, letters = self.table.header[place], self.table.columns[place]
        return f"{header} ({letters})" if header and header in self.table.header[:place] else header or letters

    def letters(self, name: str | None) -> str | None:
        """Return the letters of the column of a field."""
        place = self.places.get(name) if name else None
        return None if place is None else self.table.columns[place]

    def reject(self, number: int, refused: RefusedError) -> None:
        """Keep a line apart, and remember its question."""
        self._note("rejected", number, refused.field, refused.value, refused.reason, refused.suggestion)
        if refused.question:
            self.asked.setdefault((refused.question, refused.suggestion), []).append(str(number))

    def ask(self, number: int | None, name: str | None, value: object, reason: str, suggestion: str) -> None:
        """Put a question to the sender."""
        self._note("question", number, name, value, reason, suggestion)

    def ask_all(self) -> None:
        """Put each question that lines have raised once, with the lines that it is about."""
        self.current = None
        for (question, suggestion), numbers in self.asked.items():
            lines = ", ".join(dict.fromkeys(numbers))
            self.ask(None, None, None, f"{question} ({len(numbers)} values, lines {lines[:200]})", suggestion)

    def is_remark(self, number: int, row: list[Cell]) -> bool:
        """Return whether a line is a total or a remark and no record; if so it is told, and no line any more."""
        if readings(self.cell(row, "day")):
            return False
        total, told = self._total(row), self._remark(row)
        if not (total or told):
            return False
        reason = "This is a total of other lines." if total else "This is a remark or a title."
        self._note("note", number, None, total or told, reason, "Nothing was loaded from it.")
        self.lines.rows_in -= 1
        return True

    def _total(self, row: list[Cell]) -> str | None:
        """Return the word for a total; in a column of products or work it stands alone, since some are called so."""
        named = {place for name, place in self.places.items() if name != "day"}
        for place, cell in enumerate(row):
            found = TOTAL.match(plain(cell)) if isinstance(cell, str) else None
            if found and (place not in named or found[0] == plain(cell)):
                return str(cell)
        return None

    def _remark(self, row: list[Cell]) -> str | None:
        """Return what a line says when it says nothing else, and not in a column that a record needs."""
        said = [cell for cell in row if cell is not None]
        text = said[0] if said and isinstance(said[0], str) else ""
        if len(set(said)) != 1 or not re.search("[^\\W\\d]{3}", text):
            return None
        needed = {self.places[name] for name in NEEDED[self.how.kind] if name != "day"}
        merged = len(said) > 1
        return text if merged or all(place is None or row[place] is None for place in needed) else None

    def _note(
        self,
        kind: Literal["rejected", "question", "note"],
        number: int | None,
        name: str | None,
        value: object,
        reason: str,
        suggestion: str,
    ) -> None:
        text = None if value is None else str(value)[:500]
        twin_id = self.current or self.holding.landed_for
        column = self.letters(name) or name
        self.lines.refusals.append(Refusal(kind, self.table.sheet, number, column, text, reason, suggestion, twin_id))

    def days(self) -> DateColumn:
        """Decide the column of days; a doubtful one becomes a question."""
        column = decide_days([self.cell(row, "day") for row in self.table.rows], self.how.date_order)
        if column.question:
            remedy = "State date_order (dmy or mdy) in the mapping; nothing of this table is loaded until then."
            self.ask(None, "day", None, f"Order of days: {column.question}.", remedy)
        return column

    def numbers(self, name: str) -> NumberColumn:
        """Decide a column of numbers; a doubtful one becomes a question."""
        return self.decided([self.cell(row, name) for row in self.table.rows], name)

    def decided(self, cells: list[Cell], name: str | None) -> NumberColumn:
        """Decide the decimal sign of cells that one hand wrote; where it is doubtful it becomes a question."""
        column = decide_numbers(cells, self.how.decimal)
        if column.question:
            remedy = "State decimal (',' or '.') in the mapping; nothing of this table is loaded until then."
            self.ask(None, name, None, f"Decimal sign: {column.question}.", remedy)
        return column

    def check_read(self, row_number: int) -> None:
        """Refuse a line one of whose cells is a formula that could not be computed."""
        for name in self.places:
            self.check_cell(row_number, self.letters(name), name)

    def check_cell(self, row_number: int, letters: str | None, name: str | None = None) -> None:
        """Refuse a cell that is a formula that could not be computed."""
        if problem := self.table.problems.get((row_number, letters or "")):
            remedy = "Replace the formula by its value and send the file again."
            raise RefusedError(name or letters, problem[0], problem[1], remedy)

    def day(self, row: list[Cell], day: dt.date | None, column: DateColumn) -> dt.date:
        """Return the day of a line, or refuse the line: undecided, missing, no day, or after the clock."""
        written = self.cell(row, "day")
        if column.question:
            raise RefusedError("day", written, "The order of day and month is not decided.", "See the question above.")
        if written is None:
            raise RefusedError("day", None, "The day is missing.", "Fill it in.")
        if day is None:
            raise RefusedError("day", written, "This is no day.", _as_day(written))
        if day > self.holding.as_of:
            self.lines.postpone(day)
            raise RefusedError(
                "day", written, f"The day lies after {self.holding.as_of}.", "It is read again when its day has come."
            )
        return day

    def twin(self, row: list[Cell]) -> str:
        """Return the twin of a line: its id, its SIGPAC numbers, its place, or the twin for which the file came."""
        field_name, written = "twin", self.text(row, "twin")
        if written is None and {"province", "municipality", "polygon", "parcel"} <= set(self.places):
            numbers = [self.text(row, part) or ("0" if part in ("aggregate", "zone") else "") for part in SIGPAC_PARTS]
            field_name, written = "parcel", "-".join(numbers) if all(numbers) else None
        if written is None:
            place = self.text(row, "place")
            known = self.named.get(plain(place)) if place else None
            field_name, written = ("place", known or place) if place else (field_name, None)
        if written is None and not self.places.keys() & {"twin", "place", *SIGPAC_PARTS}:
            written = self.holding.landed_for
        if written is None:
            raise RefusedError(field_name, None, "The line does not say which parcel it is about.", "Fill in its id.")
        twin_id = _canonical_id(written)
        self._check_place(row, twin_id)
        if twin_id not in self.holding.twin_ids:
            raise RefusedError(field_name, written, f"{written} is no twin of this holding.", self._whose(field_name))
        return twin_id

    def _check_place(self, row: list[Cell], twin_id: str) -> None:
        """Where the mapping says which twin each place means, the id of a line has to agree with its place."""
        place = self.text(row, "place")
        if self.named and place and "twin" in self.places:
            meant = self.named.get(plain(place))
            if meant != twin_id:
                reason = f"The place means {meant or 'no known twin'}, the id says {twin_id}."
                raise RefusedError("place", place, reason, "Correct the line, or the mapping's 'places'.")

    def _whose(self, field_name: str) -> str:
        if field_name == "place":
            return "State in the mapping under 'places' which twin this name means."
        if self.dragged:
            return "The ids run up by one from line to line: probably the cell was dragged. Correct them."
        return "Correct the id, or add a twin for this parcel."


def _as_day(written: Cell) -> str:
    try:
        number = float(str(written))
        meant = SPREADSHEET_ZERO + dt.timedelta(days=number)
    except (ValueError, OverflowError):
        return "Write it as 2019-02-28."
    return f"A spreadsheet's number for {meant:%Y-%m-%d}? Format the cell as a date."


def _canonical_id(written: str) -> str:
    text = re.sub(r"\s+", "", written)
    if SIGPAC.fullmatch(text) is None:
        return written.strip()
    try:
        return str(sigpac_code(text))
    except DataError:
        return text


def _dragged(ids: Collection[Cell]) -> bool:
    """Return whether ids only differ in a last number that counts up, as a dragged cell makes them."""
    parts = [str(value).rpartition("-") for value in ids if value is not None]
    if len(parts) < 3 or len({head for head, _, _ in parts}) != 1 or not all(last.isdigit() for *_, last in parts):
        return False
    numbers = [int(last) for *_, last in parts]
    return all(after == before + 1 for before, after in pairwise(numbers))
