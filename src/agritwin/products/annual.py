"""The field of the season: how far an annual crop is, where the soil's water stands, what the days ahead ask for.

The counterpart of ``products.crop`` for annual species: the same drivers, the same product, another engine.
"""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.errors import DataError
from agritwin.products.weather import continued, daily_weather, day_at
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.annual.parameters import SPECIES, sample, usual_start
from agritwin.simulation.annual.weather import drivers
from agritwin.simulation.annual.wofost import simulate
from agritwin.simulation.drivers import driver_ensemble
from agritwin.simulation.orchard.advice import irrigation_advice
from agritwin.simulation.orchard.management import Irrigation

KEPT = (
    "precipitation",
    "development_stage",
    "leaf_area_index",
    "above_ground_production",
    "storage_organ_weight",
    "rooting_depth",
    "soil_moisture",
    "root_zone_depletion",
    "readily_available_water",
    "ks",
    "transpiration",
    "soil_evaporation",
    "irrigation",
    "drainage",
    "runoff",
    "total_available_water",
    "season_irrigation",
    "water_balance_error",
    "relative_yield",
    "yield_dry_matter",
)
DAILY = (
    "phase",
    "potential_transpiration",
    *KEPT[1:15],
)
SHOWN_DATES = ("emergence", "flowering", "ripeness")
#: Stage of the product for each phase of a member.
STAGES = ("bare", "sown", "vegetative", "reproductive", "ripe", "harvested")
ANGSTROM = (0.25, 0.50)  # FAO-56 Eq. 35, where nothing is known of the place
AVAILABLE_WATER_ERROR = 0.15  # of what a pedotransfer function says, as a share; a prior
_PERCOLATION = (0.1, 100.0)  # cm d-1


def grown(planting: dict[str, Any]) -> bool:
    """Whether an annual crop with parameters of WOFOST grows there."""
    return planting["species"] in SPECIES


def parameters(site: dict[str, Any], planting: dict[str, Any], settings: dict[str, Any]) -> xr.Dataset:
    """Return the members' parameters: those of the species, and the soil of the parcel where it is known.

    Parameters
    ----------
    site
        The product ``parcel``: its soil gives water contents and conductivity.
    planting, settings
        Sections of the configuration.
    """
    members, seed = settings["members"], settings["seed"]
    known = {} if site["soil"] is None else _soil(site["soil"]["layers"], settings, members)
    return sample(planting["species"], members, seed, **known)


def _soil(layers: list[dict[str, Any]], settings: dict[str, Any], members: int) -> dict[str, Any]:
    """WOFOST's soil from layers: means over the rooted depth, stones holding no water."""
    table = pd.DataFrame(layers).astype(float).dropna(subset=["wilting_point", "field_capacity", "saturation"])
    column = {str(name): values.to_numpy() for name, values in table.items()}
    depth = settings["root_depth_m"]
    thickness = np.clip(np.minimum(column["depth_bottom_m"], depth) - column["depth_top_m"], 0.0, None)
    if not thickness.sum() > 0.0:
        raise DataError("No layer of the soil has its water contents.", "Correct the soil of the parcel.")
    weight = thickness / thickness.sum()
    fine = 1.0 - np.nan_to_num(column["coarse_fragments"]) / 100.0
    contents = (column[name] for name in ("wilting_point", "field_capacity", "saturation"))
    dry, moist, full = (float((content * fine * weight).sum()) for content in contents)
    slowest = 1.0 / (weight / (column["saturated_hydraulic_conductivity"] * 2.4)).sum()  # mm h-1 to cm d-1, in series
    percolation = float(np.clip(slowest, *_PERCOLATION))
    spread = 1.0 + np.random.default_rng(settings["seed"]).normal(0.0, AVAILABLE_WATER_ERROR, members).clip(-0.5, 0.5)
    spread[0] = 1.0
    field_capacity = np.minimum(dry + (moist - dry) * spread, full - 0.01)
    rooted = 100.0 * min(depth, float(column["depth_bottom_m"].max()))
    return {
        "SMW": dry,
        "SMFCF": field_capacity,
        "SM0": full,
        "SMLIM": full,
        "SOPE": percolation,
        "KSUB": percolation,
        "RDMSOL": rooted,
        "WAV": (1.0 - settings["initial_depletion_share"]) * (field_capacity - dry) * rooted,
    }


