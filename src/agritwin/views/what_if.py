"""What a scenario does to the water of the root zone, beside the twin as it is."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from bokeh.models import Line, Range1d, VArea
from numpy.typing import NDArray

from agritwin.views.blocks import Key, Plot
from agritwin.views.language import Language
from agritwin.views.theme import GREEN, HEAT, VIOLET, chart, from_zero, hover, mark_today, source


@dataclass(frozen=True)
class Runs:
    """Both runs of a scenario by day; medians, and the 10 and 90 % quantile of the scenario's members [mm].

    Attributes
    ----------
    name
        Of the scenario, unique on the page.
    day
        Days.
    own, asked, low, high
        Depletion of the twin as it is, and of the scenario with its band.
    readily
        Readily available water of the scenario.
    own_irrigation, asked_irrigation
        Irrigation since the first day.
    issue
        First day ahead, or None.
    """

    name: str
    day: NDArray[np.datetime64]
    own: NDArray[np.float64]
    asked: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    readily: NDArray[np.float64]
    own_irrigation: NDArray[np.float64]
    asked_irrigation: NDArray[np.float64]
    issue: np.datetime64 | None


def runs(name: str, cube: xr.Dataset, issue: np.datetime64 | None) -> Runs:
    """Return the runs that a scenario's simulation holds.

    Parameters
    ----------
    name
        Of the scenario.
    cube
        ``root_zone_depletion``, ``readily_available_water``, ``irrigation`` (run, member, day), run 0 being the twin as
        it is and run 1 the scenario.
    issue
        First day ahead, or None.
    """
    own, asked = (cube.sel(run=number) for number in (0, 1))
    low, middle, high = asked["root_zone_depletion"].quantile([0.1, 0.5, 0.9], "member").to_numpy()
    given = [run["irrigation"].mean("member").cumsum("day").to_numpy() for run in (own, asked)]
    return Runs(
        name=name,
        day=cube["day"].to_numpy(),
        own=own["root_zone_depletion"].median("member").to_numpy(),
        asked=middle,
        low=low,
        high=high,
        readily=asked["readily_available_water"].median("member").to_numpy(),
        own_irrigation=given[0],
        asked_irrigation=given[1],
        issue=issue if issue is not None and cube["day"].to_numpy()[0] < issue <= cube["day"].to_numpy()[-1] else None,
    )


def depletion(say: Language, told: Runs, title: str, summary: str) -> Plot:
    """Return the depletion of the root zone under both; down is dry."""
    plot = chart(say, say("crop.depletion_axis"), height=260)
    data = source(day=told.day, own=told.own, asked=told.asked, low=told.low, high=told.high, readily=told.readily)
    plot.y_range = Range1d(start=max(float(np.nanmax(told.high)), float(np.nanmax(told.own)), 10.0) * 1.05, end=0)
    name = f"what-if-{told.name}"
    plot.add_glyph(data, VArea(x="day", y1="low", y2="high", fill_color=VIOLET, fill_alpha=0.2), name=f"{name}-band")
    line = plot.add_glyph(data, Line(x="day", y="asked", line_color=VIOLET, line_width=2.5), name=f"{name}-asked")
    plot.add_glyph(data, Line(x="day", y="own", line_color=GREEN, line_width=2), name=f"{name}-own")
    plot.add_glyph(data, Line(x="day", y="readily", line_color=HEAT, line_dash="dashed"), name=f"{name}-readily")
    if told.issue is not None:
        mark_today(plot, told.issue)
    hover(plot, say, [(say("whatif.asked"), "asked", 0), (say("whatif.own"), "own", 0)], [line])
    keys = (
        Key(say("whatif.asked"), VIOLET, "line", f"{name}-asked"),
        Key(say("crop.members"), VIOLET, "band", f"{name}-band"),
        Key(say("whatif.own"), GREEN, "line", f"{name}-own"),
        Key(say("crop.raw"), HEAT, "dashed", f"{name}-readily"),
    )
    return Plot(name, plot, title, summary, keys)


def irrigation(say: Language, told: Runs, x_range: object) -> Plot:
    """Return the water given since the first day under both, mean of the members."""
    plot = chart(say, "mm", height=150, x_range=x_range)
    data = source(day=told.day, own=told.own_irrigation, asked=told.asked_irrigation)
    name = f"what-if-water-{told.name}"
    line = plot.add_glyph(data, Line(x="day", y="asked", line_color=VIOLET, line_width=2.5), name=f"{name}-asked")
    plot.add_glyph(data, Line(x="day", y="own", line_color=GREEN, line_width=2), name=f"{name}-own")
    plot.y_range = from_zero(float(max(told.own_irrigation[-1], told.asked_irrigation[-1])), 10.0)
    if told.issue is not None:
        mark_today(plot, told.issue)
    hover(plot, say, [(say("whatif.asked"), "asked", 0), (say("whatif.own"), "own", 0)], [line])
    summary = say(
        "whatif.water_found",
        asked=say.amount(float(told.asked_irrigation[-1]), "mm", 0),
        own=say.amount(float(told.own_irrigation[-1]), "mm", 0),
    )
    keys = (
        Key(say("whatif.asked"), VIOLET, "line", f"{name}-asked"),
        Key(say("whatif.own"), GREEN, "line", f"{name}-own"),
    )
    return Plot(name, plot, say("whatif.water_title"), summary, keys)
