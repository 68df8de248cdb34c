"""Harvests predicted: a planted signal is found, noise is not, nothing leaks, few years are refused."""

import datetime
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from agritwin.errors import DataError
from agritwin.models import yield_models, yields
from agritwin.models.features import Feature
from agritwin.models.yield_models import Rows, conjugate

ISSUE = datetime.date(2024, 7, 15)


def feature(name, step, effect, effect_sd=0.1):
    return Feature(name, "1", (4, 1), (9, 15), (), lambda d: d, step, effect, effect_sd)


FROST_AND_NOISE = (feature("frost_hours", 1.0, -0.15), feature("noise", 1.0, 0.0))


def orchards(seed, signal, parcels=6, years=10):
    """Synthetic orchards: own level, alternate bearing, a frost effect of size `signal`, noise of 10 %."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(900, 1800, parcels)
    frost, noise = rng.normal(size=(2, years + 1))
    rows, last = [], np.zeros(parcels)
    for y in range(years + 1):
        last = -0.35 * last + signal * frost[y] + rng.normal(0, 0.1, parcels)
        rows += [(f"p{p}", 2014 + y, max(level[p] * (1 + last[p]), 0.0)) for p in range(parcels)]
    harvests = pd.DataFrame(rows, columns=["parcel", "year", "yield"])
    index = pd.Index(range(2014, 2014 + years + 1), name="year")
    return harvests, pd.DataFrame({"frost_hours": frost, "noise": noise}, index=index)


def outcome_of(harvests, features, year=2024):
    table = yields.training_table(harvests[harvests["year"] < year], features)
    return yields.yield_outcome(table, year, ISSUE, parcel="p0", features=FROST_AND_NOISE)


# The six yearly rows printed in the training notebook of the published platform that this project learns from.
SIX_YEARS = pd.DataFrame({"parcel": "p0", "year": range(2018, 2024), "yield": [430.0, 650, 479, 630, 501, 595]})
SIX_WEATHERS = pd.DataFrame(
    {
        "precipitation": [606.0, 430.3, 449.9, 504.1, 434.4, 362.9, 430.0],
        "temperature": [11.506, 12.108, 12.547, 11.876, 13.165, 12.823, 12.3],
    },
    index=pd.Index(range(2018, 2025), name="year"),
)
SIX_FEATURES = (feature("precipitation", 80.0, 0.1), feature("temperature", 0.5, 0.0))


@pytest.fixture(scope="module")
def six():
    table = yields.training_table(SIX_YEARS, SIX_WEATHERS)
    return yields.yield_outcome(table, 2024, ISSUE, features=SIX_FEATURES)


def test_six_years_show_no_gain_and_the_mean_is_published_with_its_interval(six):
    assert not six.gain
    assert six.code == "no_gain"
    assert six.sentence == "no gain over the mean of past years"
    assert six.method == "mean"
    assert six.quantiles[0.5] == pytest.approx(SIX_YEARS["yield"].mean())
    assert six.quantiles[0.05] < 430 < 650 < six.quantiles[0.95]


def test_the_mean_of_the_other_five_years_misses_by_93_as_was_measured_elsewhere(six):
    assert six.scores.loc["mean", "mae"] == pytest.approx(93.0, abs=0.05)


def test_the_interval_of_the_mean_is_that_of_the_textbook(six):
    """Mean +- t(0.95, 5) s sqrt(1 + 1/6)."""
    values = SIX_YEARS["yield"]
    half = stats.t.ppf(0.95, 5) * values.std(ddof=1) * np.sqrt(1 + 1 / 6)
    assert six.quantiles[0.95] == pytest.approx(values.mean() + half)


def test_a_planted_signal_is_found():
    outcome = outcome_of(*orchards(1, -0.25))
    assert outcome.gain
    assert outcome.method == "bayesian"
    assert outcome.scores.loc["bayesian", "crps_skill"] > 0.3
    assert outcome.sentence.startswith("gain over")


def test_the_planted_harvest_is_inside_the_interval_nine_times_of_ten():
    inside = []
    for seed in range(12):
        harvests, features = orchards(seed, -0.25)
        folds = outcome_of(harvests, features).folds
        model = folds[folds["model"] == "bayesian"]
        inside.append(model["observed"].between(model["low"], model["high"]).mean())
    assert np.mean(inside) == pytest.approx(0.9, abs=0.06)


def test_a_signal_that_is_not_there_is_rarely_found():
    """One-sided at 90 %: about one false gain in ten panels without weather effect or alternation."""
    gains = []
    for seed in range(20):
        harvests, features = orchards(seed, 0.0, parcels=3, years=8)
        shuffled = harvests.assign(**{"yield": np.random.default_rng(seed).permutation(harvests["yield"].to_numpy())})
        gains.append(outcome_of(shuffled, features, 2022).gain)
    assert sum(gains) <= 4


def test_harvests_of_the_predicted_year_and_later_do_not_change_the_prediction():
    harvests, features = orchards(2, -0.25)
    table = yields.training_table(harvests, features)
    later = table.copy()
    later.loc[later["year"] >= 2022, "yield"] = 1e6
    before, after = (
        yields.yield_outcome(t, 2022, ISSUE, parcel="p0", features=FROST_AND_NOISE) for t in (table, later)
    )
    assert before.quantiles == after.quantiles
    assert before.card["data"] == after.card["data"]
    pd.testing.assert_frame_equal(before.folds, after.folds)


def test_leaving_a_year_out_hides_its_harvest_from_the_year_after():
    """A model that simply reads last year's yield of the training rows must not see the one left out."""
    seen = []

    def spy(train, rows):
        seen.append((int(rows.year[0]), set(train.previous[np.isfinite(train.previous)])))
        return yield_models.mean_of_past_years(train, rows)

    past = Rows.of(yields.training_table(SIX_YEARS, SIX_WEATHERS.loc[:2023]))
    yields.leave_one_year_out(past, {"mean": spy})
    for year, previous in seen:
        assert float(SIX_YEARS.set_index("year").loc[year, "yield"]) not in previous


