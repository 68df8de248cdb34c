"""Small terrains and rains for the flood tests."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr


@pytest.fixture(scope="session")
def raster() -> Callable[..., xr.Dataset]:
    """Make a terrain from heights, its first cell centre half a cell from (0, 0)."""

    def make(z: np.ndarray, cell_size: float) -> xr.Dataset:
        y, x = ((np.arange(n) + 0.5) * cell_size for n in z.shape)
        return xr.Dataset({"surface_altitude": (("y", "x"), z)}, {"y": y, "x": x}, {"synthetic": "true"})

    return make


@pytest.fixture(scope="session")
def steady_rain() -> Callable[[float, float], xr.DataArray]:
    """Make a rain of one intensity (mm/h) and duration (s)."""

    def make(intensity: float, duration: float) -> xr.DataArray:
        return xr.DataArray([intensity], {"time": [duration]}, ("time",), attrs={"units": "mm h-1"})

    return make
