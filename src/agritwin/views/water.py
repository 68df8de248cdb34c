"""Water in the root zone: what is lacking, what may be lacking before trees suffer, what came and what was given."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from bokeh.models import Line, Range1d, VArea, VBar
from numpy.typing import NDArray

from agritwin.views.blocks import Key, Plot
from agritwin.views.language import Language
from agritwin.views.theme import GREEN, HEAT, INK, RAIN, VIOLET, chart, from_zero, hover, mark_today, source


@dataclass(frozen=True)
class WaterSeries:
    """Daily water of the root zone, in mm; all arrays are as long as ``day``.

    Attributes
    ----------
    day
        Days, those ahead included.
    low, middle, high
        Depletion: 10, 50 and 90 % quantile over members (equal where there is one run).
    readily, total
        Readily and totally available water; NaN where not known.
    rain, irrigation
        What came (NaN for days ahead) and what was given.
    issue
        First day ahead, or None.
    """

    day: NDArray[np.datetime64]
    low: NDArray[np.float64]
    middle: NDArray[np.float64]
    high: NDArray[np.float64]
    readily: NDArray[np.float64]
    total: NDArray[np.float64]
    rain: NDArray[np.float64]
    irrigation: NDArray[np.float64]
    issue: np.datetime64 | None


def members(values: xr.DataArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return the 10, 50 and 90 % quantile over all dimensions but ``day``."""
    others = [dim for dim in values.dims if dim != "day"]
    if not others:
        alone = values.to_numpy().astype(float)
        return alone, alone, alone
    low, middle, high = values.quantile([0.1, 0.5, 0.9], dim=others).to_numpy()
    return low, middle, high


def depletion(say: Language, water: WaterSeries, summary: str) -> Plot:
    """Return depletion of the root zone against readily and totally available water; down is dry."""
    plot = chart(say, say("crop.depletion_axis"), height=300)
    data = source(
        day=water.day,
        low=water.low,
        middle=water.middle,
        high=water.high,
        readily=water.readily,
        total=water.total,
    )
    deepest = np.nanmax(
        [np.nanmax(water.high), np.nanmax(water.total, initial=0), np.nanmax(water.readily, initial=0), 10]
    )
    plot.y_range = Range1d(start=deepest * 1.05, end=0)
    plot.add_glyph(data, VArea(x="day", y1="low", y2="high", fill_color=GREEN, fill_alpha=0.25), name="depletion-band")
    line = plot.add_glyph(data, Line(x="day", y="middle", line_color=GREEN, line_width=2.5), name="depletion")
    keys = [Key(say("crop.depletion"), GREEN, "line", "depletion")]
    if (water.high - water.low > 0.05).any():
        keys.append(Key(say("crop.members"), GREEN, "band", "depletion-band"))
    rows = [(say("crop.depletion"), "middle", 0)]
    for name, values, colour, label in (
        ("readily", water.readily, HEAT, say("crop.raw")),
        ("total", water.total, INK, say("crop.taw")),
    ):
        if np.isfinite(values).any():
            plot.add_glyph(
                data, Line(x="day", y=name, line_color=colour, line_width=1.5, line_dash="dashed"), name=f"limit-{name}"
            )
            keys.append(Key(label, colour, "dashed", f"limit-{name}"))
            rows.append((label, name, 0))
    if water.issue is not None:
        mark_today(plot, water.issue)
    hover(plot, say, rows, [line])
    return Plot("depletion", plot, say("crop.depletion_title"), summary, tuple(keys))


def supply(say: Language, water: WaterSeries, x_range: object, rule: str = "refill") -> Plot:
    """Return rain and irrigation by day, on the dates of the depletion's plot; ``rule`` is the twin's own."""
    plot = chart(say, "mm", height=170, x_range=x_range)
    data = source(
        day=water.day,
        rain=water.rain,
        base=np.nan_to_num(water.rain),
        irrigation=water.irrigation,
        top=np.nan_to_num(water.rain) + water.irrigation,
    )
    bars = plot.add_glyph(
        data, VBar(x="day", top="rain", width=80e6, line_color=RAIN, fill_color=RAIN), name="supply-rain"
    )
    plot.add_glyph(
        data,
        VBar(x="day", bottom="base", top="top", width=80e6, line_color=VIOLET, fill_color=VIOLET),
        name="supply-irrigation",
    )
    plot.y_range = from_zero(float(np.nanmax(np.nan_to_num(water.rain) + water.irrigation, initial=0)), 5.0)
    if water.issue is not None:
        mark_today(plot, water.issue)
    hover(plot, say, [(say("crop.rain"), "rain", 1), (say("crop.irrigation"), "irrigation", 1)], [bars])
    known = slice(None) if water.issue is None else water.day < water.issue
    summary = say(
        "crop.supply_found",
        rain=say.amount(float(np.nansum(water.rain[known])), "mm", 0),
        irrigation=say.amount(float(np.nansum(water.irrigation[known])), "mm", 0),
        given=say(f"crop.given_{rule}"),
    )
    keys = (
        Key(say("crop.rain"), RAIN, "bar", "supply-rain"),
        Key(say("crop.irrigation"), VIOLET, "bar", "supply-irrigation"),
    )
    return Plot("supply", plot, say("crop.supply_title"), summary, keys)
