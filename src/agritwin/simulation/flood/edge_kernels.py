"""Open faces and points: series in time, what stands beyond the edge, what passes it."""

from numba import njit

from agritwin.simulation.flood.continuity_kernels import add
from agritwin.simulation.flood.layout import (
    AXIS,
    CELL_COLUMN,
    CELL_ROW,
    DISCHARGE,
    EDGE_IN,
    EDGE_OUT,
    FACE_COLUMN,
    FACE_ROW,
    FREE,
    GHOST_COLUMN,
    GHOST_ROW,
    KIND,
    OUTER_COLUMN,
    OUTER_ROW,
    POINT_IN,
    SERIES,
    SIGN,
    STAGE,
)


@njit
def integral(times, values, totals, start, end, t):
    """Integral of the piecewise linear series in `start..end - 1` from its first time to `t`; its ends hold outside."""
    if t < times[start]:
        return (t - times[start]) * values[start]
    low, high = start, end
    while high - low > 1:
        middle = (low + high) // 2
        if times[middle] <= t:
            low = middle
        else:
            high = middle
    past = t - times[low]
    if low == end - 1:
        return totals[low] + past * values[low]
    slope = (values[low + 1] - values[low]) / (times[low + 1] - times[low])
    return totals[low] + past * (values[low] + 0.5 * slope * past)


@njit
def means(starts, times, values, totals, t, dt, out):
    """Mean of each series over the step `t..t + dt`; series k occupies `starts[k]..starts[k + 1] - 1`."""
    for k in range(out.size):
        after = integral(times, values, totals, starts[k], starts[k + 1], t + dt)
        out[k] = (after - integral(times, values, totals, starts[k], starts[k + 1], t)) / dt


@njit
def open_edges(edges, levels, h, qx, qy, z):
    """Set depths of the ghost cells and discharges beyond the edge before a step."""
    nought = h.dtype.type(0)
    for k in range(edges.shape[0]):
        e = edges[k]
        depth = h[e[CELL_ROW], e[CELL_COLUMN]]
        if e[KIND] == STAGE:
            depth = max(h.dtype.type(levels[e[SERIES]] - z[e[CELL_ROW], e[CELL_COLUMN]]), nought)
        h[e[GHOST_ROW], e[GHOST_COLUMN]] = depth
        q = qx if e[AXIS] == 0 else qy
        q[e[OUTER_ROW], e[OUTER_COLUMN]] = q[e[FACE_ROW], e[FACE_COLUMN]]


@njit
def close_edges(edges, weights, levels, h, rest, qx, qy, dt, dx, state):
    """Impose prescribed discharges, let free edges only drain, and book what passed; returns the greatest depth set."""
    kind = h.dtype.type
    ratio = kind(dt / dx)
    deepest = 0.0
    for k in range(edges.shape[0]):
        e = edges[k]
        q = qx if e[AXIS] == 0 else qy
        sign = e[SIGN]
        inward = float(sign * q[e[FACE_ROW], e[FACE_COLUMN]])
        wanted = inward
        if e[KIND] == DISCHARGE:
            wanted = weights[k] * levels[e[SERIES]]
        elif e[KIND] == FREE:
            wanted = min(inward, 0.0)
        if wanted != inward:
            q[e[FACE_ROW], e[FACE_COLUMN]] = kind(sign * wanted)
            deepest = max(deepest, add(h, rest, e[CELL_ROW], e[CELL_COLUMN], float(ratio) * (wanted - inward)))
        volume = wanted * float(ratio) * dx * dx
        state[EDGE_IN] += max(volume, 0.0)
        state[EDGE_OUT] += max(-volume, 0.0)
    return deepest


@njit
def pour(points, levels, h, rest, dt, dx, state):
    """Add point discharges to their cells; returns the greatest depth set."""
    deepest = 0.0
    for k in range(points.shape[0]):
        r, c, series = points[k]
        volume = levels[series] * dt
        state[POINT_IN] += volume
        deepest = max(deepest, add(h, rest, r, c, volume / (dx * dx)))
    return deepest
