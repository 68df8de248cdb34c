"""Sensors: what they measure, where they were when, and what they said. Nothing that a sensor said is ever dropped."""

import datetime as dt
from collections import Counter
from collections.abc import Collection
from enum import IntFlag
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import insert, writing
from agritwin.records.measures import canonical_unit
from agritwin.records.queries import frame

BATCH = 10_000


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
        numbers = _numbers(connection, t.measures, measures)
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


def install(
    engine: sa.Engine, sensor: str, location_id: int, start: dt.datetime, end: dt.datetime | None = None
) -> None:
    """Say where a sensor is from ``start`` on (UTC); an open stay at another place ends there.

    Raises
    ------
    DataError
        When the sensor is unknown, or was somewhere else in that time.
    """
    first, last = milliseconds(start), None if end is None else milliseconds(end)
    c = t.installations.c
    with writing(engine) as connection:
        number = _numbers(connection, t.sensors, [sensor])[sensor]
        still = sa.update(t.installations).where(c.sensor_id == number, c.end_ms.is_(None), c.start_ms < first)
        connection.execute(still.values(end_ms=first))
        overlap = sa.select(c.location_id).where(
            c.sensor_id == number,
            sa.or_(c.end_ms.is_(None), c.end_ms > first),
            sa.true() if last is None else c.start_ms < last,
        )
        if (other := connection.scalar(overlap)) is not None:
            raise DataError(f"Sensor {sensor!r} was at location {other} in that time.", "Give the end of that stay.")
        row: dict[str, object] = {"sensor_id": number, "start_ms": first, "end_ms": last, "location_id": location_id}
        connection.execute(sa.insert(t.installations).values(**row))


def store_readings(engine: sa.Engine, readings: pd.DataFrame) -> tuple[int, int]:
    """Store readings of defined sensors, and return how many were new and how many known.

    A reading is known when the store has one of the same sensor, measure, time and content, counted as often as it
    came. A second reading of the same moment is stored beside the first and flagged: ``DUPLICATE`` with the same
    content, ``CONFLICT`` with another. So a stream sent twice changes nothing and nothing is lost.

    Parameters
    ----------
    engine
        Record store.
    readings
        Columns ``sensor, measure, time`` (UTC, naive datetime64), ``value`` (float, NaN for none); where there
        ``text, arrival, flags``. Rows in order of arrival.

    Raises
    ------
    DataError
        When a sensor or measure is not defined.
    """
    new = 0
    with writing(engine) as connection:
        sensors = _numbers(connection, t.sensors, set(readings["sensor"]))
        measures = _numbers(connection, t.measures, set(readings["measure"]))
        for sensor, of_sensor in readings.groupby("sensor"):
            for measure, group in of_sensor.groupby("measure"):
                rows = _new_readings(connection, sensors[str(sensor)], measures[str(measure)], group)
                new += _insert_batches(connection, rows)
    return new, len(readings) - new


def _insert_batches(connection: sa.Connection, rows: list[dict[str, object]]) -> int:
    for start in range(0, len(rows), BATCH):
        connection.execute(sa.insert(t.readings), rows[start : start + BATCH])
    return len(rows)


Content = tuple[int, float | None, str | None]
"""Time [ms], value and text of a reading: what makes two readings the same."""


