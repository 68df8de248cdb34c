"""Weather in which Botryosphaeria infects pistachio: rain, warmth and hours of wetness, as published.

Source: Morgan et al. (2009), Plant Disease 93:1175 (read in abstract: a prior for orchards of Castile). A rain event of
4 mm or more at mean temperature T (degC) is of high risk after -7.8 + 397 / T hours of wetness, of medium risk after
-6.9 + 220 / T; wet spells that are interrupted for 12 hours or less count together.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

LEAST_RAIN_MM = 4.0
LONGEST_BREAK_H = 12
HIGH = (-7.8, 397.0)  # h, h degC
MEDIUM = (-6.9, 220.0)

Floats = NDArray[np.float64]


def wetness_needed(temperature: NDArray | float, risk: tuple[float, float]) -> NDArray:
    """Hours of wetness needed at a mean temperature (degC); infinite at and below freezing, one hour at least."""
    t = np.asarray(temperature, float)
    needed = risk[0] + risk[1] / np.where(t > 0, t, np.nan)
    return np.where(t > 0, np.maximum(needed, 1.0), np.inf)


def infection_index(temperature: xr.DataArray, precipitation: xr.DataArray, leaf_wetness: xr.DataArray) -> xr.DataArray:
    """Index of infection weather at each hour: 1 where medium risk is reached, 2 where high risk is.

    Between, and below, the index grows with the hours of wetness of the event so far; it is 0 while the event has
    brought less than 4 mm and while there is none.

    Parameters
    ----------
    temperature, precipitation, leaf_wetness
        Hourly over `time` (and `member`): degC, mm, and 1 where leaves are wet. An hour with a missing value counts as
        dry.
    """
    index = xr.apply_ufunc(
        _index_of_series,
        temperature,
        precipitation,
        leaf_wetness,
        input_core_dims=[["time"]] * 3,
        output_core_dims=[["time"]],
        vectorize=True,
    )
    return index.assign_attrs(units="1", long_name="Botryosphaeria infection weather (1 medium, 2 high risk)")


def _index_of_series(temperature: Floats, rain: Floats, leaf_wetness: Floats) -> Floats:
    wet = (leaf_wetness > 0.5) & np.isfinite(temperature) & np.isfinite(rain)
    event = wet_events(wet)
    hours, fallen, warmth = (
        _sum_within_events(np.where(wet, x, 0.0), event) for x in (np.ones_like(rain), rain, temperature)
    )
    counts = (event > 0) & (fallen >= LEAST_RAIN_MM)
    mean = np.divide(warmth, hours, out=np.zeros_like(rain), where=hours > 0)
    medium, high = wetness_needed(mean, MEDIUM), wetness_needed(mean, HIGH)
    # Below freezing both are infinite, and hours fall short of them whatever their difference.
    with np.errstate(invalid="ignore"):
        further = np.divide(hours - medium, high - medium, out=np.ones_like(rain), where=high > medium)
    index = np.where(hours < medium, hours / medium, 1 + np.clip(further, 0.0, 1.0))
    return np.where(counts, index, 0.0)


def _sum_within_events(values: Floats, event: NDArray[np.int64]) -> Floats:
    """Sum of values since the event of each hour began."""
    total = np.cumsum(values)
    first = np.flatnonzero((event > 0) & (np.diff(event, prepend=0) != 0))
    before = np.concatenate([[0.0], (total - values)[first]])
    return total - before[event]


def wet_events(wet: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of the event that each hour belongs to, breaks within it included; 0 outside."""
    hours = np.flatnonzero(wet)
    number = np.zeros(len(wet), np.int64)
    if len(hours):
        begins = np.diff(hours, prepend=-LONGEST_BREAK_H - 2) > LONGEST_BREAK_H + 1
        ends = np.append(begins[1:], True)
        for i, (start, end) in enumerate(zip(hours[begins], hours[ends], strict=True), 1):
            number[start : end + 1] = i
    return number
