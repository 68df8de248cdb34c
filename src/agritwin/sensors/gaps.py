"""Gaps of a stream: where readings were expected and none came, where numbers of messages are missing."""

import datetime as dt

import pandas as pd
import sqlalchemy as sa

from agritwin.records import tables as t
from agritwin.records.database import reading
from agritwin.records.queries import frame
from agritwin.records.readings import sensors_of, together, with_sensors

PATIENCE = 1.5
"""Cadences after which a missing reading is a gap."""


def gaps(readings: pd.DataFrame, cadence: dt.timedelta) -> pd.DataFrame:
    """Return the gaps of each sensor and measure: columns ``sensor, measure, start, end, missing``.

    Parameters
    ----------
    readings
        Columns ``sensor, measure, time``.
    cadence
        Expected time between readings.
    """
    table = readings.loc[:, ["sensor", "measure", "time"]].drop_duplicates().sort_values(["sensor", "measure", "time"])
    table["start"] = table.groupby(["sensor", "measure"])["time"].shift()
    length = table["time"] - table["start"]
    found = table.loc[length > PATIENCE * cadence].rename(columns={"time": "end"})
    found["missing"] = ((found["end"] - found["start"]) / cadence).round().astype(int) - 1
    return found[["sensor", "measure", "start", "end", "missing"]].reset_index(drop=True)


def missing_messages(engine: sa.Engine, twin_id: str | None = None) -> pd.DataFrame:
    """Return where the numbers that devices give their messages have gaps.

    A number below the one before it in time is a device that began anew, not a gap. A counter belongs to a sensor.

    Parameters
    ----------
    engine
        Record store.
    twin_id
        Twin whose sensors are looked at; all where None.

    Returns
    -------
    DataFrame
        Columns ``sensor, after, before`` (numbers on both sides), ``start, end`` (their times, UTC), ``missing``.
    """
    readings = together()
    c = readings.c
    with reading(engine) as connection:
        sensors = sensors_of(connection, twin_id)
    said = (
        sa.select(t.sensors.c.name.label("sensor"), c.time_ms, c.seq)
        .select_from(with_sensors(readings))
        .where(c.seq.is_not(None), c.sensor_id.in_(sensors))
        .distinct()
        .subquery()
    )
    in_time = {"partition_by": said.c.sensor, "order_by": (said.c.time_ms, said.c.seq)}
    steps = sa.select(
        said.c.sensor,
        sa.func.lag(said.c.seq).over(**in_time).label("after"),
        said.c.seq.label("before"),
        sa.func.lag(said.c.time_ms).over(**in_time).label("start"),
        said.c.time_ms.label("end"),
    ).subquery()
    found = frame(engine, sa.select(steps).where(steps.c.before > steps.c.after + 1).order_by(steps.c.sensor, "end"))
    for name in ("start", "end"):
        found[name] = pd.to_datetime(found[name], unit="ms")
    return found.assign(missing=found["before"] - found["after"] - 1)