def manage(
    planting: dict[str, Any], irrigation: dict[str, Any], first_day: dt.date, last_day: dt.date
) -> tuple[Cropping, str]:
    """Return how the crop is grown, and a sentence on where its start comes from.

    Parameters
    ----------
    planting, irrigation
        Sections of the configuration; ``sowing`` and ``harvest`` (MM-DD) of ``planting`` may be absent.
    first_day
        First day of the season; dates are the first such days from then on.
    last_day
        The last day on which a rule may irrigate.
    """
    start, day = usual_start(planting["species"])
    wanted = planting.get("sowing")
    sentence = f"The set of parameters begins at {start} on {day}."
    if wanted and start == "sowing":
        day, sentence = wanted, f"Sown on {wanted}, as the twin's configuration says."
    begun = _next(day, first_day)
    harvest = planting.get("harvest")
    rule = Irrigation(
        rule="refill" if irrigation["rule"] == "refill" else "none",
        threshold_share_of_raw=irrigation["threshold_share_of_raw"],
        maximum_mm_per_day=irrigation["maximum_mm_per_day"],
        last_day=last_day,
    )
    taken_off = _next(harvest, begun + dt.timedelta(days=1)) if harvest else None
    return Cropping(sowing=begun, start=start, harvest=taken_off, irrigation=rule), sentence


def _next(day: str, begin: dt.date) -> dt.date:
    month, number = map(int, day.split("-"))
    this_year = dt.date(begin.year, month, min(number, 28) if month == 2 else number)
    return this_year if this_year >= begin else this_year.replace(year=begin.year + 1)


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
    past, now, season, forecast, site, zone, settings
        As in :func:`agritwin.products.crop.season_drivers`.

    Returns
    -------
    tuple
        Drivers, and how many observed days had to be filled with the mean of the same days of past seasons.
    """
    bare = [_for_growth(part, site) for part in (past, now)]
    lacking = bare[1].to_dataarray().isnull().any("variable")
    normal = bare[0].groupby("day.dayofyear").mean(skipna=True)
    stand_in = normal.sel(dayofyear=bare[1]["day"].dt.dayofyear, method="nearest").drop_vars("dayofyear")
    observed = bare[1].fillna(stand_in) if bool(lacking.any()) else bare[1]
    ahead = None if forecast is None else _for_growth(daily_weather(continued(season, forecast), site, zone), site)
    first = day_at(now, 0)
    until = dt.date(first.year + 1, first.month, first.day) - dt.timedelta(days=1)
    joined = driver_ensemble(observed, ahead, bare[0], until, settings["members"], settings["seed"])
    for name in joined.data_vars:
        joined[name].attrs = bare[1][name].attrs
    return joined.assign_coords(latitude=site["latitude"]), int(lacking.sum())


def _for_growth(days: xr.Dataset, site: dict[str, Any]) -> xr.Dataset:
    found = drivers(days, site["latitude"], site["elevation_m"] or 0.0, ANGSTROM)
    return found.drop_vars(["latitude", "longitude"], errors="ignore")


def run(weather: xr.Dataset, parameter_set: xr.Dataset, cropping: Cropping) -> xr.Dataset:
    """Simulate the days of the weather: growth, water, and what the lack of water leaves of the growth.

    Parameters
    ----------
    weather
        From :func:`season_drivers`; with ``irrigation`` (mm) where the holding wrote it down.
    parameter_set, cropping
        Members' parameters, and how the crop is grown.
    """
    result = simulate(weather, parameter_set, None, cropping, daily=DAILY)
    unlimited = Cropping(cropping.sowing, cropping.start, cropping.harvest, cropping.end, production="potential")
    most = simulate(weather, parameter_set, None, unlimited, daily=False)["total_above_ground_production"]
    share = (result["total_above_ground_production"] / most.where(most > 0.0)).fillna(1.0)
    result["relative_yield"] = share.assign_attrs(
        units="1", long_name="dry matter above the ground over that without lack of water, to the last day"
    )
    depth = np.minimum(parameter_set["RDMCR"], parameter_set["RDMSOL"])
    water = 10.0 * (parameter_set["SMFCF"] - parameter_set["SMW"]) * depth
    result["total_available_water"] = (water + xr.zeros_like(share)).assign_attrs(
        units="mm", long_name="total available water of the greatest root zone"
    )
    result["precipitation"] = weather["precipitation"]
    return result


def keep(result: xr.Dataset, attributes: dict[str, Any]) -> xr.Dataset:
    """Return what goes into the cube: daily states and fluxes, the members' stages and yields."""
    kept = result[[name for name in KEPT if name in result]]
    dates = {f"stage_{name}": result[name] for name in SHOWN_DATES}
    carried = {
        key: str(attributes[key]) for key in ("synthetic", "title", "attribution", "source") if key in attributes
    }
    return kept.assign(dates).assign_attrs(carried)