@pytest.mark.parametrize("years", [1, 4])
def test_fewer_than_five_harvests_are_an_outcome_and_not_a_fit(years):
    table = yields.training_table(SIX_YEARS.tail(years), SIX_WEATHERS)
    outcome = yields.yield_outcome(table, 2024, ISSUE, features=SIX_FEATURES)
    assert outcome.code == "not_enough_data"
    assert outcome.sentence == "not enough harvests (n < 5)"
    assert not outcome.gain
    assert outcome.quantiles == {}
    assert outcome.harvests == years


def test_the_conjugate_regression_with_a_flat_prior_is_least_squares():
    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(30), rng.normal(size=30)])
    y = x @ [0.2, -0.4] + rng.normal(0, 0.1, 30)
    posterior = conjugate(x, y, np.zeros(2), np.full(2, 1e6))
    assert posterior.mean == pytest.approx(np.linalg.lstsq(x, y)[0], abs=1e-6)


def test_the_conjugate_regression_does_not_care_in_which_order_harvests_come():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(9, 2)), rng.normal(size=9)
    order = rng.permutation(9)
    whole, mixed = (conjugate(a, b, np.ones(2), np.full(2, 0.3)) for a, b in ((x, y), (x[order], y[order])))
    assert whole.mean == pytest.approx(mixed.mean)
    assert whole.rate == pytest.approx(mixed.rate)


def test_without_data_the_conjugate_regression_returns_its_prior():
    posterior = conjugate(np.zeros((0, 2)), np.zeros(0), np.array([0.1, -0.3]), np.array([0.2, 0.3]))
    assert posterior.mean == pytest.approx([0.1, -0.3])
    at_zero, at_one = posterior.predict(np.array([[0.0, 0.0], [0.0, 1.0]])).scale
    assert at_one**2 - at_zero**2 == pytest.approx(0.3**2 / 2)


