"""HLS: 30 m scenes of both satellites on the parcel's 10 m grid, bits of its mask as classes."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from shapely.geometry import box, mapping

from agritwin.errors import DataError
from agritwin.geometry import to_crs
from agritwin.sources.base import When, Where
from agritwin.sources.hls import Hls, hls_scene, sen2cor_classes
from agritwin.vegetation.cube import ndvi_cube

LEFT, TOP = 300000, 4600020
PARCEL = to_crs(box(LEFT + 600, TOP - 780, LEFT + 780, TOP - 600), 32630, 4326)
YEAR = When(dt.date(2015, 1, 1), dt.date(2015, 12, 31))
WHERE = Where(PARCEL.centroid.y, PARCEL.centroid.x, PARCEL)


def item(folder: Path, sensor: str, day: int, *, red: int, nir: int, mask: int) -> dict[str, Any]:
    name = f"HLS.{sensor}.T30TUL.2015{day:03d}T110321.v2.0"
    bands = {"B04": (red, "int16"), {"S30": "B8A", "L30": "B05"}[sensor]: (nir, "int16"), "Fmask": (mask, "uint8")}
    for band, (value, kind) in bands.items():
        values = np.full((60, 60), value, kind)
        if kind == "int16":
            values[:, 24:] = -9999
        with rasterio.open(
            folder / f"{name}.{band}.tif", "w", driver="GTiff", width=60, height=60, count=1, dtype=kind,
            crs="EPSG:32630", transform=Affine(30, 0, LEFT, 0, -30, TOP), tiled=True, blockxsize=32, blockysize=32,
            compress="deflate", nodata=255 if kind == "uint8" else -9999,
        ) as raster:  # fmt: skip
            raster.write(values, 1)
    footprint = to_crs(box(LEFT, TOP - 1800, LEFT + 1800, TOP), 32630, 4326)
    return {
        "id": name, "collection": f"hls2-{sensor.lower()}", "geometry": mapping(footprint),
        "properties": {"platform": {"S30": "sentinel-2a", "L30": "landsat-8"}[sensor], "proj:epsg": 32630,
                       "datetime": "2015-01-01T11:03:21Z", "eo:cloud_cover": 3.0},
        "assets": {band: {"href": str(folder / f"{name}.{band}.tif")} for band in bands},
    }  # fmt: skip


def test_both_satellites_give_the_ndvi_of_their_30_m_pixels(tmp_path: Path) -> None:
    items = [
        item(tmp_path, "S30", 120, red=500, nir=4500, mask=0b01000000),
        item(tmp_path, "L30", 124, red=1000, nir=3000, mask=0),
        item(tmp_path, "L30", 140, red=1000, nir=3000, mask=0b00000010),
    ]
    imagery = Hls().fetch(WHERE, YEAR, items=items)
    assert imagery["platform"].values.tolist() == ["sentinel-2a", "landsat-8", "landsat-8"]
    assert imagery["boa_offset"].values.tolist() == [0.0] * 3
    assert imagery["time"].dt.dayofyear.values.tolist() == [120, 124, 140]
    # Fill values from the 24th column of 30 m on, which is 720 m from the edge.
    assert np.isnan(imagery["red"].sel(x=slice(LEFT + 720, None))).all()
    cube = ndvi_cube(imagery, PARCEL)
    np.testing.assert_allclose(cube["ndvi_mean"][:2], [0.8, 0.5], atol=1e-6)
    assert np.isnan(cube["ndvi_mean"][2])
    assert cube["valid_share"].values == pytest.approx([2 / 3, 2 / 3, 0.0], abs=1e-3)
    assert imagery.attrs["source"] == "hls"


def test_what_hides_the_ground_goes_before_what_it_is() -> None:
    bits = {0: 7, 0b11000000: 7, 1 << 1: 9, 1 << 2: 9, 1 << 3: 3, 1 << 4: 11, 1 << 5: 6, 0b00101000: 3, 255: 0}
    assert sen2cor_classes(np.array(list(bits), "u1")).tolist() == list(bits.values())


@pytest.mark.parametrize("change", [{"id": "S2A_30TUL"}, {"assets": {}}])
def test_what_is_not_hls_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="HLS"):
        hls_scene(item(tmp_path, "S30", 1, red=1, nir=2, mask=0) | change)
