"""Harmonized Landsat and Sentinel-2 (HLS): 30 m since 2013, a longer and coarser history of the same parcel.

Reflectance of both is adjusted to one another; masks come as bits (Fmask) and are turned into Sen2Cor's classes.

Source: HLS product user guide 2.0, https://lpdaac.usgs.gov/products/hlss30v002
"""

import datetime as dt
import re
from typing import Any

import numpy as np

from agritwin.errors import DataError
from agritwin.sources.base import When
from agritwin.sources.planetary_computer import PlanetaryComputer
from agritwin.sources.stac_items import Scene
from agritwin.sources.stac_search import search_api
from agritwin.sources.stac_static import Bounds

COLLECTIONS = ("hls2-s30", "hls2-l30")
NEAR_INFRARED = {"S30": "B8A", "L30": "B05"}
NAME = re.compile(r"HLS\.(?P<sensor>[SL]30)\.T(?P<tile>\d{2}[A-Z]{3})\.(?P<time>\d{7}T\d{6})\.v(?P<version>\d+\.\d+)")
CLOUD, ADJACENT, SHADOW, SNOW, WATER = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5
FILL = 255
NO_DATA_CLASS, SHADOW_CLASS, CLEAR_CLASS, WATER_CLASS, CLOUD_CLASS, SNOW_CLASS = 0, 3, 7, 6, 9, 11


class Hls(PlanetaryComputer):
    """HLS from Microsoft's Planetary Computer; every 30 m pixel stands for the nine of 10 m that it covers."""

    name = "hls"
    title = "Harmonized Landsat and Sentinel-2, 30 m, Microsoft Planetary Computer"
    licence = "open data of NASA, no restriction"
    attribution = "HLS courtesy of NASA LP DAAC; contains modified Copernicus Sentinel data"
    no_data = -9999

    def items(self, bounds: Bounds, when: When) -> list[dict[str, Any]]:
        """Search both collections."""
        return search_api(self.url, COLLECTIONS, bounds, when, source=self.name)

    def read_item(self, item: dict[str, Any]) -> Scene:
        """Return an item as a scene."""
        return hls_scene(item)

    def classes(self, values: np.ndarray) -> np.ndarray:
        """Return Fmask's bits as classes of Sen2Cor."""
        return sen2cor_classes(values)


def hls_scene(item: dict[str, Any]) -> Scene:
    """Read an item of HLS.

    Raises
    ------
    DataError
        When its name or its assets are not those of HLS.
    """
    name = str(item.get("id", "without id"))
    parts = NAME.search(name)
    if parts is None:
        raise DataError(f"Item {name} is not named as HLS names its scenes.", "Only HLS S30 and L30 can be read.")
    assets, properties = item.get("assets", {}), item.get("properties", {})
    try:
        red, nir, mask = (str(assets[band]["href"]) for band in ("B04", NEAR_INFRARED[parts["sensor"]], "Fmask"))
    except KeyError as error:
        raise DataError(f"Item {name}: no asset {error}.", "Only HLS S30 and L30 can be read.") from error
    code = str(properties.get("proj:code") or properties.get("proj:epsg") or "").removeprefix("EPSG:")
    return Scene(
        id=name,
        collection=str(item.get("collection", "")),
        platform=str(properties.get("platform") or {"S30": "sentinel-2", "L30": "landsat"}[parts["sensor"]]).lower(),
        acquired=dt.datetime.strptime(parts["time"], "%Y%jT%H%M%S"),
        strip="",
        tile=parts["tile"],
        baseline=f"{float(parts['version']):05.2f}",
        boa_offset=0.0,
        created=str(properties.get("created", "")),
        cloud_cover=float(properties.get("eo:cloud_cover", float("nan"))),
        epsg=int(code) if code.isdigit() else None,
        red=red,
        nir=nir,
        scl=mask,
    )


def sen2cor_classes(fmask: np.ndarray) -> np.ndarray:
    """Return classes of Sen2Cor (uint8) for the bits of Fmask: what hides the ground goes before what it is."""
    bits = fmask.astype(np.uint8)

    def has(bit: int) -> np.ndarray:
        return (bits & bit) > 0

    return np.select(
        [bits == FILL, has(CLOUD) | has(ADJACENT), has(SHADOW), has(SNOW), has(WATER)],
        [NO_DATA_CLASS, CLOUD_CLASS, SHADOW_CLASS, SNOW_CLASS, WATER_CLASS],
        CLEAR_CLASS,
    ).astype(np.uint8)
