"""Sensors: what they measure, and where they were when."""

import datetime as dt
from collections.abc import Collection
from enum import IntFlag
from typing import Any

import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import insert, reading, writing
from agritwin.records.measures import canonical_unit


class Flag(IntFlag):
    """What is doubtful about a reading; several may hold at once."""

    GOOD = 0
    LATE = 1
    DUPLICATE = 2
    CONFLICT = 4
    OUT_OF_ORDER = 8
    ABSURD = 16
    STUCK = 32
    UNIT_CHANGED = 64
    FUTURE = 128


UNUSABLE = Flag.DUPLICATE | Flag.CONFLICT | Flag.ABSURD | Flag.FUTURE
"""Flags with which a reading is stored but kept out of series; the others only warn."""


def define_measure(engine: sa.Engine, name: str, unit: str, datatype: str = "float") -> int:
    """Define what is measured and its unit; the same measure again is the same number.

    Raises
    ------
    DataError
        When it is known with another unit or type, or the unit is none.
    """
    canonical = canonical_unit(unit)
    with writing(engine) as connection:
        row = connection.execute(sa.select(t.measures).where(t.measures.c.name == name)).first()
        if row is None:
            values = {"name": name, "unit": canonical, "datatype": datatype}
            return connection.execute(sa.insert(t.measures).values(**values).returning(t.measures.c.id)).scalar_one()
    if (row.unit, row.datatype) != (canonical, datatype):
        raise DataError(
            f"{name} is measured as {row.datatype} in {row.unit!r}, not as {datatype} in {canonical!r}.",
            "Convert the values, or give the measure another name.",
        )
    return row.id


def define_sensor(
    engine: sa.Engine,
    name: str,
    sensor_type: str,
    measures: Collection[str],
    *,
    twin_id: str | None = None,
    cadence_s: int | None = None,
    **details: str | int | None,
) -> int:
    """Define a sensor with its type and the measures that the type gives; known ones are brought up to date.

    Parameters
    ----------
    engine, name, sensor_type
        Store, unique name, kind of device.
    measures
        Names of measures, already defined.
    twin_id
        Twin whose data these are.
    cadence_s
        Expected time between readings [s].
    details
        ``serial``, ``owner``, ``status``, ``calibration_interval_days``, ``notes``.

    Raises
    ------
    DataError
        When a measure is not defined.
    """
    content = {"sensor_type": sensor_type, "twin_id": twin_id, "cadence_s": cadence_s, **details}
    with writing(engine) as connection:
        numbers = numbers_of(connection, t.measures, measures)
        kind = {"name": sensor_type, "description": sensor_type}
        connection.execute(insert(connection, t.sensor_types).on_conflict_do_nothing(), kind)
        pairs = [{"sensor_type": sensor_type, "measure_id": number} for number in numbers.values()]
        connection.execute(insert(connection, t.sensor_type_measures).on_conflict_do_nothing(), pairs)
        known = connection.scalar(sa.select(t.sensors.c.id).where(t.sensors.c.name == name))
        if known is not None:
            connection.execute(sa.update(t.sensors).where(t.sensors.c.id == known).values(**content))
            return known
        add = sa.insert(t.sensors).values(name=name, **content).returning(t.sensors.c.id)
        return connection.execute(add).scalar_one()


def install(connection: sa.Connection, sensor: int, place: int, start_ms: int, end_ms: int | None = None) -> None:
    """Say that a sensor stands at a place from a moment on, until another one or its next installation.

    A stay that is under way at the first moment ends there.

    Raises
    ------
    DataError
        When the sensor was installed at that moment already, or elsewhere before the end, or the end is not later.
    """
    c = t.installations.c
    mine = sa.select(c.start_ms).where(c.sensor_id == sensor)
    following = connection.scalar(mine.where(c.start_ms >= start_ms).order_by(c.start_ms).limit(1))
    if following == start_ms:
        raise DataError("The sensor was installed at this moment already.", "Give another moment.")
    if end_ms is not None and end_ms <= start_ms:
        raise DataError("The stay ends before it begins.", "Give a later end.")
    if end_ms is not None and following is not None and following < end_ms:
        raise DataError("The sensor was installed elsewhere in that time.", "Give an earlier end, or none.")
    before = sa.and_(c.sensor_id == sensor, c.start_ms < start_ms, sa.or_(c.end_ms.is_(None), c.end_ms > start_ms))
    connection.execute(sa.update(t.installations).where(before).values(end_ms=start_ms))
    row = {"sensor_id": sensor, "location_id": place, "start_ms": start_ms, "end_ms": end_ms or following}
    connection.execute(sa.insert(t.installations).values(**row))


def stays(engine: sa.Engine) -> list[Any]:
    """Return which sensor stood where, in order of time: ``sensor, location_id, start_ms, end_ms``."""
    i = t.installations.c
    select = sa.select(t.sensors.c.name.label("sensor"), i.location_id, i.start_ms, i.end_ms)
    with reading(engine) as connection:
        return list(connection.execute(select.join(t.sensors).order_by(i.start_ms)).all())


def milliseconds(moment: dt.datetime) -> int:
    """Return whole milliseconds since 1970 of a moment; one without a zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return round(aware.timestamp() * 1000)


def numbers_of(connection: sa.Connection, table: sa.Table, names: Collection[str]) -> dict[str, int]:
    """Return the numbers that rows have by their names.

    Raises
    ------
    DataError
        When one is not defined.
    """
    wanted = [str(name) for name in names]
    found = dict(connection.execute(sa.select(table.c.name, table.c.id).where(table.c.name.in_(wanted))).tuples().all())
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise DataError(f"{', '.join(missing)} not among the {table.name}.", "Define it first.")
    return found
