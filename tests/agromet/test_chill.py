"""Chill and heat against a reference series without a data file (made with the published R implementations)."""

import numpy as np
import pytest
import xarray as xr

from agritwin.agromet import chill, degree_days


@pytest.fixture(scope="module")
def winter() -> xr.DataArray:
    hour = np.arange(2880)
    celsius = 6 + 5 * np.cos(2 * np.pi * hour / 1440) + 6 * np.sin(2 * np.pi * (hour - 9) / 24)
    return xr.DataArray(celsius, dims="time", attrs={"units": "degC"})


AFTER = [240, 720, 1440, 2880]


def totals(added: xr.DataArray) -> list[float]:
    return [float(added[:hours].sum()) for hours in AFTER]


def test_chill_hours(winter: xr.DataArray) -> None:
    assert totals(chill.chill_hours(winter)) == [80, 310, 613, 1226]


def test_utah_units(winter: xr.DataArray) -> None:
    assert totals(chill.utah_units(winter)) == [116.0, 373.0, 739.5, 1479.0]


def test_chill_portions(winter: xr.DataArray) -> None:
    expected = [6.51104273, 19.74987101, 40.03310536, 80.71122431]
    assert totals(chill.chill_portions(winter)) == pytest.approx(expected, abs=1e-8)


def test_growing_degree_hours(winter: xr.DataArray) -> None:
    expected = [1283.843945, 1869.544365, 3772.565898, 7545.131797]
    assert totals(chill.growing_degree_hours(winter)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        (0, 11.170382),
        (2, 57.869592),
        (4, 65.756930),
        (6, 75.245186),
        (8, 75.238089),
        (10, 69.939129),
        (12, 55.003397),
        (14, 0.0),
    ],
)
def test_portions_of_ninety_constant_days(celsius: float, expected: float) -> None:
    steady = xr.DataArray(np.full(90 * 24 - 1, float(celsius)), dims="time")  # the reference leaves out its first hour
    assert float(chill.chill_portions(steady).sum()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [(10, 3.95335708), (14.5, 10.5), (20, 18.19704465), (25, 21.0), (30, 7.24792459), (35.9, 0.00214110), (40, 0.0)],
)
def test_growing_degree_hours_of_a_temperature(celsius: float, expected: float) -> None:
    assert float(chill.growing_degree_hours(celsius)) == pytest.approx(expected, abs=1e-8)


def test_linear_heat_has_a_floor_and_a_ceiling() -> None:
    assert chill.growing_degree_hours_linear(np.array([-3.0, 4.5, 14.5, 25.0, 40.0])).tolist() == [0, 0, 10, 20.5, 20.5]


def test_missing_stays_missing(winter: xr.DataArray) -> None:
    gap = winter.copy()
    gap[100] = np.nan
    assert np.isnan(chill.utah_units(gap)[100])
    assert np.isnan(chill.chill_hours(gap)[100])
    portions = chill.chill_portions(gap)
    assert np.isfinite(portions[:100]).all()
    assert np.isnan(portions[100:]).all()


def test_series_in_rows_do_not_mix(winter: xr.DataArray) -> None:
    rows = xr.concat([winter, winter + 2.0], dim="member")
    np.testing.assert_array_equal(chill.chill_portions(rows)[0], chill.chill_portions(winter))


def test_degree_days_of_means() -> None:
    assert float(degree_days.degree_days(30.0, 14.0, 4.5)) == 17.5
    assert float(degree_days.degree_days(5.0, -5.0, 4.5)) == 0.0
    assert float(degree_days.degree_days(45.0, 35.0, 4.5, ceiling=30.0)) == 25.5
