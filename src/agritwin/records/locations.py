"""Places of any kind: farm, field, zone, row, tree, point; each kind is a schema of typed fields with units."""

import datetime as dt
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from agritwin.config import read_model
from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import insert, writing
from agritwin.records.measures import canonical_unit
from agritwin.records.queries import frame


class Field(BaseModel):
    """What a field of a place holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["float", "int", "string", "bool"]
    unit: str | None = None


class Kind(BaseModel):
    """A kind of place, as its file says it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    fields: dict[str, Field] = {}


TYPES: dict[str, type | tuple[type, ...]] = {"float": (int, float), "int": int, "string": str, "bool": bool}


def define_kind(engine: sa.Engine, file: Path) -> Kind:
    """Define the kind of place that a YAML file states.

    Raises
    ------
    ConfigError, DataError
        When the file says something that is not understood, or places of that kind do not fit.
    """
    kind = read_model(file, Kind, "kind of place", "Write one; see config/places.")
    fields = {name: field.model_dump(exclude_none=True) for name, field in kind.fields.items()}
    define_schema(engine, kind.name, fields, kind.description)
    return kind


def define_schema(engine: sa.Engine, name: str, fields: dict[str, dict[str, str]], description: str = "") -> None:
    """Define a kind of place, or define it anew as long as no place of it breaks the new fields.

    Parameters
    ----------
    engine
        Record store.
    name
        Kind of place.
    fields
        Field -> ``{"type": "float" | "int" | "string" | "bool", "unit": ...}``; the unit may be left out.

    Raises
    ------
    DataError
        For an unknown type, a unit that is none, or existing places that do not fit.
    """
    checked = {}
    for field, about in fields.items():
        if about.get("type") not in TYPES:
            raise DataError(f"Field {field!r} has the type {about.get('type')!r}.", f"Use one of {', '.join(TYPES)}.")
        unit = about.get("unit")
        checked[field] = {"type": about["type"], "unit": None if unit is None else canonical_unit(unit)}
    c = t.location_schemas.c
    with writing(engine) as connection:
        for row in connection.execute(sa.select(t.locations).where(t.locations.c.schema == name)).mappings():
            _check_values(name, checked, row["values"])
        known = connection.execute(sa.select(c.name).where(c.name == name)).first()
        content = {"description": description, "fields": checked}
        if known:
            connection.execute(sa.update(t.location_schemas).where(c.name == name).values(**content))
        else:
            connection.execute(sa.insert(t.location_schemas).values(name=name, **content))


def fields_of(connection: sa.Connection, schema: str) -> dict[str, dict[str, str]]:
    """Return the fields of a kind of place.

    Raises
    ------
    DataError
        When there is no such kind.
    """
    c = t.location_schemas.c
    known = dict(connection.execute(sa.select(c.name, c.fields).order_by(c.name)).tuples().all())
    if schema not in known:
        raise DataError(f"There is no kind of place {schema!r}.", f"Define it; known: {', '.join(known) or 'none'}.")
    return known[schema]


def add_location(
    engine: sa.Engine,
    schema: str,
    name: str,
    values: dict[str, Any],
    *,
    twin_id: str | None = None,
    parent_id: int | None = None,
    geometry: dict[str, Any] | None = None,
    valid_from: dt.date | None = None,
    valid_to: dt.date | None = None,
) -> int:
    """Add a place and return its number.

    Raises
    ------
    DataError
        When the kind is unknown, a value is missing, unknown or of the wrong type, or the place is there already.
    """
    with writing(engine) as connection:
        _check_values(schema, fields_of(connection, schema), values)
        c = t.locations.c
        there = sa.select(c.id).where(c.schema == schema, c.name == name, c.twin_id.is_not_distinct_from(twin_id))
        if connection.execute(there).first():
            raise DataError(f"The {schema} {name!r} is there already.", "Choose another name.")
        if twin_id is not None:
            connection.execute(insert(connection, t.twins).on_conflict_do_nothing(), {"id": twin_id})
        if parent_id is not None and connection.scalar(sa.select(c.id).where(c.id == parent_id)) is None:
            raise DataError(f"There is no place {parent_id}.", "List the places.")
        row = {"schema": schema, "name": name, "values": values, "twin_id": twin_id, "parent_id": parent_id}
        row |= {"geometry": geometry, "valid_from": valid_from, "valid_to": valid_to}
        return connection.execute(sa.insert(t.locations).values(**row).returning(c.id)).scalar_one()


def locations(engine: sa.Engine, twin_id: str | None = None, on: dt.date | None = None) -> pd.DataFrame:
    """Return places, of one twin or all, those that exist on a day or ever."""
    c = t.locations.c
    select = sa.select(t.locations).order_by(c.id)
    if twin_id is not None:
        select = select.where(c.twin_id == twin_id)
    if on is not None:
        select = select.where(
            sa.or_(c.valid_from.is_(None), c.valid_from <= on), sa.or_(c.valid_to.is_(None), c.valid_to >= on)
        )
    return frame(engine, select)


def _check_values(schema: str, fields: dict[str, dict[str, str]], values: dict[str, Any]) -> None:
    if set(values) != set(fields):
        wrong = sorted(set(values) ^ set(fields))
        raise DataError(f"A {schema} has the fields {sorted(fields)}; {wrong} do not agree.", "Give exactly these.")
    for field, value in values.items():
        kind = fields[field]["type"]
        if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise DataError(f"{field} of a {schema} is {value!r}.", f"It has to be of type {kind}.")
