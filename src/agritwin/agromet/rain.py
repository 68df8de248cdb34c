"""How rare a rain is: annual maxima, return levels, intensity and duration.

Fits are by L-moments (Hosking and Wallis 1997), which few years bear better than maximum likelihood; the interval is a
parametric bootstrap. Fewer than five years give no level but the outcome ``not enough years``.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import gamma

from agritwin.agromet.quantities import quantity

type Distribution = Literal["gumbel", "gev"]

LEAST_YEARS = 5
_EULER = 0.5772156649015329
_WHOLE_YEAR = 0.95  # share of a year's hours that must be there for its maximum to count


@quantity("mm", "largest rain of the year within a duration", precipitation="mm")
def annual_maxima(precipitation: xr.DataArray, duration_hours: int = 24, first_month: int = 10) -> xr.DataArray:
    """Largest sum of hourly rain over a moving window, for each hydrological year.

    Parameters
    ----------
    precipitation
        Hourly, mm, over ``time`` (UTC, end of the hour, no stamp left out).
    duration_hours
        Length of the window.
    first_month
        First month of the hydrological year, which is named after the calendar year it ends in (October to September by
        default; 1 gives calendar years).

    Returns
    -------
    xarray.DataArray
        mm over ``year``; NaN for a year with fewer than 95 percent of its hours.
    """
    time = pd.DatetimeIndex(precipitation["time"].values) - pd.Timedelta(minutes=30)
    year = time.year.to_numpy() + ((time.month.to_numpy() >= first_month) & (first_month > 1))
    sums = precipitation.rolling(time=duration_hours).sum()
    label = xr.DataArray(year, dims="time", coords={"time": precipitation["time"]}, name="year")
    valid = precipitation.notnull().groupby(label).sum()
    return sums.groupby(label).max().where(valid >= _WHOLE_YEAR * 8760.0)


def l_moments(sample: ArrayLike) -> tuple[NDArray, NDArray, NDArray]:
    """First two L-moments and L-skewness of samples along the last axis, unbiased (Hosking and Wallis 1997, Eq. 2.16).

    Returns
    -------
    tuple
        l1 and l2 in the unit of the sample, t3 without unit.
    """
    ordered = np.sort(np.asarray(sample, dtype=np.float64), axis=-1)
    n = ordered.shape[-1]
    rank = np.arange(n)
    b0 = ordered.mean(axis=-1)
    b1 = (ordered * rank / (n - 1)).mean(axis=-1)
    b2 = (ordered * rank * (rank - 1) / ((n - 1) * (n - 2))).mean(axis=-1)
    l2 = 2.0 * b1 - b0
    return b0, l2, (6.0 * b2 - 6.0 * b1 + b0) / l2


def fit(sample: ArrayLike, distribution: Distribution) -> tuple[NDArray, NDArray, NDArray]:
    """Location, scale and shape k of a Gumbel (k = 0) or GEV distribution by L-moments (Hosking and Wallis 1997, A.5).

    k has Hosking's sign, as in ``scipy.stats.genextreme``: negative for a heavy upper tail. Samples lie along the last
    axis.
    """
    l1, l2, t3 = l_moments(sample)
    if distribution == "gumbel":
        scale = l2 / np.log(2.0)
        return l1 - _EULER * scale, scale, np.zeros_like(scale)
    c = 2.0 / (3.0 + t3) - np.log(2.0) / np.log(3.0)
    k = 7.8590 * c + 2.9554 * c**2
    k = np.where(np.abs(k) < 1e-6, 1e-6, k)  # the limit k -> 0 is Gumbel; the formulas divide by k
    scale = l2 * k / ((1.0 - 2.0**-k) * gamma(1.0 + k))
    return l1 - scale * (1.0 - gamma(1.0 + k)) / k, scale, k


def quantile(probability: ArrayLike, location: ArrayLike, scale: ArrayLike, shape: ArrayLike) -> NDArray:
    """Value not exceeded with a probability under the distribution that :func:`fit` returns."""
    reduced = -np.log(-np.log(np.asarray(probability, dtype=np.float64)))
    k = np.asarray(shape, dtype=np.float64)
    small = np.abs(k) < 1e-9
    safe = np.where(small, 1.0, k)
    curved = (1.0 - np.exp(-safe * reduced)) / safe
    return np.asarray(location) + np.asarray(scale) * np.where(small, reduced, curved)


def return_levels(
    maxima: xr.DataArray,
    return_periods: Sequence[float] = (2, 5, 10, 25, 50, 100),
    distribution: Distribution = "gumbel",
    confidence: float = 0.9,
    resamples: int = 1000,
    seed: int = 0,
) -> xr.Dataset:
    """Rain that is reached or passed once in so many years on average, with a parametric bootstrap interval.

    Parameters
    ----------
    maxima
        Annual maxima over ``year``, mm; NaN years are left out.
    return_periods
        Years.
    distribution
        ``gumbel`` for few years (two parameters), ``gev`` for some decades.
    confidence, resamples, seed
        Width of the interval, number of bootstrap samples, and seed of their random numbers.

    Returns
    -------
    xarray.Dataset
        ``level``, ``lower``, ``upper`` (mm) over ``return_period`` (years), attributes ``outcome`` (``fitted`` or
        ``not enough years``), ``years`` and ``distribution``. Without enough years the levels are NaN.
    """
    sample = maxima.to_numpy()[np.isfinite(maxima.to_numpy())]
    periods = np.asarray(return_periods, dtype=np.float64)
    enough = sample.size >= LEAST_YEARS
    level, lower, upper = (np.full(periods.size, np.nan) for _ in range(3))
    if enough:
        probability = 1.0 - 1.0 / periods
        parameters = fit(sample, distribution)
        level = quantile(probability, *parameters)
        uniform = np.random.default_rng(seed).uniform(size=(resamples, sample.size))
        refitted = [part[:, None] for part in fit(quantile(uniform, *parameters), distribution)]
        tails = [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]
        lower, upper = np.quantile(quantile(probability, *refitted), tails, axis=0)
    described = {"level": (level, "return level"), "lower": (lower, "lower bound"), "upper": (upper, "upper bound")}
    return xr.Dataset(
        {
            name: ("return_period", values, {"units": "mm", "long_name": long_name})
            for name, (values, long_name) in described.items()
        },
        coords={"return_period": ("return_period", periods, {"units": "year", "long_name": "return period"})},
        attrs={
            "outcome": "fitted" if enough else "not enough years",
            "years": int(sample.size),
            "distribution": distribution,
            "confidence": confidence,
        },
    )


def intensity_duration(
    precipitation: xr.DataArray,
    durations_hours: Sequence[int] = (1, 2, 3, 6, 12, 24),
    return_periods: Sequence[float] = (2, 5, 10, 25, 50, 100),
    distribution: Distribution = "gumbel",
) -> xr.Dataset:
    """Table of rain intensity by duration and return period, from hourly rain.

    Parameters
    ----------
    precipitation
        Hourly, mm, over ``time``.
    durations_hours, return_periods
        Hours and years.
    distribution
        As in :func:`return_levels`.

    Returns
    -------
    xarray.Dataset
        ``intensity`` with ``lower`` and ``upper`` (mm h-1) over ``duration`` (h) and ``return_period`` (years), and the
        attributes of :func:`return_levels`. One-hour windows start on the hour and so miss part of a short peak.
    """
    tables = [
        return_levels(annual_maxima(precipitation, hours), return_periods, distribution) / hours
        for hours in durations_hours
    ]
    attributes = return_levels(annual_maxima(precipitation, durations_hours[0]), return_periods, distribution).attrs
    table = (
        xr.concat(tables, dim="duration")
        .rename(level="intensity")
        .assign_coords(duration=("duration", list(durations_hours), {"units": "h", "long_name": "duration"}))
    )
    for name in table.data_vars:
        table[name].attrs = {"units": "mm h-1", "long_name": f"rain intensity, {name}"}
    return table.assign_attrs(attributes)
