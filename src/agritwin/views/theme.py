"""One look for all figures: colours, axes with the dates and numbers of the language, hover."""

from collections.abc import Sequence
from typing import Any

from bokeh.models import (
    ColumnDataSource,
    CustomJSHover,
    CustomJSTickFormatter,
    DatetimeTicker,
    GlyphRenderer,
    HoverTool,
    InlineStyleSheet,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from agritwin.views.language import Language

INK, QUIET, GRID = "#1d2b22", "#5b6a60", "#e3e8e3"
GREEN, RAIN, HEAT, COLD, EARTH, VIOLET = "#2f7a4d", "#2b6ca3", "#c05621", "#5277b8", "#8a6d3b", "#6b4e9b"
BAND, WATER, DANGER = "#9fb3a6", "#3182bd", "#b3261e"
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

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
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="datetime" if dates else "auto",
        tools="xpan,xbox_zoom,reset,save",
        active_drag=None,
        toolbar_location="above",
        min_border_left=54,
        min_border_right=12,
        **options,
    )
    dress(plot, say)
    plot.yaxis.axis_label = unit
    plot.xaxis.axis_label = x_label or None
    locale = {"locale": say.locale}
    if dates:
        plot.xaxis.ticker = DatetimeTicker(desired_num_ticks=6)
        plot.xaxis.formatter = CustomJSTickFormatter(args=locale, code=_DATE_TICK)
    elif not isinstance(options.get("x_range"), list | tuple):
        plot.xaxis.formatter = CustomJSTickFormatter(args=locale, code=_NUMBER_TICK)
    plot.yaxis.formatter = CustomJSTickFormatter(args=locale, code=_NUMBER_TICK)
    return plot


def dress(plot: figure, say: Language) -> None:
    """Give a figure the house's fonts and colours, and its tools names in the language."""
    for tool in plot.tools:
        tool.description = say.word("tool", type(tool).__name__)
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.toolbar_inner = True
    plot.toolbar.stylesheets = [InlineStyleSheet(css=":host(.bk-inner) { background: none; }")]
    plot.background_fill_color = plot.border_fill_color = None
    plot.outline_line_color = None
    plot.grid.grid_line_color = GRID
    plot.xgrid.grid_line_color = None
    for axis in plot.axis:
        axis.axis_line_color = axis.major_tick_line_color = QUIET
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = QUIET
        axis.major_label_text_font = axis.axis_label_text_font = FONT
        axis.major_label_text_font_size = axis.axis_label_text_font_size = "12px"
        axis.axis_label_text_font_style = "normal"


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
    formatters: dict[str, Any] = {
        f"@{{{column}}}": CustomJSHover(args={"locale": locale, "digits": digits}, code=_NUMBER_HOVER)
        for _, column, digits in rows
        if digits >= 0
    }
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
