"""Inbox, journal and log in the record store, on each engine."""

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from agritwin.alerts.commands import deliver, move, propose, register
from agritwin.alerts.neighbours import Recipient
from agritwin.alerts.notifications import notify
from agritwin.alerts.rules import Judgement
from agritwin.alerts.stores import (
    SqlInbox,
    SqlJournal,
    acknowledge,
    alert_log,
    commands,
    inbox,
    log_alert,
    mark_seen,
)
from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import reading, writing

NOW = dt.datetime(2025, 6, 15, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
EVERYBODY = [Recipient("a", 0.0, "self"), Recipient("b", 40.0, "downstream")]


def flood(level="mid"):
    evidence = {"source": "gauges", "members": 1, "required_share": 1.0, "known_until": NOW.isoformat()}
    return Judgement("flood", "m", level, 0.3, 0.2, 1.0, NOW, NOW + 12 * HOUR, NOW, "beyond", evidence)


def tell(store, judgement):
    return notify("a", judgement, EVERYBODY, SqlInbox(store), NOW.isoformat())


def test_each_recipient_has_one_notice_an_event_whose_level_rises_in_place(store):
    assert len(tell(store, flood("low"))) == 2
    assert tell(store, flood("low")) == []
    mark_seen(store, [row["id"] for row in inbox(store, "b", NOW)], NOW)
    assert [row["state"] for row in inbox(store, "b", NOW)] == ["seen"]
    assert len(tell(store, flood("serious"))) == 2
    (notice,) = inbox(store, "b", NOW)
    assert (notice["level"], notice["state"], notice["twin_id"]) == ("serious", "new", "a")
    assert notice["evidence"]["reason"] == "downstream"


def test_states_of_a_notice(store):
    tell(store, flood())
    (notice,) = inbox(store, "a", NOW)
    assert notice["state"] == "new"
    assert inbox(store, "a", NOW + 13 * HOUR)[0]["state"] == "expired"
    acknowledge(store, notice["id"], "ana", NOW + HOUR)
    acknowledge(store, notice["id"], "luis", NOW + 2 * HOUR)
    (notice,) = inbox(store, "a", NOW + 13 * HOUR)
    assert (notice["state"], notice["acknowledged_by"]) == ("acknowledged", "ana")
    assert notice["seen_at"] == notice["acknowledged_at"]
    with pytest.raises(DataError, match="no notice"):
        acknowledge(store, 999, "ana", NOW)


def test_what_a_step_writes_is_kept_whole_or_not_at_all(store):
    with pytest.raises(ZeroDivisionError), writing(store) as connection:
        notify("a", flood(), EVERYBODY, SqlInbox(connection), NOW.isoformat())
        log_alert(connection, "a", "gauges", flood())
        1 / 0  # noqa: B018
    assert inbox(store, None, NOW) == []
    assert alert_log(store) == []


def test_the_log_has_each_change_once(store):
    for level in ("low", "low", "serious"):
        with writing(store) as connection:
            log_alert(connection, "a", "gauges", flood(level))
    assert [row["level"] for row in alert_log(store, "a")] == ["low", "serious"]
    assert alert_log(store, "b") == []


def wish(event="one", at=NOW):
    return propose(
        "a", "irrigation", {"irrigation": "stop", "hours": 12}, {"rule": "flood"}, at, 6 * HOUR, "watch", event
    )


def test_the_journal_keeps_every_step_and_only_adds(store):
    journal = SqlJournal(store)
    kept = register(journal, wish())
    assert register(journal, wish(at=NOW + HOUR)) == kept
    move(journal, kept.id, "approved", NOW + HOUR, "ana")
    done = deliver(journal, kept.id, NOW + 2 * HOUR, "watch")
    assert [step.state for step in done.steps] == ["proposed", "approved", "sent", "acknowledged"]
    assert journal.load(kept.id) == done
    with reading(store) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.command_events)) == 4
        assert connection.scalar(sa.select(t.commands.c.reported)) == {"dry_run": True}
    assert commands(store, "a", "acknowledged") == [done]
    assert commands(store, "b") == []


def test_of_two_workers_one_wins(store):
    journal = SqlJournal(store)
    before = register(journal, wish())
    first, second = (
        replace(before, steps=(*before.steps, replace(before.steps[0], state="approved", by=who))) for who in "xy"
    )
    assert journal.swap(before, first)
    assert not journal.swap(before, second)
    assert journal.load(before.id) == first
