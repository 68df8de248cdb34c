"""The canonical weather dataset: names, units and attributes of docs/contracts.md, and the wind at two metres."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from agritwin.errors import SourceError

HOURLY = {
    "air_temperature": {
        "units": "degC",
        "standard_name": "air_temperature",
        "long_name": "air temperature at 2 m",
        "cell_methods": "time: point",
    },
    "relative_humidity": {
        "units": "percent",
        "standard_name": "relative_humidity",
        "long_name": "relative humidity at 2 m",
        "cell_methods": "time: point",
    },
    "wind_speed": {
        "units": "m s-1",
        "standard_name": "wind_speed",
        "long_name": "wind speed at 2 m",
        "cell_methods": "time: point",
        "height": "2 m",
    },
    "precipitation": {
        "units": "mm",
        "standard_name": "precipitation_amount",
        "long_name": "precipitation of the hour before",
        "cell_methods": "time: sum",
    },
    "shortwave_radiation": {
        "units": "W m-2",
        "standard_name": "surface_downwelling_shortwave_flux_in_air",
        "long_name": "shortwave radiation of the hour before",
        "cell_methods": "time: mean",
    },
    "surface_pressure": {
        "units": "hPa",
        "standard_name": "surface_air_pressure",
        "long_name": "air pressure at the ground",
        "cell_methods": "time: point",
    },
}

DAILY = {
    "air_temperature": HOURLY["air_temperature"] | {"cell_methods": "time: mean"},
    "air_temperature_max": HOURLY["air_temperature"]
    | {"long_name": "highest air temperature at 2 m", "cell_methods": "time: maximum"},
    "air_temperature_min": HOURLY["air_temperature"]
    | {"long_name": "lowest air temperature at 2 m", "cell_methods": "time: minimum"},
    "relative_humidity": HOURLY["relative_humidity"] | {"cell_methods": "time: mean"},
    "relative_humidity_max": HOURLY["relative_humidity"]
    | {"long_name": "highest relative humidity at 2 m", "cell_methods": "time: maximum"},
    "relative_humidity_min": HOURLY["relative_humidity"]
    | {"long_name": "lowest relative humidity at 2 m", "cell_methods": "time: minimum"},
    "wind_speed": HOURLY["wind_speed"] | {"cell_methods": "time: mean"},
    "precipitation": HOURLY["precipitation"] | {"long_name": "precipitation of the day"},
    "shortwave_radiation": HOURLY["shortwave_radiation"]
    | {"units": "MJ m-2 d-1", "long_name": "shortwave radiation of the day", "cell_methods": "time: sum"},
    "surface_pressure": HOURLY["surface_pressure"] | {"cell_methods": "time: mean"},
    "sunshine_duration": {
        "units": "h",
        "standard_name": "duration_of_sunshine",
        "long_name": "sunshine of the day",
        "cell_methods": "time: sum",
    },
    "et0": {"units": "mm", "long_name": "FAO-56 reference evapotranspiration", "cell_methods": "time: sum"},
}

TIME = {"standard_name": "time", "long_name": "end of the hour, UTC"}


def wind_at_2m(wind_speed: Any, height_m: float) -> Any:
    """Return the wind speed at 2 m from one measured at another height over short grass (FAO-56, Eq. 47).

    Examples
    --------
    >>> round(wind_at_2m(1.0, 10.0), 3)
    0.748
    """
    if height_m == 2.0:
        return wind_speed
    return wind_speed * (4.87 / math.log(67.8 * height_m - 5.42))


def hourly_dataset(
    time: np.ndarray, values: Mapping[str, np.ndarray], *, origin: str, attributes: Mapping[str, str]
) -> xr.Dataset:
    """Return hourly weather in canonical form.

    Parameters
    ----------
    time
        datetime64, ends of hours, UTC.
    values
        Canonical name -> values in canonical units, shape (time) or (member, time). Variables that are not given are
        missing throughout, so that every source gives the same ones.
    origin
        ``measured``, ``modelled`` or ``estimated``.
    attributes
        Attributes of the dataset.
    """
    dims = ("member", "time")
    nothing = np.full(np.shape(next(iter(values.values()))), np.nan)
    variables = {
        name: (
            dims[-nothing.ndim :],
            np.asarray(values.get(name, nothing), np.float64),
            about | {"origin": origin},
        )
        for name, about in HOURLY.items()
    }
    return xr.Dataset(variables, {"time": ("time", time.astype("datetime64[ns]"), TIME)}, dict(attributes))


def daily_dataset(
    day: np.ndarray, values: Mapping[str, np.ndarray], *, zone: str, origin: str, attributes: Mapping[str, str]
) -> xr.Dataset:
    """Return daily weather: dimension ``day`` (datetime64, midnight) whose attribute ``zone`` says whose days."""
    variables = {
        name: ("day", np.asarray(array, np.float64), {**DAILY[name], "origin": origin})
        for name, array in values.items()
    }
    coordinate = ("day", day.astype("datetime64[ns]"), {"long_name": "day", "zone": zone})
    return xr.Dataset(variables, {"day": coordinate}, dict(attributes))


def on_axis(times: np.ndarray, values: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Return values placed on a regular time axis: NaN where none is given, the last where several are.

    Parameters
    ----------
    times, values
        Shape (n); the times in any order, those outside the axis are dropped.
    axis
        Ascending datetime64[ns].
    """
    placed = np.full(axis.size, np.nan)
    # Seconds reach every year that a damaged date may name; nanoseconds overflow in 2262.
    times, axis = times.astype("datetime64[s]"), axis.astype("datetime64[s]")
    position = np.searchsorted(axis, times)
    known = axis[position.clip(max=axis.size - 1)] == times
    placed[position[known]] = values[known]
    return placed


def hourly_values(
    ends: np.ndarray, step: np.timedelta64, readings: Mapping[str, np.ndarray], hours: np.ndarray
) -> dict[str, np.ndarray]:
    """Return means (sums of precipitation) of the hours that have all their readings; other hours are NaN.

    Parameters
    ----------
    ends
        Ends of the readings' intervals, datetime64, UTC, each once.
    step
        Length of an interval, a whole part of an hour.
    readings
        Canonical name -> values, shape of ``ends``.
    hours
        Hourly stamps wanted.
    """
    hour = np.timedelta64(3600, "s")
    position = -((hours[0].astype("datetime64[s]") - ends.astype("datetime64[s]")) // hour)
    result = {}
    for name, values in readings.items():
        used = np.isfinite(values) & (position >= 0) & (position < hours.size)
        count = np.bincount(position[used], minlength=hours.size)
        total = np.bincount(position[used], weights=values[used], minlength=hours.size)
        with np.errstate(invalid="ignore"):
            hourly = total if name == "precipitation" else total / count
        result[name] = np.where(count == hour // step, hourly, np.nan)
    return result


def require_values(dataset: xr.Dataset, source: str) -> xr.Dataset:
    """Return the dataset, or raise a SourceError where it holds no measured or modelled value at all."""
    floats = [variable for variable in dataset.data_vars.values() if variable.dtype.kind == "f"]
    if not any(bool(variable.notnull().any()) for variable in floats):
        raise SourceError(source, "the answer holds no value for this place and time", "Ask for other days or places.")
    return dataset
