"""Drivers of a simulation: observed, then forecast, then past years, and nothing else."""

import datetime

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.simulation.drivers import driver_ensemble
from agritwin.simulation.orchard.balance import simulate
from tests.simulation.orchard.conftest import orchard, season

END = datetime.date(2024, 10, 31)


def record(first, days, level=None):
    """Daily weather whose values tell their date: the year in rain, the day of the year in ET0."""
    day = pd.date_range(first, periods=days)
    rain = day.year.to_numpy() - 2000.0 if level is None else np.full(days, level)
    variables = {
        "precipitation": ("day", rain, {"units": "mm"}),
        "et0": ("day", day.day_of_year / 1.0, {"units": "mm"}),
    }
    return xr.Dataset(variables, {"day": day}, {"synthetic": "false"})


@pytest.fixture
def history():
    return record("2016-11-01", 7 * 365 + 2)  # to 31 October 2023


@pytest.fixture
def observed():
    return record("2023-11-01", 200)  # to 18 May 2024


@pytest.fixture
def forecast(observed):
    days = pd.date_range("2024-05-19", periods=10)
    rain = 100.0 + np.arange(3)[:, None] + np.zeros(10)
    return xr.Dataset(
        {"precipitation": (("member", "day"), rain), "et0": (("member", "day"), rain * 0 + 1.0)},
        {"day": days, "member": [7, 8, 9]},
    )


def test_each_day_comes_from_what_was_known_of_it(observed, forecast, history):
    joined = driver_ensemble(observed, forecast, history, END, 12, seed=1)
    assert dict(joined.sizes) == {"member": 12, "day": 366}
    assert pd.Series(joined["origin"].to_numpy()).value_counts().to_dict() == {
        "observed": 200,
        "forecast": 10,
        "history": 156,
    }
    assert (joined["precipitation"].sel(day="2024-05-18") == 24.0).all()
    np.testing.assert_array_equal(joined["precipitation"].sel(day="2024-05-20"), 100.0 + np.arange(12) % 3)
    later = joined.sel(day=slice("2024-05-29", None))
    assert (later["precipitation"] == later["year"] - 2000.0).all()  # each member goes on with one year
    np.testing.assert_array_equal(later["et0"][0], later["day"].dt.dayofyear - (later["year"][0] % 4 != 0))
    assert joined["precipitation"].attrs["units"] == "mm"


def test_same_seed_same_bytes_other_seed_other_years(observed, forecast, history):
    one, same, other = (driver_ensemble(observed, forecast, history, END, 40, seed) for seed in (1, 1, 2))
    assert all(one[name].to_numpy().tobytes() == same[name].to_numpy().tobytes() for name in one.variables)
    assert not one["year"].equals(other["year"])


def test_years_like_this_one_so_far_come_more_often(observed, history):
    like, observed = (part.assign(et0=part["et0"] * 0 + 3.0) for part in (history, observed))
    spring = (like["day"] >= np.datetime64("2019-02-01")) & (like["day"] <= np.datetime64("2019-05-18"))
    like["precipitation"] = like["precipitation"].where(~spring, 24.0)  # 2019 was like 2024
    drawn = pd.Series(driver_ensemble(observed, None, like, END, 400, seed=1)["year"].to_numpy()).value_counts()
    assert sorted(drawn.index) == list(range(2017, 2024))  # every year is there
    assert drawn.idxmax() == 2019
    assert drawn[2019] == pytest.approx(400 / sum(1 / np.arange(1, 8)), abs=1)


def test_a_gap_costs_its_year_and_no_more(observed, history):
    history = history.where(history["day"] != np.datetime64("2021-07-01"))
    years = set(driver_ensemble(observed, None, history, END, 100, seed=1)["year"].to_numpy().tolist())
    assert years == {2017, 2018, 2019, 2020, 2022, 2023}


def test_29_february_goes_on_with_28(history):
    leap = driver_ensemble(record("2023-11-01", 60), None, history, datetime.date(2024, 3, 5), 8, seed=1)
    assert np.isfinite(leap["et0"]).all()
    assert leap.sizes["day"] == 126


def test_nothing_is_made_up(observed, forecast, history):
    with pytest.raises(DataError, match="2024-01-05"):
        driver_ensemble(observed.where(observed["day"] != np.datetime64("2024-01-05")), None, history, END, 5, 1)
    with pytest.raises(DataError, match="No past year"):
        driver_ensemble(observed, None, history.isel(day=slice(0, 100)), END, 5, 1)
    late = forecast.assign_coords(day=forecast["day"] + np.timedelta64(1, "D"))
    with pytest.raises(DataError, match="begins on 2024-05-20"):
        driver_ensemble(observed, late, history, END, 5, 1)


def test_an_outlook_is_what_the_past_brought_and_no_more(observed):
    """Run to the season's end: every member is a year that was, so the ensemble is as wide as those years."""
    past = season(5 * 365 + 1, seed=3, first="2018-11-01")
    now = season(200, seed=9)
    weather = driver_ensemble(now, None, past, END, 30, seed=1)
    result = simulate(weather, orchard())
    assert np.ptp(result["root_zone_depletion"].sel(day="2024-05-18").to_numpy()) == 0.0
    final = result["final_root_zone_depletion"].to_numpy()
    assert len(np.unique(final.round(9))) == len(np.unique(weather["year"]))
