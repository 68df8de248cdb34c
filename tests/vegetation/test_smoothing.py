"""Whittaker smoothing against a published series and against its own definition."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from agritwin.errors import DataError
from agritwin.vegetation.smoothing import (
    asymmetric_whittaker,
    cross_validated,
    left_out_errors,
    smooth_daily,
    v_curve,
    whittaker,
)

REFERENCE = (
    Path(__file__).parents[2] / ".." / "shared" / "providers" / "eo_samples" / "modis" / "whittaker_reference.csv"
)


@pytest.fixture(scope="module")
def modis() -> pd.DataFrame:
    """A real MODIS NDVI series ``y`` with the outputs of another implementation."""
    if not REFERENCE.exists():
        pytest.skip("whittaker_reference.csv is not here")
    return pd.read_csv(REFERENCE)


@pytest.mark.parametrize(("column", "smoothness"), [("z_ws2d", 10.0), ("z_ws2dvc", 7.943282347242818)])
def test_a_modis_series_is_smoothed_as_published(modis: pd.DataFrame, column: str, smoothness: float) -> None:
    curve = whittaker(modis["y"].to_numpy(), modis["w"].to_numpy(), smoothness)
    np.testing.assert_allclose(curve, modis[column], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("column", "smoothness", "tolerance"),
    [("z_ws2dp", 1.9952623149688808, 1e-12), ("z_ws2dvcp", 1.9952623149688808, 1e-12), ("ws2dp", 98.915, 1e-6)],
)
def test_the_upper_envelope_is_as_published(
    modis: pd.DataFrame, column: str, smoothness: float, tolerance: float
) -> None:
    curve = asymmetric_whittaker(modis["y"].to_numpy(), modis["w"].to_numpy(), smoothness, 0.9)
    np.testing.assert_allclose(curve, modis[column], rtol=0, atol=tolerance)


def test_the_v_curve_chooses_the_published_smoothness(modis: pd.DataFrame) -> None:
    chosen = v_curve(modis["y"].to_numpy(), modis["w"].to_numpy(), np.arange(-2.0, 1.01, 0.2))
    assert chosen == pytest.approx(7.943282347242818, rel=1e-12)


def noisy_wave() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    weights = np.where(rng.random(120) < 0.4, rng.uniform(0.5, 1.0, 120), 0.0)
    return np.sin(np.arange(120) / 9.0) + 0.1 * rng.normal(size=120), weights


@pytest.mark.parametrize("smoothness", [1.0, 30.0, 1e4])
def test_left_out_errors_are_those_of_really_leaving_out(smoothness: float) -> None:
    values, weights = noisy_wave()
    expected = []
    for place in np.flatnonzero(weights):
        without = weights.copy()
        without[place] = 0.0
        expected.append(values[place] - whittaker(values, without, smoothness)[place])
    np.testing.assert_allclose(left_out_errors(values, weights, smoothness), expected, rtol=1e-7)


def test_cross_validation_comes_near_the_truth() -> None:
    """The chosen curve is nearer to the wave without noise than curves ten times stiffer or a hundred times looser."""
    values, weights = noisy_wave()
    chosen = cross_validated(values, weights)
    truth = np.sin(np.arange(120) / 9.0)
    miss = [np.sqrt(np.mean((whittaker(values, weights, chosen * factor) - truth) ** 2)) for factor in (1, 10, 0.01)]
    assert miss[0] < 0.08
    assert miss[0] < min(miss[1:])


SERIES = npst.arrays(float, st.integers(3, 40), elements=st.floats(-1, 1))


@given(SERIES, st.floats(0.01, 1e5), st.randoms(use_true_random=False))
def test_the_curve_solves_its_own_equation(values: np.ndarray, smoothness: float, random) -> None:
    """(W + lambda D'D) z = W y, with D written out in full."""
    weights = np.array([random.choice([0.0, 0.3, 1.0]) for _ in values])
    weights[[0, -1]] = 1.0
    difference = np.diff(np.eye(values.size), 2, axis=0)
    curve = whittaker(values, weights, smoothness)
    residual = (np.diag(weights) + smoothness * difference.T @ difference) @ curve - weights * values
    assert np.abs(residual).max() < 1e-9 * max(smoothness, 1.0)


@given(st.floats(-1, 1), st.floats(-0.01, 0.01), st.floats(0.1, 1e4))
def test_a_straight_line_stays_whatever_the_smoothness(start: float, slope: float, smoothness: float) -> None:
    line = start + slope * np.arange(50)
    weights = np.zeros(50)
    weights[::7] = 1.0
    np.testing.assert_allclose(whittaker(np.where(weights > 0, line, np.nan), weights, smoothness), line, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "weights", "smoothness"),
    [([1, 2], [1, 1], 1.0), ([1, 2, 3], [0, 1, 0], 1.0), ([1, 2, 3], [1, -1, 1], 1.0), ([1, 2, 3], [1, 1, 1], 0.0)],
)
def test_what_cannot_be_smoothed_is_refused(values: list, weights: list, smoothness: float) -> None:
    with pytest.raises(DataError, match="cannot be smoothed"):
        whittaker(np.array(values, float), np.array(weights, float), smoothness)


