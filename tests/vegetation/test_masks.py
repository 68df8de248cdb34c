"""Masks from the scene classification."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from agritwin.vegetation.masks import clear_mask, grown

CLASSES = npst.arrays("u1", npst.array_shapes(min_dims=3, max_dims=3, max_side=8), elements=st.integers(0, 11))


def images(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims=("time", "y", "x"))


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, {2, 4, 5, 6, 7}),
        ({"strict": True}, {4, 5, 6, 7}),
        ({"keep_snow": True}, {2, 4, 5, 6, 7, 11}),
    ],
)
def test_each_class_is_kept_or_masked(options: dict, kept: set[int]) -> None:
    scl = images(np.arange(12, dtype="u1").reshape(12, 1, 1))
    clear = clear_mask(scl, **options)
    assert set(np.flatnonzero(clear.values)) == kept


@pytest.mark.parametrize("code", [3, 8, 9, 10])
def test_clouds_and_shadows_grow_in_their_own_image_only(code: int) -> None:
    scl = np.full((2, 7, 7), 4, "u1")
    scl[0, 3, 3] = code
    clear = clear_mask(images(scl), margin=2)
    assert (~clear.values[0]).sum() == 25
    assert not clear.values[0, 1:6, 1:6].any()
    assert clear.values[1].all()


@pytest.mark.parametrize("code", [0, 1, 11])
def test_no_data_defects_and_snow_do_not_grow(code: int) -> None:
    scl = np.full((1, 7, 7), 4, "u1")
    scl[0, 3, 3] = code
    assert (~clear_mask(images(scl), margin=2).values).sum() == 1


@given(CLASSES, st.integers(0, 3))
def test_a_wider_margin_never_clears_a_pixel(scl: np.ndarray, margin: int) -> None:
    narrow, wide = clear_mask(images(scl), margin=margin), clear_mask(images(scl), margin=margin + 1)
    assert not (wide & ~narrow).any()


@given(CLASSES, st.integers(0, 3))
def test_strict_never_clears_a_pixel(scl: np.ndarray, margin: int) -> None:
    strict, usual = (clear_mask(images(scl), margin=margin, strict=choice) for choice in (True, False))
    assert not (strict & ~usual).any()


@given(npst.arrays(bool, npst.array_shapes(min_dims=3, max_dims=3, max_side=7)), st.integers(0, 3))
def test_growing_reaches_exactly_the_pixels_within_the_margin(mask: np.ndarray, margin: int) -> None:
    expected = np.zeros_like(mask)
    for image, row, column in zip(*np.nonzero(mask), strict=True):
        expected[image, max(row - margin, 0) : row + margin + 1, max(column - margin, 0) : column + margin + 1] = True
    assert np.array_equal(grown(mask, margin), expected)
