"""Heights around a parcel: Copernicus GLO-30 tiles, Spain's MDT05 coverage and the demo's archive, as UTM grids."""

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import rasterio
import xarray as xr
from rasterio.crs import CRS
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.transform import Affine, from_bounds, from_origin
from rasterio.warp import Resampling, reproject, transform_bounds
from shapely import Point
from shapely.geometry.base import BaseGeometry

from agritwin.errors import SourceError
from agritwin.geometry import to_crs, utm_epsg
from agritwin.sources.base import When, Where
from agritwin.sources.http import TransientError, ask, client, require_ok, text_of

GLO30_URL = "https://copernicus-dem-30m.s3.amazonaws.com/{tile}/{tile}.tif"
MDT_URL = "https://servicios.idee.es/wcs-inspire/mdt"
REMOTE_READING: dict[str, Any] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MAX_RETRY": "4",
    "GDAL_HTTP_RETRY_DELAY": "1",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
}


class Grid:
    """The target of a reading: north-up square cells in the UTM zone of a place, edges on multiples of the cell."""

    def __init__(self, where: Where, buffer_m: float, resolution_m: float) -> None:
        self.epsg = utm_epsg(where.longitude, where.latitude)
        outline: BaseGeometry = where.geometry or Point(where.longitude, where.latitude)
        west, south, east, north = to_crs(outline, 4326, self.epsg).buffer(buffer_m).bounds
        self.resolution_m = resolution_m
        self.west = math.floor(west / resolution_m) * resolution_m
        self.north = math.ceil(north / resolution_m) * resolution_m
        self.width = max(1, math.ceil((east - self.west) / resolution_m))
        self.height = max(1, math.ceil((self.north - south) / resolution_m))

    @property
    def transform(self) -> Affine:
        """Affine transform from column and row to metres."""
        return from_origin(self.west, self.north, self.resolution_m, self.resolution_m)

    @property
    def crs(self) -> CRS:
        """Coordinate reference system."""
        return CRS.from_epsg(self.epsg)

    def bounds(self, epsg: int) -> tuple[float, float, float, float]:
        """West, south, east, north in another reference system."""
        east = self.west + self.width * self.resolution_m
        south = self.north - self.height * self.resolution_m
        return transform_bounds(self.crs, CRS.from_epsg(epsg), self.west, south, east, self.north)

    def dataset(self, heights: np.ndarray, attributes: dict[str, str]) -> xr.Dataset:
        """Return heights on this grid as the terrain dataset of the contract."""
        x = self.west + (np.arange(self.width) + 0.5) * self.resolution_m
        y = self.north - (np.arange(self.height) + 0.5) * self.resolution_m
        gdal = f"{self.west} {self.resolution_m} 0 {self.north} 0 {-self.resolution_m}"
        spatial_ref = xr.DataArray(0, attrs={"crs_wkt": self.crs.to_wkt(), "GeoTransform": gdal})
        return xr.Dataset(
            {
                "surface_altitude": (
                    ("y", "x"),
                    heights.astype(np.float32),
                    {
                        "units": "m",
                        "standard_name": "surface_altitude",
                        "long_name": "height above the geoid",
                        "grid_mapping": "spatial_ref",
                    },
                )
            },
            {
                "y": ("y", y, {"units": "m", "standard_name": "projection_y_coordinate", "long_name": "northing"}),
                "x": ("x", x, {"units": "m", "standard_name": "projection_x_coordinate", "long_name": "easting"}),
                "spatial_ref": spatial_ref,
            },
            attributes,
        )


def read_heights(rasters: Iterable[DatasetReader], grid: Grid) -> np.ndarray:
    """Read open rasters onto a grid by bilinear interpolation; where they overlap the first counts.

    Only the window that the grid needs is read from each raster. Cells outside all of them, or without data, are NaN.

    Returns
    -------
    np.ndarray
        Shape (y, x), float32, in the rasters' unit.
    """
    heights = np.full((grid.height, grid.width), np.nan, np.float32)
    for raster in rasters:
        part = np.full_like(heights, np.nan)
        reproject(
            rasterio.band(raster, 1),
            part,
            dst_transform=grid.transform,
            dst_crs=grid.crs,
            dst_nodata=np.nan,
            resampling=Resampling.bilinear,
        )
        heights = np.where(np.isnan(heights), part, heights)
    return heights


