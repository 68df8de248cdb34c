"""Heights on grids: windows of rasters read onto the surroundings of a parcel, Esri ASCII grids."""

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.transform import Affine, from_origin
from rasterio.warp import Resampling, reproject

from agritwin.errors import SourceError
from agritwin.sources.grids import Grid
from agritwin.sources.http import TransientError


def terrain_dataset(heights: np.ndarray, grid: Grid, attributes: dict[str, str]) -> xr.Dataset:
    """Return heights (y, x) on a grid as the terrain dataset of the contract."""
    about = {
        "units": "m",
        "standard_name": "surface_altitude",
        "long_name": "height above the geoid",
        "grid_mapping": "spatial_ref",
    }
    variables = {"surface_altitude": (("y", "x"), heights.astype(np.float32), about)}
    return xr.Dataset(variables, grid.coordinates(), attributes)


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
            dst_crs=CRS.from_epsg(grid.epsg),
            dst_nodata=np.nan,
            resampling=Resampling.bilinear,
        )
        heights = np.where(np.isnan(heights), part, heights)
    return heights


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
    except (RasterioError, CPLE_BaseError) as error:
        name = str(path).partition("?")[0]
        raise SourceError(
            source, f"{name} could not be read", "Try again later, or name another source.", temporary=True
        ) from error


@contextmanager
def in_memory(cells: np.ndarray, transform: Affine, epsg: int) -> Iterator[DatasetReader]:
    """Open an array (y, x), float32, missing NaN, as a raster."""
    rows, columns = cells.shape
    profile = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": "float32", "nodata": np.nan}
    with MemoryFile() as memory:
        with memory.open(**profile, crs=CRS.from_epsg(epsg), transform=transform) as raster:
            raster.write(cells, 1)
        with memory.open() as raster:
            yield raster


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
