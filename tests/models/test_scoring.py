"""Scores against closed forms, published values and brute force."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from agritwin.models import scoring

MIDPOINTS = (np.arange(200) + 0.5) / 200


def as_quantiles(distribution, levels=MIDPOINTS):
    return xr.DataArray(distribution.ppf(levels), coords={"quantile": levels}, dims="quantile")


def members(values):
    return xr.DataArray(np.asarray(values, float), dims="member")


def crps_by_integration(distribution, observed):
    below = integrate.quad(lambda x: distribution.cdf(x) ** 2, -np.inf, observed)[0]
    above = integrate.quad(lambda x: distribution.sf(x) ** 2, observed, np.inf)[0]
    return below + above


def test_crps_of_a_standard_normal_at_its_mean_is_the_published_constant():
    """(sqrt 2 - 1) / sqrt pi = 0.23370, Gneiting et al. (2005)."""
    assert scoring.crps_normal(0, 1, 0) == pytest.approx((np.sqrt(2) - 1) / np.sqrt(np.pi), rel=1e-12)


@pytest.mark.parametrize(("mean", "sd", "observed"), [(0, 1, 0.7), (12.5, 3.1, 9.0), (-4, 0.2, -3.1)])
def test_crps_normal_is_the_integral_of_the_squared_distance_of_distributions(mean, sd, observed):
    expected = crps_by_integration(stats.norm(mean, sd), observed)
    assert scoring.crps_normal(mean, sd, observed) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dof", [2.5, 4, 9, 60])
@pytest.mark.parametrize("observed", [-1.0, 0.3, 6.0])
def test_crps_student_t_is_that_integral_too(dof, observed):
    expected = crps_by_integration(stats.t(dof, 0.5, 2.0), observed)
    assert scoring.crps_student_t(0.5, 2.0, dof, observed) == pytest.approx(expected, rel=1e-5)


def test_crps_student_t_with_many_degrees_of_freedom_is_that_of_the_normal():
    assert scoring.crps_student_t(1, 2, 1e6, 2.5) == pytest.approx(scoring.crps_normal(1, 2, 2.5), rel=1e-4)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=12), st.floats(-60, 60))
def test_crps_ensemble_is_the_double_sum_over_members(values, observed):
    x = np.array(values)
    expected = np.abs(x - observed).mean() - np.abs(x[:, None] - x).mean() / 2
    assert float(scoring.crps_ensemble(members(values), xr.DataArray(observed))) == pytest.approx(expected, abs=1e-9)


def test_crps_of_one_repeated_member_is_the_absolute_error():
    assert float(scoring.crps_ensemble(members([3, 3, 3]), xr.DataArray(5.0))) == pytest.approx(2)


def test_fair_crps_of_few_members_estimates_that_of_the_distribution_they_come_from():
    rng = np.random.default_rng(3)
    draws = xr.DataArray(rng.normal(size=(40_000, 4)), dims=("case", "member"))
    observed = xr.DataArray(rng.normal(size=40_000), dims="case")
    expected = scoring.crps_normal(0, 1, observed).mean()
    assert float(scoring.crps_ensemble(draws, observed, fair=True).mean()) == pytest.approx(expected, abs=0.01)
    assert float(scoring.crps_ensemble(draws, observed).mean()) > expected + 0.05


@pytest.mark.parametrize("observed", [-2.0, 0.1, 1.5])
def test_crps_from_many_quantiles_is_that_of_the_distribution(observed):
    forecast = as_quantiles(stats.norm(0.2, 1.3))
    expected = scoring.crps_normal(0.2, 1.3, observed)
    assert float(scoring.crps_quantiles(forecast, xr.DataArray(observed))) == pytest.approx(expected, rel=5e-3)


def test_a_missing_quantile_gives_no_score_rather_than_a_better_one():
    forecast = as_quantiles(stats.norm()).where(lambda q: q["quantile"] < 0.9)
    assert np.isnan(scoring.crps_quantiles(forecast, xr.DataArray(0.0)))


def test_pinball_charges_a_miss_above_the_95_percent_quantile_nineteen_times():
    forecast = xr.DataArray([10.0], coords={"quantile": [0.95]}, dims="quantile")
    assert scoring.pinball(forecast, xr.DataArray(12.0)).item() == pytest.approx(1.9)
    assert scoring.pinball(forecast, xr.DataArray(8.0)).item() == pytest.approx(0.1)


def test_pinball_is_least_at_the_true_quantile():
    rng = np.random.default_rng(5)
    observed = xr.DataArray(rng.normal(size=20_000), dims="case")
    tried = np.linspace(0.5, 2.5, 41)
    losses = [
        float(scoring.pinball(xr.DataArray([q], coords={"quantile": [0.9]}, dims="quantile"), observed).mean())
        for q in tried
    ]
    assert tried[np.argmin(losses)] == pytest.approx(stats.norm.ppf(0.9), abs=0.06)


def test_coverage_counts_only_pairs_that_are_known():
    forecast = xr.DataArray([[0.0] * 4, [1.0] * 4], coords={"quantile": [0.05, 0.95]}, dims=("quantile", "case"))
    observed = xr.DataArray([0.5, 2.0, 1.0, np.nan], dims="case")
    assert float(scoring.coverage(forecast, observed, 0.9)) == pytest.approx(2 / 3)


def test_errors_are_of_the_median_and_in_the_unit_of_the_observation():
    forecast = xr.DataArray([[1.0, 2.0], [3.0, 5.0]], coords={"quantile": [0.5, 0.9]}, dims=("quantile", "case"))
    observed = xr.DataArray([4.0, -2.0], dims="case")
    assert float(scoring.rmse(forecast, observed)) == pytest.approx(np.sqrt((9 + 16) / 2))
    assert float(scoring.mae(forecast, observed)) == pytest.approx(3.5)


def test_skill_is_one_for_no_error_none_for_the_baseline_and_negative_below_it():
    assert [scoring.skill(s, 2.0) for s in (0.0, 2.0, 3.0)] == [1.0, 0.0, -0.5]
