"""Danger as of the issue date: every rule on its evidence, whoever has to be told, and the health of the sources."""

import datetime as dt
from pathlib import Path
from typing import Any

import xarray as xr

from agritwin.agromet.wetness import leaf_wetness
from agritwin.alerts import evidence
from agritwin.alerts.catalogue import frost_rule, rules
from agritwin.alerts.explanation import as_dict
from agritwin.alerts.neighbours import recipients
from agritwin.alerts.rules import LEVELS, Evidence, Judgement, judge
from agritwin.geometry import read_parcels
from agritwin.products.flood import storm_probability

FROST_STAGES = {"dormant": "dormant", "chilled": "bud", "bud_swell": "swelling", "bloom": "flowering"}


def known_until(issue_time: str) -> dt.datetime:
    """Return the moment up to which data entered: the start of the issue date, UTC."""
    return dt.datetime.fromisoformat(issue_time).replace(tzinfo=dt.UTC)


def from_forecast(
    forecast: xr.Dataset | None, settings: dict[str, Any], until: dt.datetime, return_levels: Any, stage: str | None
) -> list[Judgement]:
    """Judge frost, heat, rain and infection weather by the forecast members; nothing without a forecast."""
    if forecast is None:
        return []
    made, source = rules(settings), str(forecast.attrs["source"])
    temperature, rain = forecast["air_temperature"], forecast["precipitation"]
    wet = leaf_wetness(forecast["relative_humidity"], rain)
    levels = return_levels if isinstance(return_levels, list) else ()
    found: list[tuple[str, Evidence]] = [
        ("heat", evidence.of_members(temperature, until, source)),
        ("heavy_rain", evidence.rain_in_24_hours(rain, until, source, levels)),
        ("botryosphaeria", evidence.disease(forecast, wet, until, source)),
    ]
    judgements = [judge(evidence_, made[name]) for name, evidence_ in found if name in made]
    if "frost" in made:
        notes = {"stage": stage} if stage else {}
        rule = frost_rule(made["frost"], FROST_STAGES.get(stage or ""))
        judgements.append(judge(evidence.of_members(temperature, until, source, **notes), rule))
    return judgements


def chance_of_storm(flood: dict[str, Any], forecast: xr.Dataset | None) -> dict[str, Any] | None:
    """Return how many forecast members bring the storm that was simulated, or None where none was."""
    return storm_probability(forecast, **flood["summary"]["storm"]) if flood["summary"] else None


def from_flood(
    flood: dict[str, Any], forecast: xr.Dataset | None, settings: dict[str, Any], until: dt.datetime
) -> list[Judgement]:
    """Judge the flood: the depth of the simulated storm in members that bring such a storm."""
    summary, made, chance = flood["summary"], rules(settings), chance_of_storm(flood, forecast)
    if forecast is None or chance is None or "flood" not in made or not chance["members"]:
        return []
    times = forecast["time"].to_numpy()[[0, -1]]
    first, last = (time.astype("datetime64[s]").item().replace(tzinfo=dt.UTC) for time in times)
    told = evidence.flood(
        summary["depth_max_m"],
        chance["probability_of_storm"],
        chance["members"],
        (first, last),
        until,
        str(forecast.attrs["source"]),
        storm=f"{summary['storm']['depth_mm']:g} mm in {summary['storm']['duration_h']:g} h",
    )
    return [judge(told, made["flood"])]


def from_crop(crop: xr.Dataset | None, settings: dict[str, Any], until: dt.datetime) -> list[Judgement]:
    """Judge drought: root-zone depletion over readily available water in the days ahead."""
    made = rules(settings)
    if crop is None or "drought" not in made:
        return []
    ahead = crop.sel(day=slice(str(until.date()), None))
    days = ahead if ahead.sizes["day"] else crop.isel(day=slice(-1, None))
    told = evidence.drought(days["root_zone_depletion"], days["readily_available_water"], until, "crop")
    return [judge(told, made["drought"])]


def from_sources(statuses: list[dict[str, Any]], settings: dict[str, Any], until: dt.datetime) -> list[Judgement]:
    """Judge the age of what should be fresh: weather and forecast."""
    made = rules(settings)
    judgements = []
    for status in statuses:
        if status["kind"] in ("weather", "forecast") and "stale_source" in made:
            last = status["last_value"]
            moment = None if last is None else dt.datetime.fromisoformat(last).replace(tzinfo=dt.UTC)
            judgements.append(judge(evidence.age(moment, until, status["kind"]), made["stale_source"]))
    return judgements


def overall(judgements: list[Judgement]) -> str:
    """Return the highest level of all judgements."""
    return max((judgement.level for judgement in judgements), key=LEVELS.index, default="none")


def told(twins: Path, twin: str, within_m: float) -> list[dict[str, Any]]:
    """Return who is to be told of a danger: the twin itself first, then its neighbours from edge to edge."""
    parcels = {path.stem: read_parcels(path)[0][0] for path in sorted(twins.glob("*.geojson"))}
    return [recipient.as_dict() for recipient in recipients(parcels, twin, within_m)]


def publishable(judgements: list[Judgement]) -> list[dict[str, Any]]:
    """Return judgements as plain values, the most dangerous first."""
    ranked = sorted(judgements, key=lambda judgement: (-LEVELS.index(judgement.level), judgement.rule))
    return [as_dict(judgement) for judgement in ranked]
