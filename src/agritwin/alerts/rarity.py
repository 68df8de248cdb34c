"""How rare a rain is here: intensity, duration and frequency, from local records or from Spain's published formulas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import DataError

_BASE = 28.0**0.1


@dataclass(frozen=True)
class Frequency:
    """Rain by duration and return period.

    Attributes
    ----------
    durations_h, years
        Rising durations and return periods.
    amounts_mm
        Rain (duration, years).
    source
        What they come from.
    """

    durations_h: tuple[float, ...]
    years: tuple[float, ...]
    amounts_mm: tuple[tuple[float, ...], ...]
    source: str

    @classmethod
    def of(cls, table: dict[str, Any] | None) -> "Frequency | None":
        """Table as published by :meth:`as_dict`; None where there was none."""
        if not table:
            return None
        amounts = tuple(tuple(map(float, row)) for row in table["amounts_mm"])
        return cls(tuple(table["durations_h"]), tuple(table["years"]), amounts, table["source"])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows = [[round(value, 2) for value in row] for row in self.amounts_mm]
        return {
            "durations_h": list(self.durations_h),
            "years": list(self.years),
            "amounts_mm": rows,
            "source": self.source,
        }

    def amounts(self, duration_h: float) -> NDArray:
        """Rain of each return period within a duration, mm; straight between durations in logarithms of both.

        Durations outside of the table are taken along the nearest two of it.
        """
        axis, rain = np.log(self.durations_h), np.log(np.maximum(np.asarray(self.amounts_mm, float), 1e-6))
        if len(axis) == 1:
            return np.exp(rain[0])
        below = int(np.clip(np.searchsorted(axis, np.log(duration_h), side="right") - 1, 0, len(axis) - 2))
        share = (np.log(duration_h) - axis[below]) / (axis[below + 1] - axis[below])
        return np.exp(rain[below] + share * (rain[below + 1] - rain[below]))

    def return_years(self, amount_mm: float, duration_h: float) -> float | None:
        """Years between two such rains, from the first to the last of the table; None where it comes more often."""
        amounts = self.amounts(duration_h)
        if not amount_mm >= amounts[0] * (1.0 - 1e-9):
            return None
        variates = reduced(1.0 - 1.0 / np.asarray(self.years, float))
        variate = float(np.interp(amount_mm, amounts, variates))
        return float(1.0 / (1.0 - np.exp(-np.exp(-variate))))

    def notes(self, amount_mm: float, duration_h: float) -> dict[str, float]:
        """Evidence of how rare an amount is: `return_years`, or `rarer_than_years` past the last of the table."""
        return rarity_notes(self.return_years(amount_mm, duration_h), self.years[-1])


def rarity_notes(years: float | None, rarest: float) -> dict[str, float]:
    """Say how rare an amount is, from its years and the last of the table; nothing for what comes more often."""
    if years is None:
        return {}
    if years >= rarest * (1.0 - 1e-9):
        return {"rarer_than_years": rarest}
    # Tenths of a year in what comes every few decades would be a precision that no record gives.
    return {"return_years": round(years, 1 if years < 5.0 else 0)}


def reduced(probability: NDArray) -> NDArray:
    """Reduced variate of Gumbel, on which rain by return period is nearly straight."""
    return -np.log(-np.log(probability))


def local_frequency(table: xr.Dataset, source: str) -> Frequency | None:
    """Frequency from the table of `agritwin.agromet.rain.intensity_duration`; None where the years are too few."""
    if table.attrs["outcome"] != "fitted":
        return None
    amounts = (table["intensity"] * table["duration"]).transpose("duration", "return_period").to_numpy()
    durations, years = (tuple(map(float, table[name].to_numpy())) for name in ("duration", "return_period"))
    return Frequency(durations, years, tuple(tuple(map(float, row)) for row in amounts), source)


def spanish_frequency(
    mean_daily_maximum_mm: float,
    variation: float,
    torrentiality: float,
    durations_h: Sequence[float] = (1, 2, 3, 6, 12, 24),
    years: Sequence[float] = (2, 5, 10, 25, 50, 100),
) -> Frequency:
    """Frequency as roads are designed for in Spain: MAXPLUWIN for the day, 5.2-IC within it.

    Parameters
    ----------
    mean_daily_maximum_mm, variation
        Mean of the annual maxima of daily rain and their coefficient of variation, as the maps give them (Ministerio de
        Fomento 1999, Máximas lluvias diarias en la España peninsular).
    torrentiality
        Ratio I1/Id of the hourly to the daily intensity, from the map of 5.2-IC: 8 in Galicia, 9 to 10 in Castile and
        León, 11 by the Mediterranean.
    durations_h, years
        Durations and return periods.
    """
    daily = mean_daily_maximum_mm * quantile_factors(variation, years)
    amounts = tuple(
        tuple(float(hours * day / 24.0 * intensity_ratio(hours, torrentiality)) for day in daily)
        for hours in durations_h
    )
    return Frequency(tuple(map(float, durations_h)), tuple(map(float, years)), amounts, "MAXPLUWIN, 5.2-IC")


def intensity_ratio(duration_h: float, torrentiality: float) -> float:
    """Mean intensity within a duration over that of the day (Instrucción 5.2-IC Drenaje superficial, 1990 and 2016)."""
    return float(torrentiality ** ((_BASE - duration_h**0.1) / (_BASE - 1.0)))


def quantile_factors(variation: float, years: Sequence[float]) -> NDArray:
    """Annual maximum of a return period over their mean, under the SQRT-ETmax distribution.

    F(x) = exp(-k (1 + √(αx)) exp(-√(αx))) of Etoh, Murota & Nakanishi (1987, Hydrologic Frequency Modeling, 253-264);
    k follows from the coefficient of variation, found by bisection over its moments.

    Raises
    ------
    DataError
        Where the coefficient of variation lies outside 0.2 to 0.9.
    """
    if not 0.2 <= variation <= 0.9:
        raise DataError(f"A coefficient of variation of {variation:g} is outside 0.2 to 0.9.", "Take it from the map.")
    root = np.linspace(0.0, 60.0, 30_001)
    low, high = 0.0, np.log(1e6)
    for _ in range(60):
        middle = (low + high) / 2
        mean, square = _moments(root, np.exp(middle))
        low, high = (middle, high) if np.sqrt(square - mean**2) / mean > variation else (low, middle)
    shape = np.exp((low + high) / 2)
    mean, _ = _moments(root, shape)
    distribution = _distribution(root, shape)
    return np.interp(1.0 - 1.0 / np.asarray(years, float), distribution, root) ** 2 / mean


def _distribution(root: NDArray, shape: float) -> NDArray:
    return np.exp(-shape * (1.0 + root) * np.exp(-root))


def _moments(root: NDArray, shape: float) -> tuple[float, float]:
    """First two moments of x = root² for α = 1, from the share that is above."""
    above = 1.0 - _distribution(root, shape)
    return float(np.trapezoid(2.0 * root * above, root)), float(np.trapezoid(4.0 * root**3 * above, root))
