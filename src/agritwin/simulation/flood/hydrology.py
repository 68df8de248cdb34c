"""Rain and infiltration acting on the depths between steps of flow."""

import numpy as np

from agritwin.simulation.flood.grid import Grid, cells
from agritwin.simulation.flood.infiltration import CurveNumber, CurveNumberState, GreenAmpt, GreenAmptState
from agritwin.simulation.flood.storms import Rain


class Hydrology:
    """Rain and losses of a run, with their volumes."""

    def __init__(self, grid: Grid, rain: Rain | None, infiltration: GreenAmpt | CurveNumber | None) -> None:
        self.area = grid.cell_area
        self.count = grid.shape[0] * grid.shape[1]
        self.rain = rain
        self.soil = GreenAmptState(infiltration, grid.shape) if isinstance(infiltration, GreenAmpt) else None
        self.curve = CurveNumberState(infiltration, grid.shape) if isinstance(infiltration, CurveNumber) else None
        self.time = 0.0
        self.rain_volume = 0.0
        self.infiltration_volume = 0.0

    def active(self, now: float) -> bool:
        """Whether anything can still happen after `now`."""
        return self.soil is not None or (self.rain is not None and now < self.rain.bounds_s[-1])

    def act(self, depth: np.ndarray, rest: np.ndarray, now: float) -> bool:
        """Let rain and infiltration since the last call act on padded depths; returns whether depths changed.

        `rest` takes what rounding keeps out of the depths, so that drizzle on deep water is not lost in float32.
        """
        start, self.time = self.time, now
        h, left = cells(depth), cells(rest)
        fallen = np.asarray(self.rain.between(start, now) if self.rain is not None else 0.0)
        raining = bool(np.any(fallen > 0))
        if raining:
            self.rain_volume += float(np.sum(fallen)) * self.area * (1 if np.ndim(fallen) else self.count)
            if self.curve is not None:
                kept = self.curve.abstract(fallen)
                self.infiltration_volume += float(kept.sum()) * self.area
                fallen = np.asarray(fallen - kept)
            _add(h, left, fallen)
        if self.soil is not None:
            lost = self.soil.infiltrate(h, now - start)
            self.infiltration_volume += float(lost.sum()) * self.area
            _add(h, left, -lost)
        return raining or self.soil is not None


def _add(h: np.ndarray, rest: np.ndarray, amount: np.ndarray) -> None:
    rest += amount.astype(h.dtype)
    before = h.copy()
    np.maximum(h + rest, 0, out=h)
    rest -= h - before
