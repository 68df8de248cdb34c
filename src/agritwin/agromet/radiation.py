"""Solar geometry and the radiation balance of the reference surface: FAO-56 chapter 3.

The geometry is that of FAO-56 (Eqs. 21 to 34), not pvlib's: reference evapotranspiration is defined with these series
and with a solar constant of 0.0820 MJ m-2 min-1, and pvlib's (1367 W m-2 with other declination series) would move it
by up to half a percent away from every published value. Where the sun itself is asked for, to judge a radiation sensor,
``quality`` uses pvlib.

Radiation is in MJ m-2 per day or per hour, as the function says; latitude and longitude are degrees north and east.
"""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.agromet.quantities import quantity

#: Solar constant in MJ m-2 h-1.
SOLAR_CONSTANT = 4.92
#: Stefan-Boltzmann constant in MJ K-4 m-2 d-1 as printed in FAO-56.
STEFAN_BOLTZMANN_FAO = 4.903e-9


def inverse_relative_distance(day_of_year: Any) -> Any:
    """Inverse relative distance from the earth to the sun (FAO-56 Eq. 23)."""
    return 1.0 + 0.033 * np.cos(2.0 * np.pi / 365.0 * day_of_year)


@quantity("rad", "solar declination")
def solar_declination(day_of_year: Any) -> Any:
    """Solar declination in rad (FAO-56 Eq. 24)."""
    return 0.409 * np.sin(2.0 * np.pi / 365.0 * day_of_year - 1.39)


def sunset_hour_angle(latitude: Any, day_of_year: Any) -> Any:
    """Hour angle of sunset in rad (FAO-56 Eq. 25); 0 in polar night, pi in polar day."""
    cosine = -np.tan(np.deg2rad(latitude)) * np.tan(solar_declination(day_of_year))
    return np.arccos(np.clip(cosine, -1.0, 1.0))


@quantity("h", "daylight hours")
def daylight_hours(latitude: Any, day_of_year: Any) -> Any:
    """Greatest possible duration of sunshine of a day, in h (FAO-56 Eq. 34)."""
    return 24.0 / np.pi * sunset_hour_angle(latitude, day_of_year)


@quantity("MJ m-2 d-1", "extraterrestrial radiation of the day")
def extraterrestrial_radiation(latitude: Any, day_of_year: Any) -> Any:
    """Radiation of a day on a horizontal surface at the top of the atmosphere (FAO-56 Eq. 21)."""
    phi, delta = np.deg2rad(latitude), solar_declination(day_of_year)
    sunset = sunset_hour_angle(latitude, day_of_year)
    geometry = sunset * np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.sin(sunset)
    return 24.0 / np.pi * SOLAR_CONSTANT * inverse_relative_distance(day_of_year) * geometry


def solar_time_angle(longitude: Any, time: xr.DataArray) -> xr.DataArray:
    """Solar time angle in rad at the middle of the hours that end at UTC stamps (FAO-56 Eqs. 31 to 33)."""
    middle = pd.DatetimeIndex(time.values) - pd.Timedelta(minutes=30)
    clock = xr.DataArray(
        middle.hour.to_numpy() + middle.minute.to_numpy() / 60.0 + middle.second.to_numpy() / 3600.0,
        coords=time.coords,
        dims=time.dims,
    )
    b = 2.0 * np.pi * (hour_day_of_year(longitude, time) - 81.0) / 364.0
    season = 0.1645 * np.sin(2.0 * b) - 0.1255 * np.cos(b) - 0.025 * np.sin(b)
    angle = np.pi / 12.0 * (clock + longitude / 15.0 + season - 12.0)
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def hour_day_of_year(longitude: Any, time: xr.DataArray) -> xr.DataArray:
    """Day of the year of hours ending at UTC stamps, by mean solar time at the longitude (one number for one place)."""
    shift = pd.Timedelta(minutes=float(np.round(np.mean(longitude) * 4.0)) - 30.0)
    days = (pd.DatetimeIndex(time.values) + shift).day_of_year.to_numpy()
    return xr.DataArray(days, coords=time.coords, dims=time.dims)


