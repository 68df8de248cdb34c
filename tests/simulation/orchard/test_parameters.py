"""The shipped parameters, their draws, and what FAO-56 says of readily available water."""

import numpy as np
import pytest

from agritwin.errors import ConfigError
from agritwin.simulation.orchard import parameters


@pytest.mark.parametrize("species", parameters.SPECIES)
def test_every_shipped_parameter_has_a_range_a_mark_and_a_source(species: str) -> None:
    shipped = parameters.load(species)
    for name, entry in shipped.items():
        assert entry.low <= entry.value <= entry.high, name
        assert entry.mark in parameters.MARKS, name
        assert entry.source, name
    assert set(shipped) == set(parameters.load("pistachio"))
    assert set(parameters.WATER) | set(parameters.YIELD) <= set(shipped)


@pytest.mark.parametrize("species", parameters.SPECIES)
def test_draws_lie_in_their_ranges_repeat_by_seed_and_begin_with_the_values(species: str) -> None:
    drawn = parameters.sample(species, 200, seed=3)
    for name, entry in parameters.load(species).items():
        values = drawn[name].values
        assert entry.low <= values.min() <= values.max() <= entry.high
        assert values[0] == entry.value
    assert drawn.identical(parameters.sample(species, 200, seed=3))
    assert not drawn.identical(parameters.sample(species, 200, seed=4))
    assert np.ptp(parameters.sample(species, 5, seed=3, height=2.0)["height"].values) == 0.0


def test_published_pistachio_numbers() -> None:
    shipped = parameters.load("pistachio")
    fao = {"kcb_initial": 0.20, "kcb_mid": 1.05, "kcb_end": 0.40, "depletion_fraction": 0.40}
    bloom_cast = {"chill_requirement_units": 900, "heat_requirement": 11_500}
    for numbers, mark in ((fao, "published"), (bloom_cast, "excerpt")):
        for name, value in numbers.items():
            assert (shipped[name].value, shipped[name].mark) == (value, mark)
    assert {shipped[f"ky_stage_{stage}"].mark for stage in (1, 2, 3)} == {"prior"}


def test_cover_sets_the_coefficient_of_a_young_grove() -> None:
    drawn = parameters.sample("pistachio", 3, seed=0, cover_maximum=[0.05, 0.35, 0.9])
    kcb = parameters.with_cover(drawn, 41.3)["kcb_mid"].values
    assert (np.diff(kcb) > 0).all()
    assert kcb[0] < 0.3
    shared = parameters.with_cover(parameters.sample("pistachio", 1, seed=0, cover_maximum=0.95), 41.3)
    assert shared["kcb_mid"].item() == pytest.approx(1.05, abs=0.04)  # FAO-56 Table 17


def test_an_evergreen_that_covers_little_keeps_what_it_covers() -> None:
    olives = parameters.with_cover(parameters.sample("olive", 50, seed=0, cover_maximum=0.2), 41.3)
    assert (olives["cover_minimum"] == 0.2).all()  # all year round
    young = parameters.with_cover(parameters.sample("pistachio", 50, seed=0, cover_maximum=0.02), 41.3)
    assert (young["cover_minimum"] <= 0.02).all()
    assert (young["kcb_initial"] <= young["kcb_mid"]).all()
    assert olives["cover_minimum"].attrs["units"] == "1"


def test_trees_stand_in_the_sun_of_their_own_summer() -> None:
    grove = parameters.sample("almond", 1, seed=0)
    north, south = (float(parameters.with_cover(grove, latitude)["kcb_mid"][0]) for latitude in (38.0, -38.0))
    assert south == pytest.approx(north, rel=0.005)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown parameter heigth"):
        parameters.sample("pistachio", 3, seed=0, heigth=2.0)
    with pytest.raises(ConfigError, match="'mango'"):
        parameters.load("mango")


@pytest.mark.parametrize(
    ("field_capacity", "wilting_point", "expected"),
    [
        (0.15, 0.06, {"onion": (36, 11), "tomato": (72, 29), "maize": (108, 59)}),
        (0.32, 0.15, {"onion": (68, 20), "tomato": (136, 54), "maize": (204, 112)}),
        (0.35, 0.23, {"onion": (48, 14), "tomato": (96, 38), "maize": (144, 79)}),
    ],
    ids=["loamy sand", "silt", "silty clay"],
)
def test_example_36_readily_available_water(
    field_capacity: float, wilting_point: float, expected: dict[str, tuple[int, int]]
) -> None:
    from agritwin.simulation.orchard.balance import simulate
    from tests.simulation.orchard.conftest import orchard, season

    roots_and_share = {"onion": (0.4, 0.30), "tomato": (0.8, 0.40), "maize": (1.2, 0.55)}
    for crop, (depth, share) in roots_and_share.items():
        available = 1000.0 * (field_capacity - wilting_point) * depth
        field = orchard(total_available_water=available, depletion_fraction=share, depletion_adjustment=0.0)
        found = simulate(season(days=3), field)
        assert available == pytest.approx(expected[crop][0], abs=0.5)
        assert found["readily_available_water"].values == pytest.approx(expected[crop][1], abs=0.6)
