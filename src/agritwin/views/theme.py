"""One look for all figures: colours, axes with the dates and numbers of the language, hover."""

from collections.abc import Sequence
from typing import Any

from bokeh.models import (
    Axis,
    CategoricalAxis,
    ColumnDataSource,
    CustomJSHover,
    CustomJSTickFormatter,
    DatetimeAxis,
    DatetimeTicker,
    FactorRange,
    GlyphRenderer,
    Grid,
    HoverTool,
    InlineStyleSheet,
    LinearAxis,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from agritwin.views.language import Language

INK, QUIET, GRID = "#1d2b22", "#5b6a60", "#e3e8e3"
GREEN, RAIN, HEAT, COLD, EARTH, VIOLET = "#2f7a4d", "#2b6ca3", "#c05621", "#5277b8", "#8a6d3b", "#6b4e9b"
BAND, WATER, AMBER, DANGER = "#9fb3a6", "#3182bd", "#d09a16", "#b3261e"
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

AXIS: dict[str, Any] = {
    "axis_line_color": QUIET,
    "major_tick_line_color": QUIET,
    "minor_tick_line_color": None,
    "major_label_text_color": QUIET,
    "axis_label_text_color": QUIET,
    "major_label_text_font": FONT,
    "axis_label_text_font": FONT,
    "major_label_text_font_size": "12px",
    "axis_label_text_font_size": "12px",
    "axis_label_text_font_style": "normal",
}

# Steps of more than three weeks are told by month, January with its year.
_DATE_TICK = """
const span = ticks.length > 1 ? (ticks[1] - ticks[0]) / 864e5 : 1
const day = new Date(tick)
const style = span > 21 ? {month: 'short'} : {day: 'numeric', month: 'short'}
const text = new Intl.DateTimeFormat(locale, {...style, timeZone: 'UTC'}).format(day)
return span > 21 && day.getUTCMonth() == 0 ? `${text}\\n${day.getUTCFullYear()}` : text
"""
_NUMBER_TICK = "return new Intl.NumberFormat(locale, {maximumFractionDigits: 4}).format(tick)"
_DATE_HOVER = """
return new Intl.DateTimeFormat(locale, {day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC'})
    .format(new Date(value))
"""
_NUMBER_HOVER = """
if (value == null || Number.isNaN(value)) return '–'
return new Intl.NumberFormat(locale, {maximumFractionDigits: digits}).format(value)
"""


def chart(
    say: Language, unit: str, *, height: int = 280, dates: bool = True, x_label: str = "", **options: Any
) -> figure:
    """Return an empty chart in the house's look.

    Parameters
    ----------
    say
        Language of ticks.
    unit
        Label of the y axis.
    height
        Height [px]; the width follows the page.
    dates
        Whether x are dates.
    x_label
        Label of the x axis.
    options
        Handed to Bokeh's figure.
    """
    plot = bare(
        say,
        "xpan,xbox_zoom,reset,save",
        height=height,
        sizing_mode="stretch_width",
        min_border_left=54,
        min_border_right=12,
        **options,
    )
    locale = {"locale": say.locale}
    numbers: Any = CustomJSTickFormatter(args=locale, code=_NUMBER_TICK)
    look: dict[str, Any] = AXIS | {"axis_label": x_label or None}
    if dates:
        days: Any = CustomJSTickFormatter(args=locale, code=_DATE_TICK)
        x_axis: Axis = DatetimeAxis(ticker=DatetimeTicker(desired_num_ticks=6), formatter=days, **look)
    elif isinstance(plot.x_range, FactorRange):
        x_axis = CategoricalAxis(**look)
    else:
        x_axis = LinearAxis(formatter=numbers, **look)
    y_axis = LinearAxis(formatter=numbers, axis_label=unit, **AXIS)
    plot.add_layout(x_axis, "below")
    plot.add_layout(y_axis, "left")
    plot.add_layout(Grid(dimension=1, axis=y_axis, grid_line_color=GRID), "center")
    return plot


def bare(say: Language, tools: str, **options: Any) -> figure:
    """Return a figure without axes, its tools named in the language.

    Parameters
    ----------
    say
        Language.
    tools
        Bokeh's names of the tools, none of them active at first.
    options
        Handed to Bokeh's figure.
    """
    # Axes, grids and titles that nobody sees are left out from the start: a report has twenty figures in two languages.
    plot = figure(
        x_axis_type=None,
        y_axis_type=None,
        title=None,
        tools=tools,
        active_drag=None,
        toolbar_location="above",
        toolbar_inner=True,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        **options,
    )
    for tool in plot.tools:
        tool.description = say.word("tool", type(tool).__name__)
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.toolbar.stylesheets = [InlineStyleSheet(css=":host(.bk-inner) { background: none; }")]
    return plot


def hover(
    plot: figure,
    say: Language,
    rows: Sequence[tuple[str, str, int]],
    renderers: Sequence[GlyphRenderer],
    *,
    day: str | None = "day",
    line: bool = True,
) -> None:
    """Show values under the pointer, written as the language writes them.

    Parameters
    ----------
    plot
        The figure.
    say
        Language.
    rows
        Label, column and number of decimals of each line.
    renderers
        Where the pointer is felt.
    day
        Column of dates shown first, None for none.
    line
        Whether the pointer is felt all along the vertical.
    """
    locale = say.locale
    numbers = {
        digits: CustomJSHover(args={"locale": locale, "digits": digits}, code=_NUMBER_HOVER)
        for digits in {digits for *_, digits in rows if digits >= 0}
    }
    formatters: dict[str, Any] = {f"@{{{column}}}": numbers[digits] for _, column, digits in rows if digits >= 0}
    tips = [(label, f"@{{{column}}}{'{custom}' if digits >= 0 else ''}") for label, column, digits in rows]
    if day is not None:
        formatters[f"@{{{day}}}"] = CustomJSHover(args={"locale": locale}, code=_DATE_HOVER)
        tips.insert(0, (say("word.date"), f"@{{{day}}}{{custom}}"))
    plot.add_tools(
        HoverTool(
            tooltips=tips,
            formatters=formatters,
            renderers=list(renderers),
            mode="vline" if line else "mouse",
            point_policy="follow_mouse" if line else "snap_to_data",
        )
    )


def source(**columns: Any) -> ColumnDataSource:
    """Return a source of named columns; its first column is what the others are told by."""
    return ColumnDataSource(columns)


def mark_today(plot: figure, moment: Any) -> None:
    """Draw the line between what was and what may come."""
    plot.add_layout(Span(location=moment, dimension="height", line_color=QUIET, line_dash="dotted", line_width=1.5))


def from_zero(highest: float, least: float = 1.0) -> Range1d:
    """Return a range from zero with room above."""
    return Range1d(start=0, end=max(highest * 1.08, least))
