"""The few formulas that holdings build ids with, computed where a workbook carries no cached value.

A small reader of expressions: text, numbers, references to cells and ranges of any sheet, ``&``, comparisons and the
functions in ``FUNCTIONS``. Anything else is reported, never guessed.
"""

import datetime as dt
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agritwin.errors import DataError

TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"]|\"\")*\")"
    r"|(?P<reference>(?:(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!)?"
    r"\$?[A-Z]{1,3}(?:\$?\d{1,7}(?::\$?[A-Z]{1,3}\$?\d{1,7})?|:\$?[A-Z]{1,3}))(?![A-Z0-9(])"
    r"|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Z_][A-Z0-9_.]*)(?=\()|(?P<truth>TRUE|FALSE)"
    r"|(?P<sign><>|<=|>=|[=<>&(),;]))",
    re.IGNORECASE,
)
DEEPEST = 20
SPREADSHEET_ZERO = dt.datetime(1899, 12, 30)
"""Spreadsheets count days from here."""

COMPARISONS = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip

Value = str | float | bool | dt.date | None
Formula = Callable[[], "Value | Area"]


class Cells(Protocol):
    """What formulas see of a workbook: rows and columns count from 0, ``sheet`` is a name."""

    def value(self, sheet: str, row: int, column: int) -> Value:
        """Return the value of a cell, computed where it is a formula."""
        ...

    def shape(self, sheet: str) -> tuple[int, int]:
        """Return how many rows and columns of a sheet are in use; none where there is no such sheet."""
        ...

    def places(self, area: "Area") -> dict[tuple[str, str | float | bool], int]:
        """Return which cell of an area, row by row, first holds each value, by :func:`alike`."""
        ...


@dataclass(frozen=True)
class Area:
    """The cells from (top, left) up to, not including, (bottom, right) of a sheet; only as far as it is in use."""

    cells: Cells
    sheet: str
    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """How many rows."""
        return max(self.bottom - self.top, 0)

    @property
    def width(self) -> int:
        """How many columns."""
        return max(self.right - self.left, 0)

    def value(self, row: int, column: int) -> Value:
        """Return the value of a cell, counted from the corner of the area."""
        if not (0 <= row < self.height and 0 <= column < self.width):
            raise CellError("#REF!")
        return self.cells.value(self.sheet, self.top + row, self.left + column)

    def column(self, place: int) -> "Area":
        """Return one column."""
        return Area(self.cells, self.sheet, self.top, self.left + place, self.bottom, self.left + place + 1)


class CellError(Exception):
    """An error value such as ``#VALUE!``, which functions like ISNUMBER may catch."""


def evaluate(formula: str, cells: Cells, sheet: str) -> Value:
    """Compute a formula.

    Parameters
    ----------
    formula
        With or without the leading ``=``; English function names, as workbooks store them.
    cells
        The workbook.
    sheet
        Name of the sheet in which the formula stands.

    Raises
    ------
    DataError
        When the formula uses anything that is not understood here, or ends in an error value.
    """
    parser = _Parser(formula.removeprefix("="), cells, sheet)
    try:
        value = _one(parser.expression(0))
    except CellError as error:
        raise DataError(f"The formula {formula!r} gives {error}.", "Replace it by its value.") from error
    if parser.position != len(parser.tokens):
        raise DataError(f"The formula {formula!r} is not understood.", "Replace it by its value.")
    return value


