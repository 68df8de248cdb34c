"""Places by the coordinates that their kind demands."""

from typing import Any

import sqlalchemy as sa

from agritwin.api.errors import ConflictError, RefusalError, UnknownError
from agritwin.api.shapes import LocationIdentifier
from agritwin.records import tables as t
from agritwin.records.database import insert
from agritwin.records.spellings import DATATYPES, WRITTEN, unit_of
from agritwin.records.values import LARGEST, SMALLEST

PYTHON: dict[str, tuple[type, ...]] = {"string": (str,), "float": (int, float), "int": (int, float), "bool": (bool,)}


def fields_of(identifiers: list[LocationIdentifier]) -> dict[str, dict[str, str | None]]:
    """Return the fields of a kind of place: store's type and unit, and the unit as written."""
    names = [identifier.name for identifier in identifiers]
    if len(set(names)) != len(names):
        raise RefusalError("An identifier is named twice.", "Name each identifier once.")
    return {
        identifier.name: {
            "type": DATATYPES[identifier.datatype],
            "unit": unit_of(identifier.units),
            "written": identifier.units,
        }
        for identifier in identifiers
    }


def identifiers(fields: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return fields as identifiers, in order of their names."""
    return [
        {"name": name, "units": about.get("written", about["unit"]), "datatype": WRITTEN[about["type"]]}
        for name, about in sorted(fields.items())
    ]


def schemas(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return all kinds of places."""
    rows = connection.execute(sa.select(t.location_schemas).order_by(t.location_schemas.c.name)).mappings()
    return [_schema(row) for row in rows]


def schema(connection: sa.Connection, name: str) -> dict[str, Any]:
    """Return a kind of place.

    Raises
    ------
    UnknownError
        When there is none of that name.
    """
    row = _find_schema(connection, name)
    if row is None:
        raise UnknownError("No such schema", "List the schemas.")
    return _schema(row)


def add_schema(connection: sa.Connection, name: str, description: str | None, fields: dict[str, Any]) -> None:
    """Define a kind of place.

    Raises
    ------
    ConflictError
        When the name is taken.
    """
    if _find_schema(connection, name) is not None:
        raise ConflictError("LocationSchema exists already", "Choose another name.")
    row = {"name": name, "description": description or "", "fields": fields}
    connection.execute(sa.insert(t.location_schemas).values(**row))


def ensure_schema(connection: sa.Connection, name: str, fields: dict[str, Any]) -> None:
    """Define a kind of place unless it is there; another one under the same name is a conflict."""
    known = _find_schema(connection, name)
    if known is None:
        add_schema(connection, name, name, fields)
    elif {key: (about["type"], about["unit"]) for key, about in known["fields"].items()} != {
        key: (about["type"], about["unit"]) for key, about in fields.items()
    }:
        raise ConflictError(f"The schema {name!r} has other units or types.", "Give the identifiers other names.")


def delete_schema(connection: sa.Connection, name: str) -> None:
    """Remove a kind of place.

    Raises
    ------
    UnknownError, ConflictError
        When there is none, or places of it are there.
    """
    if _find_schema(connection, name) is None:
        raise UnknownError(f"Location schema '{name}' not found.", "List the schemas.")
    if connection.execute(sa.select(t.locations.c.id).where(t.locations.c.schema == name)).first():
        raise ConflictError(f"There are locations of schema '{name}'.", "Delete them first.")
    connection.execute(sa.delete(t.location_schemas).where(t.location_schemas.c.name == name))


def add(connection: sa.Connection, name: str, coordinates: dict[str, Any], twin: str | None) -> None:
    """Add a place.

    Raises
    ------
    UnknownError, RefusalError, ConflictError
        When its kind is unknown, its coordinates do not fit, or it is there already.
    """
    known = _find_schema(connection, name)
    if known is None:
        raise UnknownError("Location schema does not exist", "Insert the schema first.")
    values = fitting(name, known["fields"], coordinates)
    if set(values) != set(known["fields"]):
        missing = ", ".join(sorted(set(known["fields"]) - set(values)))
        raise RefusalError(f"Coordinates of schema '{name}' are missing: {missing}.", "Give all of them.")
    if any(row["values"] == values and row["twin_id"] == twin for row in _rows(connection, name, None)):
        raise ConflictError("Location exists already", "List the locations.")
    if twin is not None:
        connection.execute(insert(connection, t.twins).on_conflict_do_nothing(), {"id": twin})
    label = ", ".join(f"{key}={value}" for key, value in sorted(values.items()))
    row = {"schema": name, "name": label, "values": values, "twin_id": twin}
    connection.execute(sa.insert(t.locations).values(**row))


def listed(
    connection: sa.Connection, name: str, coordinates: dict[str, Any], twins: list[str] | None
) -> list[dict[str, Any]]:
    """Return the places of a kind that have some coordinates, on some twins (None: all): ``id, twin_id, values``."""
    known = _find_schema(connection, name)
    if known is None:
        return []
    wanted = fitting(name, known["fields"], coordinates)
    return [
        row
        for row in _rows(connection, name, twins)
        if all(row["values"].get(key) == value for key, value in wanted.items())
    ]


def delete(connection: sa.Connection, place: int) -> None:
    """Remove a place.

    Raises
    ------
    ConflictError
        When sensors stand or stood there.
    """
    if connection.execute(sa.select(t.installations.c.sensor_id).where(t.installations.c.location_id == place)).first():
        raise ConflictError("Sensors stand or stood at this location.", "It is part of their history and stays.")
    connection.execute(sa.delete(t.locations).where(t.locations.c.id == place))


def fitting(name: str, fields: dict[str, dict[str, Any]], coordinates: dict[str, Any]) -> dict[str, Any]:
    """Return coordinates in the types of their fields.

    Raises
    ------
    RefusalError
        For a coordinate that the kind does not have, or a value of another type.
    """
    found = {}
    for key, value in coordinates.items():
        if key not in fields:
            raise RefusalError(f"Location identifier '{key}' not valid for schema '{name}'.", "See the schema.")
        found[key] = typed(key, value, fields[key]["type"])
    return found


def typed(what: str, value: Any, kind: str) -> Any:
    """Return a value as the store's type (``float, int, string, bool``); whole numbers pass for both kinds of number.

    Raises
    ------
    RefusalError
        When it is of another type.
    """
    fits = isinstance(value, PYTHON[kind]) and (kind == "bool") == isinstance(value, bool)
    if not fits or (kind == "int" and (value != int(value) or not SMALLEST <= value <= LARGEST)):
        raise RefusalError(f"{what} is {str(value)[:50]!r}.", f"Give a value of type {WRITTEN[kind]}.")
    return {"float": float, "int": int}.get(kind, lambda given: given)(value)


def _find_schema(connection: sa.Connection, name: str) -> Any:
    return connection.execute(sa.select(t.location_schemas).where(t.location_schemas.c.name == name)).mappings().first()


def _schema(row: Any) -> dict[str, Any]:
    return {
        "name": row["name"],
        "description": row["description"] or None,
        "identifiers": identifiers(row["fields"]),
    }


def _rows(connection: sa.Connection, name: str, twins: list[str] | None) -> list[Any]:
    c = t.locations.c
    select = sa.select(c.id, c.twin_id, c["values"]).where(c.schema == name).order_by(c.id)
    if twins is not None:
        select = select.where(c.twin_id.in_(twins))
    return list(connection.execute(select).mappings())
