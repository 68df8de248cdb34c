"""The gates of the twin experiment: 40 truths by default, 120 at full length, fixed seeds."""

import pandas as pd
import pytest

from tests.simulation.assimilation import twin_experiment as twin

TRUTHS, ALL, MEMBERS = 40, 120, 200


@pytest.fixture(scope="module")
def table(thorough):
    outcomes = [twin.experiment(seed, MEMBERS)[0] for seed in range(ALL if thorough else TRUTHS)]
    found = twin.summary(outcomes)
    print(found.round(3).to_string())
    return found


@pytest.mark.parametrize("quantity", ["depletion", "forecast", "yield"])
def test_errors_are_at_most_six_tenths_of_the_open_loop(table, quantity):
    assert table.loc[quantity, "ratio"] <= 0.60


@pytest.mark.parametrize("quantity", ["depletion", "forecast", "yield"])
def test_nine_of_ten_truths_lie_within_the_90_percent_interval(table, quantity):
    assert 0.86 <= table.loc[quantity, "coverage"] <= 0.94


@pytest.mark.parametrize("quantity", ["depletion", "forecast", "yield"])
def test_rank_histograms_are_flat(table, quantity):
    assert table.loc[quantity, "flat"] > 0.01


def test_the_chance_that_water_will_be_needed_comes_true(thorough):
    found = pd.concat([twin.chances_of_need(seed, MEMBERS) for seed in range(TRUTHS if thorough else 10)])
    errors = {name: ((found[name] - found["came"]) ** 2).mean() for name in ("told", "free")}
    often = found["came"].mean()
    assert errors["told"] < 0.5 * errors["free"] < 0.5 * often * (1 - often)
    assert found["told"].mean() == pytest.approx(often, abs=0.02)
    unsure = found[found["told"].between(0.1, 0.9)]
    assert unsure["came"].mean() == pytest.approx(unsure["told"].mean(), abs=0.15)
