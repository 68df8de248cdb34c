"""Hourly temperatures out of daily extremes, for records that have no hours."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.agromet.quantities import quantity


@quantity(
    "degC",
    "air temperature of the hour (estimated from daily extremes)",
    "air_temperature",
    air_temperature_max="degC",
    air_temperature_min="degC",
)
def hourly_temperature(
    air_temperature_max: xr.DataArray, air_temperature_min: xr.DataArray, latitude: float
) -> xr.DataArray:
    """Estimate the course of temperature within days: a sine by day, a logarithmic fall by night (Linvill 1990).

    Parameters
    ----------
    air_temperature_max, air_temperature_min
        degC, over ``day`` (consecutive).
    latitude
        Degrees north, between the polar circles.

    Returns
    -------
    xarray.DataArray
        degC over (day, hour), hours 0 to 23 of mean solar time. The nights at both ends of the record lean on the day
        itself, for want of a neighbour.
    """
    highest, lowest = air_temperature_max.to_numpy(), air_temperature_min.to_numpy()
    sunrise, sunset = _sun(air_temperature_max["day"].dt.dayofyear.to_numpy(), latitude)
    hour = np.arange(24.0)
    at_sunset = lowest + (highest - lowest) * np.sin(np.pi * (sunset - sunrise) / (sunset - sunrise + 4.0))
    by_day = lowest[:, None] + (highest - lowest)[:, None] * np.sin(
        np.pi * (hour - sunrise[:, None]) / (sunset - sunrise + 4.0)[:, None]
    )
    morning = _night(
        _before(at_sunset), lowest, 24.0 - (_before(sunset) - sunrise), hour + 24.0 - _before(sunset)[:, None]
    )
    evening = _night(
        at_sunset, _after(lowest), 25.0 - (sunset - _after(sunrise)), np.maximum(hour - sunset[:, None], 0.0)
    )
    values = np.where(hour <= sunrise[:, None], morning, np.where(hour <= sunset[:, None], by_day, evening))
    coords = {"day": air_temperature_max["day"], "hour": hour.astype(int)}
    return xr.DataArray(values, coords=coords, dims=("day", "hour"))


def _night(start: NDArray, end: NDArray, length: NDArray, since_sunset: NDArray) -> NDArray:
    """Fall from the temperature at sunset towards the minimum that follows."""
    return start[:, None] - ((start - end) / np.log(np.maximum(length, 1.0)))[:, None] * np.log(since_sunset + 1.0)


def _before(values: NDArray) -> NDArray:
    return np.concatenate([values[:1], values[:-1]])


def _after(values: NDArray) -> NDArray:
    return np.concatenate([values[1:], values[-1:]])


def _sun(day_of_year: NDArray, latitude: float) -> tuple[NDArray, NDArray]:
    """Hours of sunrise and sunset (upper limb, refraction included) with Spencer's (1971) declination."""
    angle = 2.0 * np.pi / 365.0 * (day_of_year - 1)
    declination = (
        0.006918
        - 0.399912 * np.cos(angle)
        + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle)
        - 0.002697 * np.cos(3 * angle)
        + 0.00148 * np.sin(3 * angle)
    )
    phi = np.radians(latitude)
    cosine = (np.sin(np.radians(-0.8333)) - np.sin(phi) * np.sin(declination)) / (np.cos(phi) * np.cos(declination))
    half_day = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) / 15.0
    return 12.0 - half_day, 12.0 + half_day
