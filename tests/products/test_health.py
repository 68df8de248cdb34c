"""Sensors that are silent or stuck, forecasts that fail: judged from what the stores hold."""

import datetime as dt

import numpy as np
import pytest
import xarray as xr

from agritwin.alerts.explanation import sentence
from agritwin.config import read_yaml
from agritwin.products.health import from_models, from_sensors, from_series, from_sources
from agritwin.records.instruments import Flag
from tests.conftest import ROOT

HEALTH = read_yaml(ROOT / "config" / "config.yaml")["health"]
UNTIL = dt.datetime(2025, 6, 15, tzinfo=dt.UTC)


@pytest.mark.parametrize(("days", "level"), [(0, "none"), (3, "low"), (6, "mid"), (10, "serious")])
def test_data_that_stand_still_grow_old_by_the_clock(days, level):
    statuses = [{"kind": kind, "last_value": "2025-06-14T23"} for kind in ("weather", "forecast", "imagery")]
    judged = from_sources(statuses, HEALTH, UNTIL + dt.timedelta(days=days))
    assert [(one.evidence["source"], one.level) for one in judged] == [("weather", level), ("forecast", level)]


def levels(engine):
    return {judgement.rule: judgement.level for judgement in from_sensors(engine, "t", HEALTH, UNTIL)}


def test_a_sensor_that_speaks_is_no_danger(engine, say):
    say("soil_moisture", range(48, 0, -1), np.linspace(0.2, 0.3, 48))
    assert levels(engine) == {"silent_sensor": "none", "stuck_sensor": "none"}


def test_a_sensor_that_fell_silent(engine, say):
    say("soil_moisture", range(60, 20, -1), np.linspace(0.2, 0.3, 40))
    assert levels(engine)["silent_sensor"] == "mid"


def test_a_sensor_is_stuck_where_its_intake_says_so(engine, say):
    say("soil_moisture", range(60, 0, -1), [0.25] * 60)
    assert levels(engine)["stuck_sensor"] == "none"  # constant, and no registry finds that odd
    say("soil_moisture", [0.5], [0.25], int(Flag.STUCK))
    assert levels(engine)["stuck_sensor"] == "mid"


def test_a_twin_without_sensors_has_nothing_to_judge(engine):
    assert from_sensors(engine, "other", HEALTH, UNTIL) == []


def issues(bias, spread, count=10, seed=3):
    """Issues of the last days, 20 members over 48 hours, and the weather that they were about."""
    random = np.random.default_rng(seed)
    begin = np.datetime64("2025-06-04", "ns")
    hours = begin + np.arange(12 * 24) * np.timedelta64(1, "h")
    truth = 20 + 5 * np.sin(np.arange(hours.size) / 24 * 2 * np.pi)
    issue = begin + np.arange(count) * np.timedelta64(1, "D")
    lead = np.arange(48)
    at = (np.arange(count)[:, None] * 24 + lead) % hours.size
    weather = truth + random.normal(0, 1, truth.shape)
    members = truth[at][:, None, :] + bias + random.normal(0, spread, (count, 20, lead.size))
    valid = issue[:, None] + lead * np.timedelta64(1, "h")
    data = xr.Dataset(
        {"air_temperature": (("issue", "member", "lead"), members)},
        {"issue": issue, "lead": lead, "valid_time": (("issue", "lead"), valid)},
    )
    observed = xr.Dataset({"air_temperature": ("time", weather)}, {"time": hours})
    return data, observed


@pytest.mark.parametrize(
    ("bias", "spread", "level"), [(0.0, 1.0, "none"), (3.0, 1.0, "serious"), (0.0, 0.3, "serious")]
)
def test_a_forecast_is_judged_by_its_error_over_what_its_spread_promises(bias, spread, level):
    (judgement,) = from_models(*issues(bias, spread), HEALTH, UNTIL)
    assert judgement.level == level
    if level == "none":
        assert judgement.value == pytest.approx(1.0, abs=0.1)


def test_too_few_scored_hours_are_not_enough_data():
    few, observed = issues(3.0, 1.0, count=1)
    (judgement,) = from_models(few.isel(lead=slice(0, 10)), observed, HEALTH, UNTIL)
    assert (judgement.level, judgement.code, judgement.value) == ("none", "no_data", None)
    assert from_models(None, observed, HEALTH, UNTIL) == []


def backtest(coverage=0.9, skill=0.05, n=2982, converged=True):
    """The product ``forecast`` of two series; the second one has the figures given."""

    def entry(coverage, skill, converged):
        scores = [
            {"model": "climatology", "n": n, "crps_skill": 0.0, "converged": True},
            {"model": "damped_anomaly", "n": n, "crps_skill": skill, "converged": True},
            {"model": "sarimax", "n": n, "crps_skill": 0.01, "converged": converged},
        ]
        return {"chosen": "damped_anomaly", "scores": scores, "interval": {"coverage": coverage, "nominal": 0.9}}

    return {"variables": {"et0": entry(0.905, 0.06, True), "air_temperature": entry(coverage, skill, converged)}}


@pytest.mark.parametrize(
    ("figures", "rule", "level"),
    [
        ({}, None, None),
        ({"coverage": 0.85}, "model_coverage", "low"),
        ({"coverage": 0.99}, "model_coverage", "mid"),
        ({"coverage": 0.6}, "model_coverage", "serious"),
        ({"skill": -0.05}, "model_skill", "low"),
        ({"skill": -0.4}, "model_skill", "serious"),
        ({"converged": False}, "unconverged_model", "low"),
    ],
)
def test_models_are_judged_by_their_backtest_with_evidence(figures, rule, level):
    judged = {one.rule: one for one in from_series(backtest(**figures), HEALTH, UNTIL)}
    assert set(judged) == {"model_coverage", "model_skill", "unconverged_model"}
    assert {name: one.level for name, one in judged.items() if one.level != "none"} == ({rule: level} if rule else {})
    if rule is not None:
        told = judged[rule]
        assert told.evidence["source"] == "damped_anomaly (air_temperature)"
        assert told.evidence["scored_days"] == 2982
        assert told.threshold == HEALTH[catalogue_key(rule)][level]
        assert told.valid_until == UNTIL
        assert sentence(told, "es") != sentence(told, "en")


def catalogue_key(rule):
    return {
        "model_coverage": "model_coverage_error",
        "model_skill": "model_crps_ratio",
        "unconverged_model": "unconverged_models",
    }[rule]


def test_a_model_scored_on_few_days_is_not_judged():
    judged = {one.rule: one for one in from_series(backtest(coverage=0.5, skill=-1, n=20), HEALTH, UNTIL)}
    assert judged["model_coverage"].code == judged["model_skill"].code == "no_data"
