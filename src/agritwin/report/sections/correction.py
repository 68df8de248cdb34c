"""What observations changed in the simulated orchard, and the outlook to the season's end."""

from typing import Any

import numpy as np
import xarray as xr

from agritwin.views import corrections as view
from agritwin.views.blocks import Absent, Block, Table, Text
from agritwin.views.language import Language, as_date


def correction(cube: xr.Dataset | None, summary: dict[str, Any], issue_time: str | None, say: Language) -> list[Block]:
    """Return the free run beside the corrected one, and the sums of the innovation log.

    Parameters
    ----------
    cube
        The crop cube, with ``open_loop_depletion``, ``open_loop_cover`` and ``corrected_cover`` (quantile, day).
    summary
        Of the simulation, with ``assimilation`` where there was one.
    issue_time
        ISO day from which days are ahead.
    say
        Language.
    """
    told = summary.get("assimilation")
    if not told or cube is None or "open_loop_depletion" not in cube:
        return [Absent(say("correction.title"), say("correction.none"))]
    day = as_date(issue_time)
    issue = None if day is None else np.datetime64(day, "ns")
    free, cover, covered = (
        view.course(cube[name]) for name in ("open_loop_depletion", "open_loop_cover", "corrected_cover")
    )
    members = cube["root_zone_depletion"]
    depletion = view.course(members.quantile([0.1, 0.5, 0.9], "member"))
    water, green = ([row for row in told["observations"] if row["quantity"] in names] for names in _QUANTITIES)
    blocks: list[Block] = [
        Text(_found(told, summary, say)),
        view.compared(say, "depletion", free, depletion, water, issue),
    ]
    blocks.append(view.compared(say, "cover", cover, covered, green, issue))
    if told["streams"]:
        blocks.append(streams(told["streams"], say))
    blocks.append(_learnt(told["unknowns"], say))
    return blocks


#: What each plot shows: leaf area is told as the cover that it makes.
_QUANTITIES = (("soil_moisture",), ("ground_cover", "leaf_area_index"))


def _found(told: dict[str, Any], summary: dict[str, Any], say: Language) -> str:
    free, corrected = (
        say.amount(value, "mm", 0) for value in (told["open_loop"]["depletion_mm"], summary.get("depletion_mm"))
    )
    key = "correction.confirmed" if free == corrected else "correction.found"
    return say(key, used=told["used"], count=len(told["observations"]), free=free, corrected=corrected)


def streams(rows_told: list[dict[str, Any]], say: Language) -> Table:
    """Return how well each source of observations agrees with the simulation."""
    header = ("stream", "observations", "stream_used", "difference", "ratio", "judgement")
    rows = tuple(
        (
            say.word("correction", row["stream"].replace(" ", "_")),
            str(row["observations"]),
            str(row["used"]),
            say.number(row["bias"], 3),
            f"{say.number(row['ratio'], 1)} ({say.number(row['low'], 1)}–{say.number(row['high'], 1)})",
            say(f"correction.{_judgement(row)}"),
        )
        for row in rows_told
    )
    return Table(
        say("correction.streams_caption"),
        tuple(say(f"correction.{key}") for key in header),
        rows,
        frozenset({1, 2, 3, 4}),
    )


#: Share of a source's observations that has to be believed before those believed say how well it agrees.
TRUSTED = 0.8
FEWEST = 3  # observations of which one can say so


def _judgement(row: dict[str, Any]) -> str:
    if row["used"] < TRUSTED * row["observations"]:
        return "doubted" if row["observations"] >= FEWEST else "unknown"
    return "too_far" if row["ratio"] > row["high"] else "too_near" if row["ratio"] < row["low"] else "consistent"


def _learnt(unknowns: list[dict[str, Any]], say: Language) -> Table:
    rows = tuple(
        (say.word("unknown", row["unknown"]), _span(row["prior"], say), _span(row["posterior"], say))
        for row in unknowns
    )
    header = tuple(say(f"correction.{key}") for key in ("unknown_name", "before", "after"))
    return Table(say("correction.unknowns_caption"), header, rows, frozenset({1, 2}), folded=True)


def _span(quantiles: dict[str, float], say: Language) -> str:
    largest = max(map(abs, quantiles.values()))
    digits = 0 if largest >= 20 else 2 if largest >= 0.1 else 4
    low, middle, high = (say.number(quantiles[key], digits) for key in ("p10", "p50", "p90"))
    return f"{middle} ({low} – {high})"


def outlook(cube: xr.Dataset | None, summary: dict[str, Any], say: Language) -> list[Block]:
    """Return the season's end as forecast members and past years would bring it."""
    told = summary.get("outlook")
    if told and "until" not in told:
        return []  # that of an annual crop is told with its stages
    if not told or cube is None or "outlook_depletion" not in cube:
        return [Absent(say("correction.outlook_title"), say("correction.no_outlook"))]
    share, water, stress = (told[name] for name in ("relative_yield", "irrigation_mm", "stress_days"))
    sentence = say(
        "correction.outlook_found",
        until=say.date(told["until"]),
        middle=say.percent(share["p50"]),
        low=say.percent(share["p10"]),
        high=say.percent(share["p90"]),
        water=say.amount(water["p50"], "mm", 0),
        less=say.amount(water["p10"], "mm", 0),
        more=say.amount(water["p90"], "mm", 0),
        stress=say.number(stress["p50"], 0),
        forecast=told["forecast_days"],
        years=len(told["years"]),
    )
    readily = cube["outlook_readily_available"].sel(quantile=0.5).to_numpy()
    return [view.outlook(say, view.course(cube["outlook_depletion"], "day_ahead"), readily, sentence)]
