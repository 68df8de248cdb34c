"""Baselines that any model must beat: persistence, seasonal naive, climatology, damped anomaly.

Each gives a central forecast; the spread is that of its own past errors by lead, in units of the season's usual
deviation, so that a summer interval is not a winter interval.
"""

from abc import abstractmethod

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.errors import DataError
from agritwin.models.series import (
    QUANTILES,
    YEAR_DAYS,
    Floats,
    Forecaster,
    Indices,
    day_index,
    leads_to,
    observed_after,
    regular,
    span_days,
    times_of,
    valid_times,
)

CALENDAR_DAYS = 366
NOW: Indices = np.zeros(1, dtype=np.intp)  # the lead of the origin itself


def smooth_by_day(values: Floats, days: Indices, window: int) -> Floats:
    """Mean of the known values within a circular window around each of the 366 calendar days, NaN where none is known.

    Parameters
    ----------
    values, days
        Values and their calendar days 0..365.
    window
        Odd number of days, centred.
    """
    known = np.isfinite(values)
    half = window // 2
    reach = (np.arange(CALENDAR_DAYS)[:, None] + np.arange(-half, half + 1)) % CALENDAR_DAYS
    total = np.bincount(days[known], values[known], CALENDAR_DAYS)[reach].sum(1)
    count = np.bincount(days[known], minlength=CALENDAR_DAYS)[reach].sum(1)
    return np.divide(total, count, out=np.full(CALENDAR_DAYS, np.nan), where=count > 0)


def climatology(series: xr.DataArray, window: int = 41) -> xr.Dataset:
    """Usual value and usual deviation for each calendar day.

    Parameters
    ----------
    series
        One regular time dimension.
    window
        Width of the window in days: six weeks keep the season and drop single spells of weather.

    Returns
    -------
    Dataset (calendar_day 0..365) with `mean` and `deviation` (root mean square) in the unit of the series.
    """
    values, days = regular(series).to_numpy().astype(float), day_index(times_of(series))
    mean = smooth_by_day(values, days, window)
    deviation = np.sqrt(smooth_by_day((values - mean[days]) ** 2, days, window))
    return xr.Dataset(
        {"mean": ("calendar_day", mean), "deviation": ("calendar_day", deviation)},
        attrs={"window_days": window, "units": series.attrs.get("units", "")},
    )


class Baseline(Forecaster):
    """A central forecast with the spread of its own past errors."""

    deviation: Floats

    def learn(self) -> None:
        """Usual deviation by calendar day; the same for all days where the history is shorter than two years."""
        times = times_of(self.history)
        if span_days(times) < 2 * YEAR_DAYS - 2:
            self.deviation = np.ones(CALENDAR_DAYS)
        else:
            self.deviation = climatology(self.history)["deviation"].to_numpy()

    @abstractmethod
    def centre(self, series: xr.DataArray, origins: Indices, leads: Indices) -> Floats:
        """Central forecast (origin, lead) from the values up to the origin; lead 0 is the value usual at the origin."""

    def past_centre(self, origins: Indices, leads: Indices) -> Floats:
        """Central forecast within the history as it would have been without the year forecast."""
        return self.centre(self.history, origins, leads)

    def usual_deviation(self, series: xr.DataArray, origins: Indices, leads: Indices) -> Floats:
        """Usual deviation at each valid time (origin, lead), kept off zero."""
        usual = np.maximum(self.deviation, 1e-3 * np.nanmean(self.deviation) + 1e-9)
        return usual[day_index(valid_times(series, origins, leads))].reshape(len(origins), len(leads))

    def quantiles(self, series: xr.DataArray, origins: Indices, horizon: int) -> Floats:
        """Central forecast plus the quantiles of past errors at the same lead."""
        leads, past = leads_to(horizon), np.arange(max(self.history.size - horizon, 0))
        errors = observed_after(self.history, past, horizon) - self.past_centre(past, leads)
        errors = rows_without_gaps(errors / self.usual_deviation(self.history, past, leads))
        if len(errors) < len(QUANTILES):
            raise DataError(
                f"{self.name} finds {len(errors)} past forecasts of {horizon} steps without gaps, "
                f"it needs {len(QUANTILES)}.",
                "Give a longer history or fill its gaps.",
            )
        spread = np.quantile(errors, QUANTILES, axis=0) * self.usual_deviation(series, origins, leads)[:, None, :]
        return self.centre(series, origins, leads)[:, None, :] + spread


def rows_without_gaps(table: Floats) -> Floats:
    """Rows of a table in which every value is known."""
    return table[np.isfinite(table).all(1)]


