"""Rolling origin evaluation, the choice of a model, and intervals corrected by their own past misses."""

import copy
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.errors import DataError
from agritwin.models import scoring
from agritwin.models.series import Forecaster, observed_after, regular

INTERVAL = 0.9
COVERAGE_TARGET = (0.86, 0.94)


def rolling_origin(
    forecasters: Sequence[Forecaster],
    series: xr.DataArray,
    horizon: int,
    *,
    fold_steps: int = 365,
    folds: int = 3,
    every: int = 3,
) -> xr.Dataset:
    """Forecast from many origins in the last `folds` blocks, each model fitted only on what lies before the block.

    Parameters
    ----------
    forecasters
        Unfitted models; copies are fitted, once a fold.
    series
        Regular series.
    horizon, fold_steps, every
        Steps ahead, steps a fold, steps between origins.

    Returns
    -------
    Dataset with `forecast` (model, origin, quantile, lead), `observed` (origin, lead), the coordinate `fold` (origin)
    and the attribute `converged`: by model, whether all its fits say so.

    Raises
    ------
    DataError
        Where less than one block is left to fit on.
    """
    first = regular(series).size - folds * fold_steps
    if first < fold_steps:
        raise DataError(
            f"{series.name or 'series'} has {series.size} steps; {folds} folds of {fold_steps} need "
            f"{(folds + 1) * fold_steps}.",
            "Give a longer history or ask for fewer or shorter folds.",
        )
    starts = [first + fold * fold_steps for fold in range(folds)]
    origins = [np.arange(start - 1, start + fold_steps - horizon, every) for start in starts]
    hindcasts, converged = [], {}
    for forecaster in forecasters:
        fits = [copy.deepcopy(forecaster).fit(series[:start]) for start in starts]
        by_fold = [fit.hindcast(series, at, horizon) for fit, at in zip(fits, origins, strict=True)]
        hindcasts.append(xr.concat(by_fold, "origin"))
        converged[forecaster.name] = all(getattr(fit, "converged", True) for fit in fits)
    fold_of_origin = np.repeat(np.arange(folds), [len(at) for at in origins])
    forecast = xr.concat(hindcasts, "model").assign_coords(
        model=list(converged), fold=("origin", fold_of_origin, {"long_name": "block that the origin lies in"})
    )
    observed = observed_after(series, np.concatenate(origins), horizon)
    observed = forecast.isel(model=0, quantile=0, drop=True).copy(data=observed)
    return xr.Dataset({"forecast": forecast, "observed": observed}, attrs={"converged": converged})


def known(values: xr.DataArray) -> xr.DataArray:
    """Where values are finite."""
    return xr.apply_ufunc(np.isfinite, values)


def score_table(backtest: xr.Dataset, baseline: str = "climatology") -> pd.DataFrame:
    """Scores of each model over the forecasts that all models made, with skill against `baseline`.

    Returns
    -------
    DataFrame by model: `n` (pairs), `rmse`, `mae`, `crps`, `pinball_05`, `pinball_50`, `pinball_95` in the unit of
    the series; `coverage_90` and `crps_skill` without unit; `converged`.
    """
    common = known(backtest["forecast"]).all(["model", "quantile"]) & known(backtest["observed"])
    forecast, observed = backtest["forecast"].where(common), backtest["observed"].where(common)
    pairs = ["origin", "lead"]
    pinball = scoring.pinball(forecast, observed).mean(pairs)
    table = pd.DataFrame(
        {
            "n": int(common.sum()),
            "rmse": scoring.rmse(forecast, observed, pairs),
            "mae": scoring.mae(forecast, observed, pairs),
            "crps": scoring.crps_quantiles(forecast, observed).mean(pairs),
            **{f"pinball_{round(100 * q):02d}": pinball.sel(quantile=q, method="nearest") for q in (0.05, 0.5, 0.95)},
            "coverage_90": scoring.coverage(forecast, observed, INTERVAL, pairs),
        },
        index=pd.Index(backtest["model"].to_numpy(), name="model"),
    )
    table["crps_skill"] = scoring.skill(table["crps"], table.loc[baseline, "crps"])
    table["converged"] = pd.Series(backtest.attrs.get("converged", {}), dtype=object).reindex(table.index)
    return table


@dataclass(frozen=True)
class Choice:
    """Which model is published, and why: code `default` or `upgrade`, gain in CRPS over the default."""

    model: str
    code: str
    gain: float
    margin: float

    def as_dict(self) -> dict[str, str | float]:
        """Plain values for JSON."""
        return asdict(self)


