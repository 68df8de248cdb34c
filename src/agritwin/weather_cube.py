"""The weather cube of a cell: its hours and its local days, brought up to date in one commit.

The hourly table holds every hour from its first to its last, the daily one every local day; what no source gave is NaN.
Values that a provider revised replace the old ones in a new commit.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import icechunk
import numpy as np
import xarray as xr

from agritwin import provenance
from agritwin.cubes import EPOCH, HOUR, reading, writing
from agritwin.errors import DataError, StoreError
from agritwin.stacked import Stacked, create_table

HOURLY = "hourly"
DAILY = "daily"
CHUNK_HOURS = 2 * 8760
CHUNK_DAYS = 3660
DAY_MARGIN_H = 26
"""No local day reaches further from its UTC day than this."""

type Derive = Callable[[xr.Dataset], xr.Dataset]


class WeatherCube:
    """A weather cube open for writing; nothing is there for others until the block that opened it ends well.

    Parameters
    ----------
    session
        Writable session.
    first_day
        Where the tables begin when they are made; None: with the first value that comes.
    """

    def __init__(self, session: icechunk.Session, first_day: dt.date | None = None) -> None:
        self.session, self.first_day = session, first_day
        self.changed_hours = np.empty(0, np.int64)

    def merge_hours(self, dataset: xr.Dataset) -> int:
        """Merge hourly weather: new hours are appended, revised ones replaced, equal ones left.

        Parameters
        ----------
        dataset
            Dims ``(time)``, hour-ending UTC stamps, the contract's variables; ``origin`` (time, variable) where known.

        Returns
        -------
        int
            Number of hours whose values changed.
        """
        if dataset.sizes.get("time", 0) == 0:
            return 0
        stamps = hours_of(dataset["time"].to_numpy())
        changed = self._merge(HOURLY, dataset, stamps, "time", CHUNK_HOURS)
        self.changed_hours = np.union1d(self.changed_hours, changed)
        return changed.size

    def derive_days(self, derive: Derive) -> int:
        """Make the local days anew whose hours changed.

        Parameters
        ----------
        derive
            Turns hourly weather into days (dim ``day``, every value with its ``origin``).

        Returns
        -------
        int
            Number of days whose values changed.
        """
        hourly = Stacked.open(self.session, HOURLY)
        if hourly is None:
            return 0
        if Stacked.open(self.session, DAILY) is None:
            low, high = hourly.first, hourly.first + hourly.size - 1
        elif self.changed_hours.size:
            low = max(int(self.changed_hours[0]) - 2 * DAY_MARGIN_H, hourly.first)
            high = min(int(self.changed_hours[-1]) + 2 * DAY_MARGIN_H, hourly.first + hourly.size - 1)
        else:
            return 0
        days = derive(_hours(hourly, low - hourly.first, high + 1 - hourly.first))
        # A day cut by the edge of what was read is whole in the cube already.
        whole = slice(int(low > hourly.first), days.sizes["day"] - int(high < hourly.first + hourly.size - 1))
        return self.merge_days(days.isel(day=whole))

    def merge_days(self, dataset: xr.Dataset) -> int:
        """Merge daily weather, dims ``(day)``; variables that the cube does not hold are left out."""
        if dataset.sizes.get("day", 0) == 0:
            return 0
        days = dataset["day"].to_numpy().astype("datetime64[D]").astype(np.int64)
        return self._merge(DAILY, dataset, days, "day", CHUNK_DAYS).size

    def _merge(self, path: str, dataset: xr.Dataset, rows: np.ndarray, dim: str, chunk: int) -> np.ndarray:
        given = [str(name) for name in dataset.data_vars if name != "origin"]
        table = Stacked.open(self.session, path)
        if table is None:
            table = create_table(
                self.session,
                path,
                variables={name: dataset[name].attrs for name in sorted(given)},
                first=self._first(path, int(rows.min())),
                attributes=dataset.attrs | ({"zone": dataset["day"].attrs["zone"]} if dim == "day" else {}),
                chunk=chunk,
            )
        names = table.variables
        if dim == "time" and names != sorted(given):
            raise StoreError(
                f"The cube holds {', '.join(names)}; the source gives {', '.join(sorted(given))}.",
                "Choose sources that give the same variables, or delete the cube to start again.",
            )
        known = [name for name in names if name in given]
        origin = provenance.of(dataset, known, dim)
        columns = [names.index(name) for name in known]
        fresh = np.full((rows.size, len(names)), np.nan, "f4")
        fresh[:, columns] = np.stack([dataset[name].to_numpy() for name in known], axis=1)
        codes = np.zeros(fresh.shape, np.uint8)
        codes[:, columns] = origin.codes
        origin.codes = codes
        return table.merge(rows, fresh, origin)

    def _first(self, path: str, otherwise: int) -> int:
        if self.first_day is None:
            return otherwise
        if path == HOURLY:
            return hour_of(self.first_day)
        # West of Greenwich the first UTC hours belong to the local day before.
        return int(np.datetime64(self.first_day, "D").astype(np.int64)) - 1

    def note(self, key: str) -> Any:
        """Return a note of the hourly table, None where there is none."""
        table = Stacked.open(self.session, HOURLY)
        return None if table is None else table.note(key)

    def remember(self, key: str, value: Any) -> None:
        """Keep a note with the hourly table, for example which station was chosen and why."""
        table = Stacked.open(self.session, HOURLY)
        if table is not None:
            table.remember(key, value)

    def missing_days(self, first: dt.date, last: dt.date) -> list[tuple[dt.date, dt.date]]:
        """Return the runs of local days (start, end) that have no temperature of their own yet."""
        days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + np.timedelta64(1, "D"))
        table = Stacked.open(self.session, DAILY)
        present = np.zeros(days.size, bool)
        if table is not None:
            column = table.variables.index("air_temperature")
            filled = np.isfinite(np.asarray(table.array("values")[:, column]))
            rows = days.astype(np.int64) - table.first
            inside = (rows >= 0) & (rows < filled.size)
            present[inside] = filled[rows[inside]]
        return runs(days, ~present)


@contextlib.contextmanager
def editing(store: Path, message: str, first_day: dt.date | None = None) -> Iterator[WeatherCube]:
    """Open a cube for writing, alone; one commit when the block ends well and something changed."""
    with writing(store, message) as session:
        yield WeatherCube(session, first_day)


def write_hourly(store: Path, dataset: xr.Dataset, message: str) -> int:
    """Write hourly weather alone; see :meth:`WeatherCube.merge_hours`."""
    with editing(store, message) as cube:
        return cube.merge_hours(dataset)


def hours_of(times: np.ndarray) -> np.ndarray:
    """Return stamps as hours since 1970.

    Raises
    ------
    DataError
        For a stamp off the full hour, or one that occurs twice.
    """
    offsets = times.astype("datetime64[ns]") - EPOCH
    if (offsets % HOUR).astype("i8").any():
        raise DataError("Hourly weather has stamps off the full hour.", "Correct the source.")
    hours = (offsets // HOUR).astype("i8")
    if np.unique(hours).size != hours.size:
        raise DataError("Hourly weather has the same hour twice.", "Correct the source.")
    return hours


def hour_of(stamp: Any) -> int:
    """Return the hour since 1970 that holds a stamp."""
    return int((np.datetime64(stamp, "ns") - EPOCH) // HOUR)


def open_hourly(store: Path, snapshot: str | None = None, start=None, end=None) -> xr.Dataset:
    """Read hourly weather between two stamps, both included.

    Parameters
    ----------
    store, snapshot
        Cube and state (None: the newest).
    start, end
        UTC datetimes or None for all.

    Returns
    -------
    xr.Dataset
        Dims ``(time)``: the contract's variables and ``origin`` (time, variable).
    """
    table = _table(store, HOURLY, snapshot)
    low = 0 if start is None else max(hour_of(start) - table.first, 0)
    high = table.size if end is None else min(hour_of(end) - table.first + 1, table.size)
    return _hours(table, low, max(high, low))


def open_daily(store: Path, snapshot: str | None = None, start=None, end=None) -> xr.Dataset:
    """Read local days of weather between two dates, both included.

    Returns
    -------
    xr.Dataset
        Dims ``(day)``: what :func:`agritwin.agromet.daily.daily` makes of the hours, ``precipitation_trace``, and
        ``origin`` (day, variable).
    """
    table = _table(store, DAILY, snapshot)
    low = 0 if start is None else max(int(np.datetime64(start, "D").astype(int)) - table.first, 0)
    high = table.size if end is None else min(int(np.datetime64(end, "D").astype(int)) - table.first + 1, table.size)
    high = max(high, low)
    days = np.arange(table.first + low, table.first + high).astype("datetime64[D]").astype("datetime64[ns]")
    zone = table.note("dataset_attributes")["zone"]
    return _dataset(table, low, high, "day", days, {"long_name": "local civil day", "zone": zone})


def note(store: Path, key: str) -> Any:
    """Return a note that was kept with the hours of a cube, None where there is none."""
    return _table(store, HOURLY, None).note(key)


def _table(store: Path, path: str, snapshot: str | None) -> Stacked:
    table = Stacked.open(reading(store, snapshot), path)
    if table is None:
        raise StoreError(f"Cube {store} has no {path} weather.", "Run 'snakemake observe'.")
    return table


def _hours(table: Stacked, low: int, high: int) -> xr.Dataset:
    time = EPOCH + np.arange(table.first + low, table.first + high) * HOUR
    return _dataset(table, low, high, "time", time, {"long_name": "end of the hour, UTC"})


def _dataset(table: Stacked, low: int, high: int, dim: str, axis: np.ndarray, about: dict[str, str]) -> xr.Dataset:
    values, origin = table.read(low, high)
    attributes = table.note("variable_attributes")
    data: dict[str, Any] = {}
    for column, name in enumerate(table.variables):
        kinds = origin.kinds(column)
        given = attributes[name] | ({"origin": ", ".join(kinds)} if kinds else {})
        data[name] = (dim, values[:, column], given)
    data["origin"] = ((dim, "variable"), origin.codes, origin.attributes())
    coordinates = {dim: (dim, axis, about), "variable": table.variables}
    return xr.Dataset(data, coordinates, table.note("dataset_attributes") | origin.dataset_attributes())


def missing_ranges(store: Path, first_day: dt.date, last_day: dt.date) -> list[tuple[dt.date, dt.date]]:
    """Return the runs of UTC days (start, end) that a cube lacks: the gap table that a fetch works through.

    A day is lacking when any of its 24 hours has no value at all.
    """
    hours = np.arange(hour_of(first_day), hour_of(last_day) + 24)
    present = np.zeros(hours.size, bool)
    try:
        table = Stacked.open(reading(store), HOURLY)
    except StoreError:
        table = None
    if table is not None:
        inside = (hours >= table.first) & (hours < table.first + table.size)
        filled = (np.asarray(table.array("origin")[:]) > 0).any(axis=1)
        present[inside] = filled[hours[inside] - table.first]
    days = np.datetime64(first_day, "D") + np.arange(hours.size // 24).astype("timedelta64[D]")
    return runs(days, ~present.reshape(-1, 24).all(axis=1))


def runs(days: np.ndarray, lacking: np.ndarray) -> list[tuple[dt.date, dt.date]]:
    """Return the first and last day of each run of days that lack something."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lacking.astype("i1"), [0]])))
    return [(days[begin].item(), days[end - 1].item()) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
