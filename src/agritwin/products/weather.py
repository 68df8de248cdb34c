"""The season's weather against its own past, and what the forecast members say."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.agromet import chill, rain
from agritwin.agromet.daily import daily
from agritwin.agromet.degree_days import degree_days
from agritwin.agromet.derived import derived_days, derived_hours
from agritwin.agromet.frost import frost_hours
from agritwin.agromet.quality import flag
from agritwin.errors import DataError

QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
DEGREE_DAY_BASE = 7.0
FORECAST_VARIABLES = ("air_temperature_min", "air_temperature_max", "precipitation", "et0")


def daily_weather(hourly: xr.Dataset, place: dict[str, Any], zone: str) -> xr.Dataset:
    """Return whole local days with reference evapotranspiration and the day's frost and heat.

    Days at either end that the hours do not cover are left out; a day with a gap inside stays, as NaN.

    Parameters
    ----------
    hourly
        Hourly weather over ``time`` and, for forecasts, ``member``.
    place
        The product ``parcel``: latitude, longitude, elevation_m (0 where unknown).
    zone
        IANA zone.
    """
    weather = hourly.drop_vars(["origin", "variable"], errors="ignore")
    days = daily(weather, place["latitude"], place["longitude"], place["elevation_m"] or 0.0, zone)
    if "member" not in weather.dims:
        days["frost_hours"] = frost_hours(weather["air_temperature"], zone)
        days["degree_days"] = degree_days(days["air_temperature_max"], days["air_temperature_min"], DEGREE_DAY_BASE)
    return _covered(days, weather["time"].to_numpy(), zone)


def _covered(days: xr.Dataset, stamps: np.ndarray, zone: str) -> xr.Dataset:
    first, last = (pd.Timestamp(stamps[at]).tz_localize("UTC").tz_convert(zone) for at in (0, -1))
    begins = (first - pd.Timedelta(hours=1)).ceil("D").tz_localize(None)
    ends = (last.floor("D") - pd.Timedelta(days=1)).tz_localize(None)
    return days.sel(day=slice(begins, ends))


def continued(season: xr.Dataset, forecast: xr.Dataset) -> xr.Dataset:
    """Return the forecast members with the observed hours of their first civil day put before them.

    Parameters
    ----------
    season
        Hourly weather up to the last hour known.
    forecast
        Hourly members (member, time).
    """
    names = [str(name) for name in forecast.data_vars]
    begin = forecast["time"].to_numpy()[0]
    before = season[names].sel(time=slice(begin - np.timedelta64(24, "h"), begin - np.timedelta64(1, "h")))
    before = before.drop_vars("variable", errors="ignore").expand_dims(member=forecast["member"])
    both = xr.concat(
        [before, forecast], "time", data_vars="minimal", coords="minimal", compat="override", join="override"
    )
    return both.transpose("member", "time", ...).assign_attrs(forecast.attrs)


def season_sums(days: xr.Dataset, hourly: xr.Dataset, start: dt.date, end: dt.date) -> dict[str, float]:
    """Return the sums of a season between two days, both included.

    Parameters
    ----------
    days, hourly
        The same weather by day and by hour.
    start, end
        Civil days.
    """
    part = days.sel(day=slice(str(start), str(end)))
    hours = hourly["air_temperature"].sel(time=slice(str(start), str(end)))
    return {
        "days": int(part.sizes["day"]),
        "precipitation_mm": float(part["precipitation"].sum(skipna=True)),
        "et0_mm": float(part["et0"].sum(skipna=True)),
        "frost_hours": float(part["frost_hours"].sum(skipna=True)),
        "growing_degree_days": float(part["degree_days"].sum(skipna=True)),
        "chill_hours": float(chill.chill_hours(hours).sum(skipna=True)),
        "chill_units": float(chill.utah_units(hours).sum(skipna=True)),
        "chill_portions": float(chill.chill_portions(hours).sum(skipna=True)) if hours.size else 0.0,
    }


def normal_sums(days: xr.Dataset, hourly: xr.Dataset, start: dt.date, end: dt.date) -> dict[str, Any]:
    """Return median, 10 % and 90 % quantile of the same span in the past seasons that are whole.

    Returns
    -------
    dict
        Key of :func:`season_sums` to ``{median, p10, p90, years}``; quantiles None below three years.
    """
    first = day_at(days, 0)
    past = []
    for back in range(1, 60):
        begin = dt.date(start.year - back, start.month, start.day)
        if begin < first:
            break
        past.append(season_sums(days, hourly, begin, begin + (end - start)))
    table = pd.DataFrame(past)
    enough = len(table) >= 3
    return {
        name: {
            "median": table[name].median() if len(table) else None,
            "p10": table[name].quantile(0.1) if enough else None,
            "p90": table[name].quantile(0.9) if enough else None,
            "years": len(table),
        }
        for name in (table.columns if len(table) else ())
        if name != "days"
    }


def rain_return_levels(history: xr.Dataset, season: xr.Dataset) -> list[dict[str, float]] | str:
    """Return daily rain by return period with its interval, or the sentence why there is none."""
    hourly = xr.concat([history["precipitation"], season["precipitation"]], "time")
    try:
        levels = rain.return_levels(rain.annual_maxima(hourly))
    except DataError as error:
        return str(error)
    if levels.attrs["outcome"] != "fitted":
        return f"Too few whole years of rain ({levels.attrs['years']}) to tell how rare an amount is."
    names = {"return_period": "years", "level": "mm_per_day", "lower": "low", "upper": "high"}
    table = levels.to_dataframe().reset_index().rename(columns=names)
    return pd.DataFrame(table, columns=list(names.values())).to_dict("records")


def ahead(forecast: xr.Dataset | None, begin: np.datetime64 | str) -> xr.Dataset | None:
    """Return what of a forecast lies ahead of a moment (UTC), or None where that is nothing: an old issue runs out."""
    if forecast is None:
        return None
    left = forecast.sel(time=slice(np.datetime64(begin, "ns"), None))
    return left if left.sizes["time"] else None


def after(season: xr.Dataset) -> np.datetime64:
    """Return the hour after the last one observed."""
    return season["time"].to_numpy()[-1] + np.timedelta64(1, "h")


def forecast_days(
    season: xr.Dataset, forecast: xr.Dataset | None, place: dict[str, Any], zone: str
) -> dict[str, Any] | None:
    """Return the forecast by day as quantiles over members, or None where there is no forecast."""
    if forecast is None:
        return None
    days = daily_weather(continued(season, forecast), place, zone)
    first = pd.Timestamp(forecast["time"].to_numpy()[0]).tz_localize("UTC").tz_convert(zone)
    days = days.sel(day=slice(str(first.date()), None))
    whole = days.sel(day=days["air_temperature_max"].notnull().any("member"))
    rows = []
    for day in whole["day"].to_numpy():
        row: dict[str, Any] = {"day": day}
        for name in FORECAST_VARIABLES:
            values = whole[name].sel(day=day).to_numpy()
            row[name] = {key: np.nanquantile(values, share) for key, share in QUANTILES.items()}
        row["precipitation"]["max"] = np.nanmax(whole["precipitation"].sel(day=day).to_numpy())
        rows.append(row)
    return {"issue_time": forecast["issue_time"].to_numpy(), "members": forecast.sizes["member"], "days": rows}


def quality_counts(hourly: xr.Dataset, place: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Return, by variable, how many hours carry each quality flag."""
    weather = hourly.drop_vars(["origin", "variable"], errors="ignore")
    flags = flag(weather, place["latitude"], place["longitude"], place["elevation_m"] or 0.0)
    counts = {}
    for name, values in flags.data_vars.items():
        meanings = str(values.attrs["flag_meanings"]).split()
        found = np.bincount(values.to_numpy().ravel(), minlength=len(meanings))
        counts[str(name).removesuffix("_flag")] = {
            meaning: int(count) for meaning, count in zip(meanings, found, strict=True) if count
        }
    return counts


