"""How the orchard's year answers its weather: budburst, vigour and yield of every season.

Made for the demo: simple responses with published thresholds where there are any, so that imagery, harvests and weather
of the archive tell one story. It is not a crop model and no part of agritwin uses it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from scripts.archive import weather
from scripts.archive.seeding import stream

FIRST_KNOWN = 2019
ALTERNATION = {2018: -0.16, 2019: 0.15, 2020: -0.18, 2021: 0.16, 2022: -0.12, 2023: 0.18, 2024: -0.17, 2025: 0.14}
MATURITY = {2012: 0.16, 2013: 0.20, 2014: 0.27, 2015: 0.36, 2016: 0.46, 2017: 0.56, 2018: 0.66, 2019: 0.75, 2020: 0.83}


@dataclass(frozen=True)
class Season:
    """What one year did to the orchard: ``budburst`` and ``leaf_fall`` are days of the year."""

    year: int
    budburst: float
    leaf_fall: float
    water: float
    frost: float
    vigour: float


@cache
def season(year: int) -> Season:
    """Season of a calendar year, from the archived weather of the reference cell.

    Budburst when degree days above 5 degC from 1 February reach 290. ``water`` is rain from October to June over its
    normal of 373 mm, 0.5 to 1.3; ``frost`` grows from 0 at -1.5 degC to 1 at -4.5 degC, for nights after 5 April.
    Years before the archived weather get an ordinary season.
    """
    if year < FIRST_KNOWN:
        return Season(year, 105.0, 293.0, 0.95, 0.0, 0.985)
    frame = weather.reference()
    air = frame["temperature_2m"].loc[f"{year}-02-01" : f"{year}-06-30"]
    heat = np.maximum(air - 5, 0).resample("D").mean().cumsum()
    budburst = float(heat.index[np.searchsorted(heat.to_numpy(), 290.0)].day_of_year)
    rain = frame["precipitation"].loc[f"{year - 1}-10-01" : f"{year}-06-30"].sum()
    water = float(np.clip(rain / 373.0, 0.5, 1.3))
    spring = air.loc[f"{year}-04-05" : f"{year}-05-15"].min()
    frost = float(np.clip((-1.5 - spring) / 3.0, 0, 1))
    autumn = frame["temperature_2m"].loc[f"{year}-09-15" : f"{year}-10-31"]
    leaf_fall = 293.0 if autumn.empty else 293.0 + 3.0 * float(np.clip(autumn.mean() - 15.0, -2, 2))
    vigour = 1.0 + 0.30 * (min(water, 1.1) - 1.0) - 0.22 * frost
    return Season(year, budburst + 12.0 * frost, leaf_fall, water, frost, vigour)


def dry_yield(identity: str, year: int) -> int:
    """Dry in-shell yield of a parcel, kg/ha: growing trees, alternate bearing, frost, drought, and luck.

    Seasons before 2019 have no archived weather; they carry age, alternation and luck only.
    """
    full = {"47-96-0-0-5-20-1": 840.0, "47-96-0-0-5-25-1": 905.0, "47-124-0-0-1-53-1": 780.0}[identity]
    random = stream("yield", identity, year)
    factor = MATURITY.get(year, 1.0 - 0.12 * np.exp(-(year - 2020) / 2))
    factor *= 1 + ALTERNATION.get(year, 0.12 if year % 2 else -0.12)
    if year >= FIRST_KNOWN:
        this = season(year)
        factor *= (1 - 0.55 * this.frost) * (1 + 0.45 * (min(this.water, 1.1) - 1))
    return round(full * factor * random.lognormal(0, 0.07))
