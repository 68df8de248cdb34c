"""Rain that gauges recorded: beside how rare it is, and judged as the watch judges it live."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.alerts.rarity import spanish_frequency
from agritwin.config import read_yaml
from agritwin.products.gauges import fallen, from_gauges, gauges, measured_rain
from agritwin.records.instruments import Flag
from tests.conftest import ROOT

ALERTS = read_yaml(ROOT / "config" / "config.yaml")["alerts"]
UNTIL = dt.datetime(2025, 6, 15, tzinfo=dt.UTC)
RARITY = spanish_frequency(34.0, 0.35, 10.0)
stamps = pd.date_range("2025-06-13 01:00", "2025-06-15", freq="h")
WEATHER = xr.DataArray(np.where(stamps == pd.Timestamp("2025-06-14 20:00"), 30.0, 0.5), {"time": stamps}, ("time",))


def test_recorded_rain_is_compared_with_intensity_duration_and_frequency(engine, say):
    say("precipitation", [3.75, 3.5, 3.25, 3.0], 10.0)
    told = gauges(engine, "t", UNTIL)
    rows = {row["duration_h"]: row for row in measured_rain(told, WEATHER, RARITY, ALERTS)}
    assert rows[1.0]["amount_mm"] == rows[24.0]["amount_mm"] == 40.0
    assert rows[0.5]["amount_mm"] == 20.0
    assert rows[1.0]["return_years"] == pytest.approx(RARITY.return_years(40.0, 1.0))
    assert rows[1.0]["return_years"] > rows[24.0]["return_years"]
    judged = {one.rule: one for one in from_gauges(told, ALERTS, None, RARITY, None)}
    assert (judged["downpour"].level, judged["downpour"].value) == ("mid", 40.0)
    assert judged["downpour"].evidence["source"] == "gauges"
    assert RARITY.notes(40.0, 1.0).items() <= judged["downpour"].evidence.items()
    assert judged["downpour"].valid_until == UNTIL - dt.timedelta(hours=3) + dt.timedelta(hours=ALERTS["live_valid_h"])
    assert judged["heavy_rain"].level == "mid"


def test_rain_of_another_day_or_another_twin_or_out_of_range_does_not_count(engine, say):
    say("precipitation", [30.0, -1.0], 50.0)
    say("precipitation", [2.0], 900.0, int(Flag.ABSURD))
    assert gauges(engine, "t", UNTIL) == {}
    say("precipitation", [1.0], 0.2)
    assert gauges(engine, "other", UNTIL) == {}
    told = gauges(engine, "t", UNTIL)
    assert [reading.mm for reading in told["precipitation sensor"]] == [0.2]
    assert {one.level for one in from_gauges(told, ALERTS, None, RARITY, 1.0)} == {"none"}
    assert {row["return_years"] for row in measured_rain(told, WEATHER, RARITY, ALERTS)} == {None}


def test_without_gauges_nothing_is_judged(engine):
    assert gauges(engine, "t", UNTIL) == {}
    assert from_gauges({}, ALERTS, None, None, None) == measured_rain({}, WEATHER, None, ALERTS) == []


def test_recorded_rain_stands_beside_the_weather_and_the_thresholds_of_its_duration(engine, say):
    say("precipitation", [4.5, 4.0], 10.0)
    rows = {row["duration_h"]: row for row in measured_rain(gauges(engine, "t", UNTIL), WEATHER, None, ALERTS)}
    # Up to 20:00: the wet hour; two hours, one of them dry.
    assert [rows[hours]["weather_mm"] for hours in (0.5, 1.0, 2.0)] == [None, 30.0, 30.5]
    assert rows[1.0]["thresholds"] == {"low": 15.0, "mid": 30.0, "serious": 60.0}
    assert rows[24.0]["thresholds"] == {"low": 20.0, "mid": 40.0, "serious": 60.0}
    assert {row["thresholds"] is None for hours, row in rows.items() if hours not in (1.0, 24.0)} == {True}


def test_the_weather_of_part_of_an_hour_is_its_part_and_of_a_missing_hour_nothing():
    until = dt.datetime(2025, 6, 14, 19, 30, tzinfo=dt.UTC)
    assert fallen(WEATHER, until, 1) == 0.25 + 15.0
    assert fallen(WEATHER.where(stamps != pd.Timestamp("2025-06-14 15:00")), until, 6) is None
    assert fallen(WEATHER, until + dt.timedelta(hours=5), 1) is None
