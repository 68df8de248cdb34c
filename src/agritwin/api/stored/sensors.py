"""Sensors, their types, places and readings."""

from collections.abc import Sequence
from typing import Any, Literal

import sqlalchemy as sa

from agritwin.api.errors import ConflictError, RefusalError, UnknownError
from agritwin.api.stored.locations import typed
from agritwin.records import tables as t
from agritwin.records.database import insert
from agritwin.records.instruments import Flag
from agritwin.records.readings import insert_readings, of_type, usable
from agritwin.records.spellings import Spelling, find, spellings
from agritwin.records.values import Value

Rule = Literal["flag", "first", "last"]
Outcome = Literal["stored", "known", "kept_first", "replaced", "conflict"]


def add_type(connection: sa.Connection, name: str, description: str | None, measures: list[Spelling]) -> None:
    """Define a type of sensor by what it measures.

    Raises
    ------
    ConflictError
        When the name is taken.
    """
    if connection.scalar(sa.select(t.sensor_types.c.name).where(t.sensor_types.c.name == name)) is not None:
        raise ConflictError("Sensor type exists already", "Use it, or choose another name.")
    connection.execute(sa.insert(t.sensor_types).values(name=name, description=description or ""))
    pairs = [{"sensor_type": name, "measure_id": number} for number in {known.measure_id for known in measures}]
    if pairs:
        connection.execute(sa.insert(t.sensor_type_measures), pairs)


