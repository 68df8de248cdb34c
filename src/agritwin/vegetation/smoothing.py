"""Whittaker smoothing: a smooth daily curve through irregular, weighted observations.

Eilers (2003), Analytical Chemistry 75:3631, doi 10.1021/ac034173t; the V-curve after Frasso and Eilers (2015),
Statistical Modelling 15:91, doi 10.1177/1471082X14549288; asymmetric weights after Eilers and Boelens (2005).
"""

from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import xarray as xr
from scipy.linalg import solveh_banded

from agritwin.clock import zone_info
from agritwin.errors import DataError

LOG_SMOOTHNESS = np.arange(1.0, 6.01, 0.2)
FEWEST_DATES = 5
ITERATIONS = 10
TINY = np.finfo(float).tiny


def whittaker(values: np.ndarray, weights: np.ndarray, smoothness: float) -> np.ndarray:
    """Return the series z that minimises sum w (y - z)^2 + smoothness * sum (second difference of z)^2.

    Parameters
    ----------
    values
        Equally spaced series (n,), n >= 3; where the weight is zero the value does not matter, and may be NaN.
    weights
        (n,), not negative, at least two above zero.
    smoothness
        Lambda, above zero; between steps of a day, some 100 follows weeks and 100000 follows seasons.

    Raises
    ------
    DataError
        When the system has no unique solution.
    """
    if values.size < 3 or np.count_nonzero(weights > 0.0) < 2 or (weights < 0.0).any() or not smoothness > 0.0:
        used = np.count_nonzero(weights > 0.0)
        raise DataError(
            f"A series of {values.size} with {used} positive weights cannot be smoothed by {smoothness:g}.",
            "Give at least three values, two with positive weights and none negative, and a smoothness above zero.",
        )
    right = np.where(weights > 0.0, weights * np.nan_to_num(values), 0.0)
    bands = smoothness * _second_difference_bands(values.size)
    bands[0] += weights
    return solveh_banded(bands, right, lower=True, check_finite=False)


def _second_difference_bands(size: int) -> np.ndarray:
    """Diagonals 0, 1, 2 of D'D, where D takes second differences."""
    steps = np.array([1.0, -2.0, 1.0])
    bands = np.zeros((3, size))
    for first in range(3):
        for second in range(first, 3):
            bands[second - first, first : size - 2 + first] += steps[first] * steps[second]
    return bands


def asymmetric_whittaker(values: np.ndarray, weights: np.ndarray, smoothness: float, asymmetry: float) -> np.ndarray:
    """Smooth towards the upper envelope: values above the curve weigh ``asymmetry``, those below one minus it.

    Clouds that the mask missed lower NDVI, so an envelope (0.9) is closer to the canopy than the middle (0.5).

    Parameters
    ----------
    values, weights, smoothness
        As for :func:`whittaker`.
    asymmetry
        Between 0 and 1.

    Raises
    ------
    DataError
        As :func:`whittaker`, and for an asymmetry that is not between 0 and 1.
    """
    if not 0.0 < asymmetry < 1.0:
        raise DataError(f"An asymmetry of {asymmetry:g} makes no sense.", "Choose one between 0 and 1.")
    curve, above = np.zeros(values.size), None
    for _ in range(ITERATIONS):
        now_above = values > curve
        if above is not None and np.array_equal(now_above, above):
            break
        above = now_above
        curve = whittaker(values, weights * np.where(above, asymmetry, 1.0 - asymmetry), smoothness)
    return curve


def v_curve(values: np.ndarray, weights: np.ndarray, log_smoothness: np.ndarray = LOG_SMOOTHNESS) -> float:
    """Return the smoothness at which fit and roughness change least, the bottom of the V-curve.

    Parameters
    ----------
    values, weights
        As for :func:`whittaker`.
    log_smoothness
        Decimal logarithms to be tried, equally spaced, ascending; the answer lies midway between two of them.
    """
    fits, roughness = np.empty(log_smoothness.size), np.empty(log_smoothness.size)
    for number, logarithm in enumerate(log_smoothness):
        curve = whittaker(values, weights, 10.0**logarithm)
        residuals = np.where(weights > 0.0, np.nan_to_num(values) - curve, 0.0)
        fits[number] = np.log(max(float(weights @ residuals**2), TINY))
        roughness[number] = np.log(max(float(np.sum(np.diff(curve, 2) ** 2)), TINY))
    step = np.hypot(np.diff(fits), np.diff(roughness))
    bottom = int(np.argmin(step))
    return float(10.0 ** ((log_smoothness[bottom] + log_smoothness[bottom + 1]) / 2.0))


