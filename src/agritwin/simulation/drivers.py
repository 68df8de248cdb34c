"""Weather that drives a simulation: what was observed, then forecast members, then what past years went on with."""

import datetime

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import DataError

_DAY = np.timedelta64(1, "D")

ORIGINS = ("observed", "forecast", "history")
#: By what a season so far is compared with past ones, and how its days are summed up.
LIKENESS = {"precipitation": "sum", "et0": "sum"}


def driver_ensemble(
    observed: xr.Dataset,
    forecast: xr.Dataset | None,
    history: xr.Dataset,
    until: datetime.date,
    members: int,
    seed: int,
    likeness_days: int = 90,
) -> xr.Dataset:
    """Join the season's weather with forecast members and resampled past years, day after day to the end.

    Parameters
    ----------
    observed
        Variables over ``day``, consecutive local days without gaps; its variables are those of the result.
    forecast
        The same over (member, day), days after the last observed; None where there is none. Days that a member lacks
        end it for all.
    history
        The same over ``day``, past years; gaps only cost the years that they fall in.
    until
        Last local day wanted.
    members, seed
        Members of the result, and seed of the draw: the same seed gives the same bytes.
    likeness_days
        Days before the issue over which a past year is compared with this one.

    Returns
    -------
    xarray.Dataset
        Over (member, day), with the coordinates ``origin`` (day), one of :data:`ORIGINS`; ``forecast_member`` (member),
        -1 without forecast; ``year`` (member), the calendar year that the issue day had in the member's past year, 0
        where none was needed. Variables of a day always come from one source together.

    Raises
    ------
    DataError
        If the season has gaps, the forecast does not follow it, or no past year is whole over the days wanted.

    Notes
    -----
    Past years are drawn with the weights 1/rank by likeness of the season so far (the resampling kernel of Lall and
    Sharma 1996, Water Resour. Res. 32:679, over all years, since few are on record), their numbers as even as the
    weights allow. Nothing is generated: every value was observed or forecast.
    """
    _check_season(observed)
    known = [_days(observed)]
    ahead = None if forecast is None else _whole_days(observed, forecast, until)
    if ahead is not None:
        known.append(_days(ahead))
    after = np.arange(known[-1][-1] + _DAY, np.datetime64(until, "D") + _DAY)
    random = np.random.default_rng(seed)
    lead_members = np.arange(members) % ahead.sizes["member"] if ahead is not None else np.full(members, -1)
    back = _years_back(observed, history, after, members, likeness_days, random) if after.size else None
    variables = {}
    for name in map(str, observed.data_vars):
        parts = [np.broadcast_to(observed[name].to_numpy(), (members, known[0].size))]
        if ahead is not None:
            parts.append(ahead[name].transpose("member", "day").to_numpy()[lead_members])
        if back is not None:
            past = history[name].to_series()
            course = {year: past.reindex(_shifted(after, year)).to_numpy() for year in set(back.tolist())}
            parts.append(np.stack([course[year] for year in back.tolist()]))
        variables[name] = (("member", "day"), np.concatenate(parts, axis=1), observed[name].attrs)
    days = np.concatenate([*known, after])
    lengths = [known[0].size, days.size - known[0].size - after.size, after.size]
    issue_year = pd.Timestamp(known[0][-1]).year
    coordinates = {
        "member": np.arange(members),
        "day": ("day", days.astype("datetime64[ns]"), observed["day"].attrs),
        "origin": ("day", np.repeat(ORIGINS, lengths)),
        "forecast_member": ("member", lead_members),
        "year": ("member", np.zeros(members, int) if back is None else issue_year - back),
    }
    sources = [part for part in (observed, ahead, history if after.size else None) if part is not None]
    synthetic = any(part.attrs.get("synthetic") == "true" for part in sources)
    return xr.Dataset(variables, coordinates, observed.attrs | {"synthetic": str(synthetic).lower()})


