"""What if: the twin's scenarios beside the twin as it is."""

from typing import Any

import numpy as np

from agritwin.report.twin import Twin
from agritwin.views import what_if as view
from agritwin.views.blocks import Block, State, Table, Tabs, Text
from agritwin.views.language import Language, as_date

#: Rows of the table: key of the summary, whether it is a share, unit, digits.
ROWS = (
    ("relative_yield", True, "%", 0),
    ("crop_kg_per_ha", False, "kg/ha", 0),
    ("irrigation_mm", False, "mm", 0),
    ("transpiration_mm", False, "mm", 0),
    ("drainage_mm", False, "mm", 0),
    ("stress_days", False, "d", 0),
    ("frost_damage", True, "%", 0),
)
#: More would make the page heavy; the command line compares any number.
MOST = 6


def what_if(twin: Twin, say: Language) -> list[Block]:
    """Return the blocks of all scenarios that have a result; none where there are none."""
    found = twin.scenarios()[:MOST]
    panels = []
    for content, cube in found:
        issue = as_date(content["issue_time"])
        told = view.runs(content["scenario"], cube, None if issue is None else np.datetime64(issue, "ns"))
        plot = view.depletion(say, told, content["title"], _found(content, say))
        blocks: list[Block] = [plot, view.irrigation(say, told, plot.figure.x_range), _table(content, say)]
        panels.append((content["title"], (*blocks, *_remarks(content, say))))
    if not panels:
        return []
    head = Text(say("whatif.lead", count=len(panels)))
    return [head, Tabs("what-if", say("whatif.title"), tuple(panels))]


def _found(content: dict[str, Any], say: Language) -> str:
    change = content["summary"]["difference"]
    of_trees = content["summary"]["baseline"]["frost_damage"]["p50"] is not None
    share, weight = (change[key]["p50"] for key in ("relative_yield", "crop_kg_per_ha"))
    return say(
        "whatif.found",
        gain=_signed(share, 100.0, "%", say) if of_trees else _signed(weight, 1.0, "kg/ha", say),
        water=_signed(change["irrigation_mm"]["p50"], 1.0, "mm", say),
        share=say.percent(content["summary"]["share_better"]),
    )


def _signed(value: float | None, factor: float, unit: str, say: Language) -> str:
    sign = "+" if value is not None and value > 0 else ""
    return sign + say.amount(None if value is None else factor * value, unit, 0)


def _table(content: dict[str, Any], say: Language) -> Table:
    runs = [content["summary"][name] for name in ("baseline", "scenario")]
    rows = []
    for key, share, unit, digits in ROWS:
        if all(run[key]["p50"] is None for run in runs):
            continue  # no such thing of this crop
        factor = 100.0 if share else 1.0
        cells = [_span(run[key], factor, unit, digits, say) for run in runs]
        rows.append((say.word("runsum", key), *cells))
    header = (say("whatif.row"), say("whatif.own"), say("whatif.asked"))
    return Table(say("whatif.caption"), header, tuple(rows), numeric=frozenset({1, 2}))


def _span(value: dict[str, float | None], factor: float, unit: str, digits: int, say: Language) -> str:
    low, middle, high = (None if value[key] is None else factor * value[key] for key in ("p10", "p50", "p90"))  # type: ignore[operator]
    if middle is None or low == high:
        return say.amount(middle, unit, digits)
    return f"{say.amount(middle, unit, digits)} ({say.number(low, digits)}–{say.number(high, digits)})"


def _remarks(content: dict[str, Any], say: Language) -> list[Block]:
    remarks: list[Block] = []
    if content["partial"]:
        state: State = "mid"
        text = say("whatif.partial", done=content["members_done"], members=content["members"])
        remarks.append(Text(text, state))
    allocation = content["summary"]["allocation"]
    if allocation is not None:
        remarks.append(_plans(allocation, say))
    return remarks


def _plans(allocation: dict[str, Any], say: Language) -> Table:
    """What the optimiser found, and what else could be done with the same water."""
    rows = tuple(
        (
            say.word("waterplan", row["plan"]),
            say.percent(row["relative_yield"]),
            say.amount(row["irrigation"], "mm", 0),
        )
        for row in allocation["counterfactuals"]
    )
    marks: tuple[State, ...] = tuple(
        "good" if row["plan"] == allocation["plan"] else "plain" for row in allocation["counterfactuals"]
    )
    shares = " / ".join(say.percent(share) for share in allocation["stage_shares"])
    judged = say("whatif.judged_apart" if allocation["judged_apart"] else "whatif.judged_same")
    key = "whatif.plans" if allocation["plan"] == "optimised" else "whatif.plans_none"
    caption = say(key, budget=say.amount(allocation["budget_mm"], "mm", 0), shares=shares, judged=judged)
    header = (say("whatif.plan"), say.word("runsum", "relative_yield"), say.word("runsum", "irrigation_mm"))
    return Table(caption, header, rows, numeric=frozenset({1, 2}), marks=marks)
