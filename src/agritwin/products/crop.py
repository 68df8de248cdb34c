"""The orchard of the season: what the trees have seen, where the soil's water stands, what the days ahead ask for."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.errors import DataError
from agritwin.products.ndvi import usable
from agritwin.products.weather import continued, daily_weather, day_at
from agritwin.simulation.drivers import driver_ensemble
from agritwin.simulation.orchard.advice import irrigation_advice
from agritwin.simulation.orchard.balance import simulate
from agritwin.simulation.orchard.canopy import cover_from_age, cover_from_ndvi
from agritwin.simulation.orchard.frost_damage import frost_damage, relative_yield
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.parameters import sample, with_cover
from agritwin.simulation.orchard.phenology import STAGES, calendar, continuations

DRIVERS = ("precipitation", "et0", "wind_speed", "relative_humidity_min", "air_temperature_min")
KEPT = (
    "precipitation",
    "root_zone_depletion",
    "readily_available_water",
    "ks",
    "kcb",
    "transpiration",
    "soil_evaporation",
    "irrigation",
    "drainage",
    "runoff",
    "total_available_water",
    "season_irrigation",
    "water_balance_error",
)
SHOWN_DATES = (
    "chill_met",
    "bud_swell",
    "bloom",
    "fruit_set",
    "full_canopy",
    "stage_2",
    "stage_3",
    "maturity",
    "leaf_fall",
)
COVER_ERROR = 0.06
AVAILABLE_WATER_ERROR = 0.15  # of what a pedotransfer function says, as a share; a prior


def parameters(
    site: dict[str, Any], planting: dict[str, Any], settings: dict[str, Any], ndvi: xr.Dataset | None, year: int
) -> tuple[xr.Dataset, str]:
    """Return the members' parameters, and where the ground cover comes from.

    Parameters
    ----------
    site
        The product ``parcel``: its soil gives the available water.
    planting, settings
        Sections of the configuration.
    ndvi
        All scenes up to now, or None.
    year
        Calendar year, for the age of the trees.
    """
    cover, source = _cover(planting, ndvi, year)
    members, seed = settings["members"], settings["seed"]
    spread = np.random.default_rng(seed).standard_normal((2, members))
    spread[:, 0] = 0.0
    known: dict[str, Any] = {
        "cover_maximum": np.clip(cover + COVER_ERROR * spread[0], 0.05, 0.95),
        "initial_depletion_share": settings["initial_depletion_share"],
    }
    if planting["canopy_height_m"] is not None:
        known["height"] = planting["canopy_height_m"]
    if site["soil"] is not None:
        likely = site["soil"]["total_available_water_mm"]
        known["total_available_water"] = likely * np.exp(AVAILABLE_WATER_ERROR * spread[1])
    return with_cover(sample(planting["species"], members, seed, **known), site["latitude"]), source


def _cover(planting: dict[str, Any], ndvi: xr.Dataset | None, year: int) -> tuple[float, str]:
    if planting["canopy_cover"] is not None:
        return float(planting["canopy_cover"]), "the twin's configuration"
    if ndvi is not None:
        good = usable(ndvi)["ndvi_mean"]
        summer = good.sel(time=good["time"].dt.month.isin([6, 7, 8]))
        recent = summer.sel(time=summer["time"].dt.year >= year - 2)
        if recent.size >= 3:
            return float(
                cover_from_ndvi(float(recent.quantile(0.9)))
            ), "NDVI of the last summers (Johnson and Trout 2012)"
    if planting["year"] is not None:
        return float(cover_from_age(year - planting["year"])), "age of the trees (a prior)"
    return float(sample(planting["species"], 1, 0)["cover_maximum"][0]), "the species (a prior)"


def gapless(temperature: xr.DataArray) -> tuple[xr.DataArray, int]:
    """Fill hours that nobody gave with the mean of the same hour of other years; return how many they were.

    Raises
    ------
    DataError
        When an hour is missing in every year.
    """
    series = pd.Series(temperature.to_numpy(), pd.DatetimeIndex(temperature["time"].to_numpy()))
    missing = series.isna()
    if missing.any():
        hour = pd.DatetimeIndex(series.index).strftime("%m-%d %H")
        series = series.fillna(series.groupby(hour).transform("mean")).interpolate(limit=48)
    if series.isna().any():
        raise DataError(
            f"Temperature is missing at {series.index[series.isna().to_numpy()][0]} and in no other year there.",
            "Add a second weather source that fills the gap.",
        )
    return temperature.copy(data=series.to_numpy()), int(missing.sum())


def drivers(
    past: xr.Dataset,
    now: xr.Dataset,
    season: xr.Dataset,
    forecast: xr.Dataset | None,
    site: dict[str, Any],
    zone: str,
    horizon_days: int,
    members: int,
) -> tuple[xr.Dataset, int]:
    """Return the daily drivers (member, day): observed to the last day, then the forecast members in turn.

    Parameters
    ----------
    past, now
        Days of closed seasons and of this one.
    season, forecast
        Hourly weather of this season and the hourly members, or None: then the drivers end with the observations.
    site, zone
        The product ``parcel`` and the zone.
    horizon_days, members
        Days ahead, and members of the orchard; each takes one forecast member.

    Returns
    -------
    tuple
        Drivers, and how many observed days had to be filled with the mean of the same days of past seasons.
    """
    observed, filled = fill_days(now[list(DRIVERS)].drop_vars(["latitude", "longitude"], errors="ignore"), past)
    parts = [observed.expand_dims(member=np.arange(members))]
    if forecast is not None:
        ahead = daily_weather(continued(season, forecast), site, zone)[list(DRIVERS)]
        ahead = (
            ahead.drop_vars(["latitude", "longitude"], errors="ignore")
            .sel(day=slice(observed["day"].to_numpy()[-1] + np.timedelta64(1, "D"), None))
            .isel(day=slice(0, horizon_days))
        )
        whole = ahead.sel(day=ahead.to_dataarray().notnull().all(["variable", "member"]))
        chosen = whole.isel(member=np.arange(members) % whole.sizes["member"])
        parts.append(chosen.assign_coords(member=np.arange(members)))
    joined = xr.concat(parts, "day", data_vars="minimal", coords="minimal", compat="override", join="override")
    for name in DRIVERS:
        joined[name].attrs = now[name].attrs
    return joined.transpose("member", "day"), filled


def season_drivers(
    past: xr.Dataset,
    now: xr.Dataset,
    season: xr.Dataset,
    forecast: xr.Dataset | None,
    site: dict[str, Any],
    zone: str,
    settings: dict[str, Any],
) -> tuple[xr.Dataset, int]:
    """Return the daily drivers (member, day) to the end of the season: observed, forecast members, past years.

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

    Returns
    -------
    tuple
        Drivers, and how many observed days had to be filled with the mean of the same days of past seasons.
    """
    bare = [part[list(DRIVERS)].drop_vars(["latitude", "longitude"], errors="ignore") for part in (past, now)]
    observed, filled = fill_days(bare[1], bare[0])
    ahead = None
    if forecast is not None:
        ahead = daily_weather(continued(season, forecast), site, zone)[list(DRIVERS)]
    first = day_at(now, 0)
    until = dt.date(first.year + 1, first.month, first.day) - dt.timedelta(days=1)
    joined = driver_ensemble(observed, ahead, bare[0], until, settings["members"], settings["seed"])
    for name in DRIVERS:
        joined[name].attrs = now[name].attrs
    return joined, filled


def fill_days(now: xr.Dataset, past: xr.Dataset) -> tuple[xr.Dataset, int]:
    """Fill days that lack a driver with the mean of the same day of past seasons; return how many they were."""
    lacking = now.to_dataarray().isnull().any("variable")
    if not bool(lacking.any()):
        return now, 0
    normal = past[list(DRIVERS)].groupby("day.dayofyear").mean(skipna=True)
    stand_in = normal.sel(dayofyear=now["day"].dt.dayofyear, method="nearest").drop_vars("dayofyear")
    return now.fillna(stand_in), int(lacking.sum())


def manage(stages: xr.Dataset, irrigation: dict[str, Any], last_day: dt.date) -> Irrigation:
    """Return the irrigation from the leaves on.

    Parameters
    ----------
    stages
        Members' calendar.
    irrigation
        Section of the configuration.
    last_day
        The last day on which a rule may irrigate.
    """
    leaves = pd.Series(stages["leaf_out"].to_numpy()).median()
    first = leaves.date() if pd.notna(leaves) else last_day
    return Irrigation(
        rule="refill" if irrigation["rule"] == "refill" and first <= last_day else "none",
        wetted_fraction=irrigation["wetted_fraction"],
        under_canopy=irrigation["system"] == "drip",
        threshold_share_of_raw=irrigation["threshold_share_of_raw"],
        maximum_mm_per_day=irrigation["maximum_mm_per_day"],
        first_day=min(first, last_day),
        last_day=last_day,
    )


def dated(parameter_set: xr.Dataset, stages: xr.Dataset) -> xr.Dataset:
    """Return the members' parameters with their calendar, as the balance takes them."""
    return parameter_set.assign(
        {str(name): stages[name] for name in stages.data_vars if stages[name].dtype.kind == "M"}
    )


