"""Forecasts of daily series: the fan, and how such forecasts did in the past."""

from typing import Any

import numpy as np
from bokeh.models import Line, Range1d, VArea
from numpy.typing import NDArray

from agritwin.views.blocks import Key, Plot, State, Table
from agritwin.views.language import Language
from agritwin.views.theme import GREEN, QUIET, VIOLET, chart, hover, mark_today, source

UNITS = {"degC": "°C", "mm": "mm", "mm d-1": "mm"}
SCORES = ("rmse", "mae", "crps")


def unit_of(forecast: dict[str, Any]) -> str:
    """Return the unit of a forecast as people write it."""
    return UNITS.get(forecast["units"]) or str(forecast["units"])


def stamps(days: list[str]) -> NDArray[np.datetime64]:
    """Return ISO days as the datetimes that figures take."""
    return np.array([text[:10] for text in days], dtype="datetime64[D]").astype("datetime64[ns]")


def levels(quantiles: dict[str, list[float]]) -> tuple[str, str, str]:
    """Return the keys of the lowest, middle and highest quantile."""
    ordered = sorted(quantiles, key=float)
    return ordered[0], min(ordered, key=lambda key: abs(float(key) - 0.5)), ordered[-1]


def fan(say: Language, name: str, forecast: dict[str, Any]) -> Plot:
    """Return a forecast as median and interval after the values of the days before.

    Parameters
    ----------
    say
        Language.
    name
        Variable.
    forecast
        Its entry in the product ``forecast``.
    """
    unit = unit_of(forecast)
    low, middle, high = levels(forecast["quantiles"])
    day = stamps(forecast["days"])
    values = {
        key: np.array(forecast["quantiles"][level], float)
        for key, level in (("low", low), ("middle", middle), ("high", high))
    }
    plot = chart(say, unit)
    data = source(day=day, **values)
    plot.add_glyph(data, VArea(x="day", y1="low", y2="high", fill_color=VIOLET, fill_alpha=0.2), name=f"{name}-fan")
    line = plot.add_glyph(data, Line(x="day", y="middle", line_color=VIOLET, line_width=2.5), name=f"{name}-median")
    share = say.percent(float(high) - float(low))
    keys = [
        Key(say("forecast.median"), VIOLET, "line", f"{name}-median"),
        Key(say("forecast.interval", share=share), VIOLET, "band", f"{name}-fan"),
    ]
    if forecast.get("normal"):
        usual = source(day=day, value=np.array(forecast["normal"], float))
        plot.add_glyph(usual, Line(x="day", y="value", line_color=QUIET, line_dash="dashed"), name=f"{name}-normal")
        keys.append(Key(say("forecast.normal"), QUIET, "dashed", f"{name}-normal"))
    recent = forecast.get("recent") or {"day": [], "value": []}
    past = np.array(recent["value"], float)
    if past.size:
        seen = source(day=stamps(recent["day"]), value=past)
        plot.add_glyph(seen, Line(x="day", y="value", line_color=GREEN, line_width=2), name=f"{name}-recent")
        keys.insert(0, Key(say("forecast.recent"), GREEN, "line", f"{name}-recent"))
    everything = np.concatenate([past, values["low"], values["high"]])
    floor = 0.0 if np.nanmin(everything) >= 0 else float(np.nanmin(everything)) - 1
    plot.y_range = Range1d(start=floor, end=float(np.nanmax(everything)) * 1.08)
    mark_today(plot, day[0])
    hover(
        plot,
        say,
        [
            (say("forecast.median"), "middle", 1),
            (f"{say.percent(float(low))}", "low", 1),
            (f"{say.percent(float(high))}", "high", 1),
        ],
        [line],
    )
    summary = say(
        "forecast.found",
        days=day.size,
        middle=say.amount(float(np.nanmean(values["middle"])), unit),
        low=say.amount(float(np.nanmin(values["low"])), unit),
        high=say.amount(float(np.nanmax(values["high"])), unit),
        share=share,
    )
    return Plot(f"forecast-{name}", plot, say.word("variable", name), summary, tuple(keys))


def scores(
    say: Language, rows: list[dict[str, Any]], chosen: str | None, unit: str, caption: str, digits: int = 2
) -> Table:
    """Return how models did on past issues, the published one marked.

    Parameters
    ----------
    say
        Language.
    rows
        ``model`` and any of ``n``, ``rmse``, ``mae``, ``crps``, ``coverage`` (or ``coverage_90``), ``skill`` (or
        ``crps_skill``).
    chosen
        Model that is published.
    unit
        Of the scores.
    caption
        Of the table.
    digits
        Decimals of scores.
    """
    present = [key for key in SCORES if any(row.get(key) is not None for row in rows)]
    header = [say("forecast.model"), *(f"{key.upper()} ({unit})" for key in present)]
    header += [say("forecast.coverage"), say("forecast.skill")]
    body = []
    for row in rows:
        mark = f" · {say('forecast.published')}" if row["model"] == chosen else ""
        cells = [say.word("model", row["model"]) + mark]
        cells += [say.number(row.get(key), digits) for key in present]
        cells += [
            say.percent(first(row, "coverage", "coverage_90")),
            say.percent(first(row, "skill", "crps_skill")),
        ]
        body.append(tuple(cells))
    numeric = frozenset(range(1, len(header)))
    marks: tuple[State, ...] = tuple("good" if row["model"] == chosen else "plain" for row in rows)
    return Table(caption, tuple(header), tuple(body), numeric, marks=marks)


def first(row: dict[str, Any], *names: str) -> float | None:
    """Return the first value of a row that is there."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def chosen_score(rows: list[dict[str, Any]], chosen: str | None) -> dict[str, Any]:
    """Return the scores of the published model; empty where it has none."""
    return next((row for row in rows if row["model"] == chosen), {})
