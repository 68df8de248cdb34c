"""The square-root filter against the Kalman filter, and its parts against what they are for."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.errors import ConfigError
from agritwin.simulation.assimilation.cycle import assimilate, consistency, open_loop
from agritwin.simulation.assimilation.ensemble import Unknown, exact_ensemble, from_scale, to_scale
from agritwin.simulation.assimilation.filter import Inflation, inflate, taper, update
from agritwin.simulation.assimilation.observations import Checks, Observation

DAYS = np.datetime64("2024-05-01", "s") + np.arange(20) * np.timedelta64(86_400, "s")
MATRIX = np.array([[0.95, 0.10], [-0.05, 0.90]])
START, SPREAD = np.array([1.0, -0.5, 0.3]), np.array([[1.0, 0.3, 0.1], [0.3, 0.8, -0.1], [0.1, -0.1, 0.5]])
ERROR = 0.4


class Linear:
    """Two states that turn into one another, driven by one unknown; both are observed, one of them with a bias."""

    days = DAYS
    corrected = slice(0, 2)

    def __init__(self, start):
        self.first = start

    def start(self, unknowns):
        return self.first.copy()

    def advance(self, unknowns, state, first, last):
        course = []
        for _ in range(first, last):
            state = MATRIX @ state + np.array([[0.2], [0.1]]) * unknowns["push"]
            course.append(state)
        return state, {"a": np.array(course)[:, 0], "b": np.array(course)[:, 1]}

    def predict(self, quantity, unknowns, state, day):
        return state[{"a": 0, "b": 1}[quantity]].copy()

    def bounded(self, unknowns, state):
        return state


def observations():
    random = np.random.default_rng(4)
    dates = DAYS.astype("datetime64[D]").tolist()
    return [
        Observation(
            dates[day], quantity, float(random.normal()), ERROR, quantity, "offset" if quantity == "a" else None
        )
        for day in (0, 3, 4, 9, 15)
        for quantity in ("a", "b")
    ]


def kalman(seen):
    """Mean and covariance of states, push and bias by the textbook's Kalman filter."""
    mean, covariance = np.concatenate([START, [0.2]]), np.zeros((4, 4))
    covariance[:3, :3], covariance[3, 3] = SPREAD, 0.25
    step = np.eye(4)
    step[:2, :2], step[:2, 2] = MATRIX, [0.2, 0.1]
    for day in DAYS.astype("datetime64[D]").tolist():
        mean, covariance = step @ mean, step @ covariance @ step.T
        for one in (one for one in seen if one.day == day):
            row = np.array([1.0, 0, 0, 1.0]) if one.quantity == "a" else np.array([0, 1.0, 0, 0])
            gain = covariance @ row / (row @ covariance @ row + one.error**2)
            mean = mean + gain * (one.value - row @ mean)
            covariance = (np.eye(4) - np.outer(gain, row)) @ covariance
    return mean, covariance


