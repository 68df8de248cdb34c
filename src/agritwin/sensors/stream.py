"""Read a stream of readings from CSV or JSON lines: the known ones in order of arrival, the rest counted."""

import io
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from agritwin.errors import DataError
from agritwin.holding.files import Landed, land
from agritwin.records.instruments import Flag
from agritwin.records.measures import canonical_unit, convert_value
from agritwin.records.values import columns_of, read_value
from agritwin.sensors.registry import Registry, Stream

FORMATS = {".csv": b"", ".tsv": b"", ".txt": b"", ".json": b"", ".jsonl": b"", ".ndjson": b""}
COLUMNS = ["line", "twin_id", "sensor", "measure", "time", "arrival", "value", "text", "flags"]


@dataclass(frozen=True)
class Problem:
    """A line without a moment: such a reading has no place on the time axis."""

    line: int
    value: str
    reason: str


@dataclass(frozen=True)
class Readings:
    """What a stream holds.

    Attributes
    ----------
    table
        Columns ``line, twin_id, sensor, measure, time`` (UTC, naive), ``arrival, value, text, flags``, in order of
        arrival. A value that is no number stands in ``text`` and is flagged.
    unknown
        Column or topic -> how many values it had; nothing of them is read.
    problems
        Lines whose moment cannot be read.
    sha256
        Digest of the bytes.
    """

    table: pd.DataFrame
    unknown: Counter[str]
    problems: list[Problem]
    sha256: str
    lines: int = 0
    name: str = field(default="")


def read_stream(path: Path, registry: Registry) -> Readings:
    """Read a file of readings as its registry says.

    Parameters
    ----------
    path
        CSV (wide, or long with topic and value) or JSON lines.
    registry
        What each column or topic is.

    Raises
    ------
    DataError
        When the file cannot be read, or lacks the columns that the registry names.
    """
    landed = land(path, formats=FORMATS)
    given = _lines(landed)
    needed = {registry.time, *filter(None, (registry.twin, registry.arrival, registry.topic, registry.value))}
    missing = sorted(needed - set(given.columns))
    if missing:
        raise DataError(f"{landed.name} has no column {', '.join(missing)}.", f"It has: {', '.join(given.columns)}.")
    given["_line"] = np.arange(len(given)) + (1 if landed.suffix in (".jsonl", ".ndjson", ".json") else 2)
    given["_time"] = moments(given.loc[:, registry.time], registry.zone)
    problems = [
        Problem(int(line), str(value), "This is no moment.")
        for line, value in given.loc[given["_time"].isna(), ["_line", registry.time]].itertuples(index=False)
    ]
    known = given.loc[given["_time"].notna()]
    long, unknown = _wide_to_long(known, registry) if registry.topic is None else _long(known, registry)
    return Readings(_typed(long, registry), unknown, problems, landed.sha256, len(given), landed.name)


def moments(texts: pd.Series, zone: str) -> pd.Series:
    """Return moments in UTC, naive; NaT for what is none.

    A moment with an offset or ``Z`` is taken at its word. Others are in ``zone``; in the repeated hour of autumn the
    order of lines decides, and an hour that does not exist in spring is none.
    """
    text = texts.astype("string").str.strip()
    aware = text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", na=False)
    result = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    if aware.any():
        parsed = pd.to_datetime(text[aware], utc=True, errors="coerce", format="ISO8601")
        result[aware] = parsed.dt.tz_localize(None)
    if (~aware).any():
        naive = pd.to_datetime(text[~aware], errors="coerce", format="ISO8601")
        result[~aware] = _localized(naive, zone)
    return result


def _localized(naive: pd.Series, zone: str) -> pd.Series:
    try:
        local = naive.dt.tz_localize(zone, ambiguous="infer", nonexistent="NaT")
    except ValueError:  # the repeated hour cannot be told apart: such lines have no moment
        local = naive.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return local.dt.tz_convert("UTC").dt.tz_localize(None)


def _lines(landed: Landed) -> pd.DataFrame:
    try:
        text = landed.data.decode("utf-8-sig")
        if landed.suffix in (".jsonl", ".ndjson", ".json"):
            table = pd.DataFrame([json.loads(line) for line in text.splitlines() if line.strip()], dtype=object)
            table = table.map(lambda cell: None if cell is None else str(cell))
        else:
            table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, sep=None, engine="python")
    except (UnicodeDecodeError, ValueError, TypeError) as error:
        raise DataError(f"{landed.name} is no stream of readings: {error}.", "Send CSV or JSON lines.") from error
    if table.empty:
        raise DataError(f"{landed.name} holds no line.", "Send it again.")
    return table