def _days(dataset: xr.Dataset) -> NDArray[np.datetime64]:
    return dataset["day"].to_numpy().astype("datetime64[D]")


def _check_season(observed: xr.Dataset) -> None:
    days = _days(observed)
    missing = observed.to_dataarray().isnull().any("variable").to_numpy()
    if days.size == 0 or (np.diff(days) != _DAY).any() or missing.any():
        first = f" on {days[missing][0]}" if missing.any() else ""
        raise DataError(f"The weather of the season has gaps{first}.", "Fill them first; no weather is made up here.")


def _whole_days(observed: xr.Dataset, forecast: xr.Dataset, until: datetime.date) -> xr.Dataset | None:
    """Days of the forecast right after the season that every member has whole; None if there are none."""
    last = observed["day"].to_numpy()[-1]
    ahead = forecast[list(observed.data_vars)].sel(day=slice(last + _DAY, np.datetime64(until, "ns")))
    whole = ahead.to_dataarray().notnull().all(["variable", "member"]).to_numpy()
    ahead = ahead.isel(day=slice(0, int(np.cumprod(whole).sum())))
    if ahead.sizes["day"] == 0:
        return None
    if (_days(ahead) != _days(observed)[-1] + _DAY * np.arange(1, ahead.sizes["day"] + 1)).any():
        raise DataError(
            f"The forecast begins on {_days(ahead)[0]}, the season ends on {_days(observed)[-1]}.",
            "Give a forecast that goes on from the season, day after day.",
        )
    return ahead


def _shifted(days: NDArray[np.datetime64], years: int) -> pd.DatetimeIndex:
    """Return the same dates some years before; 28 February stands for a 29 February that was not."""
    return pd.DatetimeIndex(pd.DatetimeIndex(days.astype("datetime64[ns]")) - pd.DateOffset(years=years))


def _years_back(
    observed: xr.Dataset,
    history: xr.Dataset,
    after: NDArray[np.datetime64],
    members: int,
    likeness_days: int,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw for each member how many years back its weather goes on."""
    table = history[list(observed.data_vars)].drop_vars(set(history.coords) - {"day"}).to_dataframe().dropna()
    oldest = int(after[0].astype("datetime64[Y]").astype(int) + 1970 - table.index[0].year) if len(table) else 0
    candidates = [back for back in range(1, oldest + 1) if _shifted(after, back).isin(table.index).all()]
    if not candidates:
        raise DataError(
            f"No past year is whole from {after[0]} to {after[-1]}.",
            "Fetch a longer record, or ask for an earlier day.",
        )
    weights = _weights(_unlikeness(observed, table, candidates, likeness_days))
    steps = (random.uniform() + np.arange(members)) / members
    drawn = np.searchsorted(np.cumsum(weights), steps).clip(max=len(candidates) - 1)
    return random.permutation(np.array(candidates)[drawn])  # years and forecast members meet by chance


def _unlikeness(
    observed: xr.Dataset, table: pd.DataFrame, candidates: list[int], likeness_days: int
) -> NDArray[np.float64]:
    """How far each past year was from this one so far, as mean square of standardised differences; inf if unknown."""
    days = _days(observed)[-likeness_days:]
    names = [name for name in LIKENESS if name in table.columns]
    if not names:
        return np.zeros(len(candidates))
    now = np.array([float(getattr(observed[name][-days.size :], LIKENESS[name])()) for name in names])
    then = np.array(
        [table.reindex(_shifted(days, back))[names].agg(LIKENESS, skipna=False).to_numpy() for back in candidates]
    )
    scale = np.nanstd(then, axis=0)
    distance = (((then - now) / np.where(scale > 0.0, scale, 1.0)) ** 2).mean(axis=1)
    return np.where(np.isfinite(distance), distance, np.inf)


def _weights(unlikeness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1/rank, summing to one; equals share their ranks."""
    rank = pd.Series(unlikeness).rank(method="average").to_numpy()
    return (1.0 / rank) / (1.0 / rank).sum()
