"""Numbers written as text: one decimal sign for a whole column, decided by evidence or asked for."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Decimal = Literal[",", "."]
SIGNS: tuple[Decimal, ...] = (",", ".")
GROUPED = {
    sign: re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:{re.escape(other)}\d{{3}})+)(?:{re.escape(sign)}\d+)?")
    for sign, other in ((",", "."), (".", ","))
}


@dataclass(frozen=True)
class NumberColumn:
    """What a column of numbers says: one number a value (None where it is none), and a question where there is one."""

    decimal: Decimal | None
    numbers: tuple[float | None, ...]
    question: str = ""


def read_number(value: object, decimal: Decimal) -> float | None:
    """Return a finite number from a cell, None where it is none in that decimal sign.

    Examples
    --------
    >>> read_number("1.234,5", ",")
    1234.5
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    text = value.strip().replace(" ", "").replace(" ", "")
    if not GROUPED[decimal].fullmatch(text):
        return None
    return float(text.replace("." if decimal == "," else ",", "").replace(",", "."))


def decide_numbers(values: Sequence[object], declared: Decimal | None = None) -> NumberColumn:
    """Decide the decimal sign of a column from all its values together.

    Parameters
    ----------
    values
        Cells of one column, numbers or text.
    declared
        Decimal sign stated by the mapping.
    """
    read = {sign: tuple(read_number(value, sign) for value in values) for sign in SIGNS}
    if declared is not None:
        return NumberColumn(declared, read[declared])
    are_numbers = [any(read[sign][i] is not None for sign in SIGNS) for i in range(len(values))]
    possible: list[Decimal] = [
        sign
        for sign in SIGNS
        if all(number is not None for number, is_one in zip(read[sign], are_numbers, strict=True) if is_one)
    ]
    nothing = (None,) * len(values)
    if not possible:
        return NumberColumn(None, nothing, "some numbers have a decimal comma and others a decimal point")
    if len(possible) == 2 and read[","] != read["."]:
        return NumberColumn(None, nothing, "1.234 may be one and a bit or more than a thousand")
    return NumberColumn(possible[0] if len(possible) == 1 else None, read[possible[0]])
