"""Reference evapotranspiration: FAO-56 Penman-Monteith, its ASCE standardization, and Hargreaves as a fall-back."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from agritwin.agromet import humidity, radiation
from agritwin.agromet.quantities import quantity

type Reference = Literal["short", "tall"]


@dataclass(frozen=True)
class _Surface:
    """Constants of a reference surface: Cn, Cd by day and night, soil heat flux as a share of Rn by day and night."""

    numerator: float
    resistance_day: float
    resistance_night: float
    soil_heat_day: float = 0.0
    soil_heat_night: float = 0.0


@dataclass(frozen=True)
class _Standard:
    """Where the two standards differ: Stefan-Boltzmann constants, least Rs/Rso, slope of the saturation curve."""

    sigma_daily: float
    sigma_hourly: float
    darkest_sky: float
    slope_factor: float


_FAO = _Standard(radiation.STEFAN_BOLTZMANN_FAO, radiation.STEFAN_BOLTZMANN_FAO / 24.0, -np.inf, 1.0)
# ASCE-EWRI (2005) rounds 4098 x 0.6108 of FAO-56 Eq. 13 to 2503 (its Eq. 36)
_ASCE = _Standard(4.901e-9, 2.042e-10, 0.3, 2503.0 / (4098.0 * 0.6108))

_FAO_DAILY = _Surface(900.0, 0.34, 0.34)
_FAO_HOURLY = _Surface(37.0, 0.34, 0.34, 0.1, 0.5)
# ASCE-EWRI (2005), Table 1
_ASCE_DAILY = {"short": _Surface(900.0, 0.34, 0.34), "tall": _Surface(1600.0, 0.38, 0.38)}
_ASCE_HOURLY = {"short": _Surface(37.0, 0.24, 0.96, 0.1, 0.5), "tall": _Surface(66.0, 0.25, 1.7, 0.04, 0.2)}
_LOWEST_SUN = 0.3  # rad; below it Rs/Rso says little of the clouds

_UNITS_DAILY = {
    "air_temperature_max": "degC",
    "air_temperature_min": "degC",
    "vapour_pressure": "kPa",
    "shortwave_radiation": "MJ m-2 d-1",
    "wind_speed": "m s-1",
    "elevation_m": "m",
}
_UNITS_HOURLY = {
    "air_temperature": "degC",
    "relative_humidity": "percent",
    "vapour_pressure": "kPa",
    "shortwave_radiation": "W m-2",
    "wind_speed": "m s-1",
    "elevation_m": "m",
}


@quantity("mm", "reference evapotranspiration of the day (FAO-56 Penman-Monteith)", **_UNITS_DAILY)
def penman_monteith_daily(
    air_temperature_max: Any,
    air_temperature_min: Any,
    vapour_pressure: Any,
    shortwave_radiation: Any,
    wind_speed: Any,
    latitude: Any,
    elevation_m: Any,
    day_of_year: Any,
    soil_heat_flux: Any = 0.0,
) -> Any:
    """Reference evapotranspiration of days, in mm (FAO-56 Eq. 6).

    Parameters
    ----------
    air_temperature_max, air_temperature_min
        degC.
    vapour_pressure
        Actual vapour pressure, kPa.
    shortwave_radiation
        MJ m-2 d-1.
    wind_speed
        At 2 m, m s-1.
    latitude, elevation_m, day_of_year
        Degrees north, m, 1 to 366.
    soil_heat_flux
        MJ m-2 d-1; 0 for single days (FAO-56 Eq. 42).
    """
    return _daily(
        air_temperature_max,
        air_temperature_min,
        vapour_pressure,
        shortwave_radiation,
        wind_speed,
        latitude,
        elevation_m,
        day_of_year,
        soil_heat_flux,
        surface=_FAO_DAILY,
        standard=_FAO,
    )


@quantity("mm", "standardized reference evapotranspiration of the day (ASCE-EWRI 2005)", **_UNITS_DAILY)
def asce_daily(
    air_temperature_max: Any,
    air_temperature_min: Any,
    vapour_pressure: Any,
    shortwave_radiation: Any,
    wind_speed: Any,
    latitude: Any,
    elevation_m: Any,
    day_of_year: Any,
    reference: Reference = "short",
) -> Any:
    """Standardized reference evapotranspiration of days over a short or tall surface, mm (ASCE-EWRI 2005, Eq. 1).

    Arguments as in :func:`penman_monteith_daily`.
    """
    return _daily(
        air_temperature_max,
        air_temperature_min,
        vapour_pressure,
        shortwave_radiation,
        wind_speed,
        latitude,
        elevation_m,
        day_of_year,
        0.0,
        surface=_ASCE_DAILY[reference],
        standard=_ASCE,
    )


@quantity("mm", "reference evapotranspiration of the hour (FAO-56 Penman-Monteith)", **_UNITS_HOURLY)
def penman_monteith_hourly(
    air_temperature: xr.DataArray,
    vapour_pressure: xr.DataArray,
    shortwave_radiation: xr.DataArray,
    wind_speed: xr.DataArray,
    latitude: float,
    longitude: float,
    elevation_m: float,
    first_clear_sky_ratio: float = 0.8,
) -> xr.DataArray:
    """Reference evapotranspiration of the hours ending at UTC stamps, in mm (FAO-56 Eq. 53).

    Parameters
    ----------
    air_temperature, vapour_pressure, shortwave_radiation, wind_speed
        degC, kPa, W m-2 (mean of the hour), m s-1 at 2 m; ``air_temperature`` has the coordinate ``time``.
    latitude, longitude, elevation_m
        Degrees north and east, m.
    first_clear_sky_ratio
        Rs/Rso taken for the hours before the first one with a high enough sun (FAO-56: 0.7 to 0.8 in dry climates).
        Later nights carry the last ratio of the afternoon on.
    """
    return _hourly(
        air_temperature,
        vapour_pressure,
        shortwave_radiation,
        wind_speed,
        latitude,
        longitude,
        elevation_m,
        first_clear_sky_ratio,
        surface=_FAO_HOURLY,
        standard=_FAO,
    )


@quantity("mm", "standardized reference evapotranspiration of the hour (ASCE-EWRI 2005)", **_UNITS_HOURLY)
def asce_hourly(
    air_temperature: xr.DataArray,
    vapour_pressure: xr.DataArray,
    shortwave_radiation: xr.DataArray,
    wind_speed: xr.DataArray,
    latitude: float,
    longitude: float,
    elevation_m: float,
    first_clear_sky_ratio: float = 0.8,
    reference: Reference = "short",
) -> xr.DataArray:
    """Standardized reference evapotranspiration of hours over a short or tall surface, mm (ASCE-EWRI 2005, Eq. 1).

    Arguments as in :func:`penman_monteith_hourly`.
    """
    return _hourly(
        air_temperature,
        vapour_pressure,
        shortwave_radiation,
        wind_speed,
        latitude,
        longitude,
        elevation_m,
        first_clear_sky_ratio,
        surface=_ASCE_HOURLY[reference],
        standard=_ASCE,
    )


@quantity(
    "mm",
    "reference evapotranspiration of the day (Hargreaves, a fall-back from temperature alone)",
    air_temperature_max="degC",
    air_temperature_min="degC",
)
def hargreaves(air_temperature_max: Any, air_temperature_min: Any, latitude: Any, day_of_year: Any) -> Any:
    """Estimate reference evapotranspiration from temperature alone, mm d-1 (FAO-56 Eq. 52).

    A fall-back for days without radiation, humidity or wind: whoever uses it must say so beside the value.
    """
    water_equivalent = 0.408 * radiation.extraterrestrial_radiation(latitude, day_of_year)
    mean = (air_temperature_max + air_temperature_min) / 2.0
    return 0.0023 * (mean + 17.8) * np.sqrt(air_temperature_max - air_temperature_min) * water_equivalent


def _daily(
    t_max: Any,
    t_min: Any,
    vapour_pressure: Any,
    shortwave: Any,
    wind_speed: Any,
    latitude: Any,
    elevation_m: Any,
    day_of_year: Any,
    soil_heat_flux: Any,
    *,
    surface: _Surface,
    standard: _Standard,
) -> Any:
    clear_sky = radiation.clear_sky_radiation(radiation.extraterrestrial_radiation(latitude, day_of_year), elevation_m)
    cloud_factor = radiation.cloudiness(shortwave / clear_sky, standard.darkest_sky)
    net = radiation.net_shortwave(shortwave) - radiation.net_longwave(
        t_max, t_min, vapour_pressure, cloud_factor, standard.sigma_daily
    )
    deficit = humidity.mean_saturation_vapour_pressure(t_max, t_min) - vapour_pressure
    return _combine(
        (t_max + t_min) / 2.0,
        net - soil_heat_flux,
        deficit,
        wind_speed,
        elevation_m,
        surface.numerator,
        surface.resistance_day,
        standard.slope_factor,
    )


def _hourly(
    air_temperature: xr.DataArray,
    vapour_pressure: xr.DataArray,
    shortwave_w_m2: xr.DataArray,
    wind_speed: xr.DataArray,
    latitude: float,
    longitude: float,
    elevation_m: float,
    first_clear_sky_ratio: float,
    *,
    surface: _Surface,
    standard: _Standard,
) -> xr.DataArray:
    time = air_temperature["time"]
    shortwave = shortwave_w_m2 * 0.0036
    clear_sky = radiation.clear_sky_radiation(
        radiation.extraterrestrial_radiation_hourly(latitude, longitude, time), elevation_m
    )
    high_sun = radiation.solar_elevation_hourly(latitude, longitude, time) > _LOWEST_SUN
    ratio = _carry_forward((shortwave / clear_sky).where(high_sun), first_clear_sky_ratio)
    net = radiation.net_shortwave(shortwave) - radiation.net_longwave_hourly(
        air_temperature, vapour_pressure, radiation.cloudiness(ratio, standard.darkest_sky), standard.sigma_hourly
    )
    day = net >= 0.0
    soil_heat_flux = net * xr.where(day, surface.soil_heat_day, surface.soil_heat_night)
    deficit = humidity.saturation_vapour_pressure(air_temperature) - vapour_pressure
    return _combine(
        air_temperature,
        net - soil_heat_flux,
        deficit,
        wind_speed,
        elevation_m,
        surface.numerator,
        xr.where(day, surface.resistance_day, surface.resistance_night),
        standard.slope_factor,
    )


def _combine(
    temperature: Any,
    available_energy: Any,
    deficit: Any,
    wind_speed: Any,
    elevation_m: Any,
    numerator: float,
    resistance: Any,
    slope_factor: float,
) -> Any:
    """Weigh energy and aerodynamic terms of the Penman-Monteith equation."""
    slope = slope_factor * humidity.saturation_slope(temperature)
    gamma = humidity.psychrometric_constant(humidity.air_pressure(elevation_m))
    aerodynamic = gamma * numerator / (temperature + 273.0) * wind_speed * deficit
    return (0.408 * slope * available_energy + aerodynamic) / (slope + gamma * (1.0 + resistance * wind_speed))


def _carry_forward(series: xr.DataArray, first: float) -> xr.DataArray:
    """Fill gaps along ``time`` with the last value before them, and with ``first`` where there is none."""

    def fill(values: np.ndarray) -> np.ndarray:
        last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(values.shape[-1])), axis=-1)
        return np.where(last < 0, first, np.take_along_axis(values, np.maximum(last, 0), axis=-1))

    return xr.apply_ufunc(fill, series, input_core_dims=[["time"]], output_core_dims=[["time"]])
