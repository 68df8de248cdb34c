"""PhenoFlex: bloom where chill opens the buds to heat gradually, rather than all at once.

No parameters of it are published for pistachio; the defaults are the general ones of its authors, a baseline that a
model fitted to local dates has to beat.
"""

from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from agritwin.errors import DataError
from agritwin.simulation.orchard import phenoflex_kernels


@dataclass(frozen=True)
class PhenoFlex:
    """Parameters (Luedeling et al. 2021, Agricultural and Forest Meteorology 307:108491, defaults).

    Parameters
    ----------
    e0, e1, a0, a1, slope, t_fixed
        Of the Dynamic Model of chill: energies over the gas constant (K), rates (h-1), step and its temperature (degC).
    base, optimum, critical
        Where heat begins, is greatest and ends, degC.
    chill_requirement
        Portions at which buds take up half of the heat (yc).
    heat_requirement
        Hours of best heat to bloom (zc).
    transition
        Steepness of the passage from chill to heat, per portion (s1).
    """

    e0: float = 3372.8
    e1: float = 9900.3
    a0: float = 6319.5
    a1: float = 5.939917e13
    slope: float = 1.6
    t_fixed: float = 4.0
    base: float = 4.0
    optimum: float = 25.0
    critical: float = 36.0
    chill_requirement: float = 40.0
    heat_requirement: float = 190.0
    transition: float = 0.5


class Bloom(NamedTuple):
    """When bloom came: hours since the first (None if not), chill portions and hours of best heat by then."""

    hours: int | None
    chill: float
    heat: float


def bloom(air_temperature: xr.DataArray, model: PhenoFlex | None = None) -> Bloom:
    """Count the hours to bloom.

    Parameters
    ----------
    air_temperature
        Hourly over one dimension, degC, from before the first chill.
    model
        Parameters; the published defaults where None.

    Raises
    ------
    DataError
        If an hour is missing.
    """
    celsius = np.ascontiguousarray(air_temperature.to_numpy(), dtype=np.float64)
    if celsius.ndim != 1 or not np.isfinite(celsius).all():
        raise DataError("PhenoFlex needs one series of hourly temperatures without gaps.", "Fill the gaps first.")
    hours, chill, heat = phenoflex_kernels.run(celsius, *astuple(model or PhenoFlex()))
    return Bloom(hours if hours <= celsius.size else None, chill, heat)
