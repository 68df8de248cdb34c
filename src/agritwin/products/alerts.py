"""Danger as of the issue date: every rule on its evidence, whoever has to be told, and the health of the sources."""

import datetime as dt
from pathlib import Path
from typing import Any

import xarray as xr
from shapely.geometry import mapping, shape

from agritwin import config
from agritwin.agromet.rain import intensity_duration
from agritwin.agromet.wetness import leaf_wetness
from agritwin.alerts import evidence
from agritwin.alerts.catalogue import frost_rule, rules
from agritwin.alerts.neighbours import flow_relation, recipients
from agritwin.alerts.rarity import Frequency, local_frequency, spanish_frequency
from agritwin.alerts.rules import Evidence, Judgement, judge
from agritwin.geometry import utm_epsg
from agritwin.products.flood import storm_probability
from agritwin.products.floods_ahead import HOURS
from agritwin.simulation.flood.events import soil_water

FROST_STAGES = {"dormant": "dormant", "chilled": "bud", "bud_swell": "swelling", "bloom": "flowering"}


def from_forecast(
    forecast: xr.Dataset | None,
    settings: dict[str, Any],
    until: dt.datetime,
    return_levels: Any,
    species: str,
    stage: str | None,
) -> list[Judgement]:
    """Judge frost, heat and rain by the forecast members; nothing without a forecast.

    Infection weather of Botryosphaeria and the frost that each stage bears are published of pistachio: no other crop is
    judged by them.
    """
    if forecast is None:
        return []
    made, source = rules(settings), str(forecast.attrs["source"])
    temperature, rain = forecast["air_temperature"], forecast["precipitation"]
    levels = return_levels if isinstance(return_levels, list) else ()
    found: list[tuple[str, Evidence]] = [
        ("heat", evidence.of_members(temperature, until, source)),
        ("heavy_rain", evidence.rain_in_24_hours(rain, until, source, levels)),
        ("downpour", evidence.of_members(rain, until, source)),
    ]
    if species == "pistachio":
        wet = leaf_wetness(forecast["relative_humidity"], rain)
        found.append(("botryosphaeria", evidence.disease(forecast, wet, until, source)))
    judgements = [judge(evidence_, made[name]) for name, evidence_ in found if name in made]
    if "frost" in made:
        notes = {"stage": stage} if stage else {}
        rule = frost_rule(made["frost"], FROST_STAGES.get(stage or "") if species == "pistachio" else None)
        judgements.append(judge(evidence.of_members(temperature, until, source, **notes), rule))
    return judgements


def chance_of_storm(flood: dict[str, Any], forecast: xr.Dataset | None) -> dict[str, Any] | None:
    """Return how many forecast members bring the storm that was simulated, or None where none was."""
    return storm_probability(forecast, **flood["summary"]["storm"]) if flood["summary"] else None


def frequencies(history: xr.Dataset, settings: dict[str, Any]) -> dict[str, Frequency | None]:
    """Return how rare rain is here: from the twin's own hourly record, and from the published maps where stated.

    Parameters
    ----------
    history
        Hourly `precipitation` of closed seasons.
    settings
        The section `alerts`.
    """
    table = intensity_duration(history["precipitation"], HOURS)
    maps = settings["rain_maps"]
    return {
        "frequency": local_frequency(table, "weather"),
        "frequency_maps": spanish_frequency(**maps) if maps else None,
    }


def held_water(crop: dict[str, Any]) -> float | None:
    """Return the share of the available water that the root zone holds, by the crop simulation; None without one."""
    summary = crop.get("summary") or {}
    if summary.get("depletion_mm") is None or not summary.get("taw_mm"):
        return None
    return soil_water(summary["depletion_mm"], summary["taw_mm"])


def from_crop(
    crop: xr.Dataset | None, settings: dict[str, Any], until: dt.datetime, now: dt.datetime
) -> list[Judgement]:
    """Judge drought: root-zone depletion over readily available water from now on, or yesterday where nothing is ahead.

    A simulation that ended before is judged no more: its source is told to be out of date.
    """
    made = rules(settings)
    if crop is None or "drought" not in made:
        return []
    days = crop.sel(day=slice(str(now.date()), None))
    if not days.sizes["day"]:
        days = crop.sel(day=slice(str((now - dt.timedelta(days=1)).date()), None))
    if not days.sizes["day"]:
        return []
    told = evidence.drought(days["root_zone_depletion"], days["readily_available_water"], until, "crop")
    return [judge(told, made["drought"])]


def told(configured: Path, twin: str, within_m: float, terrain: xr.Dataset | None = None) -> list[dict[str, Any]]:
    """Return who is to be told of a flood: the twin, those its water flows to, then those near it from edge to edge.

    Parameters
    ----------
    configured
        Folder of the configuration, which has every twin's outline.
    twin
        Id.
    within_m
        How near is near.
    terrain
        `flow_direction` (y, x); parcels outside of it are told by their distance only.
    """
    parcels = {name: shape(outline) for name, outline in config.outlines(configured).items()}
    relation = None
    if terrain is not None:
        centre = parcels[twin].centroid
        relation = flow_relation(terrain["flow_direction"], parcels, utm_epsg(centre.x, centre.y))
    found = recipients(parcels, twin, within_m, relation)
    return [one.as_dict() | {"geometry": mapping(parcels[one.twin])} for one in found]
