"""The twin's floods run ahead: kept in its store under a fingerprint, built again when what they rest on changes."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from agritwin import fingerprint
from agritwin.cubes import digest, open_group, write_group
from agritwin.errors import StoreError
from agritwin.pins import open_pointer, read_pointer, write_pointer
from agritwin.products.flood import parcel_mask
from agritwin.products.publish import plain
from agritwin.simulation.flood.events import Event
from agritwin.simulation.flood.library import ARRIVED_M, Library, Plan, build, coarsened, ground, run
from agritwin.workspace import cube, write_json

KIND = "flood_library"
NORMAL = 0.5
"""Soil water at which the curve number is the normal one: that of the design storm."""


def mark(terrain: xr.Dataset, polygon: Any, plan: Plan) -> str:
    """Return what a library rests on: terrain, parcel, plan and the solver's code, as one digest."""
    about = [digest(ground(terrain)), polygon.wkt, asdict(plan), fingerprint.code("agritwin.simulation.flood.library")]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def library_of(twin: str, terrain: xr.Dataset, polygon: Any, plan: Plan) -> xr.Dataset:
    """Return the twin's library, built and kept where the store has none that rests on the same.

    Parameters
    ----------
    twin
        Id.
    terrain
        `surface_altitude` (y, x).
    polygon
        The parcel in the terrain's metres.
    plan
        Which events.

    Returns
    -------
    xarray.Dataset
        As :func:`agritwin.simulation.flood.library.build`, with `inside` (y, x), `check_error_m` (depth read off less
        that of a run between the nodes) and `fingerprint` in the attributes.
    """
    store, _ = cube(KIND, twin)
    wanted = mark(terrain, polygon, plan)
    try:
        kept = open_group(store, KIND)
        if kept.attrs.get("fingerprint") == wanted:
            return kept.load()
    except StoreError:
        pass
    made = build(terrain, plan)
    inside = parcel_mask(coarsened(terrain, plan.resolution_m), polygon)
    made["inside"] = (("y", "x"), inside.to_numpy(), {"units": "1", "long_name": "cell of the parcel"})
    made = made.assign_attrs(fingerprint=wanted, check_error_m=check(made, terrain, plan))
    write_group(store, KIND, made, f"{len(plan.events())} floods run ahead")
    return made


def check(library: xr.Dataset, terrain: xr.Dataset, plan: Plan) -> float:
    """Return depth in the parcel as read off less that of a run, for an event in the middle of the nodes, m."""
    middle = len(plan.depths_mm) // 2
    depth = float(np.sqrt(np.prod(plan.depths_mm[max(middle - 1, 0) : middle + 1])))
    duration = float(np.sqrt(plan.durations_h[0] * plan.durations_h[-1]))
    event = Event(depth, duration, float(np.mean(plan.soil_water)))
    inside = library["inside"].to_numpy().astype(bool)
    found = run(coarsened(terrain, plan.resolution_m), event, plan)["water_depth_max"].to_numpy()[inside]
    return Library.of(library, inside).read(event).depth_max_m - float(found.max())


def open_library(dataset: xr.Dataset, scale: float = 1.0) -> Library:
    """Return the look-ups of a kept library, in the cells of the parcel."""
    return Library.of(dataset, dataset["inside"].to_numpy().astype(bool), scale)


def scale_of(library: Library, storm: dict[str, float], full_m: float) -> float:
    """Return what the library's depths are multiplied by: a full run over what it says of the same storm.

    Cells of the library average small hollows away; where either depth is below that of arrival nothing is scaled.
    """
    read_m = library.read(Event(storm["depth_mm"], storm["duration_h"], NORMAL)).depth_max_m
    return full_m / read_m if min(read_m, full_m) >= ARRIVED_M else 1.0


def facts(library: xr.Dataset, scale: float) -> dict[str, Any]:
    """Return what a page says of a library: runs, cells, error between the runs, scale to the full run."""
    return {
        "runs": int(np.prod([library.sizes[axis] for axis in ("soil_water", "duration", "depth")])),
        "resolution_m": library.attrs["resolution_m"],
        "check_error_m": library.attrs["check_error_m"],
        "scale": scale,
    }


def keep_library(result: str, twin: str, library: xr.Dataset | None, scale: float, reason: str | None) -> None:
    """Write the pointer to the library, with what is known of its errors."""
    store, _ = cube(KIND, twin)
    if library is None:
        nothing = {"store": str(store), "group": KIND, "snapshot": None, "twin": twin, "synthetic": False}
        write_json(result, nothing | {"reason": reason})
        return
    summary = facts(library, scale)
    synthetic = library.attrs.get("synthetic") == "true"
    write_pointer(Path(result), store, KIND, **plain({"twin": twin, "synthetic": synthetic, "summary": summary}))


def read_library(pointer: str | Path) -> Library | None:
    """Return the look-ups that a pointer names, scaled; None where nothing was run ahead."""
    try:
        dataset, written = open_pointer(pointer), read_pointer(pointer)
    except StoreError:
        return None
    return open_library(dataset, float(written["summary"]["scale"]))
