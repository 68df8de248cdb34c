"""What the grove may bear, and what its weather meant for pests with published thresholds: two sentences."""

from typing import Any

from agritwin.views.blocks import Block, Text
from agritwin.views.language import Language


def grove(summary: dict[str, Any] | None, say: Language) -> list[Block]:
    """Return the sentences for what the crop's summary tells; none for what it does not tell."""
    blocks: list[Block] = []
    told = summary or {}
    bearing, risks = told.get("bearing"), told.get("risks")
    if bearing:
        crop = bearing["kg_per_ha"]
        low, middle, high = (say.amount(crop[key], "kg/ha", 0) for key in ("p10", "p50", "p90"))
        age, share = bearing["age_years"], say.percent(bearing["age_share"])
        blocks.append(Text(say("grove.bearing", age=age, share=share, low=low, middle=middle, high=high)))
    if risks:
        text = say("grove.psylla", generations=say.number(risks["psylla_generations"], 1))
        spells = risks.get("botryosphaeria")
        if spells is not None:
            text = say("grove.wet", high=spells["high"], medium=spells["medium"], low=spells["low"]) + " " + text
        blocks.append(Text(text, "mid" if spells and spells["high"] else "plain"))
    return blocks
