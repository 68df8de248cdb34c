"""A long series of one sensor and measure, read the fast way."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import reading
from agritwin.records.instruments import milliseconds
from agritwin.records.readings import as_number, usable


def series(
    engine: sa.Engine,
    sensor: str,
    measure: str,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    *,
    doubtful: bool = False,
) -> pd.DataFrame:
    """Return the readings of one sensor and measure in order of time; a year of them takes some hundredths of a second.

    Columns ``time`` (UTC, naive), ``value``, ``flags``; ``attrs['units']`` is the unit. What was no number is NaN.

    Parameters
    ----------
    engine, sensor, measure
        Record store and names.
    start, end
        From and up to (excluded), UTC.
    doubtful
        Whether to return readings flagged as unusable too.

    Raises
    ------
    DataError
        When the sensor or the measure is not defined.
    """
    with reading(engine) as connection:
        sensor_id = connection.scalar(sa.select(t.sensors.c.id).where(t.sensors.c.name == sensor))
        about = connection.execute(sa.select(t.measures).where(t.measures.c.name == measure)).first()
        if sensor_id is None or about is None:
            raise DataError(f"There is no {measure!r} of a sensor {sensor!r}.", "Look the names up among the sensors.")
        c = t.READINGS[about.datatype].c
        number = as_number(about.datatype).label("value")
        select = sa.select(c.time_ms, number, c.flags).where(c.sensor_id == sensor_id, c.measure_id == about.id)
        if start is not None:
            select = select.where(c.time_ms >= milliseconds(start))
        if end is not None:
            select = select.where(c.time_ms < milliseconds(end))
        if not doubtful:
            select = select.where(usable(c.flags))
        fetch = _bytes if connection.dialect.name == "postgresql" else _rows
        time, value, flags = fetch(connection, select.order_by(c.time_ms, c.occurrence))
    table = pd.DataFrame({"time": time.view("datetime64[ms]"), "value": value, "flags": flags})
    table.attrs["units"] = about.unit
    return table


def _rows(connection: sa.Connection, select: sa.Select[Any]) -> tuple[np.ndarray, ...]:
    """Run a query and return its columns; rows stay the driver's tuples, SQLAlchemy's cost three times as much."""
    text = str(select.compile(connection.engine, compile_kwargs={"literal_binds": True}))
    rows = connection.connection.driver_connection.execute(text).fetchall()  # type: ignore[union-attr]
    time, value, flags = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(time, "int64"), np.array(value, float), np.array(flags, "int64")


def _bytes(connection: sa.Connection, select: sa.Select[Any]) -> tuple[np.ndarray, ...]:
    """Run a query on PostgreSQL and return its columns, each sent as one string of big-endian numbers."""
    c = select.subquery().c
    nothing = sa.cast(sa.literal(b""), postgresql.BYTEA)
    sent = (
        sa.func.int8send(c.time_ms),
        sa.func.float8send(sa.func.coalesce(c.value, sa.cast("NaN", postgresql.DOUBLE_PRECISION))),
        sa.func.int2send(c.flags),
    )
    row = connection.execute(sa.select(*(sa.func.string_agg(column, nothing) for column in sent))).one()
    time, value, flags = (
        np.frombuffer(data or b"", kind) for data, kind in zip(row, (">i8", ">f8", ">i2"), strict=True)
    )
    return time.astype("int64"), value.astype(float), flags.astype("int64")