class RecentMean(Baseline):
    """Mean of the last `cycles` values of the same phase of a cycle of `period` steps.

    (1, 1) is persistence, (24, 1) the seasonal naive forecast of an hourly series, (24, 14) its usual day.
    """

    def __init__(self, period: int, cycles: int = 1, name: str = "recent_mean") -> None:
        self.period, self.cycles, self.name = period, cycles, name

    def centre(self, series: xr.DataArray, origins: Indices, leads: Indices) -> Floats:
        """Mean of the same phase, known at the origin; NaN before `cycles` cycles are past."""
        values = series.to_numpy().astype(float)
        latest = origins[:, None] + leads - self.period * -(-leads // self.period)
        index = latest[..., None] - self.period * np.arange(self.cycles)
        return np.where(index >= 0, values[np.maximum(index, 0)], np.nan).mean(-1)


def persistence() -> RecentMean:
    """Forecast that the last value goes on."""
    return RecentMean(1, name="persistence")


def seasonal_naive(period: int) -> RecentMean:
    """Forecast that the value of `period` steps before comes again."""
    return RecentMean(period, name="seasonal_naive")


class Climatology(Baseline):
    """Usual value of the calendar day, from a window of `window` days over all years of the history."""

    name = "climatology"
    mean: Floats
    mean_of_other_years: dict[int, Floats]

    def __init__(self, window: int = 41) -> None:
        self.window = window

    def learn(self) -> None:
        """Usual value and deviation by calendar day, and the usual value with each year left out."""
        super().learn()
        values, times = self.history.to_numpy().astype(float), times_of(self.history)
        days, years = day_index(times), times.year.to_numpy()
        self.mean = smooth_by_day(values, days, self.window)
        self.mean_of_other_years = {
            int(year): smooth_by_day(values[years != year], days[years != year], self.window)
            for year in np.unique(years)
        }

    def centre(self, series: xr.DataArray, origins: Indices, leads: Indices) -> Floats:
        """Usual value of each valid day."""
        return self.mean[day_index(valid_times(series, origins, leads))].reshape(len(origins), len(leads))

    def past_centre(self, origins: Indices, leads: Indices) -> Floats:
        """Usual value of each valid day in the other years."""
        times = valid_times(self.history, origins, leads)
        years = np.clip(times.year.to_numpy(), min(self.mean_of_other_years), max(self.mean_of_other_years))
        first = min(self.mean_of_other_years)
        table = np.array([self.mean_of_other_years[year] for year in sorted(self.mean_of_other_years)])
        return table[years - first, day_index(times)].reshape(len(origins), len(leads))


class DampedAnomaly(Baseline):
    """A climatology plus the anomaly at the origin, damped with lead.

    Two anomalies in units of the usual deviation are carried on: that of the last step and the mean of the last
    `memory` steps. Each lead has its own two factors, by least squares on the history. An unknown anomaly counts as 0.
    """

    name = "damped_anomaly"

    def __init__(self, base: Climatology | RecentMean | None = None, memory: int = 7) -> None:
        self.base, self.memory = base or Climatology(), memory

    def learn(self) -> None:
        """Fit the climatology below and the usual deviation."""
        super().learn()
        self.base.fit(self.history)

    def anomalies(self, series: xr.DataArray, usual: Floats) -> Floats:
        """Last and mean recent anomaly at each step (step, 2), in usual deviations from the `usual` value there."""
        deviation = self.usual_deviation(series, np.arange(series.size), NOW)[:, 0]
        last = pd.Series((series.to_numpy() - usual) / deviation)
        return np.column_stack([last, last.rolling(self.memory, min_periods=1).mean()])

    def factors(self, horizon: int) -> Floats:
        """Damping factors (2, lead) by least squares over all past origins without gaps."""
        leads, past = leads_to(horizon), np.arange(max(self.history.size - horizon, 0))
        usual = self.base.past_centre(np.arange(self.history.size), NOW)[:, 0]
        ahead = observed_after(self.history, past, horizon) - self.base.past_centre(past, leads)
        ahead = ahead / self.usual_deviation(self.history, past, leads)
        table = rows_without_gaps(np.column_stack([self.anomalies(self.history, usual)[past], ahead]))
        return np.linalg.lstsq(table[:, :2], table[:, 2:])[0]

    def carried(self, series: xr.DataArray, usual: Floats, origins: Indices, leads: Indices) -> Floats:
        """Damped anomaly (origin, lead) in the unit of the series."""
        anomalies = np.nan_to_num(self.anomalies(series, usual)[origins])
        return anomalies @ self.factors(int(leads.max()))[:, leads - 1] * self.usual_deviation(series, origins, leads)

    def centre(self, series: xr.DataArray, origins: Indices, leads: Indices) -> Floats:
        """Climatology plus damped anomaly."""
        usual = self.base.centre(series, np.arange(series.size), NOW)[:, 0]
        return self.base.centre(series, origins, leads) + self.carried(series, usual, origins, leads)

    def past_centre(self, origins: Indices, leads: Indices) -> Floats:
        """Climatology of the other years plus damped anomaly from it."""
        usual = self.base.past_centre(np.arange(self.history.size), NOW)[:, 0]
        return self.base.past_centre(origins, leads) + self.carried(self.history, usual, origins, leads)
