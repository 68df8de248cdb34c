"""Windows of cloud-optimised GeoTIFFs on a parcel's own grid: only the blocks that are needed, never a whole tile."""

import contextlib
import logging
import os
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from agritwin.errors import DataError
from agritwin.sources.grids import Grid

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

REMEDY = "Try again later."
# Timeouts and retries are off in GDAL unless asked for; EMPTY_DIR spares probing for side-car files. The list of
# allowed suffixes stays unset, since a signed address ends in its query.
GDAL_SETTINGS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_VERSION": "2",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MAX_RETRY": "5",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_CONNECTTIMEOUT": "20",
    "GDAL_HTTP_TIMEOUT": "60",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "5000000",
}


def trusted() -> dict[str, Any]:
    """Return GDAL's setting for the certificates that all other clients trust; without it rasterio's own list holds."""
    file = os.environ.get("SSL_CERT_FILE")
    return {"GDAL_CURL_CA_BUNDLE": file} if file else {}


def read_on_grid(href: str, grid: Grid, resampling: Literal["nearest", "bilinear"] = "nearest") -> np.ndarray:
    """Read one band of a raster on a grid with GDAL, which reads every format and every layout.

    In the grid's own reference system every cell takes the raster pixel under its centre (exact where the rasters are
    aligned, nearest neighbour from 20 m to 10 m); otherwise the raster is warped.

    Parameters
    ----------
    href
        Path or URL that GDAL opens.
    resampling
        Used where the reference systems differ.

    Returns
    -------
    np.ndarray
        (height, width) in the raster's type; 0, which is Sentinel-2's no data, outside the raster.

    Raises
    ------
    DataError
        When the file cannot be opened or a block of it cannot be read.
    """
    # Imported here: most files are read without it (agritwin.sources.cog_reader).
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.errors import RasterioError
    from rasterio.vrt import WarpedVRT

    try:
        with _whole_header(href), rasterio.open(href) as raster:
            if raster.crs is not None and raster.crs.to_epsg() == grid.epsg and _north_up(raster):
                return _pixels_under_centres(raster, grid)
            with WarpedVRT(
                raster,
                crs=f"EPSG:{grid.epsg}",
                transform=grid.transform,
                width=grid.width,
                height=grid.height,
                resampling=Resampling[resampling],
                src_nodata=0,
                nodata=0,
            ) as warped:
                return warped.read(1)
    except RasterioError as error:
        raise DataError(f"{without_query(href)} cannot be read ({without_query(str(error))}).", REMEDY) from error


@contextlib.contextmanager
def _whole_header(href: str) -> Iterator[None]:
    """Refuse a file of whose header GDAL leaves out a damaged part, which it only logs: its pixels may mean less."""
    told: list[str] = []
    here = threading.get_ident()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == here and "tag ignored" in (text := record.getMessage()):
                told.append(text)

    listener, log = Listener(), logging.getLogger("rasterio._env")
    log.addHandler(listener)
    try:
        yield
    finally:
        log.removeHandler(listener)
    if told:
        raise DataError(f"{without_query(href)} has a damaged header ({told[0]}).", REMEDY)


def without_query(text: str) -> str:
    """Drop the query of every address in a text: it may hold a signature."""
    return re.sub(r"\?[^\s'\"]*", "", text)


def _north_up(raster: "DatasetReader") -> bool:
    transform = raster.transform
    return transform.b == 0.0 and transform.d == 0.0 and transform.a > 0.0 and transform.e < 0.0


def _pixels_under_centres(raster: "DatasetReader", grid: Grid) -> np.ndarray:
    transform = raster.transform
    columns = np.floor((grid.x - transform.c) / transform.a).astype(int)
    rows = np.floor((grid.y - transform.f) / transform.e).astype(int)
    inside_columns = (columns >= 0) & (columns < raster.width)
    inside_rows = (rows >= 0) & (rows < raster.height)
    values = np.zeros((grid.height, grid.width), raster.dtypes[0])
    if not (inside_columns.any() and inside_rows.any()):
        return values
    columns, rows = columns[inside_columns], rows[inside_rows]
    first_column, first_row = int(columns[0]), int(rows[0])
    window = ((first_row, int(rows[-1]) + 1), (first_column, int(columns[-1]) + 1))
    block = raster.read(1, window=window)
    values[np.ix_(inside_rows, inside_columns)] = block[np.ix_(rows - first_row, columns - first_column)]
    return values
