"""Pins: small JSON files that name a state of a cube, so that Snakemake sees content and never a store.

A pointer names store, group and snapshot. A pin names a slice besides and carries a digest of that slice; it is
rewritten only when the digest changed, because snapshot ids change with every commit to a shared store.
"""

from pathlib import Path
from typing import Any

import xarray as xr

from agritwin import forecast_cube, weather_cube
from agritwin.cubes import digest, head, known_at, open_group
from agritwin.errors import StoreError
from agritwin.workspace import read_json, write_json


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


def read_pointer(path: Path | str) -> dict[str, Any]:
    """Read a pointer or pin.

    Raises
    ------
    StoreError
        When the file is missing, damaged or no pointer.
    """
    pointer = read_json(path)
    if not isinstance(pointer, dict) or not {"store", "group", "snapshot"} <= pointer.keys():
        raise StoreError(f"{path} is no pointer to a cube.", "Delete it and run snakemake again.")
    return pointer


def open_pointer(path: Path | str) -> xr.Dataset:
    """Open what a pointer or pin names, as it was then: the slice where there is one, the whole group else.

    Raises
    ------
    StoreError
        When the pointer names nothing, or the store lost that state.
    """
    pointer = read_pointer(path)
    store, group, snapshot = Path(pointer["store"]), pointer["group"], pointer["snapshot"]
    if snapshot is None:
        raise StoreError(f"{path} points to nothing: {pointer.get('reason', 'nothing was fetched yet')}.")
    if group == weather_cube.HOURLY:
        return weather_cube.open_hourly(store, snapshot, pointer.get("start"), pointer.get("end"))
    if group == forecast_cube.ISSUES:
        return forecast_cube.open_issue(store, snapshot, pointer.get("end"))
    dataset = open_group(store, group, snapshot)
    if "start" in pointer:
        dataset = dataset.sel(time=slice(pointer["start"], pointer["end"]))
    return dataset


def write_pin(path: Path, pointer: Path, start: str | None, end: str, as_of: str | None = None) -> bool:
    """Pin a slice of a cube, unless the pin that is there names a slice of equal content.

    Parameters
    ----------
    path
        The pin file.
    pointer
        Pointer to the cube.
    start, end
        First and last moment of the slice (ISO, UTC); for forecasts ``end`` is the latest issue that may be seen.
    as_of
        Clock of the run: the cube is seen as it was known on that day. None: as the pointer says.

    Returns
    -------
    bool
        True when the pin was written.
    """
    source = read_pointer(pointer)
    named = {key: source[key] for key in ("store", "group", "snapshot")}
    pin = named | {"end": end} | ({"start": start} if start is not None else {})
    if source["snapshot"] is not None and as_of is not None:
        pin["snapshot"] = known_at(Path(source["store"]), as_of)
    if source["snapshot"] is None:
        content = {"digest": None, "synthetic": False, "reason": source.get("reason", "nothing was fetched")}
    else:
        dataset = _slice(pin)
        content = {"digest": digest(dataset), "synthetic": is_synthetic(dataset)}
    old = read_json(path) if path.is_file() else {}
    same = old.get("digest") == content["digest"] and old.get("start") == pin.get("start")
    if same and old and (content["digest"] is not None or old.get("reason") == content.get("reason")):
        return False
    write_json(path, pin | content)
    return True


def _slice(pin: dict[str, Any]) -> xr.Dataset:
    store, snapshot = Path(pin["store"]), pin["snapshot"]
    if pin["group"] == weather_cube.HOURLY:
        return weather_cube.open_hourly(store, snapshot, pin.get("start"), pin["end"])
    if pin["group"] == forecast_cube.ISSUES:
        return forecast_cube.open_issue(store, snapshot, pin["end"])
    return open_group(store, pin["group"], snapshot).sel(time=slice(pin.get("start"), pin["end"]))
