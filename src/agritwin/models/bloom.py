"""Chill and heat that a variety needs to bloom, fitted to the dates on which it did."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from agritwin.agromet import chill
from agritwin.errors import DataError

MINIMUM_SEASONS = 3
#: Requirements that are tried: chill portions, and degree-hours (Richardson) from then to bloom.
CHILL = np.arange(20.0, 81.0, 2.0)
HEAT = np.arange(500.0, 12_001.0, 50.0)


@dataclass(frozen=True)
class BloomFit:
    """Posterior of the two requirements on a grid.

    Attributes
    ----------
    weight
        (chill, heat), summing to one.
    error
        Root mean square error of the best pair over the seasons it was fitted to, days; also the spread that
        predictions are given beyond that of the requirements.
    seasons
        Their number.
    """

    weight: NDArray[np.float64]
    error: float
    seasons: int

    @property
    def chill_requirement(self) -> float:
        """Posterior mean, chill portions."""
        return float((self.weight.sum(1) * CHILL).sum())

    @property
    def heat_requirement(self) -> float:
        """Posterior mean, degree-hours above 4.5 degC."""
        return float((self.weight.sum(0) * HEAT).sum())


def bloom_days(air_temperature: xr.DataArray) -> NDArray[np.float64]:
    """Days from the first hour to bloom for every pair of requirements, NaN where the season does not get so far.

    Chill is counted in portions of the Dynamic Model, then heat in degree-hours from the hour that met the chill.

    Parameters
    ----------
    air_temperature
        Hourly over ``time``, degC, without gaps, from the start of dormancy.

    Returns
    -------
    numpy.ndarray
        (chill, heat) as :data:`CHILL` and :data:`HEAT`.
    """
    portions = np.cumsum(chill.chill_portions(air_temperature).to_numpy())
    heat = np.cumsum(chill.growing_degree_hours_linear(air_temperature).to_numpy())
    met = np.searchsorted(portions, CHILL)
    begun = np.append(heat, np.inf)[met]
    hour = np.searchsorted(heat, begun[:, None] + HEAT)
    return np.where(hour < heat.size, hour / 24.0, np.nan)


def fit(days: NDArray[np.float64], observed: NDArray[np.float64]) -> BloomFit:
    """Weigh the pairs of requirements by how well they tell the bloom of some seasons.

    Parameters
    ----------
    days
        (season, chill, heat), of :func:`bloom_days`.
    observed
        Days from the same hour to the bloom observed.

    Returns
    -------
    BloomFit
        Weights from normal errors of unknown size under Jeffreys' prior: the sum of squares to the power -n/2.

    Raises
    ------
    DataError
        With fewer than three seasons, or if no pair brings all of them to bloom.
    """
    count = observed.size
    if count < MINIMUM_SEASONS:
        raise DataError(f"{count} dates of bloom are too few for a fit.", f"Give at least {MINIMUM_SEASONS}.")
    squares = ((days - observed[:, None, None]) ** 2).sum(0)
    if not np.isfinite(squares).any():
        raise DataError("No pair of requirements brings every season to bloom.", "Give the whole springs.")
    best = np.nanmin(squares)
    weight = np.where(np.isfinite(squares), (squares / best) ** (-count / 2.0), 0.0)
    return BloomFit(weight / weight.sum(), float(np.sqrt(best / max(count - 2, 1))), count)


def predict(found: BloomFit, days: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of the day of bloom of a season, of the requirements and of what they leave open.

    Parameters
    ----------
    found
        Fit on other seasons.
    days
        (chill, heat) of this season; pairs that do not bloom in it are left out.
    """
    weight = np.where(np.isfinite(days), found.weight, 0.0)
    known = np.nan_to_num(days)
    mean = float((weight * known).sum() / weight.sum())
    spread = float((weight * (known - mean) ** 2).sum() / weight.sum())
    return mean, float(np.sqrt(spread + found.error**2))


def leave_one_out(days: NDArray[np.float64], observed: pd.Series) -> pd.DataFrame:
    """Predict each season from the others: ``observed, predicted, spread``, and ``mean`` of the other dates."""
    rows = []
    for position, (season, value) in enumerate(observed.items()):
        others = np.arange(len(observed)) != position
        mean, spread = predict(fit(days[others], observed.to_numpy()[others]), days[position])
        rows.append((season, value, mean, spread, observed.to_numpy()[others].mean()))
    return pd.DataFrame(rows, columns=["season", "observed", "predicted", "spread", "mean"]).set_index("season")
