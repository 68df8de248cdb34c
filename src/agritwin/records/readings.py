"""Readings in and out of their tables, of which there is one for each type of value.

A measure has one type, so its readings are read from one table. Measures of several types are read side by side, each
value as a number and a text (see :mod:`agritwin.records.values`).
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from agritwin.records import tables as t
from agritwin.records.database import bulk_insert, reading, writing
from agritwin.records.instruments import UNUSABLE, Flag, milliseconds, numbers_of
from agritwin.records.queries import frame
from agritwin.records.values import EXACT, Value, value_and_words

COLUMNS = (*t.KEY, "value", "arrival_ms", "flags", "seq")


def insert_readings(
    connection: sa.Connection, datatype: str, rows: Sequence[tuple[Any, ...]], words: Sequence[tuple[Any, ...]]
) -> None:
    """Insert readings of measures of one type.

    Parameters
    ----------
    connection
        In a transaction.
    datatype
        Type of the measures.
    rows
        Values of ``COLUMNS``.
    words
        The key, and what was said instead of a value, of those rows that have none.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        When there is such a key.
    """
    bulk_insert(connection, t.READINGS[datatype], COLUMNS, rows)
    bulk_insert(connection, t.reading_words, (*t.KEY, "text"), words)


def of_type(datatype: str) -> sa.Subquery:
    """Return the readings of one type: ``COLUMNS``, and ``text``, which was said where there is no value."""
    table = t.READINGS[datatype]
    return _with_words(table, table.c.value, t.reading_words.c.text).subquery("readings")


def together(*datatypes: str) -> sa.Subquery:
    """Return the readings of several types, all where none is named: ``COLUMNS`` and ``text``.

    ``value`` is a number, as :func:`agritwin.records.values.columns_of` gives it.
    """
    parts = [_side_by_side(datatype) for datatype in datatypes or t.READINGS]
    return (parts[0] if len(parts) == 1 else sa.union_all(*parts)).subquery("readings")


def _side_by_side(datatype: str) -> sa.Select[Any]:
    table, text = t.READINGS[datatype], t.reading_words.c.text
    value = table.c.value
    if datatype == "string":
        text = value
    elif datatype == "int":
        text = sa.case((sa.or_(value > EXACT, value < -EXACT), sa.cast(value, sa.Text)), else_=text)
    return _with_words(table, as_number(datatype), text)


def as_number(datatype: str) -> sa.ColumnElement[float]:
    """Return the values of a type's table as numbers, null where they are text."""
    value = t.READINGS[datatype].c.value
    if datatype == "float":
        return value
    if datatype == "bool":
        value = sa.cast(value, sa.Integer)
    return sa.cast(sa.null() if datatype == "string" else value, sa.Float)


def _with_words(table: sa.Table, value: sa.ColumnElement[Any], text: sa.ColumnElement[Any]) -> sa.Select[Any]:
    words, c = t.reading_words, table.c
    columns = [c[name] for name in COLUMNS if name != "value"]
    same = sa.and_(*(words.c[name] == c[name] for name in t.KEY))
    return sa.select(*columns, value.label("value"), text.label("text")).select_from(table.outerjoin(words, same))


def datatypes_of(connection: sa.Connection, measures: Iterable[int]) -> dict[int, str]:
    """Return the types of measures by their numbers."""
    c = t.measures.c
    return dict(connection.execute(sa.select(c.id, c.datatype).where(c.id.in_(list(measures)))).tuples().all())


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
        sensors = numbers_of(connection, t.sensors, set(readings["sensor"]))
        measures = numbers_of(connection, t.measures, set(readings["measure"]))
        datatypes = datatypes_of(connection, measures.values())
        for sensor, of_sensor in readings.groupby("sensor"):
            for measure, group in of_sensor.groupby("measure"):
                numbers = (sensors[str(sensor)], measures[str(measure)])
                new += _store_group(connection, *numbers, datatypes[numbers[1]], group)
    return new, len(readings) - new


Content = tuple[int, Value | None, str | None]
"""Time [ms], value and words of a reading: what makes two readings the same."""


