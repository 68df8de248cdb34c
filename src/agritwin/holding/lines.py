"""From tables to records: every line becomes a record or a refusal that says where, what and why."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from agritwin.errors import DataError
from agritwin.geometry import SIGPAC, sigpac_code
from agritwin.holding.amounts import NumberColumn, decide_numbers
from agritwin.holding.dates import DateColumn, decide_days
from agritwin.holding.doses import Product, Work, split_work
from agritwin.holding.mapping import SIGPAC_PARTS, HarvestUnit, Mapping, TableMapping
from agritwin.holding.readers import Cell
from agritwin.holding.tables import Table
from agritwin.holding.vocabulary import WORDS_FOR_UNITS, category_of, harvest_unit, plain, state_of
from agritwin.records.measures import canonical_unit

STRANGERS = 0.1
"""Share of a table below which lines about another twin than the one it was sent for are taken for slips."""
SPREADSHEET_ZERO = dt.datetime(1899, 12, 30)


@dataclass(frozen=True)
class Refusal:
    """A line that was not loaded (``rejected``), or something to be answered (``question``) or known (``note``)."""

    kind: Literal["rejected", "question", "note"]
    sheet: str
    row: int | None
    column: str | None
    value: str | None
    reason: str
    suggestion: str
    twin_id: str | None = None


@dataclass(frozen=True)
class Record:
    """A row for the record store: table, twin, typed content, and the products of an activity."""

    table: Literal["activities", "harvests", "treatments"]
    twin_id: str
    content: dict[str, Any]
    products: tuple[Product, ...] = ()


@dataclass
class Lines:
    """What a table gave: how many lines it has, the records, the refusals, and the first day that lies ahead."""

    rows_in: int = 0
    records: list[Record] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    parcels: dict[str, dict[str, Any]] = field(default_factory=dict)
    postponed_until: dt.date | None = None

    def postpone(self, day: dt.date) -> None:
        """Remember the earliest day of the lines that lie after the clock."""
        self.postponed_until = min(day, self.postponed_until or day)


@dataclass(frozen=True)
class Holding:
    """What is known before a file is opened: twins, clock, for which twin the file came, unit of its harvests."""

    twin_ids: frozenset[str]
    as_of: dt.date
    landed_for: str | None = None
    harvest_unit: HarvestUnit | None = None


class _RefusedError(Exception):
    """A line that cannot be loaded, and why; ``question`` is what a person must answer, once for all such lines."""

    def __init__(self, field_name: str | None, value: object, reason: str, suggestion: str, question: str = "") -> None:
        super().__init__(reason)
        self.field, self.value, self.reason, self.suggestion = field_name, value, reason, suggestion
        self.question = question


class _Reader:
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
        place = self.places.get(name)
        return None if place is None else row[place]

    def text(self, row: list[Cell], name: str) -> str | None:
        value = self.cell(row, name)
        return None if value is None else " ".join(str(value).split())

    def letters(self, name: str | None) -> str | None:
        place = self.places.get(name) if name else None
        return None if place is None else self.table.columns[place]

    def reject(self, number: int, refused: _RefusedError) -> None:
        self._note("rejected", number, refused.field, refused.value, refused.reason, refused.suggestion)
        if refused.question:
            self.asked.setdefault((refused.question, refused.suggestion), []).append(str(number))

    def ask(self, number: int | None, name: str | None, value: object, reason: str, suggestion: str) -> None:
        self._note("question", number, name, value, reason, suggestion)

    def ask_all(self) -> None:
        """Put each question that lines have raised once, with the lines that it is about."""
        self.current = None
        for (question, suggestion), numbers in self.asked.items():
            lines = ", ".join(dict.fromkeys(numbers))
            self.ask(None, None, None, f"{question} ({len(numbers)} values, lines {lines[:200]})", suggestion)

    def _note(
        self,
        kind: Literal["rejected", "question"],
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
        column = decide_days([self.cell(row, "day") for row in self.table.rows], self.how.date_order)
        if column.question:
            remedy = "State date_order (dmy or mdy) in the mapping; nothing of this table is loaded until then."
            self.ask(None, "day", None, f"Order of days: {column.question}.", remedy)
        return column

    def numbers(self, name: str) -> NumberColumn:
        column = decide_numbers([self.cell(row, name) for row in self.table.rows], self.how.decimal)
        if column.question:
            remedy = "State decimal (',' or '.') in the mapping; nothing of this table is loaded until then."
            self.ask(None, name, None, f"Decimal sign: {column.question}.", remedy)
        return column

    def check_read(self, row_number: int) -> None:
        for name in self.places:
            letters = self.letters(name)
            problem = self.table.problems.get((row_number, letters)) if letters else None
            if problem:
                raise _RefusedError(
                    name, problem[0], problem[1], "Replace the formula by its value and send the file again."
                )

    def day(self, row: list[Cell], day: dt.date | None, column: DateColumn) -> dt.date:
        written = self.cell(row, "day")
        if column.question:
            raise _RefusedError("day", written, "The order of day and month is not decided.", "See the question above.")
        if written is None:
            raise _RefusedError("day", None, "The day is missing.", "Fill it in.")
        if day is None:
            raise _RefusedError("day", written, "This is no day.", _as_day(written))
        if day > self.holding.as_of:
            self.lines.postpone(day)
            raise _RefusedError(
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
            field_name, written = ("place", known or place) if place else (field_name, self.holding.landed_for)
        if written is None:
            raise _RefusedError(field_name, None, "The line does not say which parcel it is about.", "Fill in its id.")
        twin_id = _canonical_id(written)
        self._check_place(row, twin_id)
        if twin_id not in self.holding.twin_ids:
            raise _RefusedError(field_name, written, f"{written} is no twin of this holding.", self._whose(field_name))
        return twin_id

    def _check_place(self, row: list[Cell], twin_id: str) -> None:
        """Where the mapping says which twin each place means, the id of a line has to agree with its place."""
        place = self.text(row, "place")
        if self.named and place and "twin" in self.places:
            meant = self.named.get(plain(place))
            if meant != twin_id:
                reason = f"The place means {meant or 'no known twin'}, the id says {twin_id}."
                raise _RefusedError("place", place, reason, "Correct the line, or the mapping's 'places'.")

    def _whose(self, field_name: str) -> str:
        if field_name == "place":
            return "State in the mapping under 'places' which twin this name means."
        if self.dragged:
            return "The ids run up by one from line to line: probably the cell was dragged. Correct them."
        return "Correct the id, or add a twin for this parcel."


def read_table(table: Table, how: TableMapping, mapping: Mapping, holding: Holding) -> Lines:
    """Read a table as its mapping says.

    Returns
    -------
    Lines
        Each line of the table is either a record or exactly one refusal of kind ``rejected``; questions and notes come
        on top. In a table of yields by year a line is one weight.
    """
    reader = _Reader(table, how, mapping, holding)
    if how.kind == "yearly_harvests":
        return _yearly(reader)
    days = reader.days()
    numbers = {name: reader.numbers(name) for name in ("amount", "dose", "treated_area_ha") if name in how.columns}
    build = {"activities": _activity, "harvests": _harvest, "treatments": _treatment}[how.kind]
    for position, (number, row) in enumerate(zip(table.numbers, table.rows, strict=True)):
        reader.current = None
        try:
            reader.check_read(number)
            twin_id = reader.current = reader.twin(row)
            day = reader.day(row, days.days[position], days)
            amounts = {name: _amount(reader, name, row, column, position) for name, column in numbers.items()}
            reader.lines.records.append(build(reader, number, row, twin_id, day, amounts))
            reader.numbers_of_records.append(number)
        except _RefusedError as refused:
            reader.reject(number, refused)
    _set_strangers_apart(reader)
    _ask_for_dose_units(reader)
    reader.ask_all()
    return reader.lines


def _set_strangers_apart(reader: _Reader) -> None:
    """Reject the few lines about another twin in a table that was sent for this one: probably slips of the hand."""
    records, meant = reader.lines.records, reader.holding.landed_for
    share = Counter(record.twin_id for record in records)
    strangers = {twin for twin, count in share.items() if twin != meant and count < STRANGERS * len(records)}
    if meant is None or share[meant] == 0 or not strangers:
        return
    kept = []
    for number, record in zip(reader.numbers_of_records, records, strict=True):
        if record.twin_id not in strangers:
            kept.append(record)
            continue
        reader.current = record.twin_id
        reason = f"One of {share[record.twin_id]} lines about {record.twin_id} in a table sent for {meant}."
        remedy = "Correct the id, or send the line with the file of its own parcel."
        reader.reject(number, _RefusedError("twin", record.twin_id, reason, remedy))
    reader.lines.records = kept


def _amount(reader: _Reader, name: str, row: list[Cell], column: NumberColumn, position: int) -> float | None:
    written, number = reader.cell(row, name), column.numbers[position]
    if column.question:
        raise _RefusedError(name, written, "The decimal sign is not decided.", "See the question above.")
    if written is not None and number is None:
        raise _RefusedError(
            name, written, "This is no number.", "Write a number; its unit goes into a column of its own."
        )
    return number


def _activity(
    reader: _Reader, number: int, row: list[Cell], twin_id: str, day: dt.date, amounts: dict[str, float | None]
) -> Record:
    text = reader.text(row, "text")
    if not text:
        raise _RefusedError("text", None, "The line does not say what was done.", "Fill it in.")
    work = split_work(text, reader.how.decimal or ",")
    if work.leftover:
        reader.ask(number, "text", work.leftover, "Not understood as a product and its dose.", "Write: product (dose).")
    tasks = {plain(task): category for task, category in reader.mapping.tasks.items()}
    content = {
        "day": day,
        "category": tasks.get(plain(work.task)) or category_of(work.task),
        "task": work.task,
        "text": text,
        **_amount_of_work(reader, row, amounts.get("amount"), work),
        "place": reader.text(row, "place"),
        "notes": reader.text(row, "notes"),
    }
    return Record("activities", twin_id, content, work.products)


def _amount_of_work(reader: _Reader, row: list[Cell], amount: float | None, work: Work) -> dict[str, Any]:
    """Return the amount of a line from its own columns, else from the text (``RIEGO (14 mm)``)."""
    if amount is not None:
        return {"amount": amount, "unit": _unit(reader.text(row, "unit"), "unit")}
    if work.amount is not None and work.unit is not None:
        return {"amount": work.amount, "unit": _unit(WORDS_FOR_UNITS.get(plain(work.unit), work.unit), "text")}
    return {"amount": None, "unit": None}


def _unit(written: str | None, name: str) -> str | None:
    if written is None:
        return None
    try:
        return canonical_unit(written)
    except DataError as error:
        raise _RefusedError(name, written, error.message, error.remedy) from error


def _harvest(
    reader: _Reader, _number: int, row: list[Cell], twin_id: str, day: dt.date, amounts: dict[str, float | None]
) -> Record:
    amount, written = amounts["amount"], reader.cell(row, "amount")
    if amount is None:
        raise _RefusedError("amount", None, "The amount is missing.", "Fill it in.")
    unit = _harvest_unit(reader, row, reader.how.columns["amount"])
    _check_amount(reader, "amount", amount, written)
    content = {
        "year": day.year,
        "day": day,
        "amount": amount,
        "unit": unit,
        "state": _state(reader, reader.how.columns["amount"]),
        **{name: reader.text(row, name) for name in ("quality", "lot", "client")},
    }
    return Record("harvests", twin_id, content)


def _harvest_unit(reader: _Reader, row: list[Cell], header: str) -> str:
    """Return the unit of the line, else of the header, the mapping, the configuration; never a guess."""
    written = reader.text(row, "unit")
    stated = harvest_unit(header) or reader.how.unit or reader.holding.harvest_unit
    unit = harvest_unit(written) if written else stated
    if unit is not None:
        return canonical_unit(unit)
    if written:
        raise _RefusedError("unit", written, "This is no unit of a harvest.", "Write kg, t, kg/ha or t/ha.")
    raise _no_unit("amount", reader.cell(row, "amount"))


def _no_unit(name: str, written: object) -> _RefusedError:
    return _RefusedError(
        name,
        written,
        "The unit of the harvest is not stated.",
        "State 'unit' in the mapping: kg, t, kg/ha or t/ha.",
        "Harvests have no unit: kg, t, kg/ha or t/ha?",
    )


def _state(reader: _Reader, header: str) -> str:
    return reader.how.state if reader.how.state != "unstated" else state_of(header)


def _check_amount(reader: _Reader, name: str, amount: float, written: object) -> None:
    if amount < 0:
        raise _RefusedError(name, written, "A harvest cannot be negative.", "Correct the amount.")
    if amount == 0 and reader.how.zero is None:
        raise _RefusedError(
            name,
            written,
            "A zero may be a year without harvest, or one without record.",
            "State 'zero' in the mapping: nothing_harvested or not_recorded.",
            "Harvests of zero: was nothing harvested, or was it not recorded?",
        )
    if amount == 0 and reader.how.zero == "not_recorded":
        raise _RefusedError(name, written, "By the mapping a zero stands for a harvest that was not recorded.", "")


def _treatment(
    reader: _Reader, _number: int, row: list[Cell], twin_id: str, day: dt.date, amounts: dict[str, float | None]
) -> Record:
    product = reader.text(row, "product")
    if not product:
        raise _RefusedError("product", None, "The product is missing.", "Fill it in.")
    unit = reader.text(row, "dose_unit") or reader.how.dose_unit
    texts = ("registration_number", "problem", "applicator", "equipment", "efficacy", "notes")
    content = {
        "day": day,
        "product": product,
        "dose": amounts.get("dose"),
        "dose_unit": dose_unit(unit),
        "treated_area_ha": amounts.get("treated_area_ha"),
        **{name: reader.text(row, name) for name in texts},
    }
    return Record("treatments", twin_id, content)


def dose_unit(written: str | None) -> str | None:
    """Return a dose's unit in one spelling; what is not understood stays as it was written."""
    if written is None:
        return None
    try:
        return canonical_unit(written)
    except DataError:
        return written


