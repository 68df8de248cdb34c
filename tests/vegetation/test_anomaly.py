"""Anomalies against a parcel's own past."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.vegetation.anomaly import against_neighbours, anomaly

LEVELS = {2019: 0.30, 2020: 0.40, 2021: 0.50, 2022: 0.60, 2023: 0.70}


def days(first: str, last: str, value) -> xr.DataArray:
    index = pd.date_range(first, last, freq="D")
    return xr.DataArray(
        np.array([value(day) for day in index]), dims="day", coords={"day": index}, attrs={"units": "1"}
    )


@pytest.fixture(scope="module")
def history() -> xr.DataArray:
    """Five years, each of its own level all year."""
    return days("2019-01-01", "2023-12-31", lambda day: LEVELS[day.year])


def test_band_difference_and_z_by_hand(history: xr.DataArray) -> None:
    compared = anomaly(days("2024-05-01", "2024-05-03", lambda day: 0.75), history)
    np.testing.assert_allclose(compared["median"], 0.50, atol=1e-9)
    np.testing.assert_allclose(compared["p10"], 0.30, atol=1e-9)
    np.testing.assert_allclose(compared["p90"], 0.70, atol=1e-9)
    np.testing.assert_allclose(compared["difference"], 0.25, atol=1e-9)
    np.testing.assert_allclose(compared["z"], 0.25 / np.std(list(LEVELS.values()), ddof=1), atol=1e-9)
    assert compared["years"].values.tolist() == [5, 5, 5]
    assert compared["outside"].values.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("value", "outside"), [(0.29, -1), (0.31, 0), (0.71, 1)])
def test_below_within_and_above_the_band(history: xr.DataArray, value: float, outside: int) -> None:
    assert anomaly(days("2024-05-01", "2024-05-01", lambda day: value), history)["outside"].item() == outside


def test_only_days_around_the_same_day_of_the_year_count() -> None:
    past = days("2019-01-01", "2023-12-31", lambda day: 0.5 if day.month == 6 else 0.1)
    compared = anomaly(days("2024-06-10", "2024-06-10", lambda day: 0.5), past, half_window_days=7)
    assert (compared["p10"].item(), compared["p90"].item()) == (0.5, 0.5)


def test_windows_reach_over_new_year_and_keep_winters_together(history: xr.DataArray) -> None:
    """Around 1 January each window joins the ends of two years: the median of a winter is still one of its levels."""
    compared = anomaly(days("2024-12-31", "2025-01-02", lambda day: 0.5), history, half_window_days=3)
    assert compared["years"].values.tolist() == [6, 6, 6]  # five new years and half a one at each end
    assert (compared["p10"] >= 0.30).all()
    assert (compared["p90"] <= 0.70).all()


def test_too_few_years_are_an_outcome() -> None:
    past = days("2022-01-01", "2023-12-31", lambda day: 0.4)
    compared = anomaly(days("2024-05-01", "2024-05-01", lambda day: 0.9), past)
    assert compared["years"].item() == 2
    assert np.isnan(compared["median"].item())
    assert np.isnan(compared["z"].item())
    assert compared["outside"].item() == 0


def test_the_current_year_is_never_its_own_yardstick(history: xr.DataArray) -> None:
    """History that runs up to the day before, and even past it, changes nothing."""
    current = days("2024-05-01", "2024-05-10", lambda day: 0.75)
    longer = xr.concat([history, days("2024-01-01", "2024-05-10", lambda day: 0.75)], "day")
    xr.testing.assert_equal(anomaly(current, longer), anomaly(current, history))


def test_equal_years_have_no_z() -> None:
    past = days("2019-01-01", "2023-12-31", lambda day: 0.5)
    compared = anomaly(days("2024-05-01", "2024-05-01", lambda day: 0.6), past)
    assert np.isnan(compared["z"].item())
    assert compared["difference"].item() == pytest.approx(0.1)


def test_the_last_of_february_of_a_leap_year_has_its_history(history: xr.DataArray) -> None:
    assert anomaly(days("2024-02-29", "2024-02-29", lambda day: 0.5), history)["years"].item() == 5
    assert anomaly(days("2024-12-31", "2024-12-31", lambda day: 0.5), history, half_window_days=0)["years"].item() == 5


@pytest.mark.parametrize("options", [{"half_window_days": -1}, {"half_window_days": 120}, {"fewest_years": 1}])
def test_options_without_sense_are_refused(history: xr.DataArray, options: dict) -> None:
    with pytest.raises(DataError, match="make no sense"):
        anomaly(days("2024-05-01", "2024-05-01", lambda day: 0.5), history, **options)


def neighbours(values: dict[str, list[float]], first: str = "2025-05-01") -> dict[str, xr.DataArray]:
    return {
        name: xr.DataArray(
            series,
            dims="day",
            coords={"day": np.datetime64(first, "ns") + np.arange(len(series)) * np.timedelta64(1, "D")},
        )
        for name, series in values.items()
    }


def test_a_parcel_below_its_neighbours_is_told_with_its_rank() -> None:
    fields = neighbours({"here": [0.4, 0.5], "a": [0.5, 0.5], "b": [0.6, 0.5], "c": [0.7, 0.5], "d": [0.9, 0.5]})
    found = against_neighbours(fields.pop("here"), fields)
    assert found["median"].values.tolist() == pytest.approx([0.65, 0.5])
    assert found["difference"].values.tolist() == pytest.approx([-0.25, 0.0])
    # Median absolute deviation of 0.15, 0.05, 0.05, 0.25 is 0.10.
    assert found["z"].values[0] == pytest.approx(-0.25 / 0.14826)
    assert np.isnan(found["z"].values[1]), "neighbours that agree to the last digit have no spread"
    assert found["rank"].values.tolist() == pytest.approx([0.0, 0.5])
    assert found["neighbours"].values.tolist() == [4, 4]


def test_a_year_that_is_dry_for_all_is_no_anomaly_among_neighbours() -> None:
    fields = neighbours({"here": [0.3], "a": [0.29], "b": [0.30], "c": [0.32]})
    assert abs(against_neighbours(fields.pop("here"), fields)["z"].item()) < 1


def test_too_few_neighbours_say_nothing() -> None:
    nan = float("nan")
    fields = neighbours({"here": [0.4, 0.4, nan], "a": [0.5, nan, 0.5], "b": [0.6, 0.6, 0.6], "c": [0.7, 0.7, 0.7]})
    later = neighbours({"d": [0.5]}, "2025-06-01")
    found = against_neighbours(fields.pop("here"), fields | later)
    assert np.isnan(found["z"].values).tolist() == [False, True, True]
    assert found["neighbours"].values.tolist() == [3, 2, 3]
    nobody = against_neighbours(found["value"], {})
    assert np.isnan(nobody["median"]).all()
    with pytest.raises(DataError):
        against_neighbours(found["value"], {}, fewest=0)
