"""What agronomy derives from each hour of weather, and what becomes of it by the day."""

import pandas as pd
import xarray as xr

from agritwin.agromet import chill, et0, humidity
from agritwin.agromet.days import LocalDays, Statistic
from agritwin.agromet.wetness import leaf_wetness

#: Name of the daily variable, hourly variable it comes from, statistic, unit, cell method.
_BY_DAY: tuple[tuple[str, str, Statistic, str, str], ...] = (
    ("dew_point_temperature", "dew_point_temperature", "mean", "degC", "time: mean"),
    ("wet_bulb_temperature_min", "wet_bulb_temperature", "min", "degC", "time: minimum"),
    ("leaf_wetness_hours", "leaf_wetness", "sum", "h", "time: sum"),
    ("chill_hours", "chill_hours", "sum", "h", "time: sum"),
    ("chill_units", "chill_units", "sum", "1", "time: sum"),
    ("chill_portions", "chill_portions", "sum", "1", "time: sum"),
    ("growing_degree_hours", "growing_degree_hours", "sum", "degC h", "time: sum"),
    ("et0_of_hours", "et0", "sum", "mm", "time: sum"),
)


def derived_hours(hourly: xr.Dataset, latitude: float, longitude: float, elevation_m: float) -> xr.Dataset:
    """Return what each hour of weather says of air, leaves, chill, heat and evaporation.

    Parameters
    ----------
    hourly
        Hourly variables of ``docs/contracts.md`` over ``time`` (UTC, end of the hour), without gaps between stamps.
    latitude, longitude, elevation_m
        Degrees north and east, m.

    Returns
    -------
    Dataset on dim ``time``
        ``chill_hours`` (h), ``chill_units`` (Utah), ``chill_portions`` (Dynamic Model) and ``growing_degree_hours``
        (degC h); with humidity ``vapour_pressure_deficit`` (kPa), ``dew_point_temperature`` and
        ``wet_bulb_temperature`` (degC); with rain the proxy ``leaf_wetness`` (0 or 1); with wind and radiation ``et0``
        (mm, FAO-56 Eq. 53). What lacks a variable is absent.
    """
    air = hourly["air_temperature"]
    found = {
        "chill_hours": chill.chill_hours(air),
        "chill_units": chill.utah_units(air),
        "chill_portions": chill.chill_portions(air),
        "growing_degree_hours": chill.growing_degree_hours(air),
    }
    if "relative_humidity" in hourly:
        damp = hourly["relative_humidity"]
        vapour = humidity.actual_vapour_pressure(air, damp)
        found["vapour_pressure_deficit"] = humidity.vapour_pressure_deficit(air, damp)
        found["dew_point_temperature"] = humidity.dew_point(vapour)
        found["wet_bulb_temperature"] = humidity.wet_bulb(air, damp, humidity.air_pressure(elevation_m))
        if "precipitation" in hourly:
            found["leaf_wetness"] = leaf_wetness(damp, hourly["precipitation"])
        if {"shortwave_radiation", "wind_speed"} <= set(hourly.data_vars):
            sun, wind = hourly["shortwave_radiation"], hourly["wind_speed"]
            found["et0"] = et0.penman_monteith_hourly(air, vapour, sun, wind, latitude, longitude, elevation_m)
    return xr.Dataset(found)


def derived_days(hours: xr.Dataset, zone: str) -> xr.Dataset:
    """Return sums, means and minima by the local day of :func:`derived_hours`; NaN where a day misses an hour.

    Parameters
    ----------
    hours
        As :func:`derived_hours` gives them, other variables are left out.
    zone
        IANA name of the zone.
    """
    days = LocalDays(pd.DatetimeIndex(hours["time"].values), zone)
    found = {}
    for name, source, statistic, units, cell_methods in _BY_DAY:
        if source in hours:
            about = {"units": units, "long_name": f"{hours[source].attrs['long_name']}, {statistic} of the day"}
            found[name] = days.reduce(hours[source], statistic).assign_attrs(about, cell_methods=cell_methods)
    return xr.Dataset(found)