@quantity("MJ m-2 h-1", "extraterrestrial radiation of the hour")
def extraterrestrial_radiation_hourly(latitude: Any, longitude: Any, time: xr.DataArray) -> xr.DataArray:
    """Radiation at the top of the atmosphere over the hours ending at UTC stamps (FAO-56 Eq. 28).

    Hours in which the sun rises or sets count from sunrise or to sunset (ASCE-EWRI 2005, Eqs. 56 to 57).
    """
    day_of_year = hour_day_of_year(longitude, time)
    phi, delta = np.deg2rad(latitude), solar_declination(day_of_year)
    sunset = sunset_hour_angle(latitude, day_of_year)
    middle = solar_time_angle(longitude, time)
    begin = np.clip(middle - np.pi / 24.0, -sunset, sunset)
    end = np.clip(middle + np.pi / 24.0, -sunset, sunset)
    geometry = (end - begin) * np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * (np.sin(end) - np.sin(begin))
    return 12.0 / np.pi * SOLAR_CONSTANT * inverse_relative_distance(day_of_year) * np.maximum(geometry, 0.0)


@quantity("rad", "solar elevation at the middle of the hour")
def solar_elevation_hourly(latitude: Any, longitude: Any, time: xr.DataArray) -> xr.DataArray:
    """Angle of the sun above the horizon at the middle of hours ending at UTC stamps (ASCE-EWRI 2005 Eq. 62)."""
    phi, delta = np.deg2rad(latitude), solar_declination(hour_day_of_year(longitude, time))
    sine = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(solar_time_angle(longitude, time))
    return np.arcsin(sine)  # type: ignore[return-value]


def clear_sky_radiation(extraterrestrial: Any, elevation_m: Any) -> Any:
    """Radiation under a clear sky, in the unit of the extraterrestrial radiation (FAO-56 Eq. 37)."""
    return (0.75 + 2e-5 * elevation_m) * extraterrestrial


def radiation_from_sunshine(extraterrestrial: Any, sunshine_hours: Any, daylight: Any) -> Any:
    """Solar radiation from the hours of bright sunshine, Angstrom's a = 0.25, b = 0.50 (FAO-56 Eq. 35)."""
    return (0.25 + 0.50 * sunshine_hours / daylight) * extraterrestrial


def radiation_from_temperature(
    extraterrestrial: Any, air_temperature_max: Any, air_temperature_min: Any, coefficient: float = 0.16
) -> Any:
    """Estimate solar radiation from the daily range of temperature (FAO-56 Eq. 50; 0.16 inland, 0.19 at coasts)."""
    return coefficient * np.sqrt(air_temperature_max - air_temperature_min) * extraterrestrial


def net_shortwave(shortwave_radiation: Any, albedo: float = 0.23) -> Any:
    """Solar radiation that the reference surface keeps, in the unit given (FAO-56 Eq. 38)."""
    return (1.0 - albedo) * shortwave_radiation


def cloudiness(clear_sky_ratio: Any, lowest: float = -np.inf) -> Any:
    """Cloudiness function of the net longwave radiation, from Rs/Rso limited to [lowest, 1] (FAO-56 Eq. 39)."""
    return 1.35 * np.clip(clear_sky_ratio, lowest, 1.0) - 0.35


@quantity("MJ m-2 d-1", "net outgoing longwave radiation of the day", vapour_pressure="kPa")
def net_longwave(
    air_temperature_max: Any,
    air_temperature_min: Any,
    vapour_pressure: Any,
    cloud_factor: Any,
    stefan_boltzmann: float = STEFAN_BOLTZMANN_FAO,
) -> Any:
    """Net longwave radiation of a day, MJ m-2 d-1, counted outward (FAO-56 Eq. 39)."""
    emitted = stefan_boltzmann * ((air_temperature_max + 273.16) ** 4 + (air_temperature_min + 273.16) ** 4) / 2.0
    return emitted * (0.34 - 0.14 * np.sqrt(vapour_pressure)) * cloud_factor


@quantity("MJ m-2 h-1", "net outgoing longwave radiation of the hour", vapour_pressure="kPa")
def net_longwave_hourly(
    air_temperature: Any,
    vapour_pressure: Any,
    cloud_factor: Any,
    stefan_boltzmann_hourly: float = STEFAN_BOLTZMANN_FAO / 24.0,
) -> Any:
    """Net longwave radiation of an hour, MJ m-2 h-1, counted outward (FAO-56 Eq. 39 over 24 h)."""
    emitted = stefan_boltzmann_hourly * (air_temperature + 273.16) ** 4
    return emitted * (0.34 - 0.14 * np.sqrt(vapour_pressure)) * cloud_factor


def monthly_soil_heat_flux(previous_month: Any, this_month: Any) -> Any:
    """Heat flux into the soil over a month from mean temperatures of two months, MJ m-2 d-1 (FAO-56 Eq. 44)."""
    return 0.14 * (this_month - previous_month)
