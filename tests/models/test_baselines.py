"""Baselines on series whose right forecast is known."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.models.baselines import Climatology, DampedAnomaly, RecentMean, climatology, persistence, seasonal_naive
from agritwin.models.series import QUANTILES, day_index

ALL = [persistence, lambda: seasonal_naive(365), Climatology, DampedAnomaly]


def median(forecast):
    return forecast.sel(quantile=0.5).to_numpy()


@pytest.mark.parametrize("make", ALL)
def test_a_prediction_carries_unit_valid_days_and_time_of_issue(make, daily):
    forecast = make().fit(daily).predict(14)
    assert forecast.dims == ("quantile", "lead")
    assert forecast.attrs["units"] == "degC"
    assert forecast["issue_time"].values == np.datetime64("2024-12-31")
    assert forecast["day"].values[0] == np.datetime64("2025-01-01")
    assert forecast["day"].values[-1] == np.datetime64("2025-01-14")


@pytest.mark.parametrize("make", ALL)
def test_quantiles_never_cross(make, daily):
    assert (make().fit(daily).predict(14).diff("quantile") >= 0).all()


@pytest.mark.parametrize("make", ALL)
def test_a_forecast_knows_nothing_after_its_origin(make, daily):
    model, origins = make().fit(daily[:1500]), np.array([1800, 2000])
    changed = daily.copy()
    changed[2001:] = 99.0
    before, after = model.hindcast(daily, origins, 10), model.hindcast(changed, origins, 10)
    xr.testing.assert_identical(before, after)


@pytest.mark.parametrize("make", ALL)
def test_a_forecast_does_use_the_values_up_to_its_origin(make, daily):
    model = make().fit(daily[:1500])
    changed = daily.copy()
    changed[1630:2001] += 5.0
    same = model.hindcast(daily, np.array([2000]), 3).equals(model.hindcast(changed, np.array([2000]), 3))
    assert same == (model.name == "climatology")


def test_persistence_repeats_the_last_value_at_every_lead(daily):
    assert median(persistence().fit(daily).predict(5)) - float(daily[-1]) == pytest.approx(0, abs=0.5)
    centre = persistence().fit(daily).centre(daily, np.array([100]), np.arange(1, 6))
    assert (centre == daily.to_numpy()[100]).all()


def test_seasonal_naive_repeats_the_last_cycle_and_begins_again_after_it(hourly):
    centre = seasonal_naive(24).fit(hourly).centre(hourly, np.array([199]), np.arange(1, 49))[0]
    last_day = hourly.to_numpy()[176:200]
    assert (centre == np.concatenate([last_day, last_day])).all()


def test_a_recent_mean_averages_the_same_hour_of_the_last_days(hourly):
    centre = RecentMean(24, 3).fit(hourly).centre(hourly, np.array([199]), np.array([1, 25]))[0]
    expected = hourly.to_numpy()[[176, 152, 128]].mean()
    assert centre == pytest.approx([expected, expected])


def test_the_calendar_keeps_1_march_on_the_same_day_in_leap_years():
    days = day_index(
        pd.DatetimeIndex(["2023-02-28", "2023-03-01", "2024-02-29", "2024-03-01", "2024-12-31", "2023-12-31"])
    )
    assert days.tolist() == [58, 60, 59, 60, 365, 365]


def test_climatology_finds_the_season_it_was_made_of(daily):
    usual = climatology(daily)
    phase = 2 * np.pi * (np.arange(1, 367) - 110) / 365.25
    assert usual["mean"].to_numpy() == pytest.approx(12 + 9 * np.sin(phase), abs=1.3)
    winter, summer = usual["deviation"][15], usual["deviation"][200]
    assert float(winter) == pytest.approx(4, rel=0.25)
    assert float(summer) == pytest.approx(2, rel=0.25)


def test_climatology_of_a_gap_is_missing_and_not_zero():
    days = pd.date_range("2020-01-01", "2021-12-31")
    values = np.where((days.month >= 4) & (days.month <= 9), 20.0, np.nan)
    usual = climatology(xr.DataArray(values, coords={"day": days}, dims="day"), window=11)["mean"].to_numpy()
    assert usual[200] == pytest.approx(20)
    assert np.isnan(usual[15])


def test_the_spread_of_climatology_is_that_of_the_other_years(daily):
    """Ninety of a hundred values of years not seen lie inside; the error of a year is not judged by its own mean."""
    model, unseen = Climatology().fit(daily[: 4 * 365]), np.arange(4 * 365, daily.size - 2)
    forecast = model.hindcast(daily, unseen, 1).isel(lead=0).to_numpy()
    observed = daily.to_numpy()[unseen + 1]
    inside = (observed >= forecast[:, 0]) & (observed <= forecast[:, -1])
    assert inside.mean() == pytest.approx(0.9, abs=0.05)


def test_damping_follows_the_autocorrelation_it_was_made_with(daily):
    """An AR(1) anomaly of 0.8 is carried on by about 0.8, 0.8^2, ... and the seven-day mean adds little."""
    factors = DampedAnomaly().fit(daily).factors(7)
    carried = factors.sum(0)
    assert carried[0] == pytest.approx(0.78, abs=0.06)
    assert carried[3] == pytest.approx(0.78**4, abs=0.12)
    assert (np.diff(carried) < 0.02).all()


def test_the_damped_anomaly_returns_to_climatology_when_the_last_values_are_unknown(daily):
    model, gap = DampedAnomaly().fit(daily[:-7]), daily.copy()
    gap[-7:] = np.nan
    usual = model.base.centre(gap, np.array([gap.size - 1]), np.arange(1, 15))
    assert model.centre(gap, np.array([gap.size - 1]), np.arange(1, 15)) == pytest.approx(usual)


def test_the_damped_anomaly_works_on_hours_above_a_recent_mean(hourly):
    forecast = DampedAnomaly(RecentMean(24, 14), memory=24).fit(hourly).predict(48)
    assert forecast["time"].values[0] == np.datetime64("2024-06-10T01:00")
    wave = median(forecast)
    assert wave[13:17].mean() - wave[2:6].mean() > 5


def test_unequal_steps_are_refused(daily):
    with pytest.raises(DataError, match="equal"):
        persistence().fit(daily.isel(day=[0, 1, 2, 4, 5]))


def test_a_history_too_short_for_its_own_spread_is_refused(daily):
    with pytest.raises(DataError, match="it needs 19"):
        persistence().fit(daily[:20]).predict(14)


def test_the_published_levels_hold_the_median_and_the_90_percent_interval():
    assert {0.05, 0.5, 0.95} <= set(QUANTILES.tolist())
