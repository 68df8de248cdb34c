"""Botryosphaeria weather against the published equation."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.alerts.disease import HIGH, MEDIUM, infection_index, wet_events, wetness_needed


def series(values):
    times = pd.date_range("2025-05-01 01:00", periods=len(values), freq="h")
    return xr.DataArray(np.asarray(values, float), coords={"time": times}, dims="time")


def index(temperature, rain, wet):
    rain, wet = np.asarray(rain, float), np.asarray(wet, float)
    return infection_index(series(np.full(len(rain), temperature)), series(rain), series(wet)).to_numpy()


@pytest.mark.parametrize(("temperature", "high", "medium"), [(15, 18.667, 7.767), (20, 12.05, 4.1), (25, 8.08, 1.9)])
def test_hours_needed_are_those_of_the_paper(temperature, high, medium):
    """W = -7.8 + 397 / T and -6.9 + 220 / T, Morgan et al. (2009)."""
    assert wetness_needed(temperature, HIGH) == pytest.approx(high, abs=0.001)
    assert wetness_needed(temperature, MEDIUM) == pytest.approx(medium, abs=0.001)


def test_no_infection_without_warmth():
    assert np.isinf(wetness_needed([-5.0, 0.0], MEDIUM)).all()


def test_risk_rises_through_medium_to_high_within_an_event():
    """At 20 degC: medium after 4.1 h, high after 12.05 h of wetness."""
    found = index(20.0, [5.0] + [0.2] * 15, [1] * 16)
    assert found[3] < 1 <= found[4]
    assert found[11] < 2 == found[12]


def test_an_event_of_less_than_four_millimetres_counts_for_nothing():
    assert index(20.0, [0.2] * 19, [1] * 19).max() == 0
    assert index(20.0, [0.22] * 19, [1] * 19).max() > 0


def test_breaks_of_twelve_hours_keep_an_event_together_and_thirteen_end_it():
    for gap, together in ((12, True), (13, False)):
        wet = [1] * 3 + [0] * gap + [1] * 3
        rain = [5.0] + [0.0] * (len(wet) - 1)
        last = index(20.0, rain, wet)[-1]
        assert (last >= 1) == together


def test_events_are_numbered_with_their_breaks():
    wet = np.array([1, 0, 1] + [0] * 13 + [1, 1], bool)
    assert wet_events(wet).tolist() == [1, 1, 1] + [0] * 13 + [2, 2]
    assert wet_events(np.zeros(4, bool)).tolist() == [0] * 4


def test_missing_hours_count_as_dry():
    rain = np.array([5.0] + [0.0] * 9)
    rain[3] = np.nan
    assert index(20.0, rain, [1] * 10)[-1] < index(20.0, np.nan_to_num(rain), [1] * 10)[-1]


def test_every_member_is_judged_by_its_own_weather():
    alone = infection_index(series([20.0] * 16), series([5.0] + [0.2] * 15), series([1] * 16))
    dry = series([0.0] * 16)
    together = infection_index(
        series([20.0] * 16).expand_dims(member=2),
        xr.concat([series([5.0] + [0.2] * 15), dry], "member"),
        xr.concat([series([1] * 16), dry], "member"),
    ).transpose("member", "time")
    assert together[0].to_numpy() == pytest.approx(alone.to_numpy())
    assert (together[1] == 0).all()


def test_where_medium_and_high_need_the_same_hour_high_counts():
    """Above about 51 degC both equations fall below the one hour that is the least there is."""
    assert index(60.0, [5.0, 0.0], [1, 1])[0] == 2
