"""Seasons read off a curve."""

import numpy as np
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.vegetation.phenology import season
from agritwin.vegetation.smoothing import smooth_daily

FIRST, LAST, NEXT_YEAR = (np.datetime64(day) for day in ("2024-03-01", "2024-10-31", "2025-06-01"))


def daily(value: np.ndarray, every: int = 5, first: np.datetime64 = FIRST) -> xr.Dataset:
    """A curve observed every few days."""
    place = np.arange(value.size)
    observed = np.where(place % every == 0, value, np.nan)
    distance = np.minimum(place % every, (-place) % every).astype(float)
    return xr.Dataset(
        {"smooth": ("day", value), "observed": ("day", observed), "days_to_observation": ("day", distance)},
        coords={"day": first.astype("datetime64[ns]") + place * np.timedelta64(1, "D")},
    )


def trapezium() -> np.ndarray:
    """0.2 for 30 days, up to 0.8 in 60, down to 0.3 in 50, then level."""
    return np.concatenate(
        [np.full(30, 0.2), np.linspace(0.2, 0.8, 61), np.linspace(0.8, 0.3, 51)[1:], np.full(104, 0.3)]
    )


def test_a_trapezium_by_hand() -> None:
    told = season(daily(trapezium()), FIRST, LAST)
    assert told.status == "ok"
    assert str(told.start)[:10] == "2024-04-30"  # day 60, where 0.2 + 0.5 * 0.6 is reached
    assert str(told.peak)[:10] == "2024-05-30"  # day 90
    assert str(told.end)[:10] in {"2024-06-24", "2024-06-25"}  # 25 days on, 0.3 + 0.5 * 0.5
    assert told.peak_value == pytest.approx(0.8)
    assert told.amplitude == pytest.approx(0.8 - 0.25)
    assert told.green_up_rate == pytest.approx(0.01)
    assert told.integral == pytest.approx(30 * (0.25 + 0.55) / 2 + 25 * (0.55 + 0.30) / 2, rel=0.02)


@pytest.mark.parametrize(("threshold", "start"), [(0.1, 36), (0.25, 45), (0.8, 78)])
def test_the_threshold_is_a_share_of_the_amplitude(threshold: float, start: int) -> None:
    told = season(daily(trapezium()), FIRST, LAST, threshold=threshold)
    assert told.start is not None
    assert abs((told.start - FIRST).astype("timedelta64[D]").astype(int) - start) <= 1


def test_a_season_that_still_grows_or_stands_is_running_and_has_no_end() -> None:
    for length in (85, 95, 125):
        curve = daily(trapezium()[:length])
        told = season(curve, FIRST, LAST)
        assert told == season(curve, FIRST, curve["day"].to_numpy()[-1])
        assert told.status == "running"
        assert told.end is None
        assert told.integral is None
        assert abs((told.start - np.datetime64("2024-04-30")) / np.timedelta64(1, "D")) <= 3  # by the peak so far


def test_a_harvest_ends_the_season_before_its_last_day() -> None:
    told = season(daily(trapezium()[:150]), FIRST, LAST)
    assert told.status == "ok"
    assert str(told.end)[:10] in {"2024-06-24", "2024-06-25"}


def test_what_cannot_be_told_is_an_outcome_with_numbers() -> None:
    assert season(daily(trapezium(), every=40), FIRST, LAST).status == "not enough dates: 7 of at least 8"
    assert season(daily(trapezium()), NEXT_YEAR, NEXT_YEAR).status == "not enough dates: 0 of at least 8"
    assert season(daily(np.full(245, 0.3)), FIRST, LAST).status == "no season: NDVI rises by 0.00, at least 0.1"


def test_a_gap_counts_between_start_and_end_only() -> None:
    winter, summer = daily(trapezium()), daily(trapezium())
    winter["days_to_observation"][20] = 40.0
    summer["days_to_observation"][100] = 40.0
    assert season(winter, FIRST, LAST).status == "ok"
    told = season(summer, FIRST, LAST)
    assert told.status == "gap: some 80 days without a date, at most 60"
    assert told.start is None


def test_a_closed_season_that_has_not_come_down_ends_where_it_stands() -> None:
    """The curve goes on after the last day, so that the season is known to be over."""
    curve = daily(trapezium())
    last = np.datetime64("2024-07-04")
    assert season(curve.sel(day=slice(None, last)), FIRST, last).status == "running"
    assert season(curve, FIRST, last).status == "ok"


@pytest.mark.parametrize(("first", "last", "threshold"), [(LAST, FIRST, 0.5), (FIRST, LAST, 0.0), (FIRST, LAST, 1.0)])
def test_questions_without_sense_are_refused(first: np.datetime64, last: np.datetime64, threshold: float) -> None:
    with pytest.raises(DataError):
        season(daily(trapezium()), first, last, threshold=threshold)


def test_the_wheat_of_witzwil_greens_in_march_peaks_in_april_or_may_and_ends_at_harvest(
    wheat_imagery, wheat_parcel
) -> None:
    from agritwin.vegetation.cube import ndvi_cube

    cube = ndvi_cube(wheat_imagery("witzwil"), wheat_parcel("witzwil"))
    curve = smooth_daily(cube["ndvi_median"], cube["valid_share"].where(cube["usable"], 0.0), zone="Europe/Zurich")
    told = season(curve, np.datetime64("2022-03-01"), np.datetime64("2022-09-30"))
    assert told.status == "ok"
    assert np.datetime64("2022-03-10") <= told.start <= np.datetime64("2022-04-05")
    assert np.datetime64("2022-04-10") <= told.peak <= np.datetime64("2022-05-31")
    assert np.datetime64("2022-06-23") <= told.end <= np.datetime64("2022-07-08")
