"""Readings as they arrive, one batch a transaction: a message that comes again is stored once, nothing else is dropped.

Two readings are one message when time, value, words and the device's number agree, and the device numbers its messages
or the broker says that it sends this one again. Any other second reading of a moment is stored beside the first and
flagged ``DUPLICATE`` or ``CONFLICT``.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import exc

from agritwin.records import tables as t
from agritwin.records.database import insert
from agritwin.records.instruments import Flag
from agritwin.records.readings import insert_readings, of_type
from agritwin.records.values import Value

DUPLICATE, CONFLICT = int(Flag.DUPLICATE), int(Flag.CONFLICT)


class Arrival(NamedTuple):
    """One reading on its way into the store.

    ``text`` is what was said instead of a value of the measure's type; ``again`` where the broker marks the message as
    sent before.
    """

    sensor_id: int
    measure_id: int
    time_ms: int
    value: Value | None
    text: str | None
    arrival_ms: int
    flags: int
    seq: int | None
    again: bool = False
    datatype: str = "float"


def store_arrivals(connection: sa.Connection, arrivals: Sequence[Arrival]) -> list[int | None]:
    """Store a batch of readings.

    Parameters
    ----------
    connection
        In a transaction of the caller, who commits before acknowledging.
    arrivals
        In order of arrival.

    Returns
    -------
    list
        One entry a reading: the flags with which it was stored, None where the store had it already.
    """
    keys = {arrival[:3] for arrival in arrivals}
    if len(keys) == len(arrivals):
        try:
            with connection.begin_nested():  # nearly every batch is new as a whole: find out by trying
                _insert(connection, [(arrival, 0, arrival.flags) for arrival in arrivals])
        except exc.IntegrityError:
            pass
        else:
            return [arrival.flags for arrival in arrivals]
    return _store_beside(connection, arrivals)


def _store_beside(connection: sa.Connection, arrivals: Sequence[Arrival]) -> list[int | None]:
    stored = _stored(connection, arrivals)
    fresh: list[tuple[Arrival, int, int]] = []
    results: list[int | None] = []
    for arrival in arrivals:
        beside = stored[arrival[:3]]
        said, counted = (arrival.value, arrival.text), (arrival.value, arrival.text, arrival.seq)
        if counted in beside and (arrival.seq is not None or arrival.again):
            results.append(None)
            continue
        flags = arrival.flags
        if beside:
            flags |= DUPLICATE if any(said == there[:2] for there in beside) else CONFLICT
        fresh.append((arrival, len(beside), flags))
        beside.append(counted)
        results.append(flags)
    _insert(connection, fresh)
    return results


def _insert(connection: sa.Connection, fresh: list[tuple[Arrival, int, int]]) -> None:
    """Insert arrivals, each with its occurrence and flags, into the tables of their types."""
    rows: defaultdict[str, list[tuple]] = defaultdict(list)
    words: defaultdict[str, list[tuple]] = defaultdict(list)
    for (sensor, measure, time, value, text, arrival, _, seq, _, datatype), occurrence, flags in fresh:
        rows[datatype].append((sensor, measure, time, occurrence, value, arrival, flags, seq))
        if text is not None:
            words[datatype].append((sensor, measure, time, occurrence, text))
    for datatype, of_datatype in rows.items():
        insert_readings(connection, datatype, of_datatype, words[datatype])


Beside = list[tuple[Value | None, str | None, int | None]]


def _stored(connection: sa.Connection, arrivals: Sequence[Arrival]) -> defaultdict[tuple, Beside]:
    """Return value, words and number of the readings that the store has of the same moments, in order of occurrence."""
    moments: defaultdict[tuple[int, int, str], set[int]] = defaultdict(set)
    for arrival in arrivals:
        moments[arrival.sensor_id, arrival.measure_id, arrival.datatype].add(arrival.time_ms)
    found: defaultdict[tuple, Beside] = defaultdict(list)
    for (sensor_id, measure_id, datatype), times in moments.items():
        c = of_type(datatype).c
        select = (
            sa.select(c.time_ms, c.value, c.text, c.seq)
            .where(c.sensor_id == sensor_id, c.measure_id == measure_id, c.time_ms.in_(sorted(times)))
            .order_by(c.time_ms, c.occurrence)
        )
        for time_ms, value, text, seq in connection.execute(select):
            found[sensor_id, measure_id, time_ms].append((value, text, seq))
    return found


def newest(connection: sa.Connection, sensor_id: int, measure_id: int, datatype: str) -> int | None:
    """Return the latest moment of a sensor and measure that was not ahead of its arrival [ms since 1970 UTC]."""
    c = t.READINGS[datatype].c
    return connection.scalar(
        sa.select(c.time_ms)
        .where(c.sensor_id == sensor_id, c.measure_id == measure_id, c.flags.op("&")(int(Flag.FUTURE)) == 0)
        .order_by(c.time_ms.desc())
        .limit(1)
    )


class Unread(NamedTuple):
    """Messages of one topic that became no reading for one reason."""

    count: int
    first_ms: int
    last_ms: int
    sample: str


def count_unread(connection: sa.Connection, unread: dict[tuple[str, str], Unread]) -> None:
    """Add to the counts of messages that became no reading; the key is topic and reason."""
    if not unread:
        return
    c = t.message_counts.c
    add = insert(connection, t.message_counts)
    add = add.on_conflict_do_update(
        index_elements=["topic", "reason"],
        set_={
            "count": c.count + add.excluded.count,
            "last_ms": add.excluded.last_ms,
            "sample": add.excluded.sample,
        },
    )
    rows = [{"topic": topic, "reason": reason, **one._asdict()} for (topic, reason), one in unread.items()]
    connection.execute(add, rows)
