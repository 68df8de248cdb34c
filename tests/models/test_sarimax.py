"""The seasonal ARIMA against statsmodels' own forecast and against the process it was fitted to."""

import numpy as np
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.models.sarimax import Sarimax
from agritwin.models.series import QUANTILES


@pytest.fixture(scope="module")
def fitted(daily):
    return Sarimax().fit(daily[: 5 * 365])


def test_it_reports_that_it_converged_and_its_parameters_by_name(fitted):
    assert fitted.converged
    assert set(fitted.parameters) == {"ar.L1", "ar.L2", "ma.L1", "sigma2"}


def test_the_fit_finds_the_memory_of_the_process(fitted):
    """The AR(2) of the series, 0.8 and -0.05, seen as its response after one and two steps."""
    ar1, ar2, ma1 = (fitted.parameters[name] for name in ("ar.L1", "ar.L2", "ma.L1"))
    one = ar1 + ma1
    assert one == pytest.approx(0.8, abs=0.06)
    assert ar1 * one + ar2 == pytest.approx(0.8**2 - 0.05, abs=0.09)


def test_many_origins_at_once_equal_statsmodels_one_by_one(fitted, daily):
    anomalies = fitted.anomalies(daily)
    origins = np.array([700, 1500, 2100])
    mean, variance = fitted.forecast_anomalies(anomalies, origins, 5)
    for i, origin in enumerate(origins):
        known = fitted.model(anomalies[: origin + 1], simple_differencing=False)
        expected = known.filter(list(fitted.parameters.values())).get_forecast(5)
        assert mean[i] == pytest.approx(expected.predicted_mean, rel=1e-9)
        assert variance[i] == pytest.approx(expected.var_pred_mean, rel=1e-9)


def test_a_later_season_changes_the_forecast_but_not_the_parameters(fitted, daily):
    before = dict(fitted.parameters)
    season = daily[: 6 * 365]
    forecast = fitted.predict(14, season)
    assert fitted.parameters == before
    assert forecast["issue_time"].values == season["day"].values[-1]
    assert not np.allclose(forecast[:, 0], fitted.predict(14)[:, 0])


def test_the_interval_covers_what_it_says_on_a_year_not_seen(fitted, daily):
    origins = np.arange(5 * 365, 7 * 365 - 14)
    forecast = fitted.hindcast(daily, origins, 3)
    observed = daily.to_numpy()[origins + 3]
    last = forecast.isel(lead=2).to_numpy()
    inside = (observed >= last[:, 0]) & (observed <= last[:, -1])
    assert inside.mean() == pytest.approx(0.9, abs=0.04)


def test_the_far_forecast_is_the_season(fitted, daily):
    forecast = fitted.predict(60).sel(quantile=0.5)
    usual, _ = fitted.usual(fitted.history.indexes["day"][-1:] + np.timedelta64(60, "D"))
    assert float(forecast[-1]) == pytest.approx(float(usual[0]), abs=0.05)


def test_gaps_widen_the_forecast_instead_of_breaking_it(fitted, daily):
    gap = daily[: 6 * 365].copy()
    gap[-10:] = np.nan
    with_gap, without = fitted.predict(3, gap), fitted.predict(3, daily[: 6 * 365])
    spread = [float(f.isel(lead=0).sel(quantile=0.95) - f.isel(lead=0).sel(quantile=0.05)) for f in (with_gap, without)]
    assert spread[0] > 1.3 * spread[1]


def test_hourly_series_take_a_daily_season(hourly):
    model = Sarimax((2, 0, 1), (0, 1, 1, 24), harmonics=0).fit(hourly[:480])
    assert model.converged
    forecast = model.predict(24, hourly[:600])
    observed = hourly.to_numpy()[600:624]
    assert np.sqrt(((forecast.sel(quantile=0.5) - observed) ** 2).mean()) < 4
    assert list(forecast["quantile"].values) == list(QUANTILES)


def test_a_handful_of_values_is_refused(daily):
    with pytest.raises(DataError, match="60"):
        Sarimax(harmonics=0).fit(daily[:30])


def test_a_fit_that_does_not_converge_says_so(daily, caplog, monkeypatch):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    whole = SARIMAX.fit
    monkeypatch.setattr(SARIMAX, "fit", lambda self, **options: whole(self, **{**options, "maxiter": 1}))
    assert not Sarimax().fit(daily[:800]).converged
    assert "did not converge" in caplog.text


def test_forecasts_stop_at_their_origin(fitted, daily):
    changed = daily.copy()
    changed[2001:] = 99.0
    origins = np.array([2000])
    xr.testing.assert_identical(fitted.hindcast(daily, origins, 5), fitted.hindcast(changed, origins, 5))
