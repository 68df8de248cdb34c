"""Forecasts as a cube: every issue is kept, by issue and lead time, so that their skill can be scored later."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from agritwin.cubes import EPOCH, HOUR, reading, writing
from agritwin.errors import StoreError
from agritwin.provenance import joined
from agritwin.stacked import Stacked
from agritwin.weather_cube import hour_of, hours_of

ISSUES = "issues"


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

    Raises
    ------
    StoreError
        When the forecast has other variables than the cube.
    """
    about = _texts(forecast.attrs)
    names = sorted(str(name) for name in forecast.data_vars)
    issue = hour_of(forecast["issue_time"].to_numpy())
    lead = hours_of(forecast["time"].to_numpy()) - issue
    values = np.stack([forecast[name].transpose("member", "time").to_numpy().astype("f4") for name in names], axis=-1)
    with writing(store, message) as session:
        group = Stacked.open(session, ISSUES)
        if group is None:
            notes = {
                "variables": names,
                "lead_hour": lead.tolist(),
                "variable_attributes": {name: _texts(forecast[name].attrs) for name in names},
                "source_attributes": [about],
            }
            group = Stacked.create(session, ISSUES, notes)
            made = group.group
            shape = (0, *values.shape)
            made.create_array("values", shape=shape, chunks=(1, *values.shape), dtype="f4", fill_value=np.nan)
            made.create_array("issue", shape=(0,), chunks=(4096,), dtype="i8")
        issues, stored = group.array("issue"), group.array("values")
        if issue in np.asarray(issues[:]):
            return False
        if names != group.variables:
            raise StoreError(
                f"The cube holds {', '.join(group.variables)}; the source gives {', '.join(names)}.",
                "Choose sources that give the same variables, or delete the cube to start again.",
            )
        known = group.note("lead_hour")
        if stored.shape[1:] != values.shape or lead.tolist() != known:
            values = _fit(values, lead, np.asarray(known), stored.shape[1:])
        sources = _sources(group)
        if about not in sources:
            sources.append(about)
        group.remember("source_attributes", sources)
        if "origin" not in group.group:
            group.group.create_array("origin", shape=issues.shape, chunks=(4096,), dtype="i8", fill_value=0)
        count = issues.shape[0]
        for array, value in ((issues, issue), (stored, values), (group.array("origin"), sources.index(about))):
            array.resize((count + 1, *array.shape[1:]))
            array[count] = value
        return True


def _sources(group: Stacked) -> list[dict[str, Any]]:
    """Attributes of the sources of the issues; a cube of old knows those of its first issue."""
    return group.note("source_attributes") or [group.note("dataset_attributes")]


def _texts(attributes: Any) -> dict[str, Any]:
    return {str(key): np.asarray(value).tolist() for key, value in attributes.items()}


def _fit(values: np.ndarray, lead: np.ndarray, wanted: np.ndarray, shape: tuple) -> np.ndarray:
    # Providers change members and range from run to run; what a run lacks stays missing.
    fitted = np.full(shape, np.nan, "f4")
    members = min(shape[0], values.shape[0])
    common, here, there = np.intersect1d(lead, wanted, return_indices=True)
    if common.size:
        fitted[:members, there] = values[:members, here]
    return fitted


def has_issue(store: Path, issue: Any) -> bool:
    """Tell whether the forecast issued at a moment is kept."""
    try:
        group = Stacked.open(reading(store), ISSUES)
    except StoreError:
        return False
    return group is not None and hour_of(issue) in np.asarray(group.array("issue")[:])


def open_issue(store: Path, snapshot: str | None = None, until: Any = None) -> xr.Dataset:
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
    group = Stacked.open(reading(store, snapshot), ISSUES)
    issues = np.asarray(group.array("issue")[:]) if group is not None else np.empty(0, "i8")
    usable = issues if until is None else issues[issues <= hour_of(until)]
    if group is None or usable.size == 0:
        raise StoreError(f"Cube {store} has no forecast issued up to {until}.", "Run 'snakemake observe'.")
    issue = int(usable.max())
    number = int(np.flatnonzero(issues == issue)[0])
    values = np.asarray(group.array("values")[number])
    time = EPOCH + (issue + np.asarray(group.note("lead_hour"))) * HOUR
    coordinates = {"member": np.arange(values.shape[0]), "time": time, "issue_time": EPOCH + issue * HOUR}
    origin = np.asarray(group.array("origin")[:]) if "origin" in group.group else np.zeros(issues.size, "i8")
    about = _sources(group)[origin[number]]
    return _dataset(group, values, ("member", "time"), coordinates, about)


def open_issues(store: Path, snapshot: str | None = None) -> xr.Dataset:
    """Read all issues.

    Returns
    -------
    xr.Dataset
        Dims ``(issue, member, lead)``, issues rising; ``issue`` as UTC times, ``lead`` in hours, and the coordinate
        ``valid_time`` (issue, lead); the attribution is that of all sources.

    Raises
    ------
    StoreError
        When there is none.
    """
    group = Stacked.open(reading(store, snapshot), ISSUES)
    if group is None:
        raise StoreError(f"Cube {store} has no forecast.", "Run 'snakemake observe'.")
    issues, lead = np.asarray(group.array("issue")[:]), np.asarray(group.note("lead_hour"))
    order = np.argsort(issues)
    values = np.asarray(group.array("values")[:])[order]
    times = EPOCH + issues[order] * HOUR
    coordinates = {
        "issue": ("issue", times, {"standard_name": "forecast_reference_time", "long_name": "issue time"}),
        "member": np.arange(values.shape[1]),
        "lead": ("lead", lead, {"units": "h", "standard_name": "forecast_period", "long_name": "lead time"}),
        "valid_time": (("issue", "lead"), times[:, None] + lead * HOUR, {"standard_name": "time"}),
    }
    about = joined(_sources(group))
    return _dataset(group, values, ("issue", "member", "lead"), coordinates, about)


def _dataset(
    group: Stacked, values: np.ndarray, dims: tuple[str, ...], coordinates: dict, about: dict[str, Any]
) -> xr.Dataset:
    attributes = group.note("variable_attributes")
    data = {name: (dims, values[..., index], attributes[name]) for index, name in enumerate(group.variables)}
    return xr.Dataset(data, coordinates, about)
