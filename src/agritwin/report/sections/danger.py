"""Alerts in words: what is judged, on what data, against which threshold; and how the sources are."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from shapely.geometry import shape

from agritwin.alerts.explanation import source_name
from agritwin.geometry import to_crs, utm_epsg
from agritwin.observe import journal
from agritwin.report.twin import Twin
from agritwin.views import gauges
from agritwin.views.blocks import Absent, Block, Columns, Section, State, Table, Tabs, Text
from agritwin.views.language import Language, as_date
from agritwin.views.neighbours import told_map

LEVELS = ("none", "low", "mid", "serious")
DIGITS = {"m": 2, "1": 2, "d": 0, "h": 0}
BY_THE_HOUR = ("frost", "heat", "heavy_rain", "downpour", "flood")
COUNTED = ("silent_sensor", "unconverged_model")
STATES: dict[str, State] = {"no_data": "stale", "none": "good", "low": "low", "mid": "mid", "serious": "serious"}
UNITS = {"degC": "°C", "1": ""}


def measure(value: Any, judgement: dict[str, Any], say: Language) -> str:
    """Return a value or threshold of a judgement with its unit."""
    if value is None or isinstance(value, str):
        return say("word.unknown") if value is None else value
    given = judgement.get("unit") or ""
    unit, digits = UNITS.get(given, given), 0 if judgement.get("rule") in COUNTED else DIGITS.get(given, 1)
    return say.amount(value, unit, digits) if unit else say.number(value, digits)


def end(judgement: dict[str, Any], zone: str, say: Language) -> str:
    """Return until when a level holds: the day, and where hours were judged the hour too, by the parcel's clock."""
    until = judgement.get("valid_until")
    if not until or judgement["rule"] not in BY_THE_HOUR:
        return say.date(until)
    local = dt.datetime.fromisoformat(until).astimezone(ZoneInfo(zone))
    return f"{say.date(local.date())}, {local:%H:%M}"


def reason(judgement: dict[str, Any], zone: str, say: Language) -> str:
    """Return why a level was judged, in the language of the page, and until when it holds."""
    told = judgement.get("explanation")
    if isinstance(told, dict) and told.get(say.code):
        text = told[say.code]
    else:
        text = say(
            "alert.beyond",
            rule=say.word("rule", judgement["rule"]),
            value=measure(judgement.get("value"), judgement, say),
            threshold=measure(judgement.get("threshold"), judgement, say),
        )
    if judgement.get("level", "none") != "none" and judgement.get("valid_until"):
        text += " " + say("alert.until", day=end(judgement, zone, say))
    return text


def worst(alerts: dict[str, Any]) -> dict[str, Any] | None:
    """Return the judgement that sets the overall level; None where there is no danger."""
    raised = [judgement for judgement in alerts.get("judgements", []) if judgement.get("level", "none") != "none"]
    return max(raised, key=_gravity, default=None)


def _gravity(judgement: dict[str, Any]) -> tuple[int, float]:
    return LEVELS.index(judgement.get("level", "none")), judgement.get("probability") or 0.0


def overall(alerts: dict[str, Any] | None, zone: str, say: Language) -> tuple[str, str, State]:
    """Return level and reason for the page's head, and the state that colours them."""
    if alerts is None:
        return say("level.unknown"), say("alert.not_judged"), "stale"
    level = alerts["level"]
    judgement = worst(alerts)
    if judgement is None:
        return say(f"level.{level}"), say("alert.nothing", rules=len(alerts.get("judgements", []))), STATES[level]
    sentence = reason(judgement, zone, say)
    equal = [row for row in alerts["judgements"] if row.get("level") == level and row is not judgement]
    others = [say.word("rule", row["rule"]) for row in sorted(equal, key=_gravity, reverse=True)]
    if others:
        names = ", ".join(dict.fromkeys(name[0].lower() + name[1:] for name in others))
        sentence += " " + say("alert.more", names=names)
    return say(f"level.{level}"), sentence, STATES[level]


def build(twin: Twin, say: Language) -> Section:
    """Return the section of alerts and of the health of data."""
    alerts = twin.product("alerts")
    blocks: list[Block] = []
    if alerts is None:
        blocks.append(Absent(say("alert.title"), twin.why("alerts") or say("reason.not_built")))
    else:
        judgements = sorted(alerts.get("judgements", []), key=_gravity, reverse=True)
        blocks.append(_judgements(judgements, twin.zone, say) if judgements else Text(say("alert.nothing", rules=0)))
        blocks += _gauges(alerts, say)
        health = _health(alerts.get("health") or [], as_date(twin.issue_time), say)
        told = _told(alerts.get("neighbours") or [], twin, say)
        blocks += [Columns(((told[0],), (health,)))] if told else [health]
    if lines := _last_fetches(twin):
        blocks.append(_fetches(lines, ZoneInfo(twin.zone), say))
    return Section("alerts", say("alert.title"), say("alert.lead"), tuple(blocks))


def _told(rows: list[dict[str, Any]], twin: Twin, say: Language) -> list[Block]:
    """Return who is told: the map where outlines were published, else their names."""
    neighbours = [row for row in rows if row["twin"] != twin.code]
    if not neighbours:
        return []
    if all(row.get("geometry") for row in rows):
        shapes = [shape(row["geometry"]) for row in rows]
        centre = shapes[0].centroid
        code = utm_epsg(centre.x, centre.y)
        return [told_map(say, rows, [to_crs(one, 4326, code) for one in shapes])]
    told = ", ".join(f"{row['twin']} ({say.amount(row.get('distance_m'), 'm', 0)})" for row in neighbours)
    return [Text(say("alert.neighbours", neighbours=told))]


