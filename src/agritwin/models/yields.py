"""A harvest predicted before it is made, published only as far as past harvests justify it."""

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from agritwin import fingerprint
from agritwin.errors import DataError
from agritwin.models import backtest, scoring, yield_models
from agritwin.models.features import FEATURES, Feature
from agritwin.models.yield_models import Model, Rows

MINIMUM_HARVESTS = 5
RIDGE_ROWS = 100
LEAST_PAIRS = 4  # of a harvest and the one before, for last year's yield to be a baseline
CONFIDENCE = 0.9  # one-sided, that the gain over the baseline is no accident
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
# Yield by years of age (kg/ha), of which only the shape counts: a grower in Zamora reports 200 at 5 years, 700-800 at 7
# and 1,800 in full bearing, here taken to begin at 12 (a prior from the press, to be replaced by the holding's own).
AGE_CURVES: Mapping[str, Mapping[int, float]] = {"pistachio": {4: 50.0, 5: 200.0, 7: 750.0, 12: 1800.0}}
BASELINE_NAMES = {
    "mean": "the mean of past years",
    "last_year": "last year's yield",
    "trend": "the trend of past years",
    "age_curve": "the age curve",
}


def training_table(
    harvests: pd.DataFrame,
    features: pd.DataFrame,
    planting_year: int | None = None,
    age_curve: Mapping[int, float] | None = None,
) -> pd.DataFrame:
    """One row for each parcel and harvest year, with all that was known at the day of issue.

    Parameters
    ----------
    harvests
        Columns `parcel`, `year`, `yield` (kg/ha); one row a parcel and year.
    features
        Columns of features by `year`, or by `parcel` and `year` (see `features.season_features`).
    planting_year, age_curve
        Year of planting and yield expected at some ages (kg/ha by years of age); between them a straight line.

    Returns
    -------
    DataFrame of the years of `features`, sorted; `yield` is NaN for a year not harvested yet.

    Raises
    ------
    DataError
        Where a parcel has two harvests in a year, or a harvest is negative.
    """
    wrong = harvests.duplicated(["parcel", "year"]).to_numpy() | (harvests["yield"].to_numpy(float) < 0)
    if wrong.any():
        parcel, year = harvests[["parcel", "year"]].to_numpy()[wrong][0]
        raise DataError(
            f"The harvest of {parcel} in {year} is there twice or negative.",
            "Correct the record; add up the pickings of one season.",
        )
    known = harvests.set_index(["parcel", "year"])["yield"].astype(float)
    rows = features.reset_index()
    if "parcel" not in rows:
        rows = pd.DataFrame({"parcel": harvests["parcel"].unique()}).merge(rows, how="cross")
    index = pd.MultiIndex.from_arrays([rows["parcel"], rows["year"]])
    before = pd.MultiIndex.from_arrays([rows["parcel"], rows["year"] - 1])
    ages = sorted(age_curve) if planting_year is not None and age_curve else []
    by_age = (
        np.interp(rows["year"] - (planting_year or 0), ages, [age_curve[a] for a in ages])
        if age_curve and ages
        else np.nan
    )
    columns = {
        "yield": known.reindex(index).to_numpy(),
        "previous_yield": known.reindex(before).to_numpy(),
        "expected_by_age": by_age,
    }
    table = pd.concat(
        [rows[["parcel", "year"]].assign(**columns), rows[features.columns.drop("parcel", errors="ignore")]], axis=1
    )
    return table.sort_values(["parcel", "year"], ignore_index=True)


def candidates(past: Rows, features: tuple[Feature, ...] = FEATURES) -> dict[str, Model]:
    """Baselines and models that the harvests allow: the age curve where ages are known, ridge from 100 rows on."""
    models: dict[str, Model] = {
        "mean": yield_models.mean_of_past_years,
        "trend": yield_models.trend,
    }
    if np.isfinite(past.previous).sum() >= LEAST_PAIRS:
        models["last_year"] = yield_models.last_year
    if (past.by_age > 0).all():
        models["age_curve"] = yield_models.age_curve
    models["bayesian"] = yield_models.bayesian(features)
    if len(past) >= RIDGE_ROWS:
        models["ridge"] = yield_models.ridge(features)
    return models


def leave_one_year_out(past: Rows, models: Mapping[str, Model]) -> pd.DataFrame:
    """Predict each year from all others: years share their weather, so a year leaves as a whole.

    A training row of the following year loses its `previous` yield, which is the harvest to be predicted.

    Returns
    -------
    DataFrame with a row for each harvest and model: `parcel` (number), `year`, `model`, `observed`, `predicted`
    (median), `low`, `high` (90 % interval) and `crps`, all in the unit of the yield.
    """
    parts = []
    for year in np.unique(past.year):
        rows, train = past.where(past.year == year), past.where(past.year != year)
        train = replace(train, previous=np.where(train.year == year + 1, np.nan, train.previous))
        for name, model in models.items():
            answer = model(train, rows)
            columns = {
                "parcel": rows.parcel,
                "year": rows.year,
                "model": name,
                "observed": rows.harvest,
                "predicted": answer.quantile(0.5),
                "low": answer.quantile(0.05),
                "high": answer.quantile(0.95),
                "crps": answer.crps(rows.harvest),
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def score_table(folds: pd.DataFrame) -> pd.DataFrame:
    """Scores by model: `n`, `rmse`, `mae`, `crps` (unit of the yield), `coverage_90`, `crps_skill` over the mean."""
    error = folds["predicted"] - folds["observed"]
    inside = folds["observed"].between(folds["low"], folds["high"])
    grouped = folds.assign(square=error**2, absolute=error.abs(), inside=inside).groupby("model", sort=False)
    table = grouped.agg(
        n=("year", "size"),
        mse=("square", "mean"),
        mae=("absolute", "mean"),
        crps=("crps", "mean"),
        coverage_90=("inside", "mean"),
    )
    table.insert(1, "rmse", np.sqrt(table.pop("mse")))
    table["crps_skill"] = scoring.skill(table["crps"], table.loc["mean", "crps"])
    return table


def gain_bound(folds: pd.DataFrame, model: str, baseline: str) -> float:
    """Lower bound of the mean gain in CRPS of a model over a baseline (unit of the yield), years being the cases.

    One-sided Student interval at 90 % of the yearly differences of the two scores.
    """
    by_year = folds.pivot_table("crps", "year", "model")
    gain = (by_year[baseline] - by_year[model]).to_numpy()
    return float(gain.mean() - stats.t.ppf(CONFIDENCE, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain)))


