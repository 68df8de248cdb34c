"""Air temperature and humidity by day and hour."""

import numpy as np
import pandas as pd
import pvlib
from scipy import interpolate, signal

from scripts.archive import normals
from scripts.archive.sites import Cell

Extremes = dict[str, tuple[float, float]]


def daily_extremes(
    days: pd.DatetimeIndex, rain: np.ndarray, clearness: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Daily maximum and minimum, degC.

    Anomalies of the mid-range follow an AR(1) process with the station's persistence; the range widens with clear sky
    (station: wet days have about two thirds of the range of dry ones). Minima hardly fall more than 6 degC below the
    normal, which gives the station's April frosts. The monthly climatology is pulled to the normals.
    """
    doy, month = days.day_of_year.to_numpy(), days.month.to_numpy()
    high = normals.daily_normal(normals.TEMPERATURE_MAX, doy)
    low = normals.daily_normal(normals.TEMPERATURE_MIN, doy)
    phi = normals.TEMPERATURE_PERSISTENCE
    noise = signal.lfilter([np.sqrt(1 - phi**2)], [1, -phi], random.normal(size=days.size))
    middle = (high + low) / 2 + noise * normals.daily_normal(normals.TEMPERATURE_SD, doy)
    middle += np.where(rain >= 1, 0.8 * normals.WET_MINUS_DRY[month - 1], 0.0)
    relative = clearness - _monthly(clearness, month)
    extent = (high - low) * np.clip(1 + 0.85 * relative + random.normal(0, 0.12, days.size), 0.25, 1.7)
    middle -= 0.8 * (_monthly(middle, month) - _monthly((high + low) / 2, month))
    extent *= _monthly(high - low, month) / _monthly(extent, month)
    below = low - (middle - extent / 2)
    coldest = np.where(below > 3.5, 3.5 + 2.5 * (1 - np.exp(-(below - 3.5) / 2.5)), below)
    return middle + extent / 2, low - coldest


def impose(days: pd.DatetimeIndex, high: np.ndarray, low: np.ndarray, events: Extremes) -> None:
    """Set the minimum and cap the maximum of the days of an event, in place."""
    for day, (minimum, maximum) in events.items():
        i = days.get_loc(day)
        low[i], high[i] = minimum, min(high[i], maximum)


def hourly(days: pd.DatetimeIndex, high: np.ndarray, low: np.ndarray, cell: Cell) -> np.ndarray:
    """Hourly course, degC, array of (days, 24).

    Shape-preserving cubic curve through the minimum at sunrise, the maximum at 15 UTC and, after sunset, the point two
    fifths of the way down to the next minimum. No value leaves the range of the knots.
    """
    sun = pvlib.solarposition.sun_rise_set_transit_spa(days.tz_localize("UTC"), cell.latitude, cell.longitude)
    origin = days.to_numpy()[:, None]
    rise = (sun["sunrise"].dt.tz_localize(None).to_numpy()[:, None] - origin) / np.timedelta64(1, "h")
    down = (sun["sunset"].dt.tz_localize(None).to_numpy()[:, None] - origin) / np.timedelta64(1, "h")
    start = np.arange(days.size)[:, None] * 24.0
    peak = np.minimum(15.0, down - 1.5)
    evening = high - 0.4 * (high - np.append(low[1:], low[-1]))
    knots = np.hstack([start + rise, start + peak, start + down + 0.5]).ravel()
    values = np.column_stack([low, high, evening]).ravel()
    curve = interpolate.PchipInterpolator(knots, values)
    return curve(np.clip(np.arange(days.size * 24.0), knots[0], knots[-1])).reshape(-1, 24)


def saturation(temperature: np.ndarray) -> np.ndarray:
    """Saturation vapour pressure, kPa (FAO-56 Eq. 11)."""
    return 0.6108 * np.exp(17.27 * temperature / (temperature + 237.3))


def humidity(
    days: pd.DatetimeIndex, temperature: np.ndarray, rain: np.ndarray, low: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Relative humidity by hour, percent, array of (days, 24).

    The dew point follows the night's minimum, with its own persistence and a slow course over the day; its monthly
    level is then shifted until the mean humidity is the normal one.
    """
    month = days.month.to_numpy()
    anomaly = signal.lfilter([np.sqrt(1 - 0.6**2)], [1, -0.6], random.normal(size=days.size)) * 2.0
    dew = low - 0.5 + anomaly + np.where(rain.sum(axis=1) >= 1, 1.5, 0.0)
    centres = np.append(np.arange(days.size) * 24 + 9.0, days.size * 24.0)
    course = np.interp(np.arange(days.size * 24.0), centres, np.append(dew, dew[-1])).reshape(-1, 24)
    course += signal.lfilter([0.5], [1, -0.85], random.normal(size=course.size)).reshape(-1, 24)
    shift = np.zeros(12)
    for _ in range(12):
        relative = _relative(course + shift[month - 1][:, None], temperature, rain)
        mean = pd.Series(relative.mean(axis=1)).groupby(month).mean().to_numpy()
        shift += 0.18 * (normals.RELATIVE_HUMIDITY - mean)
    return relative


def _relative(dew: np.ndarray, temperature: np.ndarray, rain: np.ndarray) -> np.ndarray:
    dew = np.where(rain > 0, np.maximum(dew, temperature - 2.0), dew)
    return np.clip(100 * saturation(np.minimum(dew, temperature)) / saturation(temperature), 8, 100)


def _monthly(values: np.ndarray, month: np.ndarray) -> np.ndarray:
    return pd.Series(values).groupby(month).transform("mean").to_numpy()
