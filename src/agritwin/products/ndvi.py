"""The parcel's green season: dates, smoothed curve, phenology, anomaly."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr


def joined(history: xr.Dataset | None, season: xr.Dataset | None) -> xr.Dataset | None:
    """Return history and season as one series of scenes; None where there is neither."""
    parts = [part for part in (history, season) if part is not None and part.sizes["time"]]
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
    return cube[names].drop_vars("spatial_ref", errors="ignore").to_dataframe().reset_index()[["time", *names]]


def suspects(cube: xr.Dataset) -> list[str]:
    """Return the ids of scenes whose radiometric offset is not plausible."""
    marked = cube["offset_suspect"].to_numpy().astype(bool)
    return [str(name) for name in np.asarray(cube["scene_id"])[marked]]
