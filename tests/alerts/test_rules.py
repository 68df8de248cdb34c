"""Each rule has a case that fires and one that does not; persistence, hysteresis and members are counted."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.alerts.catalogue import FROST_BY_STAGE, frost_rule, rules
from agritwin.alerts.explanation import as_dict, source_name
from agritwin.alerts.rules import LEVELS, Evidence, Rule, judge
from agritwin.config import read_yaml
from agritwin.errors import ConfigError, DataError
from tests.conftest import ROOT

NOON = dt.datetime(2025, 4, 10, 12, tzinfo=dt.UTC)
CONFIG = read_yaml(ROOT / "config" / "config.yaml")
ALERTS = CONFIG["alerts"] | CONFIG["health"]


def evidence_for(rule, *steps):
    times = np.datetime64("2025-04-10T12:00:00") + np.arange(len(steps)) * np.timedelta64(1, "h")
    return Evidence(rule.quantity, rule.unit, NOON, times, np.array([steps], float), "test")


@pytest.mark.parametrize(
    ("coldest", "level"),
    [(0.1, "none"), (0.0, "low"), (-0.9, "low"), (-1.0, "mid"), (-3.0, "serious"), (-9.0, "serious")],
)
def test_a_level_begins_at_its_threshold(frost, temperatures, coldest, level):
    judgement = judge(temperatures([4.0, coldest, 3.0]), frost)
    assert judgement.level == level
    assert judgement.value == coldest


def test_the_judgement_tells_data_rule_threshold_and_time(frost, temperatures):
    judgement = judge(temperatures([4.0, -1.5, -2.0, 3.0], stage="flowering"), frost)
    assert judgement.threshold == -1.0
    assert judgement.valid_from == NOON + dt.timedelta(hours=1)
    assert judgement.valid_until == NOON + dt.timedelta(hours=2)
    assert judgement.since == judgement.valid_from
    assert judgement.evidence["source"] == "forecast"
    assert judgement.evidence["known_until"] == NOON.isoformat()
    assert judgement.evidence["stage"] == "flowering"


@pytest.mark.parametrize(("frozen", "level"), [(2, "none"), (3, "mid"), (10, "mid")])
def test_the_required_share_of_the_members_has_to_agree(frost, temperatures, frozen, level):
    members = [[-2.0, 5.0]] * frozen + [[5.0, 5.0]] * (10 - frozen)
    judgement = judge(temperatures(*members), frost)
    assert judgement.level == level
    assert judgement.probability == pytest.approx(frozen / 10)


def test_members_need_not_agree_on_the_hour(frost, temperatures):
    early, late, none = [-2.0, 5.0, 5.0], [5.0, 5.0, -2.0], [5.0, 5.0, 5.0]
    judgement = judge(temperatures(early, late, none), replace(frost, probability=0.6))
    assert judgement.level == "mid"
    assert judgement.probability == pytest.approx(2 / 3)
    assert (judgement.valid_from, judgement.valid_until) == (NOON, NOON + dt.timedelta(hours=2))


def test_danger_has_to_last_as_long_as_the_rule_says(frost, temperatures):
    patient = replace(frost, persistence=3)
    assert judge(temperatures([-4.0, -4.0, 1.0, -4.0, -4.0]), patient).level == "none"
    lasting = judge(temperatures([1.0, -4.0, -3.5, -5.0, 1.0]), patient)
    assert lasting.level == "serious"
    assert lasting.value == -3.5
    assert (lasting.valid_from, lasting.valid_until) == (NOON + dt.timedelta(hours=1), NOON + dt.timedelta(hours=3))


def test_a_missing_hour_does_not_count_as_danger_that_lasts(frost, temperatures):
    assert judge(temperatures([-4.0, np.nan, -4.0, 2.0]), replace(frost, persistence=3)).value is None
    assert judge(temperatures([-4.0, np.nan, -4.0, 2.0, 2.0, 2.0]), replace(frost, persistence=3)).level == "none"


@pytest.mark.parametrize(
    ("value", "previous", "level", "code"),
    [
        (0.3, "low", "low", "held"),
        (0.3, "none", "none", "harmless"),
        (0.6, "low", "none", "harmless"),
        (-0.7, "mid", "mid", "held"),
        (-0.7, "low", "low", "beyond"),
        (-0.4, "mid", "low", "beyond"),
        (-2.6, "mid", "mid", "beyond"),
        (-2.6, "serious", "serious", "held"),
    ],
)
def test_a_level_is_left_only_beyond_the_hysteresis(frost, temperatures, value, previous, level, code):
    judgement = judge(temperatures([value]), frost, previous)
    assert (judgement.level, judgement.code) == (level, code)


def test_no_data_is_no_all_clear(frost, temperatures):
    start = NOON - dt.timedelta(days=1)
    judgement = judge(temperatures([np.nan, np.nan]), frost, "mid", start)
    assert (judgement.level, judgement.code, judgement.since) == ("mid", "no_data", start)
    assert judgement.value is None
    assert judgement.probability is None


def test_members_without_any_value_do_not_vote(frost, temperatures):
    judgement = judge(temperatures([np.nan], [-2.0], [-2.0]), replace(frost, probability=1.0))
    assert judgement.level == "mid"
    assert judgement.probability == 1.0
    assert judgement.evidence["members"] == 2


def test_the_start_of_an_event_is_kept_while_it_lasts(frost, temperatures):
    first = judge(temperatures([-2.0]), frost)
    later = judge(temperatures([-2.0], known_until=NOON + dt.timedelta(days=1)), frost, first.level, first.since)
    assert later.since == first.since == NOON
    over = judge(temperatures([9.0], known_until=NOON + dt.timedelta(days=2)), frost, later.level, later.since)
    assert over.since is None


# One case that fires and one that does not, for each rule of the configuration and each about the twin itself.
CASES = {
    "frost": ([2.0, -1.2], "mid", [2.0, 0.2]),
    "heat": ([38.5, 38.6], "mid", [39.0, 30.0]),
    "heavy_rain": ([10.0, 61.0], "serious", [10.0, 19.0]),
    "flood": ([0.1], "low", [0.04]),
    "drought": ([1.2, 1.15], "mid", [1.2, 0.5]),
    "downpour": ([31.0], "mid", [14.0]),
    "botryosphaeria": ([1.0], "mid", [0.79]),
    "stale_source": ([6.0], "mid", [1.5]),
    "silent_sensor": ([60.0], "serious", [2.0]),
    "stuck_sensor": ([25.0], "low", [23.0]),
    "failing_model": ([1.6], "mid", [1.1]),
    "model_coverage": ([0.05], "low", [0.03]),
    "model_skill": ([1.4], "serious", [0.9]),
    "unconverged_model": ([2.0], "mid", [0.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_every_rule_fires_and_keeps_silent(name):
    rule, (danger, level, harmless) = rules(ALERTS)[name], CASES[name]
    assert judge(evidence_for(rule, *danger), rule).level == level
    assert judge(evidence_for(rule, *harmless), rule).level == "none"


def test_every_rule_has_its_case_here():
    assert set(rules(ALERTS)) == set(CASES)


def test_a_rule_that_is_not_configured_does_not_exist():
    assert "downpour" not in rules({name: stated for name, stated in ALERTS.items() if name != "rain_mm_per_hour"})
    assert rules({}) == {}


def test_persistence_and_hysteresis_are_those_of_the_configuration():
    stated = {"low": 20.0, "mid": 40.0, "serious": 60.0, "persistence": 3, "hysteresis": 4.0}
    rule = rules({"rain_mm_per_day": stated})["heavy_rain"]
    assert (rule.persistence, rule.hysteresis) == (3, 4.0)
    brief, lasting = evidence_for(rule, 50.0, 50.0, 1.0), evidence_for(rule, 50.0, 50.0, 50.0)
    assert judge(brief, rule).level == "none"
    assert judge(lasting, rule).level == "mid"
    assert judge(evidence_for(rule, *[37.0] * 3), rule, "mid").level == "mid"
    assert judge(evidence_for(rule, *[35.0] * 3), rule, "mid").level == "low"


@pytest.mark.parametrize("stage", FROST_BY_STAGE)
def test_frost_is_judged_by_the_stage_of_the_crop(stage):
    configured = rules(ALERTS)["frost"]
    rule = frost_rule(configured, stage)
    first, last = FROST_BY_STAGE[stage]
    assert judge(evidence_for(rule, first), rule).level == "low"
    assert judge(evidence_for(rule, first + 0.1), rule).level == "none"
    assert judge(evidence_for(rule, last), rule).level == "serious"


def test_a_stage_without_figures_leaves_frost_as_configured():
    configured = rules(ALERTS)["frost"]
    assert frost_rule(configured, "kernel filling") is configured
    assert frost_rule(configured, None) is configured


@pytest.mark.parametrize(
    ("thresholds", "options"),
    [
        ({"low": 1.0, "mid": 0.5}, {}),
        ({"low": 1.0, "severe": 2.0}, {}),
        ({}, {}),
        ({"low": 1.0}, {"probability": 0.0}),
        ({"low": 1.0}, {"persistence": 0}),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(thresholds, options):
    with pytest.raises(ConfigError):
        Rule("heat", "air_temperature", "degC", thresholds, "above", **options)


def test_evidence_in_another_unit_is_refused(frost, temperatures):
    with pytest.raises(DataError, match="degF"):
        judge(replace(temperatures([20.0]), unit="degF"), frost)


def test_a_judgement_is_plain_json_with_both_languages(frost, temperatures):
    judgement = as_dict(judge(temperatures([-1.5, 2.0], [3.0, 2.0], stage="bud_swell"), frost))
    assert json.loads(json.dumps(judgement, allow_nan=False)) == judgement
    assert {"rule", "level", "value", "unit", "threshold", "probability"} <= set(judgement)
    assert {"valid_from", "valid_until", "evidence", "explanation"} <= set(judgement)
    text = judgement["explanation"]
    assert text["code"] == "frost.beyond"
    assert text["en"] == (
        "Frost: medium. Lowest temperature: level medium begins at -1 °C; 50 % of 2 members of the forecast reach it, "
        "and 30 % reach -1.5 °C. Stage of the crop: bud swell."
    )
    assert text["es"] == (
        "Helada: medio. Temperatura mínima: el nivel medio empieza en -1 °C; llega a él el 50 % de 2 miembros de la "
        "predicción, y el 30 % llega a -1,5 °C. Fase del cultivo: hinchado de yemas."
    )


def test_a_judgement_of_one_series_speaks_of_no_members(frost, temperatures):
    text = as_dict(judge(temperatures([-1.5, 2.0]), frost))["explanation"]
    assert text["en"] == "Frost: medium. Lowest temperature -1.5 °C (the forecast); level medium begins at -1 °C."


def test_without_data_there_is_no_danger_to_speak_of_and_no_all_clear_either(frost, temperatures):
    text = as_dict(judge(temperatures([np.nan, np.nan]), frost))["explanation"]
    assert text["en"].startswith("Frost: no data.")
    assert text["es"].startswith("Helada: sin datos.")


@pytest.mark.parametrize(
    ("source", "english", "spanish"),
    [
        ("archive", "the demo forecast", "la predicción de demostración"),
        ("damped_anomaly (et0)", "damped anomaly (reference evapotranspiration)",
         "anomalía amortiguada (evapotranspiración de referencia)"),
        ("47-96-0-0-5-20-1/soil-60cm soil_moisture_60cm", "soil-60cm (soil moisture, 60 cm)",
         "soil-60cm (humedad del suelo, 60 cm)"),
        ("my-own-station", "my-own-station", "my-own-station"),
    ],
)  # fmt: skip
def test_data_are_named_in_words(source, english, spanish):
    assert (source_name(source, "en"), source_name(source, "es")) == (english, spanish)


@pytest.mark.parametrize("name", CASES)
def test_every_rule_can_be_explained_in_both_languages_at_every_code(name):
    rule, (danger, level, harmless) = rules(ALERTS)[name], CASES[name]
    for steps, previous in ((danger, "none"), (harmless, "none"), ([np.nan, np.nan], level)):
        text = as_dict(judge(evidence_for(rule, *steps), rule, previous))["explanation"]
        assert len(text["en"]) > 30
        assert len(text["es"]) > 30
        assert "{" not in text["en"] + text["es"]


@given(
    st.lists(st.floats(-8, 8), min_size=1, max_size=12),
    st.floats(0.01, 3),
    st.sampled_from(LEVELS),
    st.floats(0.05, 1.0),
)
def test_more_danger_never_lowers_the_level(values, colder, previous, share):
    thresholds = {"low": 0.0, "mid": -1.0, "serious": -3.0}
    rule = Rule("frost", "air_temperature", "degC", thresholds, "below", share, hysteresis=0.5)
    times = np.datetime64("2025-04-10T12:00:00") + np.arange(1) * np.timedelta64(1, "h")

    def level(members):
        evidence = Evidence("air_temperature", "degC", NOON, times, np.array(members)[:, None], "test")
        return LEVELS.index(judge(evidence, rule, previous).level)

    assert level([v - colder for v in values]) >= level(values)
