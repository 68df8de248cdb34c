"""The parcel's green season: dates, smoothed curve, phenology, anomaly."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.vegetation.anomaly import anomaly
from agritwin.vegetation.phenology import season
from agritwin.vegetation.smoothing import smooth_daily


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
