"""Read new scenes into the NDVI cube of a twin: the part of the step that needs images and stores."""

import datetime as dt
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from shapely.geometry import shape

from agritwin.cubes import head, open_group, write_group
from agritwin.errors import StoreError
from agritwin.geometry import parcel_polygon
from agritwin.pins import is_synthetic, write_pointer
from agritwin.sources.base import When, Where
from agritwin.vegetation.cube import ndvi_cube
from agritwin.vegetation.indices import bands_of
from agritwin.workspace import read_json

GROUP = "ndvi"
PIXEL_M = 10.0
INFLUENCE = np.timedelta64(45, "D")
SAME_OVERPASS = np.timedelta64(30, "m")


def add_scenes(
    store: Path,
    source: Any,
    geometry: dict,
    span: When,
    imagery: dict,
    items: list[dict[str, Any]],
    changed: Collection[str],
    *,
    anew: bool,
) -> list[dict[str, Any]]:
    """Read changed scenes, those whose judgement they influence and those needed to judge; write what came of it.

    The cube that results is the same as if all scenes had been there at once.

    Parameters
    ----------
    store
        The cube.
    source, geometry, span, imagery
        Imagery source, parcel (GeoJSON, EPSG:4326), days, section ``imagery``.
    items
        What the source's catalogue holds in these days.
    changed
        Ids of the items to be read.
    anew
        Read everything and replace the cube.

    Returns
    -------
    list of dict
        Scenes that could not be read: ``id``, ``reason`` and ``lasting`` where it is the item that is damaged.
    """
    polygon = parcel_polygon(shape(geometry), 4326, "the parcel")
    where = Where(latitude=polygon.centroid.y, longitude=polygon.centroid.x, geometry=polygon)
    kept = None if anew else _kept(store)
    times = {str(item["id"]): _utc(item["properties"]["datetime"]) for item in items}
    moments = np.array([times[scene] for scene in changed], "datetime64[ns]")
    known = () if kept is None else [scene for scene, time in times.items() if not _near(time, moments, 2 * INFLUENCE)]
    scenes = source.fetch(where, span, known=known, bands=bands_of(imagery["indices"]), items=items)
    fresh = ndvi_cube(
        scenes,
        polygon,
        margin=round(imagery["cloud_margin_m"] / PIXEL_M),
        minimum_valid_share=imagery["valid_share_min"],
        indices=imagery["indices"],
    )
    if kept is not None:
        influenced = [_near(time, moments, INFLUENCE) for time in fresh["time"].to_numpy()]
        fresh = fresh.isel(time=np.array(influenced, bool))
    # To the step in which it is stored: what was stored and comes back is not to be rounded another way.
    fresh["ndvi"] = fresh["ndvi"].copy(data=fresh["ndvi"].to_numpy().astype("f8").round(4))
    if fresh.sizes["time"] or kept is None:
        write_group(store, GROUP, _joined(kept, fresh), f"{fresh.sizes['time']} scenes from {source.name}")
    return json.loads(scenes.attrs.get("skipped", "[]"))


def pointer_and_end(pointer: Path, store: Path, reason: str) -> tuple[dict[str, Any], str | None, int]:
    """Write the pointer to a cube; return it, the time of the newest scene and how many there are.

    Parameters
    ----------
    reason
        Why there is no cube, where there is none.
    """
    now = _kept(store)
    extra = {"synthetic": is_synthetic(now)} if now is not None else {"reason": reason}
    write_pointer(pointer, store, GROUP, **extra)
    times = now["time"].to_numpy() if now is not None else np.empty(0, "datetime64[ns]")
    return read_json(pointer), str(times[-1].astype("datetime64[m]")) if times.size else None, int(times.size)


def _kept(store: Path) -> xr.Dataset | None:
    if head(store) is None:
        return None
    try:
        return open_group(store, GROUP)
    except StoreError:
        return None


def _utc(text: str) -> np.datetime64:
    moment = dt.datetime.fromisoformat(text)
    return np.datetime64(moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment, "ns")


def _near(time: np.datetime64, moments: np.ndarray, distance: np.timedelta64) -> bool:
    # A minute more than the days: item and scene tell the start of the sensing and of the datatake.
    return bool((np.abs(moments - time) <= distance + np.timedelta64(60, "m")).any())


def _joined(kept: xr.Dataset | None, fresh: xr.Dataset) -> xr.Dataset:
    if kept is None or kept.sizes["time"] == 0:
        return fresh
    kept = kept.load()
    # A scene of the same overpass replaces the older version of it, whose time may differ by minutes.
    apart = np.abs(kept["time"].to_numpy()[:, None] - fresh["time"].to_numpy()[None, :])
    same = kept["platform"].to_numpy()[:, None] == fresh["platform"].to_numpy()[None, :]
    older = kept.isel(time=~((apart < SAME_OVERPASS) & same).any(axis=1))
    both = xr.concat([older, fresh], "time", data_vars="minimal", coords="minimal", compat="override", join="override")
    both = both.sortby("time").assign_attrs(fresh.attrs)
    for name, variable in fresh.variables.items():
        both[name].encoding = {
            key: value for key, value in variable.encoding.items() if key not in ("chunks", "preferred_chunks")
        }
    return both