def day_at(days: xr.Dataset, position: int) -> dt.date:
    """Return the civil day at a position of a daily dataset."""
    return days["day"].to_numpy()[position].astype("datetime64[D]").item()


def issue_day(days: xr.Dataset) -> dt.date:
    """Return the day after the last day of a daily dataset."""
    return day_at(days, -1) + dt.timedelta(days=1)


def all_hours(history: xr.Dataset, season: xr.Dataset, place: dict[str, Any]) -> xr.Dataset:
    """Return closed seasons and the current one as one series of hours, each hour once, with what derives from them."""
    parts = [part.drop_vars(["origin", "variable"], errors="ignore") for part in (history, season)]
    whole = xr.concat(parts, "time", data_vars="minimal", coords="minimal", compat="override", join="override")
    whole = whole.drop_duplicates("time").sortby("time")
    return whole.assign(derived_hours(whole, place["latitude"], place["longitude"], place["elevation_m"] or 0.0))


def all_days(past: xr.Dataset, now: xr.Dataset) -> xr.Dataset:
    """Return closed seasons and the current one as one series of days."""
    return xr.concat([past, now], "day", data_vars="minimal", coords="minimal", compat="override")


def with_derived(days: xr.Dataset, hours: xr.Dataset, zone: str) -> xr.Dataset:
    """Return days with the chill, heat, wet leaves and evaporation of their hours, from :func:`all_hours`."""
    return days.assign(derived_days(hours, zone).reindex(day=days["day"]))
