"""Roughness of the land around a parcel by what grows or stands on it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from rasterio.features import rasterize
from rasterio.transform import from_origin

from agritwin.errors import DataError

MANNING = {
    "road": 0.016,
    "bare": 0.030,
    "pasture": 0.035,
    "row_crops": 0.035,
    "field_crops": 0.040,
    "stream": 0.040,
    "orchard": 0.050,
    "vineyard": 0.050,
    "scrub": 0.070,
    "woodland": 0.100,
}
"""Manning's n (s m-1/3) by land cover: normal values of Chow (1959, Open-Channel Hydraulics, Table 5-6) for rough
asphalt; no crop; high grass; mature row crops; mature field crops; clean winding streams; light brush and trees in
winter (for orchards and vineyards, of which it has none); medium to dense brush in winter; a heavy stand of timber."""
SIGPAC = {
    **dict.fromkeys(("FS", "FY", "FL", "FV", "FF", "CI", "CS", "CF", "CV", "OV", "OF", "OC"), "orchard"),
    **dict.fromkeys(("VI", "VF", "VO"), "vineyard"),
    **dict.fromkeys(("PA", "PR", "MT"), "scrub"),
    "PS": "pasture",
    "TA": "field_crops",
    "TH": "row_crops",
    "FO": "woodland",
    "AG": "stream",
    "CA": "road",
}
"""Land cover by the uses of SIGPAC; buildings, unproductive land and the like have none and keep the general value."""
CODE_LENGTH = 2
"""Of the uses of SIGPAC."""


def manning_of(land_cover: str) -> float | None:
    """Return the roughness of a land cover, or of a use of SIGPAC (two letters); None for uses without one.

    Raises
    ------
    DataError
        For words that name no land cover.
    """
    if len(land_cover) == CODE_LENGTH and land_cover.isupper():
        found = SIGPAC.get(land_cover)
        return None if found is None else MANNING[found]
    if land_cover not in MANNING:
        raise DataError(
            f"Land cover {land_cover!r} has no roughness.", f"Use one of {', '.join(MANNING)}, or a use of SIGPAC."
        )
    return MANNING[land_cover]


def roughness(terrain: xr.Dataset, areas: Iterable[tuple[Any, str]], otherwise: float) -> xr.DataArray:
    """Return Manning's n of each cell (y, x).

    Parameters
    ----------
    terrain
        `x`, `y`: cell centres in m.
    areas
        Polygons in the same metres and their land cover, as :func:`manning_of` knows it; of two that overlap the later
        counts.
    otherwise
        Where no area lies.
    """
    x, y = terrain["x"].to_numpy(), terrain["y"].to_numpy()
    width, height = abs(x[1] - x[0]), abs(y[1] - y[0])
    north_up = from_origin(x.min() - width / 2, y.max() + height / 2, width, height)
    shapes = [(polygon, number) for polygon, cover in areas if (number := manning_of(cover)) is not None]
    burnt = np.zeros((y.size, x.size))
    if shapes:
        rasterize(shapes, out=burnt, transform=north_up)
    values = np.where(burnt > 0, burnt, otherwise)[:: 1 if y[0] > y[-1] else -1]
    about = {"units": "s m-1/3", "long_name": "Manning's roughness"}
    return xr.DataArray(values, {"y": terrain["y"], "x": terrain["x"]}, ("y", "x"), "manning", about)
