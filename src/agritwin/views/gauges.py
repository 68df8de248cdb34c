"""Rain that a gauge recorded, by duration, beside the weather's, what is rare here, and where danger begins."""

from typing import Any

import numpy as np
from bokeh.models import Line, Scatter, VBar
from numpy.typing import NDArray

from agritwin.views.blocks import Key, Plot, State, Table
from agritwin.views.language import UNKNOWN, Language
from agritwin.views.theme import AMBER, DANGER, EARTH, HEAT, INK, RAIN, chart, from_zero, hover, source

LEVELS: dict[State, str] = {"low": AMBER, "mid": HEAT, "serious": DANGER}

type Rows = list[dict[str, Any]]


def by_gauge(rows: Rows) -> dict[str, Rows]:
    """Return the rows of each gauge, by its name without the twin's."""
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row["sensor"].rpartition("/")[2], []).append(row)
    return found


def measured(say: Language, name: str, gauge: str, rows: Rows, frequency: dict[str, Any] | None) -> Plot:
    """Return the rain of a gauge within each duration up to its last reading.

    Parameters
    ----------
    say
        Language.
    name, gauge
        Of the plot, unique on the page, and of the gauge.
    rows
        Its rows of ``measured_rain`` in the product ``alerts``.
    frequency
        Table of that product, whose first return period is drawn; None for none.
    """
    durations = [_duration(row) for row in rows]
    columns = {
        "measured": _numbers([row["amount_mm"] for row in rows]),
        "weather": _numbers([row["weather_mm"] for row in rows]),
        "rare": _rare(rows, frequency),
    }
    data = source(duration=durations, **columns)
    plot = chart(say, "mm", dates=False, x_label=say("gauges.axis"), height=280, x_range=durations)
    look: dict[str, Any] = {"line_color": RAIN, "fill_color": RAIN, "fill_alpha": 0.8, "width": 0.6}
    bars = plot.add_glyph(data, VBar(x="duration", top="measured", **look), name=f"{name}-measured")
    keys = [Key(say("gauges.measured"), RAIN, "bar", f"{name}-measured")]
    lines = (("weather", INK, "solid", say("gauges.weather")), ("rare", EARTH, "dashed", _once(say, frequency)))
    for column, colour, dash, label in lines:
        if np.isfinite(columns[column]).any():
            line = Line(x="duration", y=column, line_color=colour, line_width=2, line_dash=dash)
            plot.add_glyph(data, line, name=f"{name}-{column}")
            keys.append(Key(label, colour, "line" if dash == "solid" else "dashed", f"{name}-{column}"))
    highest = [float(np.nanmax(values, initial=0)) for values in columns.values()]
    for level, colour in LEVELS.items():
        begins = [(_duration(row), row["thresholds"][level]) for row in rows if level in (row["thresholds"] or {})]
        if begins:
            marks = source(duration=[one for one, _ in begins], threshold=[mm for _, mm in begins])
            glyph = Scatter(x="duration", y="threshold", marker="dash", size=34, line_color=colour, line_width=3)
            plot.add_glyph(marks, glyph, name=f"{name}-{level}")
            keys.append(Key(say("gauges.begins", level=say(f"level.{level}")), colour, "line", f"{name}-{level}"))
            highest += [mm for _, mm in begins]
    plot.y_range = from_zero(max(highest), 5.0)
    told = [(say("gauges.duration"), "duration", -1), (say("gauges.measured"), "measured", 1)]
    hover(plot, say, [*told, (say("gauges.weather"), "weather", 1)], [bars], day=None)
    return Plot(name, plot, say("gauges.title", gauge=gauge), _summary(say, rows[-1]), tuple(keys))


def table(say: Language, rows: Rows, frequency: dict[str, Any] | None) -> Table:
    """Return the same in figures, with how rare so much is here and which level begins at it."""
    reached = [_reached(row) for row in rows]
    cells = tuple(
        (
            _duration(row),
            say.amount(row["amount_mm"], "mm"),
            say.amount(row["weather_mm"], "mm"),
            _rarity(say, row["return_years"], frequency),
            say(f"level.{level}") if level else UNKNOWN,
        )
        for row, level in zip(rows, reached, strict=True)
    )
    header = tuple(say(f"gauges.{name}") for name in ("duration", "measured", "weather", "rarity", "level"))
    marks: tuple[State, ...] = tuple("good" if level == "none" else level or "plain" for level in reached)
    return Table(say("gauges.caption"), header, cells, frozenset({1, 2, 3}), marks=marks)


def _rarity(say: Language, years: float | None, frequency: dict[str, Any] | None) -> str:
    """Return how rare an amount is; past the last return period of the table only that it is rarer."""
    if years is None or frequency is None:
        return UNKNOWN
    rarer = years >= frequency["years"][-1] * (1.0 - 1e-9)
    return say("gauges.rarer" if rarer else "gauges.once", years=say.number(years, 0))


def _reached(row: dict[str, Any]) -> Any:
    """Return the highest level whose threshold the rain reaches, `none`, or None where no rule judges the duration."""
    thresholds = row["thresholds"]
    if not thresholds:
        return None
    return next((one for one in reversed(LEVELS) if row["amount_mm"] >= thresholds.get(one, np.inf)), "none")


def _summary(say: Language, row: dict[str, Any]) -> str:
    text = say(
        "gauges.found",
        amount=say.amount(row["amount_mm"], "mm"),
        hours=_duration(row),
        day=say.date(row["until"]),
        time=row["until"][11:16],
    )
    if row["weather_mm"] is None:
        return text + " " + say("gauges.no_weather")
    return text + " " + say("gauges.compared", weather=say.amount(row["weather_mm"], "mm"))


def _duration(row: dict[str, Any]) -> str:
    hours = row["duration_h"]
    return f"{hours:g}\u00a0h" if hours >= 1 else f"{60 * hours:g}\u00a0min"


def _numbers(values: list[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], float)


def _rare(rows: Rows, frequency: dict[str, Any] | None) -> NDArray[np.float64]:
    """Return the rain of the table's first return period at each duration; NaN at those that it lacks."""
    pairs = zip(frequency["durations_h"], frequency["amounts_mm"], strict=True) if frequency else ()
    known = {hours: amounts[0] for hours, amounts in pairs}
    return _numbers([known.get(row["duration_h"]) for row in rows])


def _once(say: Language, frequency: dict[str, Any] | None) -> str:
    return say("gauges.once", years=f"{frequency['years'][0]:g}") if frequency else ""
