"""Humidity of the air and what follows from pressure: FAO Irrigation and Drainage Paper 56, chapter 3."""

from typing import Any

import numpy as np

from agritwin.agromet.quantities import quantity

#: Ratio of the specific heat of air to the latent heat, over the ratio of molecular weights, in degC-1 (FAO-56 Eq. 8).
PSYCHROMETRIC_COEFFICIENT = 0.665e-3
#: The same for a ventilated (Asmann) psychrometer (FAO-56 Eq. 16).
VENTILATED_PSYCHROMETER = 0.662e-3


@quantity("kPa", "atmospheric pressure", "air_pressure", elevation_m="m")
def air_pressure(elevation_m: Any) -> Any:
    """Mean atmospheric pressure at an elevation in m, in kPa (FAO-56 Eq. 7)."""
    return 101.3 * ((293.0 - 0.0065 * elevation_m) / 293.0) ** 5.26


@quantity("m", "elevation", "surface_altitude", pressure="kPa")
def elevation_from_pressure(pressure: Any) -> Any:
    """Elevation in m at which a mean pressure in kPa is normal: the inverse of FAO-56 Eq. 7."""
    return 293.0 / 0.0065 * (1.0 - (pressure / 101.3) ** (1.0 / 5.26))


@quantity("kPa degC-1", "psychrometric constant", pressure="kPa")
def psychrometric_constant(pressure: Any) -> Any:
    """Psychrometric constant from pressure in kPa (FAO-56 Eq. 8)."""
    return PSYCHROMETRIC_COEFFICIENT * pressure


@quantity("kPa", "saturation vapour pressure", air_temperature="degC")
def saturation_vapour_pressure(air_temperature: Any) -> Any:
    """Vapour pressure of saturated air in kPa (FAO-56 Eq. 11)."""
    return 0.6108 * np.exp(17.27 * air_temperature / (air_temperature + 237.3))


@quantity("kPa degC-1", "slope of the saturation vapour pressure curve", air_temperature="degC")
def saturation_slope(air_temperature: Any) -> Any:
    """Derivative of the saturation vapour pressure in kPa per degC (FAO-56 Eq. 13)."""
    return 4098.0 * saturation_vapour_pressure(air_temperature) / (air_temperature + 237.3) ** 2


@quantity("kPa", "mean saturation vapour pressure", air_temperature_max="degC", air_temperature_min="degC")
def mean_saturation_vapour_pressure(air_temperature_max: Any, air_temperature_min: Any) -> Any:
    """Saturation vapour pressure of a day, the mean at both extremes (FAO-56 Eq. 12)."""
    return (saturation_vapour_pressure(air_temperature_max) + saturation_vapour_pressure(air_temperature_min)) / 2.0


@quantity("kPa", "actual vapour pressure", air_temperature="degC", relative_humidity="percent")
def actual_vapour_pressure(air_temperature: Any, relative_humidity: Any) -> Any:
    """Vapour pressure of the air at one moment (FAO-56 Eq. 54)."""
    return saturation_vapour_pressure(air_temperature) * relative_humidity / 100.0


@quantity(
    "kPa",
    "actual vapour pressure",
    air_temperature_max="degC",
    air_temperature_min="degC",
    relative_humidity_max="percent",
    relative_humidity_min="percent",
)
def actual_vapour_pressure_from_extremes(
    air_temperature_max: Any, air_temperature_min: Any, relative_humidity_max: Any, relative_humidity_min: Any
) -> Any:
    """Vapour pressure of a day from the extremes of temperature and humidity (FAO-56 Eq. 17)."""
    morning = actual_vapour_pressure(air_temperature_min, relative_humidity_max)
    afternoon = actual_vapour_pressure(air_temperature_max, relative_humidity_min)
    return (morning + afternoon) / 2.0


@quantity(
    "kPa",
    "vapour pressure deficit",
    "water_vapor_saturation_deficit_in_air",
    air_temperature="degC",
    relative_humidity="percent",
)
def vapour_pressure_deficit(air_temperature: Any, relative_humidity: Any) -> Any:
    """Saturation deficit of the air at one moment, in kPa, never below zero."""
    deficit = saturation_vapour_pressure(air_temperature) - actual_vapour_pressure(air_temperature, relative_humidity)
    return np.maximum(deficit, 0.0)


@quantity("degC", "dew point temperature", "dew_point_temperature", vapour_pressure="kPa")
def dew_point(vapour_pressure: Any) -> Any:
    """Temperature at which a vapour pressure in kPa saturates: the inverse of FAO-56 Eq. 11."""
    exponent = np.log(vapour_pressure / 0.6108)
    return 237.3 * exponent / (17.27 - exponent)


@quantity("degC", "wet bulb temperature", "wet_bulb_temperature", air_temperature="degC", relative_humidity="percent")
def wet_bulb(air_temperature: Any, relative_humidity: Any, pressure: Any) -> Any:
    """Temperature of a ventilated wet bulb, solving FAO-56 Eq. 15 for it by Newton's method.

    Parameters
    ----------
    air_temperature, relative_humidity
        degC and percent.
    pressure
        Air pressure in kPa.
    """
    gamma = VENTILATED_PSYCHROMETER * pressure
    vapour_pressure = actual_vapour_pressure(air_temperature, relative_humidity)
    estimate = air_temperature
    for _ in range(8):  # convex and monotone: quadratic from above, 8 steps reach machine precision
        excess = saturation_vapour_pressure(estimate) - gamma * (air_temperature - estimate) - vapour_pressure
        estimate = estimate - excess / (saturation_slope(estimate) + gamma)
    return estimate
