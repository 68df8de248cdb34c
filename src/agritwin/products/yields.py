"""The harvest to come, as far as past harvests justify saying anything."""

import datetime as dt
from typing import Any

import pandas as pd
import xarray as xr

from agritwin.models.features import drivers, ndvi_by_day, season_features
from agritwin.models.yields import AGE_CURVES, YieldOutcome, training_table, yield_outcome
from agritwin.products.weather import daily_weather

HOURLY = ("air_temperature", "relative_humidity", "wind_speed", "precipitation", "shortwave_radiation")


def season_drivers(
    history: xr.Dataset, season: xr.Dataset, context: pd.DataFrame, site: dict[str, Any], zone: str
) -> xr.Dataset:
    """Return the daily drivers of the features, over all seasons.

    Parameters
    ----------
    history, season
        Hourly weather.
    context
        The joined days; its column ``ndvi`` holds the parcel's mean on days with a usable scene.
    site, zone
        The product ``parcel`` and the zone.
    """
    hourly = xr.concat([history[list(HOURLY)], season[list(HOURLY)]], "time").assign_attrs(season.attrs)
    days = drivers(hourly, daily_weather(hourly, site, zone), zone)
    if "ndvi" in context and bool(context["ndvi"].notna().to_numpy().any()):
        scenes = context["ndvi"].dropna()
        series = xr.DataArray(scenes.to_numpy(), {"time": scenes.index.to_numpy()}, "time", attrs={"units": "1"})
        days["ndvi"] = ndvi_by_day(series, pd.DatetimeIndex(days["day"].to_numpy()))
    return days


def predict(
    twin: str,
    harvests: list[dict[str, Any]],
    days: xr.Dataset,
    issue: dt.date,
    planting: dict[str, Any],
    minimum: int,
) -> tuple[YieldOutcome, pd.DataFrame]:
    """Return what is published about the coming harvest, and the training table behind it.

    Parameters
    ----------
    twin
        Id.
    harvests
        ``season`` and ``kg_per_ha``.
    days
        From :func:`season_drivers`.
    issue
        Last day whose data count.
    planting, minimum
        Section of the configuration, for the age of the trees; harvests below which nothing is fitted.
    """
    past = pd.DataFrame(harvests, columns=["season", "kg_per_ha"])
    past = past.rename(columns={"season": "year", "kg_per_ha": "yield"}).assign(parcel=twin)
    years = sorted({*past["year"].astype(int), issue.year})
    features = season_features(days, range(years[0], issue.year + 1), issue)
    if past.empty:
        coming = pd.DataFrame({"year": [issue.year], "yield": [float("nan")], "parcel": [twin]})
        past = coming
    table = training_table(past, features, planting["year"], AGE_CURVES.get(planting["species"]))
    return yield_outcome(table, issue.year, issue, parcel=twin, minimum_harvests=minimum), table


def publishable(outcome: YieldOutcome, table: pd.DataFrame, season: int) -> dict[str, Any]:
    """Return the keys of the product ``yield``."""
    low, middle, high = (_level(outcome.quantiles, level) for level in (0.05, 0.5, 0.95))
    return {
        "outcome": outcome.code,
        "sentence": outcome.sentence,
        "harvests": outcome.harvests,
        "prediction": None
        if middle is None
        else {"value": middle, "low": low, "high": high, "units": "kg/ha", "season": season, "model": outcome.method},
        "scores": outcome.scores.reset_index(),
        "folds": outcome.folds,
        "table": table.astype(object).where(table.notna(), None),
        "model_card": outcome.card,
    }


def _level(quantiles: dict[float, float], level: float) -> float | None:
    near = [value for key, value in quantiles.items() if abs(key - level) < 1e-9]
    return near[0] if near else None
