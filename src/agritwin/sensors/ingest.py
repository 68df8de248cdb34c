"""Take a stream into the record store: sensors defined from the registry, readings flagged and stored, a report."""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records.readings import store_readings
from agritwin.sensors.definitions import define, sensor_name
from agritwin.sensors.flags import count_flags, flag
from agritwin.sensors.gaps import gaps
from agritwin.sensors.registry import Registry
from agritwin.sensors.stream import Problem, read_stream

log = logging.getLogger(__name__)

SHOWN_PROBLEMS = 10


@dataclass(frozen=True)
class StreamReport:
    """What became of a stream.

    Attributes
    ----------
    file, sha256
        Name and digest of the bytes.
    lines
        Lines of the file.
    new, known
        Readings stored now, and before.
    postponed
        Readings after the clock, left for later.
    flags
        Flag -> how many of the readings stored now or before carry it.
    unknown
        Column or topic that the registry does not know -> how many values.
    strangers
        Twin that the holding does not have -> how many readings.
    problems
        Lines without a moment.
    gaps
        Table of gaps, columns ``sensor, measure, start, end, missing``.
    """

    file: str
    sha256: str
    lines: int
    new: int
    known: int
    postponed: int
    flags: dict[str, int]
    unknown: Counter[str]
    strangers: Counter[str]
    problems: list[Problem]
    gaps: pd.DataFrame

    def __str__(self) -> str:
        """Return what became of the stream as one line for people."""
        parts = [f"{self.new} readings stored", f"{self.known} known before"]
        parts += [f"{count} {name.replace('_', ' ')}" for name, count in sorted(self.flags.items())]
        parts += [f"{count} values of unknown {name!r}" for name, count in sorted(self.unknown.items())]
        parts += [f"{count} of {name}, no twin here" for name, count in sorted(self.strangers.items())]
        parts += [f"line {one.line}: {one.reason}" for one in self.problems[:SHOWN_PROBLEMS]]
        if len(self.gaps):
            parts.append(f"{sum(self.gaps['missing'].tolist())} missing in {len(self.gaps)} gaps")
        return f"{self.file}: {', '.join(parts)}"


def ingest(
    engine: sa.Engine,
    path: Path,
    registry: Registry,
    twin_ids: Collection[str],
    as_of: dt.date,
    *,
    landed_for: str | None = None,
) -> StreamReport:
    """Store the readings of a file; the same file again changes nothing.

    Parameters
    ----------
    engine
        Record store.
    path
        CSV or JSON lines.
    registry
        What each column or topic is.
    twin_ids
        All twins of the holding; readings of others are counted and left out.
    as_of
        The clock: readings of that day (UTC) and later wait.
    landed_for
        Twin of readings that name none.

    Raises
    ------
    DataError
        When the file as a whole cannot be read, or names no twin while ``landed_for`` is not given.
    """
    read = read_stream(path, registry)
    table = flag(read.table, registry)
    if landed_for is not None:
        table["twin_id"] = table["twin_id"].fillna(landed_for)
    if any(table["twin_id"].isna()):
        raise DataError(f"{read.name} does not say whose readings these are.", "Name the twin, or its column.")
    own = table["twin_id"].isin(list(twin_ids))
    strangers = Counter(table.loc[~own, "twin_id"].astype(str).tolist())
    due = own & (table["time"] < pd.Timestamp(as_of))
    postponed = int(np.count_nonzero(own & ~due))
    stored = _named(table.loc[due])
    _define(engine, registry, stored)
    new, known = store_readings(engine, stored) if len(stored) else (0, 0)
    log.info("%s: %d readings new, %d known, %d after %s", read.name, new, known, postponed, as_of)
    return StreamReport(
        read.name,
        read.sha256,
        read.lines,
        new,
        known,
        postponed,
        count_flags(stored),
        read.unknown,
        strangers,
        read.problems,
        _gaps(stored, registry),
    )


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Name sensors after their twin, since a registry may serve many."""
    names = [sensor_name(str(twin), sensor) for twin, sensor in zip(table["twin_id"], table["sensor"], strict=True)]
    return table.assign(stream=table["sensor"], sensor=names)


def _define(engine: sa.Engine, registry: Registry, table: pd.DataFrame) -> None:
    streams = {stream.sensor: stream for stream in registry.streams}
    owners = table[["twin_id", "stream"]].drop_duplicates()
    for twin_id, sensor in owners.itertuples(index=False):
        define(engine, registry, streams[sensor], twin_id)


def _gaps(stored: pd.DataFrame, registry: Registry) -> pd.DataFrame:
    found = []
    for stream in registry.streams:
        if stream.cadence_minutes is not None:
            rows = stored.loc[(stored["stream"] == stream.sensor) & (stored["measure"] == stream.measure)]
            found.append(gaps(rows, dt.timedelta(minutes=stream.cadence_minutes)))
    found = [table for table in found if len(table)]
    return pd.concat(found, ignore_index=True) if found else gaps(stored.iloc[:0], dt.timedelta(hours=1))
