"""The green season as satellites saw it."""

from typing import Any

from agritwin.report.twin import Twin
from agritwin.views import vegetation as view
from agritwin.views.blocks import Absent, Block, Section, Text
from agritwin.views.language import Language


def build(twin: Twin, say: Language) -> Section:
    """Return the section of NDVI."""
    product, season = twin.product("ndvi"), twin.cube("ndvi_season")
    blocks: list[Block] = []
    if season is None:
        blocks.append(Absent(say("ndvi.season_title"), twin.why("ndvi_season") or say("reason.no_imagery")))
    else:
        blocks.append(view.season_curve(say, season, product or {}))
    if product is None:
        blocks.append(Absent(say("ndvi.phenology"), twin.why("ndvi") or say("reason.not_built")))
    else:
        blocks.append(_phenology(product.get("phenology"), say))
        blocks += _neighbours(product.get("neighbours"), say)
        if product.get("suspects"):
            blocks.append(Text(say("ndvi.suspects_found", count=len(product["suspects"]))))
    return Section("ndvi", say("ndvi.title"), say("ndvi.lead"), tuple(blocks))


def _phenology(phenology: object, say: Language) -> Block:
    found = [(phase, view.phase_day(phenology, phase)) for phase in view.PHASES]
    known = [f"{say(f'ndvi.phase_{phase}')}: {say.date(day)}" for phase, day in found if day is not None]
    if known:
        return Text(say("ndvi.phases_found", phases="; ".join(known)))
    return Absent(say("ndvi.phenology"), phenology if isinstance(phenology, str) else say("reason.no_phenology"))


def _neighbours(found: dict[str, Any] | None, say: Language) -> list[Block]:
    if found is None or found["outcome"] == "no_scene":
        return []
    if found["outcome"] != "compared":
        return [Text(say(f"ndvi.{found['outcome']}"))]
    numbers = {name: say.number(found[name], 2) for name in ("value", "median")}
    share, day = say.percent(found["rank"]), say.date(found["day"])
    return [Text(say("ndvi.neighbours_found", count=found["neighbours"], share=share, day=day, **numbers))]
