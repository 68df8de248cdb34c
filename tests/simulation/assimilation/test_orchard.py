"""The orchard corrected by observations: the same balance as without, and what each kind of observation teaches."""

import datetime
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from agritwin.errors import ConfigError
from agritwin.simulation.assimilation.cycle import assimilate, open_loop
from agritwin.simulation.assimilation.ensemble import Unknown
from agritwin.simulation.assimilation.observations import Observation
from agritwin.simulation.assimilation.orchard import SCALES, OrchardModel
from agritwin.simulation.orchard.balance import simulate
from tests.simulation.assimilation import twin_experiment as twin
from tests.simulation.orchard.conftest import orchard, season

MEMBERS = 64


def grove(**changes):
    """Members that differ in water, cover and leaves."""
    random = np.random.default_rng(1)
    out = np.datetime64("2024-04-12", "s") + (86_400 * random.integers(-8, 9, MEMBERS)).astype("timedelta64[s]")
    given = orchard(
        total_available_water=random.uniform(100, 180, MEMBERS), cover_maximum=random.uniform(0.2, 0.5, MEMBERS),
        leaf_out=out, initial_depletion_share=0.3, potential_yield=1000.0, **changes,
    )  # fmt: skip
    return xr.Dataset({name: ("member", np.broadcast_to(np.asarray(value), MEMBERS)) for name, value in given.items()})


def seen(quantity, value, day="2024-08-01", error=0.01, **about):
    return Observation(datetime.date.fromisoformat(day), quantity, value, error, quantity, **about)


def test_it_is_the_same_balance_day_by_day():
    weather, parameters = season(), grove()
    model = OrchardModel(weather, parameters)
    free, end = open_loop(model, model.prior("total_available_water", "leaf_out"))
    expected = simulate(weather, parameters)
    for name in ("root_zone_depletion", "ks", "kcb", "ground_cover"):
        np.testing.assert_array_equal(free[name], expected[name], err_msg=name)
    relative = model.predict("relative_yield", model.prior(), end, 364)
    np.testing.assert_array_equal(relative, expected["relative_yield_water"])


def test_zero_observations_equal_the_open_loop_bit_for_bit():
    weather, members = twin.weather_of(0), 50
    model, prior = twin.model(weather, members), twin.drawn(members, np.random.default_rng(0))
    free, end = open_loop(model, prior)
    for lag_days in (None, 0, 20):
        found = assimilate(model, prior, twin.ESTIMATED, [], lag_days=lag_days)
        assert found.state.tobytes() == end.tobytes()
        assert all(found.smoothed[name].to_numpy().tobytes() == free[name].to_numpy().tobytes() for name in free)


def test_the_same_seed_gives_the_same_bytes():
    runs = [twin.experiment(3, 40) for _ in range(2)]
    assert runs[0][0] == runs[1][0]
    assert runs[0][1].equals(runs[1][1])


@pytest.mark.parametrize(
    ("quantity", "day", "unknown"),
    [
        ("depletion_share", "2024-06-10", "total_available_water"),
        ("soil_moisture", "2024-06-10", "total_available_water"),
        ("root_zone_depletion", "2024-06-10", "total_available_water"),
        ("ground_cover", "2024-07-01", "cover_maximum"),
        ("leaf_out", "2024-04-20", "leaf_out"),
        ("yield", "2024-09-20", "potential_yield"),
    ],
)
def test_an_observation_draws_its_prediction_and_its_unknown(quantity, day, unknown):
    names = ("total_available_water", "cover_maximum", "leaf_out", "potential_yield")
    weather = season().sel(day=slice(None, day))
    model = OrchardModel(weather, grove(), water_content=(0.25, 0.10))
    prior = model.prior(*names)
    prior["potential_yield"] = prior["potential_yield"] * np.linspace(0.6, 1.4, MEMBERS)
    last = weather.sizes["day"] - 1
    expected = model.predict(quantity, prior, open_loop(model, prior)[1], last)
    value = float(expected.mean() + 1.5 * expected.std())
    one = seen(quantity, value, day, error=0.2 * float(expected.std()))
    found = assimilate(model, prior, [SCALES[name] for name in names], [one])
    after = model.predict(quantity, found.unknowns, found.state, last)
    assert abs(after.mean() - value) < 0.3 * abs(expected.mean() - value)
    posterior = found.unknowns[unknown]
    assert posterior.std() / posterior.mean() < 0.9 * prior[unknown].std() / prior[unknown].mean()
    assert list(found.log["verdict"]) == ["good"]


def test_a_biased_probe_is_found_out():
    """A satellite cannot tell, but the course of the season can: rain fills the soil whatever the probe says."""
    scores = [twin.experiment(seed, 100)[0]["bias"] for seed in range(4)]
    assert sum(score.filtered for score in scores) < 0.6 * sum(score.open_loop for score in scores)


def test_a_probe_that_gets_stuck_does_no_harm():
    """Believed, it would be worse than no observation: here three times as wrong as the weather alone."""
    errors = {"free": 0.0, "stuck": 0.0}
    for seed in (1, 3):
        weather, random = twin.weather_of(seed), np.random.default_rng(seed)
        truth, secret = twin.model(weather, 1), twin.drawn(1, random)
        course = open_loop(truth, secret)[0]["root_zone_depletion"].to_numpy()[0]
        seen, prior = twin.observed(truth, secret, course, random), twin.drawn(80, random)
        last = sorted((one for one in seen if one.bias), key=lambda one: one.day)[22]
        stuck = [replace(one, value=last.value) if one.bias and one.day > last.day else one for one in seen]
        model = twin.model(weather, 80)
        runs = {"free": open_loop(model, prior)[0], "stuck": assimilate(model, prior, twin.ESTIMATED, stuck).filtered}
        for name, run in runs.items():
            difference = run["root_zone_depletion"].median("member").to_numpy() - course
            errors[name] += float((difference[150:] ** 2).mean() ** 0.5)
    assert errors["stuck"] < 0.6 * errors["free"]


def test_smoothed_water_balance_closes_and_keeps_its_bounds():
    weather, members = twin.weather_of(5), 80
    random = np.random.default_rng(5)
    model = twin.model(weather, members)
    truth, secret = twin.model(weather, 1), twin.drawn(1, random)
    course = open_loop(truth, secret)[0]["root_zone_depletion"].to_numpy()[0]
    found = assimilate(model, twin.drawn(members, random), twin.ESTIMATED, twin.observed(truth, secret, course, random))
    again = open_loop(model, found.unknowns)[0]  # one season from the posterior: nothing was added on the way
    np.testing.assert_array_equal(found.smoothed["root_zone_depletion"], again["root_zone_depletion"])
    depletion = found.filtered["root_zone_depletion"].to_numpy()
    assert (depletion >= 0.0).all()
    assert (depletion <= found.unknowns["total_available_water"].max() + 20.0).all()


def test_what_it_cannot_predict_is_refused():
    model = OrchardModel(season(), grove())
    with pytest.raises(ConfigError, match="soil_moisture"):  # without field capacity and wilting point
        assimilate(model, {}, [], [seen("soil_moisture", 0.2)])
    with pytest.raises(ConfigError, match="bias"):
        assimilate(model, {}, [Unknown("bias")], [seen("depletion_share", 0.2, bias="bias")])