def _new_readings(
    connection: sa.Connection, sensor_id: int, measure_id: int, group: pd.DataFrame
) -> list[dict[str, object]]:
    times = group["time"].to_numpy("datetime64[ms]").astype(np.int64).tolist()
    values = [None if np.isnan(value) else value for value in group["value"].to_numpy(float).tolist()]
    texts = [None if pd.isna(text) else str(text) for text in _column(group, "text", None)]
    contents: list[Content] = list(zip(times, values, texts, strict=True))
    c = t.readings.c
    there = connection.execute(
        sa.select(c.time_ms, c.value, c.text, c.occurrence)
        .where(c.sensor_id == sensor_id, c.measure_id == measure_id, c.time_ms.between(min(times), max(times)))
        .order_by(c.time_ms, c.occurrence)
    ).all()
    stored: list[Content] = [(row.time_ms, row.value, row.text) for row in there]
    known, seen = set(_counted(stored)), set(stored)
    highest: dict[int, int] = {row.time_ms: row.occurrence for row in there}
    rows: list[dict[str, object]] = []
    flags, arrivals = _column(group, "flags", 0), _arrivals(group)
    for content, counted, flag, arrival in zip(contents, _counted(contents), flags, arrivals, strict=True):
        if counted in known:
            continue
        time, value, text = content
        occurrence = highest[time] = highest.get(time, -1) + 1
        if occurrence > 0:
            flag |= Flag.DUPLICATE if content in seen else Flag.CONFLICT
        seen.add(content)
        row: dict[str, object] = {
            "sensor_id": sensor_id,
            "measure_id": measure_id,
            "time_ms": time,
            "occurrence": occurrence,
        }
        rows.append(row | {"value": value, "text": text, "arrival_ms": arrival, "flags": int(flag)})
    return rows


def _counted(contents: list[Content]) -> list[tuple[Content, int]]:
    """Return each content with how many equal ones came before it."""
    counts: Counter[Content] = Counter()
    found = []
    for content in contents:
        found.append((content, counts[content]))
        counts[content] += 1
    return found


def _column(group: pd.DataFrame, name: str, default: object) -> list[Any]:
    return group[name].tolist() if name in group else [default] * len(group)


def _arrivals(group: pd.DataFrame) -> list[int | None]:
    return [None if pd.isna(moment) else milliseconds(moment) for moment in _column(group, "arrival", None)]


def readings(
    engine: sa.Engine,
    *,
    twin_id: str | None = None,
    sensor: str | None = None,
    measure: str | None = None,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    doubtful: bool = False,
) -> pd.DataFrame:
    """Return readings with the place where the sensor stood at that moment.

    Columns ``sensor, measure, unit, time`` (UTC, naive), ``value, text, flags, location_id``.

    Parameters
    ----------
    engine
        Record store.
    twin_id, sensor, measure
        Which ones; all where None.
    start, end
        From and up to (excluded), UTC.
    doubtful
        Whether to return readings flagged as unusable too.
    """
    c, i = t.readings.c, t.installations.c
    stands = sa.and_(
        i.sensor_id == c.sensor_id, i.start_ms <= c.time_ms, sa.or_(i.end_ms.is_(None), c.time_ms < i.end_ms)
    )
    select = (
        sa.select(
            t.sensors.c.name.label("sensor"),
            t.measures.c.name.label("measure"),
            t.measures.c.unit,
            c.time_ms.label("time"),
            *(c.value, c.text, c.flags, i.location_id),
        )
        .select_from(t.readings.join(t.sensors).join(t.measures).outerjoin(t.installations, stands))
        .order_by(c.sensor_id, c.measure_id, c.time_ms, c.occurrence)
    )
    chosen = ((t.sensors.c.twin_id, twin_id), (t.sensors.c.name, sensor), (t.measures.c.name, measure))
    select = select.where(*(column == value for column, value in chosen if value is not None))
    if start is not None:
        select = select.where(c.time_ms >= milliseconds(start))
    if end is not None:
        select = select.where(c.time_ms < milliseconds(end))
    if not doubtful:
        select = select.where(c.flags.op("&")(int(UNUSABLE)) == 0)
    table = frame(engine, select)
    table["time"] = pd.to_datetime(table["time"], unit="ms")
    return table


def milliseconds(moment: dt.datetime) -> int:
    """Return whole milliseconds since 1970 of a moment; one without a zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return round(aware.timestamp() * 1000)


def _numbers(connection: sa.Connection, table: sa.Table, names: Collection[str]) -> dict[str, int]:
    wanted = [str(name) for name in names]
    found = dict(connection.execute(sa.select(table.c.name, table.c.id).where(table.c.name.in_(wanted))).tuples().all())
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise DataError(f"{', '.join(missing)} not among the {table.name}.", "Define it first.")
    return found
