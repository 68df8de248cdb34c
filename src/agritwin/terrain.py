"""The lie of the land: slope, aspect, shade, flow paths and drainage height."""

import numpy as np
import pyflwdir
import xarray as xr
from rasterio.features import geometry_mask
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from agritwin.errors import DataError

NO_HEIGHT = -9999.0
D8 = {1: (0, 1), 2: (1, 1), 4: (1, 0), 8: (1, -1), 16: (0, -1), 32: (-1, -1), 64: (-1, 0), 128: (-1, 1)}
"""Flow direction code -> step in rows (southwards) and columns (eastwards)."""


def slope_and_aspect(altitude: xr.DataArray) -> xr.Dataset:
    """Return slope and aspect by third-order finite differences (Horn 1981, Proc. IEEE 69:14-47).

    Parameters
    ----------
    altitude
        Heights (y, x) [m] on a grid in metres, north first.

    Returns
    -------
    xr.Dataset
        ``slope`` [degree] and ``aspect`` [degree clockwise from north, the way water leaves; NaN on flat cells]. The
        outermost cells use heights extrapolated linearly.
    """
    east, north = _gradient(altitude)
    slope = np.degrees(np.arctan(np.hypot(east, north)))
    aspect = np.where(slope > 0, np.degrees(np.arctan2(-east, -north)) % 360.0, np.nan)
    return xr.Dataset(
        {
            "slope": (
                ("y", "x"),
                slope.astype(np.float32),
                {"units": "degree", "standard_name": "ground_slope_angle", "long_name": "slope of the ground"},
            ),
            "aspect": (
                ("y", "x"),
                aspect.astype(np.float32),
                {
                    "units": "degree",
                    "standard_name": "ground_slope_direction",
                    "long_name": "direction that the slope faces, clockwise from north",
                },
            ),
        },
        altitude.coords,
    )


def hillshade(altitude: xr.DataArray, azimuth: float = 315.0, elevation: float = 45.0) -> xr.DataArray:
    """Return the illumination of a matt surface by a sun, 0 dark to 1 full (Horn 1981).

    Parameters
    ----------
    altitude
        Heights (y, x) [m].
    azimuth, elevation
        Direction of the sun [degree clockwise from north] and its height above the horizon [degree].
    """
    east, north = _gradient(altitude)
    toward, up = np.radians(azimuth), np.radians(elevation)
    light = np.sin(up) - np.cos(up) * (east * np.sin(toward) + north * np.cos(toward))
    shade = np.clip(light / np.sqrt(1.0 + east**2 + north**2), 0.0, 1.0)
    attributes = {"units": "1", "long_name": f"hillshade, sun at {azimuth:g} degrees, {elevation:g} degrees high"}
    return xr.DataArray(shade.astype(np.float32), altitude.coords, ("y", "x"), "hillshade", attributes)


def drainage(altitude: xr.DataArray, stream_area_m2: float) -> xr.Dataset:
    """Return where water runs: flow direction, upstream area, streams, height above the nearest drainage.

    Depressions are filled to their lowest pour point (Wang and Liu 2006, Int. J. Geogr. Inf. Sci. 20:193-213). Every
    cell drains to its steepest neighbour (O'Callaghan and Mark 1984, Comput. Vis. Graph. Image Process. 28:323-344), on
    flats towards their outlet, and out over the edge of the grid. Height above nearest drainage after Rennó et al.
    (2008), Remote Sens. Environ. 112:3469-3481.

    Parameters
    ----------
    altitude
        Heights (y, x) [m].
    stream_area_m2
        A cell is a stream where at least this area drains through it.

    Returns
    -------
    xr.Dataset
        ``flow_direction`` (D8 code, uint8), ``upstream_area`` [m2, the cell included], ``stream`` (0 or 1, uint8),
        ``height_above_nearest_drainage`` [m; NaN where water leaves the grid without meeting a stream].
    """
    transform = _transform(altitude)
    heights = np.where(np.isnan(altitude), NO_HEIGHT, altitude).astype(np.float32)
    filled, flood = pyflwdir.dem.fill_depressions(heights, nodata=NO_HEIGHT)
    directions = _steepest(filled, flood)
    network = pyflwdir.from_array(directions, ftype="d8", transform=transform, latlon=False)
    area = network.upstream_area(unit="m2")
    stream = area >= stream_area_m2
    height = np.where(network.basins(idxs=np.flatnonzero(stream)) > 0, network.hand(stream, filled), np.nan)
    missing = np.isnan(altitude.to_numpy())
    flags = {"flag_values": np.array([0, 1], np.uint8), "flag_meanings": "slope stream", "units": "1"}
    return xr.Dataset(
        {
            "flow_direction": (
                ("y", "x"),
                directions,
                {"units": "1", "long_name": "flow direction, D8: 1 east, clockwise in powers of two to 128 north-east"},
            ),
            "upstream_area": (
                ("y", "x"),
                np.where(missing, np.nan, area).astype(np.float32),
                {"units": "m2", "long_name": "area that drains through the cell"},
            ),
            "stream": (("y", "x"), stream.astype(np.uint8), flags | {"long_name": "stream network"}),
            "height_above_nearest_drainage": (
                ("y", "x"),
                np.where(missing, np.nan, height).astype(np.float32),
                {"units": "m", "long_name": "height above the nearest drainage along the flow path"},
            ),
        },
        altitude.coords,
    )


