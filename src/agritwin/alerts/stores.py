"""Inbox, journal of commands and log of alerts in the record store; what a step writes is kept whole or not at all."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from agritwin.alerts.commands import Command, State, Step
from agritwin.alerts.explanation import as_dict
from agritwin.alerts.notifications import Notification, event_key
from agritwin.alerts.rules import Judgement, Level
from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import insert, reading, writing

type Where = sa.Engine | sa.Connection


@contextmanager
def _transaction(where: Where) -> Iterator[sa.Connection]:
    """Give the caller's transaction, or one of its own on an engine."""
    if isinstance(where, sa.Connection):
        yield where
    else:
        with writing(where) as connection:
            yield connection


def ensure_twin(connection: sa.Connection, twin: str) -> None:
    """Make the row that others refer to."""
    connection.execute(insert(connection, t.twins).on_conflict_do_nothing(), {"id": twin})


class SqlInbox:
    """Notices by event and recipient (see `agritwin.alerts.notifications.Inbox`)."""

    def __init__(self, where: Where) -> None:
        self.where = where

    def level(self, event: str, recipient: str) -> Level | None:
        """Level of the notice kept under a key, None where there is none."""
        c = t.notifications.c
        with _transaction(self.where) as connection:
            return connection.scalar(sa.select(c.level).where(c.event == event, c.recipient == recipient))

    def put(self, notification: Notification) -> None:
        """Keep a notice; one of the same key is replaced, as unread."""
        row = {name: getattr(notification, name) for name in Notification.__dataclass_fields__}
        row["evidence"] = dict(notification.evidence)
        fresh = dict.fromkeys(("delivered_at", "seen_at", "acknowledged_at", "acknowledged_by"))
        with _transaction(self.where) as connection:
            ensure_twin(connection, notification.twin_id)
            add = insert(connection, t.notifications).values(**row)
            connection.execute(add.on_conflict_do_update(index_elements=["event", "recipient"], set_=row | fresh))


def inbox(engine: sa.Engine, recipient: str | None, now: dt.datetime) -> list[dict[str, Any]]:
    """Return the notices of a twin (None: of all), newest first, each with its `state` and what was `sent`.

    A notice is `acknowledged` once somebody says so, `expired` when its time is over before that, `seen` once it was
    shown to somebody, and `new` before. `sent` says by channel what became of it: `delivered`, `failed`, or `claimed`
    (on its way, or cut off by a stop).
    """
    c = t.notifications.c
    select = sa.select(t.notifications).order_by(c.id.desc())
    with reading(engine) as connection:
        rows = connection.execute(select if recipient is None else select.where(c.recipient == recipient)).mappings()
        sent = _sent(connection)
        return [
            dict(row)
            | {"state": _state(dict(row), now), "sent": sent.get((row["event"], row["recipient"], row["level"]), {})}
            for row in rows
        ]


def standing(engine: sa.Engine, recipients: Collection[str], now: dt.datetime) -> list[dict[str, Any]]:
    """Return the notices to some twins that hold and that nobody has acknowledged, newest first, own before others'."""
    c = t.notifications.c
    own = sa.case((c.recipient == c.twin_id, 0), else_=1)
    select = sa.select(t.notifications).where(c.recipient.in_(list(recipients)), c.acknowledged_at.is_(None))
    with reading(engine) as connection:
        rows = [dict(row) for row in connection.execute(select.order_by(own, c.id.desc())).mappings()]
    return [row for row in rows if _state(row, now) != "expired"]


def _sent(connection: sa.Connection) -> dict[tuple[str, str, str], dict[str, str]]:
    d = t.deliveries.c
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for event, recipient, level, channel, state in connection.execute(
        sa.select(d.event, d.recipient, d.level, d.channel, d.state)
    ):
        found.setdefault((event, recipient, level), {})[channel] = state
    return found


def _state(row: Mapping[str, Any], now: dt.datetime) -> str:
    if row["acknowledged_at"]:
        return "acknowledged"
    if row["valid_until"] and dt.datetime.fromisoformat(row["valid_until"]) < now:
        return "expired"
    return "seen" if row["seen_at"] else "new"


def mark_seen(engine: sa.Engine, numbers: list[int], now: dt.datetime) -> None:
    """Note that notices were shown to somebody; the first time counts."""
    c = t.notifications.c
    with writing(engine) as connection:
        update = sa.update(t.notifications).where(c.id.in_(numbers), c.seen_at.is_(None))
        connection.execute(update.values(seen_at=now.isoformat()))