def _store_group(connection: sa.Connection, sensor_id: int, measure_id: int, datatype: str, group: pd.DataFrame) -> int:
    contents = _contents(datatype, group)
    times = [content[0] for content in contents]
    c = of_type(datatype).c
    there = connection.execute(
        sa.select(c.time_ms, c.value, c.text, c.occurrence)
        .where(c.sensor_id == sensor_id, c.measure_id == measure_id, c.time_ms.between(min(times), max(times)))
        .order_by(c.time_ms, c.occurrence)
    ).all()
    stored: list[Content] = [(row.time_ms, row.value, row.text) for row in there]
    known, seen = set(_counted(stored)), set(stored)
    highest: dict[int, int] = {row.time_ms: row.occurrence for row in there}
    rows, words = [], []
    flags, arrivals = _column(group, "flags", 0), _arrivals(group)
    for content, counted, flag, arrival in zip(contents, _counted(contents), flags, arrivals, strict=True):
        if counted in known:
            continue
        time, value, text = content
        occurrence = highest[time] = highest.get(time, -1) + 1
        if occurrence > 0:
            flag |= Flag.DUPLICATE if content in seen else Flag.CONFLICT
        seen.add(content)
        key = (sensor_id, measure_id, time, occurrence)
        rows.append((*key, value, arrival, int(flag), None))
        if text is not None:
            words.append((*key, text))
    insert_readings(connection, datatype, rows, words)
    return len(rows)


def _contents(datatype: str, group: pd.DataFrame) -> list[Content]:
    times = group["time"].to_numpy("datetime64[ms]").astype(np.int64).tolist()
    numbers = [None if np.isnan(value) else value for value in group["value"].to_numpy(float).tolist()]
    texts = [None if pd.isna(text) else str(text) for text in _column(group, "text", None)]
    return [
        (time, *value_and_words(datatype, number, text))
        for time, number, text in zip(times, numbers, texts, strict=True)
    ]


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
    with reading(engine) as connection:
        sensors = sensors_of(connection, twin_id, sensor)
        datatypes = _datatypes(connection, measure)
    table = together(*datatypes)
    c, i = table.c, t.installations.c
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
        .select_from(with_sensors(table).outerjoin(t.installations, stands))
        .order_by(c.sensor_id, c.measure_id, c.time_ms, c.occurrence)
    )
    select = select.where(c.sensor_id.in_(sensors))
    if measure is not None:
        select = select.where(t.measures.c.name == measure)
    if start is not None:
        select = select.where(c.time_ms >= milliseconds(start))
    if end is not None:
        select = select.where(c.time_ms < milliseconds(end))
    if not doubtful:
        select = select.where(usable(c.flags))
    found = frame(engine, select)
    found["time"] = pd.to_datetime(found["time"], unit="ms")
    return found


def with_sensors(table: sa.FromClause) -> sa.Join:
    """Return readings joined with their sensors and measures."""
    joined = table.join(t.sensors, t.sensors.c.id == table.c.sensor_id)
    return joined.join(t.measures, t.measures.c.id == table.c.measure_id)


def usable(flags: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Return the condition that flags keep no reading out of series."""
    return flags.op("&")(int(UNUSABLE)) == 0


def sensors_of(connection: sa.Connection, twin_id: str | None = None, name: str | None = None) -> list[int]:
    """Return the numbers of a twin's sensors, or of the one so named; of all where nothing is said.

    Readings of several tables are looked up by these, since a condition on another table would read each as a whole.
    """
    c = t.sensors.c
    chosen = ((c.twin_id, twin_id), (c.name, name))
    return list(
        connection.scalars(sa.select(c.id).where(*(key == value for key, value in chosen if value is not None)))
    )


def _datatypes(connection: sa.Connection, measure: str | None) -> list[str]:
    """Return the type of a measure; none where any is meant."""
    if measure is None:
        return []
    return list(connection.scalars(sa.select(t.measures.c.datatype).where(t.measures.c.name == measure)))
