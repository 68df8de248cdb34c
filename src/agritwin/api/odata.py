"""The query options of OGC SensorThings 1.1 (section 9.3): read from an address, applied to rows or to SQL."""

import datetime as dt
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from agritwin.api.errors import UnknownError
from agritwin.api.shapes import in_utc, milliseconds

DEFAULT_TOP, MOST, DEEPEST = 100, 10_000, 8
OPTIONS = {"$top", "$skip", "$count", "$orderby", "$filter", "$select", "$expand", "$resultFormat"}
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
TOKEN = re.compile(
    r"\s*(?:(?P<time>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+\- ]\d\d:\d\d)?)|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|'(?P<text>(?:[^']|'')*)'|(?P<word>[A-Za-z_@][\w./]*)|(?P<sign>[(),]))"
)

Node = tuple[Any, ...]
"""A filter as a tree: ``('and', a, b)``, ``('or', a, b)``, ``('not', a)``, ``('eq', path, value)``,
``('startswith', path, text)``, and so on."""


class QueryError(UnknownError):
    """A query option that cannot be understood (the standard asks for 400)."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "Supported are $top, $skip, $count, $orderby, $filter, $select and $expand.")


@dataclass(frozen=True)
class Options:
    """What an address asks for."""

    top: int = DEFAULT_TOP
    skip: int = 0
    count: bool = False
    order: tuple[tuple[str, bool], ...] = ()  # property, whether descending
    filter: Node | None = None
    select: tuple[str, ...] = ()
    expand: tuple[tuple[str, "Options"], ...] = ()


def options(given: Mapping[str, str], depth: int = 0) -> Options:
    """Read query options.

    Raises
    ------
    QueryError
        For an option that is unknown or wrong.
    """
    if depth > DEEPEST:
        raise QueryError("$expand is nested too deeply.")
    if unknown := sorted(set(given) - OPTIONS):
        raise QueryError(f"There is no option {unknown[0]!r}.")
    return Options(
        top=min(_whole(given, "$top", DEFAULT_TOP), MOST),
        skip=_whole(given, "$skip", 0),
        count=_truth(given.get("$count", "false")),
        order=tuple(_order(part) for part in _parts(given.get("$orderby", ""), ",")),
        filter=parse(given["$filter"]) if given.get("$filter") else None,
        select=tuple(_parts(given.get("$select", ""), ",")),
        expand=_expands(given.get("$expand", ""), depth),
    )


def parse(text: str) -> Node:
    """Read a filter.

    Raises
    ------
    QueryError
        Where it cannot be understood.
    """
    tokens = _tokens(text)
    node, rest = _either(tokens, 0)
    if rest != len(tokens):
        raise QueryError(f"$filter ends unexpectedly before {tokens[rest][1]!r}.")
    return node


def holds(node: Node, value_of: Callable[[str], Any]) -> bool:
    """Tell whether a filter holds for a row whose properties ``value_of`` gives."""
    kind = node[0]
    if kind in ("and", "or"):
        return (all if kind == "and" else any)(holds(part, value_of) for part in node[1:])
    if kind == "not":
        return not holds(node[1], value_of)
    found, wanted = value_of(node[1]), node[2]
    if kind in TEXTS:
        return isinstance(found, str) and isinstance(wanted, str) and TEXTS[kind](found, wanted)
    if isinstance(wanted, dt.datetime) and isinstance(found, str):
        found = _moment(found)
    if kind in ("eq", "ne") or (isinstance(found, int | float) and isinstance(wanted, int | float)):
        return bool(COMPARE[kind](found, wanted))
    return type(found) is type(wanted) and found is not None and bool(COMPARE[kind](found, wanted))


TEXTS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "substringof": lambda found, wanted: wanted in found,
}


def clause(node: Node, columns: Mapping[str, Callable[[str, Any], sa.ColumnElement[bool]]]) -> sa.ColumnElement[bool]:
    """Return a filter as SQL; ``columns`` makes a comparison of each property that may be asked for.

    Raises
    ------
    QueryError
        For a property that is not among them.
    """
    kind = node[0]
    if kind in ("and", "or"):
        return (sa.and_ if kind == "and" else sa.or_)(*(clause(part, columns) for part in node[1:]))
    if kind == "not":
        return sa.not_(clause(node[1], columns))
    if node[1] not in columns or kind not in COMPARE:
        raise QueryError(f"$filter cannot ask for {kind} of {node[1]!r} here.")
    return columns[node[1]](kind, node[2])


def by_number(column: Any) -> Callable[[str, Any], sa.ColumnElement[bool]]:
    """Make comparisons of a column of numbers."""

    def compare(kind: str, wanted: Any) -> sa.ColumnElement[bool]:
        if isinstance(wanted, bool):
            wanted = int(wanted)
        if not isinstance(wanted, int | float):
            raise QueryError(f"{wanted!r} is no number.")
        return COMPARE[kind](column, float(wanted))

    return compare


def by_moment(column: Any) -> Callable[[str, Any], sa.ColumnElement[bool]]:
    """Make comparisons of a column of milliseconds with moments."""

    def compare(kind: str, wanted: Any) -> sa.ColumnElement[bool]:
        if not isinstance(wanted, dt.datetime):
            raise QueryError(f"{wanted!r} is no time.")
        return COMPARE[kind](column, milliseconds(wanted))

    return compare


def _either(tokens: list[tuple[str, Any]], at: int, depth: int = 0) -> tuple[Node, int]:
    left, at = _both(tokens, at, depth)
    while at < len(tokens) and tokens[at] == ("word", "or"):
        right, at = _both(tokens, at + 1, depth)
        left = ("or", left, right)
    return left, at


def _both(tokens: list[tuple[str, Any]], at: int, depth: int) -> tuple[Node, int]:
    left, at = _single(tokens, at, depth)
    while at < len(tokens) and tokens[at] == ("word", "and"):
        right, at = _single(tokens, at + 1, depth)
        left = ("and", left, right)
    return left, at


def _single(tokens: list[tuple[str, Any]], at: int, depth: int) -> tuple[Node, int]:
    if depth > DEEPEST:
        raise QueryError("$filter is nested too deeply.")
    kind, word = _at(tokens, at)
    if (kind, word) == ("word", "not"):
        inner, at = _single(tokens, at + 1, depth + 1)
        return ("not", inner), at
    if (kind, word) == ("sign", "("):
        inner, at = _either(tokens, at + 1, depth + 1)
        _expect(tokens, at, ")")
        return inner, at + 1
    if kind == "word" and word in TEXTS:
        return _function(tokens, at)
    left, how, right = _at(tokens, at), _at(tokens, at + 1), _at(tokens, at + 2)
    if how[0] != "word" or how[1] not in COMPARE:
        raise QueryError(f"$filter has {how[1]!r} where a comparison is expected.")
    if left[0] != "word" and right[0] == "word":  # 5 lt result
        turned = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
        left, how, right = right, ("word", turned.get(how[1], how[1])), left
    if left[0] != "word":
        raise QueryError("$filter compares no property.")
    return (how[1], left[1], _literal(right)), at + 3


def _function(tokens: list[tuple[str, Any]], at: int) -> tuple[Node, int]:
    name = tokens[at][1]
    _expect(tokens, at + 1, "(")
    _expect(tokens, at + 3, ",")
    _expect(tokens, at + 5, ")")
    first, second = _at(tokens, at + 2), _at(tokens, at + 4)
    path, text = (second, first) if name == "substringof" else (first, second)
    if path[0] != "word" or text[0] != "text":
        raise QueryError(f"{name} takes a property and a text.")
    at += 6
    if at < len(tokens) and tokens[at] == ("word", "eq"):  # OData also writes: startswith(name,'a') eq true
        if _at(tokens, at + 1) not in (("word", "true"), ("word", "false")):
            raise QueryError(f"{name} is true or false.")
        node: Node = (name, path[1], text[1])
        return (node if tokens[at + 1][1] == "true" else ("not", node)), at + 2
    return (name, path[1], text[1]), at


def _tokens(text: str) -> list[tuple[str, Any]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise QueryError(f"$filter cannot be understood from {text[at : at + 20]!r} on.")
        kind, raw = match.lastgroup, match[match.lastgroup]
        if kind == "time":
            found.append((kind, _moment(raw.replace(" ", "+"))))
        elif kind == "number":
            found.append((kind, float(raw) if re.search(r"[.eE]", raw) else int(raw[:20])))
        else:
            found.append((kind, raw.replace("''", "'") if kind == "text" else raw))
        at = match.end()
    return found


def _at(tokens: list[tuple[str, Any]], at: int) -> tuple[str, Any]:
    if at >= len(tokens):
        raise QueryError("$filter ends too early.")
    return tokens[at]


def _expect(tokens: list[tuple[str, Any]], at: int, sign: str) -> None:
    if _at(tokens, at) != ("sign", sign):
        raise QueryError(f"$filter lacks {sign!r}.")


def _literal(token: tuple[str, Any]) -> Any:
    kind, value = token
    if kind == "word":
        if value not in ("true", "false", "null"):
            raise QueryError(f"{value!r} is no value; texts stand in quotes.")
        return {"true": True, "false": False, "null": None}[value]
    if kind == "sign":
        raise QueryError(f"$filter has {value!r} where a value is expected.")
    return value


def _moment(text: str) -> dt.datetime:
    try:
        return in_utc(dt.datetime.fromisoformat(text))
    except ValueError as error:
        raise QueryError(f"{text!r} is no time.") from error


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if re.fullmatch(r"\d{1,9}", text, re.ASCII) is None:
        raise QueryError(f"{name} is {text!r}, not a whole number.")
    return int(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise QueryError(f"$count is {text!r}, neither true nor false.")
    return text == "true"


def _order(part: str) -> tuple[str, bool]:
    name, _, how = part.partition(" ")
    if how.strip() not in ("", "asc", "desc"):
        raise QueryError(f"$orderby knows asc and desc, not {how!r}.")
    return name, how.strip() == "desc"


def _expands(text: str, depth: int) -> tuple[tuple[str, Options], ...]:
    found = []
    for part in _parts(text, ","):
        match = re.fullmatch(r"([A-Za-z]+)(?:\((.*)\))?(?:/(.+))?", part, re.DOTALL)
        if match is None:
            raise QueryError(f"$expand cannot be understood: {part!r}.")
        name, inner, deeper = match.groups()
        given = dict(_pair(each) for each in _parts(inner or "", ";"))
        if deeper:
            given["$expand"] = ",".join(filter(None, (given.get("$expand"), deeper)))
        found.append((name, options(given, depth + 1)))
    return tuple(found)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise QueryError(f"$expand cannot be understood: {text!r}.")
    return name.strip(), value


def _parts(text: str, separator: str) -> list[str]:
    """Split at separators that stand outside of parentheses and quotes."""
    parts, depth, quoted, begin = [], 0, False, 0
    for at, sign in enumerate(text):
        if sign == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(sign, 0)
            if sign == separator and depth == 0:
                parts.append(text[begin:at])
                begin = at + 1
    parts.append(text[begin:])
    return [part.strip() for part in parts if part.strip()]
