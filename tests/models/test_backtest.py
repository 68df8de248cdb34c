"""Rolling origins, the choice of a model, and intervals corrected by their misses."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from agritwin.errors import DataError
from agritwin.models import backtest, scoring
from agritwin.models.baselines import Climatology, DampedAnomaly, persistence
from agritwin.models.series import QUANTILES, Forecaster


class FitPeriods(Forecaster):
    """A forecaster that tells how far its history reached."""

    name = "fit_periods"

    def learn(self):
        self.end = float(self.history.size)

    def quantiles(self, series, origins, horizon):
        return np.full((len(origins), len(QUANTILES), horizon), self.end)


@pytest.fixture(scope="module")
def tested(daily):
    return backtest.rolling_origin([persistence(), Climatology(), DampedAnomaly()], daily, 14, folds=3, every=5)


def normal_forecasts(n, sd_of_forecast, rng):
    """Forecasts N(centre, sd) at one lead of observations N(centre, 1)."""
    centre = rng.normal(size=(n, 1))
    values = centre[:, None, :] + sd_of_forecast * stats.norm.ppf(QUANTILES)[:, None]
    coords = {"origin": np.arange(n), "quantile": QUANTILES, "lead": [1], "fold": ("origin", np.arange(n) % 3)}
    forecast = xr.DataArray(values, coords=coords, dims=("origin", "quantile", "lead"))
    return forecast, forecast.isel(quantile=0, drop=True).copy(data=centre + rng.normal(size=(n, 1)))


def test_every_model_is_fitted_only_on_what_lies_before_its_fold(daily):
    result = backtest.rolling_origin([FitPeriods()], daily, 5, folds=2, fold_steps=365, every=50)
    first_origin = result["origin"].groupby(result["fold"]).min().to_numpy()
    fitted_until = [float(result["forecast"].isel(model=0).where(result["fold"] == f).max()) for f in (0, 1)]
    assert fitted_until == [daily.size - 730, daily.size - 365]
    assert [daily.indexes["day"][int(n) - 1] for n in fitted_until] == list(pd.DatetimeIndex(first_origin))


def test_observations_stand_at_their_valid_days(tested, daily):
    case = tested["observed"].isel(origin=40)
    days = case["origin"].values + np.arange(1, 15) * np.timedelta64(1, "D")
    assert case.to_numpy() == pytest.approx(daily.sel(day=days).to_numpy())


def test_no_forecast_reaches_past_its_fold(tested):
    assert bool(np.isfinite(tested["observed"]).all())


def test_a_series_shorter_than_its_folds_is_refused(daily):
    with pytest.raises(DataError, match="need 1460"):
        backtest.rolling_origin([persistence()], daily[:1000], 14, folds=3)


def test_scores_are_those_of_the_scoring_module_over_all_pairs(tested):
    table = backtest.score_table(tested)
    forecast = tested["forecast"].sel(model="climatology")
    assert table.loc["climatology", "n"] == tested["observed"].size
    assert table.loc["climatology", "crps"] == pytest.approx(
        float(scoring.crps_quantiles(forecast, tested["observed"]).mean())
    )
    assert table.loc["climatology", "crps_skill"] == 0
    assert table.loc["damped_anomaly", "crps_skill"] > 0.05
    assert table.loc["persistence", "crps_skill"] < 0


def test_models_are_compared_on_the_pairs_that_all_of_them_have(tested):
    holed = tested.copy(deep=True)
    holed["forecast"][0, :50] = np.nan
    table = backtest.score_table(holed)
    assert (table["n"] == (tested.sizes["origin"] - 50) * 14).all()


@pytest.mark.parametrize(("crps", "expected"), [(0.96, "damped_anomaly"), (0.94, "sarimax"), (1.2, "damped_anomaly")])
def test_the_default_stays_until_another_model_is_five_percent_better(crps, expected):
    scores = pd.DataFrame({"crps": [1.0, crps, 1.3]}, index=["damped_anomaly", "sarimax", "persistence"])
    choice = backtest.choose(scores)
    assert choice.model == expected
    assert choice.code == ("upgrade" if expected == "sarimax" else "default")


def test_a_model_that_did_not_converge_is_not_chosen():
    scores = pd.DataFrame({"crps": [1.0, 0.5], "converged": [True, False]}, index=["damped_anomaly", "sarimax"])
    assert backtest.choose(scores).model == "damped_anomaly"


def test_widening_repairs_an_interval_that_is_too_narrow():
    rng = np.random.default_rng(11)
    past, unseen = normal_forecasts(1500, 0.6, rng), normal_forecasts(4000, 0.6, rng)
    move = backtest.conformal_widening(*past)
    assert float(scoring.coverage(unseen[0], unseen[1])) < 0.72
    assert float(scoring.coverage(backtest.widen(unseen[0], move), unseen[1])) == pytest.approx(0.9, abs=0.02)


def test_widening_leaves_the_median_and_never_narrows():
    move = backtest.conformal_widening(*normal_forecasts(500, 2.0, np.random.default_rng(12)))
    assert (move.sel(quantile=0.5) == 0).all()
    assert (move.sel(quantile=slice(0, 0.49)) <= 0).all()
    assert (move.sel(quantile=slice(0.51, 1)) >= 0).all()
    assert float(abs(move).max()) < 0.02


def test_the_rank_of_the_widening_is_that_of_the_finite_sample():
    """With 19 past forecasts, the 95 % quantile moves to the largest error and no further."""
    forecast, observed = normal_forecasts(19, 0.5, np.random.default_rng(13))
    move = backtest.conformal_widening(forecast, observed)
    error = (observed - forecast.sel(quantile=0.95)) / backtest.width(forecast)
    assert float(move.sel(quantile=0.95).squeeze()) == pytest.approx(max(float(error.max()), 0))


def test_too_few_forecasts_are_refused():
    with pytest.raises(DataError, match="19 are needed"):
        backtest.conformal_widening(*normal_forecasts(18, 1.0, np.random.default_rng(14)))


def test_the_interval_nearer_to_its_level_is_published():
    rng = np.random.default_rng(15)
    narrow = backtest.check_interval(*normal_forecasts(900, 0.7, rng))
    right = backtest.check_interval(*normal_forecasts(900, 1.0, rng))
    assert narrow.code == "widened"
    assert narrow.in_target
    assert narrow.as_made < 0.8
    assert abs(right.coverage - 0.9) <= abs(right.as_made - 0.9)


def test_a_single_fold_measures_no_widening():
    forecast, observed = normal_forecasts(100, 0.7, np.random.default_rng(16))
    once = forecast.assign_coords(fold=("origin", np.zeros(100)))
    check = backtest.check_interval(once, observed)
    assert check.code == "as_made"
    assert check.as_dict()["widened"] is None
