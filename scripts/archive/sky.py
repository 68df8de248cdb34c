"""Sun and clouds: clear-sky radiation and the share of it that reaches the ground."""

import numpy as np
import pandas as pd
import pvlib
from scipy import signal, stats

from scripts.archive import normals
from scripts.archive.sites import Cell

SUBSTEPS = 6  # ten-minute steps within the hour before a stamp


def clear_sky(times: pd.DatetimeIndex, cell: Cell) -> np.ndarray:
    """Mean clear-sky global irradiance of the hour before each stamp, W m-2 (Ineichen and Perez 2002, by pvlib)."""
    offsets = pd.to_timedelta(-60 + (np.arange(SUBSTEPS) + 0.5) * 60 / SUBSTEPS, unit="min")
    fine = pd.DatetimeIndex((times.to_numpy()[:, None] + offsets.to_numpy()[None, :]).ravel(), tz="UTC")
    pressure = pvlib.atmosphere.alt2pres(cell.elevation_m)
    sun = pvlib.solarposition.spa_python(fine, cell.latitude, cell.longitude, cell.elevation_m, pressure)
    zenith = sun["apparent_zenith"].to_numpy()
    airmass = pvlib.atmosphere.get_absolute_airmass(pvlib.atmosphere.get_relative_airmass(zenith), pressure)
    turbidity = normals.daily_normal(normals.LINKE_TURBIDITY_ASSUMED, fine.day_of_year.to_numpy())
    with np.errstate(divide="ignore"):  # pvlib divides by the zero altitude factor of night hours and masks it after
        ghi = pvlib.clearsky.ineichen(zenith, airmass, turbidity, altitude=cell.elevation_m)["ghi"]
    return np.nan_to_num(ghi).reshape(-1, SUBSTEPS).mean(axis=1)


def expected_radiation(days: pd.DatetimeIndex, cell: Cell) -> np.ndarray:
    """Daily radiation that the sunshine normals stand for, W h m-2 (FAO-56 Eq. 21, 34 and 35, a = 0.25, b = 0.50)."""
    day_of_year = days.day_of_year.to_numpy()
    latitude = np.radians(cell.latitude)
    distance = 1 + 0.033 * np.cos(2 * np.pi / 365 * day_of_year)
    declination = 0.409 * np.sin(2 * np.pi / 365 * day_of_year - 1.39)
    sunset = np.arccos(-np.tan(latitude) * np.tan(declination))
    height = sunset * np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    above = 24 * 60 / np.pi * 0.0820 * distance * height / 0.0036
    sunshine = normals.daily_normal(normals.SUNSHINE / normals.DAYS, day_of_year)
    return (0.25 + 0.50 * np.clip(sunshine / (24 / np.pi * sunset), 0, 1)) * above


def daily_index(mean: np.ndarray, days: pd.DatetimeIndex, wet: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Share of clear-sky radiation per day, 0 to 1, around its normal ``mean``.

    Wet days get 0.62 of the normal; beta-distributed with day-to-day persistence 0.45.
    """
    share_wet = pd.Series(wet).groupby(days.month.to_numpy()).transform("mean").to_numpy()
    wet_mean = 0.62 * mean
    mean_here = np.where(wet, wet_mean, (mean - share_wet * wet_mean) / (1 - share_wet))
    noise = signal.lfilter([np.sqrt(1 - 0.45**2)], [1, -0.45], random.normal(size=days.size))
    mean_here = np.clip(mean_here, 0.1, 0.96)
    return stats.beta.ppf(stats.norm.cdf(noise), mean_here * 6, (1 - mean_here) * 6).clip(0.06, 0.995)


def hourly_index(daily: np.ndarray, rain: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Share of clear-sky radiation per hour, array of (days, 24): unsteady on half-clouded days, low while it rains."""
    noise = signal.lfilter([np.sqrt(1 - 0.6**2)], [1, -0.6], random.normal(size=daily.size * 24)).reshape(-1, 24)
    spread = 0.9 * daily * (1 - daily)
    index = daily[:, None] + spread[:, None] * noise
    index = np.where(rain > 0, np.minimum(index, 0.12 + 0.18 * np.exp(-rain / 3)), index)
    return np.clip(index, 0.04, 1.0)


def radiation(clear: np.ndarray, index: np.ndarray, expected: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Radiation by hour, W m-2, arrays of (days, 24): clear sky times index, its months pulled to what is expected."""
    for _ in range(3):
        share = pd.Series(expected).groupby(month).sum() / pd.Series((clear * index).sum(axis=1)).groupby(month).sum()
        index = np.clip(index * share[month].to_numpy()[:, None], 0.04, 1.0)
    return clear * index
