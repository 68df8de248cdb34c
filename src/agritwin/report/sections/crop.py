"""The orchard's water and stages, simulated from the season's weather and carried on by the forecast members."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.report.twin import Twin
from agritwin.views import water as view
from agritwin.views.blocks import Absent, Block, Plot, Section, State, Table, Text
from agritwin.views.language import Language, as_date

DEPLETION = ("root_zone_depletion",)
READILY = ("readily_available_water", "raw")
TOTAL = ("total_available_water", "taw")
RAIN = ("precipitation", "rain")
IRRIGATION = ("irrigation", "irrigation_depth")


def build(twin: Twin, say: Language) -> Section:
    """Return the section of the crop."""
    summary, cube = twin.summary("crop"), twin.cube("crop")
    blocks: list[Block] = []
    if summary is None:
        blocks.append(Absent(say("crop.title"), twin.why("crop") or say("reason.no_crop")))
    else:
        blocks.append(Text(_advice(summary, say), "good" if _advised(summary) == 0 else "low"))
    series = water(cube, summary or {}, (twin.product("crop") or {}).get("issue_time")) if cube is not None else None
    if series is None:
        blocks.append(Absent(say("crop.depletion_title"), twin.why("crop") or say("reason.no_crop")))
    else:
        depletion = view.depletion(say, series, _sentence(summary or {}, say))
        blocks += [depletion, _supply(say, series, depletion)]
    if summary is not None:
        blocks += _facts(summary, say)
    return Section("crop", say("crop.title"), say("crop.lead"), tuple(blocks))


def _supply(say: Language, series: view.WaterSeries, depletion: Plot) -> Plot:
    return view.supply(say, series, depletion.figure.x_range)


def water(cube: xr.Dataset, summary: dict[str, Any], issue_time: str | None) -> view.WaterSeries | None:
    """Return the water series of a crop cube; None where it holds no depletion by day."""
    name = next((name for name in DEPLETION if name in cube), None)
    if name is None or "day" not in cube[name].dims:
        return None
    low, middle, high = view.members(cube[name])
    day = cube["day"].to_numpy()
    issue = as_date(issue_time)
    moment = np.datetime64(issue, "ns") if issue is not None else None
    return view.WaterSeries(
        day=day,
        low=low,
        middle=middle,
        high=high,
        readily=_daily(cube, READILY, summary.get("raw_mm"), np.nan),
        total=_daily(cube, TOTAL, summary.get("taw_mm"), np.nan),
        rain=_daily(cube, RAIN, None, 0.0),
        irrigation=_daily(cube, IRRIGATION, None, 0.0),
        issue=moment if moment is not None and moment <= day[-1] else None,
    )


def _daily(cube: xr.Dataset, names: tuple[str, ...], constant: float | None, missing: float) -> np.ndarray:
    name = next((name for name in names if name in cube and "day" in cube[name].dims), None)
    if name is None:
        return np.full(cube.sizes["day"], missing if constant is None else float(constant))
    values = cube[name]
    others = [dim for dim in values.dims if dim != "day"]
    return (values.mean(others) if others else values).to_numpy().astype(float)


def _advised(summary: dict[str, Any]) -> float | None:
    advice = summary.get("advice")
    return advice.get("mm") if isinstance(advice, dict) else None


def _advice(summary: dict[str, Any], say: Language) -> str:
    advice = summary.get("advice")
    if not isinstance(advice, dict) or advice.get("mm") is None:
        return advice if isinstance(advice, str) else say("reason.no_advice")
    days = advice.get("days")
    length = len(days) if isinstance(days, list) else days
    key = "crop.advice_none" if advice["mm"] == 0 else "crop.advice"
    return say(
        key,
        mm=say.amount(advice["mm"], "mm", 0),
        days=length if length is not None else "–",
        share=say.percent(advice.get("probability")),
    )


def _sentence(summary: dict[str, Any], say: Language) -> str:
    if summary.get("depletion_mm") is None:
        return say("reason.no_crop")
    return say(
        "crop.found",
        depletion=say.amount(summary["depletion_mm"], "mm", 0),
        raw=say.amount(summary.get("raw_mm"), "mm", 0),
        taw=say.amount(summary.get("taw_mm"), "mm", 0),
        stress=say.number(summary.get("stress"), 2),
    )


def _facts(summary: dict[str, Any], say: Language) -> list[Block]:
    blocks: list[Block] = []
    stages = summary.get("stages") or []
    if stages:
        rows = tuple(
            (
                say.word("stage", row["stage"]),
                say.date(row.get("day")),
                _span(row, say),
            )
            for row in stages
        )
        header = (say("crop.stage"), say("crop.stage_day"), say("crop.stage_span"))
        marks: tuple[State, ...] = tuple("good" if row["stage"] == summary.get("stage") else "plain" for row in stages)
        blocks.append(Table(say("crop.stages_caption"), header, rows, marks=marks))
    else:
        blocks.append(Absent(say("crop.stages_caption"), say("reason.no_stages")))
    share = summary.get("relative_yield")
    facts = []
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
