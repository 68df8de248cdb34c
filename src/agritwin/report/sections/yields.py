"""Harvests, and whether the next one can be told."""

from typing import Any

from agritwin.report.twin import Twin
from agritwin.views import forecasts, harvests
from agritwin.views.blocks import Absent, Block, Section, Table, Text
from agritwin.views.language import Language

FEWEST = 2


def build(twin: Twin, say: Language) -> Section:
    """Return the section of yields."""
    product = twin.product("yields")
    records = twin.product("records")
    blocks: list[Block] = []
    past = _harvests(product, records)
    if product is not None:
        blocks.append(Text(_outcome(product, len(past), say), "good" if product["outcome"] == "gain" else "plain"))
    else:
        blocks.append(Absent(say("yield.prediction"), twin.why("yields") or say("reason.not_built")))
    prediction = (product or {}).get("prediction")
    if len(past) >= FEWEST or (past and prediction):
        blocks.append(harvests.harvests(say, past, prediction, _sentence(prediction, past, say)))
    else:
        blocks.append(Absent(say("yield.plot_title"), say("reason.no_harvests")))
    scores = (product or {}).get("scores") or []
    if scores:
        chosen = (prediction or {}).get("model")
        blocks.append(forecasts.scores(say, scores, chosen, "kg/ha", say("yield.scores_caption"), digits=0))
    if past:
        blocks.append(_table(past, say))
    return Section("yield", say("yield.title"), say("yield.lead"), tuple(blocks))


def _harvests(product: dict[str, Any] | None, records: dict[str, Any] | None) -> list[dict[str, Any]]:
    told = (product or {}).get("harvests")
    rows = told if isinstance(told, list) else (records or {}).get("harvests") or []
    known = [row for row in rows if row.get("kg_per_ha") is not None]
    by_season = {str(row["season"]): row for row in known}
    return [by_season[season] for season in sorted(by_season)]


def _outcome(product: dict[str, Any], seasons: int, say: Language) -> str:
    key = f"yield.outcome_{product['outcome']}"
    if not say.has(key):
        return str(product.get("sentence"))
    model = say.word("model", (product.get("prediction") or {}).get("model"))
    return say(key, model=model) + " " + say("yield.seasons_found", seasons=seasons)


def _sentence(prediction: dict[str, Any] | None, past: list[dict[str, Any]], say: Language) -> str:
    values = [row["kg_per_ha"] for row in past]
    text = say("yield.mean_found", seasons=len(values), mean=say.amount(sum(values) / len(values), "kg/ha", 0))
    if prediction and prediction.get("value") is not None:
        text += " " + say(
            "yield.prediction_found",
            season=prediction["season"],
            value=say.amount(prediction["value"], "kg/ha", 0),
            low=say.number(prediction["low"], 0),
            high=say.number(prediction["high"], 0),
            model=say.word("model", prediction.get("model")),
        )
    return text


def _table(past: list[dict[str, Any]], say: Language) -> Table:
    rows = tuple((str(row["season"]), say.number(row["kg_per_ha"], 0), str(row.get("source") or "–")) for row in past)
    header = (say("yield.season"), "kg/ha", say("yield.source"))
    return Table(say("yield.table_caption"), header, rows, frozenset({1}), folded=True)
