"""Forecasts against a peer and a limit: accuracy and CPU time.

1. Hourly temperature 48 h ahead: the default model here against the seasonal ARIMA (4,1,2)(1,1,0,24) that the
   operational twins CROP and DTBase ship, on two real series where the sample files are at hand.
2. The whole daily report (five models, three-year backtest, 14 days ahead) for two variables against 8 s of CPU.

Run: python benchmarks/forecast.py
"""

import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.models import scoring
from agritwin.models.baselines import DampedAnomaly, RecentMean, seasonal_naive
from agritwin.models.forecast import forecast_report
from agritwin.models.sarimax import Sarimax
from agritwin.models.series import Forecaster, observed_after

SAMPLES = Path(__file__).resolve().parents[2] / "shared"
LIMIT_S = 8.0


def orchard() -> xr.DataArray:
    """Air temperature of an orchard at Winters, California, 2008, gaps filled by the source."""
    table = pd.read_csv(SAMPLES / "science_samples/winters_hours.csv")
    times = pd.to_datetime(table[["Year", "Month", "Day", "Hour"]])
    return regular(table["Temp"].to_numpy(), times)


def greenhouse() -> xr.DataArray:
    """Air temperature in a London tunnel farm, January 2023."""
    path = SAMPLES / "providers/farm_samples/crop_underground_farm/ges_MonitoredV1.csv"
    table = pd.read_csv(path, header=None, names=["time", "t", "rh"], parse_dates=["time"])
    return regular(table["t"].to_numpy(), table["time"])


def regular(values: np.ndarray, times: pd.Series) -> xr.DataArray:
    series = pd.Series(values, index=pd.DatetimeIndex(times)).groupby(level=0).mean().asfreq("h").interpolate(limit=6)
    return xr.DataArray(series.to_numpy(), coords={"time": series.index}, dims="time", name="air_temperature")


def in_pieces(model: Forecaster, series: xr.DataArray, fit: int, horizon: int, every: int) -> xr.DataArray:
    """Hindcasts over the rest of a series; each piece of a thousand hours knows as much before it as the fit did."""
    parts = []
    for start in range(fit, series.size - horizon, 1000):
        piece = series[start - fit : start + 1000 + horizon]
        parts.append(
            model.hindcast(piece, np.arange(fit - 1, min(fit + 999, piece.size - horizon - 1), every), horizon)
        )
    return xr.concat(parts, "origin")


def hourly(name: str, series: xr.DataArray, fit_days: int, horizon: int, every: int) -> None:
    history = series[: fit_days * 24]
    models: list[Forecaster] = [
        Sarimax((4, 1, 2), (1, 1, 0, 24), harmonics=0),
        Sarimax((2, 0, 1), (0, 1, 1, 24), harmonics=0),
        seasonal_naive(24),
        DampedAnomaly(RecentMean(24, 7), memory=24),
    ]
    labels = ["peer: SARIMA(4,1,2)(1,1,0,24)", "SARIMA(2,0,1)(0,1,1,24)", "seasonal naive", "default: damped anomaly"]
    print(
        f"\n{name}: {horizon} h ahead, fitted once on {fit_days} days, {series.size // 24 - fit_days} days of origins"
    )
    print(f"{'model':32}{'RMSE':>8}{'CRPS':>8}{'cover90':>9}{'CPU s':>9}{'CRPS ratio':>12}{'CPU ratio':>11}")
    peer = None
    for label, model in zip(labels, models, strict=True):
        started = time.process_time()
        forecast = in_pieces(model.fit(history), series, history.size, horizon, every)
        seconds = time.process_time() - started
        at = np.searchsorted(series["time"].to_numpy(), forecast["origin"].to_numpy())
        observed = forecast.isel(quantile=0, drop=True).copy(data=observed_after(series, at, horizon))
        rmse = float(scoring.rmse(forecast, observed))
        crps = float(scoring.crps_quantiles(forecast, observed).mean())
        peer = peer or (crps, seconds)
        covered = float(scoring.coverage(forecast, observed, 0.9))
        ratios = f"{crps / peer[0]:12.2f}{seconds / peer[1]:11.4f}"
        print(f"{label:32}{rmse:8.2f}{crps:8.2f}{covered:9.2f}{seconds:9.3f}{ratios}")


def synthetic_daily(name: str, units: str, mean: float, wave: float, spread: float, seed: int) -> xr.DataArray:
    """Daily series of six and a half years: a season and persistent anomalies. Synthetic."""
    days = pd.date_range("2018-10-01", "2025-06-14")
    rng, anomaly = np.random.default_rng(seed), np.zeros(len(days))
    for i in range(1, len(days)):
        anomaly[i] = 0.75 * anomaly[i - 1] + rng.normal()
    values = mean + wave * np.sin(2 * np.pi * (days.day_of_year.to_numpy() - 105) / 365.25) + spread * anomaly
    return xr.DataArray(np.maximum(values, 0.1 if units == "mm" else -50), {"day": days}, "day", name, {"units": units})


def daily() -> None:
    started = time.process_time()
    for series in (
        synthetic_daily("et0", "mm", 3.6, 2.8, 0.5, 1),
        synthetic_daily("air_temperature", "degC", 12.0, 9.0, 2.2, 2),
    ):
        past, season = series.sel(day=slice(None, "2024-10-31")), series.sel(day=slice("2024-11-01", None))
        report = forecast_report(past, season, 14)
        interval = report["interval"]
        print(f"\n{series.name} (synthetic): {report['choice']['model']}, coverage {interval['coverage']:.3f} of 0.90")
        print(report["scores"][["rmse", "crps", "coverage_90", "crps_skill"]].round(3).to_string())
    seconds = time.process_time() - started
    print(f"\ndaily reports: {seconds:.1f} s CPU, limit {LIMIT_S:.0f} s, ratio {seconds / LIMIT_S:.2f}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if SAMPLES.exists():
        hourly("orchard air temperature", orchard(), fit_days=60, horizon=48, every=31)
        hourly("greenhouse air temperature", greenhouse(), fit_days=14, horizon=24, every=7)
    else:
        print("hourly comparison skipped: the sample series are not here")
    daily()