def _steepest(filled: np.ndarray, flood: np.ndarray) -> np.ndarray:
    """D8 codes to the steepest neighbour; where none is lower, the way by which the flood of the filling came.

    The flood alone would send water to the lowest neighbour whatever its distance, which turns it towards diagonals,
    and along the edge of the grid rather than out: cells of the edge without a lower neighbour are outlets (code 0).
    """
    walled = np.pad(np.where(filled == NO_HEIGHT, np.inf, filled), 1, constant_values=np.inf)
    rows, columns = filled.shape
    fall, edge, directions = np.zeros_like(filled), np.zeros(filled.shape, bool), flood.copy()
    for code, (down, right) in D8.items():
        neighbour = walled[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]
        edge |= np.isinf(neighbour)
        drop = (filled - neighbour) / np.hypot(down, right)
        steeper = (drop > fall) & (filled != NO_HEIGHT)
        fall, directions = np.where(steeper, drop, fall), np.where(steeper, np.uint8(code), directions)
    return np.where(edge & (fall == 0) & (filled != NO_HEIGHT), np.uint8(0), directions)


def parcel_summary(terrain: xr.Dataset, parcel: BaseGeometry) -> dict[str, float | None]:
    """Return what matters of the terrain of one parcel.

    Parameters
    ----------
    terrain
        ``surface_altitude``, ``slope``, ``aspect`` and ``height_above_nearest_drainage`` (y, x) on one grid.
    parcel
        Polygon in the coordinates of the grid.

    Returns
    -------
    dict
        ``altitude_mean_m``, ``altitude_min_m``, ``altitude_max_m``, ``slope_mean_deg``, ``slope_mean_percent``,
        ``slope_max_percent``, ``aspect_deg`` (direction of the mean gradient, None on flat land), ``drainage_mean_m``
        and ``drainage_min_m`` (height above the nearest drainage, None where no cell has one).

    Raises
    ------
    DataError
        When the parcel covers no cell of the grid.
    """
    inside = _cells(terrain["surface_altitude"], parcel)
    altitude, slope, aspect, drainage_height = (
        terrain[name].to_numpy()[inside].astype(float)
        for name in ("surface_altitude", "slope", "aspect", "height_above_nearest_drainage")
    )
    if np.isnan(altitude).all():
        raise DataError("The parcel has no height.", "Fetch the terrain again with a larger buffer.")
    percent = 100 * np.tan(np.radians(slope))
    angle = np.radians(aspect)
    east, north = np.nansum(percent * np.sin(angle)), np.nansum(percent * np.cos(angle))
    drained = not np.isnan(drainage_height).all()
    return {
        "altitude_mean_m": float(np.nanmean(altitude)),
        "altitude_min_m": float(np.nanmin(altitude)),
        "altitude_max_m": float(np.nanmax(altitude)),
        "slope_mean_deg": float(np.nanmean(slope)),
        "slope_mean_percent": float(np.nanmean(percent)),
        "slope_max_percent": float(np.nanmax(percent)),
        "aspect_deg": float(np.degrees(np.arctan2(east, north)) % 360.0) if np.hypot(east, north) > 0 else None,
        "drainage_mean_m": float(np.nanmean(drainage_height)) if drained else None,
        "drainage_min_m": float(np.nanmin(drainage_height)) if drained else None,
    }


def _gradient(altitude: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Rise towards east and north per metre, by Horn's weights of 1, 2, 1."""
    transform = _transform(altitude)
    z = np.pad(altitude.to_numpy().astype(float), 1, mode="reflect", reflect_type="odd")
    west, east = z[:, :-2], z[:, 2:]
    across = (east - west)[:-2] + 2 * (east - west)[1:-1] + (east - west)[2:]
    south, north = z[2:], z[:-2]
    along = (north - south)[:, :-2] + 2 * (north - south)[:, 1:-1] + (north - south)[:, 2:]
    return across / (8 * transform.a), along / (8 * -transform.e)


def _transform(grid: xr.DataArray) -> Affine:
    if grid.dims != ("y", "x"):
        raise DataError(f"The terrain has the dimensions {grid.dims}, not y and x.", "Transpose it to (y, x).")
    x, y = grid["x"].to_numpy(), grid["y"].to_numpy()
    if x.size < 2 or y.size < 2:
        raise DataError("A terrain of one row or column has no slope.", "Fetch it with a larger buffer.")
    dx, dy = (x[-1] - x[0]) / (x.size - 1), (y[-1] - y[0]) / (y.size - 1)
    if dx <= 0 or dy >= 0:
        raise DataError("The terrain does not run from north-west to south-east.", "Sort y downwards and x upwards.")
    return Affine(dx, 0.0, x[0] - dx / 2, 0.0, dy, y[0] - dy / 2)


def _cells(grid: xr.DataArray, parcel: BaseGeometry) -> np.ndarray:
    inside = geometry_mask([parcel], grid.shape, _transform(grid), invert=True)
    if not inside.any():
        raise DataError(
            "The parcel covers no cell of the terrain.", "Give the parcel in the grid's coordinates, or finer cells."
        )
    return inside
