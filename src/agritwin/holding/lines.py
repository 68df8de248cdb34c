"""From tables to records: every line becomes a record or a refusal."""

import datetime as dt
from collections import Counter
from dataclasses import replace
from typing import Any

from agritwin.errors import DataError
from agritwin.holding.amounts import NumberColumn
from agritwin.holding.doses import Product, Work, split_work
from agritwin.holding.findings import Holding, Lines, Record, RefusedError
from agritwin.holding.mapping import Mapping, TableMapping
from agritwin.holding.readers import Cell
from agritwin.holding.table_reader import TableReader
from agritwin.holding.tables import Table
from agritwin.holding.vocabulary import WORDS_FOR_UNITS, category_of, harvest_unit, plain, state_of, unit_in
from agritwin.records.measures import canonical_unit, convert_value

STRANGERS = 0.1
"""Share of a table below which lines about another twin than the one it was sent for are taken for slips."""


def read_table(table: Table, how: TableMapping, mapping: Mapping, holding: Holding) -> Lines:
    """Read a table as its mapping says.

    Returns
    -------
    Lines
        Each line of the table is either a record or exactly one refusal of kind ``rejected``; questions and notes come
        on top. In a table of yields by year a line is one weight.
    """
    reader = TableReader(table, how, mapping, holding)
    if how.kind == "yearly_harvests":
        return _yearly(reader)
    days = reader.days()
    numbers = {name: reader.numbers(name) for name in ("amount", "dose", "treated_area_ha") if name in how.columns}
    build = {"activities": _activity, "harvests": _harvest, "treatments": _treatment}[how.kind]
    for position, (number, row) in enumerate(zip(table.numbers, table.rows, strict=True)):
        reader.current = None
        if reader.is_remark(number, row):
            continue
        try:
            reader.check_read(number)
            twin_id = reader.current = reader.twin(row)
            day = reader.day(row, days.days[position], days)
            amounts = {
                name: _amount(name, reader.cell(row, name), column, position) for name, column in numbers.items()
            }
            record = build(reader, number, row, twin_id, day, amounts)
            reader.lines.records.append(replace(record, attributes=reader.attributes(row, record.content)))
            reader.numbers_of_records.append(number)
        except RefusedError as refused:
            reader.reject(number, refused)
    _set_strangers_apart(reader)
    _ask_for_dose_units(reader)
    reader.ask_all()
    return reader.lines


def _set_strangers_apart(reader: TableReader) -> None:
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
        reader.reject(number, RefusedError("twin", record.twin_id, reason, remedy))
    reader.lines.records = kept


def _amount(name: str, written: Cell, column: NumberColumn, position: int) -> float | None:
    number = column.numbers[position]
    if column.question:
        raise RefusedError(name, written, "The decimal sign is not decided.", "See the question above.")
    if written is not None and number is None:
        raise RefusedError(
            name, written, "This is no number.", "Write a number; its unit goes into a column of its own."
        )
    return number


def _activity(
    reader: TableReader, number: int, row: list[Cell], twin_id: str, day: dt.date, amounts: dict[str, float | None]
) -> Record:
    text = reader.text(row, "text")
    if not text:
        raise RefusedError("text", None, "The line does not say what was done.", "Fill it in.")
    work = split_work(text, reader.how.decimal or ",")
    if spread := reader.text(row, "product"):
        dose = " ".join(filter(None, (reader.text(row, "dose"), _dose_unit(reader, row))))
        text = f"{text} ({spread} ({dose}))" if dose else f"{text} ({spread})"  # else two such lines were equal
        product = Product(spread, amounts.get("dose"), _dose_unit(reader, row))
        work = replace(work, products=(*work.products, product))
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


def _amount_of_work(reader: TableReader, row: list[Cell], amount: float | None, work: Work) -> dict[str, Any]:
    """Return the amount of a line from its own columns, else from the text (``RIEGO (14 mm)``)."""
    if amount is not None:
        written = reader.text(row, "unit")
        return {"amount": amount, "unit": _unit(written, "unit") or unit_in(reader.how.columns["amount"])}
    if work.amount is not None and work.unit is not None:
        return {"amount": work.amount, "unit": _unit(WORDS_FOR_UNITS.get(plain(work.unit), work.unit), "text")}
    return {"amount": None, "unit": None}


def _unit(written: str | None, name: str) -> str | None:
    if written is None:
        return None
    try:
        return canonical_unit(written)
    except DataError as error:
        raise RefusedError(name, written, error.message, error.remedy) from error


def _harvest(
    reader: TableReader, _number: int, row: list[Cell], twin_id: str, day: dt.date, amounts: dict[str, float | None]
) -> Record:
    amount, written = amounts["amount"], reader.cell(row, "amount")
    if amount is None:
        raise RefusedError("amount", None, "The amount is missing.", "Fill it in.")
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


def _harvest_unit(reader: TableReader, row: list[Cell], header: str) -> str:
    """Return the unit of the line, else of the header, the mapping, the configuration; never a guess."""
    written = reader.text(row, "unit")
    stated = harvest_unit(header) or reader.how.unit or reader.holding.harvest_unit
    unit = harvest_unit(written) if written else stated
    if unit is not None:
        return canonical_unit(unit)
    if written:
        raise RefusedError("unit", written, "This is no unit of a harvest.", "Write kg, t, kg/ha or t/ha.")
    raise _no_unit("amount", reader.cell(row, "amount"))