def _wide_to_long(given: pd.DataFrame, registry: Registry) -> tuple[pd.DataFrame, Counter[str]]:
    streams = {stream.column for stream in registry.streams}
    about = {registry.time, registry.arrival, registry.twin, *registry.ignored, "_line", "_time"}
    unknown = Counter(
        {c: np.count_nonzero(given[c] != "") for c in given.columns if c not in streams and c not in about}
    )
    present = [stream.column for stream in registry.streams if stream.column in given.columns]
    if not present:
        raise DataError("The file has none of the columns of the registry.", f"The registry names {sorted(streams)}.")
    keys = [column for column in dict.fromkeys(("_line", "_time", registry.arrival, registry.twin)) if column]
    long = given.melt(id_vars=keys, value_vars=present, var_name="_topic", value_name="_value")
    return long.sort_values("_line", kind="stable").assign(_unit=""), unknown


def _long(given: pd.DataFrame, registry: Registry) -> tuple[pd.DataFrame, Counter[str]]:
    streams = {stream.column for stream in registry.streams}
    known = given[registry.topic].isin(list(streams))
    unknown = Counter(given.loc[~known, registry.topic].astype(str).tolist())
    unit = given[registry.unit] if registry.unit and registry.unit in given else ""
    long = given.assign(_topic=given[registry.topic], _value=given[registry.value], _unit=unit)
    return long.loc[known], unknown


def _typed(long: pd.DataFrame, registry: Registry) -> pd.DataFrame:
    """Give each value its type, sensor, measure and unit; an empty field is no reading."""
    long = long.loc[long["_value"].notna() & (long["_value"] != "")]
    streams = {stream.column: stream for stream in registry.streams}
    value, text, fits = _columns(long.loc[:, "_value"], [streams[topic].datatype for topic in long["_topic"]])
    table = pd.DataFrame(
        {
            "line": long["_line"].to_numpy(),
            "twin_id": long[registry.twin].to_numpy() if registry.twin else None,
            "sensor": [streams[topic].sensor for topic in long["_topic"]],
            "measure": [streams[topic].measure for topic in long["_topic"]],
            "time": long["_time"].to_numpy(),
            "arrival": moments(long.loc[:, registry.arrival], registry.zone).to_numpy() if registry.arrival else pd.NaT,
            "value": value,
            "text": text,
            "flags": np.where(fits, 0, int(Flag.ABSURD)),
        },
        columns=COLUMNS,
    )
    for unit, topic in set(zip(long["_unit"].fillna(""), long["_topic"], strict=True)):
        if unit:
            rows = ((long["_unit"] == unit) & (long["_topic"] == topic)).to_numpy()
            _convert(table, rows, str(unit), streams[topic])
    return table.reset_index(drop=True)


def _columns(written: pd.Series, datatypes: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return number and text of each value, and whether it is of its type."""
    value = np.array(pd.to_numeric(written, errors="coerce"), float)
    fits = np.isfinite(value)
    value[~fits] = np.nan
    text = written.where(~fits, None).to_numpy(object)
    for row, (given, datatype) in enumerate(zip(written, datatypes, strict=True)):
        if datatype != "float":  # such columns are few
            read = read_value(datatype, given)
            fits[row] = read is not None
            number, text[row] = (None, given) if read is None else columns_of(datatype, read)
            value[row] = np.nan if number is None else number
    return value, text, fits


def _convert(table: pd.DataFrame, rows: np.ndarray, unit: str, stream: Stream) -> None:
    """Bring values of another unit into the stream's, and say so; what cannot be brought is absurd."""
    try:
        if canonical_unit(unit) == stream.unit:
            return
        if stream.datatype != "float":
            raise DataError(f"Values of type {stream.datatype} are not converted.")
        zero, one = convert_value(0.0, unit, stream.unit), convert_value(1.0, unit, stream.unit)
    except DataError:
        table.loc[rows, "flags"] |= int(Flag.UNIT_CHANGED | Flag.ABSURD)
        return
    table.loc[rows, "value"] = zero + (one - zero) * table.loc[rows, "value"]
    table.loc[rows, "flags"] |= int(Flag.UNIT_CHANGED)