@dataclass(frozen=True)
class YieldOutcome:
    """What is published about a harvest to come.

    Parameters
    ----------
    code, sentence
        `gain`, `no_gain` or `not_enough_data`, and what it means in plain English.
    gain
        True only where a model beats the best baseline beyond accident on years that it had not seen.
    method, baseline
        The model published (None where nothing is) and the baseline that had to be beaten.
    quantiles
        Predicted yield in kg/ha by level, empty where nothing is published.
    harvests
        Number of rows of the training table that have a harvest.
    scores, folds
        See `score_table` and `leave_one_year_out`; empty where nothing could be scored.
    card
        Model card: plain values for JSON.
    """

    code: str
    sentence: str
    gain: bool
    method: str | None
    baseline: str | None
    quantiles: dict[float, float]
    harvests: int
    scores: pd.DataFrame
    folds: pd.DataFrame
    card: dict[str, Any]


def yield_outcome(
    table: pd.DataFrame,
    year: int,
    issue: datetime.date,
    *,
    parcel: str | None = None,
    features: tuple[Feature, ...] = FEATURES,
    minimum_harvests: int = MINIMUM_HARVESTS,
) -> YieldOutcome:
    """Score baselines and models on past harvests, and publish the one that deserves it for `year`.

    Parameters
    ----------
    table
        See `training_table`; its rows before `year` with a harvest train, the row of `year` is predicted.
    year, issue, parcel
        Harvest year, day of issue, and the parcel where the table has several.
    minimum_harvests
        Harvest years below which nothing is fitted.

    Raises
    ------
    DataError
        Where the table has no row for that parcel and year.
    """
    rows = Rows.of(table)
    parcel = parcel or str(table["parcel"].iloc[0])
    wanted = (table["parcel"].astype(str) == parcel).to_numpy() & (rows.year == year)
    if not wanted.any():
        raise DataError(
            f"The training table has no row for {parcel} in {year}.", "Make the features of that year first."
        )
    known = (rows.year < year) & np.isfinite(rows.harvest)
    past, records = rows.where(known), pd.DataFrame(table.loc[known])
    if len(np.unique(past.year)) < minimum_harvests:
        sentence = f"not enough harvests (n < {minimum_harvests})"
        card = model_card(records, None, None, issue, features)
        none = pd.DataFrame()
        return YieldOutcome("not_enough_data", sentence, False, None, None, {}, len(past), none, none, card)
    models = candidates(past, features)
    folds = leave_one_year_out(past, models)
    scores = score_table(folds)
    baseline = backtest.choose(scores.filter(items=BASELINE_NAMES, axis=0), "mean").model
    challenger = str(scores.drop(index=list(BASELINE_NAMES), errors="ignore")["crps"].idxmin())
    gain = gain_bound(folds, challenger, baseline) > 0
    method = challenger if gain else baseline
    answer = models[method](past, rows.where(wanted))
    return YieldOutcome(
        code="gain" if gain else "no_gain",
        sentence=f"{'gain' if gain else 'no gain'} over {BASELINE_NAMES[baseline]}",
        gain=gain,
        method=method,
        baseline=baseline,
        quantiles={level: float(answer.quantile(level)[0]) for level in LEVELS},
        harvests=len(past),
        scores=scores,
        folds=folds,
        card=model_card(records, method, scores, issue, features),
    )


def model_card(
    past: pd.DataFrame,
    method: str | None,
    scores: pd.DataFrame | None,
    issue: datetime.date,
    features: Sequence[Feature],
) -> dict[str, Any]:
    """Describe a model: what it is, the data and code it came from, its priors and its scores."""
    priors = {
        feature.name: {"step": feature.scale, "units": feature.units, "effect": feature.effect, "sd": feature.effect_sd}
        for feature in features
        if feature.name in past
    }
    return {
        "model": method,
        "issue": issue.isoformat(),
        "harvests": len(past),
        "years": sorted({int(year) for year in past["year"]}),
        "parcels": sorted({str(parcel) for parcel in past["parcel"]}),
        "data": hashlib.sha256(past.to_csv(index=False, float_format="%.9g").encode()).hexdigest()[:16],
        "code": fingerprint.code(__name__),
        "priors": {
            **priors,
            "last_year": {"effect": yield_models.LAST_YEAR[0], "sd": yield_models.LAST_YEAR[1]},
            "noise": yield_models.NOISE,
        },
        "metrics": {} if scores is None else scores.round(6).to_dict("index"),
    }
