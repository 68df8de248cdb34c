"""Thermal time of days from their extremes of temperature."""

from typing import Any

import numpy as np

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