def types(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return the types of sensors: ``name, description, measures`` (spellings)."""
    known = {spelling.measure_id: spelling for spelling in spellings(connection, "sensor")}
    rows = connection.execute(sa.select(t.sensor_types).order_by(t.sensor_types.c.name)).mappings().all()
    pairs = connection.execute(sa.select(t.sensor_type_measures).order_by(t.sensor_type_measures.c.measure_id)).all()
    return [
        {
            "name": row["name"],
            "description": row["description"] or None,
            "measures": [known[pair.measure_id] for pair in pairs if pair.sensor_type == row["name"]],
        }
        for row in rows
    ]


def delete_type(connection: sa.Connection, name: str) -> None:
    """Remove a type of which there is no sensor.

    Raises
    ------
    UnknownError, ConflictError
        When there is no such type, or there are sensors of it.
    """
    if connection.execute(sa.select(t.sensors.c.id).where(t.sensors.c.sensor_type == name)).first():
        raise ConflictError(f"There are sensors of type '{name}'.", "Delete them first.")
    if connection.execute(sa.delete(t.sensor_types).where(t.sensor_types.c.name == name)).rowcount == 0:
        raise UnknownError(f"Sensor type '{name}' does not exist", "List the sensor types.")


def add(
    connection: sa.Connection, identifier: str, kind: str, label: str | None, notes: str | None, twin: str | None
) -> None:
    """Add a sensor.

    Raises
    ------
    UnknownError, ConflictError
        When its type is unknown, or the identifier is taken.
    """
    if connection.scalar(sa.select(t.sensor_types.c.name).where(t.sensor_types.c.name == kind)) is None:
        raise UnknownError(f"Sensor type '{kind}' does not exist", "Insert the sensor type first.")
    if connection.scalar(sa.select(t.sensors.c.id).where(t.sensors.c.name == identifier)) is not None:
        raise ConflictError("Sensor exists already", "Edit it, or choose another identifier.")
    if twin is not None:
        connection.execute(insert(connection, t.twins).on_conflict_do_nothing(), {"id": twin})
    row = {"name": identifier, "label": label, "sensor_type": kind, "notes": notes, "twin_id": twin}
    connection.execute(sa.insert(t.sensors).values(**row))


def listed(connection: sa.Connection, kind: str | None, twins: list[str] | None) -> list[Any]:
    """Return sensors, of a type and on some twins (None: all): ``id, name, label, notes, sensor_type, twin_id``."""
    c = t.sensors.c
    select = sa.select(c.id, c.name, c.label, c.notes, c.sensor_type, c.twin_id).order_by(c.id)
    if kind is not None:
        select = select.where(c.sensor_type == kind)
    if twins is not None:
        select = select.where(c.twin_id.in_(twins))
    return list(connection.execute(select).all())


def named(connection: sa.Connection, identifier: str, twins: list[str] | None) -> Any:
    """Return a sensor on some twins (None: all): ``id, name, sensor_type, twin_id``.

    Raises
    ------
    UnknownError
        When there is none of that identifier, there.
    """
    c = t.sensors.c
    select = sa.select(c.id, c.name, c.sensor_type, c.twin_id).where(c.name == identifier)
    row = connection.execute(select).first()
    if row is None or (twins is not None and row.twin_id not in twins):
        raise UnknownError(f"Sensor '{identifier}' does not exist", "List the sensors.")
    return row


def measure_of(connection: sa.Connection, sensor: Any, name: str) -> Spelling:
    """Return what a sensor measures under a name.

    Raises
    ------
    UnknownError
        When its type does not measure that.
    """
    pairs = sa.select(t.sensor_type_measures.c.measure_id).where(
        t.sensor_type_measures.c.sensor_type == sensor.sensor_type
    )
    numbers = set(connection.scalars(pairs))
    for known in find(connection, "sensor", name):
        if known.measure_id in numbers:
            return known
    raise UnknownError(f"Measure '{name}' is not a valid measure for sensor '{sensor.name}'", "See its type.")


def installations(connection: sa.Connection, sensor: int) -> list[Any]:
    """Return where a sensor stood, newest first: ``start_ms, id, values``."""
    c = t.installations.c
    select = sa.select(c.start_ms, t.locations.c.id, t.locations.c["values"]).join(t.locations)
    return list(connection.execute(select.where(c.sensor_id == sensor).order_by(c.start_ms.desc())).mappings())


def value(measure: Spelling, given: Any) -> Value:
    """Return what was given as a value of the measure's type.

    Raises
    ------
    RefusalError
        When it is none.
    """
    return typed(f"A value of {measure.name}", given, measure.datatype)


def store(
    connection: sa.Connection,
    sensor: int,
    measure: Spelling,
    rows: Sequence[tuple[int, Value]],
    rule: Rule,
    arrival_ms: int,
) -> list[Outcome]:
    """Store readings of a sensor and measure, and say of each what became of it.

    A reading equal to one that is there is ``known``. Another value for the same moment is kept beside the first and
    flagged (``conflict``, rule ``flag``), left aside (``kept_first``, rule ``first``) or takes the place of the one
    there (``replaced``, rule ``last``).

    Parameters
    ----------
    connection, sensor, measure
        Transaction, number of the sensor, what it measures.
    rows
        Time [ms], value; in order of arrival.
    rule
        What to do with a second value for a moment.
    arrival_ms
        When they came.
    """
    if not rows:
        return []
    c = t.READINGS[measure.datatype].c
    first, last = min(row[0] for row in rows), max(row[0] for row in rows)
    select = sa.select(c.time_ms, c.value).where(
        c.sensor_id == sensor, c.measure_id == measure.measure_id, c.time_ms.between(first, last)
    )
    there: dict[int, list[Value | None]] = {}  # none: words that were no value
    for row in connection.execute(select.order_by(c.time_ms, c.occurrence)):
        there.setdefault(row.time_ms, []).append(row.value)
    new, changed, outcomes = [], {}, list[Outcome]()
    for time, given in rows:
        known = there.setdefault(time, [])
        if given in known and (rule != "last" or known[0] == given):
            outcomes.append("known")
            continue
        if known and rule == "first":
            outcomes.append("kept_first")
            continue
        if known and rule == "last":
            known[0] = changed[time] = given
            outcomes.append("replaced")
            continue
        flags = int(Flag.CONFLICT) if known else 0
        new.append((sensor, measure.measure_id, time, len(known), given, arrival_ms, flags, None))
        outcomes.append("conflict" if known else "stored")
        known.append(given)
    insert_readings(connection, measure.datatype, new, [])
    _replace(connection, sensor, measure, changed, arrival_ms)
    return outcomes


def _replace(
    connection: sa.Connection, sensor: int, measure: Spelling, values: dict[int, Value], arrival_ms: int
) -> None:
    """Put values in the place of the first ones of their moments; doubts about those are gone with them."""
    if not values:
        return
    table = t.READINGS[measure.datatype]
    rows = [{"at": time, "given": given} for time, given in values.items()]

    def first(table: sa.Table) -> sa.ColumnElement[bool]:
        key = (sensor, measure.measure_id, sa.bindparam("at"), 0)
        return sa.and_(*(table.c[name] == part for name, part in zip(t.KEY, key, strict=True)))

    change = sa.update(table).where(first(table))
    connection.execute(change.values(value=sa.bindparam("given"), arrival_ms=arrival_ms, flags=0), rows)
    connection.execute(sa.delete(t.reading_words).where(first(t.reading_words)), [{"at": time} for time in values])


def read(
    connection: sa.Connection,
    sensor: int,
    measure: Spelling,
    span: tuple[int, int],
    page: tuple[int | None, int],
    doubtful: bool,
) -> tuple[int, list[Any]]:
    """Return how many readings a span [ms, both ends included] has, and a page of them.

    Rows are ``time_ms, value, text, flags``.
    """
    found = of_type(measure.datatype)
    c = found.c
    where = [c.sensor_id == sensor, c.measure_id == measure.measure_id, c.time_ms.between(*span)]
    if not doubtful:
        where.append(usable(c.flags))
    select = sa.select(c.time_ms, c.value, c.text, c.flags).where(*where).order_by(c.time_ms, c.occurrence)
    limit, offset = page
    rows = list(connection.execute(select.limit(limit).offset(offset) if limit or offset else select).all())
    if limit is None and not offset:
        return len(rows), rows
    return connection.execute(sa.select(sa.func.count()).select_from(found).where(*where)).scalar_one(), rows


def delete(connection: sa.Connection, sensor: int) -> None:
    """Remove a sensor with its readings and its history of places."""
    connection.execute(sa.delete(t.sensors).where(t.sensors.c.id == sensor))


def edit(connection: sa.Connection, sensor: int, label: str, notes: str) -> None:
    """Change what people call a sensor and say about it."""
    connection.execute(sa.update(t.sensors).where(t.sensors.c.id == sensor).values(label=label, notes=notes))


def check_lengths(values: Sequence[Any], timestamps: Sequence[Any]) -> None:
    """Refuse lists of different lengths."""
    if len(values) != len(timestamps):
        raise RefusalError(
            f"There are {len(values)} values and {len(timestamps)} timestamps.", "Give one timestamp for each value."
        )
