"""Hourly weather of a cell, in the provider's names and units."""

from functools import cache

import numpy as np
import pandas as pd
from scipy import signal, stats

from scripts.archive import normals, rain, sky, temperature
from scripts.archive.seeding import stream
from scripts.archive.sites import MORALEJA, Cell

START, END = "2018-10-01", "2026-06-30"
UNITS = {
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "wind_speed_10m": "m/s",
    "precipitation": "mm",
    "shortwave_radiation": "W/m²",
    "surface_pressure": "hPa",
}
DECIMALS = dict(zip(UNITS, (1, 0, 1, 1, 0, 1), strict=True))

RAIN_REALISATION = 51  # of 80 tried, the one whose eight years come nearest to the normals' wet days, totals and spells

# What the demo needs to have happened. Minimum and highest allowed maximum of the day, degC.
COLD: temperature.Extremes = {
    "2021-01-08": (-1.0, 1.2),
    "2021-01-09": (-2.0, 0.4),
    "2021-01-10": (-5.5, 1.0),
    "2021-01-11": (-9.5, 2.5),
    "2021-01-12": (-10.8, 3.5),
    "2021-01-13": (-9.0, 5.0),
    "2023-04-26": (-1.6, 12.5),
    "2023-04-27": (-4.5, 13.5),
    "2023-04-28": (-2.2, 15.5),
    "2025-04-28": (-0.9, 14.5),
}
HOT_BEFORE_STORM: temperature.Extremes = {
    "2025-06-16": (15.5, 35.0),
    "2025-06-17": (17.0, 36.0),
    "2025-06-18": (18.5, 35.5),
}
SNOW = {"2021-01-08": 7.0, "2021-01-09": 16.0}  # mm of water, spread over the day
DRY = (
    ("2021-01-10", "2021-01-14"),
    ("2022-09-09", "2022-09-16"),
    ("2023-04-24", "2023-04-29"),
    ("2025-06-09", "2025-06-21"),
)
CLOUDBURSTS = {  # end of the hour, UTC: mm
    "2022-09-14T16": 2.3,
    "2022-09-14T17": 29.4,
    "2022-09-14T18": 21.7,
    "2022-09-14T19": 1.6,
    "2025-06-18T16": 1.8,
    "2025-06-18T17": 34.6,
    "2025-06-18T18": 24.9,
    "2025-06-18T19": 3.2,
    "2025-06-18T20": 0.6,
}


@cache
def clear_sky(cell: Cell) -> np.ndarray:
    """Clear-sky radiation of every hour of the archive, W m-2."""
    return sky.clear_sky(pd.date_range(START, f"{END}T23", freq="h"), cell)


@cache
def reference() -> pd.DataFrame:
    """Weather of the cell of the site moraleja: one column per variable, unrounded, index of hourly UTC stamps."""
    cell = MORALEJA.cell
    days = pd.date_range(START, END, freq="D")
    times = pd.date_range(START, periods=days.size * 24, freq="h")

    amount = rain.daily(days, stream("rain", "daily", RAIN_REALISATION))
    for start, end in DRY:
        amount[(days >= start) & (days <= end)] = 0.0
    for day, value in SNOW.items():
        amount[days.get_loc(day)] = value
    hours = rain.hourly(days, amount, stream("rain", "hourly"))
    hours.ravel()[times.get_indexer(pd.to_datetime(list(CLOUDBURSTS)))] = list(CLOUDBURSTS.values())
    amount = hours.sum(axis=1)

    clear = clear_sky(cell).reshape(-1, 24)
    expected = sky.expected_radiation(days, cell)
    clearness = sky.daily_index(expected / clear.sum(axis=1), days, amount >= 1, stream("sky", "daily"))
    for day in (*COLD, *HOT_BEFORE_STORM):
        if day not in SNOW:
            clearness[days.get_loc(day)] = 0.93
    high, low = temperature.daily_extremes(days, amount, clearness, stream("temperature"))
    temperature.impose(days, high, low, COLD)
    for day, (minimum, maximum) in HOT_BEFORE_STORM.items():
        i = days.get_loc(day)
        low[i], high[i] = minimum, maximum
    air = temperature.hourly(days, high, low, cell) - _storm_cooling(hours)
    relative = temperature.humidity(days, air, hours, low, stream("humidity"))
    index = sky.hourly_index(clearness, hours, stream("sky", "hourly"))
    return pd.DataFrame(
        {
            "temperature_2m": air.ravel(),
            "relative_humidity_2m": relative.ravel(),
            "wind_speed_10m": _wind(times, hours.ravel()),
            "precipitation": hours.ravel(),
            "shortwave_radiation": sky.radiation(clear, index, expected, days.month.to_numpy()).ravel(),
            "surface_pressure": _pressure(days, amount, cell).ravel(),
        },
        index=times,
    )


