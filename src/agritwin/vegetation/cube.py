"""From imagery to the NDVI cube of a parcel: every scene kept, judged and summarised (docs/contracts.md)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from agritwin.errors import DataError
from agritwin.vegetation.indices import index, named, ndvi
from agritwin.vegetation.masks import clear_mask
from agritwin.vegetation.parcel_statistics import parcel_statistics, parcel_weights
from agritwin.vegetation.reflectance import MISSING, TWICE, offset_verdict

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

CARRIED = ("scene_id", "platform", "processing_baseline", "boa_offset", "cloud_cover", "source")
STATISTICS = {
    "mean": "mean of the parcel's valid pixels, weighted by area",
    "std": "standard deviation between the parcel's valid pixels",
    "median": "median of the parcel's valid pixels, weighted by area",
    "p10": "10 % quantile of the parcel's valid pixels, weighted by area",
    "p90": "90 % quantile of the parcel's valid pixels, weighted by area",
}
NDVI_ENCODING = {"dtype": "int16", "scale_factor": 1e-4, "_FillValue": np.int16(-32768)}


def ndvi_cube(
    imagery: xr.Dataset,
    geometry: "BaseGeometry",
    *,
    margin: int = 2,
    strict: bool = False,
    minimum_valid_share: float = 0.6,
    indices: Sequence[str] = (),
) -> xr.Dataset:
    """Return the NDVI cube of a parcel.

    Parameters
    ----------
    imagery
        The imagery dataset of a source: ``red``, ``nir``, ``scl`` (time, y, x).
    geometry
        The parcel, EPSG:4326.
    margin, strict
        As for :func:`agritwin.vegetation.masks.clear_mask`.
    minimum_valid_share
        Least share of the parcel's area, 0 to 1, that a usable scene shows.
    indices
        Further indices, as :func:`agritwin.vegetation.indices.named` takes them; ``imagery`` holds their bands.

    Returns
    -------
    xr.Dataset
        ``ndvi`` (time, y, x), float32, NaN only where a band is missing, encoded as int16 of 1e-4; ``valid`` (uint8, 1
        where the ground is seen); per scene ``ndvi_mean``, ``ndvi_std``, ``ndvi_median``, ``ndvi_p10``, ``ndvi_p90``
        over valid pixels, ``valid_share``, ``offset_verdict``, ``darkest_reflectance``, ``offset_suspect``, ``usable``
        (enough is seen and the offset is not suspect) and the scene's particulars; of each further index ``<name>``
        (time, y, x) and ``<name>_mean`` (time) over valid pixels. Scenes are flagged, never dropped.

    Raises
    ------
    DataError
        When the minimum share is not within 0 to 1, or the parcel does not touch the images.
    """
    if not 0.0 <= minimum_valid_share <= 1.0:
        raise DataError(f"A minimum valid share of {minimum_valid_share} makes no sense.", "Choose one from 0 to 1.")
    greenness = ndvi(imagery["red"], imagery["nir"]).transpose("time", "y", "x")
    valid = clear_mask(imagery["scl"], margin=margin, strict=strict) & greenness.notnull()
    weights = parcel_weights(geometry, imagery)
    statistics = parcel_statistics(greenness.where(valid), weights)
    verdict = offset_verdict(imagery)
    suspect = verdict["offset_verdict"].isin([MISSING, TWICE])
    usable = (statistics["valid_share"] >= minimum_valid_share) & ~suspect

    grid_mapping = {"grid_mapping": "spatial_ref"}
    cube = xr.Dataset(
        {
            "ndvi": greenness.assign_attrs(grid_mapping),
            "valid": valid.astype("uint8").assign_attrs(
                long_name="the ground is seen",
                units="1",
                flag_values=np.array([0, 1], "u1"),
                flag_meanings="masked valid",
                **grid_mapping,
            ),
            **{
                f"ndvi_{name}": statistics[name].assign_attrs(
                    units="1",
                    standard_name="normalized_difference_vegetation_index",
                    long_name=f"NDVI, {meaning}",
                )
                for name, meaning in STATISTICS.items()
            },
            "valid_share": statistics["valid_share"].assign_attrs(
                units="1", long_name="share of the parcel's area that is valid"
            ),
            **verdict.data_vars,
            "offset_suspect": suspect.assign_attrs(
                units="1", long_name="radiometric offset missing or taken off twice"
            ),
            "usable": usable.assign_attrs(
                units="1", long_name="enough of the parcel is seen and the offset is plausible"
            ),
            **{name: imagery[name] for name in CARRIED if name in imagery},
        },
        attrs={key: value for key, value in imagery.attrs.items() if key != "skipped"},
    )
    cube["ndvi"].encoding = dict(NDVI_ENCODING)
    for name, formula in named(indices).items():
        values = index(formula, imagery).transpose("time", "y", "x").astype("float32")
        mean = parcel_statistics(values.where(valid), weights)["mean"]
        cube[name] = values.assign_attrs(long_name=f"{name}: {formula}", **grid_mapping)
        cube[f"{name}_mean"] = mean.assign_attrs(units="1", long_name=f"{name}, {STATISTICS['mean']}")
    cube.attrs["history"] = (
        f"NDVI of red and near infrared; mask grown by {margin} pixels{', strict' if strict else ''}; "
        f"usable from {minimum_valid_share:g} of the parcel"
    )
    return cube
