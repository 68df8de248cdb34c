"""Live rain judged as a fold: replaying gives the same, however the readings came in batches."""

import datetime as dt
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agritwin.alerts.catalogue import rules
from agritwin.alerts.explanation import as_dict, from_dict
from agritwin.alerts.live import RainReading, Situation, State, distinct, follow, sums_until
from agritwin.alerts.rarity import spanish_frequency
from agritwin.config import read_yaml
from agritwin.simulation.flood.library import Library
from tests.conftest import ROOT

RULES = rules(read_yaml(ROOT / "config" / "config.yaml")["alerts"])
NOON = dt.datetime(2025, 6, 15, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
# A parcel of two cells: at most 0.3 and 0.9 m deep after 40 and 80 mm, whatever duration and soil.
DEPTHS = np.broadcast_to(np.array([[0.1, 0.3], [0.4, 0.9]]), (2, 2, 2, 2))
LIBRARY = Library(np.array([0, 1.0]), np.array([1.0, 6]), np.array([40.0, 80]), DEPTHS, np.ones_like(DEPTHS), 85.0)
SITUATION = Situation(RULES, LIBRARY, spanish_frequency(34.0, 0.35, 10.0), 0.5)


def rain(*amounts, sensor="gauge", start=NOON, synthetic=False):
    """Readings every ten minutes."""
    return [RainReading(sensor, start + 10 * i * MINUTE, float(mm), synthetic) for i, mm in enumerate(amounts)]


def told(judgements):
    return [(judgement.rule, judgement.level) for judgement in judgements]


def test_a_cloudburst_rises_through_the_levels_and_ends():
    storm = [2, 2, 12, 15, 12, 8, 4, 2]
    _, changes = follow(rain(*storm, *[0.0] * 160), SITUATION)
    flood = [level for rule, level in told(changes) if rule == "flood"]
    assert flood[:1] in (["low"], ["mid"])
    assert "serious" in flood
    assert flood[-1] == "none"
    assert ("downpour", "mid") in told(changes)
    assert ("heavy_rain", "mid") in told(changes)


def test_drizzle_is_no_danger():
    assert follow(rain(*[0.1] * 100), SITUATION)[1] == []


def test_an_alert_says_which_rain_how_rare_when_water_comes_and_until_when_it_stands():
    _, changes = follow(rain(20, 20, 22), SITUATION)
    flood = [judgement for judgement in changes if judgement.rule == "flood"][-1]
    assert flood.evidence["storm"] == "62.0 mm / 0.5 h"
    assert flood.evidence["rarer_than_years"] == 100
    assert flood.evidence["soil_water"] == 0.5
    assert flood.evidence["arrival_h"] == 1.0
    assert flood.evidence["source"] == "gauges"
    assert flood.valid_until == NOON + 20 * MINUTE + dt.timedelta(hours=12)
    text = as_dict(flood)["explanation"]
    assert "62.0 mm / 0.5 h" in text["en"]
    assert "more rarely than once in 100 years" in text["en"]
    assert "62,0 mm / 0,5 h" in text["es"]


def test_an_event_keeps_its_start_while_it_rises_and_falls():
    _, changes = follow(rain(20, 20, 40, *[0.0] * 150), SITUATION)
    flood = [judgement for judgement in changes if judgement.rule == "flood"]
    assert len({judgement.since for judgement in flood}) == 1
    assert flood[-1].level == "none"


def test_an_exercise_is_called_one():
    _, changes = follow(rain(30, 30, synthetic=True), SITUATION)
    assert all(judgement.evidence["synthetic"] for judgement in changes)
    assert "exercise" in as_dict(changes[0])["explanation"]["en"]


def test_one_gauge_of_two_is_enough_and_rain_is_not_added_over_gauges():
    dry = rain(*[0.0] * 6, sensor="other")
    assert told(follow([*dry, *rain(12, 12)], SITUATION)[1]) == told(follow(rain(12, 12), SITUATION)[1])
    both = [*rain(4, 4), *rain(4, 4, sensor="other")]
    assert told(follow(both, SITUATION)[1]) == []


def test_without_floods_run_ahead_rain_is_judged_all_the_same():
    _, changes = follow(rain(30, 30), Situation(RULES))
    assert {rule for rule, _ in told(changes)} == {"downpour", "heavy_rain"}


def test_windows_end_at_the_reading_and_begin_after_their_length():
    sums = sums_until(rain(1, 2, 4, 8), NOON + 30 * MINUTE)
    assert sums[0.5] == 14.0
    assert sums[1.0] == 15.0


def test_windows_that_only_add_dry_hours_are_no_events():
    assert distinct({0.5: 10.0, 1.0: 30.0, 2.0: 30.0, 3.0: 30.3, 6.0: 40.0}) == [(0.5, 10.0), (1.0, 30.0), (6.0, 40.0)]


def test_a_judgement_survives_its_way_through_json():
    for judgement in follow(rain(30, 30), SITUATION)[1]:
        again = from_dict(as_dict(judgement))
        assert (again.rule, again.level, again.since, again.valid_until) == (
            judgement.rule, judgement.level, judgement.since, judgement.valid_until,
        )  # fmt: skip


amounts = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 200), st.floats(0, 30).map(lambda x: round(x, 1))),
    max_size=25,
)


@settings(deadline=None, max_examples=40)
@given(amounts, st.lists(st.integers(0, 25), max_size=4))
def test_a_replay_in_any_batches_gives_the_same_alerts(drawn, cuts):
    readings = [RainReading(sensor, NOON + minutes * MINUTE, mm) for sensor, minutes, mm in drawn]
    state, changes = follow(readings, SITUATION)
    assert follow(readings, SITUATION)[1] == changes
    bounds = [0, *sorted(min(cut, len(readings)) for cut in cuts), len(readings)]
    piecewise, found = State(), []
    for begin, end in pairwise(bounds):
        piecewise, more = follow(readings[begin:end], SITUATION, piecewise)
        found += more
    assert found == changes
    assert piecewise == state


@settings(deadline=None, max_examples=25)
@given(amounts, amounts)
def test_what_comes_later_changes_none_of_what_was_told(before, later):
    first = [RainReading(sensor, NOON + minutes * MINUTE, mm) for sensor, minutes, mm in before]
    more = [RainReading(sensor, NOON + minutes * MINUTE, mm) for sensor, minutes, mm in later]
    changes = follow(first, SITUATION)[1]
    assert follow([*first, *more], SITUATION)[1][: len(changes)] == changes
