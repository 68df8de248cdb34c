"""Days written as text: one order for a whole column, decided by evidence or asked for, never guessed cell by cell."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agritwin.holding.vocabulary import plain

Order = Literal["dmy", "mdy"]
ORDERS: tuple[Order, ...] = ("dmy", "mdy")
NUMERIC = re.compile(r"(\d{1,4})([/.\-])(\d{1,2})\2(\d{1,4})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?")
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("ene", "jan"), ("feb",), ("mar",), ("abr", "apr"), ("may",), ("jun",), ("jul",), ("ago", "aug"),
            ("sep", "set"), ("oct",), ("nov",), ("dic", "dec"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip
WEEKDAYS = (
    *("lunes", "martes", "miercoles", "jueves", "viernes", "sabado", "domingo"),
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
)
EARLIEST, LATEST = 1950, 2100
TYPING_ERRORS = 0.05
"""Share of a column that may contradict an order which the mapping states and other lines prove."""

Days = tuple[dt.date | None, ...]


@dataclass(frozen=True)
class DateColumn:
    """What a column of days says.

    Attributes
    ----------
    order
        The order in which its numeric texts were read; None where none needs one, or where there is a question.
    days
        One day a value, None where the value is no day in that order.
    question
        Why nothing of the column may be loaded, empty where all is well.
    """

    order: Order | None
    days: Days
    question: str = ""


def decide_days(values: Sequence[object], declared: Order | None = None) -> DateColumn:
    """Decide the order of a column of days from all its values together.

    A value may be a date or datetime (a real date cell), or text: numbers (``07/02/2019``), ISO (``2019-02-07``) or a
    month's name (``7 feb 2019``, ``jueves, 7 de febrero de 2019``, ``7-feb-19``). Two-digit years are read as 20xx and
    only at the end.

    Parameters
    ----------
    values
        Cells of one column.
    declared
        Order stated by the mapping; a column that contradicts it is a question, not a quiet swap.
    """
    orders = [tuple(readings(value)) for value in values]
    possible: list[Order] = [order for order in ORDERS if all(order in fits for fits in orders if fits)]
    days: dict[Order, Days] = {order: tuple(readings(value).get(order) for value in values) for order in ORDERS}
    if declared is not None:
        possible = [declared] if declared in possible or _few_typing_errors(orders, declared) else []
        if not possible:
            return _ask(values, f"the mapping says {declared}, but the column holds days that cannot be read so")
    if not possible:
        return _ask(values, "some days can only be day/month/year and others only month/day/year")
    if len(possible) == 2 and days["dmy"] != days["mdy"]:
        return _ask(values, "every day can be read as day/month/year and as month/day/year")
    order = possible[0]
    if declared is None and _half_converted(values, days[order]):
        return _ask(values, "real dates, all with days up to 12, are mixed with text dates, all with days above 12")
    return DateColumn(order if len(possible) == 1 else None, days[order])


def readings(value: object) -> dict[Order, dt.date]:
    """Return the day that a value is in each order in which it is one; empty for what is no day at all."""
    if isinstance(value, dt.datetime):
        value = value.date()
    if isinstance(value, dt.date):
        return dict.fromkeys(ORDERS, value) if EARLIEST <= value.year <= LATEST else {}
    if not isinstance(value, str):
        return {}
    numeric = NUMERIC.fullmatch(value.strip())
    if numeric is None:
        return _same_in_both(_named_month(value))
    first, middle, last = numeric[1], numeric[3], numeric[4]
    if len(first) == 4:
        return _same_in_both(_day(first, middle, last))
    if len(first) > 2 or len(last) not in (2, 4):
        return {}
    both: dict[Order, dt.date | None] = {"dmy": _day(last, middle, first), "mdy": _day(last, first, middle)}
    return {order: day for order in ORDERS if (day := both[order])}


def order_in(header: str) -> Order | None:
    """Return the order that a header states (``Fecha (dd/mm/aaaa)``), None where it states none."""
    found = re.search(r"\b(d{1,2}[/.\- ]m{1,2}|m{1,2}[/.\- ]d{1,2})[/.\- ](?:a|y){2,4}\b", header, re.IGNORECASE)
    return ("dmy" if found[1].lower().startswith("d") else "mdy") if found else None


def _day(year: str, month: str, day: str) -> dt.date | None:
    try:
        found = dt.date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return None
    return found if EARLIEST <= found.year <= LATEST else None


def _same_in_both(day: dt.date | None) -> dict[Order, dt.date]:
    return {} if day is None else dict.fromkeys(ORDERS, day)


def _named_month(text: str) -> dt.date | None:
    words = [word for word in plain(text).split() if word not in ("de", "del", "of", *WEEKDAYS)]
    if len(words) != 3:
        return None
    sizes = (2, 4) if words[0].isdigit() else (4,)  # 3-abr-21 is how spreadsheets show days; abr-3-21 is nobody's
    if words[0].isalpha():
        words[0], words[1] = words[1], words[0]
    day, month, year = words
    if not (day.isdigit() and len(day) < 3 and year.isdigit() and len(year) in sizes and month[:3] in MONTHS):
        return None
    return _day(year, str(MONTHS[month[:3]]), day)


def _few_typing_errors(orders: list[tuple[Order, ...]], declared: Order) -> bool:
    proofs = sum(fits == (declared,) for fits in orders)
    errors = sum(bool(fits) and declared not in fits for fits in orders)
    return proofs > 0 and errors <= TYPING_ERRORS * sum(bool(fits) for fits in orders)


def _half_converted(values: Sequence[object], days: Days) -> bool:
    # A spreadsheet of the other country turns 07/02 into a real date in July and leaves 13/02 as text.
    real = [value.day for value in values if isinstance(value, dt.date)]
    text = [
        day.day
        for value, day in zip(values, days, strict=True)
        if day and isinstance(value, str) and NUMERIC.fullmatch(value.strip()) and not value.strip()[:4].isdigit()
    ]
    return bool(real) and bool(text) and max(real) <= 12 and min(text) > 12


def _ask(values: Sequence[object], question: str) -> DateColumn:
    return DateColumn(None, (None,) * len(values), question)
