"""What a satellite sees of a field: the share of the ground that green leaves cover, and their area."""

from typing import Any

import numpy as np

#: NDVI of bare soil and of a closed stand, and how fast cover closes with leaf area: usual for wheat, not fitted.
SOIL_NDVI, CLOSED_NDVI, EXTINCTION = 0.15, 0.94, 0.75


def cover_from_ndvi(ndvi: Any) -> Any:
    """Share of the ground under green leaves from NDVI of surface reflectance, within 0 to 1.

    NDVI between bare soil and a closed stand, as Baret and Guyot (1991, Remote Sens. Environ. 35:161) relate it to leaf
    area with :func:`cover`.
    """
    return np.clip((np.asarray(ndvi) - SOIL_NDVI) / (CLOSED_NDVI - SOIL_NDVI), 0.0, 1.0)


def cover(leaf_area_index: Any) -> Any:
    """Share of the ground under leaves of an area: ``1 - exp(-EXTINCTION LAI)``."""
    return -np.expm1(-EXTINCTION * leaf_area_index)


def leaf_area_from_cover(share: Any) -> Any:
    """Leaf area index of a cover; covers above 0.98 no longer tell leaves apart and count as 0.98."""
    return -np.log1p(-np.minimum(share, 0.98)) / EXTINCTION
