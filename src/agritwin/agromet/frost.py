"""Frost: hours below a threshold and the coldest hour of each local day."""

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.agromet.days import LocalDays
from agritwin.agromet.quantities import quantity


@quantity("h", "hours of frost in the day", air_temperature="degC")
def frost_hours(air_temperature: xr.DataArray, zone: str, threshold: float = 0.0) -> xr.DataArray:
    """Hours of each local day that are colder than a threshold (degC); NaN where the day misses an hour.

    Parameters
    ----------
    air_temperature
        Hourly, degC, over ``time`` (UTC, end of the hour).
    zone
        IANA name of the zone.
    threshold
        degC.
    """
    days = LocalDays(pd.DatetimeIndex(air_temperature["time"].values), zone)
    frozen = (air_temperature < threshold) * 1.0
    return days.reduce(frozen.where(np.isfinite(air_temperature)), "sum")


@quantity("degC", "lowest temperature of the day", "air_temperature", air_temperature="degC")
def minimum(air_temperature: xr.DataArray, zone: str) -> xr.DataArray:
    """Lowest hourly temperature of each local day; NaN where the day misses an hour."""
    return LocalDays(pd.DatetimeIndex(air_temperature["time"].values), zone).reduce(air_temperature, "min")