def run(weather: xr.Dataset, parameter_set: xr.Dataset, stages: xr.Dataset, management: Irrigation) -> xr.Dataset:
    """Simulate the days of the weather: water, frost, and what both leave of the yield.

    Parameters
    ----------
    weather
        From :func:`season_drivers`; with ``irrigation`` (mm) where the holding wrote it down.
    parameter_set, stages, management
        Members' parameters, calendar, and irrigation.
    """
    result = simulate(weather, dated(parameter_set, stages), None, management)
    damage = frost_damage(weather["air_temperature_min"], stages, parameter_set)
    result["relative_yield"] = relative_yield(result["relative_yield_water"], damage)
    result["precipitation"] = weather["precipitation"]
    return result.assign(damage.data_vars)


def keep(result: xr.Dataset, stages: xr.Dataset, attributes: dict[str, Any]) -> xr.Dataset:
    """Return what goes into the cube: daily states and fluxes, the members' stages and yields."""
    frost = [str(name) for name in result.data_vars if str(name).startswith("frost")]
    kept = result[[name for name in (*KEPT, "relative_yield", "relative_yield_water", *frost) if name in result]]
    dates = {f"stage_{name}" if not name.startswith("stage_") else name: stages[name] for name in SHOWN_DATES}
    carried = {
        key: str(attributes[key]) for key in ("synthetic", "title", "attribution", "source") if key in attributes
    }
    return kept.assign(dates).assign_attrs(carried)


