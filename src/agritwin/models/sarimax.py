"""Seasonal ARIMA with an interval: fitted on a closed history, applied to any later series without refitting.

Source of the state space form and its forecasts: Durbin and Koopman (2012), Time Series Analysis by State Space
Methods, 2nd ed., sections 3.4 and 4.11. Estimation is by statsmodels, imported only when a model is fitted.
"""

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from agritwin.errors import DataError
from agritwin.models.series import (
    QUANTILES,
    YEAR_DAYS,
    Floats,
    Forecaster,
    Indices,
    days_since_2000,
    leads_to,
    times_of,
    valid_times,
)

log = logging.getLogger(__name__)

SMALLEST_DEVIATION = 0.2  # of the mean usual deviation: a harmonic may dip to zero where the series never does


def annual_harmonics(times: pd.DatetimeIndex, count: int) -> Floats:
    """Constant and `count` pairs of sine and cosine of the year (time, 1 + 2 count)."""
    phase = 2 * np.pi * days_since_2000(times) / YEAR_DAYS
    order = np.arange(1, count + 1)
    angle = phase[:, None] * order
    return np.column_stack([np.ones(len(times)), np.cos(angle), np.sin(angle)])


class Sarimax(Forecaster):
    """SARIMA (p, d, q)(P, D, Q, s), for daily series on anomalies from annual harmonics.

    Parameters
    ----------
    order, seasonal_order
        As in Box and Jenkins; (2, 0, 1)(0, 1, 1, 24) suits hourly air temperature, (2, 0, 1) daily anomalies.
    harmonics
        Pairs of annual harmonics taken out of mean and deviation before fitting; 0 leaves the series as it is.

    After `fit`: `parameters` (estimates by name), `converged` (what the optimiser reports).
    """

    name = "sarimax"
    parameters: dict[str, float]
    converged: bool

    def __init__(
        self,
        order: tuple[int, int, int] = (2, 0, 1),
        seasonal_order: tuple[int, int, int, int] = (0, 0, 0, 0),
        harmonics: int = 3,
    ) -> None:
        self.order, self.seasonal_order, self.harmonics = order, seasonal_order, harmonics

    def learn(self) -> None:
        """Estimate harmonics and ARMA parameters; a fit that does not converge is logged and kept as such."""
        self.fit_harmonics()
        anomalies = self.anomalies(self.history)
        if np.isfinite(anomalies).sum() < 60:
            raise DataError("A seasonal ARIMA needs 60 known values.", "Give a longer history.")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = self.model(anomalies, simple_differencing=True)
            fitted = model.fit(disp=0, cov_type="none", method="lbfgs", maxiter=100)
        self.converged = bool(fitted.mle_retvals["converged"])
        self.parameters = {name: float(value) for name, value in zip(model.param_names, fitted.params, strict=True)}
        if not self.converged:
            log.warning("sarimax%s%s did not converge: %s", self.order, self.seasonal_order, self.parameters)
        for warning in caught:
            log.debug("sarimax: %s", warning.message)

    def fit_harmonics(self) -> None:
        """Least squares of the annual harmonics on the values, then on the squared residuals."""
        values, basis = self.history.to_numpy().astype(float), annual_harmonics(times_of(self.history), self.harmonics)
        known = np.isfinite(values)
        if self.harmonics == 0:
            self.mean_factors, self.square_factors = np.zeros(1), np.ones(1)
            return
        self.mean_factors = np.linalg.lstsq(basis[known], values[known])[0]
        squares = (values - basis @ self.mean_factors) ** 2
        self.square_factors = np.linalg.lstsq(basis[known], squares[known])[0]

    def usual(self, times: pd.DatetimeIndex) -> tuple[Floats, Floats]:
        """Usual value and usual deviation at each time."""
        basis = annual_harmonics(times, self.harmonics)
        floor = SMALLEST_DEVIATION**2 * self.square_factors[0]
        return basis @ self.mean_factors, np.sqrt(np.maximum(basis @ self.square_factors, floor))

    def anomalies(self, series: xr.DataArray) -> Floats:
        """Values of a series in usual deviations from the usual value."""
        mean, deviation = self.usual(times_of(series))
        return (series.to_numpy().astype(float) - mean) / deviation

    def model(self, anomalies: Floats, *, simple_differencing: bool) -> Any:
        """Model of statsmodels for these anomalies."""
        from statsmodels.tsa.statespace.sarimax import SARIMAX

        return SARIMAX(
            anomalies,
            order=self.order,
            seasonal_order=self.seasonal_order,
            simple_differencing=simple_differencing,
            enforce_stationarity=True,
            enforce_invertibility=True,
        )

    def quantiles(self, series: xr.DataArray, origins: Indices, horizon: int) -> Floats:
        """Normal quantiles of the state space forecast from each origin, back in the unit of the series."""
        mean, variance = self.forecast_anomalies(self.anomalies(series), origins, horizon)
        usual, deviation = self.usual(valid_times(series, origins, leads_to(horizon)))
        usual, deviation = usual.reshape(mean.shape), deviation.reshape(mean.shape)
        centre, spread = usual + deviation * mean, deviation * np.sqrt(variance)
        return centre[:, None, :] + stats.norm.ppf(QUANTILES)[:, None] * spread[:, None, :]

    def forecast_anomalies(self, anomalies: Floats, origins: Indices, horizon: int) -> tuple[Floats, Floats]:
        """Mean and variance (origin, lead): one filter pass, then the transition for all origins at once."""
        filtered = (
            self.model(anomalies, simple_differencing=False).filter(list(self.parameters.values())).filter_results
        )
        transition, design = filtered.transition[:, :, 0], filtered.design[0, :, 0]
        noise = filtered.selection[:, :, 0] @ filtered.state_cov[:, :, 0] @ filtered.selection[:, :, 0].T
        state = filtered.predicted_state[:, origins + 1].T
        covariance = np.moveaxis(filtered.predicted_state_cov[:, :, origins + 1], -1, 0)
        mean, variance = np.empty((2, len(origins), horizon))
        for lead in range(horizon):
            mean[:, lead] = state @ design
            variance[:, lead] = np.einsum("i,oij,j->o", design, covariance, design) + filtered.obs_cov[0, 0, 0]
            state = state @ transition.T
            covariance = transition @ covariance @ transition.T + noise
        return mean, variance
