"""Rasters of rain over a twin: where rain has to fall to matter to it, and what falls on its terrain in a flood."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from agritwin.alerts.flowpaths import drains_to
from agritwin.errors import ConfigError
from agritwin.geometry import epsg_of, to_crs
from agritwin.products.flood import parcel_mask
from agritwin.simulation.flood import design_storm


def catchment_cells(parcel: BaseGeometry, terrain: xr.Dataset | None) -> tuple[NDArray, NDArray, CRS]:
    """Return x, y and reference system of the cells that drain to a parcel, or of a place in it without terrain.

    Parameters
    ----------
    parcel
        Outline in EPSG:4326.
    terrain
        `surface_altitude` and `flow_direction` (y, x) with their reference system.
    """
    if terrain is None:
        place = parcel.representative_point()
        return np.array([place.x]), np.array([place.y]), CRS.from_epsg(4326)
    epsg = epsg_of(terrain)
    inside = parcel_mask(terrain, to_crs(parcel, 4326, epsg)).to_numpy().astype(bool)
    rows, columns = np.nonzero(drains_to(terrain["flow_direction"].to_numpy(), inside)[0])
    return terrain["x"].to_numpy()[columns], terrain["y"].to_numpy()[rows], CRS.from_epsg(epsg)


def falls(
    terrain: xr.Dataset, epsg: int, flood: Mapping[str, Any], asked: Mapping[str, Any] = MappingProxyType({})
) -> tuple[xr.DataArray, dict[str, Any]]:
    """Return the rain of a flood run, and the storm that it is: what is asked for, or else the twin's own.

    Parameters
    ----------
    terrain, epsg
        Where it falls: `x` and `y` in m, and the code of their grid.
    flood
        The section of the configuration.
    asked
        What a scenario states of its storm: `rain_raster`, or what of `depth_mm`, `duration_h` and `shape` is another.

    Returns
    -------
    Rain as the solver takes it, and `depth_mm` (mean over the terrain), `duration_h` and `shape` where one was stated.

    Raises
    ------
    DataError
        Where a raster does not say rain, units, time or place as it has to, or does not cover the terrain.
    ConfigError
        Where a raster lasts longer than the run, which begins with its first interval.
    """
    raster = asked.get("rain_raster") or (None if asked else flood["rain_raster"])
    if raster is None:
        storm = {"depth_mm": flood["storm_depth_mm"], "duration_h": flood["storm_duration_h"]} | dict(asked)
        return design_storm(**storm), storm
    from agritwin.sensors.rain_raster import read_rain_raster  # and the record store, which a storm does not need

    rain = read_rain_raster(Path(raster)).upon(terrain, CRS.from_epsg(epsg))
    stamps = rain["time"].to_numpy()
    lasts = float((stamps[-1] - stamps[0] + (stamps[1] - stamps[0])) / np.timedelta64(1, "h"))
    if lasts > flood["simulated_h"]:
        raise ConfigError(
            f"{raster} lasts {lasts:g} h, and {flood['simulated_h']:g} h are simulated.",
            "Raise flood.simulated_h, or cut the file to the storm.",
        )
    return rain, {"depth_mm": float(rain.sum("time").mean()), "duration_h": lasts}
