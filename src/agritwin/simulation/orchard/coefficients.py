"""Crop coefficients of FAO-56 chapters 6, 7 and 9, for numbers, arrays and DataArrays alike."""

from typing import Any

import numpy as np

from agritwin.agromet import humidity, radiation

#: Kc of bare, dry soil between trees (FAO-56, p. 149 and p. 188).
KC_MIN = 0.15
#: Highest basal coefficient of a full stand, and its growth with height (FAO-56 Eqs. 99 to 101).
_KCB_TALLEST, _KCB_LOWEST, _KCB_PER_METRE = 1.2, 1.0, 0.1


def climatic_term(wind_speed: Any, relative_humidity_min: Any) -> Any:
    """Departure of the climate from 2 m s-1 and 45 percent, as in Eqs. 62, 70 and 72.

    Parameters
    ----------
    wind_speed
        At 2 m, m s-1; taken within 1 to 6, the range of the equations.
    relative_humidity_min
        Percent; taken within 20 to 80.
    """
    return 0.04 * (np.clip(wind_speed, 1.0, 6.0) - 2.0) - 0.004 * (np.clip(relative_humidity_min, 20.0, 80.0) - 45.0)


def height_factor(height_m: Any) -> Any:
    """Weight of the climatic term by the height of the plants, (h/3)^0.3."""
    return (height_m / 3.0) ** 0.3


def kc_max(kcb: Any, climate: Any, height_m: Any) -> Any:
    """Upper limit of evaporation and transpiration from any cropped surface (Eq. 72)."""
    return np.maximum(1.2 + climate * height_factor(height_m), kcb + 0.05)


def cover_from_kcb(kcb: Any, upper: Any, height_m: Any, kc_min: float = KC_MIN) -> Any:
    """Fraction of ground covered, from the basal coefficient and :func:`kc_max` (Eq. 76)."""
    return np.maximum((kcb - kc_min) / (upper - kc_min), 0.01) ** (1.0 + 0.5 * height_m)


def exposed_wetted_fraction(cover: Any, wetted_fraction: Any, under_canopy: bool = False) -> Any:
    """Fraction of the soil that is both wet and in the sun (Eq. 75, and p. 149 for drip under the canopy)."""
    shelter = 0.67 if under_canopy else 0.0
    return np.clip(np.minimum(1.0 - cover, (1.0 - shelter * cover) * wetted_fraction), 0.01, 1.0)


def evaporation_coefficient(kr: Any, upper: Any, kcb: Any, exposed: Any) -> Any:
    """Soil evaporation coefficient Ke (Eq. 71)."""
    return np.minimum(kr * (upper - kcb), exposed * upper)


def initial_kc(light: Any, heavy: Any, infiltration_mm: Any, wetted_fraction: Any = 1.0) -> Any:
    """Single Kc of the initial stage between light (10 mm) and heavy (40 mm) wettings (Eqs. 59 and 60).

    Parameters
    ----------
    light, heavy
        Kc ini read for light and heavy wettings (FAO-56 Figs. 29 and 30).
    infiltration_mm
        Depth of a wetting over the wetted part.
    wetted_fraction
        Part of the soil that the wettings reach.
    """
    weight = np.clip((infiltration_mm - 10.0) / 30.0, 0.0, 1.0)
    return wetted_fraction * (light + weight * (heavy - light))


def effective_cover(
    cover: Any, latitude: Any, day_of_year: Any, height_to_width: float = 1.0, in_rows: bool = False
) -> Any:
    """Fraction of ground shaded at midday (FAO-56 chapter 9).

    Parameters
    ----------
    cover
        Fraction of ground under the canopy, seen from above.
    latitude, day_of_year
        Degrees north, 1 to 366.
    height_to_width
        Height over width of a row of plants, used for rows.
    in_rows
        True for rows; False for round crowns that stand free.
    """
    elevation = np.pi / 2.0 - np.abs(np.deg2rad(latitude) - radiation.solar_declination(day_of_year))
    shaded = cover * (1.0 + height_to_width / np.tan(elevation)) if in_rows else cover / np.sin(elevation)
    return np.minimum(shaded, 1.0)


def kcb_full(height_m: Any, climate: Any = 0.0) -> Any:
    """Basal coefficient of a closed, well-watered stand by height (Eqs. 99 to 101)."""
    standard = np.clip(_KCB_LOWEST + _KCB_PER_METRE * height_m, _KCB_LOWEST, _KCB_TALLEST)
    return standard + climate * height_factor(height_m)


def density_coefficient(cover: Any, shaded: Any, height_m: Any, multiplier: Any = 2.0) -> Any:
    """How near a sparse stand comes to the coefficient of a closed one, 0 to 1 (Eq. 98).

    Parameters
    ----------
    cover, shaded
        Fraction of ground under the canopy, and that shaded at midday (:func:`effective_cover`).
    height_m
        Height of the plants.
    multiplier
        Most that a plant can take up for the ground that it covers: 2 in FAO-56, less for trees that resist.
    """
    return np.minimum(np.minimum(multiplier * cover, shaded ** (1.0 / (1.0 + height_m))), 1.0)


def sparse_kcb(full: Any, density: Any, kc_min: float = KC_MIN) -> Any:
    """Basal coefficient of a sparse stand (Eq. 98)."""
    return kc_min + (full - kc_min) * density


def stomatal_factor(leaf_resistance: Any, air_temperature: Any, wind_speed: Any, elevation_m: Any) -> Any:
    """Reduction of the coefficient for leaves that resist more than grass, Fr (Eq. 102).

    Parameters
    ----------
    leaf_resistance
        Of a single leaf in s m-1; 100 for grass and most crops, 420 for olives.
    air_temperature, wind_speed, elevation_m
        Mean of the stage in degC, at 2 m in m s-1, m.
    """
    slope = humidity.saturation_slope(air_temperature)
    gamma = humidity.psychrometric_constant(humidity.air_pressure(elevation_m))
    grass = slope + gamma * (1.0 + 0.34 * wind_speed)
    return grass / (slope + gamma * (1.0 + 0.34 * wind_speed * leaf_resistance / 100.0))


def total_evaporable_water(field_capacity: Any, wilting_point: Any, depth_m: float = 0.1) -> Any:
    """Water that can evaporate from a wet surface layer, mm (Eq. 73), from water contents in m3 m-3."""
    return 1000.0 * (field_capacity - 0.5 * wilting_point) * depth_m