def acknowledge(engine: sa.Engine, number: int, by: str, now: dt.datetime) -> None:
    """Note that somebody has taken notice; again by whomever changes nothing.

    Raises
    ------
    DataError
        Where there is no such notice.
    """
    c = t.notifications.c
    with writing(engine) as connection:
        if connection.scalar(sa.select(c.id).where(c.id == number)) is None:
            raise DataError(f"There is no notice {number}.", "List them: agritwin notices.")
        update = sa.update(t.notifications).where(c.id == number, c.acknowledged_at.is_(None))
        stamp = now.isoformat()
        connection.execute(
            update.values(acknowledged_at=stamp, acknowledged_by=by, seen_at=sa.func.coalesce(c.seen_at, stamp))
        )


class SqlJournal:
    """Commands and their steps (see `agritwin.alerts.commands.Journal`); steps are only ever added.

    On an engine every change is a transaction of its own, as `deliver` needs it; on a connection changes belong to the
    caller's.
    """

    def __init__(self, where: Where) -> None:
        self.where = where

    def load(self, id: str) -> Command | None:
        """Command of that id, None where there is none."""
        with _transaction(self.where) as connection:
            return _load(connection, id)

    def swap(self, before: Command | None, after: Command) -> bool:
        """Replace `before` by `after` in one step; False, and no change, where something else is there now."""
        with _transaction(self.where) as connection:
            if _load(connection, after.id) != before:
                return False
            if before is None:
                ensure_twin(connection, after.twin)
                connection.execute(sa.insert(t.commands).values(**_command_row(after)))
            else:
                reported = after.steps[-1].detail.get("reported")
                update = sa.update(t.commands).where(t.commands.c.id == after.id)
                values = {"state": after.state} | ({} if reported is None else {"reported": dict(reported)})
                connection.execute(update.values(**values))
            for step in after.steps[len(before.steps) if before else 0 :]:
                row = {"state": step.state, "at": step.at.isoformat(), "by": step.by, "detail": dict(step.detail)}
                connection.execute(sa.insert(t.command_events).values(command_id=after.id, **row))
        return True


def commands(engine: sa.Engine, twin: str | None = None, state: State | None = None) -> list[Command]:
    """Return commands, oldest proposal first; all where neither twin nor state is given."""
    c = t.commands.c
    select = sa.select(c.id).order_by(c.proposed_at, c.id)
    for column, value in ((c.twin_id, twin), (c.state, state)):
        select = select if value is None else select.where(column == value)
    with reading(engine) as connection:
        found = [_load(connection, id) for id in connection.scalars(select).all()]
    return [command for command in found if command is not None]


def _load(connection: sa.Connection, id: str) -> Command | None:
    row = connection.execute(sa.select(t.commands).where(t.commands.c.id == id)).mappings().first()
    if row is None:
        return None
    c = t.command_events.c
    events = connection.execute(sa.select(t.command_events).where(c.command_id == id).order_by(c.id)).mappings()
    steps = tuple(Step(e["state"], dt.datetime.fromisoformat(e["at"]), e["by"], e["detail"] or {}) for e in events)
    until = dt.datetime.fromisoformat(row["expires_at"])
    return Command(id, row["twin_id"], row["actuator"], row["desired"], row["evidence"], until, steps)


def _command_row(command: Command) -> dict[str, Any]:
    return {
        "id": command.id,
        "twin_id": command.twin,
        "actuator": command.actuator,
        "desired": dict(command.desired),
        "state": command.state,
        "evidence": dict(command.evidence),
        "proposed_at": command.steps[0].at.isoformat(),
        "expires_at": command.expires_at.isoformat(),
    }


def log_alert(connection: sa.Connection, twin: str, subject: str, judgement: Judgement) -> None:
    """Add a change of level to the log; the same one again is no news."""
    ensure_twin(connection, twin)
    row = {
        "twin_id": twin,
        "event": event_key(twin, judgement),
        "rule": judgement.rule,
        "subject": subject,
        "level": judgement.level,
        "at": str(judgement.evidence["known_until"]),
        "judgement": as_dict(judgement),
    }
    connection.execute(insert(connection, t.alerts).on_conflict_do_nothing(), row)


def alert_log(engine: sa.Engine, twin: str | None = None) -> list[dict[str, Any]]:
    """Return changes of level in the order in which they were judged."""
    select = sa.select(t.alerts).order_by(t.alerts.c.id)
    with reading(engine) as connection:
        rows = connection.execute(select if twin is None else select.where(t.alerts.c.twin_id == twin)).mappings()
        return [dict(row) for row in rows]
