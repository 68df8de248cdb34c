"""Heights around a parcel: Copernicus GLO-30 tiles and Spain's MDT05 coverage, as UTM grids."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar

import httpx
import numpy as np
import rasterio
import xarray as xr
from rasterio.io import DatasetReader
from rasterio.transform import Affine, from_bounds

from agritwin.errors import SourceError
from agritwin.sources.base import When, Where
from agritwin.sources.cog import GDAL_SETTINGS, trusted
from agritwin.sources.grids import Grid, surroundings
from agritwin.sources.heights import ascii_grid, complete, in_memory, opened, read_heights, terrain_dataset
from agritwin.sources.http import ask, client, require_ok, text_of

GLO30_URL = "https://copernicus-dem-30m.s3.amazonaws.com/{tile}/{tile}.tif"
MDT_URL = "https://servicios.idee.es/wcs-inspire/mdt"


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


class HeightService(ABC):
    """Heights that a public service gives for the surroundings of a parcel; the children say how it is asked.

    Parameters
    ----------
    buffer_m
        Margin around the parcel.
    resolution_m
        Cell of the grid returned; by default that of the service.
    url
        Address of the service, or of a copy of it.
    transport
        Answers in place of the network.
    """

    name: str
    kind = "terrain"
    cell_m: float
    address: str
    about: ClassVar[dict[str, str]]

    def __init__(
        self,
        buffer_m: float = 400.0,
        resolution_m: float | None = None,
        url: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.buffer_m = buffer_m
        self.resolution_m = resolution_m or self.cell_m
        self.url = url or self.address
        self._http = client(transport)

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return heights (y, x). ``when`` does not matter."""
        grid = surroundings(where, self.buffer_m, self.resolution_m)
        heights = complete(self._heights(grid), self.name)
        return terrain_dataset(heights, grid, {"source": self.name, **self.about, "synthetic": "false"})

    @abstractmethod
    def _heights(self, grid: Grid) -> np.ndarray:
        """Return heights on a grid, NaN where there is none."""


class Glo30Terrain(HeightService):
    """Copernicus GLO-30: a surface model of one arc second (tree and roof tops), heights above EGM2008.

    The address is a template with ``{tile}``, or the path of downloaded tiles; a tile that does not exist is sea.
    """

    name = "glo30"
    cell_m = 30.0
    address = GLO30_URL
    about: ClassVar[dict[str, str]] = {
        "title": "Copernicus DEM GLO-30",
        "licence": "Copernicus DEM licence: free use with this notice",
        "attribution": "© DLR e.V. 2010-2014 and © Airbus Defence and Space GmbH 2014-2018, provided under "
        "COPERNICUS by the European Union and ESA; all rights reserved",
    }

    def _heights(self, grid: Grid) -> np.ndarray:
        heights = np.full((grid.height, grid.width), np.nan, np.float32)
        for tile in glo30_tiles(grid.bounds(4326)):
            url = self.url.format(tile=tile)
            with self._raster(url) if self._exists(url) else _sea(tile) as raster:
                part = read_heights([raster], grid)
            heights = np.where(np.isnan(heights), part, heights)
        return heights

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
        with rasterio.Env(**GDAL_SETTINGS, **trusted()), opened(url, self.name) as raster:
            yield raster


class Mdt05Terrain(HeightService):
    """Spain's MDT05: bare earth from lidar at 5 m, orthometric heights, by the national coverage service.

    Heights are asked for as text, since the service rounds them to whole metres in its images.
    """

    name = "mdt05"
    cell_m = 5.0
    address = MDT_URL
    about: ClassVar[dict[str, str]] = {
        "title": "Modelo Digital del Terreno MDT05",
        "licence": "CC BY 4.0",
        "attribution": "MDT05 CC BY 4.0 scne.es, Instituto Geográfico Nacional",
    }

    def _heights(self, grid: Grid) -> np.ndarray:
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
        with in_memory(cells, transform, epsg) as raster:
            return read_heights([raster], grid)


def _sea(tile: str) -> AbstractContextManager[DatasetReader]:
    match = re.search(r"_([NS])(\d{2})_00_([EW])(\d{3})_00_", tile)
    if match is None:
        raise ValueError(f"{tile} names no tile")
    south = int(match[2]) * (1 if match[1] == "N" else -1)
    west = int(match[4]) * (1 if match[3] == "E" else -1)
    half = 0.5 / 3600
    box = from_bounds(west - half, south + half, west + 1 - half, south + 1 + half, 10, 10)
    return in_memory(np.zeros((10, 10), np.float32), box, 4326)
