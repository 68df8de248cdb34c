"""Leaf wetness estimated from what weather stations measure."""

import numpy as np
import xarray as xr

from agritwin.agromet.quantities import quantity


@quantity("1", "leaf wetness of the hour (estimated)", relative_humidity="percent", precipitation="mm")
def leaf_wetness(relative_humidity: xr.DataArray, precipitation: xr.DataArray, threshold: float = 90.0) -> xr.DataArray:
    """Estimate leaf wetness: 1 for hours that are rainy or humid, 0 for dry ones, NaN where either value is missing.

    Hours of relative humidity of 90 percent and more stand for dew (Sentelhas et al. 2008); this is a proxy, not a
    measurement.

    Parameters
    ----------
    relative_humidity, precipitation
        Hourly, percent and mm.
    threshold
        Relative humidity from which leaves count as wet, percent.
    """
    wet = (relative_humidity >= threshold) | (precipitation > 0.0)
    return (wet * 1.0).where(np.isfinite(relative_humidity) & np.isfinite(precipitation))
