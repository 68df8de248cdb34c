"""Series forecasts, with what they are worth."""

from typing import Any

from agritwin.report.twin import Twin
from agritwin.views import forecasts as view
from agritwin.views.blocks import Absent, Block, Section, Tabs, Text
from agritwin.views.language import Language


def build(twin: Twin, say: Language) -> Section:
    """Return the section of forecasts."""
    product = twin.product("forecast")
    variables = (product or {}).get("variables") or {}
    if not variables:
        why = twin.why("forecast") or say("reason.no_fit")
        return Section("forecast", say("forecast.title"), "", (Absent(say("forecast.title"), why),))
    panels = tuple((say.word("variable", name), _panel(name, entry, say)) for name, entry in variables.items())
    tabs = Tabs("forecast-tabs", say("forecast.title"), panels)
    return Section("forecast", say("forecast.title"), say("forecast.lead"), (tabs,))


def _panel(name: str, entry: dict[str, Any], say: Language) -> tuple[Block, ...]:
    if not entry.get("days") or not entry.get("quantiles"):
        return (Absent(say.word("variable", name), entry.get("sentence") or say("reason.no_fit")),)
    rows = entry.get("scores") or []
    unit = view.unit_of(entry)
    blocks: list[Block] = [view.fan(say, name, entry)]
    if rows:
        blocks.append(Text(_worth(entry, rows, say)))
        caption = say("forecast.scores_caption", variable=say.word("variable", name))
        blocks.append(view.scores(say, rows, entry.get("chosen"), unit, caption))
    else:
        blocks.append(Absent(say("forecast.scores"), say("reason.no_scores")))
    return tuple(blocks)


def _worth(entry: dict[str, Any], rows: list[dict[str, Any]], say: Language) -> str:
    score = view.chosen_score(rows, entry.get("chosen"))
    best = min(rows, key=lambda row: row.get("crps") or float("inf"))
    low, _, high = view.levels(entry["quantiles"])
    measured = entry.get("interval") or {}
    text = say(
        "forecast.worth",
        model=say.word("model", entry.get("chosen")),
        skill=say.percent(view.first(score, "skill", "crps_skill")),
        coverage=say.percent(view.first(measured | score, "coverage", "coverage_90")),
        nominal=say.percent(float(high) - float(low)),
        count=say.number(view.first(measured | score, "n"), 0),
    )
    if best.get("model") != entry.get("chosen"):
        text += " " + say("forecast.not_best", model=say.word("model", best["model"]))
    return text
