"""Real Sentinel-2 clips of two wheat fields, as imagery datasets."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

SHARED = Path(__file__).parents[2] / ".." / "shared" / "providers"


@pytest.fixture(scope="session")
def wheat_imagery() -> Callable[[str], xr.Dataset]:
    """Return a reader: site name to imagery of all its files, one time step a file, on one 10 m grid."""

    def read(site: str) -> xr.Dataset:
        folder = SHARED / "eo_samples" / f"s2_wheat_{site}_2022"
        if not folder.exists():
            pytest.skip(f"clips of {site} are not here")
        clips = [read_clip(path) for path in folder.glob("*.tif")]
        clips.sort(key=lambda clip: (clip["time"].item(), clip["scene_id"].item()))
        imagery = xr.concat(clips, "time", join="outer").sortby("y", ascending=False)
        return imagery.assign(scl=imagery["scl"].fillna(0).astype("u1"))

    return read


@pytest.fixture(scope="session")
def wheat_parcel() -> Callable[[str], BaseGeometry]:
    """Return a reader: site name to the field's outline, EPSG:4326."""
    import geopandas

    def read(site: str) -> BaseGeometry:
        path = SHARED / "farm_samples" / "winter_wheat_ch_2022" / "field_parcels_2022.geojson"
        if not path.exists():
            pytest.skip("field outlines are not here")
        fields = geopandas.read_file(path)
        return fields.loc[fields["location"].str.lower() == site, "geometry"].item()

    return read


def read_clip(path: Path) -> xr.Dataset:
    """One file; its no data is 0, NaN or 1e20, and here NaN."""
    with rasterio.open(path) as raster:
        bands = dict(zip(raster.descriptions, raster.read(), strict=True))
        place = raster.transform
    missing = (bands["B04"] == 0) | (bands["B04"] > 1e10) | np.isnan(bands["B04"])
    reflectance = {name: np.where(missing, np.nan, bands[band]) for name, band in {"red": "B04", "nir": "B8A"}.items()}
    scl = np.where(missing, 0, bands["SCL"]).astype("u1")
    rows, columns = missing.shape
    return xr.Dataset(
        {
            "red": (("y", "x"), reflectance["red"].astype("f4")),
            "nir": (("y", "x"), reflectance["nir"].astype("f4")),
            "scl": (("y", "x"), scl),
            "scene_id": path.stem,
        },
        coords={
            "time": np.datetime64(dt.datetime.strptime(path.stem[11:26], "%Y%m%dT%H%M%S"), "ns"),
            "x": place.c + 10 * (np.arange(columns) + 0.5),
            "y": place.f - 10 * (np.arange(rows) + 0.5),
            "spatial_ref": ((), 0, {"crs_wkt": CRS.from_epsg(32632).to_wkt()}),
        },
    )