def glo30_tiles(bounds: tuple[float, float, float, float]) -> list[str]:
    """Return the names of the GLO-30 tiles that a box in degrees (west, south, east, north) touches.

    A tile is named after the whole degree at its south-west corner; its pixels are centred on the degree, so it reaches
    half a pixel (0.5 arc seconds) beyond its western and northern edge.

    Examples
    --------
    >>> glo30_tiles((-4.83, 41.26, -4.81, 41.28))
    ['Copernicus_DSM_COG_10_N41_00_W005_00_DEM']
    """
    west, south, east, north = bounds
    half = 0.5 / 3600
    return [
        _tile_name(latitude, longitude)
        for latitude in range(math.floor(south - half), math.floor(north - half) + 1)
        for longitude in range(math.floor(west + half), math.floor(east + half) + 1)
    ]


def _tile_name(latitude: int, longitude: int) -> str:
    north = f"{'N' if latitude >= 0 else 'S'}{abs(latitude):02d}_00"
    east = f"{'E' if longitude >= 0 else 'W'}{abs(longitude):03d}_00"
    return f"Copernicus_DSM_COG_10_{north}_{east}_DEM"


class Glo30Terrain:
    """Copernicus GLO-30: a surface model of one arc second (tree and roof tops), heights above EGM2008.

    Parameters
    ----------
    buffer_m
        Margin around the parcel.
    resolution_m
        Cell of the grid returned.
    url
        Template with ``{tile}``: an address, or the path of downloaded tiles.
    transport
        Answers the question whether a tile exists in place of the network.
    """

    name = "glo30"
    kind = "terrain"

    def __init__(
        self,
        buffer_m: float = 400.0,
        resolution_m: float = 30.0,
        url: str = GLO30_URL,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.buffer_m = buffer_m
        self.resolution_m = resolution_m
        self.url = url
        self._http = client(transport)

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return heights (y, x); a tile that does not exist is sea, height 0. ``when`` does not matter."""
        grid = Grid(where, self.buffer_m, self.resolution_m)
        heights = np.full((grid.height, grid.width), np.nan, np.float32)
        for tile in glo30_tiles(grid.bounds(4326)):
            url = self.url.format(tile=tile)
            with self._raster(url) if self._exists(url) else _sea(tile) as raster:
                part = read_heights([raster], grid)
            heights = np.where(np.isnan(heights), part, heights)
        return grid.dataset(
            complete(heights, self.name),
            {
                "source": self.name,
                "title": "Copernicus DEM GLO-30",
                "licence": "Copernicus DEM licence: free use with this notice",
                "attribution": "© DLR e.V. 2010-2014 and © Airbus Defence and Space GmbH 2014-2018, provided under "
                "COPERNICUS by the European Union and ESA; all rights reserved",
                "synthetic": "false",
            },
        )

    def _exists(self, url: str) -> bool:
        if not url.startswith(("http://", "https://")):
            return True

        def read(response: httpx.Response) -> bool:
            if response.status_code != 404:
                require_ok(response, self.name)
            return response.status_code == 200

        return ask(self._http, url, source=self.name, read=read, method="HEAD")

    @contextmanager
    def _raster(self, url: str) -> Iterator[DatasetReader]:
        with rasterio.Env(**REMOTE_READING), opened(url, self.name) as raster:
            yield raster


class Mdt05Terrain:
    """Spain's MDT05: bare earth from lidar at 5 m, orthometric heights, by the national coverage service.

    Heights are asked for as text, since the service rounds them to whole metres in its images.
    """

    name = "mdt05"
    kind = "terrain"

    def __init__(
        self,
        buffer_m: float = 400.0,
        resolution_m: float = 5.0,
        url: str = MDT_URL,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.buffer_m = buffer_m
        self.resolution_m = resolution_m
        self.url = url
        self._http = client(transport)

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return heights (y, x). ``when`` does not matter."""
        grid = Grid(where, self.buffer_m, self.resolution_m)
        epsg = 25800 + grid.epsg % 100
        if epsg not in range(25828, 25832):
            raise SourceError(self.name, "the place lies outside Spain", "Use the terrain source glo30.")
        west, south, east, north = grid.bounds(epsg)
        margin = 10.0
        params = {
            "SERVICE": "WCS",
            "VERSION": "2.0.1",
            "REQUEST": "GetCoverage",
            "COVERAGEID": f"Elevacion{epsg}_5",
            "FORMAT": "application/asc",
            "SUBSET": [
                f"x({west - margin:.1f},{east + margin:.1f})",
                f"y({south - margin:.1f},{north + margin:.1f})",
            ],
        }

        def read(response: httpx.Response) -> tuple[np.ndarray, Affine]:
            require_ok(response, self.name)
            return ascii_grid(text_of(response))

        cells, transform = ask(self._http, self.url, params, source=self.name, read=read)
        with _in_memory(cells, transform, epsg) as raster:
            heights = read_heights([raster], grid)
        return grid.dataset(
            complete(heights, self.name),
            {
                "source": self.name,
                "title": "Modelo Digital del Terreno MDT05",
                "licence": "CC BY 4.0",
                "attribution": "MDT05 CC BY 4.0 scne.es, Instituto Geográfico Nacional",
                "synthetic": "false",
            },
        )


def ascii_grid(text: str) -> tuple[np.ndarray, Affine]:
    """Parse an Esri ASCII grid, alone or inside a multipart answer.

    Returns
    -------
    (np.ndarray, Affine)
        Heights (y, x), float32, missing NaN, north first; transform to the corner of the first cell.

    Raises
    ------
    TransientError
        When the text is empty, holds no grid or fewer numbers than its header announces.
    """
    start = re.search(r"(?im)^\s*ncols\s+\d+", text)
    if start is None:
        raise TransientError("sent no height grid" if text.strip() else "sent an empty answer")
    header: dict[str, float] = {}
    numbers: list[str] = []
    for line in text[start.start() :].splitlines():
        words = line.split()
        if line.startswith("--"):
            break
        if len(words) == 2 and words[0][0].isalpha() and words[0].lower() != "nan":
            header[words[0].lower()] = _number(words[1])
        else:
            numbers.extend(words)
    rows, columns = int(header.get("nrows", 0)), int(header["ncols"])
    if rows < 1 or columns < 1 or len(numbers) != rows * columns:
        raise TransientError(f"sent {len(numbers)} heights where {rows} rows of {columns} were announced")
    cells = np.array([_number(number) for number in numbers], np.float32).reshape(rows, columns)
    cells[cells == np.float32(header.get("nodata_value", np.nan))] = np.nan
    width, height = (header.get(key, header.get("cellsize", 0.0)) for key in ("dx", "dy"))
    if width <= 0 or height <= 0:
        raise TransientError("sent a height grid without cell size")
    west, south = (
        header[f"{axis}llcorner"] if f"{axis}llcorner" in header else header.get(f"{axis}llcenter", np.nan) - size / 2
        for axis, size in (("x", width), ("y", height))
    )
    if math.isnan(west) or math.isnan(south):
        raise TransientError("sent a height grid without origin")
    return cells, from_origin(west, south + rows * height, width, height)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise TransientError(f"sent {text[:20]!r} where a number was expected") from error


@contextmanager
def opened(path: str | Path, source: str) -> Iterator[DatasetReader]:
    """Open a raster for reading; failures while it is open become SourceErrors without the address's query."""
    try:
        with rasterio.open(path) as raster:
            yield raster
    except RasterioIOError as error:
        name = str(path).partition("?")[0]
        raise SourceError(
            source, f"{name} could not be read", "Try again later, or name another source.", temporary=True
        ) from error


@contextmanager
def _in_memory(cells: np.ndarray, transform: Affine, epsg: int) -> Iterator[DatasetReader]:
    rows, columns = cells.shape
    profile = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": "float32", "nodata": np.nan}
    with MemoryFile() as memory:
        with memory.open(**profile, crs=CRS.from_epsg(epsg), transform=transform) as raster:
            raster.write(cells, 1)
        with memory.open() as raster:
            yield raster


def _sea(tile: str):
    match = re.search(r"_([NS])(\d{2})_00_([EW])(\d{3})_00_", tile)
    if match is None:
        raise ValueError(f"{tile} names no tile")
    south = int(match[2]) * (1 if match[1] == "N" else -1)
    west = int(match[4]) * (1 if match[3] == "E" else -1)
    half = 0.5 / 3600
    box = from_bounds(west - half, south + half, west + 1 - half, south + 1 + half, 10, 10)
    return _in_memory(np.zeros((10, 10), np.float32), box, 4326)


def complete(heights: np.ndarray, source: str) -> np.ndarray:
    """Return the heights, or raise a SourceError where any is missing."""
    missing = int(np.isnan(heights).sum())
    if missing:
        raise SourceError(
            source,
            f"{missing} of {heights.size} cells around the parcel have no height",
            "Ask for a smaller buffer, or name another terrain source.",
        )
    return heights
