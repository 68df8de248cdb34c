"""Compiled PhenoFlex: chill and heat side by side, hour by hour."""

import math

import numpy as np
from numpy.typing import NDArray

from agritwin.simulation.caching import cached


def _run(
    celsius: NDArray[np.float64],
    e0: float,
    e1: float,
    a0: float,
    a1: float,
    slope: float,
    t_fixed: float,
    base: float,
    optimum: float,
    critical: float,
    chill_requirement: float,
    heat_requirement: float,
    transition: float,
) -> tuple[int, float, float]:
    """Return the hours up to bloom (one past the last hour where it does not come), and chill and heat by then."""
    product, chill, heat = 0.0, 0.0, 0.0
    fixed = t_fixed + 273.0
    for hour in range(celsius.size):
        t = celsius[hour] + 273.0
        balance = a0 / a1 * math.exp((e1 - e0) / t)
        product = balance - (balance - product) * math.exp(-a1 * math.exp(-e1 / t))
        if product >= 1.0:
            portion = product / (1.0 + math.exp(-slope * fixed * (t - fixed) / t))
            chill += portion
            product -= portion
        c = celsius[hour]
        if base < c <= optimum:
            gain = 0.5 * (1.0 - math.cos(math.pi * (c - base) / (optimum - base)))
        elif optimum < c < critical:
            gain = 1.0 - math.sin(0.5 * math.pi * (c - optimum) / (critical - optimum))
        else:
            gain = 0.0
        heat += gain / (1.0 + math.exp(-transition * (chill - chill_requirement)))
        if heat >= heat_requirement:
            return hour + 1, chill, heat
    return celsius.size + 1, chill, heat


run = cached(_run, error_model="numpy")