@pytest.mark.parametrize("lag_days", [0, 2, 6])
def test_a_linear_gaussian_problem_has_the_solution_of_the_kalman_filter(lag_days):
    covariance = np.zeros((4, 4))
    covariance[:3, :3], covariance[3, 3] = SPREAD, 0.25
    draws = exact_ensemble(np.concatenate([START, [0.2]]), covariance, 50, seed=1)
    prior = {"push": draws[2], "offset": draws[3]}
    found = assimilate(
        Linear(draws[:2]), prior, [Unknown("push"), Unknown("offset")], observations(), lag_days=lag_days,
        checks=Checks(gross=1e9, buddy=1e9), inflation=Inflation(0.0), tapered=False,
    )  # fmt: skip
    mean, covariance = kalman(observations())
    ensemble = np.concatenate([found.state, [found.unknowns["push"]], [found.unknowns["offset"]]])
    np.testing.assert_allclose(ensemble.mean(1), mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(np.cov(ensemble), covariance, rtol=0, atol=1e-10)


def test_exact_ensembles_have_the_moments_asked_for():
    ensemble = exact_ensemble(START, SPREAD, 12, seed=3)
    np.testing.assert_allclose(ensemble.mean(1), START, atol=1e-13)
    np.testing.assert_allclose(np.cov(ensemble), SPREAD, atol=1e-13)
    with pytest.raises(ConfigError, match="3 members"):
        exact_ensemble(START, SPREAD, 3, seed=3)


def test_without_observations_nothing_changes():
    draws = exact_ensemble(START, SPREAD, 20, seed=1)
    model, prior = Linear(draws[:2]), {"push": draws[2]}
    outside = Observation(datetime.date(2030, 1, 1), "a", 1.0, 1.0, "a")
    found = assimilate(model, prior, [Unknown("push", "logit", -9.0, 9.0)], [outside])
    free, end = open_loop(model, prior)
    assert found.smoothed.equals(free)
    assert found.filtered.equals(free)
    assert found.state.tobytes() == end.tobytes()
    assert found.unknowns["push"].tobytes() == draws[2].tobytes()
    assert list(found.log["verdict"]) == ["outside"]


@pytest.mark.parametrize("lag_days", [None, 0, 2])
def test_a_single_member_learns_nothing_and_stays_what_it_was(lag_days):
    model, prior = Linear(np.array([[1.0], [2.0]])), {"push": np.array([0.3]), "offset": np.array([0.1])}
    found = assimilate(model, prior, [Unknown("push"), Unknown("offset")], observations(), lag_days=lag_days)
    assert found.smoothed.equals(open_loop(model, prior)[0])
    assert found.unknowns["push"].item() == 0.3
    assert np.isfinite(found.log.select_dtypes("number")).all(axis=None)


@given(
    st.lists(st.floats(0.01, 0.99), min_size=2, max_size=30),
    st.floats(-50, 50),
    st.floats(1e-3, 1e3),
    st.sampled_from(["log", "logit"]),
)
def test_no_observation_leads_out_of_bounds(values, observed, error, transform):
    unknown = Unknown("share", transform, 0.0, 1.0)
    rows = to_scale((unknown,), {"share": np.array(values)})
    after = from_scale((unknown,), update(rows, np.array(values), observed, error**2))["share"]
    assert (after >= 0.0).all()
    assert transform == "log" or (after <= 1.0).all()


@given(st.floats(0.02, 0.98), st.sampled_from(["identity", "log", "logit"]))
def test_scales_go_back_to_where_they_came_from(value, transform):
    unknown = Unknown("share", transform, 0.0, 1.0)
    assert unknown.backward(unknown.forward(np.array([value])))[0] == pytest.approx(value, rel=1e-12)


def test_chance_is_not_taken_for_knowledge():
    random = np.random.default_rng(0)
    lost = {True: [], False: []}
    for _ in range(300):
        ensemble = random.standard_normal((2, 100))
        predicted = ensemble[0] + 0.3 * random.standard_normal(100)
        for tapered, losses in lost.items():
            after = update(ensemble, predicted, 0.0, 1e-6, tapered)
            losses.append(1.0 - after.var(1, ddof=1) / ensemble.var(1, ddof=1))
    seen, unseen = np.mean(lost[True], axis=0)
    seen_anyway, lost_by_chance = np.mean(lost[False], axis=0)
    assert seen == pytest.approx(seen_anyway, abs=0.01)  # what is observed is learnt all the same
    assert unseen < 0.75 * lost_by_chance  # of what has nothing to do with it less is lost
    np.testing.assert_allclose(taper(np.array([0.0, 1.0]), 100), [0.0, 1 / 1.02])


def test_inflation_finds_out_how_much_too_narrow_the_ensemble_is():
    random = np.random.default_rng(0)
    too_narrow, right = Inflation(0.1, highest=5.0), Inflation(0.1, highest=5.0)
    for _ in range(500):
        spread, variance = np.ones(4), np.full(4, 0.5)
        too_narrow.learn(random.normal(0, np.sqrt(2.0 + 0.5), 4), spread, variance)
        right.learn(random.normal(0, np.sqrt(1.0 + 0.5), 4), spread, variance)
    assert too_narrow.factor == pytest.approx(2.0, abs=0.4)
    assert right.factor == pytest.approx(1.0, abs=0.25)
    ensemble = random.standard_normal((3, 50))
    np.testing.assert_allclose(inflate(ensemble, 2.0).var(1), 2.0 * ensemble.var(1))
    assert inflate(ensemble, 1.0) is ensemble


def test_consistency_tells_a_filter_that_trusts_itself_too_much():
    draws = exact_ensemble(START, SPREAD, 20, seed=1)
    wild = [Observation(one.day, one.quantity, 40.0 * one.value, 1.0, one.stream) for one in observations()]
    found = assimilate(Linear(draws[:2]), {"push": draws[2]}, [], wild, lag_days=0, checks=Checks(gross=1e9, buddy=1e9))
    table = consistency(found.log).set_index("stream")
    assert list(table["observations"]) == [5, 5]
    assert (table["ratio"] > table["high"]).all()


def test_an_unknown_without_prior_is_refused():
    with pytest.raises(ConfigError, match="push"):
        assimilate(Linear(np.zeros((2, 3))), {}, [Unknown("push")], [])
    with pytest.raises(ConfigError, match="offset"):
        assimilate(Linear(np.zeros((2, 3))), {}, [], observations())
