"""Statistics of a parcel, weighted by the covered share of each pixel."""

import numpy as np
import pytest
import xarray as xr
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pyproj import CRS
from shapely import Polygon, box
from shapely.geometry import mapping

from agritwin.errors import DataError
from agritwin.geometry import to_crs
from agritwin.vegetation.parcel_statistics import parcel_statistics, parcel_weights

LEFT, TOP = 347300.0, 4570800.0


def grid(rows: int, columns: int) -> xr.Dataset:
    return xr.Dataset(
        coords={
            "y": TOP - 10 * (np.arange(rows) + 0.5),
            "x": LEFT + 10 * (np.arange(columns) + 0.5),
            "spatial_ref": ((), 0, {"crs_wkt": CRS.from_epsg(32630).to_wkt()}),
        }
    )


def parcel(*corners: tuple[float, float]) -> Polygon:
    """A polygon in EPSG:4326 from metres right of and below the grid's corner."""
    return to_crs(Polygon([(LEFT + x, TOP - y) for x, y in corners]), 32630, 4326)


def series(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims=("time", "y", "x"), coords={"time": np.arange(len(values))})


def test_weights_are_the_covered_shares() -> None:
    weights = parcel_weights(parcel((5, 0), (25, 0), (25, 10), (5, 10)), grid(2, 4))
    np.testing.assert_allclose(weights, [[0.5, 1, 0.5, 0], [0, 0, 0, 0]], atol=1e-5)


def test_rows_may_run_north_or_south() -> None:
    shape = parcel((13, 7), (88, 21), (67, 93), (31, 71))
    north_up = parcel_weights(shape, grid(10, 10))
    xr.testing.assert_equal(parcel_weights(shape, grid(10, 10).sortby("y")).sortby("y", ascending=False), north_up)


def test_weights_add_up_to_the_area() -> None:
    shape = parcel((13, 7), (88, 21), (67, 93), (31, 71))
    weights = parcel_weights(shape, grid(10, 10))
    assert weights.sum().item() * 100 == pytest.approx(to_crs(shape, 4326, 32630).area, rel=1e-6)


def test_a_parcel_beside_the_images_is_refused() -> None:
    with pytest.raises(DataError, match="does not touch"):
        parcel_weights(to_crs(box(LEFT - 900, TOP - 900, LEFT - 800, TOP - 800), 32630, 4326), grid(4, 4))


def test_statistics_are_those_of_exactextract() -> None:
    """Same polygon, same pixels, asked of the library directly."""
    values = np.random.default_rng(7).normal(size=(2, 12, 12))
    shape = parcel((13, 7), (108, 21), (67, 113), (31, 71))
    raster = {"xmin": LEFT, "xmax": LEFT + 120, "ymin": TOP - 120, "ymax": TOP}
    feature = {"type": "Feature", "geometry": mapping(to_crs(shape, 4326, 32630)), "properties": {}}
    operations = ["mean", "stdev", "median", "quantile(q=0.1)", "quantile(q=0.9)"]
    ours = parcel_statistics(series(values), parcel_weights(shape, grid(12, 12)))
    for image in range(2):
        theirs = exact_extract(NumPyRasterSource(values[image], **raster), [feature], operations)[0]["properties"]
        for name, other in {
            "mean": "mean",
            "std": "stdev",
            "median": "median",
            "p10": "quantile_10",
            "p90": "quantile_90",
        }.items():
            assert ours[name].values[image] == pytest.approx(theirs[other], rel=1e-6), name


@given(npst.arrays("f4", (3, 4, 5), elements=st.floats(-1, 1, width=32) | st.just(float("nan"))))
def test_with_equal_weights_statistics_are_those_of_numpy(values: np.ndarray) -> None:
    ours = parcel_statistics(series(values), xr.DataArray(np.ones((4, 5)), dims=("y", "x")))
    for image, pixels in enumerate(values.reshape(3, -1).astype(float)):
        seen = pixels[~np.isnan(pixels)]
        assert ours["valid_share"].values[image] == pytest.approx(seen.size / 20)
        if seen.size == 0:
            assert all(np.isnan(ours[name].values[image]) for name in ("mean", "std", "median", "p10", "p90"))
            continue
        expected = [seen.mean(), seen.std(), *np.quantile(seen, [0.5, 0.1, 0.9])]
        found = [ours[name].values[image] for name in ("mean", "std", "median", "p10", "p90")]
        np.testing.assert_allclose(found, expected, atol=1e-9)


@given(
    pixels=npst.arrays("f4", st.integers(1, 60), elements=st.floats(-1, 1, width=32) | st.sampled_from([0.25, 0.5])),
    data=st.data(),
)
def test_with_any_weights_quantiles_are_those_of_the_whole_sorted(pixels: np.ndarray, data: st.DataObject) -> None:
    """The definition of the docstring, written down plainly."""
    weights = data.draw(npst.arrays("f8", pixels.size, elements=st.floats(0.01, 1.0)))
    found = parcel_statistics(series(pixels[None, None, :]), xr.DataArray(weights[None, :], dims=("y", "x")))
    order = np.lexsort((np.arange(pixels.size), pixels))
    ordered, weight = pixels[order].astype(float), weights[order]
    position = np.arange(pixels.size) * weight + (pixels.size - 1) * (np.cumsum(weight) - weight)
    expected = np.interp(np.array([0.5, 0.1, 0.9]) * position[-1], position, ordered)
    assert [found[name].item() for name in ("median", "p10", "p90")] == pytest.approx(list(expected), abs=1e-7)


def test_the_valid_share_counts_area_not_pixels() -> None:
    weights = xr.DataArray([[0.25, 1.0, 0.75]], dims=("y", "x"))
    values = series(np.array([[[np.nan, 0.4, np.nan]], [[0.2, np.nan, 0.6]]]))
    statistics = parcel_statistics(values, weights)
    np.testing.assert_allclose(statistics["valid_share"], [0.5, 0.5])
    np.testing.assert_allclose(statistics["mean"], [0.4, 0.5])


def test_no_dates_give_no_statistics() -> None:
    statistics = parcel_statistics(series(np.empty((0, 2, 2))), xr.DataArray(np.ones((2, 2)), dims=("y", "x")))
    assert all(statistics[name].shape == (0,) for name in ("mean", "median", "valid_share"))
