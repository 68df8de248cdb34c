"""Indices by name and by formula."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from agritwin.errors import ConfigError, DataError
from agritwin.vegetation.indices import BANDS, FORMULAS, bands_of, index, named, ndvi

REFLECTANCE = st.floats(-0.125, 1.5, width=32) | st.just(float("nan"))
BAND = npst.arrays("f4", 6, elements=REFLECTANCE)


def bands(**values: float | np.ndarray) -> xr.Dataset:
    return xr.Dataset({name: ("pixel", np.atleast_1d(np.asarray(value, "f4"))) for name, value in values.items()})


def test_ndvi_of_a_leaf_a_soil_and_water() -> None:
    images = bands(red=[0.04, 0.20, 0.03], nir=[0.46, 0.25, 0.01])
    np.testing.assert_allclose(ndvi(images["red"], images["nir"]), [0.84, 0.05 / 0.45, -0.5], rtol=1e-6)


@given(BAND, BAND)
def test_ndvi_lies_within_minus_one_and_one_and_is_nan_exactly_where_a_band_is(
    red: np.ndarray, nir: np.ndarray
) -> None:
    values = ndvi(*bands(red=red, nir=nir).data_vars.values()).values
    missing = np.isnan(red) | np.isnan(nir) | (np.maximum(red, 0) + np.maximum(nir, 0) <= 0)
    assert values.dtype == np.float32
    assert np.array_equal(np.isnan(values), missing)
    assert (np.abs(values[~missing]) <= 1.0).all()


@given(BAND, BAND)
def test_the_formula_gives_what_the_function_gives(red: np.ndarray, nir: np.ndarray) -> None:
    images = bands(red=red, nir=nir)
    np.testing.assert_allclose(index("ndvi", images), ndvi(images["red"], images["nir"]), rtol=1e-5, atol=1e-6)


def test_negative_reflectance_counts_as_zero() -> None:
    images = bands(red=-0.01, nir=0.3)
    assert ndvi(images["red"], images["nir"]).item() == 1.0


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("savi", 1.5 * 0.4 / (0.5 + 0.5)),
        ("osavi", 0.4 / (0.5 + 0.16)),
        ("evi2", 2.5 * 0.4 / (0.45 + 2.4 * 0.05 + 1)),
        ("evi", 2.5 * 0.4 / (0.45 + 6 * 0.05 - 7.5 * 0.03 + 1)),
        ("gndvi", (0.45 - 0.08) / (0.45 + 0.08)),
        ("msavi", 0.5 * (1.9 - (1.9**2 - 8 * 0.4) ** 0.5)),
        ("ndmi", (0.45 - 0.2) / (0.45 + 0.2)),
        ("ndre", (0.45 - 0.1) / (0.45 + 0.1)),
        ("cire", 0.45 / 0.1 - 1),
        ("ndwi", (0.08 - 0.45) / (0.08 + 0.45)),
        ("mcari", ((0.1 - 0.05) - 0.2 * (0.1 - 0.08)) * 2.0),
        ("nirv", 0.8 * 0.45),
    ],
)
def test_published_indices_by_hand(name: str, by_hand: float) -> None:
    images = bands(blue=0.03, green=0.08, red=0.05, rededge1=0.1, nir=0.45, swir16=0.2)
    assert index(name, images).item() == pytest.approx(by_hand, rel=1e-6)
    assert index(FORMULAS[name], images).item() == pytest.approx(by_hand, rel=1e-6)


def test_every_shipped_formula_uses_known_bands() -> None:
    images = bands(**{band: 0.05 * number for number, band in enumerate(BANDS.values(), start=1)})
    assert all(np.isfinite(index(name, images)).all() for name in FORMULAS)


def test_constants_can_be_set() -> None:
    assert index("(N - R)/(N + R + L)", bands(red=0.1, nir=0.3), {"L": 0.6}).item() == pytest.approx(0.2)


def test_division_by_zero_and_roots_of_negatives_are_nan() -> None:
    images = bands(red=[0.0, 0.5], nir=[0.0, 0.1])
    assert np.isnan(index("(N - R)/(N + R)", images).values).tolist() == [True, False]
    assert np.isnan(index("(N - R)**0.5", images).values).tolist() == [False, True]


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os').system('true')",
        "N.values",
        "(lambda: N)()",
        "[N for _ in range(9)]",
        "N if R else N",
        "N and R",
        "N > R",
        "N[0]",
        "'N'",
        "True * N",
        "N // R",
        "f'{N}'",
        "(N := R)",
    ],
)
def test_anything_but_arithmetic_is_refused(formula: str) -> None:
    with pytest.raises(ConfigError, match=r"not allowed|not a formula"):
        index(formula, bands(red=0.1, nir=0.4))


@pytest.mark.parametrize("formula", ["", "(N - R", "N R", "N +", "9" * 600, "1 + 2"])
def test_broken_and_empty_formulas_are_refused(formula: str) -> None:
    with pytest.raises(ConfigError):
        index(formula, bands(red=0.1, nir=0.4))


@given(st.text(max_size=40))
def test_no_text_does_anything_but_give_an_index_or_a_typed_error(text: str) -> None:
    try:
        result = index(text, bands(red=0.1, nir=0.4))
    except (ConfigError, DataError):
        return
    assert result.dims == ("pixel",)


def test_a_missing_band_is_named() -> None:
    with pytest.raises(DataError, match=r"needs B \(blue\)"):
        index("evi", bands(red=0.1, nir=0.4))


def test_the_configuration_names_indices_and_thereby_the_bands_to_be_read() -> None:
    assert named(["NDMI", "mine = (N - RE1)/(N + swir16)"]) == {
        "ndmi": "(N - S1)/(N + S1)",
        "mine": "(N - RE1)/(N + swir16)",
    }
    assert bands_of(["NDMI", "mine = (N - RE1)/(N + swir22)"]) == ["rededge1", "nir", "swir16", "swir22"]
    assert bands_of([]) == []


@pytest.mark.parametrize(
    "choices", [["nosuch"], ["ndmi", "NDMI"], ["ndvi = N / R"], ["my index = N / R"], ["x = N +"], ["= N"], [""]]
)
def test_indices_that_cannot_be_told_are_refused(choices: list[str]) -> None:
    with pytest.raises(ConfigError):
        named(choices)
