"""Thermal time of days from their extremes of temperature."""

from typing import Any

import numpy as np
import xarray as xr

from agritwin.agromet.quantities import quantity


@quantity("degC d", "degree-days", air_temperature_max="degC", air_temperature_min="degC")
def degree_days(air_temperature_max: Any, air_temperature_min: Any, base: float, ceiling: float = np.inf) -> Any:
    """Degree-days of each day from the mean of its extremes, cut off horizontally at a ceiling.

    Parameters
    ----------
    air_temperature_max, air_temperature_min
        degC.
    base, ceiling
        Temperatures below and above which nothing is gained, degC.
    """
    mean = (air_temperature_max + air_temperature_min) / 2.0
    return np.clip(mean, base, ceiling) - base


@quantity("degC d", "degree-days (single sine)", air_temperature_max="degC", air_temperature_min="degC")
def degree_days_sine(air_temperature_max: Any, air_temperature_min: Any, base: float, ceiling: float = np.inf) -> Any:
    """Degree-days of each day under a sine between its extremes (Baskerville and Emin 1969).

    Parameters as in :func:`degree_days`; a day that crosses the base gains the part above it.
    """
    above_base = _area_above(air_temperature_max, air_temperature_min, base)
    if np.isinf(ceiling):
        return above_base
    return above_base - _area_above(air_temperature_max, air_temperature_min, ceiling)


def _area_above(t_max: Any, t_min: Any, threshold: float) -> Any:
    """Mean over a day of the part of a sine between two extremes that lies above a threshold."""
    mean, amplitude = (t_max + t_min) / 2.0, (t_max - t_min) / 2.0
    crossing = np.clip((threshold - mean) / xr.where(amplitude > 0.0, amplitude, 1.0), -1.0, 1.0)
    angle = np.arcsin(crossing)
    part = ((mean - threshold) * (np.pi / 2.0 - angle) + amplitude * np.cos(angle)) / np.pi
    whole_day = mean - threshold
    return xr.where(t_min >= threshold, whole_day, xr.where(t_max <= threshold, 0.0 * mean, part))
