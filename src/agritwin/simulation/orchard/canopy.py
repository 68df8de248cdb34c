"""Ground cover of an orchard from what is known of it: images, or age."""

from typing import Any

import numpy as np


def cover_from_ndvi(ndvi: Any) -> Any:
    """Fraction of ground covered from NDVI of surface reflectance, within 0 to 1.

    The line Fc = 1.26 NDVI - 0.18 was fitted to field, orchard and vineyard plots of California with bare soil between
    them (Johnson and Trout 2012, Remote Sensing 4:439; r2 0.96, RMSE 0.06). Weeds between the trees count as trees.
    """
    return np.clip(1.26 * ndvi - 0.18, 0.0, 1.0)


def cover_from_age(age_years: Any, mature_cover: float = 0.5, years_to_mature: float = 14.0) -> Any:
    """Fraction of ground covered by trees of an age, a prior where no image tells.

    Crowns are taken to widen evenly, so that cover grows with the square of the age until the grove is mature; both the
    cover and the age of a mature grove are guesses that an image replaces.
    """
    return mature_cover * np.clip(age_years / years_to_mature, 0.0, 1.0) ** 2