def cross_validated(values: np.ndarray, weights: np.ndarray, log_smoothness: np.ndarray = LOG_SMOOTHNESS) -> float:
    """Return the largest smoothness that predicts left-out observations as well as the best, within a standard error.

    The rule of one standard error (Hastie, Tibshirani and Friedman 2009, section 7.10) prefers the simpler curve where
    the data do not decide.

    Parameters
    ----------
    values, weights
        As for :func:`whittaker`, with at least four observations.
    log_smoothness
        Decimal logarithms to be tried, ascending.
    """
    errors = np.stack([left_out_errors(values, weights, 10.0**logarithm) ** 2 for logarithm in log_smoothness])
    share = weights[weights > 0.0] / weights.sum()
    mean = errors @ share
    best = int(np.argmin(mean))
    standard_error = np.sqrt(share**2 @ (errors[best] - mean[best]) ** 2)
    return float(10.0 ** log_smoothness[np.flatnonzero(mean <= mean[best] + standard_error)[-1]])


def left_out_errors(values: np.ndarray, weights: np.ndarray, smoothness: float) -> np.ndarray:
    """Return how far each observation lies from the curve through all others, in order of time.

    It is (y_i - z_i) / (1 - h_ii), where h_ii = w_i times the i-th diagonal element of (W + lambda D'D)^-1, so that
    nothing is fitted again (Eilers 2003, equation 11).

    Parameters
    ----------
    values, weights, smoothness
        As for :func:`whittaker`.
    """
    seen = np.flatnonzero(weights > 0.0)
    units = np.zeros((values.size, seen.size))
    units[seen, np.arange(seen.size)] = weights[seen]
    bands = smoothness * _second_difference_bands(values.size)
    bands[0] += weights
    # Row i of the hat matrix is what the curve at i takes from each observation.
    hat = solveh_banded(bands, units, lower=True, check_finite=False)[seen]
    return (values[seen] - hat @ values[seen]) / (1.0 - np.diag(hat))


CHOICES = {"cross_validation": cross_validated, "v_curve": v_curve}


def smooth_daily(
    values: xr.DataArray,
    weights: xr.DataArray,
    *,
    zone: str = "UTC",
    smoothness: float | Literal["cross_validation", "v_curve"] = "cross_validation",
    asymmetry: float | None = None,
) -> xr.Dataset:
    """Return a smooth value for every civil day from the first observation to the last.

    Parameters
    ----------
    values
        (time), UTC; NaN is no observation.
    weights
        (time), for NDVI the valid share of the parcel, 0 where a scene is not to count. Observations of one day are
        averaged by weight.
    zone
        IANA zone whose days are meant.
    smoothness
        Lambda, or how to choose it. Cross-validation follows fast changes such as a harvest; the V-curve smooths more
        and is safer where errors hang together, as undetected haze over weeks.
    asymmetry
        None for the middle, 0.9 for the upper envelope.

    Returns
    -------
    xr.Dataset
        (day): ``smooth``, ``observed`` (NaN on days without), ``days_to_observation``; attributes ``smoothness`` (NaN
        where nothing was smoothed), ``dates`` (number of days observed) and ``status``: ``ok``, or why ``smooth`` is
        all NaN.
    """
    day, observed, weight = _daily_means(values, weights, zone_info(zone))
    dates = int(np.count_nonzero(weight))
    smooth, status, chosen = np.full(day.size, np.nan), "ok", float("nan")
    if dates < FEWEST_DATES:
        status = f"not enough dates: {dates} of at least {FEWEST_DATES}"
    else:
        chosen = CHOICES[smoothness](observed, weight) if isinstance(smoothness, str) else smoothness
        smooth = (
            whittaker(observed, weight, chosen)
            if asymmetry is None
            else asymmetric_whittaker(observed, weight, chosen, asymmetry)
        )
    units, name = values.attrs.get("units", "1"), values.attrs.get("long_name", "value")
    return xr.Dataset(
        {
            "smooth": ("day", smooth, {"units": units, "long_name": f"{name}, smoothed"}),
            "observed": ("day", observed, {"units": units, "long_name": f"{name}, observed"}),
            "days_to_observation": (
                "day",
                _distance_to_true(weight > 0.0),
                {"units": "d", "long_name": "days to the nearest observation"},
            ),
        },
        coords={"day": ("day", day.astype("datetime64[ns]"), {"zone": zone, "long_name": "civil day"})},
        attrs={"status": status, "dates": dates, "smoothness": float(chosen)},
    )


def _daily_means(
    values: xr.DataArray, weights: xr.DataArray, tz: ZoneInfo
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days between the first and the last observation, weighted mean (NaN without) and total weight of each."""
    counts = (values.notnull() & (weights > 0.0)).to_numpy()
    value, weight = values.to_numpy()[counts].astype(float), weights.to_numpy()[counts].astype(float)
    local = pd.DatetimeIndex(values["time"].to_numpy()[counts]).tz_localize("UTC").tz_convert(tz).tz_localize(None)
    date = local.to_numpy().astype("datetime64[D]")
    if date.size == 0:
        return date, value, weight
    place = (date - date.min()).astype(int)
    total = np.bincount(place, weight)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, weight * value) / total
    return date.min() + np.arange(total.size), mean, total


def _distance_to_true(mask: np.ndarray) -> np.ndarray:
    """Steps to the nearest true element."""
    places = np.flatnonzero(mask)
    if places.size == 0:
        return np.full(mask.size, np.nan)
    return np.abs(np.arange(mask.size)[:, None] - places[None, :]).min(axis=1).astype(float)
