"""Notices that stand: what was told of danger since the products were published, as the watch keeps it."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agritwin import workspace
from agritwin.alerts.stores import standing
from agritwin.errors import StoreError
from agritwin.records.database import connect, migrate
from agritwin.views.blocks import State
from agritwin.views.language import Language


@dataclass(frozen=True)
class Notice:
    """A notice as pages show it: where, from when until when in the holding's zone, how bad, and why."""

    where: str
    when: str
    state: State
    text: str
    exercise: bool = False


def standing_notices(
    root: Path, names: Mapping[str, str], zone: str, say: Language, recipients: Collection[str] | None = None
) -> tuple[Notice, ...]:
    """Return the notices that hold now, newest first, each event once; one that says so where they cannot be read.

    Parameters
    ----------
    root
        The workspace; one without a record store has no notices.
    names
        Names of twins by id; others are shown by their id.
    zone
        Time zone of the holding.
    say
        Language of the page.
    recipients
        Twins whose inboxes are shown; those named where None.
    """
    where = workspace.records(root)
    if isinstance(where, Path) and not where.is_file():
        return ()
    try:
        engine = connect(where)
        migrate(engine)
        rows = standing(engine, names if recipients is None else recipients, dt.datetime.now(dt.UTC))
        engine.dispose()
    except StoreError as error:
        return (Notice("", "", "stale", say("app.notices_unread", reason=error)),)
    events: dict[str, dict[str, Any]] = {}
    for row in rows:
        events.setdefault(row["event"], row)
    return tuple(_notice(row, names, ZoneInfo(zone), say) for row in events.values())


def _notice(row: Mapping[str, Any], names: Mapping[str, str], zone: ZoneInfo, say: Language) -> Notice:
    told = (row["evidence"].get("explanation") or {}).get(say.code) or f"{row['title']}. {row['body']}"
    begin, end = (_moment(row[name], zone, say) for name in ("issue_time", "valid_until"))
    exercise = bool(row["evidence"].get("synthetic"))
    return Notice(names.get(row["twin_id"], row["twin_id"]), f"{begin} – {end}", row["level"], told, exercise)


def _moment(written: str | None, zone: ZoneInfo, say: Language) -> str:
    if written is None:
        return say.date(None)
    moment = dt.datetime.fromisoformat(written)
    local = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(zone)
    return f"{say.date(local, year=False)} {local:%H:%M}"