def observations(days: list[int], values: list[float], hour: int = 11) -> xr.DataArray:
    time = np.datetime64("2024-03-01", "ns") + np.array(days) * np.timedelta64(1, "D") + np.timedelta64(hour, "h")
    return xr.DataArray(values, dims="time", coords={"time": time}, attrs={"units": "1", "long_name": "NDVI"})


def test_irregular_dates_become_a_curve_of_days() -> None:
    values = observations([0, 3, 8, 13, 20, 30], [0.2, 0.26, 0.36, 0.46, 0.6, 0.8])
    curve = smooth_daily(values, xr.ones_like(values), zone="Europe/Madrid")
    assert curve.sizes["day"] == 31
    assert curve["day"].attrs["zone"] == "Europe/Madrid"
    np.testing.assert_allclose(curve["smooth"], 0.2 + 0.02 * np.arange(31), atol=1e-6)
    assert curve["observed"].count() == 6
    assert curve["days_to_observation"].values[:9].tolist() == [0, 1, 1, 0, 1, 2, 2, 1, 0]
    assert curve.attrs["status"] == "ok"


def test_late_evening_in_utc_is_the_next_day_in_madrid() -> None:
    values = observations([0, 1, 2, 3, 4], [0.1] * 5, hour=23)
    assert str(smooth_daily(values, xr.ones_like(values))["day"].values[0])[:10] == "2024-03-01"
    assert str(smooth_daily(values, xr.ones_like(values), zone="Europe/Madrid")["day"].values[0])[:10] == "2024-03-02"


def test_scenes_of_weight_zero_do_not_count_and_two_of_one_day_are_averaged() -> None:
    values = observations([0, 0, 5, 6, 10, 15, 20], [0.2, 0.4, 0.3, -0.9, 0.3, 0.3, 0.3])
    weights = xr.zeros_like(values) + np.array([0.5, 0.5, 1, 0, 1, 1, 1])
    curve = smooth_daily(values, weights)
    np.testing.assert_allclose(curve["smooth"], 0.3, atol=1e-9)
    assert curve.attrs["dates"] == 5


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_dates_are_an_outcome(count: int) -> None:
    values = observations(list(range(0, 5 * count, 5)), [0.3] * count)
    curve = smooth_daily(values, xr.ones_like(values))
    assert curve.attrs["status"] == f"not enough dates: {count} of at least 5"
    assert curve["smooth"].isnull().all()


def test_the_season_of_a_wheat_field_is_followed(wheat_imagery, wheat_parcel) -> None:
    from agritwin.vegetation.cube import ndvi_cube

    cube = ndvi_cube(wheat_imagery("witzwil"), wheat_parcel("witzwil"))
    curve = smooth_daily(cube["ndvi_median"], cube["valid_share"].where(cube["usable"], 0.0), zone="Europe/Zurich")
    error = (curve["smooth"] - curve["observed"]).dropna("day")
    assert float(np.sqrt((error**2).mean())) < 0.03
    assert 0.85 < curve["smooth"].max() < 0.95
    smoother = smooth_daily(cube["ndvi_median"], cube["valid_share"], zone="Europe/Zurich", smoothness="v_curve")
    assert smoother.attrs["smoothness"] > curve.attrs["smoothness"]
