"""Compiled time stepping of the shallow water equations on a staggered raster.

Cells are `[1..rows, 1..columns]` of arrays with a ring of ghost cells. `qx[r, c]` is the discharge per unit width
(m2 s-1) through the face between cells `c - 1` and `c`, `qy[r, c]` through the face between rows `r - 1` and `r`. A
step changes the arrays in place, band by band of rows, with results that do not depend on the number of bands and
threads. Each row carries a span of columns that ever held water; the rest is skipped.
"""

import numpy as np
from numba import prange

from agritwin.simulation.caching import cached
from agritwin.simulation.flood.edge_kernels import close_edges, means, open_edges, pour
from agritwin.simulation.flood.layout import (
    CELL_UPDATES,
    DEPTH_MAX,
    GRAVITY,
    SPEED_MAX,
    SPEED_WEIGHT,
    STEPS,
    TIME,
)
from agritwin.simulation.flood.sweep_kernels import activate, release, sweep


def _advance(
    fields, rest, z, n2, spans, edges, weights, points, series, work, state, until, stop, dx, limits, advection
):
    """Step until the time reaches `until` (may be passed) or `stop` (is met).

    `fields` are (h, qx, qy); `rest` is what depths lack; `spans` (low, high, first, last); `series` (starts, times,
    values, totals, means); `limits` (Courant number, longest step, theta). Arrays change in place.
    """
    h, qx, qy = fields
    low, high, first, last = spans
    starts, times, values, totals, levels = series
    courant, longest, theta = limits
    rows, columns = h.shape[0] - 3, h.shape[1] - 3
    bands = work.shape[0]
    depths, speeds = np.zeros(bands), np.zeros(bands)
    while state[TIME] < until:
        t = state[TIME]
        # waves run at c sqrt(2) along a diagonal, flow may have its peak along both axes: sqrt(2) c + 2 u < dx / dt
        celerity = np.sqrt(GRAVITY * state[DEPTH_MAX]) + SPEED_WEIGHT * state[SPEED_MAX]
        dt = min(longest, courant * dx / (celerity + 1e-12))
        left = stop - t
        if left <= dt:
            dt = left
        elif left < 2 * dt:
            dt = 0.5 * left
        means(starts, times, values, totals, t, dt, levels)
        open_edges(edges, levels, h, qx, qy, z)
        state[CELL_UPDATES] += activate(first, last, low, high, columns)
        for b in prange(bands):
            j0, j1 = 1 + rows * b // bands, 1 + rows * (b + 1) // bands
            depths[b], speeds[b] = sweep(
                h, qx, qy, rest, z, n2, first, last, low, high, j0, j1, work[b], dt, dx, theta, advection
            )
        for b in range(bands):
            release(h, qx, qy, first, last, 1 + rows * b // bands, 1 + rows * (b + 1) // bands, work[b])
        deepest = close_edges(edges, weights, levels, h, rest, qx, qy, dt, dx, state)
        deepest = max(deepest, pour(points, levels, h, rest, dt, dx, state))
        state[DEPTH_MAX], state[SPEED_MAX] = deepest, 0.0
        for b in range(bands):
            state[DEPTH_MAX] = max(state[DEPTH_MAX], depths[b])
            state[SPEED_MAX] = max(state[SPEED_MAX], speeds[b])
        state[STEPS] += 1
        state[TIME] = stop if dt == left else t + dt


advance = cached(_advance)
advance_parallel = cached(_advance, "parallel_", parallel=True)
