"""Winter chill and the heat that follows it, from hourly temperatures.

Every function returns what each hour adds; ``.cumsum("time")`` gives the total. Hours of one series must follow one
another without gaps: an hour without temperature is NaN, and the Dynamic Model stays NaN from there on, because its
state is no longer known.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.agromet import kernels
from agritwin.agromet.quantities import quantity

# Upper, inclusive bounds of the temperature classes and the chill units of an hour in each (Richardson et al. 1974)
_UTAH_BOUNDS = np.array([1.4, 2.4, 9.1, 12.4, 15.9, 18.0])
_UTAH_UNITS = np.array([0.0, 0.5, 1.0, 0.5, 0.0, -0.5, -1.0])


@dataclass(frozen=True)
class DynamicModel:
    """Parameters of the Dynamic Model as fitted to peach (Fishman, Erez and Couvillon 1987).

    Activation energies over the gas constant in K, rates in h-1, fixing temperature in K; ``zero_celsius`` is the
    offset to K that the published parameters were fitted with.
    """

    e0: float = 4153.5
    e1: float = 12888.8
    a0: float = 139_500.0
    a1: float = 2.567e18
    slope: float = 1.6
    t_fixed: float = 277.0
    zero_celsius: float = 273.0


@quantity("1", "chilling hours", air_temperature="degC")
def chill_hours(air_temperature: Any) -> Any:
    """Count 1 for each hour from 0 to 7.2 degC, both included (Weinberger 1950)."""
    counted = ((air_temperature >= 0.0) & (air_temperature <= 7.2)) * 1.0
    return counted + 0.0 * air_temperature  # keeps NaN


@quantity("1", "Utah chill units", air_temperature="degC")
def utah_units(air_temperature: Any) -> Any:
    """Chill units of each hour, negative when warm (Richardson, Seeley and Walker 1974)."""

    def classify(values: NDArray) -> NDArray:
        units = _UTAH_UNITS[np.searchsorted(_UTAH_BOUNDS, values, side="left")]
        return np.where(np.isnan(values), np.nan, units)

    return xr.apply_ufunc(classify, air_temperature)


@quantity("1", "chill portions", air_temperature="degC")
def chill_portions(air_temperature: xr.DataArray, model: DynamicModel | None = None) -> xr.DataArray:
    """Chill portions completed in each hour (Dynamic Model: Fishman, Erez and Couvillon 1987).

    Parameters
    ----------
    air_temperature
        Hourly, degC, with the dimension ``time`` and any others.
    model
        Parameters; the published ones by default.
    """
    model = model or DynamicModel()

    def run(celsius: NDArray) -> NDArray:
        kelvin = np.ascontiguousarray(celsius, dtype=np.float64) + model.zero_celsius
        flat = kelvin.reshape(-1, kelvin.shape[-1])
        parameters = (model.e0, model.e1, model.a0, model.a1, model.slope, model.t_fixed)
        return kernels.dynamic_portions(flat, *parameters).reshape(kelvin.shape)

    return xr.apply_ufunc(run, air_temperature, input_core_dims=[["time"]], output_core_dims=[["time"]])


@quantity("degC h", "growing degree hours (Anderson)", air_temperature="degC")
def growing_degree_hours(air_temperature: Any, base: float = 4.0, optimum: float = 25.0, critical: float = 36.0) -> Any:
    """Heat of each hour by two cosine branches around an optimum (Anderson, Richardson and Kesner 1986).

    Parameters
    ----------
    air_temperature
        Hourly, degC.
    base, optimum, critical
        Temperatures at which heat starts, is greatest and ends, degC.
    """
    rising = (optimum - base) / 2.0 * (1.0 + np.cos(np.pi + np.pi * (air_temperature - base) / (optimum - base)))
    falling = (optimum - base) * (
        1.0 + np.cos(np.pi / 2.0 + np.pi / 2.0 * (air_temperature - optimum) / (critical - optimum))
    )
    heat = xr.where(air_temperature <= optimum, rising, falling)
    inside = (air_temperature > base) & (air_temperature < critical)
    return heat * inside


@quantity("degC h", "growing degree hours (Richardson)", air_temperature="degC")
def growing_degree_hours_linear(air_temperature: Any, base: float = 4.5, ceiling: float = 25.0) -> Any:
    """Heat of each hour above a base, constant above a ceiling (Richardson, Seeley and Walker 1974)."""
    return np.clip(air_temperature, base, ceiling) - base