class _Parser:
    def __init__(self, text: str, cells: Cells, sheet: str) -> None:
        self.text, self.cells, self.sheet, self.position = text, cells, sheet, 0
        self.tokens: list[tuple[str, str]] = []
        end = 0
        while text[end:].strip():
            token = TOKEN.match(text, end)
            if token is None:
                raise DataError(f"The formula {text!r} is not understood.", "Replace it by its value.")
            self.tokens.append((str(token.lastgroup), str(token[token.lastgroup or 0])))
            end = token.end()

    def expression(self, depth: int) -> Formula:
        """``joined`` or ``joined = joined``."""
        if depth > DEEPEST:
            raise DataError("A formula is nested too deeply.", "Replace it by its value.")
        left = self.joined(depth)
        sign = self.take(*COMPARISONS)
        if sign is None:
            return left
        right = self.joined(depth)
        return lambda: _compare(_one(left), sign, _one(right))

    def joined(self, depth: int) -> Formula:
        parts = [self.term(depth)]
        while self.take("&"):
            parts.append(self.term(depth))
        return parts[0] if len(parts) == 1 else lambda: "".join(map(_text, parts))

    def term(self, depth: int) -> Formula:
        if self.position == len(self.tokens):
            raise DataError(f"The formula {self.text!r} ends too early.", "Replace it by its value.")
        kind, token = self.tokens[self.position]
        self.position += 1
        if kind == "text":
            return lambda: token[1:-1].replace('""', '"')
        if kind == "number":
            return lambda: float(token)
        if kind == "truth":
            return lambda: token.upper() == "TRUE"
        if kind == "reference":
            return self.reference(token)
        if kind == "name":
            return self.call(token.upper().removeprefix("_XLFN."), depth)
        if token == "(":
            inner = self.expression(depth + 1)
            self.expect(")")
            return inner
        raise DataError(f"The formula {self.text!r} is not understood at {token!r}.", "Replace it by its value.")

    def reference(self, token: str) -> Formula:
        """A cell, or an area of which only what is in use counts."""
        named, _, place = token.rpartition("!")
        sheet = named.removeprefix("'").removesuffix("'").replace("''", "'") or self.sheet
        first, colon, last = place.replace("$", "").upper().partition(":")
        (top, left), (bottom, right) = address(first), address(last or first)
        if not colon:
            return lambda: self.cells.value(sheet, top or 0, left)
        rows, columns = self.cells.shape(sheet)
        until = rows if bottom is None else min(bottom + 1, rows)
        area = Area(self.cells, sheet, top or 0, left, until, min(right + 1, columns))
        return lambda: area

    def call(self, name: str, depth: int) -> Formula:
        if name not in FUNCTIONS:
            raise DataError(f"The function {name} is not computed here.", "Replace the formula by its value.")
        self.expect("(")
        arguments: list[Formula] = []
        if not self.take(")"):
            arguments.append(self.expression(depth + 1))
            while self.take(",", ";"):
                arguments.append(self.expression(depth + 1))
            self.expect(")")
        least, most, function = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise DataError(f"The function {name} has {len(arguments)} arguments.", "Replace the formula by its value.")
        return lambda: function(*arguments)

    def take(self, *signs: str) -> str | None:
        if self.position < len(self.tokens):
            kind, token = self.tokens[self.position]
            if kind == "sign" and token in signs:
                self.position += 1
                return token
        return None

    def expect(self, sign: str) -> None:
        if self.take(sign) is None:
            raise DataError(f"The formula {self.text!r} lacks {sign!r}.", "Replace it by its value.")


def address(reference: str) -> tuple[int | None, int]:
    """Return row (None for a whole column) and column of ``B7`` or ``B``."""
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    digits = reference.removeprefix(letters)
    return int(digits) - 1 if digits else None, column - 1


def _one(formula: Formula) -> Value:
    """Return the value of a formula that is to give one, and no area."""
    value = formula()
    if isinstance(value, Area):
        raise CellError("#VALUE!")
    return value


def alike(value: Value) -> tuple[str, str | float | bool]:
    """Return what two cells share that a lookup takes for equal: letters in any case, a day and its number."""
    written = _serial(value)
    if isinstance(written, str):
        return "text", written.casefold()
    return ("truth", written) if isinstance(written, bool) else ("number", float(written or 0))


def _serial(value: Value) -> str | float | bool | None:
    """Return a day as the number that a spreadsheet has for it, anything else as it is."""
    if not isinstance(value, dt.date):
        return value
    moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    return (moment - SPREADSHEET_ZERO) / dt.timedelta(days=1)


def _text(formula: Formula) -> str:
    return _written(_serial(_one(formula)))


