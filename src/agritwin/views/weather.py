"""The season's weather against its own past, and the days ahead as the forecast members see them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import Line, Range1d, Scatter, Segment, VArea, VBar
from numpy.typing import NDArray

from agritwin.views.blocks import Key, Plot
from agritwin.views.language import Language
from agritwin.views.theme import BAND, COLD, DANGER, HEAT, INK, QUIET, RAIN, chart, from_zero, hover, source

SMOOTH_DAYS = 15
LEAST_YEARS = 3


@dataclass(frozen=True)
class SeasonBand:
    """What past seasons had on each day since the season's start: 10, 50 and 90 % quantile over ``years`` seasons."""

    low: NDArray[np.float64]
    middle: NDArray[np.float64]
    high: NDArray[np.float64]
    years: int


def past_seasons(history: xr.DataArray, start: np.datetime64, days: int) -> NDArray[np.float64]:
    """Return the past seasons (season, day since start) of a daily series, whole ones only.

    Parameters
    ----------
    history
        Daily series (day).
    start
        First day of the season; the seasons before begin on the same day of the year.
    days
        Length.
    """
    known = pd.Series(history.to_numpy(), pd.DatetimeIndex(history["day"].to_numpy()))
    rows = []
    begin: Any = pd.Timestamp(start)
    for back in range(1, 100):
        first = begin - pd.DateOffset(years=back)
        if first < known.index[0]:
            break
        span = known.reindex(pd.date_range(first, periods=days))
        if span.notna().all():
            rows.append(span.to_numpy())
    return np.array(rows).reshape(len(rows), days)


def season_band(seasons: NDArray[np.float64]) -> SeasonBand | None:
    """Return the band of past seasons (season, day); None where there are fewer than three."""
    if len(seasons) < LEAST_YEARS:
        return None
    low, middle, high = np.quantile(seasons, [0.1, 0.5, 0.9], axis=0)
    return SeasonBand(low, middle, high, len(seasons))


def rain(say: Language, season: xr.DataArray, history: xr.DataArray | None) -> Plot:
    """Return the rain of the season, summed up, against the band of past seasons.

    Parameters
    ----------
    say
        Language.
    season, history
        Daily rain (day) [mm] of this season and of those before.
    """
    day = season["day"].to_numpy()
    missing = int(np.isnan(season).sum())
    total = np.nancumsum(season.to_numpy()).round(2)  # single precision leaves crumbs
    plot = chart(say, "mm")
    keys, rows, columns = [], [(say("weather.season"), "total", 0)], {"day": day, "total": total}
    band = None
    if history is not None:
        band = season_band(np.cumsum(past_seasons(history, day[0], day.size), axis=1))
    if band is not None:
        columns |= {"low": band.low, "middle": band.middle, "high": band.high}
    data = source(**columns)
    if band is not None:
        plot.add_glyph(data, VArea(x="day", y1="low", y2="high", fill_color=BAND, fill_alpha=0.35), name="rain-band")
        plot.add_glyph(data, Line(x="day", y="middle", line_color=QUIET, line_dash="dashed"), name="rain-median")
        keys += [
            Key(say("weather.band", years=band.years), BAND, "band", "rain-band"),
            Key(say("weather.median"), QUIET, "dashed", "rain-median"),
        ]
        rows += [(say("weather.median"), "middle", 0), ("p10", "low", 0), ("p90", "high", 0)]
    line = plot.add_glyph(data, Line(x="day", y="total", line_color=RAIN, line_width=2.5), name="rain-total")
    keys.insert(0, Key(say("weather.season"), RAIN, "line", "rain-total"))
    plot.y_range = from_zero(max(total[-1], band.high[-1] if band else 0))
    hover(plot, say, rows, [line])
    compared = (
        say("weather.rain_compared", median=say.amount(band.middle[-1], "mm", 0), years=band.years)
        if band is not None
        else say("weather.no_band")
    )
    found = say(
        "weather.rain_found", total=say.amount(total[-1], "mm", 0), start=say.date(day[0]), end=say.date(day[-1])
    )
    gaps = say("weather.gaps", missing=missing, days=day.size) if missing else ""
    return Plot("rain", plot, say("weather.rain_title"), f"{found} {compared} {gaps}".strip(), tuple(keys))


