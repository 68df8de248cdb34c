"""Series forecasts as they are published: quantiles, scores, and the sentence that says what they are worth."""

from typing import Any

import pandas as pd
import xarray as xr

from agritwin.models.forecast import LEAST_DAYS, forecast_report

LOWER_BOUND = {"et0": 0.0}
SHOWN_QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
RECENT_DAYS = 60


def forecasts(past: xr.Dataset, now: xr.Dataset, settings: dict[str, Any]) -> dict[str, Any]:
    """Return `variables`, those of the section `forecast` as `publishable` has them, and the `outcome`.

    A record too short for one backtest is an outcome of its own, `short_record`, with the days that are there and those
    that it takes; nothing is forecast from it.
    """
    days = {"days": past.sizes["day"], "days_needed": LEAST_DAYS}
    if past.sizes["day"] < LEAST_DAYS:
        return {"variables": {}, "outcome": "short_record", **days}
    horizon, origins = settings["horizon_days"], settings["backtest_origins"]
    found = {name: publishable(past[name], now[name], horizon, origins) for name in settings["variables"]}
    return {"variables": found, "outcome": "forecast", **days}


def publishable(history: xr.DataArray, season: xr.DataArray, horizon_days: int, origins: int) -> dict[str, Any]:
    """Backtest, choose and forecast one daily series.

    Parameters
    ----------
    history, season
        Daily series (day) of closed seasons and of the current one.
    horizon_days
        Days ahead.
    origins
        Past issue dates on which the models are scored.

    Returns
    -------
    dict
        The entry of one variable of the product ``forecast``.
    """
    report = forecast_report(history, season, horizon_days, lower=LOWER_BOUND.get(str(history.name)), origins=origins)
    forecast = report["forecast"]
    published = forecast[str(history.name)]
    last = pd.Timestamp(season["day"].to_numpy()[-1])
    recent = season.isel(day=slice(-RECENT_DAYS, None))
    levels = [level for level in SHOWN_QUANTILES if level in published["quantile"].to_numpy().round(6)]
    scores = report["scores"].reset_index()
    return {
        "units": history.attrs["units"],
        "long_name": history.attrs.get("long_name", str(history.name)),
        "chosen": report["choice"]["model"],
        "choice": report["choice"],
        "interval": report["interval"],
        "days": [last + pd.Timedelta(days=int(lead)) for lead in published["lead"].to_numpy()],
        "quantiles": {f"{level:g}": published.sel(quantile=level, method="nearest").to_numpy() for level in levels},
        "normal": forecast["normal"].to_numpy(),
        "recent": {"day": recent["day"].to_numpy(), "value": recent.to_numpy()},
        "scores": scores,
        "crps_by_lead": {
            str(name): report["by_lead"]["crps"].sel(model=name).to_numpy()
            for name in report["by_lead"]["model"].to_numpy()
        },
        "coverage_90_by_lead": {
            str(name): report["by_lead"]["coverage_90"].sel(model=name).to_numpy()
            for name in report["by_lead"]["model"].to_numpy()
        },
    }
