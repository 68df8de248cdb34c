"""A simulation as it runs freely, as observations correct it, and what was observed; then the outlook."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import Line, Range1d, Scatter, VArea
from bokeh.plotting import figure
from numpy.typing import NDArray

from agritwin.views.blocks import Key, Mark, Plot
from agritwin.views.language import Language
from agritwin.views.theme import BAND, DANGER, EARTH, GREEN, HEAT, QUIET, VIOLET, chart, hover, mark_today, source


@dataclass(frozen=True)
class Course:
    """A quantity by day as 10, 50 and 90 % quantile over members."""

    day: NDArray[np.datetime64]
    low: NDArray[np.float64]
    middle: NDArray[np.float64]
    high: NDArray[np.float64]


def course(values: xr.DataArray, dim: str = "day") -> Course:
    """Return a course from an array (quantile, day)."""
    low, middle, high = values.transpose("quantile", dim).to_numpy()
    return Course(values[dim].to_numpy(), low, middle, high)


def compared(
    say: Language, name: str, free: Course, corrected: Course, seen: Sequence[dict[str, Any]], issue: Any
) -> Plot:
    """Return the free run, the corrected run and the observations of a quantity.

    Parameters
    ----------
    say
        Language.
    name
        ``depletion`` (mm, drawn downwards) or ``cover`` (share of the ground).
    free, corrected
        Both runs.
    seen
        Rows of the innovation log: ``day``, ``shown`` (the observation in the unit of the plot), ``verdict``.
    issue
        First day ahead, or None.
    """
    digits = 0 if name == "depletion" else 2
    plot = chart(say, say(f"correction.{name}_axis"), height=260)
    _range(plot, name, [free, corrected], [row["shown"] for row in seen])
    keys = [
        *_band(plot, free, f"{name}-free", QUIET, say("correction.free"), dashed=True),
        *_band(plot, corrected, f"{name}-corrected", GREEN, say("correction.corrected")),
    ]
    if seen:
        keys += _dots(plot, say, name, seen)
    if issue is not None:
        mark_today(plot, issue)
    data = source(day=corrected.day, corrected=corrected.middle, free=_at(free, corrected.day))
    felt = plot.add_glyph(data, Line(x="day", y="corrected", line_alpha=0))
    rows = [(say("correction.corrected"), "corrected", digits), (say("correction.free"), "free", digits)]
    hover(plot, say, rows, [felt])
    title = say(f"correction.{name}_title" if seen else f"correction.{name}_free_title")
    text = say(f"correction.{name}_found" if seen else f"correction.{name}_free", count=len(seen))
    return Plot(f"corrected-{name}", plot, title, text, tuple(keys))


def outlook(say: Language, depletion: Course, readily: NDArray[np.float64], summary: str) -> Plot:
    """Return depletion from now to the season's end against what is readily available.

    Parameters
    ----------
    say, summary
        Language, and what the plot shows in a sentence.
    depletion
        Days ahead.
    readily
        Median readily available water on the same days.
    """
    plot = chart(say, say("correction.depletion_axis"), height=240)
    _range(plot, "depletion", [depletion], readily.tolist())
    keys = _band(plot, depletion, "outlook", VIOLET, say("correction.outlook"))
    data = source(day=depletion.day, low=depletion.low, middle=depletion.middle, high=depletion.high, readily=readily)
    plot.add_glyph(
        data, Line(x="day", y="readily", line_color=HEAT, line_dash="dashed", line_width=1.5), name="outlook-raw"
    )
    keys.append(Key(say("crop.raw"), HEAT, "dashed", "outlook-raw"))
    felt = plot.add_glyph(data, Line(x="day", y="middle", line_alpha=0))
    rows = [("p10", "low", 0), ("p50", "middle", 0), ("p90", "high", 0), (say("crop.raw"), "readily", 0)]
    hover(plot, say, rows, [felt])
    return Plot("outlook", plot, say("correction.outlook_title"), summary, tuple(keys))


def _band(plot: figure, one: Course, name: str, colour: str, label: str, dashed: bool = False) -> list[Key]:
    data = source(day=one.day, low=one.low, middle=one.middle, high=one.high)
    fill = BAND if dashed else colour
    plot.add_glyph(data, VArea(x="day", y1="low", y2="high", fill_color=fill, fill_alpha=0.28), name=f"{name}-band")
    dash, mark = ("dashed", "dashed") if dashed else ("solid", "line")
    plot.add_glyph(data, Line(x="day", y="middle", line_color=colour, line_width=2, line_dash=dash), name=name)
    return _keys(label, colour, mark, name, fill)


def _keys(label: str, colour: str, mark: Mark, name: str, fill: str) -> list[Key]:
    return [Key(label, colour, mark, name), Key(f"{label}: p10–p90", fill, "band", f"{name}-band")]


def _dots(plot: figure, say: Language, name: str, seen: Sequence[dict[str, Any]]) -> list[Key]:
    keys = []
    groups = (("used", ("good", "supported"), EARTH), ("refused", ("gross", "buddy", "stuck"), DANGER))
    for group, verdicts, colour in groups:
        rows = [row for row in seen if row["verdict"] in verdicts]
        if rows:
            day = np.array([row["day"] for row in rows], "datetime64[ns]")
            data = source(day=day, shown=[row["shown"] for row in rows])
            filled = colour if group == "used" else None
            plot.add_glyph(
                data, Scatter(x="day", y="shown", size=8, line_color=colour, fill_color=filled), name=f"{name}-{group}"
            )
            keys.append(Key(say(f"correction.{group}"), colour, "dot" if filled else "ring", f"{name}-{group}"))
    return keys


def _range(plot: figure, name: str, courses: Sequence[Course], others: Sequence[float]) -> None:
    highest = float(np.nanmax([*(np.nanmax(one.high) for one in courses), *others]))
    lowest = min(0.0, *others) if others else 0.0
    edges = (highest * 1.05, lowest) if name == "depletion" else (lowest, highest * 1.08)
    plot.y_range = Range1d(start=edges[0], end=edges[1])


def _at(one: Course, days: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return the middle of a course on other days, NaN where it has none."""
    return xr.DataArray(one.middle, {"day": one.day}, "day").reindex(day=days).to_numpy()
