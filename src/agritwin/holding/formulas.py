"""The few formulas that holdings build ids with, computed where a workbook carries no cached value.

A small reader of expressions: text, numbers, cell references, ``&``, comparisons and the functions in ``FUNCTIONS``.
Anything else is reported, never guessed.
"""

import datetime as dt
import re
from collections.abc import Callable

from agritwin.errors import DataError

TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"]|\"\")*\")|(?P<number>\d+(?:\.\d+)?)|(?P<reference>\$?[A-Z]{1,3}\$?\d{1,7})(?![A-Z0-9(])"
    r"|(?P<name>[A-Z][A-Z0-9.]*)(?=\()|(?P<truth>TRUE|FALSE)|(?P<sign><>|<=|>=|[=<>&(),;]))",
    re.IGNORECASE,
)
DEEPEST = 20
SPREADSHEET_ZERO = dt.datetime(1899, 12, 30)
"""Spreadsheets count days from here."""

Value = str | float | bool | dt.date | None
Lookup = Callable[[int, int], Value]
Formula = Callable[[], Value]


class CellError(Exception):
    """An error value such as ``#VALUE!``, which functions like ISNUMBER may catch."""


def evaluate(formula: str, cell: Lookup) -> Value:
    """Compute a formula.

    Parameters
    ----------
    formula
        With or without the leading ``=``; English function names, as workbooks store them.
    cell
        Value of the cell (row, column), both from 0.

    Raises
    ------
    DataError
        When the formula uses anything that is not understood here, or ends in an error value.
    """
    parser = _Parser(formula.removeprefix("="), cell)
    try:
        value = parser.expression(0)()
    except CellError as error:
        raise DataError(f"The formula {formula!r} gives {error}.", "Replace it by its value.") from error
    if parser.position != len(parser.tokens):
        raise DataError(f"The formula {formula!r} is not understood.", "Replace it by its value.")
    return value


class _Parser:
    def __init__(self, text: str, cell: Lookup) -> None:
        self.text, self.cell, self.position = text, cell, 0
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
        operator = self.take("=", "<>", "<", ">", "<=", ">=")
        if operator is None:
            return left
        right = self.joined(depth)
        return lambda: _compare(left(), operator, right())

    def joined(self, depth: int) -> Formula:
        parts = [self.term(depth)]
        while self.take("&"):
            parts.append(self.term(depth))
        return parts[0] if len(parts) == 1 else lambda: "".join(_text(part()) for part in parts)

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
            row, column = _address(token)
            return lambda: self.cell(row, column)
        if kind == "name":
            return self.call(token.upper(), depth)
        if token == "(":
            inner = self.expression(depth + 1)
            self.expect(")")
            return inner
        raise DataError(f"The formula {self.text!r} is not understood at {token!r}.", "Replace it by its value.")

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


def _address(reference: str) -> tuple[int, int]:
    letters, digits = re.findall(r"[A-Z]+|\d+", reference.upper())
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(digits) - 1, column - 1


def _serial(value: Value) -> str | float | bool | None:
    """Return a day as the number that a spreadsheet has for it, anything else as it is."""
    if not isinstance(value, dt.date):
        return value
    moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    return (moment - SPREADSHEET_ZERO) / dt.timedelta(days=1)


def _text(written: Value) -> str:
    value = _serial(written)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return f"{value:.15g}" if isinstance(value, float | int) else value


def _compare(first: Value, operator: str, second: Value) -> bool:
    left, right = _serial(first), _serial(second)
    if isinstance(left, str) or isinstance(right, str):
        left, right = _text(left).casefold(), _text(right).casefold()
    a, b = left or 0, right or 0
    if isinstance(left, str):
        a, b = left, right
    return {"=": a == b, "<>": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator]  # type: ignore[operator]


def _if(condition: Formula, yes: Formula, no: Formula = lambda: False) -> Value:
    return yes() if condition() else no()


def _is_number(value: Formula) -> bool:
    try:
        found = _serial(value())
    except CellError:
        return False
    return isinstance(found, int | float) and not isinstance(found, bool)


def _if_error(value: Formula, instead: Formula) -> Value:
    try:
        return value()
    except CellError:
        return instead()


def _search(wanted: Formula, within: Formula) -> float:
    found = _text(within()).casefold().find(_text(wanted()).casefold())
    if found < 0:
        raise CellError("#VALUE!")
    return float(found + 1)


def _left(text: Formula, count: Formula = lambda: 1.0) -> str:
    return _text(text())[: _count(count)]


def _right(text: Formula, count: Formula = lambda: 1.0) -> str:
    return _text(text())[-_count(count) :] if _count(count) else ""


def _count(count: Formula) -> int:
    value = count()
    if not isinstance(value, int | float) or value < 0:
        raise CellError("#VALUE!")
    return int(value)


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "IF": (2, 3, _if),
    "IFERROR": (2, 2, _if_error),
    "ISNUMBER": (1, 1, _is_number),
    "SEARCH": (2, 2, _search),
    "CONCATENATE": (1, 255, lambda *parts: "".join(_text(part()) for part in parts)),
    "CONCAT": (1, 255, lambda *parts: "".join(_text(part()) for part in parts)),
    "TRIM": (1, 1, lambda text: " ".join(_text(text()).split())),
    "UPPER": (1, 1, lambda text: _text(text()).upper()),
    "LOWER": (1, 1, lambda text: _text(text()).lower()),
    "LEFT": (1, 2, _left),
    "RIGHT": (1, 2, _right),
    "AND": (1, 255, lambda *conditions: all(condition() for condition in conditions)),
    "OR": (1, 255, lambda *conditions: any(condition() for condition in conditions)),
}
"""Name -> fewest and most arguments, and the function over unevaluated arguments."""
