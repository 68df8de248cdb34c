"""Evidence from forecasts, simulations, sensors and sources, up to the levels they lead to."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.alerts import evidence
from agritwin.alerts.catalogue import rules
from agritwin.alerts.rules import judge
from agritwin.config import read_yaml
from tests.conftest import ROOT

NOON = dt.datetime(2025, 4, 10, 12, tzinfo=dt.UTC)
CONFIG = read_yaml(ROOT / "config" / "config.yaml")
RULES = rules(CONFIG["alerts"] | CONFIG["health"])


def hourly(values, unit, start="2025-04-10 13:00"):
    values = np.atleast_2d(values)
    times = pd.date_range(start, periods=values.shape[1], freq="h")
    return xr.DataArray(values, coords={"time": times}, dims=("member", "time"), attrs={"units": unit})


def test_rain_is_summed_over_24_hours_wherever_midnight_lies():
    rain = np.zeros(60)
    rain[18:36] = 2.5
    found = evidence.rain_in_24_hours(hourly(rain, "mm"), NOON, "forecast")
    assert judge(found, RULES["heavy_rain"]).value == pytest.approx(45)
    assert judge(found, RULES["heavy_rain"]).level == "mid"


LEVELS = [{"years": 2, "mm_per_day": 30.0}, {"years": 10, "mm_per_day": 48.0}, {"years": 50, "mm_per_day": 65.0}]


@pytest.mark.parametrize(("amount", "years"), [(29.9, None), (30.0, 2.0), (48.0, 10.0), (56.5, 22.4), (80.0, 50.0)])
def test_the_return_period_lies_between_the_levels_around_it(amount, years):
    assert evidence.return_period(amount, LEVELS) == years


def test_heavy_rain_tells_its_return_period():
    rain = np.full((3, 24), 2.0)
    found = evidence.rain_in_24_hours(hourly(rain, "mm"), NOON, "forecast", LEVELS)
    assert judge(found, RULES["heavy_rain"]).evidence["return_years"] == 10.0


def test_the_error_of_an_ensemble_drawn_like_the_weather_is_what_it_promises():
    """Members and weather from one normal distribution: CRPS and promise are both s / sqrt(pi) on average."""
    random = np.random.default_rng(5)
    error, promised = evidence.ensemble_error(random.normal(0, 2, (20, 4000)), random.normal(0, 2, 4000))
    assert promised.mean() == pytest.approx(2 / np.sqrt(np.pi), rel=0.02)
    assert error.mean() == pytest.approx(promised.mean(), rel=0.03)
    error, promised = evidence.ensemble_error(random.normal(0, 1, (20, 4000)), random.normal(3, 2, 4000))
    assert error.mean() / promised.mean() > 3


def test_drought_is_depletion_over_readily_available_water_for_two_days():
    days = pd.date_range("2025-04-10", periods=4)
    depletion = xr.DataArray([[30.0, 50, 61, 63]], coords={"day": days}, dims=("member", "day"), attrs={"units": "mm"})
    judgement = judge(evidence.drought(depletion, 50.0, NOON, "crop simulation"), RULES["drought"])
    assert judgement.value == pytest.approx(61 / 50)
    assert judgement.level == "mid"


def test_bare_soil_has_no_drought():
    days = pd.date_range("2025-04-10", periods=3)
    depletion, readily = (
        xr.DataArray([[30.0] * 3, row], coords={"day": days}, dims=("member", "day"), attrs={"units": "mm"})
        for row in ([40.0] * 3, [0.0] * 3)
    )
    readily = readily.copy(data=[[0.0] * 3, [0.0] * 3])
    assert judge(evidence.drought(depletion, readily, NOON, "crop"), RULES["drought"]).code == "no_data"
    readily[1] = 20.0  # the crop of one member stands still
    assert judge(evidence.drought(depletion, readily, NOON, "crop"), RULES["drought"]).value == pytest.approx(2.0)


def test_a_source_ages_by_the_time_known_and_not_by_the_clock():
    judgement = judge(evidence.age(NOON - dt.timedelta(days=5), NOON, "open_meteo"), RULES["stale_source"])
    assert (judgement.value, judgement.level) == (5.0, "mid")
    assert judge(evidence.age(None, NOON, "open_meteo"), RULES["stale_source"]).code == "no_data"


def test_a_silent_sensor_is_judged_by_its_own_cadence():
    last = NOON - dt.timedelta(hours=2)
    quick = evidence.silence(last, dt.timedelta(minutes=10), NOON, "soil sensor")
    slow = evidence.silence(last, dt.timedelta(hours=6), NOON, "soil sensor")
    assert judge(quick, RULES["silent_sensor"]).level == "mid"
    assert judge(slow, RULES["silent_sensor"]).level == "none"


def test_a_stuck_sensor_repeats_its_last_value():
    moving = np.concatenate([np.full(40, 21.0), [21.3], np.full(10, 21.1)])
    stuck = np.concatenate([[20.0, 20.4], np.full(30, 21.0)])
    for values, hours, level in ((moving, 9.0, "none"), (stuck, 29.0, "low")):
        judgement = judge(
            evidence.stuck(hourly(values, "degC").squeeze("member"), NOON, "sensor"), RULES["stuck_sensor"]
        )
        assert (judgement.value, judgement.level) == (hours, level)


def test_a_sensor_without_readings_is_not_called_stuck():
    nothing = hourly(np.full(5, np.nan), "degC").squeeze("member")
    assert judge(evidence.stuck(nothing, NOON, "sensor"), RULES["stuck_sensor"]).code == "no_data"


def test_a_model_fails_when_its_errors_outgrow_the_backtest():
    assert judge(evidence.model_failure(2.1, 1.0, NOON, "et0 model"), RULES["failing_model"]).level == "serious"
    assert judge(evidence.model_failure(0.9, 1.0, NOON, "et0 model"), RULES["failing_model"]).level == "none"