def _gauges(alerts: dict[str, Any], say: Language) -> list[Block]:
    """Return what each rain gauge recorded up to its last reading, a tab each where there are several."""
    found, frequency = gauges.by_gauge(alerts.get("measured_rain") or []), alerts.get("frequency")
    panels: list[tuple[str, tuple[Block, ...]]] = []
    for number, (gauge, rows) in enumerate(found.items()):
        plot = gauges.measured(say, f"gauge-{number}", gauge, rows, frequency)
        panels.append((gauge, (Columns(((plot,), (gauges.table(say, rows, frequency),))),)))
    if not panels:
        return [Absent(say("gauges.absent"), say("reason.no_gauge"))]
    return list(panels[0][1]) if len(panels) == 1 else [Tabs("gauges", say("gauges.tabs"), tuple(panels))]


def _judgements(judgements: list[dict[str, Any]], zone: str, say: Language) -> Table:
    rows = tuple(
        (
            say.word("rule", row["rule"]),
            say(f"level.{_level(row)}"),
            end(row, zone, say),
            measure(row.get("value"), row, say),
            measure(row.get("threshold"), row, say),
            say.percent(row.get("probability")),
            evidence(row, say),
        )
        for row in judgements
    )
    names = ("rule", "level", "until", "value", "threshold", "probability", "data")
    marks: tuple[State, ...] = tuple(STATES.get(_level(row), "plain") for row in judgements)
    header = tuple(say(f"alert.column_{name}") for name in names)
    return Table(say("alert.caption"), header, rows, frozenset({3, 4, 5}), marks=marks)


def _level(judgement: dict[str, Any]) -> str:
    """Return the level of a judgement; `no_data` where it is none only because nothing is known."""
    level, code = judgement.get("level", "none"), (judgement.get("explanation") or {}).get("code", "")
    return "no_data" if level == "none" and code.endswith(".no_data") else level


def evidence(judgement: dict[str, Any], say: Language) -> str:
    """Return which data a judgement rests on, how many members, and until when they reach."""
    found = judgement.get("evidence")
    if not isinstance(found, dict):
        return str(found) if found else say("word.unknown")
    parts = [_source(found["source"], say)] if found.get("source") else []
    if (found.get("members") or 0) > 1:
        parts.append(say("alert.members", count=found["members"]))
    if found.get("known_until"):
        parts.append(say("alert.known_until", day=say.date(found["known_until"])))
    return " · ".join(parts) or say("word.unknown")


def _source(source: str, say: Language) -> str:
    """Return the name of data as the sections call it, or else as the explanations do."""
    if say.has(f"kind.{source}"):
        return say(f"kind.{source}")
    name = source_name(source, "es" if say.code == "es" else "en")
    return name if "/" in source else name[0].upper() + name[1:]


def _health(health: list[dict[str, Any]], today: dt.date | None, say: Language) -> Block:
    if not health:
        return Absent(say("health.title"), say("reason.no_status"))
    rows: list[tuple[str, ...]] = []
    marks: list[State] = []
    for status in health:
        failures = "; ".join(f"{failure['source']}: {failure['what']}" for failure in status.get("failures") or [])
        gaps = status.get("missing_days") or []
        state = status.get("state", "missing")
        last = as_date(status.get("last_value"))
        age = (today - last).days if today and last else None
        rows.append(
            (
                say.word("kind", status["kind"]),
                ", ".join(say.word("provider", name) for name in dict.fromkeys(status.get("sources") or [])),
                say.word("health", f"state_{state}"),
                say.date(status.get("last_value")),
                say.amount(age, "d", 0),
                failures or "–",
                say("health.gaps", count=len(gaps)) if gaps else "–",
            )
        )
        marks.append("good" if state == "ok" else "stale")
    names = ("what", "sources", "state", "last", "age", "failures", "gaps")
    header = tuple(say(f"health.column_{name}") for name in names)
    return Table(say("health.title"), header, tuple(rows), marks=tuple(marks))


def _last_fetches(twin: Twin) -> list[dict[str, Any]]:
    """Return the journal's newest line of each kind and source for a twin and its cell, as of the day of the page."""
    outline = twin.paths.get("outline")
    if outline is None:
        return []
    pointers = (twin.pointer(name) or {} for name in ("weather_season", "forecast_season"))
    places = {twin.code} | {Path(pointer["store"]).stem for pointer in pointers if pointer.get("store")}
    # The journal lies beside the folder of the twins. It is no input of the page's rule: it grows at every fetch.
    lines = journal.read(places, outline.parent / ".." / ".." / journal.JOURNAL.name)
    known = (line for line in lines if (line["as_of"] or "") <= (twin.issue_time or ""))
    return list({(line["kind"], line["source"]): line for line in known}.values())


def _fetches(lines: list[dict[str, Any]], zone: ZoneInfo, say: Language) -> Table:
    """Return what the journal says of the last time that each source was asked."""
    rows = []
    for line in lines:
        moment = dt.datetime.fromisoformat(line["time"]).astimezone(zone)
        rows.append(
            (
                say.word("kind", line["kind"]),
                say.word("provider", line["source"]),
                f"{say.date(moment.date())} {moment:%H:%M}",
                say.number(line["items"], 0),
                say.amount(line["bytes"] / 1000, "kB"),
                say.amount(line["seconds"], "s"),
                say.number(line["gaps"], 0),
                line["failure"] or "–",
            )
        )
    names = ("what", "source", "fetched", "items", "bytes", "seconds", "gaps", "failures")
    header = tuple(say(f"health.column_{name}") for name in names)
    marks: tuple[State, ...] = tuple("stale" if line["failure"] else "good" for line in lines)
    return Table(say("health.fetches"), header, tuple(rows), frozenset({3, 4, 5, 6}), folded=True, marks=marks)
