"""When a season starts, peaks and ends, read off its smooth NDVI curve.

Start and end are the days on which the curve crosses a share of the amplitude, counted from the lowest value before the
peak and after it: the threshold method of Jönsson and Eklundh (2004), Computers & Geosciences 30:833,
doi 10.1016/j.cageo.2004.05.006.
"""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from agritwin.errors import DataError

FEWEST_DATES = 8
LONGEST_GAP_DAYS = 60.0
SMALLEST_AMPLITUDE = 0.1
FALLEN = 0.8
LEVEL_DAYS = 20


@dataclass(frozen=True)
class Season:
    """One season of a parcel; what could not be told is None, and ``status`` says why.

    Days are civil days; ``green_up_rate`` [d-1] is the mean slope from the start to the peak, ``integral`` [d] the area
    between the curve and the mean of both bases from start to end, ``amplitude`` the peak above that mean.
    """

    status: str
    start: np.datetime64 | None = None
    peak: np.datetime64 | None = None
    end: np.datetime64 | None = None
    peak_value: float | None = None
    base_before: float | None = None
    base_after: float | None = None
    amplitude: float | None = None
    green_up_rate: float | None = None
    integral: float | None = None
    dates: int = 0


def season(curve: xr.Dataset, first: np.datetime64, last: np.datetime64, *, threshold: float = 0.5) -> Season:
    """Describe the season between two days.

    Parameters
    ----------
    curve
        What :func:`agritwin.vegetation.smoothing.smooth_daily` returns.
    first, last
        Days that hold one season, from the low before to the low after it; a season that is still running has no end.
    threshold
        Share of the amplitude, between 0 and 1.

    Returns
    -------
    Season
        With the status ``ok``; ``running``, without an end and with the peak so far, until the curve has lost four
        fifths of its rise, has been above its low after the peak for 20 days, or goes on after ``last``; ``not enough
        dates``, ``gap`` (between start and end) or ``no season``, with numbers, where nothing can be told.

    Raises
    ------
    DataError
        When the threshold is not between 0 and 1, or the days run backwards.
    """
    if not 0.0 < threshold < 1.0:
        raise DataError(f"A threshold of {threshold:g} of the amplitude makes no sense.", "Choose one between 0 and 1.")
    if last < first:
        raise DataError(f"The season {first} to {last} runs backwards.", "Put the earlier day first.")
    days = curve.sel(day=slice(first, last))
    dates = int(days["observed"].notnull().sum())
    if dates < FEWEST_DATES or bool(days["smooth"].isnull().any()):
        return Season(status=f"not enough dates: {dates} of at least {FEWEST_DATES}", dates=dates)
    over = bool(curve["day"][-1] > last)
    told = _described(days["day"].to_numpy(), days["smooth"].to_numpy(), threshold, dates, over=over)
    gap = 2.0 * float(days["days_to_observation"].sel(day=slice(told.start, told.end)).max())
    if gap > LONGEST_GAP_DAYS and told.start is not None:
        return Season(status=f"gap: some {gap:.0f} days without a date, at most {LONGEST_GAP_DAYS:.0f}", dates=dates)
    return told


def _described(day: np.ndarray, value: np.ndarray, threshold: float, dates: int, *, over: bool) -> Season:
    peak = int(np.argmax(value))
    before, top, after = float(value[: peak + 1].min()), float(value[peak]), float(value[peak:].min())
    rise, fall = top - before, top - after
    if rise < SMALLEST_AMPLITUDE:
        return Season(status=f"no season: NDVI rises by {rise:.2f}, at least {SMALLEST_AMPLITUDE}", dates=dates)
    start = int(np.flatnonzero(value[: peak + 1] < before + threshold * rise)[-1]) + 1
    told = Season(
        status="running",
        start=day[start],
        peak=day[peak],
        peak_value=top,
        base_before=before,
        green_up_rate=float((top - value[start]) / (peak - start)) if peak > start else None,
        dates=dates,
    )
    days_since_low = value[peak:].size - 1 - int(np.argmin(value[peak:]))
    over = over or fall >= FALLEN * rise or days_since_low >= LEVEL_DAYS
    if fall < SMALLEST_AMPLITUDE or not over:
        return told
    end = peak + int(np.flatnonzero(value[peak:] < after + threshold * fall)[0])
    base = (before + after) / 2.0
    return replace(
        told,
        status="ok",
        end=day[end],
        base_after=after,
        amplitude=top - base,
        integral=float(np.trapezoid(value[start : end + 1] - base)),
    )
