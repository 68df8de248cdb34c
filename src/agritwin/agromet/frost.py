"""Frost: hours below a threshold and the coldest hour of each local day."""

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.agromet.days import LocalDays
from agritwin.agromet.quantities import quantity

_DAYS_BEFORE_AUGUST = 212


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


def last_frost(air_temperature_min: xr.DataArray, threshold: float = 0.0) -> xr.DataArray:
    """Last day up to 31 July of each year with a minimum below a threshold (degC).

    Parameters
    ----------
    air_temperature_min
        Over ``day``.
    threshold
        degC.

    Returns
    -------
    xarray.DataArray
        Dates over ``year``; NaT for a year without such a day, or with a day missing before August.
    """
    days = pd.DatetimeIndex(air_temperature_min["day"].to_numpy())
    values = air_temperature_min.to_numpy()
    years = np.unique(days.year)
    last = np.full(years.size, np.datetime64("NaT"), dtype="datetime64[s]")
    for position, year in enumerate(years):
        spring = np.asarray((days.year == year) & (days.month < 8))
        frosts = days[spring & (values < threshold)]
        if len(frosts) and np.isfinite(values[spring]).sum() >= _DAYS_BEFORE_AUGUST:
            last[position] = frosts[-1]
    attributes = {"long_name": f"last spring day below {threshold:g} degC"}
    return xr.DataArray(last, coords={"year": years}, dims="year", attrs=attributes)
