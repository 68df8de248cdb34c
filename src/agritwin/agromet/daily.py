"""Days of weather as agronomy needs them, from hours."""

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.agromet import et0, humidity
from agritwin.agromet.days import LocalDays, Statistic
from agritwin.errors import DataError

#: Name of the daily variable, hourly variable it comes from, statistic, unit, cell method.
_STATISTICS: tuple[tuple[str, str, Statistic, str, str], ...] = (
    ("air_temperature", "air_temperature", "mean", "degC", "time: mean"),
    ("air_temperature_max", "air_temperature", "max", "degC", "time: maximum"),
    ("air_temperature_min", "air_temperature", "min", "degC", "time: minimum"),
    ("relative_humidity", "relative_humidity", "mean", "percent", "time: mean"),
    ("relative_humidity_max", "relative_humidity", "max", "percent", "time: maximum"),
    ("relative_humidity_min", "relative_humidity", "min", "percent", "time: minimum"),
    ("wind_speed", "wind_speed", "mean", "m s-1", "time: mean"),
    ("precipitation", "precipitation", "sum", "mm", "time: sum"),
    ("shortwave_radiation", "shortwave_radiation", "mean", "MJ m-2 d-1", "time: sum"),
    ("surface_pressure", "surface_pressure", "mean", "hPa", "time: mean"),
)
_STANDARD_NAMES = {
    "air_temperature": "air_temperature",
    "relative_humidity": "relative_humidity",
    "wind_speed": "wind_speed",
    "precipitation": "precipitation_amount",
    "shortwave_radiation": "surface_downwelling_shortwave_flux_in_air",
    "surface_pressure": "surface_air_pressure",
}
_UNITS = {
    "air_temperature": "degC",
    "relative_humidity": "percent",
    "wind_speed": "m s-1",
    "precipitation": "mm",
    "shortwave_radiation": "W m-2",
    "surface_pressure": "hPa",
}
_FOR_ET0 = ("air_temperature", "relative_humidity", "wind_speed", "shortwave_radiation")


def daily(hourly: xr.Dataset, latitude: float, longitude: float, elevation_m: float, zone: str) -> xr.Dataset:
    """Local days of weather with reference evapotranspiration.

    Parameters
    ----------
    hourly
        Hourly variables of ``docs/contracts.md`` over ``time`` (UTC, end of the hour) and any further dimensions, such
        as ``member``. A variable that is absent is absent from the result.
    latitude, longitude, elevation_m
        Degrees north and east, m.
    zone
        IANA name of the zone of the parcel.

    Returns
    -------
    xarray.Dataset
        Dimension ``day`` for each hourly variable its mean, extremes or sum (radiation in MJ m-2 d-1, everything else
        in its hourly unit), ``<variable>_hours`` with the count of valid hours and ``hours_in_day`` with the count that
        the day has (23 or 25 where the clock changes); where temperature and humidity are there
        ``vapour_pressure_deficit`` (kPa), and with wind and radiation ``et0`` (mm, FAO-56 Eq. 6, the actual vapour
        pressure being the mean of its hourly values). A day that misses an hour of a variable has NaN there.

    Raises
    ------
    DataError
        If stamps do not rise, or a variable carries another unit than the contract's.
    """
    present = [name for name in _UNITS if name in hourly]
    _require_units(hourly, present)
    days = LocalDays(pd.DatetimeIndex(hourly["time"].values), zone)
    result = xr.Dataset(coords={"day": days.coordinate(), "latitude": latitude, "longitude": longitude})
    for name, source, statistic, units, cell_methods in _STATISTICS:
        if source in present:
            values = days.reduce(hourly[source], statistic)
            if name == "shortwave_radiation":
                values = values * days.hours_in_day * 0.0036  # W m-2 over the hours of the day
            result[name] = values.assign_attrs(
                units=units,
                long_name=f"{statistic} {source.replace('_', ' ')} of the day",
                standard_name=_STANDARD_NAMES[source],
                cell_methods=cell_methods,
                ancillary_variables=f"{source}_hours",
            )
    for name in present:
        result[f"{name}_hours"] = days.count(hourly[name]).assign_attrs(
            units="1", long_name=f"hours of the day with a valid {name.replace('_', ' ')}"
        )
    result["hours_in_day"] = ("day", days.hours_in_day, {"units": "1", "long_name": "hours that the day has"})
    if {"air_temperature", "relative_humidity"} <= set(present):
        _add_humidity(result, hourly, days)
    if set(_FOR_ET0) <= set(present):
        _add_et0(result, latitude, elevation_m)
    result.attrs = {**hourly.attrs, "elevation_m": elevation_m}
    return result


def _require_units(hourly: xr.Dataset, names: list[str]) -> None:
    for name in names:
        found = hourly[name].attrs.get("units", _UNITS[name])
        if found != _UNITS[name]:
            raise DataError(
                f"Hourly {name} is in '{found}', expected '{_UNITS[name]}'.", f"Convert it to {_UNITS[name]} first."
            )


def _add_humidity(result: xr.Dataset, hourly: xr.Dataset, days: LocalDays) -> None:
    vapour_pressure = days.reduce(
        humidity.actual_vapour_pressure(hourly["air_temperature"], hourly["relative_humidity"]), "mean"
    )
    saturation = humidity.mean_saturation_vapour_pressure(result["air_temperature_max"], result["air_temperature_min"])
    result["vapour_pressure"] = vapour_pressure.assign_attrs(
        units="kPa",
        long_name="mean vapour pressure of the day",
        standard_name="water_vapor_partial_pressure_in_air",
        cell_methods="time: mean",
    )
    result["vapour_pressure_deficit"] = np.maximum(saturation - vapour_pressure, 0.0).assign_attrs(
        units="kPa",
        long_name="vapour pressure deficit of the day",
        standard_name="water_vapor_saturation_deficit_in_air",
        cell_methods="time: mean",
    )


def _add_et0(result: xr.Dataset, latitude: float, elevation_m: float) -> None:
    values = et0.penman_monteith_daily(
        result["air_temperature_max"],
        result["air_temperature_min"],
        result["vapour_pressure"],
        result["shortwave_radiation"],
        result["wind_speed"],
        latitude,
        elevation_m,
        result["day"].dt.dayofyear,
    )
    result["et0"] = values.assign_attrs(cell_methods="time: sum", method="FAO-56 Penman-Monteith")
