"""Weather in which Botryosphaeria infects pistachio: rain, warmth and hours of wetness, as published.

Source: Morgan et al. (2009), Plant Disease 93:1175 (read in abstract: a prior for orchards of Castile). A rain event of
4 mm or more at mean temperature T (degC) is of high risk after -7.8 + 397 / T hours of wetness, of medium risk after
-6.9 + 220 / T; wet spells that are interrupted for 12 hours or less count together.
"""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

LEAST_RAIN_MM = 4.0
LONGEST_BREAK_H = 12
HIGH = (-7.8, 397.0)  # h, h degC
MEDIUM = (-6.9, 220.0)


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
        Hourly over `time`: degC, mm, and 1 where leaves are wet. An hour with a missing value counts as dry.
    """
    table = pd.DataFrame(
        {"t": temperature.to_numpy(), "rain": precipitation.to_numpy(), "wet": leaf_wetness.to_numpy() > 0.5}
    )
    table["wet"] &= table[["t", "rain"]].notna().all(axis=1)
    event = wet_events(table["wet"].to_numpy())
    wet = table.where(table["wet"] & (event > 0))
    hours = wet["rain"].notna().groupby(event).cumsum()
    rain = wet["rain"].fillna(0).groupby(event).cumsum()
    mean = wet["t"].fillna(0).groupby(event).cumsum() / hours
    medium, high = wetness_needed(mean.to_numpy(), MEDIUM), wetness_needed(mean.to_numpy(), HIGH)
    hours = hours.to_numpy(float)
    with np.errstate(invalid="ignore"):
        index = np.where(hours < medium, hours / medium, 1 + np.clip((hours - medium) / (high - medium), 0, 1))
    index = np.where((event > 0) & (rain.to_numpy() >= LEAST_RAIN_MM), index, 0.0)
    attrs = {"units": "1", "long_name": "Botryosphaeria infection weather (1 medium, 2 high risk)"}
    return xr.DataArray(index, coords={"time": temperature["time"]}, dims="time", attrs=attrs)


def wet_events(wet: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of the event that each hour belongs to, breaks within it included; 0 outside."""
    hours = np.flatnonzero(wet)
    number = np.zeros(len(wet), np.int64)
    if len(hours):
        first_of_event = np.diff(hours, prepend=-LONGEST_BREAK_H - 2) > LONGEST_BREAK_H + 1
        starts = hours[first_of_event]
        ends = hours[np.append(np.flatnonzero(first_of_event)[1:] - 1, len(hours) - 1)]
        for i, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
            number[start : end + 1] = i
    return number
