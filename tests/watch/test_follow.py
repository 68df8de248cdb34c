"""Looks at the record store: each change told once, whatever is repeated, late, or stopped in the middle."""

import datetime as dt
import json

import pandas as pd
import pytest
import sqlalchemy as sa

from agritwin import config
from agritwin.alerts.commands import move
from agritwin.alerts.explanation import as_dict
from agritwin.alerts.rules import Judgement
from agritwin.alerts.stores import SqlJournal, alert_log, commands, inbox
from agritwin.records import tables as t
from agritwin.records.database import connect, reading, writing
from agritwin.records.instruments import define_measure, define_sensor
from agritwin.records.readings import store_readings
from agritwin.watch import follow
from agritwin.watch.act import carry_out
from agritwin.watch.cloudburst import messages
from agritwin.watch.context import Contexts
from tests.conftest import DEMO
from tests.watch.conftest import NEIGHBOUR, configure

NOW = dt.datetime(2025, 6, 15, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def engine(workspace):
    engine = connect(workspace / "data" / "records.db")
    with writing(engine) as connection:
        connection.execute(sa.insert(t.twins).values(id=DEMO))
    define_measure(engine, "precipitation", "mm")
    for name in ("rain-gauge", "rain-gauge-synthetic"):
        define_sensor(engine, f"{DEMO}/{name}", "gauge", ["precipitation"], twin_id=DEMO, cadence_s=3600)
    yield engine
    engine.dispose()


@pytest.fixture
def contexts(workspace):
    return Contexts(workspace, config.load(workspace / "config"))


def rain(engine, said, sensor="rain-gauge"):
    times = [pd.Timestamp(one["time"]).tz_localize(None) for one in said]
    values = [one["precipitation"] for one in said]
    table = pd.DataFrame({"time": times, "value": values})
    about = {"sensor": f"{DEMO}/{sensor}", "measure": "precipitation", "arrival": pd.Timestamp(NOW)}
    store_readings(engine, table.assign(**about))


def look(engine, contexts, now=NOW):
    return follow.follow_readings(engine, [DEMO], contexts.of, now)


def test_a_cloudburst_is_told_to_the_twin_and_those_below_and_a_command_is_proposed(engine, contexts):
    rain(engine, messages(62, 2, NOW))
    news = look(engine, contexts)
    flood = [one for one in news if one.judgement.rule == "flood"]
    assert [one.judgement.level for one in flood] == ["low", "mid", "serious"]
    told = [row for row in inbox(engine, None, NOW) if row["title"].startswith("Inundación")]
    assert {row["recipient"]: row["evidence"]["reason"] for row in told} == {DEMO: "self", NEIGHBOUR: "downstream"}
    (command,) = commands(engine, DEMO)
    assert (command.actuator, command.desired) == ("irrigation", {"irrigation": "stop", "hours": 12})
    assert command.state == "proposed"
    assert command.expires_at == NOW + 6 * HOUR
    assert command.evidence["rule"] == "flood"


def test_only_the_twin_itself_hears_of_mere_rain(engine, contexts):
    rain(engine, messages(62, 2, NOW))
    look(engine, contexts)
    assert len(inbox(engine, DEMO, NOW)) == 3
    assert len(inbox(engine, NEIGHBOUR, NOW)) == 1


def test_looking_again_tells_nothing(engine, contexts):
    rain(engine, messages(62, 2, NOW))
    look(engine, contexts)
    before = (inbox(engine, None, NOW), alert_log(engine), commands(engine))
    assert look(engine, contexts) == []
    rain(engine, messages(62, 2, NOW))
    assert look(engine, contexts) == []
    assert (inbox(engine, None, NOW), alert_log(engine), commands(engine)) == before


def test_looks_at_any_piece_of_the_rain_end_the_same(engine, contexts, tmp_path, workspace):
    said = messages(62, 2, NOW)
    pieces = []
    for cuts in ([24], [5, 9, 10, 24], list(range(2, 25, 2))):
        with writing(engine) as connection:
            for table in (t.readings_float, t.watch_seen, t.watch_levels, t.alerts, t.notifications, t.commands):
                connection.execute(sa.delete(table))
        begin = 0
        for end in cuts:
            rain(engine, said[begin:end])
            look(engine, contexts)
            begin = end
        log = [(row["rule"], row["level"], row["at"], row["event"]) for row in alert_log(engine)]
        notices = sorted((row["event"], row["recipient"], row["level"]) for row in inbox(engine, None, NOW))
        pieces.append((log, notices, [command.id for command in commands(engine)]))
    assert pieces[0] == pieces[1] == pieces[2]


@pytest.mark.parametrize("where", ["log_alert", "notify", "register", "_stand"])
def test_a_stop_anywhere_keeps_nothing_and_the_next_look_tells_it_all(engine, contexts, monkeypatch, where):
    rain(engine, messages(62, 2, NOW))
    with monkeypatch.context() as patch:
        patch.setattr(follow, where, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            look(engine, contexts)
    assert inbox(engine, None, NOW) == []
    assert commands(engine) == []
    assert len(look(engine, contexts)) > 3
    assert len(commands(engine)) == 1


def test_an_exercise_is_labelled_and_never_approved_by_itself(engine, workspace):
    configure(workspace, commands={"approved_rules": ["flood"], "adapter": "http", "http_url": "https://x.org/"})
    contexts = Contexts(workspace, config.load(workspace / "config"))
    rain(engine, messages(62, 2, NOW), "rain-gauge-synthetic")
    look(engine, contexts)
    assert all(row["evidence"]["synthetic"] for row in inbox(engine, None, NOW))
    (command,) = commands(engine)
    assert command.state == "proposed"
    move(SqlJournal(engine), command.id, "approved", NOW, "ana")

    def way(_):
        pytest.fail("an exercise went out")

    (done,) = carry_out(engine, [DEMO], way, lambda: NOW)
    assert done.steps[-1].detail["reported"] == {"dry_run": True}


def test_rules_that_the_configuration_trusts_are_approved_and_sent(engine, workspace):
    configure(workspace, commands={"approved_rules": ["flood"]})
    contexts = Contexts(workspace, config.load(workspace / "config"))
    rain(engine, messages(62, 2, NOW))
    look(engine, contexts)
    (command,) = commands(engine)
    assert [(step.state, step.by) for step in command.steps] == [("proposed", "watch"), ("approved", "configuration")]
    from agritwin.alerts.commands import DRY_RUN

    (done,) = carry_out(engine, [DEMO], lambda _: DRY_RUN, lambda: NOW + HOUR)
    assert done.state == "acknowledged"


def test_what_nobody_approves_expires_and_is_never_sent(engine, contexts):
    rain(engine, messages(62, 2, NOW))
    look(engine, contexts)
    (done,) = carry_out(engine, [DEMO], lambda _: pytest.fail("sent"), lambda: NOW + 7 * HOUR)
    assert done.state == "expired"


def test_rain_of_yesterday_that_comes_today_is_logged_and_not_told(engine, contexts):
    rain(engine, messages(62, 2, NOW - 24 * HOUR))
    look(engine, contexts)
    assert [row["level"] for row in alert_log(engine) if row["rule"] == "flood"] == ["low", "mid", "serious"]
    assert inbox(engine, None, NOW) == []
    assert commands(engine) == []


def test_the_history_of_a_gauge_is_not_gone_through_at_the_first_look(engine, contexts):
    rain(engine, messages(62, 2, NOW - 48 * HOUR))
    rain(engine, messages(1, 1, NOW))
    assert look(engine, contexts) == []
    with reading(engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.watch_seen)) == 36


def published(level, since=NOW, hours=20):
    evidence = {
        "source": "archive",
        "members": 12,
        "required_share": 0.3,
        "known_until": NOW.isoformat(),
        "persistence": 1,
    }
    valid = (since + 5 * HOUR, since + hours * HOUR)
    return as_dict(
        Judgement(
            "frost", "degC", level, -2.0, -1.0, 0.5, *valid, since if level != "none" else None, "beyond", evidence
        )
    )


def publish(workspace, *judgements):
    path = workspace / "results" / DEMO / "alerts.json"
    content = json.loads(path.read_text()) | {"judgements": list(judgements)}
    path.with_suffix(".new").write_text(json.dumps(content))
    path.with_suffix(".new").replace(path)


def test_a_published_forecast_is_told_once_and_goes_on_from_day_to_day(engine, contexts, workspace):
    publish(workspace, published("mid"))
    (news,) = follow.follow_product(engine, contexts.of(DEMO), NOW)
    assert news.told == (DEMO,)
    assert follow.follow_product(engine, contexts.of(DEMO), NOW) == []
    publish(workspace, published("mid", NOW + 24 * HOUR))
    assert follow.follow_product(engine, contexts.of(DEMO), NOW + 24 * HOUR) == []
    publish(workspace, published("serious", NOW + 48 * HOUR))
    assert len(follow.follow_product(engine, contexts.of(DEMO), NOW + 48 * HOUR)) == 1
    publish(workspace, published("none", NOW + 72 * HOUR))
    follow.follow_product(engine, contexts.of(DEMO), NOW + 72 * HOUR)
    assert len({row["event"] for row in alert_log(engine)}) == 1
    assert [row["level"] for row in alert_log(engine)] == ["mid", "serious", "none"]
    assert len(inbox(engine, DEMO, NOW)) == 1


def test_rain_of_gauges_that_was_published_is_left_to_the_readings(engine, contexts, workspace):
    judged = published("serious")
    judged["evidence"]["source"] = "gauges"
    publish(workspace, judged)
    assert follow.follow_product(engine, contexts.of(DEMO), NOW) == []


def test_a_sensor_that_falls_silent_is_told_of_once_and_its_return_ends_it(engine, contexts):
    rain(engine, messages(1, 1, NOW))
    assert follow.follow_silence(engine, contexts.of(DEMO), NOW + 2 * HOUR) == []
    (news,) = follow.follow_silence(engine, contexts.of(DEMO), NOW + 5 * HOUR)
    assert (news.judgement.rule, news.judgement.level) == ("silent_sensor", "low")
    assert follow.follow_silence(engine, contexts.of(DEMO), NOW + 6 * HOUR) == []
    rain(engine, messages(1, 1, NOW + 6 * HOUR))
    (over,) = follow.follow_silence(engine, contexts.of(DEMO), NOW + 6 * HOUR)
    assert over.judgement.level == "none"


def test_a_flood_that_comes_during_an_exercise_is_told_as_what_it_is(engine, contexts):
    rain(engine, messages(62, 2, NOW), "rain-gauge-synthetic")
    look(engine, contexts)
    rain(engine, messages(62, 2, NOW + HOUR))
    real = [one for one in look(engine, contexts, NOW + HOUR) if one.judgement.rule == "flood"]
    assert [one.judgement.level for one in real] == ["low", "mid", "serious"]
    assert NEIGHBOUR in real[-1].told
    assert not any(one.judgement.evidence.get("synthetic") for one in real)
    floods = [row for row in inbox(engine, NEIGHBOUR, NOW) if row["title"].startswith("Inundación")]
    assert sorted(row["evidence"].get("synthetic", False) for row in floods) == [False, True]


def test_after_a_gauge_that_only_speaks_when_it_rains_the_next_storm_is_another_event(engine, contexts):
    rain(engine, messages(62, 2, NOW))
    look(engine, contexts)
    later = NOW + 10 * 24 * HOUR
    rain(engine, messages(25, 1, later))
    news = [one for one in look(engine, contexts, later) if one.judgement.rule == "flood"]
    assert news
    assert NEIGHBOUR in news[0].told
    assert len({row["event"] for row in alert_log(engine) if row["rule"] == "flood"}) == 2
