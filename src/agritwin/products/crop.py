"""The orchard of the season: what the trees have seen, where the soil's water stands, what the days ahead ask for."""

import datetime as dt
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.errors import ConfigError, DataError
from agritwin.products import season as shared
from agritwin.products.ndvi import usable
from agritwin.simulation.orchard.advice import aimed_share
from agritwin.simulation.orchard.balance import simulate
from agritwin.simulation.orchard.canopy import cover_from_age, cover_from_ndvi
from agritwin.simulation.orchard.frost_damage import frost_damage, relative_yield
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.parameters import sample, with_cover
from agritwin.simulation.orchard.phenology import STAGES, calendar, continuations

DRIVERS = ("precipitation", "et0", "wind_speed", "relative_humidity_min", "air_temperature_min")
#: The water of a day.
WATER = (
    "root_zone_depletion",
    "readily_available_water",
    "ks",
    "kcb",
    "transpiration",
    "soil_evaporation",
    "irrigation",
    "drainage",
    "runoff",
    "precipitation",
)
KEPT = (*WATER, "total_available_water", "season_irrigation", "water_balance_error")
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
LEAVES = ("full_canopy", "leaf_fall")  # no dates of evergreens
COVER_ERROR = 0.06
AGE_COVER_ERROR = 0.4  # as a share of what the age says; a prior
_BY_AGE = "age of the trees (a prior)"


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
    cover, source = _cover(planting, ndvi, year, site["latitude"])
    members, seed = settings["members"], settings["seed"]
    spread = np.random.default_rng(seed).standard_normal((2, members))
    spread[:, 0] = 0.0
    known: dict[str, Any] = {"initial_depletion_share": settings["initial_depletion_share"]}
    if cover is not None:
        error = AGE_COVER_ERROR * cover if source == _BY_AGE else COVER_ERROR
        known["cover_maximum"] = np.clip(cover + error * spread[0], 0.02, 0.95)
    if planting["canopy_height_m"] is not None:
        known["height"] = planting["canopy_height_m"]
    if site["soil"] is not None:
        likely = site["soil"]["total_available_water_mm"]
        known["total_available_water"] = likely * np.exp(shared.AVAILABLE_WATER_ERROR * spread[1])
    return with_cover(sample(planting["species"], members, seed, **known), site["latitude"]), source


def _cover(planting: dict[str, Any], ndvi: xr.Dataset | None, year: int, latitude: float) -> tuple[float | None, str]:
    """Cover in full leaf, None where nothing tells; images from before the trees were planted show other things."""
    if planting["canopy_cover"] is not None:
        return float(planting["canopy_cover"]), "the twin's configuration"
    if ndvi is not None:
        good = usable(ndvi)["ndvi_mean"]
        summer = good.sel(time=good["time"].dt.month.isin([6, 7, 8] if latitude >= 0.0 else [12, 1, 2]))
        recent = summer.sel(time=summer["time"].dt.year >= max(year - 2, planting["year"] or 0))
        if recent.size >= 3:
            return float(
                cover_from_ndvi(float(recent.quantile(0.9)))
            ), "NDVI of the last summers (Johnson and Trout 2012)"
    if planting["year"] is not None:
        return float(cover_from_age(year - planting["year"])), _BY_AGE
    return None, "the species (a prior)"


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


def prepare(days: xr.Dataset) -> xr.Dataset:
    """Return the drivers of the trees from days of weather."""
    return days[list(DRIVERS)].drop_vars(["latitude", "longitude"], errors="ignore")


#: Trees' daily drivers to the season's end.
season_drivers = partial(shared.season_drivers, prepare=prepare)


def manage(stages: xr.Dataset, irrigation: dict[str, Any], last_day: dt.date) -> Irrigation:
    """Return the irrigation from the leaves on; of evergreens all year round.

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
    evergreen = bool(stages.attrs.get("evergreen"))
    first = leaves.date() if pd.notna(leaves) and not evergreen else None if evergreen else last_day
    return Irrigation(
        rule="refill" if irrigation["rule"] == "refill" and (first or last_day) <= last_day else "none",
        wetted_fraction=irrigation["wetted_fraction"],
        under_canopy=irrigation["system"] == "drip",
        threshold_share_of_raw=irrigation["threshold_share_of_raw"],
        maximum_mm_per_day=irrigation["maximum_mm_per_day"],
        first_day=first and min(first, last_day),
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
    names = (*KEPT, "relative_yield", "relative_yield_water", *frost)
    return shared.kept(result, names, {name: stages[name] for name in SHOWN_DATES}, attributes)


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
    shown = [name for name in SHOWN_DATES if name not in LEAVES or not stages.attrs.get("evergreen")]
    return {
        "stage": stage_of(stages, last_observed),
        "stages": shared.stage_rows(stages, shown),
        **shared.water_told(
            result, management, aimed_share(stages, management, result["day"]), last_observed, horizon_days
        ),
        "frost_damage": shared.quantiles(result["frost_damage"]),
    }


def seasons_calendar(
    history: xr.Dataset,
    season: xr.Dataset,
    forecast: xr.Dataset | None,
    parameter_set: xr.Dataset,
    start: dt.date,
    zone: str,
    latitude: float,
) -> tuple[xr.Dataset, int]:
    """Return the members' stages, the rest of the year carried on by past years; and how many hours were filled.

    Raises
    ------
    ConfigError
        When the season begins in the hemisphere's spring or summer, so that its winter's chill would not count.
    """
    southern = check_season(start, latitude)
    courses, filled = temperature_courses(history, season, forecast, start)
    return calendar(courses, parameter_set, start, zone, southern=southern), filled


def check_season(start: dt.date, latitude: float) -> bool:
    """Return whether a twin lies in the south, and refuse a season of trees that begins between winter and autumn.

    Raises
    ------
    ConfigError
        Naming the day, and one that would do.
    """
    southern = latitude < 0.0
    autumn = range(3, 8) if southern else (9, 10, 11, 12, 1)
    if start.month not in autumn:
        raise ConfigError(
            f"season.start is {start:%m-%d}, but at latitude {latitude:.1f} the trees' chill counts from autumn on.",
            f"Set season.start to {'05-01' if southern else '11-01'} in the twin's YAML.",
        )
    return southern


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
    courses = continuations(whole, dt.date(start.year + 1, start.month, 1) + dt.timedelta(days=60))
    return courses.assign_attrs(whole.attrs), filled