def _ask_for_dose_units(reader: _Reader) -> None:
    """Ask once a table for the unit of doses; they are loaded without it."""
    doses = [product for record in reader.lines.records for product in record.products if product.unit is None]
    if doses and reader.how.dose_unit is None:
        reader.current = None
        reason = f"{len(doses)} doses have no unit: l/ha, kg/ha, or per hectolitre?"
        reader.ask(None, "text", None, reason, "State 'dose_unit' in the mapping.")


def _yearly(reader: _Reader) -> Lines:
    """Read yields by year: one record a weight, years across, parcels down."""
    table = reader.table
    year_columns = [place for place, year in enumerate(table.years) if year]
    weights = [i for i, row in enumerate(table.rows) if any(row[place] is not None for place in year_columns)]
    owners = _owners(reader, weights)
    reader.lines.rows_in = sum(row[place] is not None for row in table.rows for place in year_columns)
    flat = [table.rows[i][place] for i in weights for place in year_columns]
    numbers = iter(decide_numbers(flat, reader.how.decimal).numbers)
    for i in weights:
        for place in year_columns:
            number, written = next(numbers), table.rows[i][place]
            if written is None:
                continue
            reader.current = None
            try:
                reader.lines.records.append(_weight(reader, owners.get(i), place, number, written))
            except _RefusedError as refused:
                reader.reject(table.numbers[i], refused)
    reader.ask_all()
    return reader.lines


