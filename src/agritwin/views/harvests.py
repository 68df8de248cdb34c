"""Harvests: what was picked each season, and the interval for the one to come."""

from typing import Any

import numpy as np
from bokeh.models import Scatter, VBar, Whisker
from bokeh.plotting import figure

from agritwin.views.blocks import Key, Plot
from agritwin.views.language import Language
from agritwin.views.theme import EARTH, INK, VIOLET, chart, from_zero, hover, source

CROWDED = 8  # seasons that a phone shows side by side


def harvests(say: Language, past: list[dict[str, Any]], prediction: dict[str, Any] | None, summary: str) -> Plot:
    """Return harvests by season as bars, and the prediction with its interval where one is published.

    Parameters
    ----------
    say
        Language.
    past
        ``season`` and ``kg_per_ha`` of each harvest, one a season.
    prediction
        ``season``, ``value``, ``low``, ``high``, or None.
    summary
        The finding.
    """
    seasons = [str(row["season"]) for row in past]
    ahead = [str(prediction["season"])] if prediction and str(prediction["season"]) not in seasons else []
    plot = chart(say, "kg/ha", dates=False, x_range=[*seasons, *ahead], height=260)
    if len(seasons) > CROWDED:
        plot.xaxis.major_label_orientation = np.pi / 4
    data = source(season=seasons, value=np.array([row["kg_per_ha"] for row in past], float))
    bars = plot.add_glyph(
        data,
        VBar(x="season", top="value", width=0.6, line_color=EARTH, fill_color=EARTH, fill_alpha=0.85),
        name="harvest-bars",
    )
    keys = [Key(say("yield.harvested"), EARTH, "bar", "harvest-bars")]
    highest = float(np.nanmax(data.data["value"], initial=0))
    hover(plot, say, [(say("yield.season"), "season", -1), ("kg/ha", "value", 0)], [bars], day=None, line=False)
    if prediction:
        keys.append(_prediction(plot, say, prediction))
        highest = max(highest, float(prediction["high"] or 0))
    plot.y_range = from_zero(highest)
    return Plot("harvests", plot, say("yield.plot_title"), summary, tuple(keys))


def _prediction(plot: figure, say: Language, prediction: dict[str, Any]) -> Key:
    season = str(prediction["season"])
    data = source(season=[season], value=[prediction["value"]], low=[prediction["low"]], high=[prediction["high"]])
    if prediction["low"] is not None and prediction["high"] is not None:
        look: dict[str, Any] = {"line_color": INK, "line_width": 1.5}
        plot.add_layout(Whisker(source=data, base="season", lower="low", upper="high", **look))
    dot = plot.add_glyph(
        data, Scatter(x="season", y="value", size=11, line_color=VIOLET, fill_color=VIOLET), name="harvest-predicted"
    )
    hover(
        plot,
        say,
        [(say("yield.predicted"), "value", 0), ("min", "low", 0), ("max", "high", 0)],
        [dot],
        day=None,
        line=False,
    )
    return Key(say("yield.predicted"), VIOLET, "dot", "harvest-predicted")
