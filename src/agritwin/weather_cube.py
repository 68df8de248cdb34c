"""Hourly weather and forecasts as cubes: all variables stacked in one array, which appends ten times faster.

The hourly cube holds every hour from its first to its last; hours that no source gave are NaN, so a gap is visible and
can be filled later. Values that a provider revised replace the old ones in a new commit.
"""

import json
from pathlib import Path
from typing import Any

import icechunk
import numpy as np
import xarray as xr
import zarr
from zarr.errors import GroupNotFoundError

from agritwin.cubes import EPOCH, HOUR, reading, writing
from agritwin.errors import DataError, StoreError

HOURLY = "hourly"
ISSUES = "issues"
CHUNK_HOURS = 8760


class Stacked:
    """A group whose variables are stacked in one array, with typed access to its arrays and attributes."""

    def __init__(self, group: zarr.Group) -> None:
        self.group = group

    def array(self, name: str) -> zarr.Array:
        """Return an array of the group."""
        found = self.group[name]
        assert isinstance(found, zarr.Array)
        return found

    def note(self, key: str) -> Any:
        """Return an attribute; texts that hold JSON come back as what they say."""
        value: Any = self.group.attrs[key]
        return json.loads(value) if key.endswith("_attributes") else value


def _open(session: icechunk.Session, group: str) -> Stacked | None:
    try:
        return Stacked(zarr.open_group(session.store, path=group, mode="r" if session.read_only else "r+"))
    except (FileNotFoundError, GroupNotFoundError):
        return None


def write_hourly(store: Path, dataset: xr.Dataset, message: str) -> int:
    """Write hourly weather into a cube: new hours are appended, revised ones replaced, equal ones left.

    Parameters
    ----------
    store
        Folder of the cube.
    dataset
        Dims ``(time)``, hour-ending UTC stamps, the contract's variables; ``origin`` (time, variable) where known.
        A value that is missing here never erases one that is there.
    message
        Why.

    Returns
    -------
    int
        Number of hours whose values changed.
    """
    if dataset.sizes.get("time", 0) == 0:
        return 0
    names = sorted(str(name) for name in dataset.data_vars if name != "origin")
    stamps = _hours(dataset["time"].to_numpy())
    fresh = np.stack([dataset[name].to_numpy().astype("f4") for name in names], axis=1)
    origin = (
        dataset["origin"].sel(variable=names).transpose("time", "variable").to_numpy()
        if "origin" in dataset
        else np.ones(fresh.shape, "u1")
    )
    with writing(store, message) as session:
        group = _open(session, HOURLY)
        if group is None:
            group = _create_hourly(session, names, dataset, int(stamps.min()))
        kept = list(group.note("variables"))
        if kept != names:
            raise StoreError(
                f"Cube {store} holds {', '.join(kept)}; the source gives {', '.join(names)}.",
                "Choose sources that give the same variables, or delete the cube to start again.",
            )
        return _merge_hours(group, stamps, fresh, origin)


def _create_hourly(session: icechunk.Session, names: list[str], dataset: xr.Dataset, first: int) -> Stacked:
    group = zarr.create_group(session.store, path=HOURLY)
    shape, chunks = (0, len(names)), (CHUNK_HOURS, len(names))
    group.create_array("values", shape=shape, chunks=chunks, dtype="f4", fill_value=np.nan)
    group.create_array("origin", shape=shape, chunks=chunks, dtype="u1", fill_value=0)
    group.attrs.update(
        {
            "variables": names,
            "first_hour": first,
            "variable_attributes": json.dumps({name: dict(dataset[name].attrs) for name in names}, sort_keys=True),
            "origin_attributes": json.dumps(_texts(dataset["origin"].attrs if "origin" in dataset else {})),
            "dataset_attributes": json.dumps(_texts(dataset.attrs), sort_keys=True),
        }
    )
    return Stacked(group)


def _texts(attributes: dict) -> dict:
    return {str(key): np.asarray(value).tolist() for key, value in attributes.items()}


def _merge_hours(group: Stacked, stamps: np.ndarray, fresh: np.ndarray, origin: np.ndarray) -> int:
    first = int(group.note("first_hour"))
    if stamps.min() < first:
        raise DataError(
            "The hours begin before the cube's first hour.",
            "Set weather.first_day once, before the first fetch; delete the cube to begin earlier.",
        )
    values, sources = group.array("values"), group.array("origin")
    low, high = int(stamps.min()) - first, int(stamps.max()) - first + 1
    if high > values.shape[0]:
        values.resize((high, values.shape[1]))
        sources.resize((high, values.shape[1]))
        grown = True
    else:
        grown = False
    old, old_origin = np.asarray(values[low:high]), np.asarray(sources[low:high])
    new, new_origin = old.copy(), old_origin.copy()
    rows = stamps - first - low
    given = np.isfinite(fresh)
    new[rows] = np.where(given, fresh, new[rows])
    new_origin[rows] = np.where(given, origin, new_origin[rows])
    changed = ((new != old) & ~(np.isnan(new) & np.isnan(old))).any(axis=1)
    if changed.any() or grown or (new_origin != old_origin).any():
        values[low:high] = new
        sources[low:high] = new_origin
    return int(changed.sum())


