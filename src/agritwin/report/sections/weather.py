"""The weather so far and ahead."""

from typing import Any

from agritwin.report.twin import Twin
from agritwin.views import weather as view
from agritwin.views.blocks import Absent, Block, Section, Table, Tabs
from agritwin.views.language import Language

SUMS = (
    ("precipitation_mm", "mm"),
    ("et0_mm", "mm"),
    ("frost_hours", "h"),
    ("chill_hours", "h"),
    ("chill_units", ""),
    ("chill_portions", ""),
    ("growing_degree_days", "°C d"),
)


def build(twin: Twin, say: Language) -> Section:
    """Return the section of weather."""
    blocks: list[Block] = [_tabs(twin, say)]
    product = twin.product("weather")
    if product is None:
        blocks.append(Absent(say("weather.sums_caption"), twin.why("weather") or say("reason.not_built")))
    else:
        if product.get("season"):
            blocks.append(_sums(product, say))
        blocks.append(_rare_rain(product.get("return_levels"), say))
    return Section("weather", say("weather.title"), say("weather.lead"), tuple(blocks))


def _tabs(twin: Twin, say: Language) -> Tabs:
    season, history = twin.days("weather_season"), twin.days("weather_history")
    why = twin.why("weather_season") or say("reason.no_weather")
    if season is None:
        rain: Block = Absent(say("weather.rain_title"), why)
        heat: Block = Absent(say("weather.temperature_title"), why)
    else:
        past_rain = history["precipitation"] if history is not None else None
        past_heat = history["air_temperature"] if history is not None else None
        rain = view.rain(say, season["precipitation"], past_rain)
        heat = view.temperature(say, season, past_heat)
    forecast = (twin.product("weather") or {}).get("forecast")
    if forecast and forecast.get("days"):
        ahead: tuple[Block, ...] = view.outlook(say, forecast)
    else:
        ahead = (Absent(say("weather.ahead"), twin.why("forecast_season") or say("reason.no_forecast")),)
    panels = (
        (say("weather.tab_rain"), (rain,)),
        (say("weather.tab_temperature"), (heat,)),
        (say("weather.ahead"), ahead),
    )
    return Tabs("weather-tabs", say("weather.title"), panels)


def _sums(product: dict[str, Any], say: Language) -> Table:
    season, normal = product["season"], product.get("normal") or {}
    rows = []
    for key, unit in SUMS:
        past = normal.get(key) or {}
        if past.get("p10") is not None:
            usual = f"{say.number(past['median'], 0)} ({say.number(past['p10'], 0)}–{say.number(past['p90'], 0)})"
        else:
            usual = say("word.unknown")
        rows.append(
            (say(f"sum.{key}"), say.number(season.get(key), 0), usual, str(past.get("years", "–")), unit or "–")
        )
    header = tuple(say(f"weather.column_{name}") for name in ("what", "season", "normal", "years", "unit"))
    return Table(say("weather.sums_caption"), header, tuple(rows), frozenset({1, 2, 3}), folded=True)


def _rare_rain(levels: Any, say: Language) -> Block:
    if not isinstance(levels, list) or not levels:
        return Absent(say("weather.rare_caption"), levels if isinstance(levels, str) else say("reason.too_few_years"))
    rows = tuple(
        (
            say.number(_either(level, "years", "return_period"), 0),
            say.number(_either(level, "mm_per_day", "level"), 0),
            f"{say.number(_either(level, 'low', 'lower'), 0)}–{say.number(_either(level, 'high', 'upper'), 0)}",
        )
        for level in levels
    )
    header = (say("weather.rare_years"), say("weather.rare_rain"), say("weather.rare_interval"))
    return Table(say("weather.rare_caption"), header, rows, frozenset({0, 1, 2}), folded=True)


def _either(row: dict[str, Any], *names: str) -> float | None:
    return next((row[name] for name in names if row.get(name) is not None), None)
