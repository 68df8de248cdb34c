"""Stages of a season: bloom after chill and heat, members, continuations, and what cannot be told."""

import datetime

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.agromet import chill
from agritwin.errors import ConfigError, DataError
from agritwin.simulation.orchard import parameters, phenology

START = datetime.date(2022, 11, 1)
ZONE = "Europe/Madrid"


def temperatures(first: str = "2019-10-30", last: str = "2023-12-31", warmer: float = 0.0) -> xr.DataArray:
    time = pd.date_range(first, last, freq="h")
    phase = 2 * np.pi * (time.day_of_year.to_numpy() - 20) / 365.25
    year = 0.5 * (time.year.to_numpy() - 2021)
    celsius = 12.5 - 9.5 * np.cos(phase) + 6.0 * np.sin(2 * np.pi * (time.hour.to_numpy() - 9) / 24) + year + warmer
    return xr.DataArray(celsius, coords={"time": time}, dims="time", attrs={"units": "degC"})


@pytest.fixture(scope="module")
def trees() -> xr.Dataset:
    return parameters.sample("pistachio", 50, seed=1)


def test_bloom_is_where_the_sums_of_chill_and_heat_say(trees: xr.Dataset) -> None:
    celsius = temperatures()
    found = phenology.calendar(celsius, trees, START, ZONE).isel(member=0)
    season = celsius.sel(time=slice("2022-10-31T23:30", None))  # local midnight of 1 November and after
    met = season["time"][int((chill.utah_units(season).cumsum("time") >= 900.0).argmax("time"))]
    heat = chill.growing_degree_hours_linear(season.sel(time=slice(met + np.timedelta64(1, "h"), None)))
    bloom = heat["time"][int((heat.cumsum("time") >= 11_500.0).argmax("time"))]
    local = pd.Timestamp(bloom.values - np.timedelta64(30, "m")).tz_localize("UTC").tz_convert(ZONE)
    assert pd.Timestamp(found["bloom"].values).date() == local.date()
    assert 3 <= local.month <= 5


def test_dates_come_in_their_order_for_every_member(trees: xr.Dataset) -> None:
    found = phenology.calendar(temperatures(), trees, START, ZONE)
    fruit = ["chill_met", "bud_swell", "bloom", "fruit_set", "stage_2", "stage_3", "maturity", "leaf_fall", "leafless"]
    leaves = ["bloom", "leaf_out", "full_canopy", "senescence", "leaf_fall"]
    for names in (fruit, leaves):
        days = np.stack([found[name].values for name in names])
        assert (np.diff(days, axis=0) >= np.timedelta64(0, "D")).all()
    assert len(np.unique(found["bloom"])) > 5


def test_the_dynamic_model_blooms_near_the_utah_model(trees: xr.Dataset) -> None:
    one = trees.isel(member=[0])
    utah = phenology.calendar(temperatures(), one, START, ZONE)["bloom"].values[0]
    dynamic = phenology.calendar(temperatures(), one, START, ZONE, "dynamic")["bloom"].values[0]
    assert abs(utah - dynamic) < np.timedelta64(25, "D")


def test_warm_winters_leave_the_chill_unmet(trees: xr.Dataset) -> None:
    found = phenology.calendar(temperatures(warmer=14.0), trees, START, ZONE)
    assert np.isnat(found["bloom"]).all()
    assert np.isnat(found["leaf_fall"]).all()
    assert phenology.stage_shares(found, datetime.date(2023, 7, 1)) == {"dormant": 1.0}


def test_a_warmer_spring_blooms_earlier(trees: xr.Dataset) -> None:
    one = trees.isel(member=[0])
    spring = temperatures()
    spring = spring + 3.0 * (spring["time"] > np.datetime64("2023-02-15"))
    assert (
        phenology.calendar(spring, one, START, ZONE)["bloom"]
        < phenology.calendar(temperatures(), one, START, ZONE)["bloom"]
    )


def test_a_season_in_course_goes_on_with_past_years(trees: xr.Dataset) -> None:
    known = temperatures(last="2023-03-01")
    courses = phenology.continuations(known, datetime.date(2023, 12, 30))
    assert courses["continuation"].values.tolist() == [2022, 2021, 2020]
    np.testing.assert_array_equal(courses.sel(time=known["time"])[1], known)
    later = courses.sel(time="2023-06-01T12:00")
    assert later.values.tolist() == [
        float(known.sel(time=f"{year}-06-01T12:00")) for year in courses["continuation"].values
    ]
    found = phenology.calendar(courses, trees, START, ZONE)
    alone = phenology.calendar(courses.isel(continuation=1), trees, START, ZONE)
    np.testing.assert_array_equal(found["bloom"][1::3], alone["bloom"][1::3])


def test_without_a_complete_past_year_nothing_is_made_up() -> None:
    with pytest.raises(DataError, match="No past year"):
        phenology.continuations(temperatures(first="2022-10-01", last="2023-03-01"), datetime.date(2023, 12, 30))


def test_temperatures_that_end_between_bloom_and_full_canopy_are_refused(trees: xr.Dataset) -> None:
    with pytest.raises(DataError, match="before the canopy is full in"):
        phenology.calendar(temperatures(last="2023-05-20"), trees, START, ZONE)


def test_early_in_the_season_bloom_is_not_known_yet(trees: xr.Dataset) -> None:
    found = phenology.calendar(temperatures(last="2023-02-20"), trees, START, ZONE)
    assert np.isnat(found["bloom"]).all()
    assert not np.isnat(found["chill_met"]).any()
    assert phenology.stage_shares(found, datetime.date(2023, 2, 20)) == {"chilled": 1.0}


def test_shares_of_stages_add_up(trees: xr.Dataset) -> None:
    found = phenology.calendar(temperatures(), trees, START, ZONE)
    day = pd.Timestamp(found["bloom"].values.astype("datetime64[D]")[0]).date()
    shares = phenology.stage_shares(found, day)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert len(shares) > 1


def test_a_southern_season_is_the_northern_one_half_a_year_later(trees: xr.Dataset) -> None:
    north = temperatures(last="2024-03-31")
    half = np.timedelta64(182, "D")
    south = north.assign_coords(time=north["time"] + half)
    start = START + datetime.timedelta(days=182)
    found = phenology.calendar(south, trees, start, "UTC", southern=True)
    expected = phenology.calendar(north, trees, START, "UTC")
    for name in phenology.DATES:
        apart = (found[name] - expected[name]).to_numpy() / np.timedelta64(1, "D") - 182
        assert (abs(apart) <= 2).all(), name  # days of the year are 183 later, and leap years come in between


def test_gaps_and_unknown_models_are_refused(trees: xr.Dataset) -> None:
    celsius = temperatures()
    celsius.loc[{"time": "2023-01-05T03:00"}] = np.nan
    with pytest.raises(DataError, match="gaps"):
        phenology.calendar(celsius, trees, START, ZONE)
    with pytest.raises(ConfigError, match="'positive'"):
        phenology.calendar(temperatures(), trees, START, ZONE, "positive")  # type: ignore[arg-type]
