"""Fetch the satellite scenes that the NDVI cube of a twin lacks."""

import datetime as dt
import json
import logging
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from shapely.geometry import shape

from agritwin.cubes import head, open_group, write_group
from agritwin.errors import SourceError, StoreError
from agritwin.geometry import parcel_polygon
from agritwin.observe import step
from agritwin.observe.status import write_status
from agritwin.pins import is_synthetic, write_pointer
from agritwin.sources.base import When, Where, open_source
from agritwin.vegetation.cube import ndvi_cube
from agritwin.workspace import cube, read_json

log = logging.getLogger(__name__)

GROUP = "ndvi"
PIXEL_M = 10.0
READ_AGAIN_DAYS = 45


def fetch_ndvi(
    *, clock: str, parcel: str, pointer: str, status: str, twin: str, imagery: dict, sources_imagery: list[str]
) -> None:
    """Bring the NDVI cube of a twin up to the day before the clock.

    Parameters
    ----------
    clock, parcel
        Clock and parcel files.
    pointer, status
        Pointer and status to write.
    twin
        Id.
    imagery
        Section ``imagery`` of the configuration.
    sources_imagery
        Names of sources; the first that answers is used.
    """
    as_of = dt.date.fromisoformat(read_json(clock)["as_of"])
    polygon = parcel_polygon(shape(read_json(parcel)["geometry"]), 4326, parcel)
    where = Where(latitude=polygon.centroid.y, longitude=polygon.centroid.x, geometry=polygon)
    when = When(dt.date.fromisoformat(imagery["first_day"]), as_of - dt.timedelta(days=1))
    store, _ = cube("ndvi", twin)
    kept = _kept(store)
    known = _settled(kept, as_of)
    failures: list[SourceError] = []
    skipped: list[dict] = []
    for name in sources_imagery:
        try:
            source = open_source("imagery", name, max_cloud_cover=imagery["max_cloud_cover_percent"])
            scenes = source.fetch(where, when, known=known)  # type: ignore[call-arg]  (imagery sources take it)
        except SourceError as error:
            log.warning("%s", error)
            failures.append(error)
            continue
        skipped = json.loads(scenes.attrs.get("skipped", "[]"))
        if scenes.sizes["time"] or kept is None:
            fresh = ndvi_cube(
                scenes,
                polygon,
                margin=round(imagery["cloud_margin_m"] / PIXEL_M),
                minimum_valid_share=imagery["valid_share_min"],
            )
            write_group(store, GROUP, _joined(kept, fresh), f"{fresh.sizes['time']} scenes from {name}")
        log.info("%s: %d new scenes from %s", twin, scenes.sizes["time"], name)
        break
    now = _kept(store)
    extra = {"synthetic": is_synthetic(now)} if now is not None else {"reason": _reason(failures)}
    write_pointer(Path(pointer), store, GROUP, **extra)
    times = now["time"].to_numpy() if now is not None else np.empty(0, "datetime64[ns]")
    write_status(
        Path(status),
        kind="imagery",
        sources=sources_imagery,
        last_value=str(times[-1].astype("datetime64[m]")) if times.size else None,
        failures=failures,
        scenes=int(times.size),
        skipped=skipped,
    )


def _kept(store: Path) -> xr.Dataset | None:
    if head(store) is None:
        return None
    try:
        return open_group(store, GROUP).load()
    except StoreError:
        return None


def _settled(kept: xr.Dataset | None, as_of: dt.date) -> set[str]:
    # The offset test compares neighbouring scenes and providers reprocess young ones: the newest are read again.
    if kept is None:
        return set()
    old = kept["time"].to_numpy() < np.datetime64(as_of - dt.timedelta(days=READ_AGAIN_DAYS))
    return set(map(str, kept["scene_id"].to_numpy()[old]))


def _joined(kept: xr.Dataset | None, fresh: xr.Dataset) -> xr.Dataset:
    if kept is None or kept.sizes["time"] == 0:
        return fresh
    # A scene of the same overpass replaces the older version of it.
    older = kept.sel(time=~kept["time"].isin(fresh["time"]))
    both = xr.concat([older, fresh], "time", data_vars="minimal", coords="minimal", compat="override", join="override")
    both = both.sortby("time").assign_attrs(fresh.attrs)
    for name, variable in fresh.variables.items():
        both[name].encoding = {
            key: value for key, value in variable.encoding.items() if key not in ("chunks", "preferred_chunks")
        }
    return both


def _reason(failures: list[SourceError]) -> str:
    return str(failures[0]) if failures else "no imagery source is configured"


if __name__ == "__main__":
    sys.exit(step.main(fetch_ndvi))
