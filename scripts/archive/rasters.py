"""How the archive's rasters are written: small cloud-optimised GeoTIFFs."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from scripts.archive.sites import UTM


def write_cog(path: Path, values: np.ndarray, west: float, north: float, step: float, nodata: float | None) -> None:
    """Write one band as a COG in EPSG:32630: deflate, horizontal or floating predictor, block 128, a synthetic tag.

    Images of at most 512 pixels carry no overviews; the COG layout does not ask for any below that size.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = values.shape
    grid = {"height": height, "width": width, "crs": UTM, "transform": from_origin(west, north, step, step)}
    form = {"compress": "DEFLATE", "level": 9, "predictor": "YES", "blocksize": 128, "overviews": "NONE"}
    with rasterio.open(path, "w", driver="COG", count=1, dtype=values.dtype, nodata=nodata, **grid, **form) as file:
        file.write(values, 1)
        file.update_tags(TIFFTAG_IMAGEDESCRIPTION="synthetic, agritwin demo")
