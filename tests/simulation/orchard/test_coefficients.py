"""Crop coefficients against the worked examples of FAO-56 and a table of Eq. 72."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agritwin.simulation.orchard import canopy, coefficients

#: Test tables of the USGS model swb2 (public domain), computed by its authors in R.
SWB2 = Path(__file__).parent / "data"


def test_example_25_initial_coefficient_between_light_and_heavy_wettings() -> None:
    kc = coefficients.initial_kc(light=0.55, heavy=0.70, infiltration_mm=20.0)
    assert kc == pytest.approx(0.60)
    assert kc * 5.0 == pytest.approx(3.0)


def test_example_26_initial_coefficient_of_partial_wetting() -> None:
    depth = 12.0 / 0.4
    kc = coefficients.initial_kc(light=0.85, heavy=1.15, infiltration_mm=depth, wetted_fraction=0.4)
    assert depth == pytest.approx(30.0)
    assert kc == pytest.approx(0.42)
    assert kc * 4.0 == pytest.approx(1.7, abs=0.05)


@pytest.mark.parametrize(
    ("wetted_fraction", "under_canopy", "few", "ke", "kc"),
    [(1.0, False, 0.47, 0.40, 1.30), (0.3, False, 0.30, 0.39, 1.29), (0.3, True, 0.19, 0.25, 1.15)],
    ids=["32 sprinkler", "33 furrow", "34 drip"],
)
def test_examples_32_to_34_cotton(wetted_fraction: float, under_canopy: bool, few: float, ke: float, kc: float) -> None:
    climate = coefficients.climatic_term(3.0, 20.0)
    upper = coefficients.kc_max(0.9, climate, 1.0)
    cover = coefficients.cover_from_kcb(0.9, upper, 1.0)
    exposed = coefficients.exposed_wetted_fraction(cover, wetted_fraction, under_canopy)
    found = coefficients.evaporation_coefficient(1.0, upper, 0.9, exposed)
    assert upper == pytest.approx(1.30, abs=0.005)
    assert cover == pytest.approx(0.53, abs=0.005)
    assert (exposed, found, 0.9 + found) == pytest.approx((few, ke, kc), abs=0.006)


def test_equation_72_on_the_whole_grid_of_an_independent_table() -> None:
    table = pd.read_csv(SWB2 / "swb2_FAO56_equation_72_calcs.txt", sep="\t")
    climate = coefficients.climatic_term(table["eq72_u2"], table["eq72_rhmin"])
    assert len(table) == 125
    np.testing.assert_allclose(
        coefficients.kc_max(0.5, climate, table["eq72_plant_height"]), table["eq72_kc_max"], atol=1e-12
    )


def test_example_41_effective_cover_of_rows() -> None:
    shaded = coefficients.effective_cover(0.3, 40.0, 200, height_to_width=1.0, in_rows=True)
    full = coefficients.kcb_full(2.0, coefficients.climatic_term(1.5, 55.0))
    density = coefficients.density_coefficient(0.3, shaded, 2.0)
    assert (shaded, full, coefficients.sparse_kcb(full, density)) == pytest.approx((0.41, 1.15, 0.75), abs=0.006)


def test_example_42_tomatoes_over_half_of_the_ground() -> None:
    """Rows from east to west as wide as high at Davis, 20 July; 1.15 is the table's coefficient of a full cover."""
    shaded = coefficients.effective_cover(0.5, 38.5, 201, height_to_width=1.0, in_rows=True)
    full = 1.15 + coefficients.climatic_term(1.1, 30.0) * coefficients.height_factor(0.75)  # Eq. 99
    kcb = coefficients.sparse_kcb(full, coefficients.density_coefficient(0.5, shaded, 0.75))
    assert (shaded, full, kcb) == pytest.approx((0.66, 1.17, 0.95), abs=0.005)


@pytest.mark.parametrize(("spacing", "sparse", "expected"), [(10.0 * 10.0, 0.60, 0.40), (5.0 * 10.0, 1.04, 0.70)])
def test_example_43_olives(spacing: float, sparse: float, expected: float) -> None:
    cover = np.pi * 2.5**2 / spacing
    full = coefficients.kcb_full(5.0, coefficients.climatic_term(2.0, 25.0))
    shaded = coefficients.effective_cover(cover, 30.0, 180)
    kcb = coefficients.sparse_kcb(full, coefficients.density_coefficient(cover, shaded, 5.0))
    reduction = coefficients.stomatal_factor(420.0, 25.0, 2.0, 0.0)
    assert (full, reduction) == pytest.approx((1.29, 0.67), abs=0.005)
    assert kcb == pytest.approx(sparse, abs=0.009)  # the book goes on with covers of two digits
    assert kcb * reduction == pytest.approx(expected, abs=0.006)


def test_table_19_evaporable_water_of_a_loam() -> None:
    assert 16.0 <= coefficients.total_evaporable_water(0.27, 0.12, 0.1) <= 22.0


def test_cover_from_images_and_age_stays_within_bounds_and_grows() -> None:
    np.testing.assert_allclose(canopy.cover_from_ndvi(np.array([0.0, 0.5, 0.95])), [0.0, 0.45, 1.0])
    ages = canopy.cover_from_age(np.arange(0, 30))
    assert ages[0] == 0.0
    assert (np.diff(ages) >= 0.0).all()
    assert ages[-1] == 0.5
