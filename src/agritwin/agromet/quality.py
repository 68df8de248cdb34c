"""Quality of hourly weather: each value gets one CF flag, and no value is changed or dropped.

The limits are this project's defaults in the manner of WMO-No. 8 (range, step, persistence, consistency); they mark
what deserves a look, and a flag is evidence, not a verdict. Radiation is judged with pvlib: the position of the sun
(NREL SPA) and Haurwitz's clear sky.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pvlib
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import DataError

MEANINGS = ("good", "missing", "out_of_range", "step", "stuck", "inconsistent", "above_clear_sky")
GOOD, MISSING, OUT_OF_RANGE, STEP, STUCK, INCONSISTENT, ABOVE_CLEAR_SKY = range(len(MEANINGS))


@dataclass(frozen=True)
class Limits:
    """What an hourly variable may do: bounds, greatest change in an hour, hours that it may stay exactly the same."""

    lowest: float
    highest: float
    step: float = np.inf
    stuck_hours: int | None = None
    may_rest_at: tuple[float, ...] = field(default=())


DEFAULT_LIMITS: dict[str, Limits] = {
    "air_temperature": Limits(-40.0, 55.0, step=10.0, stuck_hours=12),
    "relative_humidity": Limits(0.0, 101.0, step=60.0, stuck_hours=24, may_rest_at=(100.0,)),
    "wind_speed": Limits(0.0, 40.0, step=20.0, stuck_hours=24, may_rest_at=(0.0,)),
    "precipitation": Limits(0.0, 150.0, stuck_hours=6, may_rest_at=(0.0,)),
    "shortwave_radiation": Limits(-5.0, 1400.0, stuck_hours=6, may_rest_at=(0.0,)),
    "surface_pressure": Limits(500.0, 1080.0, step=10.0, stuck_hours=24),
}


def flag(
    hourly: xr.Dataset,
    latitude: float,
    longitude: float,
    elevation_m: float,
    limits: dict[str, Limits] | None = None,
) -> xr.Dataset:
    """Flag hourly weather.

    Parameters
    ----------
    hourly
        Variables of ``docs/contracts.md`` over ``time`` (UTC, end of the hour, rising; a missing stamp starts a new
        stretch for steps and persistence).
    latitude, longitude, elevation_m
        Degrees north and east, m.
    limits
        Limits by variable; :data:`DEFAULT_LIMITS` where not given.

    Returns
    -------
    xarray.Dataset
        ``<variable>_flag`` (uint8, ``flag_values`` and ``flag_meanings``) for each variable with limits. Where several
        checks fail the value of the first in the order of the meanings stands.

    Raises
    ------
    DataError
        If a variable has further dimensions than ``time``.
    """
    time = pd.DatetimeIndex(hourly["time"].values)
    gap = np.diff(time.to_numpy(), prepend=time.to_numpy()[:1]) != np.timedelta64(1, "h")
    result = xr.Dataset(coords={"time": hourly["time"]})
    for name, bounds in {**DEFAULT_LIMITS, **(limits or {})}.items():
        if name not in hourly:
            continue
        if hourly[name].dims != ("time",):
            raise DataError(f"{name} has the dimensions {hourly[name].dims}.", "Flag one member or place at a time.")
        result[f"{name}_flag"] = ("time", _single(hourly[name].to_numpy(), bounds, gap), _attributes(name))
    if "shortwave_radiation" in hourly:
        flags = result["shortwave_radiation_flag"]
        radiation = hourly["shortwave_radiation"].to_numpy()
        flags.values = _radiation(radiation, flags.to_numpy(), time, latitude, longitude, elevation_m)
    _rain_in_dry_air(hourly, result)
    return result


def _attributes(name: str) -> dict[str, object]:
    return {
        "long_name": f"quality of {name.replace('_', ' ')}",
        "standard_name": "quality_flag",
        "flag_values": np.arange(len(MEANINGS), dtype=np.uint8),
        "flag_meanings": " ".join(MEANINGS),
    }


def _single(values: NDArray, bounds: Limits, gap: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Check a variable by itself: missing, range, step, persistence."""
    flags = np.full(values.size, GOOD, dtype=np.uint8)
    change = np.abs(np.diff(values, prepend=values[:1]))
    if bounds.stuck_hours is not None:
        flags[_stuck(values, change, gap, bounds)] = STUCK
    flags[(change > bounds.step) & ~gap] = STEP
    flags[(values < bounds.lowest) | (values > bounds.highest)] = OUT_OF_RANGE
    flags[np.isnan(values)] = MISSING
    return flags


def _stuck(values: NDArray, change: NDArray, gap: NDArray[np.bool_], bounds: Limits) -> NDArray[np.bool_]:
    """Mark stretches in which a value stays exactly the same for longer than it may."""
    stretch = np.cumsum((change != 0.0) | gap)
    length = np.bincount(stretch)[stretch]
    return (length > (bounds.stuck_hours or 0)) & ~np.isin(values, bounds.may_rest_at)


def _radiation(
    values: NDArray,
    flags: NDArray[np.uint8],
    time: pd.DatetimeIndex,
    latitude: float,
    longitude: float,
    elevation_m: float,
) -> NDArray[np.uint8]:
    """Hold radiation against the sun: none can fall at night, and little more than a clear sky lets through by day.

    The sun at the middle of the hour stands for the hour. Light from the edges of broken cloud may pass the clear sky,
    here by a quarter; nothing passes the extraterrestrial radiation.
    """
    middle = (time - pd.Timedelta(minutes=30)).tz_localize("UTC")
    sun = pvlib.solarposition.get_solarposition(middle, latitude, longitude, altitude=elevation_m)
    zenith = np.asarray(sun["apparent_zenith"])
    clear = np.asarray(pvlib.clearsky.haurwitz(sun["apparent_zenith"])["ghi"])
    normal = np.asarray(pvlib.irradiance.get_extra_radiation(middle))
    extraterrestrial = normal * np.maximum(np.cos(np.radians(np.asarray(sun["zenith"]))), 0.0)
    night = (zenith > 96.0) & (values > 5.0)  # the sun is below the horizon during the whole hour
    impossible = (zenith < 85.0) & (values > extraterrestrial)
    bright = (zenith < 85.0) & (values > 1.25 * clear + 20.0)
    flags = flags.copy()
    flags[bright & (flags == GOOD)] = ABOVE_CLEAR_SKY
    flags[(night | impossible) & np.isin(flags, (GOOD, ABOVE_CLEAR_SKY))] = INCONSISTENT
    return flags


def _rain_in_dry_air(hourly: xr.Dataset, result: xr.Dataset) -> None:
    """Mark rain of more than 1 mm in an hour whose air stays below 40 percent of humidity."""
    if not {"precipitation", "relative_humidity"} <= set(hourly):
        return
    dry = (hourly["precipitation"] > 1.0) & (hourly["relative_humidity"] < 40.0)
    flags = result["precipitation_flag"]
    flags.values = np.where(dry & (flags == GOOD), np.uint8(INCONSISTENT), flags.values)
