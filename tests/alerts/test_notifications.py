"""One notice for each event and recipient, again only where the level rises."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.alerts.neighbours import Recipient
from agritwin.alerts.notifications import event_key, notify
from agritwin.alerts.replay import replay
from agritwin.alerts.rules import LEVELS, Judgement

SINCE = dt.datetime(2025, 4, 10, 3, tzinfo=dt.UTC)
ALL = [Recipient("a", 0.0, "self"), Recipient("b", 120.0, "near"), Recipient("c", 900.0, "downstream")]


class DictInbox:
    def __init__(self):
        self.kept, self.puts = {}, 0

    def level(self, event, recipient):
        notice = self.kept.get((event, recipient))
        return notice.level if notice else None

    def put(self, notification):
        self.kept[notification.event, notification.recipient] = notification
        self.puts += 1


def judgement(level="mid", since=SINCE, rule="frost"):
    evidence = {"source": "forecast", "members": 50, "required_share": 0.3}
    until = SINCE + dt.timedelta(hours=4)
    beyond = since if level != "none" else None
    return Judgement(rule, "degC", level, -1.4, -1.0, 0.6, SINCE, until, beyond, "beyond", evidence)


def send(inbox, level="mid", to=ALL, **options):
    return notify("a", judgement(level, **options), to, inbox, "2025-04-10")


def test_everybody_gets_one_notice_with_reason_and_distance():
    sent = send(DictInbox())
    assert [notice.recipient for notice in sent] == ["a", "b", "c"]
    assert sent[2].evidence["reason"] == "downstream"
    assert sent[1].evidence["distance_m"] == 120.0
    assert {notice.twin_id for notice in sent} == {"a"}


@given(st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=8))
def test_repeating_the_step_sends_nothing_new_even_when_it_stopped_half_way(cuts):
    inbox = DictInbox()
    for cut in cuts:
        send(inbox, to=ALL[:cut])
    send(inbox)
    assert inbox.puts == len(inbox.kept) == 3


def test_a_rising_level_is_told_and_a_falling_one_is_not():
    inbox = DictInbox()
    counts = [len(send(inbox, level)) for level in ("low", "low", "serious", "mid", "none")]
    assert counts == [3, 0, 3, 0, 0]
    assert {notice.level for notice in inbox.kept.values()} == {"serious"}
    assert len(inbox.kept) == 3


def test_a_new_event_and_another_rule_have_their_own_notices():
    inbox = DictInbox()
    send(inbox)
    assert len(send(inbox, since=SINCE + dt.timedelta(days=3))) == 3
    assert len(send(inbox, rule="heat")) == 3


def test_no_danger_sends_nothing():
    assert send(DictInbox(), "none") == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_notice_explains_itself(language):
    (notice,) = notify("a", judgement(), ALL[:1], DictInbox(), "2025-04-10", language)
    assert "-1" in notice.body
    assert "50" in notice.body
    assert notice.title == {"es": "Helada: medio", "en": "Frost: medium"}[language]


def test_later_evidence_of_the_same_event_has_the_same_key(frost, temperatures):
    night, next_night = temperatures([-2.0]), temperatures([-2.0], known_until=SINCE + dt.timedelta(days=2))
    first, second = replay([night, next_night], frost)
    assert first.level == second.level
    assert event_key("a", first) == event_key("a", second)
    assert event_key("a", first) != event_key("b", first)
    assert LEVELS.index(first.level) > 0
