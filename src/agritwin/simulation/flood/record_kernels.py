"""Velocities of cells, and the running record of maxima, moments and durations."""

import numpy as np
from numba import njit

from agritwin.simulation.caching import cached
from agritwin.simulation.flood.layout import DRY_FLOW, FAST, FROUDE_CAP, GRAVITY, SHALLOW, U
from agritwin.simulation.flood.momentum_kernels import flow_depth


@njit(fastmath=FAST, error_model="numpy")
def face_velocity(q, ha, hb, za, zb, kind):
    """Discharge over flow depth: a cell that water has only begun to enter does not set it."""
    depth = flow_depth(ha, hb, za, zb, kind)
    safe = depth if depth > kind(DRY_FLOW) else kind(DRY_FLOW)
    u, fastest = q / safe, np.sqrt(kind(FROUDE_CAP**2 * GRAVITY) * safe)
    u = u if u < fastest else fastest
    u = u if u > -fastest else -fastest
    return u if depth > kind(DRY_FLOW) else kind(0)


@njit(fastmath=FAST, error_model="numpy")
def along_row(out, part, h, q, z, r, dr, dc, a, b):
    """Mean velocity of the faces of cells `a..b-1` in one direction, 0 where they are shallower than `SHALLOW`."""
    kind = h.dtype.type
    half, nought, shallow = kind(0.5), kind(0), kind(SHALLOW)
    for c in range(a, b):
        here, level = h[r, c], z[r, c]
        before = face_velocity(q[r, c], h[r - dr, c - dc], here, z[r - dr, c - dc], level, kind)
        after = face_velocity(q[r + dr, c + dc], here, h[r + dr, c + dc], level, z[r + dr, c + dc], kind)
        mean = half * (before + after)
        out[part, c] = mean if here > shallow else nought


def _cell_velocities(h, qx, qy, z, out_x, out_y):
    """Velocities of all cells along x and along rows."""
    a, b = U(1), U(h.shape[1] - 2)
    for r in range(U(1), U(h.shape[0] - 2)):
        along_row(out_x, r, h, qx, z, r, U(0), U(1), a, b)
        along_row(out_y, r, h, qy, z, r, U(1), U(0), a, b)


@njit(fastmath=FAST, error_model="numpy")
def maxima_row(maxima, h, velocity, r, a, b):
    """Running maxima of depth, speed, depth times speed and hazard rating.

    The hazard rating is h (v + 0.5) + DF (Defra/EA 2006, FD2321/TR1) with the debris factor of pasture and arable land:
    0.5 where h > 0.75 m or v > 2 m/s, 0 elsewhere (its Table 3.1; again as Table 1 of the supplementary note of 2008).
    """
    kind = h.dtype.type
    half, nought, debris_depth, debris_speed = kind(0.5), kind(0), kind(0.75), kind(2.0)
    one, two, three = U(1), U(2), U(3)
    for c in range(a, b):
        depth, x, y = h[r, c], velocity[U(0), c], velocity[one, c]
        speed = np.sqrt(x * x + y * y)
        product = depth * speed
        debris = half if depth > debris_depth else nought
        debris = half if speed > debris_speed else debris
        hazard = product + half * depth + debris
        fastest, strongest, worst = maxima[one, r, c], maxima[two, r, c], maxima[three, r, c]
        maxima[one, r, c] = speed if speed > fastest else fastest
        maxima[two, r, c] = product if product > strongest else strongest
        maxima[three, r, c] = hazard if hazard > worst else worst


def _record(h, qx, qy, z, low, high, maxima, moments, above, thresholds, now, since):
    """Bring maxima, moments (greatest depth, arrival; NaN before) and durations up to date."""
    kind = h.dtype.type
    nought, moment, span = kind(0), kind(now), kind(since)
    velocity = np.zeros((2, h.shape[1]), h.dtype)
    for row in range(1, h.shape[0] - 2):
        r, a, b = U(row), U(max(low[row], 0)), U(high[row] + 1)
        along_row(velocity, U(0), h, qx, z, r, U(0), U(1), a, b)
        along_row(velocity, U(1), h, qy, z, r, U(1), U(0), a, b)
        maxima_row(maxima, h, velocity, r, a, b)
        for c in range(a, b):
            deeper = h[r, c] > maxima[0, r, c]
            maxima[0, r, c] = h[r, c] if deeper else maxima[0, r, c]
            moments[0, r, c] = moment if deeper else moments[0, r, c]
        for k in range(thresholds.size):
            threshold = thresholds[k]
            for c in range(a, b):
                above[k, r, c] += span if h[r, c] > threshold else nought
        if thresholds.size:
            threshold = thresholds[0]
            for c in range(a, b):
                first = np.isnan(moments[1, r, c]) and h[r, c] > threshold
                moments[1, r, c] = moment if first else moments[1, r, c]


cell_velocities = cached(_cell_velocities)
record = cached(_record, error_model="numpy")
