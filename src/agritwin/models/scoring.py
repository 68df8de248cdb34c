"""Scores of forecasts: proper scores first, all on aligned arrays, missing pairs left out.

Percentage errors are absent on purpose: they explode near zero, where frost and rain live.
"""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Field = xr.DataArray


def error(forecast: Field, observed: Field) -> Field:
    """Forecast median minus observation, in the unit of the observation; `forecast` has a dimension `quantile`."""
    return forecast.sel(quantile=0.5, drop=True) - observed


def rmse(forecast: Field, observed: Field, dim: str | list[str] | None = None) -> Field:
    """Root mean square error of the forecast median over `dim` (all dimensions by default)."""
    return (error(forecast, observed) ** 2).mean(dim) ** 0.5


def mae(forecast: Field, observed: Field, dim: str | list[str] | None = None) -> Field:
    """Mean absolute error of the forecast median over `dim` (all dimensions by default)."""
    return abs(error(forecast, observed)).mean(dim)


def pinball(forecast: Field, observed: Field) -> Field:
    """Quantile loss of each quantile; keeps the dimension `quantile`, unit of the observation.

    Source: Koenker and Bassett (1978), Econometrica 46:33, Eq. 3.1.
    """
    above = observed - forecast
    return xr.where(above >= 0, forecast["quantile"] * above, (forecast["quantile"] - 1) * above)


def crps_quantiles(forecast: Field, observed: Field) -> Field:
    """CRPS from quantiles: twice the quantile loss integrated over the levels, unit of the observation.

    Each level stands for the levels nearer to it than to its neighbours, so that midpoints of equal slices give the
    midpoint rule. Source: Gneiting and Ranjan (2011), JBES 29:411, Eq. 12 with weight 1.
    """
    level = forecast["quantile"].to_numpy()
    edges = np.concatenate([[0.0], (level[1:] + level[:-1]) / 2, [1.0]])
    weight = xr.DataArray(np.diff(edges), coords={"quantile": level}, dims="quantile")
    return 2 * (pinball(forecast, observed) * weight).sum("quantile", skipna=False)


def crps_ensemble(members: Field, observed: Field, *, fair: bool = False, dim: str = "member") -> Field:
    """CRPS of an ensemble along `dim`, unit of the observation.

    Parameters
    ----------
    fair
        False scores the members' own step distribution; True the distribution that they were drawn from.

    Source: Gneiting and Raftery (2007), JASA 102:359, Eq. 21; fair form of Ferro (2014), QJRMS 140:1917, Eq. 2.
    """
    n = members.sizes[dim]
    ordered = members.transpose(..., dim)
    values = np.sort(ordered.to_numpy(), axis=-1)
    # Sum over pairs |x_i - x_j| of sorted members, without the n x n table.
    pairs = 2 * (values * (2 * np.arange(1, n + 1) - n - 1)).sum(-1)
    spread = ordered.isel({dim: 0}, drop=True).copy(data=pairs / (2 * n * (n - 1 if fair else n)))
    return abs(members - observed).mean(dim, skipna=False) - spread


def crps_normal(mean: ArrayLike, sd: ArrayLike, observed: ArrayLike) -> NDArray[np.float64]:
    """CRPS of a normal distribution, unit of the observation. Source: Gneiting et al. (2005), MWR 133:1098, Eq. 5."""
    sd = np.asarray(sd, float)
    z = (np.asarray(observed, float) - np.asarray(mean, float)) / sd
    return sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))


def crps_student_t(location: ArrayLike, scale: ArrayLike, dof: ArrayLike, observed: ArrayLike) -> NDArray[np.float64]:
    """CRPS of a Student t distribution with more than one degree of freedom, unit of the observation.

    Source: Jordan, Krueger and Lerch (2019), J. Stat. Software 90(12), appendix A.
    """
    scale, dof = np.asarray(scale, float), np.asarray(dof, float)
    z = (np.asarray(observed, float) - np.asarray(location, float)) / scale
    tail = 2 * stats.t.pdf(z, dof) * (dof + z**2) / (dof - 1)
    betas = special.beta(0.5, dof - 0.5) / special.beta(0.5, dof / 2) ** 2
    return scale * (z * (2 * stats.t.cdf(z, dof) - 1) + tail - 2 * np.sqrt(dof) / (dof - 1) * betas)


def coverage(forecast: Field, observed: Field, level: float = 0.9, dim: str | list[str] | None = None) -> Field:
    """Share of observations inside the central interval of probability `level` (its two quantiles must be there)."""
    low = forecast.sel(quantile=(1 - level) / 2, method="nearest", tolerance=1e-6, drop=True)
    high = forecast.sel(quantile=(1 + level) / 2, method="nearest", tolerance=1e-6, drop=True)
    inside = ((observed >= low) & (observed <= high)).where(np.isfinite(observed) & np.isfinite(low))
    return inside.mean(dim)


def skill(score: Any, baseline: Any) -> Any:
    """Skill of a negatively oriented score against a baseline: 1 perfect, 0 no better, negative worse."""
    return 1 - score / baseline
