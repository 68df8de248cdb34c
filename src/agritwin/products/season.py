"""What seasons of trees and of annual crops have in common: the weather that drives them, and how they are told."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.products.weather import all_days, continued, daily_weather, day_at
from agritwin.simulation.drivers import driver_ensemble
from agritwin.simulation.orchard.advice import irrigation_advice
from agritwin.simulation.orchard.management import Irrigation

type Prepare = Callable[[xr.Dataset], xr.Dataset]

#: Days on which plants transpire less than this share of what they ask for count as days of stress.
STRESS_KS = 0.9
AVAILABLE_WATER_ERROR = 0.15  # of what a pedotransfer function says, as a share; a prior
_DAY = dt.timedelta(days=1)


def parted(past: xr.Dataset, now: xr.Dataset, first: dt.date) -> tuple[xr.Dataset, xr.Dataset]:
    """Part days of closed seasons and of this one at another day: those before it, and those from it on."""
    if first == day_at(now, 0):
        return past, now
    whole = all_days(past, now)
    return whole.sel(day=slice(None, str(first - _DAY))), whole.sel(day=slice(str(first), None))


def season_drivers(
    past: xr.Dataset,
    now: xr.Dataset,
    season: xr.Dataset,
    forecast: xr.Dataset | None,
    site: dict[str, Any],
    zone: str,
    settings: dict[str, Any],
    prepare: Prepare,
    until: dt.date | None = None,
) -> tuple[xr.Dataset, int]:
    """Return the daily drivers (member, day): observed, forecast members, past years.

    Parameters
    ----------
    past, now
        Days of closed seasons and of this one.
    season, forecast
        Hourly weather of this season and the hourly members, or None.
    site, zone
        The product ``parcel`` and the zone.
    settings
        ``crop`` of the configuration: members and seed.
    prepare
        What an engine takes of days of weather.
    until
        Last day; None for a year after the first.

    Returns
    -------
    tuple
        Drivers, and how many observed days had to be filled with the mean of the same days of past seasons.
    """
    closed, known = prepare(past), prepare(now)
    observed, filled = fill_days(known, closed)
    ahead = None if forecast is None else prepare(daily_weather(continued(season, forecast), site, zone))
    last = until or years_later(day_at(now, 0), 1) - _DAY
    joined = driver_ensemble(observed, ahead, closed, last, settings["members"], settings["seed"])
    for name in joined.data_vars:
        joined[name].attrs = known[name].attrs
    return joined, filled


def years_later(day: dt.date, years: int) -> dt.date:
    """Return the same date years later or earlier; 29 February becomes the 28th."""
    leap = day.month == 2 and day.day == 29
    return day.replace(year=day.year + years, day=28 if leap else day.day)


def fill_days(now: xr.Dataset, past: xr.Dataset) -> tuple[xr.Dataset, int]:
    """Fill days that lack a driver with the mean of the same day of past seasons; return how many they were."""
    lacking = now.to_dataarray().isnull().any("variable")
    if not bool(lacking.any()):
        return now, 0
    normal = past[list(now.data_vars)].groupby("day.dayofyear").mean(skipna=True)
    stand_in = normal.sel(dayofyear=now["day"].dt.dayofyear, method="nearest").drop_vars("dayofyear")
    return now.fillna(stand_in), int(lacking.sum())


def written_irrigation(context: pd.DataFrame, weather: xr.Dataset) -> xr.DataArray:
    """Return what reaches the roots of the irrigation that the holding wrote down [mm per day]; zero without a line."""
    column = next((name for name in ("irrigation_mm", "irrigation") if name in context), None)
    given = context[column] if column else pd.Series(dtype=float)
    days = pd.DatetimeIndex(weather["day"].to_numpy())
    values = given.reindex(days).fillna(0.0).to_numpy() if len(given) else np.zeros(len(days))
    attributes = {"units": "mm", "long_name": "irrigation as written, less its losses"}
    return xr.DataArray(values * Irrigation.efficiency, {"day": weather["day"]}, "day", attrs=attributes)


def from_now_on(management: Irrigation, configured: str, last_observed: dt.date) -> Irrigation:
    """Return the irrigation of the days ahead: after records come refills as needed, since nobody has written them yet.

    None come when the season's last day is known already.

    Parameters
    ----------
    management
        Of the days so far.
    configured
        The rule of the configuration: none, records, refill.
    last_observed
        The last day known.
    """
    if configured != "records":
        return management
    tomorrow = last_observed + _DAY
    if management.last_day and management.last_day < tomorrow:
        return management
    return replace(management, rule="refill", first_day=max(management.first_day or tomorrow, tomorrow))


def water_told(
    result: xr.Dataset, management: Irrigation, share: xr.DataArray, last_observed: dt.date, horizon_days: int
) -> dict[str, Any]:
    """Return the part of the summary that every crop has: water on the last observed day, yield so far, advice.

    ``share`` of the transpiration without stress is what the crop is watered for, over (member, day).
    """
    today = result.sel(day=np.datetime64(last_observed))
    ahead = int((result["day"] > np.datetime64(last_observed)).sum())
    return {
        "depletion_mm": float(today["root_zone_depletion"].median()),
        "raw_mm": float(today["readily_available_water"].median()),
        "taw_mm": float(result["total_available_water"].median()),
        "ks": float(today["ks"].median()),
        "stress": float(1 - today["ks"].median()),
        "relative_yield": quantiles(result["relative_yield"]),
        "irrigation_mm_season": float(result["season_irrigation"].median()),
        "advice": _advice(result, management, share, last_observed, min(ahead, horizon_days)),
        "balance_error_mm": float(abs(result["water_balance_error"]).max()),
    }


def _advice(
    result: xr.Dataset, management: Irrigation, share: xr.DataArray, last_observed: dt.date, days: int
) -> dict[str, Any] | None:
    if days < 1:
        return None
    told = irrigation_advice(result, last_observed + _DAY, management, share, days)
    return {
        "mm": float(told["advised_gross"]),
        "net_mm": float(told["advised_net"]),
        "probability": float(told["share_in_need"]),
        "left_short": float(told["share_left_short"]),
        "first_day_of_need": told["first_day_of_need"].to_numpy(),
        "days": days,
    }


def marks(parameter_set: xr.Dataset) -> dict[str, int]:
    """Return how many parameters are given for this place, published, read in an excerpt, or priors."""
    found = [values.attrs["mark"] for values in parameter_set.data_vars.values() if "mark" in values.attrs]
    return {mark: found.count(mark) for mark in ("given", "published", "excerpt", "prior")}


def stress_days(result: xr.Dataset) -> xr.DataArray:
    """Return over member how many days of a result count as days of stress."""
    return (
        (result["ks"] < STRESS_KS)
        .sum("day")
        .astype(float)
        .assign_attrs(units="d", long_name=f"days with a stress coefficient below {STRESS_KS}")
    )


def quantiles(values: Any) -> dict[str, float | None]:
    """Return the 10, 50 and 90 % quantile of the values that are known; None where none is."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    shares = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
    return {key: float(np.quantile(known, share)) if known.size else None for key, share in shares.items()}


def stage_days(days: Any) -> dict[str, str | None]:
    """Return the middle day of a stage and its 80 % span; None where less than half of the members come to it."""
    known = pd.to_datetime(pd.Series(np.asarray(days))).dropna()
    if len(known) < len(days) / 2:
        return {"day": None, "p10": None, "p90": None}
    low, middle, high = (str(known.quantile(share))[:10] for share in (0.1, 0.5, 0.9))
    return {"day": middle, "p10": low, "p90": high}


def stage_rows(dates: Mapping[Any, xr.DataArray] | xr.Dataset, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return one row a stage: its name, middle day and span."""
    return [{"stage": name, **stage_days(dates[name].to_numpy())} for name in names]


def kept(
    result: xr.Dataset, names: Iterable[str], dates: Mapping[str, xr.DataArray], attributes: dict[str, Any]
) -> xr.Dataset:
    """Return what goes into the cube: variables of a result, dates of stages, where the weather is from."""
    stages = {name if name.startswith("stage_") else f"stage_{name}": values for name, values in dates.items()}
    carried = {
        key: str(attributes[key]) for key in ("synthetic", "title", "attribution", "source") if key in attributes
    }
    return result[[name for name in names if name in result]].assign(stages).assign_attrs(carried)
