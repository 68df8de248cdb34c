"""Flags on readings: late, duplicate, out of order, absurd, stuck. A flag warns; nothing is removed."""

import numpy as np
import pandas as pd

from agritwin.records.instruments import Flag
from agritwin.sensors.registry import Registry, Stream

EARLY_ALLOWED = pd.Timedelta(minutes=10)
"""How far a device's clock may run ahead of the receiver's."""


def flag(table: pd.DataFrame, registry: Registry) -> pd.DataFrame:
    """Return a stream with its flags set.

    Parameters
    ----------
    table
        As :func:`agritwin.sensors.stream.read_stream` gives it, in order of arrival.
    registry
        What is believable of each stream.
    """
    table = table.copy()
    streams = {(stream.sensor, stream.measure): stream for stream in registry.streams}
    late = pd.Timedelta(minutes=registry.late_minutes)
    flags = table["flags"].to_numpy(np.int64).copy()
    for stream, places in _groups(table, streams):
        rows = table.iloc[places]
        time, value = rows["time"].to_numpy(), rows["value"].to_numpy(float)
        delay = rows["arrival"] - rows["time"]
        marks = (
            (Flag.LATE, (delay > late).to_numpy()),
            (Flag.FUTURE, (delay < -EARLY_ALLOWED).to_numpy()),
            (Flag.OUT_OF_ORDER, out_of_order(time)),
            (Flag.ABSURD, absurd(value, stream)),
            (Flag.STUCK, stuck(time, value, stream.stuck_readings)),
            (Flag.DUPLICATE, rows.duplicated(["time", "value", "text"]).to_numpy()),
            (Flag.CONFLICT, (rows.duplicated("time") & ~rows.duplicated(["time", "value", "text"])).to_numpy()),
        )
        for mark, where in marks:
            flags[places[where]] |= int(mark)
    table["flags"] = flags
    return table


def out_of_order(time: np.ndarray) -> np.ndarray:
    """Return where a moment lies before one that arrived earlier, shape (n,)."""
    highest = np.maximum.accumulate(time) if len(time) else time
    return np.concatenate([[False], time[1:] < highest[:-1]])[: len(time)]


def absurd(value: np.ndarray, stream: Stream) -> np.ndarray:
    """Return where a value lies outside of the stream's range; a missing one does not, shape (n,)."""
    low = -np.inf if stream.minimum is None else stream.minimum
    high = np.inf if stream.maximum is None else stream.maximum
    return (value < low) | (value > high)


def stuck(time: np.ndarray, value: np.ndarray, readings: int | None) -> np.ndarray:
    """Return where a value belongs to a run of at least ``readings`` equal ones in order of time, shape (n,)."""
    result = np.zeros(len(value), bool)
    if readings is None or len(value) < readings:
        return result
    order = np.argsort(time, kind="stable")
    ordered = value[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(ordered)]]))
    result[order] = np.repeat(lengths >= readings, lengths)
    return result


def count_flags(table: pd.DataFrame) -> dict[str, int]:
    """Return how many readings carry each flag, by its name in lower case; flags nobody carries are left out."""
    flags = table["flags"].to_numpy(np.int64)
    counts = {str(mark.name).lower(): int(np.count_nonzero(flags & int(mark))) for mark in Flag if mark}
    return {name: count for name, count in counts.items() if count}


def _groups(table: pd.DataFrame, streams: dict[tuple[str, str], Stream]) -> list[tuple[Stream, np.ndarray]]:
    keys = pd.MultiIndex.from_frame(table[["sensor", "measure"]].assign(twin=table["twin_id"].astype(str)))
    codes, unique = pd.factorize(keys)
    return [(streams[sensor, measure], np.flatnonzero(codes == i)) for i, (sensor, measure, _) in enumerate(unique)]
