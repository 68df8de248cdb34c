"""Age and alternate bearing: what growers told, and what must hold."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agritwin.errors import ConfigError
from agritwin.simulation.orchard import bearing, parameters


@pytest.fixture(scope="module")
def trees() -> xr.Dataset:
    return parameters.sample("pistachio", 200, seed=1)


def test_a_young_grove_of_zamora() -> None:
    one = parameters.sample("pistachio", 1, seed=1, mature_yield=1800.0, alternation=0.0)
    told = {4: 0.0, 5: 200.0, 7: 750.0, 12: 1800.0}
    for age, expected in told.items():
        found = bearing.crop(xr.DataArray([1.0], dims="member"), one, age, None)["crop"].item()
        assert found == pytest.approx(expected, abs=80.0)


def test_a_good_year_is_followed_by_a_poor_one_and_a_mean_one_by_a_mean_one() -> None:
    one = parameters.sample("pistachio", 1, seed=1, alternation=0.4)
    assert [bearing.rhythm(one, last).item() for last in (0.0, 0.6, 0.8, 1.0, 1.4, 3.0)] == pytest.approx(
        [1.4, 1.4, 1.2, 1.0, 0.6, 0.6]
    )


def test_two_such_years_have_the_published_index() -> None:
    one = parameters.sample("pistachio", 1, seed=1)
    swing = one["alternation"].item()
    good, poor = 1.0 + swing, bearing.rhythm(one, 1.0 + swing).item()
    assert (good - poor) / (good + poor) == pytest.approx(0.48)


def test_an_unknown_year_spreads_the_members_evenly(trees: xr.Dataset) -> None:
    factor = bearing.rhythm(trees)
    assert float(factor.mean()) == pytest.approx(1.0, abs=0.03)
    phase = np.sort(((factor - 1.0) / trees["alternation"]).to_numpy())
    np.testing.assert_allclose(phase, np.linspace(-1, 1, 200), atol=0.02)


@given(age=st.floats(0, 80), older=st.floats(0, 20), last=st.none() | st.floats(0, 3))
@settings(max_examples=40, deadline=None)
def test_crops_grow_with_age_and_are_never_negative(
    trees: xr.Dataset, age: float, older: float, last: float | None
) -> None:
    full = xr.DataArray(np.ones(200), dims="member")
    young, old = (bearing.crop(full, trees, years, last)["crop"] for years in (age, age + older))
    assert (young >= 0.0).all()
    assert (old >= young).all()


def test_impossible_trees_are_refused(trees: xr.Dataset) -> None:
    with pytest.raises(ConfigError, match="-3 years"):
        bearing.age_share(-3, trees)
    with pytest.raises(ConfigError, match="last_crop is -1"):
        bearing.rhythm(trees, -1.0)
