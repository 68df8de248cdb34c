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
    turbidity = normals.daily_normal(normals.LINKE_TURBIDITY_ASSUMED, fine.dayofyear.to_numpy())
    ghi = pvlib.clearsky.ineichen(zenith, airmass, turbidity, altitude=cell.elevation_m)["ghi"]
    return np.nan_to_num(ghi).reshape(-1, SUBSTEPS).mean(axis=1)


def daily_index(days: pd.DatetimeIndex, wet: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Share of clear-sky radiation per day, 0 to 1.

    Mean by month from the sunshine normals through Angstrom (FAO-56 Eq. 35, a = 0.25, b = 0.50) over its clear-sky
    value 0.75; wet days about half of dry ones; beta-distributed with day-to-day persistence 0.45.
    """
    doy = days.dayofyear.to_numpy()
    declination = 0.409 * np.sin(2 * np.pi / 365 * doy - 1.39)
    daylight = 24 / np.pi * np.arccos(-np.tan(np.radians(41.3)) * np.tan(declination))
    sunshine = normals.daily_normal(normals.SUNSHINE / normals.DAYS, doy)
    mean = (0.25 + 0.50 * np.clip(sunshine / daylight, 0, 1)) / 0.75
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
