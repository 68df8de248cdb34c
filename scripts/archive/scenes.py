"""Pixels of one satellite scene: ground, clouds, shadows, snow; reflectance and scene classification."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy import ndimage

from scripts.archive import landscape, sky, weather
from scripts.archive.seeding import stream
from scripts.archive.sites import SITES, Site

LAST_DAY = "2026-06-30"
RED_STEP, NIR_STEP, CLOUD_STEP = 25, 50, 200  # digital numbers; coarse so that the files are small
VEGETATION, BARE, CLOUD_MEDIUM, CLOUD_HIGH, SHADOW, CIRRUS, SNOW = 4, 5, 8, 9, 3, 10, 11
OVERCAST_SHARE, BROKEN_SHARE = 0.15, 0.35


@dataclass(frozen=True)
class Scene:
    """Bottom-of-atmosphere reflectance (y, x) of red and near infrared, classes of 20 m, share of cloud in percent."""

    red: np.ndarray
    nir: np.ndarray
    scl: np.ndarray
    cloud_cover: float


def dates(site: Site) -> pd.DatetimeIndex:
    """Days of the scenes of a site, from its first overpass to the end of the archive."""
    return pd.date_range(site.first_scene, LAST_DAY, freq=f"{site.platform_cycle_days}D")


@cache
def skies(site: Site) -> dict[pd.Timestamp, str]:
    """``clear``, ``broken`` or ``overcast`` for every scene, ranked by the archived radiation of that late morning."""
    frame = weather.reference()
    days = dates(site)
    stamps = pd.DatetimeIndex(days + pd.Timedelta(hours=11))
    index = frame["shortwave_radiation"].reindex(stamps).to_numpy() / sky.clear_sky(stamps, site.cell)
    rank = np.argsort(np.argsort(index)) / days.size
    kinds = np.where(rank < OVERCAST_SHARE + BROKEN_SHARE, "broken", "clear")
    kinds = np.where(rank < OVERCAST_SHARE, "overcast", kinds)
    return dict(zip(days, kinds.tolist(), strict=True))


@cache
def snow_days() -> frozenset[pd.Timestamp]:
    """Days with snow on the ground: precipitation below 1 degC piles up, 3 mm melt per degree day above 0 degC."""
    frame = weather.reference()
    cold = frame["precipitation"].where(frame["temperature_2m"] < 1.0, 0.0).resample("D").sum()
    warm = frame["temperature_2m"].clip(lower=0).resample("D").mean() * 3.0
    lying, pack = [], 0.0
    for day in cold.index:
        pack = max(pack + cold[day] - warm[day], 0.0)
        if pack >= 2.0:
            lying.append(day)
    return frozenset(lying)


def scene(site: Site, day: pd.Timestamp, *, salt: str = "") -> Scene:
    """Simulate one scene; ``salt`` gives another realisation of the sensor noise only."""
    ground = landscape.ground(site)
    random = stream("scene", site.name, day.date())
    noise = stream("noise", site.name, day.date(), salt)
    shape = ground.cover.shape
    recent = weather.reference()["precipitation"].loc[day - pd.Timedelta(days=4) : day + pd.Timedelta(hours=11)].sum()
    ndvi = landscape.greenness(site, day) + random.normal(0, 0.008)
    red, nir = reflectances(ndvi, ground.soil * (1 - 0.22 * np.clip(recent / 12, 0, 1)))
    scl = np.where(_coarse(ndvi) > 0.36, VEGETATION, BARE)
    if day in snow_days():
        red, nir, scl = 0.72 * ground.soil, 0.66 * ground.soil, np.full(scl.shape, SNOW)
    red = _quantise(red + noise.normal(0, 0.0008, shape), RED_STEP)
    nir = _quantise(nir + noise.normal(0, 0.0012, shape), NIR_STEP)

    kind = skies(site)[day]
    if kind == "clear":
        return Scene(red, nir, scl.astype("uint8"), round(random.uniform(0, 4), 6))
    cover = random.uniform(0.99, 1.0) if kind == "overcast" else random.beta(1.3, 1.7) * 0.75 + 0.04
    field = _field(random, shape, 7)
    thick = (np.sort(field.ravel())[::-1][min(int(cover * field.size), field.size - 1)] - field) * -1.0
    cloud = thick > 0
    bright = np.clip(0.30 + 0.22 * thick + (0.12 if kind == "overcast" else 0.0), 0.26, 0.85)
    shade = np.roll(cloud, (int(random.integers(4, 12)), int(random.integers(-9, -3))), axis=(0, 1)) & ~cloud
    cirrus = ~cloud & (random.uniform() < 0.3) & (_field(random, shape, 14) > 0.4)
    for band, step, whiter in ((red, RED_STEP, 0.0), (nir, NIR_STEP, 0.02)):
        band[shade] = _quantise(band[shade] * 0.55, step)
        band[cirrus] = _quantise(band[cirrus] + 0.04, step)
        band[cloud] = _quantise(bright[cloud] + whiter, CLOUD_STEP)
    fraction = _coarse(cloud.astype(float))
    scl = np.where(_coarse(cirrus.astype(float)) > 0.5, CIRRUS, scl)
    scl = np.where(_coarse(shade.astype(float)) > 0.5, SHADOW, scl)
    scl = np.where(fraction >= 0.5, np.where(_coarse(thick) > 0.35, CLOUD_HIGH, CLOUD_MEDIUM), scl)
    return Scene(red, nir, scl.astype("uint8"), round(100 * min(cover + random.uniform(0, 0.08), 1.0), 6))


def reflectances(ndvi: np.ndarray, soil: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Red and near-infrared reflectance of a mixture of sandy soil and leaves that has the NDVI asked for."""
    soil_red, soil_nir, leaf_red, leaf_nir = 0.205 * soil, 0.262 * soil, 0.032, 0.42
    share = ndvi * (soil_red + soil_nir) - (soil_nir - soil_red)
    share = share / ((leaf_nir - soil_nir) - (leaf_red - soil_red) - ndvi * (leaf_nir - soil_nir + leaf_red - soil_red))
    return soil_red + share * (leaf_red - soil_red), soil_nir + share * (leaf_nir - soil_nir)


def all_scenes() -> list[tuple[Site, pd.Timestamp]]:
    """Every site and day, in order of time."""
    return sorted(((site, day) for site in SITES for day in dates(site)), key=lambda pair: (pair[1], pair[0].name))


def _quantise(reflectance: np.ndarray, step: int) -> np.ndarray:
    return np.maximum(np.round(reflectance * 10000 / step) * step, step) / 10000


def _coarse(values: np.ndarray) -> np.ndarray:
    """Mean over 2 by 2 pixels: the 20 m grid."""
    return values.reshape(values.shape[0] // 2, 2, values.shape[1] // 2, 2).mean(axis=(1, 3))


def _field(random: np.random.Generator, shape: tuple[int, ...], width: float) -> np.ndarray:
    surface = ndimage.gaussian_filter(random.normal(size=shape), width, mode="reflect")
    return (surface - surface.mean()) / surface.std()