def of_cell(cell: Cell) -> pd.DataFrame:
    """Weather of a cell in archive rounding: the reference weather, shifted by height and by local rain."""
    frame = reference().copy()
    if cell != MORALEJA.cell:
        random = stream("cell", cell.name)
        days = frame.index.size // 24
        height = cell.elevation_m - MORALEJA.cell.elevation_m
        local = signal.lfilter([np.sqrt(1 - 0.5**2)], [1, -0.5], random.normal(size=days)) * 0.35
        frame["temperature_2m"] += -0.0065 * height + np.repeat(local, 24)
        spread = random.lognormal(-0.02, 0.2, days) * cell.rain_scale
        spread = np.where(frame["precipitation"].to_numpy().reshape(-1, 24).max(axis=1) > 20, cell.storm_scale, spread)
        frame["precipitation"] *= np.repeat(spread, 24)
        frame["wind_speed_10m"] *= np.repeat(random.lognormal(0.0, 0.08, days), 24)
        frame["surface_pressure"] -= height / 9.0
        index = frame["shortwave_radiation"] / np.maximum(clear_sky(MORALEJA.cell), 1e-9)
        frame["shortwave_radiation"] = np.clip(index, 0, 1) * clear_sky(cell)
    frame = frame.round(DECIMALS)
    frame["shortwave_radiation"] = np.minimum(frame["shortwave_radiation"], np.floor(clear_sky(cell)))
    return frame.astype("float32") + np.float32(0)  # adding zero turns -0 into 0


def _storm_cooling(hours: np.ndarray) -> np.ndarray:
    """Cooling by rain above 3 mm an hour, degC, fading over some hours."""
    return np.clip(signal.lfilter([0.5], [1, -0.7], np.clip(hours.ravel() - 3, 0, 12)), 0, 9).reshape(-1, 24)


def _wind(times: pd.DatetimeIndex, hours: np.ndarray) -> np.ndarray:
    """Wind at 10 m, m s-1: Weibull (shape 1.9) by a Gaussian copula, strongest at 16 UTC, gusty in storms."""
    random = stream("wind")
    slow = signal.lfilter([np.sqrt(1 - 0.97**2)], [1, -0.97], random.normal(size=times.size))
    fast = signal.lfilter([np.sqrt(1 - 0.7**2)], [1, -0.7], random.normal(size=times.size))
    uniform = stats.norm.cdf(0.87 * slow + 0.49 * fast)
    level = normals.daily_normal(normals.WIND, times.day_of_year.to_numpy())
    summer = 0.5 - 0.5 * np.cos((times.day_of_year.to_numpy() - 15) / 365.25 * 2 * np.pi)
    course = 1 + (0.15 + 0.25 * summer) * np.cos((times.hour.to_numpy() - 16) / 24 * 2 * np.pi)
    return stats.weibull_min.ppf(uniform, 1.9) / 0.8874 * level * course + 0.25 * np.minimum(hours, 25)


def _pressure(days: pd.DatetimeIndex, amount: np.ndarray, cell: Cell) -> np.ndarray:
    """Station pressure, hPa, array of (days, 24): slow anomalies, low in rain, with the semidiurnal tide."""
    random = stream("pressure")
    doy = days.day_of_year.to_numpy()
    spread = 4.3 + 2.2 * np.cos((doy - 15) / 365.25 * 2 * np.pi)
    anomaly = signal.lfilter([np.sqrt(1 - 0.8**2)], [1, -0.8], random.normal(size=days.size)) * spread
    anomaly += np.where(amount >= 1, -3.5, 0.9)
    level = normals.daily_normal(normals.PRESSURE, doy) - (cell.elevation_m - normals.ELEVATION) / 9.0
    centres = np.arange(days.size) * 24 + 12.0
    course = np.interp(np.arange(days.size * 24.0), centres, level + anomaly).reshape(-1, 24)
    return course + 0.6 * np.cos((np.arange(24) - 10) / 12 * 2 * np.pi)[None, :]