def stage_of(stages: xr.Dataset, day: dt.date) -> str:
    """Return the stage that most members have reached on a day."""
    begun = [
        name
        for name, opening in STAGES.items()
        if opening == "start" or float((stages[opening] <= np.datetime64(day)).mean()) >= 0.5
    ]
    return begun[-1]


def summary(
    result: xr.Dataset, stages: xr.Dataset, management: Irrigation, last_observed: dt.date, horizon_days: int
) -> dict[str, Any]:
    """Return the product's summary: stage, water in the soil on the last observed day, yield so far, advice."""
    today = result.sel(day=np.datetime64(last_observed))
    ahead = int((result["day"] > np.datetime64(last_observed)).sum())
    return {
        "stage": stage_of(stages, last_observed),
        "stages": [_stage_row(name, stages[name].to_numpy()) for name in SHOWN_DATES],
        "depletion_mm": float(today["root_zone_depletion"].median()),
        "raw_mm": float(today["readily_available_water"].median()),
        "taw_mm": float(result["total_available_water"].median()),
        "ks": float(today["ks"].median()),
        "stress": float(1 - today["ks"].median()),
        "relative_yield": _quantiles(result["relative_yield"]),
        "frost_damage": _quantiles(result["frost_damage"]),
        "irrigation_mm_season": float(result["season_irrigation"].median()),
        "advice": _advice(result, management, last_observed, min(ahead, horizon_days)),
        "balance_error_mm": float(abs(result["water_balance_error"]).max()),
    }


def _advice(result: xr.Dataset, management: Irrigation, last_observed: dt.date, days: int) -> dict[str, Any] | None:
    if days < 1:
        return None
    told = irrigation_advice(result, last_observed + dt.timedelta(days=1), management, days)
    return {
        "mm": float(told["advised_gross"]),
        "net_mm": float(told["advised_net"]),
        "probability": float(told["share_in_need"]),
        "first_day_of_need": told["first_day_of_need"].to_numpy(),
        "days": days,
    }


def _quantiles(values: xr.DataArray) -> dict[str, float]:
    return {key: float(values.quantile(share)) for key, share in {"p10": 0.1, "p50": 0.5, "p90": 0.9}.items()}


def _stage_row(name: str, days: np.ndarray) -> dict[str, Any]:
    known = pd.to_datetime(pd.Series(days)).dropna()
    if len(known) < len(days) / 2:
        return {"stage": name, "day": None, "p10": None, "p90": None}
    low, middle, high = (str(known.quantile(share))[:10] for share in (0.1, 0.5, 0.9))
    return {"stage": name, "day": middle, "p10": low, "p90": high}


def seasons_calendar(
    history: xr.Dataset,
    season: xr.Dataset,
    forecast: xr.Dataset | None,
    parameter_set: xr.Dataset,
    start: dt.date,
    zone: str,
) -> tuple[xr.Dataset, int]:
    """Return the members' stages, the rest of the year carried on by past years; and how many hours were filled."""
    courses, filled = temperature_courses(history, season, forecast, start)
    return calendar(courses, parameter_set, start, zone), filled


def temperature_courses(
    history: xr.Dataset, season: xr.Dataset, forecast: xr.Dataset | None, start: dt.date
) -> tuple[xr.DataArray, int]:
    """Return hourly temperatures to the end of the year, carried on by past years; and how many hours were filled."""
    record = xr.concat([history["air_temperature"], season["air_temperature"]], "time")
    if forecast is not None:
        middle = (
            forecast["air_temperature"]
            .median("member")
            .sel(time=slice(season["time"].to_numpy()[-1] + np.timedelta64(1, "h"), None))
        )
        record = xr.concat([record, middle], "time", coords="minimal", compat="override")
    whole, filled = gapless(record.assign_attrs(season["air_temperature"].attrs))
    year = start.year + 1 if start.month > 6 else start.year
    courses = continuations(whole, dt.date(year, 12, 31))
    return courses.assign_attrs(whole.attrs), filled


def written_irrigation(context: pd.DataFrame, weather: xr.Dataset) -> xr.DataArray:
    """Return the irrigation that the holding wrote down [mm per day], zero on days without a line."""
    column = next((name for name in ("irrigation_mm", "irrigation") if name in context), None)
    given = context[column] if column else pd.Series(dtype=float)
    days = pd.DatetimeIndex(weather["day"].to_numpy())
    values = given.reindex(days).fillna(0.0).to_numpy() if len(given) else np.zeros(len(days))
    return xr.DataArray(
        values, {"day": weather["day"]}, "day", attrs={"units": "mm", "long_name": "irrigation, as written"}
    )