def choose(scores: pd.DataFrame, default: str = "damped_anomaly", margin: float = 0.05) -> Choice:
    """Keep the default unless another model's CRPS is better by more than `margin` (a share of the default's).

    A model that did not converge in every fold is no candidate.
    """
    candidates = scores[scores["converged"].astype(bool)] if "converged" in scores else scores
    gain = 1 - candidates["crps"] / scores.loc[default, "crps"]
    best = str(gain.idxmax())
    if gain[best] > margin:
        return Choice(best, "upgrade", float(gain[best]), margin)
    return Choice(default, "default", float(gain[best]), margin)


def width(forecast: xr.DataArray) -> xr.DataArray:
    """Width of the 90 % interval, kept off zero."""
    return (forecast.sel(quantile=0.95, drop=True) - forecast.sel(quantile=0.05, drop=True)).clip(min=1e-9)


def conformal_widening(forecast: xr.DataArray, observed: xr.DataArray) -> xr.DataArray:
    """How far each quantile at each lead must move outward to have had its nominal frequency.

    Parameters
    ----------
    forecast, observed
        (origin, quantile, lead) and (origin, lead) of a period not used for fitting.

    Returns
    -------
    DataArray (quantile, lead) in widths of the forecast's own 90 % interval, negative below the median, never inward:
    a calm year is no ground for a narrower interval. Attribute `n` is the smallest number of origins at a lead.
    Origins overlap, so the guarantee for exchangeable data does not hold: measure the coverage on other origins.

    Source: Romano, Patterson and Candes (2019), Conformalized quantile regression, NeurIPS, Theorem 2 (two tails).

    Raises
    ------
    DataError
        Where the outermost quantile asks for more origins than there are: 19 for 5 %.
    """
    scores = ((observed - forecast) / width(forecast)).transpose("quantile", "lead", "origin")
    n = int(known(scores.isel(quantile=0)).sum("origin").min())
    level = forecast["quantile"].to_numpy()
    needed = math.ceil(1 / level.min()) - 1
    if n < needed:
        raise DataError(
            f"{n} past forecasts are too few to correct an interval, {needed} are needed.", "Backtest longer."
        )
    # The finite-sample rank (n + 1) q of each tail, counted outward; np.quantile takes it as a share of n - 1.
    rank = np.where(level > 0.5, np.ceil(np.round((n + 1) * level, 9)), np.floor(np.round((n + 1) * level, 9)))
    needed_move = np.stack(
        [np.nanquantile(score, (r - 1) / (n - 1), axis=-1) for score, r in zip(scores.to_numpy(), rank, strict=True)]
    )
    side = np.sign(np.round(level - 0.5, 9))[:, None]
    outward = side * np.maximum(side * needed_move, 0)
    return scores.isel(origin=0, drop=True).copy(data=outward).assign_attrs(n=n)


def widen(forecast: xr.DataArray, widening: xr.DataArray) -> xr.DataArray:
    """Forecast with its quantiles moved outward (see `conformal_widening`) and kept in order."""
    moved = (forecast + widening * width(forecast)).transpose(*forecast.dims)
    axis = moved.get_axis_num("quantile")
    return moved.copy(data=np.sort(moved.to_numpy(), axis=axis)).assign_attrs(forecast.attrs)


@dataclass(frozen=True)
class IntervalCheck:
    """Measured coverage of the 90 % interval over `n` forecasts, as made and widened, and which is published.

    `code` is `as_made` or `widened`; `coverage` is that of the published one, `in_target` where it lies in 0.86-0.94.
    The widening of each fold was learnt on the other folds; with a single fold `widened` is NaN.
    """

    n: int
    nominal: float
    as_made: float
    widened: float
    code: str
    coverage: float
    in_target: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, NaN as None."""
        return {key: None if value != value else value for key, value in asdict(self).items()}


def check_interval(forecast: xr.DataArray, observed: xr.DataArray, lower: float | None = None) -> IntervalCheck:
    """Measure the coverage with and without widening, and publish the one nearer to 90 %.

    Parameters
    ----------
    forecast, observed
        (origin, quantile, lead) and (origin, lead) with the coordinate `fold` (origin).
    lower
        Physical lower bound in the unit of the series.
    """
    as_made = float(scoring.coverage(forecast, observed, INTERVAL))
    widened, folds = math.nan, np.unique(forecast["fold"])
    if len(folds) > 1:
        parts = []
        for fold in folds:
            inside = (forecast["fold"] == fold).to_numpy()
            move = conformal_widening(forecast.isel(origin=~inside), observed.isel(origin=~inside))
            parts.append(widen(forecast.isel(origin=inside), move))
        widened = float(scoring.coverage(xr.concat(parts, "origin").clip(min=lower), observed, INTERVAL))
    use = abs(widened - INTERVAL) < abs(as_made - INTERVAL)
    reached = widened if use else as_made
    in_target = COVERAGE_TARGET[0] <= reached <= COVERAGE_TARGET[1]
    n = int(np.isfinite(observed).sum())
    return IntervalCheck(n, INTERVAL, as_made, widened, "widened" if use else "as_made", reached, in_target)