def stage_of(result: xr.Dataset, day: dt.date) -> str:
    """Return the stage that the middle of the members has reached on a day."""
    phases = np.sort(result["phase"].sel(day=np.datetime64(day)).to_numpy())
    return STAGES[int(phases[(phases.size - 1) // 2])]


def summary(result: xr.Dataset, cropping: Cropping, last_observed: dt.date, horizon_days: int) -> dict[str, Any]:
    """Return the product's summary: stage, growth, water in the soil on the last observed day, yield, advice."""
    today = result.sel(day=np.datetime64(last_observed))
    ahead = int((result["day"] > np.datetime64(last_observed)).sum())
    return {
        "stage": stage_of(result, last_observed),
        "stages": [_stage_row(name, result[name].to_numpy()) for name in SHOWN_DATES],
        "depletion_mm": float(today["root_zone_depletion"].median()),
        "raw_mm": float(today["readily_available_water"].median()),
        "taw_mm": float(result["total_available_water"].median()),
        "ks": float(today["ks"].median()),
        "stress": float(1 - today["ks"].median()),
        "leaf_area_index": float(today["leaf_area_index"].median()),
        "above_ground_production_kg_per_ha": _quantiles(today["above_ground_production"]),
        "relative_yield": _quantiles(result["relative_yield"]),
        "irrigation_mm_season": float(result["season_irrigation"].median()),
        "advice": _advice(result, cropping, last_observed, min(ahead, horizon_days)),
        "balance_error_mm": float(abs(result["water_balance_error"]).max()),
    }


def outlook_summary(outlook: xr.Dataset) -> dict[str, Any]:
    """Return what the season comes to, from a run to its end: yield as dry matter, and the days of its stages."""
    return {
        "yield_dry_matter_kg_per_ha": _quantiles(outlook["yield_dry_matter"]),
        "relative_yield": _quantiles(outlook["relative_yield"]),
        "irrigation_mm": _quantiles(outlook["season_irrigation"]),
        "stages": [_stage_row(name, outlook[name].to_numpy()) for name in SHOWN_DATES],
    }


def _advice(result: xr.Dataset, cropping: Cropping, last_observed: dt.date, days: int) -> dict[str, Any] | None:
    if days < 1:
        return None
    growing = result["readily_available_water"] > 0.0
    thirsty = result.assign(root_zone_depletion=result["root_zone_depletion"].where(growing, 0.0))
    told = irrigation_advice(thirsty, last_observed + dt.timedelta(days=1), cropping.irrigation, days)
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
