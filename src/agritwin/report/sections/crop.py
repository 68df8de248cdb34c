"""The orchard's water and stages, simulated from the season's weather and carried on by the forecast members."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.report.sections.correction import correction, outlook
from agritwin.report.sections.grove import grove
from agritwin.report.sections.what_if import what_if
from agritwin.report.twin import Twin
from agritwin.settings import ANNUAL_SPECIES
from agritwin.views import water as view
from agritwin.views.blocks import Absent, Block, Section, State, Table, Text
from agritwin.views.language import Language, as_date

#: Share of the members that an irrigation leaves short from which on the page says so.
SHORT = 0.1


def build(twin: Twin, say: Language) -> Section:
    """Return the section of the crop."""
    summary, cube = twin.summary("crop"), twin.cube("crop")
    species = ((twin.product("parcel") or {}).get("planting") or {}).get("species", "")
    lead = say("crop.lead_field" if species in ANNUAL_SPECIES else "crop.lead")
    blocks: list[Block] = []
    if summary is None:
        blocks.append(Absent(say("crop.title"), twin.why("crop") or say("reason.no_crop")))
    else:
        blocks.append(Text(_advice(summary, say), "good" if _advised(summary) == 0 else "low"))
    days, issue = twin.days("weather_season"), (twin.product("crop") or {}).get("issue_time")
    rain = days["precipitation"] if days is not None else None
    series = water(cube, rain, summary or {}, issue) if cube is not None else None
    if series is None:
        blocks.append(Absent(say("crop.depletion_title"), twin.why("crop") or say("reason.no_crop")))
    else:
        depletion = view.depletion(say, series, _sentence(summary or {}, say))
        rule = (summary or {}).get("irrigation_rule", "refill")
        blocks += [depletion, view.supply(say, series, depletion.figure.x_range, rule)]
    if summary is not None:
        blocks += correction(cube, summary, issue, say) + outlook(cube, summary, say)
        blocks += _stages(summary, species, issue, say) + _facts(summary, say)
    return Section("crop", say("crop.title"), lead, (*blocks, *grove(summary, say), *what_if(twin, say)))


def water(
    cube: xr.Dataset, rain: xr.DataArray | None, summary: dict[str, Any], issue_time: str | None
) -> view.WaterSeries | None:
    """Return the water series of a crop cube; None where it holds no depletion by day.

    Parameters
    ----------
    cube
        ``root_zone_depletion``, ``readily_available_water``, ``irrigation`` (member, day) [mm].
    rain
        Observed rain (day) [mm], or None.
    summary
        Of the simulation; gives the available water where the cube has none by day.
    issue_time
        ISO day; days from it on are simulated ahead.
    """
    if "root_zone_depletion" not in cube:
        return None
    low, middle, high = view.members(cube["root_zone_depletion"])
    day = cube["day"].to_numpy()
    issue = as_date(issue_time)
    moment = np.datetime64(issue, "ns") if issue is not None else None
    return view.WaterSeries(
        day=day,
        low=low,
        middle=middle,
        high=high,
        readily=_daily(cube, "readily_available_water", summary.get("raw_mm")),
        total=_daily(cube, "total_available_water", summary.get("taw_mm")),
        rain=np.full(day.size, np.nan) if rain is None else rain.reindex(day=day).to_numpy(),
        irrigation=np.nan_to_num(_daily(cube, "irrigation", None)),
        issue=moment if moment is not None and moment <= day[-1] else None,
    )


def _daily(cube: xr.Dataset, name: str, constant: float | None) -> np.ndarray:
    if name not in cube or "day" not in cube[name].dims:
        return np.full(cube.sizes["day"], np.nan if constant is None else float(constant))
    values = cube[name]
    # Means over members, since they add up over the season.
    return values.mean([dim for dim in values.dims if dim != "day"]).to_numpy().astype(float)


def _advised(summary: dict[str, Any]) -> float | None:
    """Return the depth that is shown, whole mm."""
    advice = summary.get("advice")
    depth = advice.get("mm") if isinstance(advice, dict) else None
    return None if depth is None else round(depth)


def _advice(summary: dict[str, Any], say: Language) -> str:
    advice = summary.get("advice")
    if not isinstance(advice, dict) or advice.get("mm") is None:
        return advice if isinstance(advice, str) else say("reason.no_advice")
    days = advice.get("days")
    length = len(days) if isinstance(days, list) else days
    some = _advised(summary) or 0.0
    key = "crop.advice" if some else "crop.advice_none"
    need = advice.get("first_day_of_need")
    since = " " + say("crop.need", day=say.date(need)) if need and some else ""
    left = advice.get("left_short", 0.0)
    short = " " + say("crop.left_short", share=say.percent(left)) if some and left >= SHORT else ""
    text = say(
        key,
        mm=say.amount(advice["mm"], "mm", 0),
        days=length if length is not None else "–",
        share=say.percent(advice.get("probability")),
    )
    return text + since + short


def _sentence(summary: dict[str, Any], say: Language) -> str:
    if summary.get("depletion_mm") is None:
        return say("reason.no_crop")
    if summary.get("raw_mm") == 0.0:
        return say("crop.bare", depletion=say.amount(summary["depletion_mm"], "mm", 0))
    return say(
        "crop.found",
        depletion=say.amount(summary["depletion_mm"], "mm", 0),
        raw=say.amount(summary.get("raw_mm"), "mm", 0),
        taw=say.amount(summary.get("taw_mm"), "mm", 0),
        stress=say.number(summary.get("stress"), 2),
    )


def _stages(summary: dict[str, Any], species: str, issue: str | None, say: Language) -> list[Block]:
    """The stage of today, and a table of all by date; those of a field to its harvest are told by its outlook."""
    found = (summary.get("outlook") or {}).get("stages") or summary.get("stages") or []
    if not found:
        return [Absent(say("crop.stages_caption"), say("reason.no_stages"))]
    stages = sorted(found, key=lambda row: row.get("day") or "9999")
    rows = tuple((_stage(row["stage"], species, say), say.date(row.get("day")), _span(row, say)) for row in stages)
    header = (say("crop.stage"), say("crop.stage_day"), say("crop.stage_span"))
    begun = [row["stage"] for row in stages if row.get("day") and str(row["day"]) < str(issue or "")]
    marks: tuple[State, ...] = tuple("good" if row["stage"] in begun[-1:] else "plain" for row in stages)
    blocks: list[Block] = [Table(say("crop.stages_caption"), header, rows, marks=marks)]
    told = [say("crop.now", stage=_stage(summary["stage"], species, say))] if summary.get("stage") else []
    if summary.get("start_assumed"):
        told.append(say("crop.start_assumed"))
    if summary.get("marks"):
        told.append(say("crop.marks", **summary["marks"]))
    return [*blocks, Text(" ".join(told))] if told else blocks


def _stage(name: str, species: str, say: Language) -> str:
    """The word for a stage, which is another where the fruit is another."""
    key = f"fruit.{species}_{name}"
    return say(key) if say.has(key) else say.word("stage", name)


def _facts(summary: dict[str, Any], say: Language) -> list[Block]:
    blocks: list[Block] = []
    facts = []
    dry = (summary.get("outlook") or {}).get("yield_dry_matter_kg_per_ha")
    if dry and dry["p50"] is not None:
        low, middle, high = (say.amount(dry[key], "kg/ha", 0) for key in ("p10", "p50", "p90"))
        facts.append(say("crop.yield_field", low=low, middle=middle, high=high))
    share = summary.get("relative_yield")
    if isinstance(share, dict):
        facts.append(
            say(
                "crop.relative_yield",
                middle=say.percent(share.get("p50")),
                low=say.percent(share.get("p10")),
                high=say.percent(share.get("p90")),
            )
        )
    if summary.get("irrigation_mm_season") is not None:
        facts.append(say("crop.irrigated", mm=say.amount(summary["irrigation_mm_season"], "mm", 0)))
    if summary.get("balance_error_mm") is not None:
        facts.append(say("crop.balance", error=_error(abs(summary["balance_error_mm"]), say)))
    if facts:
        blocks.append(Text(" ".join(facts)))
    return blocks


def _error(millimetres: float, say: Language) -> str:
    finest = 0.001
    return say.amount(millimetres, "mm", 3) if millimetres >= finest else f"< {say.amount(finest, 'mm', 3)}"


def _span(row: dict[str, Any], say: Language) -> str:
    low, high = row.get("p10"), row.get("p90")
    if low is None or high is None:
        return say("word.unknown")
    if isinstance(low, int | float):
        return f"{say.number(low, 0)}–{say.number(high, 0)}"
    return f"{say.date(pd.Timestamp(low).date(), year=False)} – {say.date(pd.Timestamp(high).date(), year=False)}"
