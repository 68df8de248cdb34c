"""What covers the ground of an imagery window, pixel by pixel, and how green it is on a day."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import rasterio.features
import shapely
from rasterio.transform import from_origin
from scipy import ndimage

from scripts.archive import seasons, terrain
from scripts.archive.seeding import stream
from scripts.archive.sites import Site, parcel_utm, window

PIXEL = 10.0
MARGIN = 60.0
TRACK, STREAM, FIRST_FIELD = 1, 2, 10
CROPS = ("barley", "wheat", "fallow", "sunflower")


@dataclass(frozen=True)
class Ground:
    """Maps of one window, all of shape (y, x).

    ``cover``: 0 orchard, 1 track, 2 stream bank, 10 and above the number of an arable field; ``vigour`` of orchard
    pixels around 1; ``rows`` the faint beat of tree rows against the pixel grid; ``soil`` brightness around 1.
    """

    west: float
    north: float
    cover: np.ndarray
    vigour: np.ndarray
    rows: np.ndarray
    soil: np.ndarray


@cache
def ground(site: Site) -> Ground:
    """Ground of a site: parcels with a weak zone, fields around them, a track, the bank of the stream."""
    west, south, east, north = window(site, MARGIN, 20)
    shape = (round((north - south) / PIXEL), round((east - west) / PIXEL))
    x, y = np.meshgrid(west + PIXEL * (np.arange(shape[1]) + 0.5), north - PIXEL * (np.arange(shape[0]) + 0.5))
    random = stream("ground", site.name)
    orchard = rasterio.features.geometry_mask(
        [parcel_utm(p) for p in site.parcels], shape, from_origin(west, north, PIXEL, PIXEL), invert=True
    )
    seeds = random.uniform((west, south), (east, north), size=(7, 2))
    squared = (x[..., None] - seeds[:, 0]) ** 2 + 1.8 * (y[..., None] - seeds[:, 1]) ** 2
    cover = FIRST_FIELD + np.argmin(squared, axis=-1)
    points = shapely.points(x.ravel(), y.ravel())
    edge = shapely.unary_union([parcel_utm(p).exterior for p in site.parcels])
    cover[(shapely.distance(points, edge).reshape(shape) < 7) & ~orchard] = TRACK
    bank = shapely.LineString(terrain.bed(site))
    cover[(shapely.distance(points, bank).reshape(shape) < 8) & ~orchard] = STREAM
    cover[orchard] = 0

    weak_x, weak_y = parcel_utm(site.parcels[0]).centroid.coords[0]
    weak = np.exp(-(((x - weak_x - 130) / 95) ** 2) - ((y - weak_y + 60) / 70) ** 2)
    slope = (y - y.mean()) / (north - south)
    vigour = 1 + 0.14 * slope - 0.42 * weak + 0.06 * _smooth(random, shape, 7)
    phase = (x * np.cos(0.6) + y * np.sin(0.6)) / 7.0
    return Ground(west, north, cover, vigour, 0.006 * np.sin(2 * np.pi * phase), 1 + 0.04 * _smooth(random, shape, 9))


def greenness(site: Site, day: pd.Timestamp) -> np.ndarray:
    """NDVI of every pixel of a window on a day, without noise."""
    here = ground(site)
    values = np.empty(here.cover.shape)
    for code in np.unique(here.cover).tolist():
        mask = here.cover == code
        if code == 0:
            values[mask] = orchard(day, here.vigour[mask]) + here.rows[mask]
        elif code == TRACK:
            values[mask] = 0.13 + 0.25 * (_weeds(day) - 0.17)
        elif code == STREAM:
            values[mask] = 0.34 + 0.22 * _bump(day, 150, 55)
        else:
            values[mask] = arable(site, code, day)
    return values


def orchard(day: pd.Timestamp, vigour: np.ndarray) -> np.ndarray:
    """NDVI of a sparse pistachio canopy over sandy soil with winter and spring weeds.

    Double logistic between budburst and leaf fall of the season; about 0.18 in winter, 0.45 to 0.55 in June and July.
    """
    this = seasons.season(day.year)
    leaf = _rise(day.day_of_year, this.budburst + 24, 9) * (1 - _rise(day.day_of_year, this.leaf_fall, 8))
    ageing = 1 - 0.10 * np.clip((day.day_of_year - 205) / 80, 0, 1)
    young = 1 - 0.10 * np.exp(-(day.year - 2018) / 2.5)
    return _weeds(day) + 0.33 * leaf * ageing * young * this.vigour * vigour


def arable(site: Site, field: int, day: pd.Timestamp) -> float:
    """NDVI of a field; its crop changes with the harvest year, which begins in September."""
    year = day.year + (day.month >= 9)
    random = stream("field", site.name, field, year)
    crop = CROPS[int(random.choice(len(CROPS), p=(0.42, 0.28, 0.16, 0.14)))]
    level, late = random.uniform(0.9, 1.08), random.normal(0, 5)
    since = day.day_of_year - 365 * (day.month >= 9)
    water = seasons.season(min(year, 2025)).water
    if crop == "fallow":
        return 0.15 + 0.6 * (_weeds(day) - 0.15)
    if crop == "sunflower":
        return 0.15 + 0.45 * level * _rise(since, 170 + late, 7) * (1 - _rise(since, 232 + late, 8))
    ripe = (152 if crop == "barley" else 165) + late + 6 * (water - 1)
    tiller, peak = 0.28 * _rise(since, -15 + late, 16), 0.38 * level * np.clip(water, 0.6, 1.1)
    return 0.16 + (tiller + peak * _rise(since, 82 + late, 13)) * (1 - _rise(since, ripe, 6))


def _weeds(day: pd.Timestamp) -> float:
    """Bare soil with some weeds: greenest in March, killed by tillage and drought in May."""
    water = seasons.season(min(day.year, 2025)).water
    return 0.165 + 0.055 * water * _bump(day, 75, 38)


def _bump(day: pd.Timestamp, centre: float, width: float) -> float:
    return float(np.exp(-(((day.day_of_year - centre) / width) ** 2)))


def _rise(day: float, middle: float, width: float) -> float:
    return float(1 / (1 + np.exp(-(day - middle) / width)))


def _smooth(random: np.random.Generator, shape: tuple[int, ...], width: float) -> np.ndarray:
    surface = ndimage.gaussian_filter(random.normal(size=shape), width, mode="reflect")
    return (surface - surface.mean()) / surface.std()
