"""Read new scenes into the NDVI cube of a twin: the part of the step that needs images and stores."""

import datetime as dt
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from shapely.geometry import shape

from agritwin.cubes import known_at, open_group
from agritwin.geometry import parcel_polygon
from agritwin.pins import is_synthetic, write_pointer
from agritwin.sources.base import When, Where
from agritwin.vegetation.cube import ndvi_cube
from agritwin.vegetation.indices import bands_of
from agritwin.vegetation.store import GROUP, kept_scenes, write_scenes
from agritwin.workspace import read_json

PIXEL_M = 10.0
INFLUENCE = np.timedelta64(45, "D")


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
        Scenes that could not be read: ``id``, ``reason``, ``lasting`` where it is the item that is damaged, ``waiting``
        where the read did not get to it.
    """
    polygon = parcel_polygon(shape(geometry), 4326, "the parcel")
    where = Where(latitude=polygon.centroid.y, longitude=polygon.centroid.x, geometry=polygon)
    kept = None if anew else kept_scenes(store)
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
    if fresh.sizes["time"] or kept is None:
        write_scenes(store, kept, fresh, f"{fresh.sizes['time']} scenes from {source.name}")
    return json.loads(scenes.attrs.get("skipped", "[]"))


def pointer_and_end(pointer: Path, store: Path, reason: str) -> tuple[dict[str, Any], str | None, int]:
    """Write the pointer to a cube; return it, the time of the newest scene and how many there are.

    Parameters
    ----------
    reason
        Why there is no cube, where there is none.
    """
    now = kept_scenes(store)
    extra = {"synthetic": is_synthetic(now)} if now is not None else {"reason": reason}
    write_pointer(pointer, store, GROUP, **extra)
    return read_json(pointer), *_end(now)


def end_known_at(store: Path, as_of: str) -> tuple[str | None, int]:
    """Return the time of the newest scene known on a past day, and how many there were."""
    return _end(open_group(store, GROUP, known_at(store, as_of)))


def _end(scenes: xr.Dataset | None) -> tuple[str | None, int]:
    times = scenes["time"].to_numpy() if scenes is not None else np.empty(0, "datetime64[ns]")
    return str(times[-1].astype("datetime64[m]")) if times.size else None, int(times.size)


def _utc(text: str) -> np.datetime64:
    moment = dt.datetime.fromisoformat(text)
    return np.datetime64(moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment, "ns")


def _near(time: np.datetime64, moments: np.ndarray, distance: np.timedelta64) -> bool:
    # A minute more than the days: item and scene tell the start of the sensing and of the datatake.
    return bool((np.abs(moments - time) <= distance + np.timedelta64(60, "m")).any())
