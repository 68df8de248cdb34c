"""Predictions kept as runs in the record store, where they are listed, compared and set beside what came."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

import agritwin
from agritwin.clock import zone_info
from agritwin.records.instruments import define_measure
from agritwin.records.runs import record_run

LEVELS = {"0.05": "p05", "0.5": "p50", "0.95": "p95"}


@dataclass(frozen=True)
class Issue:
    """What a prediction was made of.

    Attributes
    ----------
    twin, zone
        Id and IANA zone.
    day
        The day after the last observed one.
    inputs
        Name -> digest of what went in.
    """

    twin: str
    zone: str
    day: dt.date
    inputs: Mapping[str, str]


def keep_forecasts(engine: sa.Engine, issue: Issue, variables: Mapping[str, Any]) -> list[int]:
    """Keep the published forecast of each series as a run of the model ``forecast``; the same again is the same run.

    Parameters
    ----------
    engine
        Record store.
    variables
        As the product ``forecast`` has them.

    Returns
    -------
    list of int
        Numbers of the runs, each of the scenario named after its variable; its measures are
        ``<variable>_forecast_p05``, ``_p50`` and ``_p95``, stamped with the local midnight that begins their day (UTC).
    """
    numbers = []
    for name, entry in variables.items():
        levels = {f"{name}_forecast_{word}": entry["quantiles"][level] for level, word in LEVELS.items()}
        values = pd.DataFrame(levels, _midnights(entry["days"], issue.zone))
        numbers.append(
            _keep(engine, issue, ("forecast", name), values, entry["units"], entry["chosen"], entry["scores"])
        )
    return numbers


def keep_yield(
    engine: sa.Engine, issue: Issue, prediction: Mapping[str, Any] | None, scores: pd.DataFrame
) -> int | None:
    """Keep a predicted harvest as a run of the model ``yield``, stamped with the last day of its year; None where none.

    Parameters
    ----------
    engine
        Record store.
    prediction, scores
        As the product ``yield`` has them; the scenario is the season.
    """
    if prediction is None:
        return None
    words = {"low": "p05", "value": "p50", "high": "p95"}
    levels = {f"yield_forecast_{word}": [prediction[name]] for name, word in words.items()}
    values = pd.DataFrame(levels, _midnights([dt.date(prediction["season"], 12, 31)], issue.zone))
    about = ("yield", str(prediction["season"]))
    return _keep(engine, issue, about, values, prediction["units"], prediction["model"], scores)


def _keep(
    engine: sa.Engine,
    issue: Issue,
    about: tuple[str, str],
    values: pd.DataFrame,
    units: str,
    chosen: str,
    scores: pd.DataFrame,
) -> int:
    for measure in values.columns:
        define_measure(engine, measure, units)
    score = scores.loc[scores["model"] == chosen].select_dtypes("number")
    manifest = {
        "inputs": dict(issue.inputs),
        "code": f"agritwin {agritwin.__version__}",
        "parameters": {"model": chosen},
        "metrics": {} if score.empty else score.iloc[0].dropna().astype(float).to_dict(),
        "seed": None,
    }
    rows = values.rename_axis("time").reset_index().melt("time", var_name="measure")
    return record_run(engine, issue.twin, *about, {}, issue.day, manifest, rows)


def _midnights(days: Any, zone: str) -> pd.DatetimeIndex:
    local = pd.DatetimeIndex(days).tz_localize(zone_info(zone), nonexistent="shift_forward", ambiguous=True)
    return local.tz_convert("UTC").tz_localize(None)
