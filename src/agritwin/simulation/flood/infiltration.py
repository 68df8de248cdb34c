"""Rain that does not run off: Green-Ampt infiltration of ponded water, and the SCS curve number."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from agritwin.errors import DataError

MM = 1e-3
SECONDS_PER_HOUR = 3600.0
NEWTON_STEPS = 3

Parameter = float | xr.DataArray


@dataclass(frozen=True)
class GreenAmpt:
    """Green-Ampt parameters, numbers or rasters (y, x).

    Attributes
    ----------
    conductivity_mm_h
        Saturated hydraulic conductivity (mm h-1).
    suction_mm
        Suction head at the wetting front (mm).
    moisture_deficit
        Porosity less initial water content (m3 m-3).
    """

    conductivity_mm_h: Parameter
    suction_mm: Parameter
    moisture_deficit: Parameter


@dataclass(frozen=True)
class CurveNumber:
    """SCS curve number, a number or raster (y, x) in (0, 100], and the initial abstraction as a share of storage."""

    number: Parameter
    initial_abstraction: float = 0.2


class GreenAmptState:
    """Cumulative infiltration (m) of each cell under Green-Ampt."""

    def __init__(self, parameters: GreenAmpt, shape: tuple[int, int]) -> None:
        deficit = _raster(parameters.moisture_deficit, shape, "moisture_deficit", 1.0)
        self.conductivity = _raster(parameters.conductivity_mm_h, shape, "conductivity_mm_h") * MM / SECONDS_PER_HOUR
        self.suction = _raster(parameters.suction_mm, shape, "suction_mm") * MM
        self.deficit = deficit
        self.total = np.zeros(shape)

    def infiltrate(self, depth: np.ndarray, dt: float) -> np.ndarray:
        """Return what enters the soil in `dt` seconds under ponded water of `depth` (m), at most the water there is.

        Solves F1 - F0 - S ln((F1 + S) / (F0 + S)) = K dt with S = (suction + depth) deficit by Newton steps (Chow,
        Maidment & Mays 1988, Applied Hydrology, Eq. 4.3.8).
        """
        storage = np.maximum((self.suction + depth) * self.deficit, 1e-12)
        supply = self.conductivity * dt
        start = self.total + storage
        # x = F1 - F0 solves x - S ln(1 + x / (F0 + S)) = K dt; the expansion to second order is a start from above
        lag = supply - 2.0 * self.total
        x = np.maximum(0.5 * (lag + np.sqrt(lag**2 + 8.0 * supply * start)), supply)
        for _ in range(NEWTON_STEPS):
            excess = x - storage * np.log1p(x / start) - supply
            x = x - excess * (start + x) / np.maximum(self.total + x, 1e-15)
        x = np.clip(x, 0.0, depth)
        self.total += x
        return x


class CurveNumberState:
    """Cumulative rain (m) of each cell under the curve number."""

    def __init__(self, parameters: CurveNumber, shape: tuple[int, int]) -> None:
        number = _raster(parameters.number, shape, "number", 100.0)
        if number.min() <= 0:
            raise DataError("The curve number falls to 0.", "Give curve numbers above 0 and up to 100.")
        self.storage = (25400.0 / number - 254.0) * MM
        self.initial = parameters.initial_abstraction * self.storage
        self.total = np.zeros(shape)

    def abstract(self, rain: np.ndarray) -> np.ndarray:
        """Return what of `rain` (m) in a step does not run off (USDA NRCS 2004, NEH 630 chapter 10, Eq. 10-11)."""
        before = self._runoff()
        self.total += rain
        return np.clip(rain - (self._runoff() - before), 0.0, rain)

    def _runoff(self) -> np.ndarray:
        excess = np.maximum(self.total - self.initial, 0.0)
        return excess**2 / np.maximum(excess + self.storage, 1e-12)


def _raster(value: Parameter, shape: tuple[int, int], name: str, upper: float = np.inf) -> np.ndarray:
    values = value.transpose("y", "x").to_numpy() if isinstance(value, xr.DataArray) else np.asarray(value, float)
    if values.shape not in ((), shape):
        raise DataError(
            f"{name} has shape {values.shape}, the terrain {shape}.", "Resample it to the terrain's raster."
        )
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > upper:
        raise DataError(
            f"{name} must lie in 0..{upper:g} everywhere, found {values.min():g}..{values.max():g}.", "Correct it."
        )
    return np.broadcast_to(values, shape).astype(np.float64)
