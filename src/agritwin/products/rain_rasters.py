"""Where rain has to fall to matter to a twin: its parcel, and the land that drains to it where the terrain is known."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from agritwin.alerts.flowpaths import drains_to
from agritwin.geometry import epsg_of, to_crs
from agritwin.products.flood import parcel_mask


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
