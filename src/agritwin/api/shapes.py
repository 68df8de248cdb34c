"""Shapes that several endpoints share; names and fields are those of DTBase, so that its clients work unchanged."""

import datetime as dt
import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, StringConstraints

from agritwin.records.values import LARGEST, SMALLEST

ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
EARLIEST, LATEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)


def iso(written: Any) -> Any:
    """Return a moment as written in ISO 8601; a bare number, of whatever unit, is none."""
    if not isinstance(written, str) or not ISO_DAY.match(written):
        raise ValueError("is no moment in ISO 8601, such as 2025-06-01T12:00:00Z")
    return written


def in_utc(moment: dt.datetime) -> dt.datetime:
    """Return a moment in UTC; one without a zone is UTC already."""
    try:
        aware = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error
    if not EARLIEST <= aware <= LATEST:
        raise ValueError("lies outside of the years 1900 to 2200")
    return aware


def storable(value: Any) -> Any:
    """Return JSON that databases and UTF-8 can hold: no zero characters, half characters or infinite numbers."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    if "\\u0000" in text:
        raise ValueError("holds a zero character")
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
Unit = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")]
TwinId = Annotated[str, StringConstraints(max_length=64, pattern=r"^([0-9]+(-[0-9]+)+|[a-z][a-z0-9]*(-[a-z0-9]+)*)$")]
Moment = Annotated[
    dt.datetime,
    BeforeValidator(iso),
    AfterValidator(in_utc),
    Field(description="ISO 8601; without a zone it is UTC"),
]
Whole = Annotated[int, Field(ge=SMALLEST, le=LARGEST)]
Value = bool | Whole | FiniteFloat | Text
Datatype = Literal["string", "float", "integer", "boolean"]
Parameters = Annotated[dict[str, Any], AfterValidator(storable)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Shape(BaseModel):
    """A body; fields that are not known are left aside, as DTBase does."""

    model_config = ConfigDict(protected_namespaces=())


class Message(Shape):
    """What was done; ``warnings`` only where there are some."""

    detail: str
    warnings: list[str] | None = None


class UserIdentifier(Shape):
    """A user by the address."""

    email: Name


class LoginCredentials(Shape):
    """Address and password."""

    email: Name
    password: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class TokenPair(Shape):
    """A token for requests, and one that is exchanged for the next pair."""

    access_token: str
    refresh_token: str


class LocationIdentifier(Shape):
    """A coordinate by which places are identified."""

    name: Name
    units: Unit | None
    datatype: Datatype


class LocationSchema(Shape):
    """A kind of place."""

    name: Name
    description: Text | None
    identifiers: Annotated[list[LocationIdentifier], Field(max_length=200)]


Coordinates = Annotated[dict[str, Value], AfterValidator(storable)]


class Measure(Shape):
    """What is measured, in which unit."""

    name: Name
    units: Unit | None
    datatype: Datatype


class MeasureIdentifier(Shape):
    """A measure by name and unit."""

    name: Name
    units: Unit | None


def milliseconds(moment: dt.datetime) -> int:
    """Return whole milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def moment(milliseconds_: int) -> dt.datetime:
    """Return the moment, in UTC, of milliseconds since 1970."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=milliseconds_)