def temperature(
    say: Language, season: xr.Dataset, history: xr.DataArray | None, frost: float = 0.0, heat: float = 36.0
) -> Plot:
    """Return daily extremes of the season over the band of past means, with frost and heat marked.

    Parameters
    ----------
    say
        Language.
    season
        ``air_temperature_min``, ``air_temperature_max`` (day) [degC].
    history
        Daily mean temperature (day) of past seasons.
    frost, heat
        A day at or below, or at or above, is marked.
    """
    day, low, high = (season[name].to_numpy() for name in ("day", "air_temperature_min", "air_temperature_max"))
    plot = chart(say, "°C")
    columns = {"day": day, "minimum": low, "maximum": high}
    keys = []
    band = None
    if history is not None:
        smooth = history.rolling(day=SMOOTH_DAYS, center=True, min_periods=1).mean()
        band = season_band(past_seasons(smooth, day[0], day.size))
    if band is not None:
        columns |= {"low": band.low, "high": band.high}
    data = source(**columns)
    if band is not None:
        plot.add_glyph(
            data, VArea(x="day", y1="low", y2="high", fill_color=BAND, fill_alpha=0.45), name="temperature-band"
        )
        keys.append(Key(say("weather.mean_band", years=band.years), BAND, "band", "temperature-band"))
    top = plot.add_glyph(data, Line(x="day", y="maximum", line_color=HEAT, line_width=1.5), name="temperature-max")
    plot.add_glyph(data, Line(x="day", y="minimum", line_color=COLD, line_width=1.5), name="temperature-min")
    keys += [
        Key(say("weather.maximum"), HEAT, "line", "temperature-max"),
        Key(say("weather.minimum"), COLD, "line", "temperature-min"),
    ]
    cold, hot = low <= frost, high >= heat
    for chosen, values, colour, name, label in (
        (cold, low, COLD, "frost-days", say("weather.frost_days", limit=say.amount(frost, "°C", 0))),
        (hot, high, DANGER, "heat-days", say("weather.heat_days", limit=say.amount(heat, "°C", 0))),
    ):
        if chosen.any():
            marks = source(day=day[chosen], value=values[chosen])
            plot.add_glyph(marks, Scatter(x="day", y="value", size=6, line_color=colour, fill_color=colour), name=name)
            keys.append(Key(label, colour, "dot", name))
    hover(plot, say, [(say("weather.maximum"), "maximum", 1), (say("weather.minimum"), "minimum", 1)], [top])
    coldest, hottest = int(np.nanargmin(low)), int(np.nanargmax(high))
    summary = say(
        "weather.temperature_found",
        frosts=int(cold.sum()),
        frost=say.amount(frost, "°C", 0),
        heats=int(hot.sum()),
        heat=say.amount(heat, "°C", 0),
        days=day.size,
        coldest=say.amount(low[coldest], "°C"),
        coldest_day=say.date(day[coldest]),
        hottest=say.amount(high[hottest], "°C"),
        hottest_day=say.date(day[hottest]),
    )
    return Plot("temperature", plot, say("weather.temperature_title"), summary, tuple(keys))


def outlook(say: Language, forecast: dict[str, Any]) -> tuple[Plot, Plot]:
    """Return rain and temperature of the days ahead: median and the span from 10 to 90 % of the members.

    Parameters
    ----------
    say
        Language.
    forecast
        The product weather's ``forecast``: ``issue_time``, ``members``, ``days``.
    """
    days = forecast["days"]
    day = np.array([np.datetime64(row["day"], "D") for row in days]).astype("datetime64[ns]")
    table = {
        f"{name}_{share}": np.array([row[name][share] for row in days], dtype=float)
        for name in ("air_temperature_min", "air_temperature_max", "precipitation")
        for share in ("p10", "p50", "p90")
    }
    data = source(day=day, **table)
    members, issue = forecast["members"], say.date(forecast["issue_time"])
    return _rain_ahead(say, data, table, members, issue), _temperature_ahead(say, data, table, members, issue)


def _rain_ahead(say: Language, data: Any, table: dict[str, NDArray], members: int, issue: str) -> Plot:
    plot = chart(say, "mm", height=220)
    bars = plot.add_glyph(
        data,
        VBar(x="day", top="precipitation_p50", width=50e6, line_color=RAIN, fill_color=RAIN, fill_alpha=0.85),
        name="rain-ahead",
    )
    plot.add_glyph(
        data,
        Segment(x0="day", y0="precipitation_p10", x1="day", y1="precipitation_p90", line_color=INK, line_width=2),
        name="rain-ahead-span",
    )
    plot.y_range = from_zero(float(np.nanmax(table["precipitation_p90"])), 5.0)
    hover(
        plot,
        say,
        [(share, f"precipitation_{share}", 1) for share in ("p10", "p50", "p90")],
        [bars],
    )
    summary = say(
        "weather.rain_ahead_found",
        days=len(table["precipitation_p50"]),
        total=say.amount(float(np.nansum(table["precipitation_p50"])), "mm", 0),
        most=say.amount(float(np.nanmax(table["precipitation_p90"])), "mm", 0),
        members=members,
        issue=issue,
    )
    keys = (
        Key(say("weather.member_median"), RAIN, "bar", "rain-ahead"),
        Key(say("weather.member_span"), INK, "line", "rain-ahead-span"),
    )
    return Plot("rain-ahead", plot, say("weather.rain_ahead_title"), summary, keys)


def _temperature_ahead(say: Language, data: Any, table: dict[str, NDArray], members: int, issue: str) -> Plot:
    plot = chart(say, "°C", height=220)
    keys, felt = [], []
    for name, colour, label in (
        ("air_temperature_max", HEAT, say("weather.maximum")),
        ("air_temperature_min", COLD, say("weather.minimum")),
    ):
        plot.add_glyph(
            data,
            VArea(x="day", y1=f"{name}_p10", y2=f"{name}_p90", fill_color=colour, fill_alpha=0.22),
            name=f"{name}-fan",
        )
        felt.append(
            plot.add_glyph(data, Line(x="day", y=f"{name}_p50", line_color=colour, line_width=2.5), name=f"{name}-mid")
        )
        keys += [
            Key(f"{label}, {say('weather.member_median')}", colour, "line", f"{name}-mid"),
            Key(f"{label}, p10–p90", colour, "band", f"{name}-fan"),
        ]
    lowest, highest = table["air_temperature_min_p10"], table["air_temperature_max_p90"]
    plot.y_range = Range1d(start=float(np.nanmin(lowest)) - 2, end=float(np.nanmax(highest)) + 2)
    hover(
        plot,
        say,
        [
            (say("weather.maximum"), "air_temperature_max_p50", 1),
            (say("weather.minimum"), "air_temperature_min_p50", 1),
        ],
        felt[:1],
    )
    summary = say(
        "weather.temperature_ahead_found",
        low=say.amount(float(np.nanmin(table["air_temperature_min_p10"])), "°C", 0),
        high=say.amount(float(np.nanmax(table["air_temperature_max_p90"])), "°C", 0),
        members=members,
        issue=issue,
    )
    return Plot("temperature-ahead", plot, say("weather.temperature_ahead_title"), summary, tuple(keys))
