"""Whether what the twin rests on can be trusted: sources out of date, sensors silent or stuck, models that fail."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
import xarray as xr

from agritwin.alerts import evidence
from agritwin.alerts.catalogue import rules
from agritwin.alerts.rules import Judgement, judge
from agritwin.errors import StoreError
from agritwin.forecast_cube import open_issues
from agritwin.pins import read_pointer
from agritwin.records import tables
from agritwin.records.database import reading
from agritwin.records.instruments import Flag
from agritwin.records.readings import readings

RECENT_DAYS = 14
LEAST_SCORED = 48
"""Hours of forecast that have to be scored before a forecast is judged; days of the backtest before a model is."""
MODEL_RULES = ("model_coverage", "model_skill", "unconverged_model")


def from_sources(statuses: list[dict[str, Any]], settings: dict[str, Any], now: dt.datetime) -> list[Judgement]:
    """Judge the age of what should be fresh, weather and forecast, by the clock: data that stand still grow old."""
    made = rules(settings)
    judgements = []
    for status in statuses:
        if status["kind"] in ("weather", "forecast") and "stale_source" in made:
            last = status["last_value"]
            moment = None if last is None else dt.datetime.fromisoformat(last).replace(tzinfo=dt.UTC)
            judgements.append(judge(evidence.age(moment, now, status["kind"]), made["stale_source"]))
    return judgements


def from_sensors(engine: sa.Engine, twin: str, settings: dict[str, Any], until: dt.datetime) -> list[Judgement]:
    """Judge whether sensors are silent or stuck: those that are, or else the one that is nearest to it.

    A value that stays the same counts where the reading says so: intake flags it by what is usual of that sensor.
    """
    made = rules(settings)
    cadences = {name: seconds for name, seconds in _cadences(engine, twin) if seconds}
    table = readings(engine, twin_id=twin, end=until, doubtful=False)
    judged: dict[str, list[Judgement]] = {"silent_sensor": [], "stuck_sensor": []}
    for name, group in table.groupby(table["sensor"] + " " + table["measure"]):
        sensor, last = group["sensor"].iloc[0], group["time"].iloc[-1].to_pydatetime().replace(tzinfo=dt.UTC)
        if sensor in cadences:
            silent = evidence.silence(last, dt.timedelta(seconds=cadences[sensor]), until, str(name))
            judged["silent_sensor"].append(judge(silent, made["silent_sensor"]))
        flagged = bool(int(group["flags"].iloc[-1]) & Flag.STUCK)
        series = xr.DataArray(group["value"].to_numpy(), {"time": group["time"].to_numpy()}, ("time",))
        stuck = evidence.stuck(series if flagged else series[-1:], until, str(name))
        judged["stuck_sensor"].append(judge(stuck, made["stuck_sensor"]))
    return [one for found in judged.values() for one in raised_or_nearest(found)]


def raised_or_nearest(judgements: list[Judgement]) -> list[Judgement]:
    """Return the judgements that see danger; where none does, the one whose value is highest."""
    raised = [judgement for judgement in judgements if judgement.level != "none"]
    return raised or sorted(judgements, key=lambda judgement: judgement.value or 0.0)[-1:]


def _cadences(engine: sa.Engine, twin: str) -> list[tuple[str, int | None]]:
    c = tables.sensors.c
    with reading(engine) as connection:
        return [(name, seconds) for name, seconds in connection.execute(
            sa.select(c.name, c.cadence_s).where(c.twin_id == twin, c.status == "active")
        )]  # fmt: skip


def issues_of(pin: str) -> xr.Dataset | None:
    """Return all forecast issues of the cube that a pin names, None where there is none."""
    pointer = read_pointer(pin)
    if pointer["snapshot"] is None:
        return None
    try:
        return open_issues(Path(pointer["store"]), pointer["snapshot"])
    except StoreError:
        return None


def from_models(
    issues: xr.Dataset | None, observed: xr.Dataset, settings: dict[str, Any], until: dt.datetime
) -> list[Judgement]:
    """Judge the forecast by its issues of the last fortnight: their error over what their own spread promises.

    Members drawn from what the weather is drawn from too come out at 1; a forecast that is biased or too sure of itself
    comes out above.

    Parameters
    ----------
    issues
        `air_temperature` (issue, member, lead) and `valid_time` (issue, lead); None where there is no cube.
    observed
        Hourly `air_temperature`.
    settings, until
        The section `health`, and the time up to which data entered.
    """
    made = rules(settings)
    if issues is None or "failing_model" not in made:
        return []
    end = np.datetime64(until.replace(tzinfo=None), "ns")
    seen = pd.Series(observed["air_temperature"].to_numpy(), pd.DatetimeIndex(observed["time"].to_numpy()))
    errors, promised = np.empty(0), np.empty(0)
    recent = (issues["issue"].to_numpy() >= end - np.timedelta64(RECENT_DAYS, "D")) & (issues["issue"].to_numpy() < end)
    for number in np.flatnonzero(recent):
        issue = issues.isel(issue=number)
        known = seen.reindex(pd.DatetimeIndex(issue["valid_time"].to_numpy())).to_numpy()
        members = issue["air_temperature"].transpose("member", "lead").to_numpy()
        error, spread = evidence.ensemble_error(members, known)
        scored = np.isfinite(error) & np.isfinite(spread)
        errors, promised = np.append(errors, error[scored]), np.append(promised, spread[scored])
    few = errors.size < LEAST_SCORED or promised.mean() <= 0
    figures = (np.nan, np.nan) if few else (float(errors.mean()), float(promised.mean()))
    told = evidence.model_failure(*figures, until, "forecast", scored_hours=int(errors.size))
    return [judge(told, made["failing_model"])]


def from_series(forecast: dict[str, Any], settings: dict[str, Any], until: dt.datetime) -> list[Judgement]:
    """Judge the models of the daily series by their backtest: the published interval, the chosen one's skill, the fits.

    Of each rule the judgements that raise danger, or else the one nearest to it.

    Parameters
    ----------
    forecast
        The product ``forecast``.
    settings, until
        The section `health`, and the time up to which data entered.
    """
    made = rules(settings)
    judged: dict[str, list[Judgement]] = {name: [] for name in MODEL_RULES if name in made}
    for variable, entry in forecast["variables"].items():
        chosen = next(score for score in entry["scores"] if score["model"] == entry["chosen"])
        interval, known = entry["interval"], chosen["n"] >= LEAST_SCORED
        unconverged = [score["model"] for score in entry["scores"] if not score["converged"]]
        figures = {
            "model_coverage": abs(interval["coverage"] - interval["nominal"]) if known else np.nan,
            "model_skill": 1.0 - chosen["crps_skill"] if known else np.nan,
            "unconverged_model": len(unconverged),
        }
        notes = {"scored_days": chosen["n"], "coverage": interval["coverage"], "unconverged": unconverged}
        for name, found in judged.items():
            source = f"{entry['chosen']} ({variable})"
            told = evidence.of_model(made[name].quantity, figures[name], until, source, **notes)
            found.append(judge(told, made[name]))
    return [one for found in judged.values() for one in raised_or_nearest(found)]
