"""Values of four types; where measures of several types share a table, in two columns of which none loses anything.

A truth is the number 0 or 1, text is text, a whole number is a number; beyond 2**53, where numbers skip some, its
digits stand in the text too. The type of a measure says how its columns are read.
"""

import json
import math
from typing import Literal

Datatype = Literal["float", "int", "string", "bool"]
Value = float | int | str | bool
Columns = tuple[float | None, str | None]
EXACT = 2**53
SMALLEST, LARGEST = -(2**63), 2**63 - 1
LONGEST = 10_000
TRUTHS = {"true": True, "false": False, "1": True, "0": False}


def columns_of(datatype: str, value: Value) -> Columns:
    """Return number and text of a value that has the type."""
    if datatype == "string":
        return None, str(value)
    return float(value), str(value) if datatype == "int" and abs(int(value)) > EXACT else None


def value_of(datatype: str, number: float | None, text: str | None) -> Value:
    """Return the value that number and text hold; what was no value of the type is text."""
    value, words = value_and_words(datatype, number, text)
    return words or "" if value is None else value


def value_and_words(datatype: str, number: float | None, text: str | None) -> tuple[Value | None, str | None]:
    """Return the value that number and text hold, or what was said instead of one."""
    if datatype == "string":
        return text, None
    if number is None:
        return None, text
    if datatype == "int":
        return int(number if text is None else text), None
    return bool(number) if datatype == "bool" else number, None


def read_value(datatype: str, given: object) -> Value | None:
    """Return what a device or file wrote as a value of a type; None where it is none.

    Examples
    --------
    >>> read_value("int", "12"), read_value("bool", 1), read_value("bool", "maybe"), read_value("string", 3.5)
    (12, True, None, '3.5')
    """
    if datatype == "string":
        text = given if isinstance(given, str) else json.dumps(given)
        return text if len(text) <= LONGEST else None
    if not isinstance(given, str | int | float):
        return None
    if datatype == "bool":
        return TRUTHS.get(given.strip().lower() if isinstance(given, str) else f"{given:g}")
    if isinstance(given, bool) and datatype == "int":
        return None
    try:
        return _whole(given) if datatype == "int" else _finite(float(given))
    except (ValueError, OverflowError):
        return None


def _whole(given: str | int | float) -> int | None:
    if isinstance(given, str) and not given.strip().lstrip("+-").isdecimal():
        given = float(given)  # such as 12.0
    number = int(given)
    return number if SMALLEST <= number <= LARGEST and (not isinstance(given, float) or number == given) else None


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
