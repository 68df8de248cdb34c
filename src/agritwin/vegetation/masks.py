"""Which pixels show the ground: the scene classification of Sen2Cor, with a margin around clouds and shadows."""

import numpy as np
import xarray as xr
from scipy.ndimage import binary_dilation

INVALID = (0, 1)
CLOUDY = (3, 8, 9, 10)
SNOW = 11
DARK = 2

NEIGHBOURS = np.ones((1, 3, 3), bool)


def clear_mask(scl: xr.DataArray, *, margin: int = 2, keep_snow: bool = False, strict: bool = False) -> xr.DataArray:
    """Return where the ground is seen.

    No data (0) and defective pixels (1) are masked, and so are cloud shadow (3), clouds (8, 9) and cirrus (10) with all
    pixels within the margin, since their edges leak; snow (11) unless it is to be kept.

    Parameters
    ----------
    scl
        Classes 0-11 (..., y, x), any integer type.
    margin
        Pixels of the grid by which clouds and shadows grow, diagonal neighbours included; 2 at 10 m is one class pixel.
    strict
        Mask dark areas (2) too, which hold topographic and missed cloud shadow.

    Returns
    -------
    xr.DataArray
        bool, shape of ``scl``.
    """
    masked = INVALID + (() if keep_snow else (SNOW,)) + ((DARK,) if strict else ())
    cloudy = grown(np.isin(scl.to_numpy(), CLOUDY), margin)
    clear = ~cloudy & ~np.isin(scl.to_numpy(), masked)
    return xr.DataArray(
        clear, coords=scl.coords, dims=scl.dims, name="valid", attrs={"long_name": "the ground is seen", "units": "1"}
    )


def grown(mask: np.ndarray, margin: int) -> np.ndarray:
    """Grow true pixels by a margin within each image (..., y, x), eight neighbours."""
    if margin == 0 or mask.size == 0:
        return mask
    images = mask.reshape(-1, *mask.shape[-2:])
    return binary_dilation(images, structure=NEIGHBOURS, iterations=margin).reshape(mask.shape)
