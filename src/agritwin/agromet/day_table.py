"""Local days as the weather cube keeps them: with evapotranspiration by every means, and the origin of every value."""

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.agromet import daily, et0
from agritwin.agromet.days import LocalDays
from agritwin.provenance import MISSING, Provenance, kind_of, source_of

DERIVED = "derived.estimated"
PENMAN_MONTEITH = "fao56_penman_monteith.estimated"
HARGREAVES = "hargreaves.estimated"
KINDS = ("", "measured", "modelled", "estimated")
TRACE = {
    "units": "1",
    "long_name": "less rain than the gauge resolves (1 yes, 0 no)",
    "flag_meanings": "no yes",
    "flag_values": np.array([0, 1], np.uint8),
}


def day_table(hourly: xr.Dataset, latitude: float, longitude: float, elevation_m: float, zone: str) -> xr.Dataset:
    """Return the local days of hourly weather, each value with its origin.

    Parameters
    ----------
    hourly
        Hourly weather with ``origin`` (time, variable).
    latitude, longitude, elevation_m, zone
        Degrees, m, IANA name.

    Returns
    -------
    xr.Dataset
        Dimension ``day``: :func:`agritwin.agromet.daily.daily`; where a day lacks what FAO-56 asks, ``et0`` is that of
        Hargreaves and its origin says so; ``precipitation_trace`` (missing: hours do not tell); ``origin``
        (day, variable). A mean of measured values is measured, of several sources ``several``; of several kinds it
        is of the least.
    """
    days = daily.daily(hourly.drop_vars("origin"), latitude, longitude, elevation_m, zone)
    estimate = et0.hargreaves(
        days["air_temperature_max"], days["air_temperature_min"], latitude, days["day"].dt.dayofyear
    )
    by_penman = days["et0"].notnull().to_numpy()
    days["et0"] = days["et0"].fillna(estimate).assign_attrs(days["et0"].attrs | {"method": "see origin"})
    days["precipitation_trace"] = ("day", np.full(days.sizes["day"], np.nan), TRACE)
    names = sorted(str(name) for name in days.data_vars)
    given = _origins(hourly, zone)
    labels = np.full((days.sizes["day"], len(names)), DERIVED, dtype=object)
    for column, name in enumerate(names):
        source = given.get(_hourly_name(name))
        if source is not None:
            labels[:, column] = source
    labels[:, names.index("et0")] = np.where(by_penman, PENMAN_MONTEITH, HARGREAVES)
    values = np.stack([days[name].to_numpy() for name in names], axis=1)
    labels[~np.isfinite(values.astype(float))] = MISSING
    meanings = [MISSING, *sorted(set(labels.ravel()) - {MISSING})]
    codes = np.searchsorted(np.array(meanings[1:]), labels.astype(str)).astype(np.uint8) + 1
    codes[labels == MISSING] = 0
    about = {name: _about(name, hourly) for name in meanings[1:]}
    origin = Provenance(codes, meanings, about)
    return days.assign(origin=(("day", "variable"), origin.codes, origin.attributes())).assign_coords(variable=names)


def with_hargreaves(days: xr.Dataset, latitude: float) -> xr.Dataset:
    """Add evapotranspiration after Hargreaves, labelled as estimated, to days that a station measured, where it fails.

    Parameters
    ----------
    days
        With ``air_temperature_max`` and ``air_temperature_min`` (day).
    latitude
        Degrees north.
    """
    estimate = et0.hargreaves(
        days["air_temperature_max"], days["air_temperature_min"], latitude, days["day"].dt.dayofyear
    )
    about = {"units": "mm", "cell_methods": "time: sum", "origin": "estimated", "method": "Hargreaves"}
    own = days.get("et0")
    if own is not None and bool(own.notnull().any()):
        return days
    return days.assign(et0=estimate.assign_attrs(about))


def _hourly_name(name: str) -> str:
    base = name.removesuffix("_hours").removesuffix("_max").removesuffix("_min")
    return "" if name == "hours_in_day" else base


def _origins(hourly: xr.Dataset, zone: str) -> dict[str, np.ndarray]:
    """Hourly variable -> label of each day."""
    days = LocalDays(pd.DatetimeIndex(hourly["time"].values), zone)
    meanings = str(hourly["origin"].attrs["flag_meanings"]).split()
    rank = np.array([KINDS.index(kind_of(meaning)) if kind_of(meaning) in KINDS else 0 for meaning in meanings])
    found = {}
    for name in map(str, hourly["variable"].to_numpy()):
        codes = hourly["origin"].sel(variable=name)
        first = int(codes[0])
        if bool((codes == first).all()):
            found[name] = np.full(len(days.days), meanings[first], dtype=object)
            continue
        lowest, highest = (days.reduce(codes, extreme).to_numpy() for extreme in ("min", "max"))
        worst = days.reduce(xr.DataArray(rank[codes.to_numpy()], dims="time"), "max").to_numpy()
        label = np.full(lowest.size, MISSING, dtype=object)
        for number in np.flatnonzero(np.isfinite(lowest)):
            if lowest[number] == highest[number]:
                label[number] = meanings[int(lowest[number])]
            else:
                label[number] = ".".join(filter(None, ["several", KINDS[int(worst[number])]]))
        found[name] = label
    return found


def _about(meaning: str, hourly: xr.Dataset) -> dict[str, str]:
    synthetic = {"synthetic": str(hourly.attrs.get("synthetic", "false"))}
    own = (DERIVED, PENMAN_MONTEITH, HARGREAVES)
    if meaning in own or source_of(meaning) == "several":
        return synthetic
    kept = ("source", "title", "licence", "attribution")
    return {key: str(hourly.attrs[key]) for key in kept if key in hourly.attrs} | synthetic
