"""Discharges through rows of faces: momentum before friction, gravity and friction, velocities.

Functions on a row of faces serve both directions: `(dr, dc)` is (0, 1) for x faces and (1, 0) for y faces, so that the
cell before face (r, c) is (r - dr, c - dc). Indices are unsigned: numba then leaves out its test for negative ones,
which would keep the loops from being vectorised.

Sources: Bates, Horritt & Fewtrell (2010) J. Hydrol. 387; de Almeida & Bates (2013) WRR 49 (local inertia, q-centred);
Stelling & Duinmeijer (2003) IJNMF 43 (momentum-conserving advection).
"""

import numpy as np
from numba import njit

from agritwin.simulation.flood.layout import DRY_FLOW, FAST, FROUDE_CAP, GRAVITY, MOMENTUM, RING, SPEED_PEAK, U


@njit(fastmath=FAST, error_model="numpy")
def inverse_cube_root(x, kind):
    """Return x^(-1/3): a start from the exponent bits, then two third-order Householder steps."""
    bits = np.float32(x).view(np.int32)
    start = np.int32(np.float32(1420041514) - np.float32(bits) * np.float32(1 / 3)).view(np.float32)
    y = kind(start)
    for _ in range(2):
        error = kind(1) - x * y * y * y
        y = y + y * error * (kind(1 / 3) + kind(2 / 9) * error)
    return y


@njit(fastmath=FAST, error_model="numpy")
def flow_depth(ha, hb, za, zb, kind):
    """Return the higher water level minus the higher bed, formed from differences so that float32 keeps its digits."""
    drop = za - zb
    above = drop if drop > kind(0) else kind(0)
    a = ha + (drop - above)
    b = hb - above
    return a if a > b else b


@njit(fastmath=FAST, error_model="numpy")
def smoothed_row(work, q, r, dr, dc, a, b, theta):
    """Blend the discharge of faces `a..b-1` with its neighbours along the flow (q-centred scheme)."""
    kind = q.dtype.type
    side = kind(0.5) * (kind(1) - theta)
    for c in range(a, b):
        work[U(MOMENTUM), c] = theta * q[r, c] + side * (q[r - dr, c - dc] + q[r + dr, c + dc])


@njit(fastmath=FAST, error_model="numpy")
def advected_row(work, speed, q, t, r, dr, dc, a, b, ratio):
    """Subtract what discharge carries momentum out of the control volume of a face; velocities are taken upwind."""
    kind = q.dtype.type
    half, nought, ring = kind(0.5), kind(0), U(RING)
    here, back, forth = speed + r % ring, speed + (r - dr) % ring, speed + (r + dr) % ring
    lower, upper = speed + (r - dc) % ring, speed + (r + dc) % ring
    for c in range(a, b):
        enter = half * (q[r - dr, c - dc] + q[r, c])
        leave = half * (q[r, c] + q[r + dr, c + dc])
        left = half * (t[r - dr, c - dc] + t[r, c])
        right = half * (t[r - dr + dc, c - dc + dr] + t[r + dc, c + dr])
        u, behind, beyond = work[here, c], work[back, c - dc], work[forth, c + dc]
        at_left, at_right = work[lower, c - dr], work[upper, c + dr]
        along = leave * (u if leave > nought else beyond) - enter * (behind if enter > nought else u)
        across = right * (u if right > nought else at_right) - left * (at_left if left > nought else u)
        work[U(MOMENTUM), c] = q[r, c] - ratio * (along + across)


@njit(fastmath=FAST, error_model="numpy")
def flux_row(work, out, h, z, n2, t, r, dr, dc, a, b, friction_row, friction_before, push, drag, lean):
    """Advance discharges of faces `a..b-1`: gravity explicit, Manning friction fully implicit in the 2-D norm.

    `push` is g dt / dx, `drag` is g dt, `n2` the squared Manning coefficient of cells, `t` the transverse discharge.
    `lean` is 1/2 where pressure is to act on the mean depth, so that momentum is conserved across a jump, and 0 where
    it acts on the flow depth.
    """
    kind = h.dtype.type
    half, one, four, nought, quarter, dry = kind(0.5), kind(1), kind(4), kind(0), kind(0.25), kind(DRY_FLOW)
    for c in range(a, b):
        ha, hb, za, zb = h[r - dr, c - dc], h[r, c], z[r - dr, c - dc], z[r, c]
        depth = flow_depth(ha, hb, za, zb, kind)
        safe = depth if depth > dry else dry
        drop = (za - zb) + (ha - hb)
        step, fall = abs(ha - hb), abs(drop)
        uneven = step if step < fall else fall
        force = work[U(MOMENTUM), c] + push * (safe - lean * (uneven if uneven < safe else safe)) * drop
        y = inverse_cube_root(safe, kind)
        cube = y * y * y
        friction = drag * half * (n2[friction_before, c - dc] + n2[friction_row, c]) * cube * cube * y
        # 2 K |q1| where q1 (1 + K |q1|) = force is the one-dimensional solution
        own = half * (np.sqrt(one + four * friction * abs(force)) - one)
        sides = (t[r - dr, c - dc] + t[r, c]) + (t[r - dr + dc, c - dc + dr] + t[r + dc, c + dr])
        cross = quarter * friction * sides
        q = force / (one + np.sqrt(own * own + cross * cross))
        work[out, c] = q if depth > dry else nought


@njit(fastmath=FAST, error_model="numpy")
def velocity_row(work, out, q, h, z, r, dr, dc, a, b):
    """Velocity on faces by the mean depth at either side, and its running peak by column."""
    kind = h.dtype.type
    half, nought, dry, peak, cap = kind(0.5), kind(0), kind(DRY_FLOW), U(SPEED_PEAK), kind(FROUDE_CAP**2 * GRAVITY)
    for c in range(a, b):
        ha, hb = h[r - dr, c - dc], h[r, c]
        depth = flow_depth(ha, hb, z[r - dr, c - dc], z[r, c], kind)
        mean = half * (ha + hb)
        mean = mean if mean > dry else dry
        u, fastest = q[r, c] / mean, np.sqrt(cap * mean)
        u = u if u < fastest else fastest
        u = u if u > -fastest else -fastest
        u = u if depth > dry else nought
        work[out, c] = u
        size = abs(u)
        before = work[peak, c]
        work[peak, c] = size if size > before else before
