"""Features of a season: right sums, cut at the day of issue, nothing from later."""

import datetime

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.models.features import FEATURES, drivers, ndvi_by_day, season_features

ISSUE = datetime.date(2022, 7, 15)
YEARS = range(2020, 2023)


@pytest.fixture
def daily():
    days = pd.date_range("2019-10-01", "2022-12-31")
    rng = np.random.default_rng(1)
    names = ("chill_portions", "frost_hours", "et0", "precipitation", "degree_days", "ndvi")
    return xr.Dataset({n: ("day", rng.gamma(2.0, 1.0, len(days))) for n in names}, coords={"day": days})


def test_a_feature_is_the_sum_over_its_window_up_to_the_day_of_issue(daily):
    table = season_features(daily, YEARS, ISSUE)
    season = daily.sel(day=slice("2021-04-01", "2021-07-15"))
    assert table.loc[2021, "water_deficit"] == pytest.approx(float((season["et0"] - season["precipitation"]).sum()))
    winter = daily["chill_portions"].sel(day=slice("2020-11-01", "2021-03-15"))
    assert table.loc[2021, "chill_portions"] == pytest.approx(float(winter.sum()))
    assert table.attrs["units"]["water_deficit"] == "mm"


def test_nothing_after_the_day_of_issue_enters_any_year(daily):
    """In past years, too, the days after the issue day are unknown to the features."""
    table = season_features(daily, YEARS, ISSUE)
    later = (daily["day"].dt.month > 7) & (daily["day"].dt.month < 11) | (
        (daily["day"].dt.month == 7) & (daily["day"].dt.day > 15)
    )
    injected = daily.where(~later, 1e6)
    pd.testing.assert_frame_equal(season_features(injected, YEARS, ISSUE), table)


def test_the_day_of_issue_itself_does_enter(daily):
    table = season_features(daily, YEARS, ISSUE)
    injected = daily.copy(deep=True)
    injected["et0"].loc["2022-07-15"] += 50.0
    changed = season_features(injected, YEARS, ISSUE)
    assert changed.loc[2022, "water_deficit"] == pytest.approx(table.loc[2022, "water_deficit"] + 50)
    assert changed.loc[2021].equals(table.loc[2021])


def test_windows_that_have_not_begun_are_left_out(daily):
    assert set(season_features(daily, YEARS, datetime.date(2022, 2, 1)).columns) == {"chill_portions"}


def test_variables_that_are_absent_leave_their_feature_out(daily):
    assert "ndvi_integral" not in season_features(daily.drop_vars("ndvi"), YEARS, ISSUE)
    with pytest.raises(DataError):
        season_features(daily[["air_pressure"]] if "air_pressure" in daily else daily[[]], YEARS, ISSUE)


def test_a_window_with_gaps_is_scaled_up_to_a_tenth_and_unknown_beyond(daily):
    table = season_features(daily, YEARS, ISSUE)
    few, many = daily.copy(deep=True), daily.copy(deep=True)
    few["frost_hours"].loc["2021-04-01":"2021-04-04"] = np.nan
    many["frost_hours"].loc["2021-04-01":"2021-04-30"] = np.nan
    assert season_features(few, YEARS, ISSUE).loc[2021, "frost_hours"] == pytest.approx(
        table.loc[2021, "frost_hours"], rel=0.1
    )
    assert np.isnan(season_features(many, YEARS, ISSUE).loc[2021, "frost_hours"])


def test_a_leap_day_of_issue_is_the_28th_in_other_years(daily):
    table = season_features(daily, YEARS, datetime.date(2020, 2, 29))
    winter = daily["chill_portions"].sel(day=slice("2020-11-01", "2021-02-28"))
    assert table.loc[2021, "chill_portions"] == pytest.approx(float(winter.sum()))


def test_ndvi_holds_the_last_scene_and_never_looks_ahead():
    scenes = xr.DataArray(
        [0.2, np.nan, 0.6],
        coords={"time": pd.DatetimeIndex(["2022-04-01T11:00", "2022-04-11T11:00", "2022-05-01T11:00"])},
        dims="time",
    )
    daily = ndvi_by_day(scenes, pd.date_range("2022-03-30", "2022-07-01"))
    assert daily.sel(day=["2022-04-01", "2022-04-12", "2022-04-30", "2022-05-01"]).to_numpy().tolist() == [
        0.2,
        0.2,
        0.2,
        0.6,
    ]
    assert np.isnan(daily.sel(day="2022-03-31"))
    assert np.isnan(daily.sel(day="2022-07-01"))


def test_drivers_are_made_of_hours_and_days():
    times = pd.date_range("2022-01-01 00:00", "2022-01-05 00:00", freq="h", inclusive="right")
    wave = 4 + 6 * np.sin(2 * np.pi * (times.hour.to_numpy() - 9) / 24)
    hourly = xr.Dataset({"air_temperature": ("time", wave, {"units": "degC"})}, coords={"time": times})
    days = pd.date_range("2022-01-01", "2022-01-04")
    values = {"et0": 1.0, "precipitation": 0.0, "air_temperature_max": 10.0, "air_temperature_min": -2.0}
    daily = xr.Dataset({name: ("day", np.full(4, value)) for name, value in values.items()}, coords={"day": days})
    made = drivers(hourly, daily, "UTC")
    assert made["frost_hours"].to_numpy().tolist() == [int((wave[:24] < 0).sum())] * 4
    assert (made["degree_days"] == 0).all()
    assert float(made["chill_portions"].sum()) >= 1
    assert set(made.data_vars) >= {need for feature in FEATURES for need in feature.needs} - {"ndvi"}
