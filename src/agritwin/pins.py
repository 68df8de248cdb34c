"""Pins: small JSON files that name a state of a cube, so that Snakemake sees content and never a store.

A pointer names store, group and snapshot. A pin names a slice besides and carries a digest of that slice; it is
rewritten only when the digest changed, because snapshot ids change with every commit to a shared store. The pin of a
series has two parts, ``history`` (closed seasons) and ``season`` (the current one), each with a digest of its own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from agritwin import forecast_cube, weather_cube
from agritwin.cubes import digest, head, known_at, open_group
from agritwin.errors import StoreError
from agritwin.workspace import read_json, write_json

Bounds = tuple[str | None, str]
PARTS = ("history", "season")


def is_synthetic(dataset: xr.Dataset) -> bool:
    """Tell whether a dataset says that it was made from synthetic input."""
    return dataset.attrs.get("synthetic") == "true"


def write_pointer(path: Path, store: Path, group: str, **extra: Any) -> None:
    """Write the pointer to a store's newest state.

    Parameters
    ----------
    path
        The pointer file.
    store, group
        What it names. A store without a commit gives a pointer to nothing (``snapshot`` null).
    extra
        Further keys, for example ``summary`` and ``synthetic``.
    """
    write_json(path, {"store": str(store), "group": group, "snapshot": head(store), **extra})


def read_pointer(path: Path | str, part: str | None = None) -> dict[str, Any]:
    """Read a pointer or pin, or the part of a pin that has parts.

    Raises
    ------
    StoreError
        When the file is missing, damaged or no pointer.
    """
    pointer = read_json(path)
    if part is not None and isinstance(pointer, dict):
        pointer = pointer.get(part)
    if not isinstance(pointer, dict) or not {"store", "group", "snapshot"} <= pointer.keys():
        raise StoreError(f"{path} is no pointer to a cube.", "Delete it and run snakemake again.")
    return pointer


def open_pointer(path: Path | str, part: str | None = None) -> xr.Dataset:
    """Open what a pointer or (part of a) pin names, as it was then: the slice where there is one, else the whole group.

    Raises
    ------
    StoreError
        When the pointer names nothing, or the store lost that state.
    """
    pointer = read_pointer(path, part)
    if pointer["snapshot"] is None:
        raise StoreError(f"{path} points to nothing: {pointer.get('reason', 'nothing was fetched yet')}.")
    return open_named(pointer)


def open_or_none(path: Path | str, part: str | None = None) -> xr.Dataset | None:
    """Open what a pointer or part of a pin names, or None where nothing could be fetched."""
    try:
        return open_pointer(path, part)
    except StoreError:
        return None


def open_named(pointer: dict[str, Any]) -> xr.Dataset:
    """Open what the content of a pointer or of a part of a pin names; it must name something."""
    store, group, snapshot = Path(pointer["store"]), pointer["group"], pointer["snapshot"]
    if group == weather_cube.HOURLY:
        return weather_cube.open_hourly(store, snapshot, pointer.get("start"), pointer.get("end"))
    if group == forecast_cube.ISSUES:
        return forecast_cube.open_issue(store, snapshot, pointer.get("end"))
    dataset = open_group(store, group, snapshot)
    if "start" in pointer:
        dataset = dataset.sel(time=slice(pointer["start"], pointer["end"]))
    return dataset


def write_pin(path: Path, pointer: Path, bounds: Bounds | Mapping[str, Bounds], as_of: str | None = None) -> bool:
    """Pin slices of a cube, unless the pin that is there names slices of equal content.

    Parameters
    ----------
    path
        The pin file.
    pointer
        Pointer to the cube.
    bounds
        First and last moment of the slice (ISO, UTC), or name of a part to its bounds. For forecasts the first is None
        and the last the latest issue that may be seen.
    as_of
        Clock of the run: the cube is seen as it was known on that day. None: as the pointer says.

    Returns
    -------
    bool
        True when the pin was written.
    """
    old = read_json(path) if path.is_file() else {}
    source = read_pointer(pointer)
    if isinstance(bounds, Mapping):
        new = {part: _pinned(old.get(part, {}), source, within, as_of) for part, within in bounds.items()}
    else:
        new = _pinned(old, source, bounds, as_of)
    if new == old:
        return False
    write_json(path, new)
    return True


def _pinned(old: dict[str, Any], source: dict[str, Any], bounds: Bounds, as_of: str | None) -> dict[str, Any]:
    """Return the pin of a slice: the old one where it names a slice of equal content."""
    start, end = bounds
    named = {key: source[key] for key in ("store", "group", "snapshot")}
    pin = named | {"end": end} | ({"start": start} if start is not None else {})
    if source["snapshot"] is not None and as_of is not None:
        pin["snapshot"] = known_at(Path(source["store"]), as_of)
    if source["snapshot"] is None:
        content = {"digest": None, "synthetic": False, "reason": source.get("reason", "nothing was fetched")}
    else:
        dataset = open_named(pin)
        content = {"digest": digest(dataset), "synthetic": is_synthetic(dataset)}
    same = old.get("digest") == content["digest"] and old.get("start") == pin.get("start")
    if same and old and (content["digest"] is not None or old.get("reason") == content.get("reason")):
        return old
    return pin | content
