"""Compiled loops over hours for models whose state passes from hour to hour."""

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, error_model="numpy")
def dynamic_portions(
    kelvin: NDArray[np.float64], e0: float, e1: float, a0: float, a1: float, slope: float, t_fixed: float
) -> NDArray[np.float64]:
    """Chill portions completed in each hour, rows of ``kelvin`` being independent series.

    There is no intermediate product before the first hour. A portion is fixed at the end of an hour and leaves then.

    Parameters
    ----------
    kelvin
        Temperatures (series, hour) in K.
    e0, e1
        Activation energies over the gas constant of forming and of destroying the intermediate product, K.
    a0, a1
        Rates of both, h-1.
    slope, t_fixed
        Slope and temperature (K) of the step that fixes a whole portion.
    """
    series, hours = kelvin.shape
    portions = np.empty((series, hours))
    for s in range(series):
        product = 0.0
        for h in range(hours):
            t = kelvin[s, h]
            balance = a0 / a1 * np.exp((e1 - e0) / t)
            remaining = np.exp(-a1 * np.exp(-e1 / t))
            product = balance - (balance - product) * remaining
            portions[s, h] = 0.0 * product
            if product >= 1.0:
                step = np.exp(slope * t_fixed * (t - t_fixed) / t)
                portions[s, h] = product * step / (1.0 + step)
                product -= portions[s, h]
    return portions
