"""One look at what is new: readings and published forecasts judged, alerts, notices and commands kept, all at once.

Everything that a look finds is written in one transaction together with the mark that it was looked at. A watch that is
killed has either kept all of it or nothing, and looks again at what it has not kept.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from agritwin.alerts import evidence
from agritwin.alerts.commands import move, propose, register
from agritwin.alerts.explanation import as_dict, from_dict
from agritwin.alerts.live import (
    EXERCISE,
    GAUGES,
    MEMORY,
    RAIN,
    SYNTHETIC,
    RainReading,
    Standing,
    State,
    by_source,
    follow,
    source_of,
)
from agritwin.alerts.notifications import event_key, notify
from agritwin.alerts.rules import LEVELS, Judgement, judge
from agritwin.alerts.stores import SqlInbox, SqlJournal, ensure_twin, log_alert
from agritwin.records import tables as t
from agritwin.records.database import insert, reading, writing
from agritwin.records.readings import sensors_of, together, usable, with_sensors
from agritwin.watch.context import Context

log = logging.getLogger(__name__)

TOLD_TO_NEIGHBOURS = ("flood",)
LIVE_DAYS = 7
"""A sensor silent for longer is not alive any more; how old its data are is judged with the forecasts."""
LATEST_DAYS = 30
"""Rain that is told of later than this is history: no alert on it could still stand."""
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

type Find = Callable[[str], Context]


@dataclass(frozen=True)
class News:
    """A change of level, who was told of it, and the command that was proposed."""

    twin: str
    judgement: Judgement
    told: tuple[str, ...]
    command: str | None


def follow_readings(engine: sa.Engine, twins: Iterable[str], find: Find, now: dt.datetime) -> list[News]:
    """Judge the rain readings that no look has seen yet, in the order in which they came."""
    names, since = list(twins), _milliseconds(now - dt.timedelta(days=LATEST_DAYS))
    with reading(engine) as connection:
        if not _unseen(connection, names, since):
            return []
    news: list[News] = []
    with writing(engine) as connection:
        _begin_anew(connection, names)
        unseen = _unseen(connection, names, since)
        for (twin, source), rows in _by_twin_and_source(unseen).items():
            context, known = find(twin), by_source(_remembered(connection, twin)).get(source, {})
            before = State(known, _standings(connection, twin, source))
            state, changes = follow(map(_rain, rows), context.situation, before)
            for judgement in changes:
                news.append(_tell(connection, context, judgement, source, now))
            for rule, standing in state.standings.items():
                _stand(connection, twin, rule, source, standing, now)
        keys = ("sensor_id", "measure_id", "time_ms", "occurrence")
        if unseen:
            connection.execute(insert(connection, t.watch_seen), [{key: row[key] for key in keys} for row in unseen])
    return news


def looked_at(engine: sa.Engine, twin: str, source: str, moments: Iterable[dt.datetime]) -> int:
    """Return how many readings of rain of a source, at these times, a look has been at."""
    c, seen = t.sensors.c, t.watch_seen.c
    select = (
        sa.select(c.name, sa.func.count(sa.distinct(seen.time_ms)))
        .join_from(t.watch_seen, t.sensors, c.id == seen.sensor_id)
        .where(c.twin_id == twin, seen.time_ms.in_([_milliseconds(moment) for moment in moments]))
        .group_by(c.name)
    )
    with reading(engine) as connection:
        return max((count for name, count in connection.execute(select) if source_of(name) == source), default=0)


def follow_product(engine: sa.Engine, context: Context, now: dt.datetime) -> list[News]:
    """Take over the judgements that the DAG has published: an event goes on while they say so, and is told once.

    Those of rain gauges are left out: the watch judges the same readings itself, one by one.
    """
    if context.product is None:
        return []
    judgements = [from_dict(written) for written in context.product["judgements"]]
    found = [(judgement, _subject(judgement)) for judgement in judgements]
    return _take_over(engine, context, [pair for pair in found if pair[1] not in (GAUGES, EXERCISE)], now)


def follow_silence(engine: sa.Engine, context: Context, now: dt.datetime) -> list[News]:
    """Judge how long the live sensors of a twin have been silent, each by its own cadence."""
    rule = context.situation.rules.get("silent_sensor")
    if rule is None:
        return []
    readings = together()
    c, s = readings.c, t.sensors.c
    select = (
        sa.select(s.name, s.cadence_s, sa.func.max(c.time_ms).label("last"))
        .select_from(with_sensors(readings))
        .where(s.cadence_s.is_not(None), s.status == "active")
        .where(usable(c.flags), c.time_ms >= _milliseconds(now - dt.timedelta(days=LIVE_DAYS)))
        .group_by(s.id, s.name, s.cadence_s)
    )
    with reading(engine) as connection:
        rows = connection.execute(select.where(c.sensor_id.in_(sensors_of(connection, context.twin)))).all()
        found = []
        for name, cadence_s, last in rows:
            standing = _standings(connection, context.twin, name).get("silent_sensor", Standing())
            silence = evidence.silence(_moment(last), dt.timedelta(seconds=cadence_s), now, name)
            found.append((judge(silence, rule, standing.level, standing.since), name))
    return _take_over(engine, context, found, now)


def _take_over(engine: sa.Engine, context: Context, found: list[tuple[Judgement, str]], now: dt.datetime) -> list[News]:
    """Compare judgements with the levels that stand, and tell of those that changed."""
    with reading(engine) as connection:
        changed = [pair for pair in found if _change(connection, context.twin, *pair) is not None]
    if not changed:
        return []
    news = []
    with writing(engine) as connection:
        for judgement, subject in changed:
            if (change := _change(connection, context.twin, judgement, subject)) is not None:
                news.append(_tell(connection, context, change, subject, now))
                standing = Standing(change.level, change.since if change.level != "none" else None)
                _stand(connection, context.twin, change.rule, subject, standing, now)
    return news


def _change(connection: sa.Connection, twin: str, judgement: Judgement, subject: str) -> Judgement | None:
    """Return a judgement that changes the level standing, under the start of its event; None where none changes."""
    standing = _standings(connection, twin, subject).get(judgement.rule, Standing())
    if judgement.level == standing.level:
        return None
    return replace(judgement, since=standing.since or judgement.since or judgement.valid_from)


def _tell(connection: sa.Connection, context: Context, judgement: Judgement, subject: str, now: dt.datetime) -> News:
    """Log a change of level, tell of it where it is news and still holds, and propose what the configuration says."""
    log_alert(connection, context.twin, subject, judgement)
    if judgement.level == "none" or judgement.valid_until <= now:
        return News(context.twin, judgement, (), None)
    everybody = judgement.rule in TOLD_TO_NEIGHBOURS
    recipients = context.recipients if everybody else context.recipients[:1]
    issued = str(judgement.evidence["known_until"])
    sent = notify(context.twin, judgement, recipients, SqlInbox(connection), issued, context.language)
    command = _propose(connection, context, judgement, now)
    return News(context.twin, judgement, tuple(notice.recipient for notice in sent), command)


def _propose(connection: sa.Connection, context: Context, judgement: Judgement, now: dt.datetime) -> str | None:
    stated = context.commands["proposals"].get(judgement.rule)
    if stated is None or LEVELS.index(judgement.level) < LEVELS.index(stated["from_level"]):
        return None
    lifetime = dt.timedelta(hours=context.commands["lifetime_h"])
    wish = propose(
        context.twin, stated["actuator"], stated["desired"], as_dict(judgement), now, lifetime, "watch",
        event_key(context.twin, judgement),
    )  # fmt: skip
    journal = SqlJournal(connection)
    kept = register(journal, wish)
    exercise = bool(judgement.evidence.get("synthetic"))
    if kept.state == "proposed" and judgement.rule in context.commands["approved_rules"] and not exercise:
        move(journal, kept.id, "approved", now, "configuration")
    return kept.id


def _by_twin_and_source(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["twin_id"], source_of(row["name"])), []).append(row)
    return found


def _subject(judgement: Judgement) -> str:
    return str(judgement.evidence.get("source", "forecast"))


def _unseen(connection: sa.Connection, twins: list[str], since_ms: int) -> list[Mapping[str, Any]]:
    rains = _rains(connection)
    c, seen = rains.c, t.watch_seen.c
    keys = (c.sensor_id, c.measure_id, c.time_ms, c.occurrence)
    there = sa.exists().where(*(seen[key.name] == key for key in keys))
    select = (
        sa.select(t.sensors.c.twin_id, t.sensors.c.name, c.value, *keys)
        .select_from(with_sensors(rains))
        .where(t.sensors.c.twin_id.in_(twins), t.measures.c.name == RAIN, c.value.is_not(None), ~there)
        .where(usable(c.flags), c.time_ms >= since_ms)
        .order_by(c.arrival_ms, c.time_ms, c.sensor_id, c.occurrence)
    )
    return [dict(row) for row in connection.execute(select).mappings()]


def _rains(connection: sa.Connection) -> sa.Table:
    """Return the table that holds the readings of rain."""
    datatype = connection.scalar(sa.select(t.measures.c.datatype).where(t.measures.c.name == RAIN))
    return t.READINGS[datatype or "float"]


def _begin_anew(connection: sa.Connection, twins: list[str]) -> None:
    """Leave out what lies more than a day before the newest reading of a gauge that no look has seen anything of."""
    rains = _rains(connection)
    c, seen = rains.c, t.watch_seen.c
    gauges = (
        sa.select(c.sensor_id, c.measure_id, sa.func.max(c.time_ms))
        .select_from(with_sensors(rains))
        .where(t.sensors.c.twin_id.in_(twins), t.measures.c.name == RAIN)
        .where(~sa.exists().where(seen.sensor_id == c.sensor_id, seen.measure_id == c.measure_id))
        .group_by(c.sensor_id, c.measure_id)
    )
    for sensor_id, measure_id, newest in connection.execute(gauges).all():
        before = newest - MEMORY / dt.timedelta(milliseconds=1)
        old = sa.select(c.sensor_id, c.measure_id, c.time_ms, c.occurrence)
        old = old.where(c.sensor_id == sensor_id, c.measure_id == measure_id, c.time_ms < before)
        names = ["sensor_id", "measure_id", "time_ms", "occurrence"]
        connection.execute(sa.insert(t.watch_seen).from_select(names, old))


def _remembered(connection: sa.Connection, twin: str) -> dict[str, tuple[RainReading, ...]]:
    """Return the readings of the last day that were looked at, by gauge."""
    rains = _rains(connection)
    c, seen = rains.c, t.watch_seen.c
    keys = (c.sensor_id, c.measure_id, c.time_ms, c.occurrence)
    looked_at = t.watch_seen.join(rains, sa.and_(*(seen[key.name] == key for key in keys)))
    joined = looked_at.join(t.sensors, t.sensors.c.id == c.sensor_id)
    newest = connection.scalar(
        sa.select(sa.func.max(seen.time_ms)).select_from(joined).where(t.sensors.c.twin_id == twin)
    )
    if newest is None:
        return {}
    # Two days: the fold keeps a day before the newest reading of each gauge, and gauges may be a day apart.
    since = newest - 2 * MEMORY / dt.timedelta(milliseconds=1)
    select = (
        sa.select(t.sensors.c.name, c.time_ms, c.value)
        .select_from(joined)
        .where(t.sensors.c.twin_id == twin, seen.time_ms >= since, c.value.is_not(None))
        .where(usable(c.flags))
        .order_by(c.time_ms)
    )
    found: dict[str, list[RainReading]] = {}
    for row in connection.execute(select).mappings():
        found.setdefault(row["name"], []).append(_rain(dict(row)))
    return {name: tuple(one for one in series if series[-1].time - one.time < MEMORY) for name, series in found.items()}


def _rain(row: Mapping[str, Any]) -> RainReading:
    name = str(row["name"])
    return RainReading(name, _moment(row["time_ms"]), float(row["value"]), name.endswith(SYNTHETIC))


def _standings(connection: sa.Connection, twin: str, subject: str) -> dict[str, Standing]:
    c = t.watch_levels.c
    select = sa.select(c.rule, c.level, c.since).where(c.twin_id == twin, c.subject == subject)
    return {
        rule: Standing(level, dt.datetime.fromisoformat(since) if since else None)
        for rule, level, since in connection.execute(select)
    }


def _stand(connection: sa.Connection, twin: str, rule: str, subject: str, standing: Standing, now: dt.datetime) -> None:
    ensure_twin(connection, twin)
    key = {"twin_id": twin, "rule": rule, "subject": subject}
    since = standing.since.isoformat() if standing.since else None
    values = {"level": standing.level, "since": since, "at": now.isoformat()}
    add = insert(connection, t.watch_levels).values(**key, **values)
    connection.execute(add.on_conflict_do_update(index_elements=list(key), set_=values))


def _moment(milliseconds: int) -> dt.datetime:
    return EPOCH + dt.timedelta(milliseconds=milliseconds)


def _milliseconds(moment: dt.datetime) -> int:
    return round((moment - EPOCH) / dt.timedelta(milliseconds=1))
