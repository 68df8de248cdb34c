"""Units of what is recorded: UCUM and everyday spellings read as one, checked by pint."""

import re
import tokenize

import pint

from agritwin.errors import DataError
from agritwin.units import registry

UCUM = {
    "Cel": "degC", "[degF]": "degF", "har": "hectare", "[pH]": "pH", "1": "dimensionless", "": "dimensionless",
    "l": "liter", "L": "liter", "[ppm]": "ppm", "deg": "degree", "mm[Hg]": "mmHg",
    "°C": "degC", "ºC": "degC", "ud": "count", "uds": "count",
    "degrees Celsius": "degC", "degree Celsius": "degC", "degrees C": "degC", "Degrees C": "degC", "Celsius": "degC",
    "degrees Fahrenheit": "degF", "Kelvin": "kelvin", "Percent": "percent", "mms": "mm",
}  # fmt: skip
# pint reads units with a parser of Python's expressions and fails on odd ones in many ways.
UNREADABLE = (
    *(pint.PintError, tokenize.TokenError, SyntaxError, RecursionError, AssertionError),
    *(ValueError, TypeError, AttributeError, ArithmeticError, LookupError),
)
UNIT_WORD = re.compile(r"\[?[A-Za-zµ°º%]+(?:\[[A-Za-z]+\])?\]?")


def canonical_unit(text: str) -> str:
    """Return a unit in CF spelling, whichever way it was written.

    UCUM (``kg.har-1``, ``Cel``), CF (``kg ha-1``), pint and everyday spellings (``kg/ha``, ``L/ha``) are understood.

    Raises
    ------
    DataError
        When it is no unit.

    Examples
    --------
    >>> canonical_unit("kg.har-1"), canonical_unit("kg/ha")
    ('kg ha-1', 'kg ha-1')
    """
    written = text.strip()
    if written in ("[pH]", "pH"):
        return "pH"
    try:
        parsed = registry().parse_units(_as_pint(written))
    except UNREADABLE as error:
        raise DataError(f"{text!r} is no unit.", "Write it as kg/ha, mm, degC, m3 m-3 or in UCUM.") from error
    return f"{parsed:cf}".replace("°C", "degC").replace("%", "percent")


def convert_value(value: float, unit: str, to: str) -> float:
    """Convert a number between two units.

    Raises
    ------
    DataError
        When the units are of different kinds.
    """
    ureg = registry()
    try:
        return float(ureg.Quantity(value, _as_pint(unit)).to(_as_pint(to)).magnitude)
    except (pint.DimensionalityError, pint.UndefinedUnitError) as error:
        raise DataError(f"{value} {unit} cannot become {to}: {error}.", "Correct the unit.") from error


def _as_pint(written: str) -> str:
    """Rewrite UCUM and CF products and powers in pint's spelling."""
    if written in UCUM:
        return UCUM[written]
    spaced = re.sub(r"(?<=[A-Za-z0-9\])])[.·](?=[A-Za-z\[(])", " ", written)
    return UNIT_WORD.sub(lambda word: UCUM.get(word[0], "percent" if word[0] == "%" else word[0]), spaced)
