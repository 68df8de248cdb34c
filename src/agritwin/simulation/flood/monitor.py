"""Running record of a flood: maxima, arrival, durations, gauges."""

import numpy as np

from agritwin.simulation.flood import layout
from agritwin.simulation.flood.grid import Grid
from agritwin.simulation.flood.record_kernels import record


class Monitor:
    """Maxima and durations in the padded arrays of a run, brought up to date at intervals.

    Attributes
    ----------
    maxima
        Depth, speed, depth times speed and hazard rating, shape (4, rows + 3, columns + 3).
    moments
        Time of the greatest depth and of arrival (s), NaN where dry throughout.
    above
        Seconds above each threshold.
    times, gauges
        Times of the updates (s) and depths at the gauges (m).
    """

    def __init__(self, grid: Grid, thresholds_m: tuple[float, ...], gauges: list[tuple[int, int]]) -> None:
        kind = grid.bed.dtype
        self.thresholds = np.asarray(thresholds_m, kind)
        self.maxima = np.zeros((4, *grid.bed.shape), kind)
        self.moments = np.full((2, *grid.bed.shape), np.nan, kind)
        self.above = np.zeros((len(thresholds_m), *grid.bed.shape), kind)
        self.bed = grid.bed
        self.places = gauges
        self.times: list[float] = []
        self.gauges: list[list[float]] = []
        self.inflow: list[float] = []
        self.outflow: list[float] = []

    def update(self, fields: tuple[np.ndarray, ...], spans: tuple[np.ndarray, ...], state: np.ndarray) -> None:
        """Take in the state at `state[TIME]`; a depth found now is taken to have held since the last update."""
        now = float(state[layout.TIME])
        since = now - self.times[-1] if self.times else 0.0
        h, qx, qy = fields
        record(
            h, qx, qy, self.bed, spans[0], spans[1], self.maxima, self.moments, self.above, self.thresholds, now, since
        )
        self.times.append(now)
        self.gauges.append([float(h[place]) for place in self.places])
        self.inflow.append(float(state[layout.EDGE_IN] + state[layout.POINT_IN]))
        self.outflow.append(float(state[layout.EDGE_OUT]))
