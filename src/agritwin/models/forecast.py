"""One call from a history and a season to a published forecast with its score table."""

from typing import Any

import numpy as np
import xarray as xr

from agritwin.errors import DataError
from agritwin.models import backtest, scoring
from agritwin.models.baselines import Climatology, DampedAnomaly, persistence, seasonal_naive
from agritwin.models.sarimax import Sarimax
from agritwin.models.series import Forecaster, regular

YEAR = 365
FIRST_YEARS = 2  # that a model is fitted on before its first backtest
LEAST_DAYS = (FIRST_YEARS + 1) * YEAR


def daily_models() -> list[Forecaster]:
    """Every model that a daily series is offered to: four baselines and the seasonal ARIMA."""
    return [persistence(), seasonal_naive(YEAR), Climatology(), DampedAnomaly(), Sarimax()]


def join(history: xr.DataArray, season: xr.DataArray) -> xr.DataArray:
    """History and season as one daily series, gaps as NaN; where both have a day the season's value counts."""
    together = season.combine_first(history) if season.size else history
    days = np.arange(
        together["day"].values[0], together["day"].values[-1] + np.timedelta64(1, "D"), np.timedelta64(1, "D")
    )
    return regular(together.reindex(day=days)).assign_attrs(history.attrs).rename(history.name)


def forecast_report(
    history: xr.DataArray,
    season: xr.DataArray,
    horizon_days: int = 14,
    *,
    lower: float | None = None,
    margin: float = 0.05,
    origins: int = 200,
) -> dict[str, Any]:
    """Backtest the models on the history, choose one, correct its interval and forecast from the season's last day.

    Parameters
    ----------
    history
        Daily series (day) of closed seasons, at least three years: everything is fitted on it.
    season
        Daily series (day) since then, same unit; its last day is the day of issue. May be empty.
    horizon_days
        Days ahead.
    lower
        Physical lower bound in the unit of the series (0 for `et0`), None where there is none.
    margin
        Share of the default's CRPS by which another model must be better to replace it.
    origins
        About how many past days of issue the models are scored on.

    Returns
    -------
    dict with `forecast` (Dataset over quantile, lead: the published variable, `normal` and, for comparison, every
    model), `scores` (DataFrame, see `backtest.score_table`), `by_lead` (Dataset of `crps` and `coverage_90` over model
    and lead), `choice` (dict, see `backtest.Choice`) and `interval` (dict, see `backtest.IntervalCheck`).

    Raises
    ------
    DataError
        Where the history is shorter than three years.
    """
    history = join(history, history[:0])
    folds = min(3, history.size // YEAR - FIRST_YEARS)
    if folds < 1:
        raise DataError(
            f"{history.name} has {history.size} days of history, a backtest needs {LEAST_DAYS}.",
            "Ask for an earlier start of the weather history.",
        )
    models = daily_models()
    tested = backtest.rolling_origin(models, history, horizon_days, folds=folds, every=max(1, folds * YEAR // origins))
    tested["forecast"] = tested["forecast"].clip(min=lower, keep_attrs=True)
    scores = backtest.score_table(tested)
    choice = backtest.choose(scores, margin=margin)
    chosen = tested.sel(model=choice.model)

    known = join(history, season)
    predictions = {model.name: model.fit(history).predict(horizon_days, known) for model in models}
    interval = backtest.check_interval(chosen["forecast"], chosen["observed"], lower)
    published = predictions[choice.model]
    if interval.code == "widened":
        published = backtest.widen(published, backtest.conformal_widening(chosen["forecast"], chosen["observed"]))
    normal = predictions["climatology"].sel(quantile=0.5, drop=True)
    return {
        "forecast": xr.Dataset(
            {
                str(history.name): published.clip(min=lower, keep_attrs=True),
                "normal": normal,
                "models": stack(predictions).clip(min=lower, keep_attrs=True),
            }
        ),
        "scores": scores,
        "by_lead": by_lead(tested),
        "choice": choice.as_dict(),
        "interval": interval.as_dict(),
    }


def stack(predictions: dict[str, xr.DataArray]) -> xr.DataArray:
    """Predictions of several models along a dimension `model`."""
    return xr.concat(list(predictions.values()), "model").assign_coords(model=list(predictions))


def by_lead(tested: xr.Dataset) -> xr.Dataset:
    """CRPS (unit of the series) and coverage of the 90 % interval of each model at each lead."""
    return xr.Dataset(
        {
            "crps": scoring.crps_quantiles(tested["forecast"], tested["observed"]).mean("origin"),
            "coverage_90": scoring.coverage(tested["forecast"], tested["observed"], 0.9, "origin"),
        }
    )
