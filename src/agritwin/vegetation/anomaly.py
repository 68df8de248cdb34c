"""Is the parcel greener than it usually is on this day of the year, or than its neighbours with the same crop?"""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from agritwin.errors import DataError

FEWEST_YEARS = 3
FEWEST_NEIGHBOURS = 3
DAYS_OF_YEAR = 365


def anomaly(
    current: xr.DataArray, history: xr.DataArray, *, half_window_days: int = 7, fewest_years: int = FEWEST_YEARS
) -> xr.Dataset:
    """Compare daily values with those of past years around the same day of the year.

    Parameters
    ----------
    current, history
        Daily values (day), for example smooth NDVI; days of ``history`` that ``current`` holds are not counted.
    half_window_days
        Days of the year before and after that are taken together.
    fewest_years
        Years with a value in the window, below which nothing is said.

    Returns
    -------
    xr.Dataset
        (day) of ``current``: ``value``, the history's ``median``, ``p10``, ``p90``, ``years`` (how many years have a
        value in the window), the ``difference`` to the median, ``z`` (difference to the mean of the years in standard
        deviations between years) and ``outside`` (below p10: -1, within: 0, above p90: 1). NaN, and 0 in ``outside``,
        where there are too few years.

    Raises
    ------
    DataError
        When the window or the number of years makes no sense.
    """
    if half_window_days < 0 or half_window_days > 90 or fewest_years < 2:
        raise DataError(
            f"A window of {half_window_days} days and {fewest_years} years make no sense.",
            "Choose 0 to 90 days and at least 2 years.",
        )
    past = history.where(~history["day"].isin(current["day"]), drop=True).dropna("day")
    by_year = _years_by_day(past["day"].to_numpy(), past.to_numpy(), half_window_days)
    rows = np.full((current.sizes["day"], 6), np.nan)
    day_of_year, own_year = _calendar(current["day"].to_numpy())
    for row, value in enumerate(current.to_numpy()):
        groups = [group for year, group in by_year[day_of_year[row]].items() if year != own_year[row]]
        rows[row, 5] = len(groups)
        if len(groups) >= fewest_years:
            rows[row, :5] = _compared(float(value), groups)
    median, p10, p90, difference, z, years = rows.T
    value = current.to_numpy()
    outside = np.where(value < p10, -1, np.where(value > p90, 1, 0)).astype("i1")
    units = {"units": current.attrs.get("units", "1")}
    return xr.Dataset(
        {
            "value": ("day", value, dict(current.attrs)),
            "median": ("day", median, {"long_name": "median of past years around this day", **units}),
            "p10": ("day", p10, {"long_name": "10 % quantile of past years around this day", **units}),
            "p90": ("day", p90, {"long_name": "90 % quantile of past years around this day", **units}),
            "difference": ("day", difference, {"long_name": "difference to the median of past years", **units}),
            "z": (
                "day",
                z,
                {"long_name": "difference to the mean of past years, in standard deviations", "units": "1"},
            ),
            "years": (
                "day",
                years.astype("i4"),
                {"long_name": "past years with a value around this day", "units": "1"},
            ),
            "outside": (
                "day",
                outside,
                {
                    "long_name": "place in the band of past years",
                    "units": "1",
                    "flag_values": np.array([-1, 0, 1], "i1"),
                    "flag_meanings": "below_p10 within above_p90",
                },
            ),
        },
        coords={"day": current["day"]},
    )


def against_neighbours(
    current: xr.DataArray, neighbours: Mapping[str, xr.DataArray], *, fewest: int = FEWEST_NEIGHBOURS
) -> xr.Dataset:
    """Compare daily values with those of other parcels of the same crop on the same days.

    A dry spring lowers them all; what lies below its neighbours has a reason of its own.

    Parameters
    ----------
    current
        Daily values (day), for example smooth NDVI.
    neighbours
        The same of other parcels, by twin; days that one lacks are missing.
    fewest
        Neighbours with a value on a day, below which nothing is said of it.

    Returns
    -------
    xr.Dataset
        (day) of ``current``: ``value``, the neighbours' ``median`` and ``neighbours`` (how many have a value), the
        ``difference`` to the median, ``z`` (difference in robust standard deviations of the neighbours, 1.4826 times
        their median absolute deviation; NaN where that is zero) and ``rank`` (share of the neighbours that lie below,
        ties half). NaN where there are too few.

    Raises
    ------
    DataError
        When the number of neighbours makes no sense.
    """
    if fewest < 1:
        raise DataError(f"At least {fewest} neighbours make no sense.", "Ask for one or more.")
    days = current["day"]
    others = np.array([series.reindex(day=days).to_numpy() for series in neighbours.values()], float)
    others = others.reshape(len(neighbours), days.size)
    value = current.to_numpy().astype(float)
    number = np.isfinite(others).sum(axis=0)
    told = (number >= fewest) & np.isfinite(value)
    median, spread, rank = (np.full(days.size, np.nan) for _ in range(3))
    median[told] = np.nanmedian(others[:, told], axis=0)
    spread[told] = 1.4826 * np.nanmedian(np.abs(others[:, told] - median[told]), axis=0)
    below = (others < value).sum(axis=0) + 0.5 * (others == value).sum(axis=0)
    rank[told] = below[told] / number[told]
    units = {"units": current.attrs.get("units", "1")}
    z = np.divide(value - median, spread, out=np.full(days.size, np.nan), where=spread > 0.0)
    return xr.Dataset(
        {
            "value": ("day", value, dict(current.attrs)),
            "median": ("day", median, {"long_name": "median of the neighbours", **units}),
            "difference": ("day", value - median, {"long_name": "difference to the median of the neighbours", **units}),
            "z": ("day", z, {"long_name": "difference in robust standard deviations of the neighbours", "units": "1"}),
            "rank": ("day", rank, {"long_name": "share of the neighbours that lie below", "units": "1"}),
            "neighbours": ("day", number.astype("i4"), {"long_name": "neighbours with a value", "units": "1"}),
        },
        coords={"day": days},
    )


def _calendar(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Day of the year from 0, the last of a leap year counted as the one before it, and the year."""
    date = days.astype("datetime64[D]")
    year = date.astype("datetime64[Y]")
    return np.minimum((date - year).astype(int), DAYS_OF_YEAR - 1), year.astype(int) + 1970


def _years_by_day(days: np.ndarray, values: np.ndarray, half_window: int) -> list[dict[int, np.ndarray]]:
    """For every day of the year, the values of each past year within the window; windows reach over New Year."""
    day_of_year, year = _calendar(days)
    tables = []
    for centre in range(DAYS_OF_YEAR):
        away = (day_of_year - centre + DAYS_OF_YEAR // 2) % DAYS_OF_YEAR - DAYS_OF_YEAR // 2
        near = np.abs(away) <= half_window
        # A day of January in the window of a centre in December belongs to the year before, and the other way round.
        centre_year = year[near] + np.sign(day_of_year[near] - centre - away[near])
        tables.append({int(one): values[near][centre_year == one] for one in np.unique(centre_year)})
    return tables


def _compared(value: float, groups: list[np.ndarray]) -> tuple[float, float, float, float, float]:
    """Median, p10, p90 of all values, difference to the median, z of the value among the means of the years."""
    median, p10, p90 = np.quantile(np.concatenate(groups), [0.5, 0.1, 0.9])
    means = np.array([group.mean() for group in groups])
    spread = means.std(ddof=1)
    z = (value - means.mean()) / spread if spread > 0.0 else np.nan
    return median, p10, p90, value - median, z
