"""The design storm over the parcel: what is kept of a flood run, and how likely its storm is."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rasterio.features import geometry_mask
from rasterio.transform import from_origin

from agritwin.errors import DataError
from agritwin.geometry import epsg_of, read_parcels, to_crs
from agritwin.simulation import flood as solver
from agritwin.simulation.flood import CurveNumber, parcel_summary
from agritwin.simulation.flood.roughness import roughness

KEPT = (
    "water_depth",
    "velocity_x",
    "velocity_y",
    "water_depth_max",
    "water_depth_max_time",
    "speed_max",
    "depth_speed_max",
    "hazard_max",
    "arrival_time",
    "duration_above",
    "outflow_rate",
)
THOUSANDTHS = {"dtype": "int16", "scale_factor": 1e-3, "add_offset": 0.0, "_FillValue": np.int16(-32768)}
FRAME_MINUTES = 15


def frames(simulated_h: float) -> list[float]:
    """Return the times [s] at which depths are kept: every quarter of an hour."""
    return [60.0 * FRAME_MINUTES * step for step in range(int(simulated_h * 60 / FRAME_MINUTES) + 1)]


def with_roughness(terrain: xr.Dataset, flood: dict[str, Any]) -> xr.Dataset:
    """Return a terrain with `manning` by cell, where the section `flood` names a file of what covers the land.

    Raises
    ------
    DataError
        Where the file cannot be read, or a feature says neither `land_cover` nor `uso_sigpac`.
    """
    if flood["land_cover"] is None:
        return terrain
    areas = []
    for number, (polygon, told) in enumerate(read_parcels(Path(flood["land_cover"])), 1):
        cover = told.get("land_cover") or told.get("uso_sigpac")
        if not cover:
            raise DataError(
                f"{flood['land_cover']}, feature {number}, says nothing of the land cover.",
                "Give it the property land_cover, or uso_sigpac as SIGPAC has it.",
            )
        areas.append((polygon, str(cover)))
    local = [(to_crs(polygon, 4326, epsg_of(terrain)), cover) for polygon, cover in areas]
    return terrain.assign(manning=roughness(terrain, local, flood["manning"]))


def run(terrain: xr.Dataset, rain: xr.DataArray, number: float, flood: dict[str, Any]) -> xr.Dataset:
    """Run rain less what the soil takes (SCS curve number) on a terrain that it may leave through the edges.

    Parameters
    ----------
    terrain
        With `manning` where land cover is known (:func:`with_roughness`).
    rain
        As :func:`agritwin.simulation.flood.simulate` takes it.
    number
        Curve number.
    flood
        The section of the configuration.
    """
    return solver.simulate(
        terrain,
        rain,
        duration_s=flood["simulated_h"] * 3600.0,
        output_times_s=frames(flood["simulated_h"]),
        manning=terrain.get("manning", flood["manning"]),
        infiltration=CurveNumber(number),
        boundaries="free",
    )


def parcel_mask(terrain: xr.Dataset, polygon: Any) -> xr.DataArray:
    """Return True for cells whose centre lies inside a polygon in the terrain's metres."""
    altitude = terrain["surface_altitude"]
    x, y = altitude["x"].to_numpy(), altitude["y"].to_numpy()
    width, height = abs(x[1] - x[0]), abs(y[1] - y[0])
    transform = from_origin(x.min() - width / 2, y.max() + height / 2, width, height)
    inside = geometry_mask([polygon], altitude.shape, transform, invert=True)
    return altitude.copy(data=inside if y[0] > y[-1] else inside[::-1])


def keep(run: xr.Dataset, inside: xr.DataArray) -> xr.Dataset:
    """Return what goes into the cube: depths and velocities in whole millimetres, maxima, times, volumes.

    Parameters
    ----------
    run
        As :func:`agritwin.simulation.flood.simulate` returns it.
    inside
        True inside the parcel, whose mean and greatest depth over time are added.
    """
    volumes = [name for name in run.data_vars if run[name].attrs.get("units") == "m3"]
    kept = run[[*KEPT, *volumes, "mass_error_relative"]].drop_vars("gauge", errors="ignore")
    within = run["water_depth"].where(inside)
    for name, depth, word in (
        ("parcel_depth", within.mean(["y", "x"]), "mean"),
        ("parcel_depth_max", within.max(["y", "x"]), "maximum"),
    ):
        about = {"units": "m", "long_name": f"{word} depth of surface water in the parcel"}
        kept[name] = depth.assign_attrs(about, cell_methods=f"area: {word}")
    for name in ("water_depth", "velocity_x", "velocity_y"):
        kept[name].encoding = dict(THOUSANDTHS)
    return kept


def storm_probability(forecast: xr.Dataset | None, depth_mm: float, duration_h: float) -> dict[str, Any]:
    """Return the share of forecast members in which as much rain falls within the storm's duration.

    Parameters
    ----------
    forecast
        Hourly precipitation (member, time) [mm], or None.
    depth_mm, duration_h
        The storm.
    """
    if forecast is None:
        return {"members": 0, "probability_of_storm": None, "largest_mm": None}
    hours = max(round(duration_h), 1)
    sums = forecast["precipitation"].rolling(time=hours).sum().max("time").to_numpy()
    known = sums[np.isfinite(sums)]
    return {
        "members": int(known.size),
        "probability_of_storm": float((known >= depth_mm).mean()) if known.size else None,
        "largest_mm": float(known.max()) if known.size else None,
    }


def summary(run: xr.Dataset, inside: xr.DataArray, storm: dict[str, float]) -> dict[str, Any]:
    """Return the product's summary: depths and shares inside the parcel, volumes, the balance's error."""
    found = parcel_summary(run, inside)
    arrival = found["first_arrival_s"]
    volumes = {str(name): float(run[name]) for name in run.data_vars if run[name].attrs.get("units") == "m3"}
    return {
        "storm": storm,
        "depth_max_m": found["max_depth_m"],
        "flooded_share_percent": {
            "0.05": found["share_over_5_cm_percent"],
            "0.1": found["share_over_10_cm_percent"],
            "0.3": found["share_over_30_cm_percent"],
        },
        "first_arrival_h": arrival / 3600.0 if isinstance(arrival, float) else None,
        "hours_above": found["hours_above"],
        "mass_error_relative": float(run["mass_error_relative"]),
        "volumes_m3": volumes,
    }
