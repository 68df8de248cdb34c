"""The season in six figures."""

from typing import Any

from agritwin.report.sections.danger import STATES
from agritwin.report.twin import Twin
from agritwin.views.blocks import State, Tile, Tiles
from agritwin.views.language import Language


def build(twin: Twin, say: Language) -> Tiles:
    """Return the key figures; one whose data are missing says so."""
    weather, crop = twin.product("weather"), twin.summary("crop")
    return Tiles(
        (
            _sum(weather, "precipitation_mm", say("tile.rain"), say),
            _sum(weather, "et0_mm", say("tile.et0"), say),
            _depletion(twin, crop, say),
            _ndvi(twin.product("ndvi"), say),
            _advice(twin, crop, say),
            _harvest(twin.product("yields"), say),
        )
    )


def _missing(label: str, why: str) -> Tile:
    return Tile(label, "–", "", why, state="stale")


def _sum(weather: dict[str, Any] | None, key: str, label: str, say: Language) -> Tile:
    season = (weather or {}).get("season")
    if not weather or not season:
        return _missing(label, say("reason.no_weather"))
    days = season["days"]
    missing = weather.get("missing_days") or 0
    known = days - (missing if isinstance(missing, int) else len(missing))
    period = say(
        "tile.period", start=say.date(season["start"], year=False), end=say.date(weather["last_day"], year=False)
    )
    normal = (weather.get("normal") or {}).get(key) or {}
    note = (
        say("tile.normal", median=say.number(normal["median"], 0), years=normal["years"])
        if normal.get("median") is not None
        else say("weather.no_band")
    )
    return Tile(
        label, say.number(season.get(key), 0), "mm", f"{period} · {say('tile.of_days', known=known, days=days)}", note
    )


def _depletion(twin: Twin, crop: dict[str, Any] | None, say: Language) -> Tile:
    label = say("tile.depletion")
    if not crop or crop.get("depletion_mm") is None or crop.get("raw_mm") is None:
        return _missing(label, say("reason.no_crop"))
    if crop["raw_mm"] == 0.0:
        return _missing(label, say("crop.bare", depletion=say.amount(crop["depletion_mm"], "mm", 0)))
    ratio = crop["depletion_mm"] / crop["raw_mm"]
    judged = [row for row in (twin.product("alerts") or {}).get("judgements", []) if row["rule"] == "drought"]
    state = STATES[judged[0]["level"]] if judged else "plain"
    note = say(
        "tile.depletion_note",
        depletion=say.number(crop["depletion_mm"], 0),
        raw=say.number(crop["raw_mm"], 0),
        taw=say.number(crop.get("taw_mm"), 0),
    )
    day = say.date((twin.product("crop") or {}).get("issue_time"))
    return Tile(label, say.number(100 * ratio, 0), say("tile.depletion_unit"), say("tile.on", day=day), note, state)


def _ndvi(ndvi: dict[str, Any] | None, say: Language) -> Tile:
    label = say("tile.ndvi")
    last = (ndvi or {}).get("last")
    if not ndvi or not last:
        return _missing(label, say("reason.no_imagery"))
    scenes = say("tile.of_scenes", usable=ndvi.get("usable_scenes", 0), scenes=ndvi.get("scenes", 0))
    valid = say("tile.valid", share=say.percent(last["valid_share"]))
    return Tile(label, say.number(last["mean"], 2), "", f"{say.date(last['time'])} · {valid}", scenes)


def _advice(twin: Twin, crop: dict[str, Any] | None, say: Language) -> Tile:
    label = say("tile.advice")
    advice = (crop or {}).get("advice")
    if not isinstance(advice, dict) or advice.get("mm") is None:
        return _missing(label, say("reason.no_crop") if crop is None else say("reason.no_advice"))
    days = advice.get("days")
    length = len(days) if isinstance(days, list) else days
    period = say("tile.next_days", days=length) if length else ""
    note = say("tile.probability", share=say.percent(advice.get("probability")))
    state: State = "good" if round(advice["mm"]) == 0 else "low"
    return Tile(label, say.number(advice["mm"], 0), "mm", period, note, state)


def _harvest(yields: dict[str, Any] | None, say: Language) -> Tile:
    label = say("tile.harvest")
    if not yields:
        return _missing(label, say("reason.not_built"))
    prediction = yields.get("prediction")
    if not prediction or prediction.get("value") is None:
        return _missing(label, say.word("yield", f"outcome_{yields.get('outcome', 'not_enough_data')}"))
    span = say("tile.between", low=say.number(prediction["low"], 0), high=say.number(prediction["high"], 0))
    method = say("tile.method", model=say.word("model", prediction.get("model")))
    period = say("tile.season", season=prediction.get("season"))
    return Tile(
        label, say.number(prediction["value"], 0), prediction.get("units") or "kg/ha", f"{period} · {span}", method
    )
