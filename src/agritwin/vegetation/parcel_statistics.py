"""Statistics of a parcel from a stack of images, each pixel weighted by the share of it that the parcel covers."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from shapely.geometry import mapping

from agritwin.errors import DataError
from agritwin.geometry import epsg_of, to_crs

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

QUANTILES = {"median": 0.5, "p10": 0.1, "p90": 0.9}
BINS = 1024


def parcel_weights(geometry: "BaseGeometry", grid: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """Return the share of each pixel that a parcel covers, exact to the polygon.

    Parameters
    ----------
    geometry
        Polygon in EPSG:4326.
    grid
        Anything with ``x``, ``y`` (cell centres [m]) and ``spatial_ref`` with ``crs_wkt``.

    Returns
    -------
    xr.DataArray
        (y, x), 0 to 1.

    Raises
    ------
    DataError
        When the parcel does not touch the grid.
    """
    x, y = grid["x"].to_numpy(), grid["y"].to_numpy()
    half_x, half_y = abs(x[1] - x[0]) / 2.0, abs(y[1] - y[0]) / 2.0
    raster = NumPyRasterSource(
        np.zeros((y.size, x.size), np.float32),
        xmin=x.min() - half_x,
        xmax=x.max() + half_x,
        ymin=y.min() - half_y,
        ymax=y.max() + half_y,
    )
    projected = to_crs(geometry, 4326, epsg_of(grid))
    feature = {"type": "Feature", "geometry": mapping(projected), "properties": {}}
    answer: list[Any] = exact_extract(raster, [feature], ["cell_id", "coverage"])  # type: ignore[assignment]
    cells = answer[0]["properties"]
    weights = np.zeros(y.size * x.size)
    weights[np.asarray(cells["cell_id"], int)] = cells["coverage"]
    if not weights.any():
        raise DataError(
            "The parcel does not touch the images.", "Check the polygon, and that the images are the parcel's."
        )
    by_row = weights.reshape(y.size, x.size)  # exactextract counts rows from the north
    return xr.DataArray(
        by_row if y[0] > y[-1] else by_row[::-1],
        coords={"y": grid["y"], "x": grid["x"]},
        dims=("y", "x"),
        name="weight",
        attrs={"units": "1", "long_name": "share of the pixel within the parcel"},
    )


def parcel_statistics(values: xr.DataArray, weights: xr.DataArray) -> xr.Dataset:
    """Return weighted statistics of every image over a parcel.

    Parameters
    ----------
    values
        (time, y, x); NaN where not valid.
    weights
        (y, x), as :func:`parcel_weights` gives.

    Returns
    -------
    xr.Dataset
        (time): ``mean``, ``std`` (of the pixels, not of the mean), ``median``, ``p10``, ``p90``, NaN without a valid
        pixel, and ``valid_share``, the share of the parcel's area that is valid, 0 to 1.
    """
    share_of_pixel = weights.transpose("y", "x").to_numpy().ravel()
    inside = np.flatnonzero(share_of_pixel > 0.0)
    share = share_of_pixel[inside].astype(np.float64)
    images = values.transpose("time", "y", "x").to_numpy().reshape(values.sizes["time"], share_of_pixel.size)
    rows = np.full((len(images), 2 + len(QUANTILES)), np.nan)
    valid_share = np.zeros(len(images))
    for number, image in enumerate(images):
        pixels = image[inside]
        valid = np.flatnonzero(~np.isnan(pixels))
        weight = share[valid]
        if weight.size:
            rows[number] = _statistics(pixels[valid], weight)
            valid_share[number] = weight.sum() / share.sum()
    names = ("mean", "std", *QUANTILES)
    statistics = dict(zip(names, rows.T, strict=True)) | {"valid_share": valid_share}
    return xr.Dataset({name: ("time", series) for name, series in statistics.items()}, coords={"time": values["time"]})


def parcel_means(values: xr.DataArray, weights: xr.DataArray) -> np.ndarray:
    """Return the weighted mean of every image over a parcel, shape (time), NaN without a valid pixel.

    Parameters
    ----------
    values, weights
        As for :func:`parcel_statistics`.
    """
    images = values.transpose("time", "y", "x").to_numpy()
    share = weights.transpose("y", "x").to_numpy()
    means = np.full(len(images), np.nan)
    for number, image in enumerate(images):
        valid = ~np.isnan(image)
        total = np.sum(share, where=valid)
        if total > 0.0:
            means[number] = np.sum(image * share, where=valid) / total
    return means


def _statistics(pixels: np.ndarray, weight: np.ndarray) -> tuple[float, ...]:
    """Weighted mean, standard deviation and quantiles of the pixels of one image."""
    pixels = pixels.astype(np.float64)
    # Sums of products rather than the product of vectors, whose threads cost more than they save at this size.
    total = weight.sum()
    mean = np.sum(pixels * weight) / total
    std = np.sqrt(np.sum((pixels - mean) ** 2 * weight) / total)
    return mean, std, *_quantiles(pixels, weight)


def _quantiles(pixels: np.ndarray, weight: np.ndarray) -> list[float]:
    """Weighted quantiles.

    Of n sorted values the k-th (from 0) stands at s_k = k w_k + (n - 1) (w_0 + ... + w_(k-1)), the quantile q at
    q s_(n-1), linear between; with equal weights this is the usual linear quantile (type 7 of Hyndman and Fan 1996,
    Am. Stat. 50:361). Pixels are counted into bins first, so that only those near a quantile need to be sorted.
    """
    size, low, high = pixels.size, pixels.min(), pixels.max()
    if low == high:
        return [float(low)] * len(QUANTILES)
    place = ((pixels - low) * ((BINS - 1) / (high - low))).astype(np.intp)
    before = np.zeros(BINS + 1, np.intp)
    np.cumsum(np.bincount(place, minlength=BINS), out=before[1:])
    summed = np.zeros(BINS + 1)
    np.cumsum(np.bincount(place, weights=weight, minlength=BINS), out=summed[1:])
    # The first pixel of a bin stands at least here, and at most where the heaviest pixel would stand.
    least = (size - 1) * summed
    most = least + before * weight.max()
    quantiles = []
    for target in np.array(list(QUANTILES.values())) * least[-1]:
        first = np.searchsorted(most, target, side="right") - 1
        beyond = np.searchsorted(least, target, side="right").clip(max=BINS)
        last = np.searchsorted(before, before[beyond], side="right") - 1  # the next bin that holds a pixel
        near = np.flatnonzero((place >= first) & (place <= last))
        order = near[np.argsort(pixels[near], kind="stable")]
        part = weight[order]
        position = (before[first] + np.arange(order.size)) * part
        position += (size - 1) * (summed[first] + np.cumsum(part) - part)
        quantiles.append(float(np.interp(target, position, pixels[order])))
    return quantiles