def _written(value: str | float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return f"{value:.15g}" if isinstance(value, float | int) else value


def _compare(first: Value, sign: str, second: Value) -> bool:
    """Compare as text where one of both is text, else as numbers."""
    a, b = _serial(first), _serial(second)
    if isinstance(a, str) or isinstance(b, str):
        return COMPARISONS[sign](_written(a).casefold(), _written(b).casefold())
    return COMPARISONS[sign](a or 0, b or 0)


def _if(condition: Formula, yes: Formula, no: Formula = lambda: False) -> Value:
    return _one(yes) if _one(condition) else _one(no)


def _is_number(value: Formula) -> bool:
    try:
        found = _serial(_one(value))
    except CellError:
        return False
    return isinstance(found, int | float) and not isinstance(found, bool)


def _if_error(value: Formula, instead: Formula) -> Value:
    try:
        return _one(value)
    except CellError:
        return _one(instead)


def _if_missing(value: Formula, instead: Formula) -> Value:
    try:
        return _one(value)
    except CellError as error:
        if not str(error).startswith("#N/A"):
            raise
        return _one(instead)


def _search(wanted: Formula, within: Formula) -> float:
    found = _text(within).casefold().find(_text(wanted).casefold())
    if found < 0:
        raise CellError("#VALUE!")
    return float(found + 1)


def _left(text: Formula, count: Formula = lambda: 1.0) -> str:
    return _text(text)[: _count(count)]


def _right(text: Formula, count: Formula = lambda: 1.0) -> str:
    return _text(text)[-_count(count) :] if _count(count) else ""


def _count(count: Formula) -> int:
    value = _one(count)
    if not isinstance(value, int | float) or value < 0:
        raise CellError("#VALUE!")
    return int(value)


def _area(formula: Formula) -> Area:
    value = formula()
    if not isinstance(value, Area):
        raise DataError("A lookup names no range of cells.", "Replace the formula by its value.")
    return value


def _place(wanted: Formula, area: Area) -> int:
    """Return where in a row or column a value stands first, as lookups that are to be exact find it."""
    value = _one(wanted)
    if isinstance(value, str) and set(value) & set("*?~"):
        raise DataError("A lookup with wildcards is not computed here.", "Replace the formula by its value.")
    place = area.cells.places(area).get(alike(value))
    if place is None:
        raise CellError(f"#N/A: {_written(_serial(value))!r} is not in the list")
    return place


def _check_exact(nearest: Formula) -> None:
    if _one(nearest):
        raise DataError("A lookup of the nearest value is not computed here.", "Look for the exact one: FALSE or 0.")


def _vlookup(wanted: Formula, table: Formula, column: Formula, nearest: Formula = lambda: True) -> Value:
    _check_exact(nearest)
    area = _area(table)
    return area.value(_place(wanted, area.column(0)), _count(column) - 1)


def _match(wanted: Formula, within: Formula, nearest: Formula = lambda: 1.0) -> float:
    _check_exact(nearest)
    return float(_place(wanted, _area(within)) + 1)


def _index(table: Formula, row: Formula, column: Formula | None = None) -> Value:
    """Return a cell of an area by row and column; of a single row or column, by the one number that is given."""
    area, place = _area(table), _count(row)
    if column is not None:
        return area.value(place - 1, _count(column) - 1)
    return area.value(0, place - 1) if area.height == 1 else area.value(place - 1, 0)


def _xlookup(wanted: Formula, within: Formula, results: Formula, instead: Formula | None = None) -> Value:
    found, area = _area(within), _area(results)
    try:
        place = _place(wanted, found)
    except CellError:
        if instead is None:
            raise
        return _one(instead)
    return area.value(place, 0) if found.width == 1 else area.value(0, place)


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "IF": (2, 3, _if),
    "IFERROR": (2, 2, _if_error),
    "IFNA": (2, 2, _if_missing),
    "ISNUMBER": (1, 1, _is_number),
    "SEARCH": (2, 2, _search),
    "CONCATENATE": (1, 255, lambda *parts: "".join(map(_text, parts))),
    "CONCAT": (1, 255, lambda *parts: "".join(map(_text, parts))),
    "TRIM": (1, 1, lambda text: " ".join(_text(text).split())),
    "UPPER": (1, 1, lambda text: _text(text).upper()),
    "LOWER": (1, 1, lambda text: _text(text).lower()),
    "LEFT": (1, 2, _left),
    "RIGHT": (1, 2, _right),
    "AND": (1, 255, lambda *conditions: all(_one(condition) for condition in conditions)),
    "VLOOKUP": (3, 4, _vlookup),
    "MATCH": (2, 3, _match),
    "INDEX": (2, 3, _index),
    "XLOOKUP": (3, 4, _xlookup),
    "OR": (1, 255, lambda *conditions: any(_one(condition) for condition in conditions)),
}
"""Name -> fewest and most arguments, and the function over unevaluated arguments."""
