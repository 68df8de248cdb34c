"""A history judged twice gives the same alerts, and the future changes none of the past."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agritwin.alerts.catalogue import rules
from agritwin.alerts.replay import Event, Verification, dangers, events, replay, score, verify
from agritwin.alerts.rules import Evidence, Rule
from agritwin.config import read_yaml
from benchmarks import alerts as benchmark
from tests.conftest import ROOT

ALERTS = read_yaml(ROOT / "config" / "config.yaml")["alerts"]

FROST = Rule(
    "frost", "air_temperature", "degC", {"low": 0.0, "mid": -1.0, "serious": -3.0}, "below", 0.3, hysteresis=0.5
)
START = dt.datetime(2025, 4, 1, tzinfo=dt.UTC)
NIGHTS = [3.0, -0.5, 0.3, -2.0, 0.2, 0.9, 4.0, -4.0, np.nan, 6.0]


def night(i, coldest):
    until = START + dt.timedelta(days=i)
    times = np.array([until.replace(tzinfo=None)], "datetime64[s]")
    return Evidence("air_temperature", "degC", until, times, np.array([[coldest]]), "station")


def history(nights):
    return [night(i, coldest) for i, coldest in enumerate(nights)]


def test_levels_follow_with_hysteresis_and_through_missing_nights():
    levels = [judgement.level for judgement in replay(history(NIGHTS), FROST)]
    assert levels == ["none", "low", "low", "mid", "low", "none", "none", "serious", "serious", "none"]


@given(st.lists(st.floats(-6, 6), max_size=15), st.lists(st.floats(-6, 6), max_size=5))
def test_replaying_gives_the_same_and_later_nights_change_nothing(nights, later):
    first = replay(history(nights), FROST)
    assert replay(history(nights), FROST) == first
    assert replay(history([*nights, *later]), FROST)[: len(first)] == first


def test_events_run_from_the_first_to_the_last_night_above_none():
    found = events(replay(history(NIGHTS), FROST))
    days = [((e.start - START).days, (e.end - START).days, e.peak) for e in found]
    assert days == [(1, 4, "mid"), (7, 8, "serious")]


def test_dangers_are_the_periods_observed_beyond_a_threshold():
    hours = np.datetime64("2025-04-01T00:00:00") + np.arange(80) * np.timedelta64(1, "h")
    values = np.full(80, 5.0)
    values[[3, 4, 10, 60]] = [-1.0, -2.0, -0.5, -4.0]
    observed = Evidence("air_temperature", "degC", START, hours, values[None], "station")

    def as_hours(level):
        return [
            tuple((t - START) / dt.timedelta(hours=1) for t in period) for period in dangers(observed, FROST, level)
        ]

    assert as_hours("low") == [(3, 10), (60, 60)]
    assert as_hours("mid") == [(3, 4), (60, 60)]
    assert as_hours("serious") == [(60, 60)]


def test_alerts_are_verified_against_what_happened():
    def span(first, last):
        return START + dt.timedelta(days=first), START + dt.timedelta(days=last)

    alerts = [Event("frost", *span(1, 2), "low"), Event("frost", *span(10, 11), "mid")]
    verification = verify(alerts, [span(2, 3), span(20, 20)])
    assert verification == Verification(hits=1, misses=1, false_alarms=1)
    assert verification.detected == 0.5
    assert verification.false_alarm_ratio == 0.5


def test_a_level_is_scored_with_all_that_reach_it():
    pairs = [("serious", "mid"), ("low", "none"), ("none", "low"), ("mid", "serious"), ("none", "none")]
    assert score(pairs, "low") == Verification(hits=2, misses=1, false_alarms=1)
    assert score(pairs, "serious") == Verification(hits=0, misses=1, false_alarms=1)


def test_the_benchmark_scores_frost_by_what_its_members_say_and_the_weather_does(monkeypatch):
    """Members that are the weather miss nothing; members half of whom are colder announce nights that stay mild."""
    hours = np.datetime64("2025-01-01T00", "ns") + np.arange(48) * np.timedelta64(1, "h")

    def source(*coldest):
        night = np.where(np.arange(48) == 5, np.array(coldest)[:, None], 10.0)
        air = xr.DataArray(night, {"time": hours}, ("member", "time"), attrs={"units": "degC"})
        rain = xr.DataArray(np.zeros((len(coldest), 48)), {"time": hours}, ("member", "time"), attrs={"units": "mm"})
        return lambda: SimpleNamespace(fetch=lambda *_: xr.Dataset({"air_temperature": air, "precipitation": rain}))

    def scored(members, weather):
        monkeypatch.setattr(benchmark, "ArchiveForecast", source(*members))
        monkeypatch.setattr(benchmark, "ArchiveWeather", source(weather))
        return dict(benchmark.forecast_rules(3, rules(ALERTS), None))["frost", "low"]

    assert scored([-1.0, -1.0], -1.0) == Verification(3, 0, 0)
    assert scored([-1.0, 4.0], 4.0) == Verification(0, 0, 3)
    assert scored([4.0, 4.0], -1.0) == Verification(0, 3, 0)


def test_shares_without_cases_are_unknown():
    assert verify([], []).detected is None
    assert verify([], []).false_alarm_ratio is None


@pytest.mark.parametrize("module", ["rules", "evidence", "replay", "commands", "notifications", "explanation", "cap"])
def test_no_module_reads_the_clock(module):
    import ast
    import importlib
    import inspect

    tree = ast.parse(inspect.getsource(importlib.import_module(f"agritwin.alerts.{module}")))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not names & {"now", "today", "utcnow", "monotonic", "perf_counter"}
    assert not any(isinstance(n, ast.Import) and any(a.name == "time" for a in n.names) for n in ast.walk(tree))
