"""Where the demo's holding lies: two sites, three parcels, two weather cells."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyproj
import shapely

UTM = "EPSG:32630"
TO_UTM = pyproj.Transformer.from_crs("EPSG:4326", UTM, always_xy=True)
FROM_UTM = pyproj.Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
RINGS = Path(__file__).with_name("rings.json")

PINILLO = "47-124-0-0-1-53-1"
PINILLO_HECTARES = 12.91
PINILLO_CORNERS = (  # metres east and north of the middle, before scaling
    "-190 -150 -60 -172 55 -160 150 -185 214 -60 196 20 226 105 120 168 30 150 -40 186 -120 160 -205 172 "
    "-232 60 -205 -40"
)
SURVEYED = "Outline of the SIGPAC recinto in the example files of the AgriculturalDigitalTwinPlatform (MIT)."
PLAUSIBLE = "Plausible, not surveyed: an outline drawn for the demo, scaled to the declared 12.91 ha."


@dataclass(frozen=True)
class Cell:
    """A weather cell of 0.1 degree: what differs from the reference weather."""

    latitude: float
    longitude: float
    elevation_m: float
    rain_scale: float
    storm_scale: float

    @property
    def name(self) -> str:
        """Name by the rounded position, for example ``n413w048``."""
        north = f"{'n' if self.latitude >= 0 else 's'}{round(abs(self.latitude) * 10):03d}"
        return north + f"{'e' if self.longitude >= 0 else 'w'}{round(abs(self.longitude) * 10):03d}"


@dataclass(frozen=True)
class Site:
    """A group of parcels that share imagery window, terrain, soil and weather cell."""

    name: str
    parcels: tuple[str, ...]
    cell: Cell
    platform_cycle_days: int
    first_scene: str


MORALEJA = Site(
    "moraleja", ("47-96-0-0-5-20-1", "47-96-0-0-5-25-1"), Cell(41.27, -4.82, 748.0, 1.0, 1.0), 10, "2018-10-03"
)
PINILLO_SITE = Site("pinillo", (PINILLO,), Cell(41.33, -4.93, 735.0, 0.96, 0.6), 20, "2018-10-06")
SITES = (MORALEJA, PINILLO_SITE)


@cache
def parcel(identity: str) -> shapely.Polygon:
    """Outline of a parcel in EPSG:4326, longitude and latitude."""
    if identity == PINILLO:
        return _pinillo()
    return shapely.Polygon(json.loads(RINGS.read_text())[identity])


@cache
def parcel_utm(identity: str) -> shapely.Polygon:
    """Outline of a parcel in EPSG:32630, metres."""
    return shapely.transform(parcel(identity), TO_UTM.transform, interleaved=False)


def _pinillo() -> shapely.Polygon:
    """Irregular outline near 41.33 N, 4.93 W, scaled until its geodesic area is the declared one."""
    corners = np.array(PINILLO_CORNERS.split(), float).reshape(-1, 2)
    east, north = TO_UTM.transform(-4.93, 41.33)
    scale = 1.0
    for _ in range(6):
        longitude, latitude = FROM_UTM.transform(east + scale * corners[:, 0], north + scale * corners[:, 1])
        ring = np.round(np.column_stack([longitude, latitude]), 8)
        outline = shapely.Polygon(np.vstack([ring, ring[:1]]))
        scale *= np.sqrt(PINILLO_HECTARES / hectares(outline))
    return outline


def hectares(outline: shapely.Polygon) -> float:
    """Geodesic area on WGS 84, ha."""
    return abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(outline)[0]) / 1e4


def window(site: Site, margin_m: float, step_m: int) -> tuple[float, float, float, float]:
    """Bounds (west, south, east, north) around the parcels of a site, snapped outwards to a grid of ``step_m``.

    The Sentinel-2 tile 30TUL begins at 300000 E, 4600020 N; both are multiples of 20 m.
    """
    west, south, east, north = shapely.total_bounds([parcel_utm(p) for p in site.parcels])
    low = np.floor((np.array([west, south]) - margin_m) / step_m) * step_m
    high = np.ceil((np.array([east, north]) + margin_m) / step_m) * step_m
    return (*low.tolist(), *high.tolist())


def parcel_feature(identity: str) -> dict:
    """GeoJSON feature of a parcel, with a sentence on where its outline comes from."""
    outline = parcel(identity)
    plausible = identity == PINILLO
    return {
        "type": "Feature",
        "id": identity,
        "geometry": json.loads(shapely.to_geojson(outline)),
        "properties": {
            "area_ha": round(hectares(outline), 3),
            "crop": "pistachio",
            "source": PLAUSIBLE if plausible else SURVEYED,
            "synthetic": plausible,
        },
    }