def _no_unit(name: str, written: object) -> RefusedError:
    return RefusedError(
        name,
        written,
        "The unit of the harvest is not stated.",
        "State 'unit' in the mapping: kg, t, kg/ha or t/ha.",
        "Harvests have no unit: kg, t, kg/ha or t/ha?",
    )


def _state(reader: TableReader, header: str) -> str:
    return reader.how.state if reader.how.state != "unstated" else state_of(header)


def _check_amount(reader: TableReader, name: str, amount: float, written: object) -> None:
    if amount < 0:
        raise RefusedError(name, written, "A harvest cannot be negative.", "Correct the amount.")
    if amount == 0 and reader.how.zero is None:
        raise RefusedError(
            name,
            written,
            "A zero may be a year without harvest, or one without record.",
            "State 'zero' in the mapping: nothing_harvested or not_recorded.",
            "Harvests of zero: was nothing harvested, or was it not recorded?",
        )
    if amount == 0 and reader.how.zero == "not_recorded":
        raise RefusedError(name, written, "By the mapping a zero stands for a harvest that was not recorded.", "")


def _treatment(
    reader: TableReader, _number: int, row: list[Cell], twin_id: str, day: dt.date, amounts: dict[str, float | None]
) -> Record:
    product = reader.text(row, "product")
    if not product:
        raise RefusedError("product", None, "The product is missing.", "Fill it in.")
    texts = ("registration_number", "problem", "applicator", "equipment", "efficacy", "notes")
    content = {
        "day": day,
        "product": product,
        "dose": amounts.get("dose"),
        "dose_unit": dose_unit(_dose_unit(reader, row) or reader.how.dose_unit),
        "treated_area_ha": _hectares(reader, amounts.get("treated_area_ha")),
        **{name: reader.text(row, name) for name in texts},
    }
    return Record("treatments", twin_id, content)


def _dose_unit(reader: TableReader, row: list[Cell]) -> str | None:
    """Return the unit of a dose as the line states it, else its header."""
    return reader.text(row, "dose_unit") or unit_in(reader.how.columns.get("dose", ""))


def _hectares(reader: TableReader, area: float | None) -> float | None:
    """Return an area in ha, converted where its header states another unit."""
    unit = unit_in(reader.how.columns.get("treated_area_ha", ""))
    return area if area is None or unit is None else convert_value(area, unit, "ha")


def dose_unit(written: str | None) -> str | None:
    """Return a dose's unit in one spelling; what is not understood stays as it was written."""
    if written is None:
        return None
    try:
        return canonical_unit(written)
    except DataError:
        return written


def _ask_for_dose_units(reader: TableReader) -> None:
    """Ask once a table for the unit of doses; they are loaded without it."""
    doses = [one.unit for record in reader.lines.records for one in record.products if one.dose is not None] + [
        record.content["dose_unit"]
        for record in reader.lines.records
        if record.table == "treatments" and record.content["dose"] is not None
    ]
    lacking = doses.count(None)
    if lacking and reader.how.dose_unit is None:
        reader.current = None
        reason = f"{lacking} doses have no unit: l/ha, kg/ha, or per hectolitre?"
        name = "dose" if "dose" in reader.places else "text"
        reader.ask(None, name, None, reason, "State 'dose_unit' in the mapping.")


def _yearly(reader: TableReader) -> Lines:
    """Read yields by year: one record a weight, years across, parcels down."""
    table = reader.table
    year_columns = [place for place, year in enumerate(table.years) if year]
    weights = [i for i, row in enumerate(table.rows) if any(row[place] is not None for place in year_columns)]
    owners = _owners(reader, weights)
    cells = [(i, place) for i in weights for place in year_columns if table.rows[i][place] is not None]
    reader.lines.rows_in = len(cells)
    numbers = reader.decided([table.rows[i][place] for i, place in cells], None)
    for position, (i, place) in enumerate(cells):
        reader.current = None
        try:
            reader.lines.records.append(_weight(reader, i, owners.get(i), place, numbers, position))
        except RefusedError as refused:
            reader.reject(table.numbers[i], refused)
    reader.ask_all()
    return reader.lines


def _owners(reader: TableReader, weights: list[int]) -> dict[int, int]:
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


def _weight(
    reader: TableReader, line: int, owner: int | None, place: int, numbers: NumberColumn, position: int
) -> Record:
    """Return the weight of a line, with the cells that the line of its parcel holds left of the years."""
    table = reader.table
    column, year, written = table.columns[place], table.years[place] or 0, table.rows[line][place]
    if owner is None:
        raise RefusedError(
            column, written, "It is not known to which parcel this weight belongs.", "See the question above."
        )
    reader.check_read(table.numbers[owner])
    twin_id = reader.current = reader.twin(table.rows[owner])
    reader.check_cell(table.numbers[line], column)
    amount = _amount(column, written, numbers, position) or 0.0
    header = f"{table.second_header[place]} {table.header[place]}" if table.second_header else table.header[place]
    closed = dt.date(year, 12, 31)
    if closed > reader.holding.as_of:
        reader.lines.postpone(closed)
        raise RefusedError(
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
    first = next(i for i, column_year in enumerate(table.years) if column_year)
    row = table.rows[owner][:first] + table.rows[line][first:]
    return Record("harvests", twin_id, content, attributes=reader.attributes(row, content))
