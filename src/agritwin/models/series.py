"""What every forecaster of a series shares: a regular series in, quantiles with coordinates out."""

import functools
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from agritwin.errors import DataError

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

QUANTILES: Floats = np.round(np.arange(0.05, 0.96, 0.05), 2)
YEAR_DAYS = 365.2425


def regular(series: xr.DataArray) -> xr.DataArray:
    """Check that a series has one time dimension with equal steps, and return it.

    Parameters
    ----------
    series
        One dimension (`day` or `time`) with a datetime64 coordinate; gaps are NaN, not left out.

    Raises
    ------
    DataError
        Where the series has other dimensions, fewer than three values or unequal steps.
    """
    name = series.name or "series"
    if series.ndim != 1 or series.size < 3:
        raise DataError(f"{name} has shape {series.shape}, a forecast needs one time dimension of three or more.")
    steps = np.diff(series[series.dims[0]].to_numpy())
    if not (steps == steps[0]).all() or steps[0] <= np.timedelta64(0, "ns"):
        raise DataError(
            f"{name} has steps from {steps.min()} to {steps.max()}; they must be equal and positive.",
            "Reindex it to every step of its period and leave the gaps as NaN.",
        )
    return series


def times_of(series: xr.DataArray) -> pd.DatetimeIndex:
    """Time stamps of a one-dimensional series."""
    return pd.DatetimeIndex(series[series.dims[0]].to_numpy())


def days_since_2000(times: pd.DatetimeIndex) -> Floats:
    """Days since 2000-01-01, with fractions."""
    return (times.to_numpy() - np.datetime64("2000-01-01")) / np.timedelta64(1, "D")


def span_days(times: pd.DatetimeIndex) -> float:
    """Days from the first to the last time stamp."""
    return float(np.ptp(days_since_2000(times)))


def day_index(times: pd.DatetimeIndex) -> Indices:
    """Calendar day 0..365 of each time stamp, 1 March being 60 in every year."""
    late = ~times.is_leap_year & (times.month > 2)
    return np.asarray(times.day_of_year - 1 + late, dtype=np.intp)


def valid_times(series: xr.DataArray, origins: Indices, leads: Indices) -> pd.DatetimeIndex:
    """Valid time of each lead after each origin, flattened from (origin, lead); lead 0 is the origin."""
    times = times_of(series).to_numpy()
    return pd.DatetimeIndex((times[origins][:, None] + (times[1] - times[0]) * leads).ravel())


def leads_to(horizon: int) -> Indices:
    """Leads 1..horizon."""
    return np.arange(1, horizon + 1)


def observed_after(series: xr.DataArray, origins: Indices, horizon: int) -> Floats:
    """Values at leads 1..horizon after each origin (origin, lead); NaN past the end."""
    values = series.to_numpy().astype(float)
    index = origins[:, None] + leads_to(horizon)
    return np.where(index < values.size, values[np.minimum(index, values.size - 1)], np.nan)


@functools.cache
def _linear_algebra() -> ThreadpoolController:
    # Finding the libraries means reading the map of the process: a seventh of the time of a backtest if done each time.
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Keep linear algebra on one thread: its matrices are small here, and waiting threads cost six times the work."""
    return _linear_algebra().limit(limits=1, user_api="blas")


class Forecaster(ABC):
    """A model of one series: fitted once, then applied to any series of the same kind without refitting."""

    name: str
    history: xr.DataArray

    def fit(self, series: xr.DataArray) -> Self:
        """Learn from a closed history (one regular time dimension) and return self."""
        self.history = regular(series)
        with one_thread():
            self.learn()
        return self

    @abstractmethod
    def learn(self) -> None:
        """Estimate the parameters from `self.history`."""

    @abstractmethod
    def quantiles(self, series: xr.DataArray, origins: Indices, horizon: int) -> Floats:
        """Quantiles (origin, quantile, lead), each from the values up to and including its origin only."""

    def hindcast(self, series: xr.DataArray, origins: Indices, horizon: int) -> xr.DataArray:
        """Forecasts from many origins with fixed parameters.

        Parameters
        ----------
        series
            Regular series in the unit of the history.
        origins
            Positions in the series after which the forecasts begin.
        horizon
            Number of steps ahead.

        Returns
        -------
        DataArray (origin, quantile, lead) in the unit of the series; `origin` holds the times of issue.
        """
        regular(series)
        with one_thread():
            quantiles = self.quantiles(series, origins, horizon)
        return xr.DataArray(
            quantiles,
            coords={
                "origin": times_of(series)[origins].to_numpy(),
                "quantile": QUANTILES,
                "lead": ("lead", leads_to(horizon), {"long_name": "steps after the time of issue"}),
            },
            dims=("origin", "quantile", "lead"),
            name=series.name,
            attrs={key: series.attrs[key] for key in ("units", "long_name", "standard_name") if key in series.attrs},
        )

    def predict(self, horizon: int, series: xr.DataArray | None = None) -> xr.DataArray:
        """Forecast from the end of `series`, or of the history where no series is given.

        Returns
        -------
        DataArray (quantile, lead) with the valid times along `lead` and the scalar `issue_time`.
        """
        known = self.history if series is None else regular(series)
        last = np.array([known.size - 1])
        issued = self.hindcast(known, last, horizon).isel(origin=0).rename(origin="issue_time")
        return issued.assign_coords({str(known.dims[0]): ("lead", valid_times(known, last, leads_to(horizon)))})
