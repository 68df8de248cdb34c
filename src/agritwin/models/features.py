"""What a season says about its harvest at a declared day of issue; nothing later enters.

Each feature is a sum over a window of the season that is cut at the day of issue, in past seasons as in the current
one, so that a training row knows exactly what the prediction will know.
"""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.agromet.chill import chill_portions
from agritwin.agromet.days import LocalDays
from agritwin.agromet.degree_days import degree_days
from agritwin.agromet.frost import frost_hours
from agritwin.errors import DataError

COMPLETE = 0.9  # share of the window's days that must be known


@dataclass(frozen=True)
class Feature:
    """One feature: where it comes from, when it counts, how much it varies and what it is believed to do.

    Parameters
    ----------
    name, units
        Column of the training table and its unit.
    first, last
        Window as (month, day); a window that begins in autumn begins the year before the harvest.
    needs, daily
        Variables of the daily drivers, and the daily values to be summed from them.
    scale
        Usual deviation between years, in `units`: one step of the prior below.
    effect, effect_sd
        Prior of the change in yield for one `scale`, as a share of the expected yield.
    """

    name: str
    units: str
    first: tuple[int, int]
    last: tuple[int, int]
    needs: tuple[str, ...]
    daily: Callable[[xr.Dataset], xr.DataArray]
    scale: float
    effect: float
    effect_sd: float

    def window(self, year: int, issue: tuple[int, int]) -> tuple[datetime.date, datetime.date]:
        """First and last day of the window of a harvest year, cut at the day of issue (both included)."""
        first_year = year - 1 if self.first > self.last else year
        last = datetime.date(year, *min(self.last, issue))
        return datetime.date(first_year, *self.first), last


# Scales and effects are priors for orchards of dry inland Spain (docs/science): signs from agronomy, sizes wide.
FEATURES: tuple[Feature, ...] = (
    Feature("chill_portions", "1", (11, 1), (3, 15), ("chill_portions",), lambda d: d["chill_portions"], 8, 0.03, 0.1),
    Feature("frost_hours", "h", (3, 15), (5, 31), ("frost_hours",), lambda d: d["frost_hours"], 20, -0.15, 0.15),
    Feature(
        "water_deficit",
        "mm",
        (4, 1),
        (9, 15),
        ("et0", "precipitation"),
        lambda d: d["et0"] - d["precipitation"],
        80,
        -0.1,
        0.1,
    ),
    Feature(
        "growing_degree_days", "degC d", (4, 1), (9, 15), ("degree_days",), lambda d: d["degree_days"], 100, 0, 0.1
    ),
    Feature("ndvi_integral", "d", (4, 1), (9, 15), ("ndvi",), lambda d: d["ndvi"], 4, 0.1, 0.1),
)


def drivers(hourly: xr.Dataset, daily: xr.Dataset, zone: str, base: float = 7.0) -> xr.Dataset:
    """Daily drivers of the features: those of `daily` with chill, frost and heat of each local day.

    Parameters
    ----------
    hourly
        `air_temperature` (degC) over `time`.
    daily
        `air_temperature_max`, `air_temperature_min` (degC), `et0`, `precipitation` (mm) over `day`.
    zone
        IANA name of the zone.
    base
        Temperature above which pistachio nuts grow, degC (Zhang et al. 2021, HortScience 56:769).
    """
    temperature = hourly["air_temperature"]
    days = LocalDays(pd.DatetimeIndex(temperature["time"].values), zone)
    chill = days.reduce(chill_portions(temperature), "sum").assign_attrs(
        units="1", long_name="chill portions of the day"
    )
    return daily[["et0", "precipitation"]].assign(
        chill_portions=chill,
        frost_hours=frost_hours(temperature, zone),
        degree_days=degree_days(daily["air_temperature_max"], daily["air_temperature_min"], base),
    )


def ndvi_by_day(ndvi: xr.DataArray, days: pd.DatetimeIndex, longest_gap: int = 45) -> xr.DataArray:
    """Daily NDVI of a parcel: that of its last scene, NaN where that is more than `longest_gap` days old.

    A line drawn to the next scene would tell of the future, so there is none.

    Parameters
    ----------
    ndvi
        Mean of the parcel over `time` (one value a scene), NaN where the scene was not used.
    days
        Days wanted.
    """
    scenes = ndvi.dropna("time")
    by_day = scenes.groupby(scenes["time"].dt.floor("D").rename("day")).mean()
    filled = by_day.reindex(day=days, method="ffill", tolerance=f"{longest_gap}D")
    return filled.assign_attrs(units="1", long_name="NDVI of the last scene")


def season_features(
    daily: xr.Dataset, years: Iterable[int], issue: datetime.date, features: Iterable[Feature] = FEATURES
) -> pd.DataFrame:
    """Features of each harvest year, cut at the month and day of `issue` in every year.

    Parameters
    ----------
    daily
        Drivers over `day` (see `drivers`, `ndvi_by_day`); a feature whose variables are absent is left out.
    years
        Harvest years.
    issue
        Day of issue, the last one whose data count.

    Returns
    -------
    DataFrame by year, one column a feature, units in `attrs["units"]`. NaN where less than 90 % of a window's days are
    known; a gap counts as the mean of the known days. Features whose window has not begun are left out.

    Raises
    ------
    DataError
        Where no feature can be made at all.
    """
    cut, columns, units = min((issue.month, issue.day), (issue.month, 28 if issue.month == 2 else 31)), {}, {}
    years = list(years)
    for feature in features:
        begun = feature.first > feature.last or feature.first <= cut
        if not begun or not set(feature.needs) <= set(daily.data_vars):
            continue
        values = feature.daily(daily)
        columns[feature.name] = [window_sum(values, *feature.window(year, cut)) for year in years]
        units[feature.name] = feature.units
    if not columns:
        raise DataError(
            f"No feature can be made from {sorted(map(str, daily.data_vars))} by {issue}.", "Choose a later day."
        )
    table = pd.DataFrame(columns, index=pd.Index(years, name="year"))
    table.attrs["units"] = units
    return table


def window_sum(values: xr.DataArray, first: datetime.date, last: datetime.date) -> float:
    """Sum over the days of a window, NaN where fewer than 90 % of them are known."""
    length = (last - first).days + 1
    inside = values.sel(day=slice(str(first), str(last))).to_numpy()
    known = np.isfinite(inside)
    return float(inside[known].mean() * length) if known.sum() >= COMPLETE * length else float("nan")
