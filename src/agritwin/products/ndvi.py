"""The parcel's green season: dates, smoothed curve, phenology, anomaly."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Geod

from agritwin import workspace
from agritwin.cubes import known_before
from agritwin.vegetation.anomaly import against_neighbours, anomaly
from agritwin.vegetation.phenology import season
from agritwin.vegetation.smoothing import smooth_daily
from agritwin.vegetation.store import read_means

FARTHEST_M, MOST_NEIGHBOURS = 50_000.0, 20
WGS84 = Geod(ellps="WGS84")


def joined(history: xr.Dataset | None, current: xr.Dataset | None) -> xr.Dataset | None:
    """Return history and season as one series of scenes; None where there is neither."""
    parts = [part for part in (history, current) if part is not None and part.sizes["time"]]
    return (
        xr.concat(parts, "time", data_vars="minimal", coords="minimal", compat="override", join="override")
        if parts
        else None
    )


def usable(cube: xr.Dataset) -> xr.Dataset:
    """Return the scenes that show enough of the parcel and whose offset is plausible."""
    return cube.sel(time=cube["usable"].to_numpy().astype(bool))


def last_scene(cube: xr.Dataset) -> dict[str, Any] | None:
    """Return the newest usable scene in numbers, or None."""
    good = usable(cube)
    if good.sizes["time"] == 0:
        return None
    scene = good.isel(time=-1)
    return {
        "time": scene["time"].to_numpy(),
        "scene_id": str(scene["scene_id"].to_numpy()),
        "mean": float(scene["ndvi_mean"]),
        "median": float(scene["ndvi_median"]),
        "p10": float(scene["ndvi_p10"]),
        "p90": float(scene["ndvi_p90"]),
        "valid_share": float(scene["valid_share"]),
    }


def scene_table(cube: xr.Dataset) -> pd.DataFrame:
    """Return one row a scene: date, parcel mean and spread, valid share, usable, suspect."""
    names = ["scene_id", "ndvi_mean", "ndvi_p10", "ndvi_p90", "valid_share", "usable", "offset_suspect", "cloud_cover"]
    table = cube[names].drop_vars("spatial_ref", errors="ignore").to_dataframe().reset_index()
    return pd.DataFrame(table, columns=["time", *names])


def suspects(cube: xr.Dataset) -> list[str]:
    """Return the ids of scenes whose radiometric offset is not plausible."""
    marked = cube["offset_suspect"].to_numpy().astype(bool)
    return [str(name) for name in np.asarray(cube["scene_id"])[marked]]


def smooth(cube: xr.Dataset, zone: str) -> xr.Dataset | None:
    """Return the smoothed daily curve over the usable scenes, or None where there are too few."""
    good = usable(cube)
    if good.sizes["time"] == 0:
        return None
    curve = smooth_daily(good["ndvi_mean"], good["valid_share"], zone=zone)
    return curve if curve.attrs["status"] == "ok" else None


def this_season(curve: xr.Dataset | None, start: np.datetime64) -> dict[str, Any] | str:
    """Return the phenology of the running season, or the sentence why nothing can be told."""
    if curve is None:
        return "not enough dates"
    found = asdict(season(curve, start, start + np.timedelta64(365, "D")))
    return found if found["status"] in ("ok", "running") else str(found["status"])


def against_own_past(curve: xr.Dataset | None, start: np.datetime64) -> tuple[dict[str, Any] | str, xr.Dataset | None]:
    """Return the newest value against the same days of past years, and the band of the whole season."""
    if curve is None:
        return "not enough dates", None
    now = curve["smooth"].sel(day=slice(start, None))
    past = curve["smooth"].sel(day=slice(None, start - np.timedelta64(1, "D")))
    if now.sizes["day"] == 0 or past.sizes["day"] == 0:
        return "no past season to compare with", None
    band = anomaly(now, past)
    last = {name: float(band[name][-1]) for name in ("value", "median", "p10", "p90", "z")}
    if not np.isfinite(last["median"]):
        return f"only {int(band['years'][-1])} past years to compare with", band
    return last | {"years": int(band["years"][-1]), "outside": int(band["outside"][-1])}, band


def by_day(means: xr.DataArray) -> xr.DataArray:
    """Return means of scenes (time) by their UTC day (day); of two on a day the last."""
    days = means["time"].to_numpy().astype("datetime64[D]").astype("datetime64[ns]")
    return xr.DataArray(means.to_numpy(), {"day": days}, ("day",)).drop_duplicates("day", keep="last")


def neighbours(
    results: Path, twin: str, place: tuple[float, float], species: str, before: str
) -> dict[str, xr.DataArray]:
    """Return the mean NDVI of usable scenes (day) of the nearest twins with the same crop, as known before a day.

    What a run adds today is not looked at: it would depend on whose turn it was first.

    Parameters
    ----------
    results
        Folder of the published products.
    twin, place, species
        Whose neighbours: id, latitude and longitude [degrees], crop.
    before
        ISO date of the clock.
    """
    away: dict[str, float] = {}
    for path in sorted(results.glob("*/parcel.json")):
        other, name = workspace.read_json(path), path.parent.name
        if name != twin and (other.get("planting") or {}).get("species") == species:
            _, _, metres = WGS84.inv(place[1], place[0], other["longitude"], other["latitude"])
            if metres <= FARTHEST_M:
                away[name] = metres
    found: dict[str, xr.DataArray] = {}
    for name in sorted(away, key=lambda name: (away[name], name)):
        store, _ = workspace.cube("ndvi", name)
        snapshot = known_before(store, before)
        means = by_day(read_means(store, snapshot)) if snapshot else None
        if means is not None and means.size:
            found[name] = means
        if len(found) == MOST_NEIGHBOURS:
            break
    return found


def among_neighbours(own: xr.DataArray | None, start: np.datetime64, others: dict[str, xr.DataArray]) -> dict[str, Any]:
    """Return the season's newest scene that enough neighbours have too, and where the twin stands among them.

    Parameters
    ----------
    own, others
        Mean NDVI of usable scenes (day): of the twin, None where there is none, and of its neighbours.
    start
        First day of the season.

    Returns
    -------
    dict
        ``outcome``: ``compared``, ``no_scene``, ``no_neighbour`` or ``too_few``; when compared also ``day``, ``value``,
        ``median``, ``difference``, ``z``, ``rank``, ``neighbours`` (how many) and ``twins``.
    """
    if own is None:
        return {"outcome": "no_scene"}
    if not others:
        return {"outcome": "no_neighbour"}
    found = against_neighbours(own.sel(day=slice(start, None)), others).dropna("day", subset=["median"])
    if found.sizes["day"] == 0:
        return {"outcome": "too_few"}
    last = found.isel(day=-1)
    told = {name: float(last[name]) for name in ("value", "median", "difference", "z", "rank")}
    count = int(last["neighbours"])
    return {"outcome": "compared", "day": last["day"].to_numpy(), **told, "neighbours": count, "twins": [*others]}
