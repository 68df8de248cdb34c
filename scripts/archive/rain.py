"""Precipitation: wet and dry spells, daily amounts, hours.

A two-state Markov chain with gamma amounts (Richardson 1981, Water Resources Research 17, 182-190), fitted month by
month to the normals: amounts keep the monthly total, the share of days at or above 1 mm keeps the number of wet days.
"""

import numpy as np
import pandas as pd
from scipy import optimize, stats

from scripts.archive import normals

SHAPE = 0.75  # gamma shape of daily amounts; gives the standard deviation near the mean that the station shows
PERSISTENCE = 0.42  # of days with any rain; leaves about the station's 0.30 for days of at least 1 mm
LARGEST = 34.0  # mm in a day; the demo's cloudbursts are set, not drawn

# How much wetter or drier than normal a stretch was meant to be: a dry spring, a drought year, wet springs.
SPELLS = (
    ("2019-03-01", "2019-08-31", 0.80),
    ("2020-03-01", "2020-05-31", 1.35),
    ("2021-11-01", "2022-08-31", 0.55),
    ("2023-01-15", "2023-05-10", 0.50),
    ("2024-02-15", "2024-06-15", 1.40),
    ("2025-03-01", "2025-05-20", 1.40),
)


def occurrence(month: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chance of rain on a day and mean amount of a rainy day (mm), per calendar month of ``month`` (0 to 11)."""
    chance, mean = np.empty(12), np.empty(12)
    for m in range(12):
        total, wet = normals.PRECIPITATION[m], normals.WET_DAYS[m]

        def excess(days: float, total: float = total, wet: float = wet) -> float:
            return days * stats.gamma.sf(1.0, SHAPE, scale=total / days / SHAPE) - wet

        days = optimize.brentq(excess, wet, 4 * wet)
        chance[m], mean[m] = days / normals.DAYS[m], total / days
    return chance[month], mean[month]


def wetness(days: pd.DatetimeIndex) -> np.ndarray:
    """Factor of the spells on chance and amount of rain, 1 outside them."""
    factor = np.ones(days.size)
    for start, end, value in SPELLS:
        factor[(days >= start) & (days <= end)] = np.sqrt(value)
    return factor


def daily(days: pd.DatetimeIndex, random: np.random.Generator, largest: float = LARGEST) -> np.ndarray:
    """Daily amounts up to the largest, mm; monthly climatology pulled to the normals: eight years show them."""
    month = days.month.to_numpy() - 1
    chance, mean = occurrence(month)
    factor = wetness(days)
    chance, mean = np.clip(chance * factor, 0, 0.9), mean * factor
    wet = np.zeros(days.size, bool)
    draw = random.uniform(size=days.size)
    for i in range(1, days.size):
        wet[i] = draw[i] < chance[i] + PERSISTENCE * (float(wet[i - 1]) - chance[i])
    amount = np.where(wet, random.gamma(SHAPE, mean / SHAPE), 0.0)
    amount = np.where(amount < 0.1, 0.0, amount)
    for m in range(12):
        here = month == m
        years = here.sum() / normals.DAYS[m]
        amount[here] *= (normals.PRECIPITATION[m] * years / amount[here].sum()) ** 0.8
    return np.round(np.minimum(amount, largest), 1)


def hourly(days: pd.DatetimeIndex, amount: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Hours of each rainy day, mm, array of (days, 24): long frontal rain in winter, short storms in summer."""
    tenths = np.zeros((days.size, 24), int)
    convective = np.clip(np.cos((days.day_of_year.to_numpy() - 200) / 365.25 * 2 * np.pi) * 0.9, 0.05, None)
    for i in np.flatnonzero(amount > 0):
        storm = random.uniform() < convective[i]
        length = 1 + random.poisson(1.5 if storm else 2.5 + 1.2 * np.sqrt(amount[i])) + int(amount[i] / 8)
        start = random.normal(16.5, 2.5) if storm else random.uniform(0, 24 - min(length, 20))
        hours = np.unique(np.clip(int(start) + np.arange(length), 0, 23))
        share = random.dirichlet(np.full(hours.size, 1.2))
        tenths[i, hours] = _apportion(round(amount[i] * 10), share)
    return tenths / 10


def _apportion(total: int, share: np.ndarray) -> np.ndarray:
    """Whole parts that keep the total (largest remainder)."""
    exact = total * share
    parts = np.floor(exact).astype(int)
    order = np.argsort(exact - parts, kind="stable")[::-1]
    parts[order[: total - parts.sum()]] += 1
    return parts
