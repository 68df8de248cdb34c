"""Rain events: how much falls in how long on how wet a soil, and what of it runs off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import DataError

SOIL_WATER = (0.0, 0.5, 1.0)
"""Shares of the available soil water at which the three antecedent conditions of the curve number stand."""


@dataclass(frozen=True)
class Event:
    """A rain event.

    Attributes
    ----------
    depth_mm, duration_h
        How much falls in how long.
    soil_water
        Share of the available soil water that is there when it begins, 0 (wilting point) to 1 (field capacity).
    """

    depth_mm: float
    duration_h: float
    soil_water: float

    @property
    def intensity_mm_h(self) -> float:
        """Mean intensity."""
        return self.depth_mm / self.duration_h


def curve_number(normal: float, soil_water: float) -> float:
    """Curve number for the water that the soil holds before the rain.

    Dry and wet conditions follow from the normal one as Chow, Maidment & Mays (1988, Applied Hydrology, Eq. 5.5.8 and
    5.5.9) give them; between, the number is interpolated over the share of available water.
    """
    dry, wet = 4.2 * normal / (10 - 0.058 * normal), 23 * normal / (10 + 0.13 * normal)
    return float(np.interp(soil_water, SOIL_WATER, [dry, normal, wet]))


def excess_mm(depth_mm: float | NDArray, number: float) -> NDArray:
    """Rain that runs off (USDA NRCS 2004, NEH 630 chapter 10, Eq. 10-11, initial abstraction 0.2 S), mm."""
    storage = 25400.0 / number - 254.0
    beyond = np.maximum(np.asarray(depth_mm, float) - 0.2 * storage, 0.0)
    return beyond**2 / np.maximum(beyond + storage, 1e-9)


def soil_water(depletion_mm: float, available_mm: float) -> float:
    """Share of the available water that the root zone still holds (1 where nothing can be depleted), 0 to 1."""
    return float(np.clip(1.0 - depletion_mm / available_mm, 0.0, 1.0)) if available_mm > 0 else 1.0


def heaviest(precipitation: xr.DataArray, durations_h: Sequence[float], step_h: float = 1.0) -> xr.DataArray:
    """Largest sum within each duration, and when it ends.

    Parameters
    ----------
    precipitation
        mm per step over `time` (and `member`); the step's stamp is its end. A window with a missing step is no sum.
    durations_h
        Durations, whole multiples of the step.
    step_h
        Length of a step.

    Returns
    -------
    xarray.DataArray
        mm over `duration` (and `member`), NaN where no window is whole; coordinate `end`, the stamp that closes it.

    Raises
    ------
    DataError
        Where a duration is no whole number of steps.
    """
    sums, ends = [], []
    for duration in durations_h:
        steps = round(duration / step_h)
        if steps < 1 or abs(steps * step_h - duration) > 1e-6:
            raise DataError(f"{duration} h is no whole number of steps of {step_h} h.", "Choose another duration.")
        rolled = precipitation.rolling(time=steps).sum()
        sums.append(rolled.max("time"))
        last = rolled.fillna(-1.0).argmax("time")
        ends.append(precipitation["time"].isel(time=last, drop=True))
    axis = xr.DataArray(list(durations_h), dims="duration", name="duration", attrs={"units": "h"})
    found = xr.concat(sums, axis).assign_attrs(units="mm", long_name="largest sum within the duration")
    return found.assign_coords(end=(found.dims, np.stack([end.to_numpy() for end in ends])))