def _owners(reader: _Reader, weights: list[int]) -> dict[int, int]:
    """Return for each line of weights the line that names its parcel."""
    table = reader.table
    named = [
        i
        for i, row in enumerate(table.rows)
        if any(row[place] is not None for place in reader.places.values() if place is not None)
    ]
    if set(weights) <= set(named) or reader.how.pairing == "same_line" or not reader.places:
        return {i: i for i in weights if i in named or not reader.places}
    if reader.how.pairing == "in_order" and len(named) == len(weights):
        return dict(zip(weights, named, strict=True))
    lines = ", ".join(str(table.numbers[i]) for i in weights)
    reason = f"Parcels and weights (lines {lines}) do not stand side by side: which belong together?"
    reader.ask(None, None, None, reason, "State 'pairing' in the mapping: in_order or same_line.")
    return {}


def _weight(reader: _Reader, owner: int | None, place: int, amount: float | None, written: Cell) -> Record:
    table = reader.table
    column, year = table.columns[place], table.years[place] or 0
    if owner is None:
        raise _RefusedError(
            column, written, "It is not known to which parcel this weight belongs.", "See the question above."
        )
    reader.check_read(table.numbers[owner])
    twin_id = reader.current = reader.twin(table.rows[owner])
    if amount is None:
        raise _RefusedError(column, written, "This is no number.", "Write a number.")
    header = f"{table.second_header[place]} {table.header[place]}" if table.second_header else table.header[place]
    closed = dt.date(year, 12, 31)
    if closed > reader.holding.as_of:
        reader.lines.postpone(closed)
        raise _RefusedError(
            column, written, f"The total of {year} is known when {year} is over.", "Send harvests with their days."
        )
    unit = harvest_unit(table.second_header[place] if table.second_header else "") or reader.how.unit
    if unit is None:
        raise _no_unit(column, written)
    _check_amount(reader, column, amount, written)
    content = {
        "year": year,
        "day": None,
        "amount": amount,
        "unit": canonical_unit(unit),
        "state": _state(reader, header),
    }
    return Record("harvests", twin_id, content)


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