def test_the_predictive_distribution_is_that_of_draws_from_the_posterior():
    """Normal inverse gamma by simulation: variance drawn, then effects, then the harvest."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(8, 2)), rng.normal(0, 0.3, 8)
    posterior = conjugate(x, y, np.array([0.0, 0.2]), np.array([0.15, 0.3]))
    at = np.array([[1.0, 0.5]])
    variance = posterior.rate / rng.gamma(posterior.shape, size=200_000)
    root = np.linalg.cholesky(posterior.covariance)
    effects = posterior.mean + np.sqrt(variance)[:, None] * (rng.normal(size=(200_000, 2)) @ root.T)
    harvests = effects @ at[0] + np.sqrt(variance) * rng.normal(size=200_000)
    answer = posterior.predict(at)
    for level in (0.05, 0.5, 0.95):
        expected = stats.t.ppf(level, answer.dof, answer.location, answer.scale)[0]
        assert np.quantile(harvests, level) == pytest.approx(expected, abs=0.01)


def test_the_age_curve_scales_to_the_parcel_and_is_offered_only_where_ages_are_known():
    curve = {5: 200.0, 7: 750.0, 12: 1800.0}
    harvests = pd.DataFrame({"parcel": "p0", "year": range(2015, 2021), "yield": [100.0, 237.5, 375, 480, 585, 690]})
    features = pd.DataFrame({"noise": np.zeros(7)}, index=pd.Index(range(2015, 2022), name="year"))
    table = yields.training_table(harvests, features, planting_year=2010, age_curve=curve)
    assert table["expected_by_age"].tolist() == [200, 475, 750, 960, 1170, 1380, 1590]
    outcome = yields.yield_outcome(table, 2021, ISSUE, features=FROST_AND_NOISE)
    assert outcome.baseline == "age_curve"
    assert outcome.quantiles[0.5] == pytest.approx(795)
    assert "age_curve" not in yields.candidates(Rows.of(yields.training_table(harvests, features)))


def test_ridge_is_offered_from_a_hundred_rows_and_finds_the_signal_too():
    harvests, features = orchards(7, -0.25, parcels=12, years=10)
    past = Rows.of(yields.training_table(harvests, features))
    assert "ridge" in yields.candidates(past)
    few = past.where(past.year < 2020)
    assert "ridge" not in yields.candidates(few)
    scores = yields.score_table(yields.leave_one_year_out(past, yields.candidates(past, FROST_AND_NOISE)))
    assert scores.loc["ridge", "crps_skill"] > 0.3


def test_the_training_table_is_a_product_with_one_row_a_parcel_and_year():
    table = yields.training_table(SIX_YEARS, SIX_WEATHERS)
    assert len(table) == 7
    assert table.loc[table["year"] == 2019, "previous_yield"].item() == 430
    assert np.isnan(table.loc[table["year"] == 2018, "previous_yield"].item())
    assert np.isnan(table.loc[table["year"] == 2024, "yield"].item())


@pytest.mark.parametrize("wrong", [pd.concat([SIX_YEARS, SIX_YEARS.tail(1)]), SIX_YEARS.assign(**{"yield": -1.0})])
def test_doubled_and_negative_harvests_are_refused(wrong):
    with pytest.raises(DataError, match="twice or negative"):
        yields.training_table(wrong, SIX_WEATHERS)


def test_an_unknown_feature_counts_as_a_usual_year():
    harvests, features = orchards(8, -0.25)
    unknown, usual = features.copy(), features.copy()
    unknown.loc[2024, "frost_hours"] = np.nan
    usual.loc[2024, "frost_hours"] = features.loc[:2023, "frost_hours"].mean()
    assert outcome_of(harvests, unknown).quantiles[0.5] == pytest.approx(outcome_of(harvests, usual).quantiles[0.5])


def test_last_year_is_no_baseline_where_it_is_hardly_known():
    every_other = SIX_YEARS.assign(year=range(2012, 2024, 2))
    weather = pd.DataFrame({"precipitation": 400.0}, index=pd.Index(range(2012, 2025), name="year"))
    outcome = yields.yield_outcome(yields.training_table(every_other, weather), 2024, ISSUE, features=SIX_FEATURES)
    assert "last_year" not in outcome.scores.index


def test_an_orchard_that_never_bore_is_expected_to_bear_nothing():
    table = yields.training_table(
        SIX_YEARS.assign(**{"yield": 0.0}), SIX_WEATHERS, 2015, yields.AGE_CURVES["pistachio"]
    )
    outcome = yields.yield_outcome(table, 2024, ISSUE, features=SIX_FEATURES)
    assert not outcome.gain
    assert outcome.quantiles[0.5] <= 2


def test_no_quantile_of_a_harvest_is_negative():
    poor = SIX_YEARS.assign(**{"yield": [0.0, 900, 0, 1100, 0, 50]})
    outcome = yields.yield_outcome(yields.training_table(poor, SIX_WEATHERS), 2024, ISSUE, features=SIX_FEATURES)
    assert min(outcome.quantiles.values()) == 0


def test_the_card_tells_data_code_priors_and_scores_in_plain_json(six):
    card = json.loads(json.dumps(six.card, allow_nan=False))
    assert card["harvests"] == 6
    assert card["issue"] == "2024-07-15"
    assert card["priors"]["precipitation"] == {"step": 80.0, "units": "1", "effect": 0.1, "sd": 0.1}
    assert card["metrics"]["mean"]["mae"] == pytest.approx(93.0, abs=0.05)
    assert len(card["data"]) == len(card["code"]) == 16


def test_a_year_without_features_is_refused(six):
    with pytest.raises(DataError, match="no row for p0 in 2030"):
        yields.yield_outcome(yields.training_table(SIX_YEARS, SIX_WEATHERS), 2030, ISSUE)
