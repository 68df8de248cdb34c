"""Grids in the UTM zone of a parcel: what is read of scenes and of heights lies on one of them."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from affine import Affine
from pyproj import CRS, Transformer
from shapely import Point
from shapely.geometry.base import BaseGeometry

from agritwin.errors import DataError
from agritwin.geometry import to_crs, utm_epsg
from agritwin.sources.base import Where

PIXEL_M = 10.0


@dataclass(frozen=True)
class Grid:
    """A north-up raster grid of square pixels: EPSG code, left and top edge [m], pixel size [m], columns, rows."""

    epsg: int
    left: float
    top: float
    pixel: float
    width: int
    height: int

    @property
    def transform(self) -> Affine:
        """Affine transform from (column, row) to the upper left corner of a pixel."""
        return Affine(self.pixel, 0.0, self.left, 0.0, -self.pixel, self.top)

    @property
    def x(self) -> np.ndarray:
        """Eastings of the cell centres [m], ascending."""
        return self.left + self.pixel * (np.arange(self.width) + 0.5)

    @property
    def y(self) -> np.ndarray:
        """Northings of the cell centres [m], descending."""
        return self.top - self.pixel * (np.arange(self.height) + 0.5)

    def bounds(self, epsg: int) -> tuple[float, float, float, float]:
        """West, south, east, north in another reference system."""
        right, bottom = self.left + self.width * self.pixel, self.top - self.height * self.pixel
        there = Transformer.from_crs(self.epsg, epsg, always_xy=True)
        return there.transform_bounds(self.left, bottom, right, self.top)

    def coordinates(self) -> dict[str, xr.Variable]:
        """Return x, y (cell centres, m) and ``spatial_ref`` (CF grid mapping with GDAL's attributes)."""
        transform = " ".join(f"{number:.10g}" for number in self.transform.to_gdal())
        crs = CRS.from_epsg(self.epsg)
        about = {
            "y": {"units": "m", "standard_name": "projection_y_coordinate", "long_name": "northing"},
            "x": {"units": "m", "standard_name": "projection_x_coordinate", "long_name": "easting"},
            "spatial_ref": crs.to_cf() | {"crs_wkt": crs.to_wkt(), "GeoTransform": transform},
        }
        return {
            "y": xr.Variable("y", self.y, about["y"]),
            "x": xr.Variable("x", self.x, about["x"]),
            "spatial_ref": xr.Variable((), np.int32(self.epsg), about["spatial_ref"]),
        }


def parcel_grid(geometry: BaseGeometry, margin_m: float = 20.0) -> Grid:
    """Return the 10 m grid of a parcel's window: its bounds and a margin, aligned to whole pixels of the UTM zone.

    Parameters
    ----------
    geometry
        Polygon in EPSG:4326.

    Raises
    ------
    DataError
        When the parcel is smaller than a pixel.
    """
    centre = geometry.centroid
    epsg = utm_epsg(centre.x, centre.y)
    projected = to_crs(geometry, 4326, epsg)
    if projected.area < PIXEL_M**2:
        raise DataError(
            f"The parcel covers {projected.area:.0f} m2, less than a Sentinel-2 pixel (100 m2).",
            "Draw a larger parcel, or join it to its neighbours, before asking for satellite images.",
        )
    # To 0.1 mm: a corner on the edge of a pixel is to stay there through the projection.
    west, south, east, north = (round(bound, 4) for bound in projected.bounds)
    left, right = math.floor((west - margin_m) / PIXEL_M), math.ceil((east + margin_m) / PIXEL_M)
    bottom, top = math.floor((south - margin_m) / PIXEL_M), math.ceil((north + margin_m) / PIXEL_M)
    return Grid(epsg, left * PIXEL_M, top * PIXEL_M, PIXEL_M, right - left, top - bottom)


def surroundings(where: Where, buffer_m: float, resolution_m: float) -> Grid:
    """Return the grid of a parcel, or a place, and what lies around it; edges on multiples of the cell."""
    epsg = utm_epsg(where.longitude, where.latitude)
    outline: BaseGeometry = where.geometry or Point(where.longitude, where.latitude)
    west, south, east, north = to_crs(outline, 4326, epsg).buffer(buffer_m).bounds
    left, top = math.floor(west / resolution_m) * resolution_m, math.ceil(north / resolution_m) * resolution_m
    width, height = math.ceil((east - left) / resolution_m), math.ceil((top - south) / resolution_m)
    return Grid(epsg, left, top, resolution_m, max(1, width), max(1, height))