def _hours(times: np.ndarray) -> np.ndarray:
    offsets = times.astype("datetime64[ns]") - EPOCH
    if (offsets % HOUR).astype("i8").any():
        raise DataError("Hourly weather has stamps off the full hour.", "Correct the source.")
    hours = (offsets // HOUR).astype("i8")
    if np.unique(hours).size != hours.size:
        raise DataError("Hourly weather has the same hour twice.", "Correct the source.")
    return hours


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
    group = _open(reading(store, snapshot), HOURLY)
    if group is None:
        raise StoreError(f"Cube {store} has no weather.", "Run 'snakemake observe'.")
    first, size = int(group.note("first_hour")), group.array("values").shape[0]
    low = 0 if start is None else max(_hour(start) - first, 0)
    high = size if end is None else min(_hour(end) - first + 1, size)
    high = max(high, low)
    values, origin = np.asarray(group.array("values")[low:high]), np.asarray(group.array("origin")[low:high])
    names = list(group.note("variables"))
    attributes = group.note("variable_attributes")
    time = EPOCH + np.arange(first + low, first + high) * HOUR
    data: dict[str, Any] = {name: ("time", values[:, index], attributes[name]) for index, name in enumerate(names)}
    data["origin"] = (("time", "variable"), origin, group.note("origin_attributes"))
    coordinates = {"time": ("time", time, {"long_name": "end of the hour, UTC"}), "variable": names}
    return xr.Dataset(data, coordinates, group.note("dataset_attributes"))


def _hour(stamp) -> int:
    return int((np.datetime64(stamp, "ns") - EPOCH) // HOUR)


def missing_ranges(store: Path, first_day, last_day) -> list[tuple]:
    """Return the runs of UTC days (start, end) that a cube lacks: the gap table that a fetch works through.

    A day is lacking when any of its 24 hours has no value at all.
    """
    hours = np.arange(_hour(first_day), _hour(last_day) + 24)
    present = np.zeros(hours.size, bool)
    try:
        group = _open(reading(store), HOURLY)
    except StoreError:
        group = None
    if group is not None:
        first, size = int(group.note("first_hour")), group.array("values").shape[0]
        inside = (hours >= first) & (hours < first + size)
        filled = np.isfinite(np.asarray(group.array("values")[:])).any(axis=1)
        present[inside] = filled[hours[inside] - first]
    lacking = ~present.reshape(-1, 24).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lacking.astype("i1"), [0]])))
    days = np.datetime64(first_day, "D") + np.arange(lacking.size).astype("timedelta64[D]")
    return [(days[begin].item(), days[end - 1].item()) for begin, end in zip(edges[::2], edges[1::2], strict=True)]


def write_issue(store: Path, forecast: xr.Dataset, message: str) -> bool:
    """Append one forecast issue to a cube; an issue that is there already is left alone.

    Parameters
    ----------
    store
        Folder of the cube.
    forecast
        Dims ``(member, time)`` with the scalar coordinate ``issue_time``; stored by lead time.
    message
        Why.

    Returns
    -------
    bool
        True when the issue is new.
    """
    names = sorted(str(name) for name in forecast.data_vars)
    issue = _hour(forecast["issue_time"].to_numpy())
    lead = _hours(forecast["time"].to_numpy()) - issue
    values = np.stack([forecast[name].transpose("member", "time").to_numpy().astype("f4") for name in names], axis=-1)
    with writing(store, message) as session:
        group = _open(session, ISSUES)
        if group is None:
            made = zarr.create_group(session.store, path=ISSUES)
            shape = (0, *values.shape)
            made.create_array("values", shape=shape, chunks=(1, *values.shape), dtype="f4", fill_value=np.nan)
            made.create_array("issue", shape=(0,), chunks=(4096,), dtype="i8")
            made.attrs.update(
                {
                    "variables": names,
                    "lead_hour": lead.tolist(),
                    "variable_attributes": json.dumps(
                        {name: dict(forecast[name].attrs) for name in names}, sort_keys=True
                    ),
                    "dataset_attributes": json.dumps(_texts(forecast.attrs), sort_keys=True),
                }
            )
            group = Stacked(made)
        issues, stored = group.array("issue"), group.array("values")
        if issue in np.asarray(issues[:]):
            return False
        if stored.shape[1:] != values.shape:
            values = _fit(values, lead, np.asarray(group.note("lead_hour")), stored.shape[1:])
        count = issues.shape[0]
        issues.resize((count + 1,))
        stored.resize((count + 1, *stored.shape[1:]))
        stored[count] = values
        issues[count] = issue
        return True


def _fit(values: np.ndarray, lead: np.ndarray, wanted: np.ndarray, shape: tuple) -> np.ndarray:
    # Providers change members and range from run to run; what a run lacks stays missing.
    fitted = np.full(shape, np.nan, "f4")
    members = min(shape[0], values.shape[0])
    common, here, there = np.intersect1d(lead, wanted, return_indices=True)
    if common.size:
        fitted[:members, there] = values[:members, here]
    return fitted


def open_issue(store: Path, snapshot: str | None = None, until=None) -> xr.Dataset:
    """Read the newest forecast issued up to a moment (None: ever).

    Returns
    -------
    xr.Dataset
        Dims ``(member, time)`` with ``issue_time``.

    Raises
    ------
    StoreError
        When no issue is that old.
    """
    group = _open(reading(store, snapshot), ISSUES)
    issues = np.asarray(group.array("issue")[:]) if group is not None else np.empty(0, "i8")
    usable = issues if until is None else issues[issues <= _hour(until)]
    if group is None or usable.size == 0:
        raise StoreError(f"Cube {store} has no forecast issued up to {until}.", "Run 'snakemake observe'.")
    issue = int(usable.max())
    values = np.asarray(group.array("values")[int(np.flatnonzero(issues == issue)[0])])
    attributes = group.note("variable_attributes")
    time = EPOCH + (issue + np.asarray(group.note("lead_hour"))) * HOUR
    data = {
        name: (("member", "time"), values[..., index], attributes[name])
        for index, name in enumerate(group.note("variables"))
    }
    coordinates = {"member": np.arange(values.shape[0]), "time": time, "issue_time": EPOCH + issue * HOUR}
    return xr.Dataset(data, coordinates, group.note("dataset_attributes"))
