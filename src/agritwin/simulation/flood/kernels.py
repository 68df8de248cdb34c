"""Compiled time stepping of the shallow water equations on a staggered raster.

Cells are `[1..rows, 1..columns]` of arrays with a ring of ghost cells. `qx[r, c]` is the discharge per unit width
(m2 s-1) through the face between cells `c - 1` and `c`, `qy[r, c]` through the face between rows `r - 1` and `r`. A
step reads one set of arrays and writes the other, so that bands of rows can be swept by several threads with results
that do not depend on their number. Each row carries a span of columns that ever held water; the rest is skipped.

Functions on a row of faces serve both directions: `(dr, dc)` is (0, 1) for x faces and (1, 0) for y faces, so that the
cell before face (r, c) is (r - dr, c - dc). Indices are unsigned: numba then leaves out its test for negative ones,
which would keep the loops from being vectorised.

Sources: Bates, Horritt & Fewtrell (2010) J. Hydrol. 387; de Almeida & Bates (2013) WRR 49 (local inertia, q-centred);
Stelling & Duinmeijer (2003) IJNMF 43 (momentum-conserving advection).
"""

from types import FunctionType

import numpy as np
from numba import njit, prange

GRAVITY = 9.81
DRY_FLOW = 1e-5  # m, below this flow depth nothing moves
SPEED_WEIGHT = 1.5  # share of the greatest face velocity in the limit of the time step
FROUDE_CAP = 5.0  # of velocities formed from discharge and depth; the depth may have fallen since the discharge was set
SHALLOW = 0.005  # m, below this depth a speed is not told
# columns of the edge table
(
    AXIS,
    CELL_ROW,
    CELL_COLUMN,
    GHOST_ROW,
    GHOST_COLUMN,
    FACE_ROW,
    FACE_COLUMN,
    OUTER_ROW,
    OUTER_COLUMN,
    SIGN,
    KIND,
    SERIES,
) = range(12)
FREE, STAGE, DISCHARGE = range(3)
# entries of the state vector
TIME, DEPTH_MAX, SPEED_MAX, STEPS, CELL_UPDATES, EDGE_IN, EDGE_OUT, POINT_IN = range(8)
STATE_SIZE = 8
# rows of a band's scratch space: rings of RING rows, then single rows
RING = 4
FLUX_X, FLUX_Y, SHARE, SPEED_X, SPEED_Y = range(0, 5 * RING, RING)
MOMENTUM, DEPTH_PEAK, SPEED_PEAK, LAST_Y, SCRATCH_ROWS = range(5 * RING, 5 * RING + 5)

# contraction is harmless and fast; re-association is left out, because results must not depend on vector length
FAST = {"nnan", "ninf", "nsz", "contract", "arcp"}
U = np.uint64


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


@njit(fastmath=FAST, error_model="numpy")
def share_row(work, out, h, r, x, south, north, a, b, ratio):
    """Share of the outflow that a cell can pay for with the water that it holds."""
    kind = h.dtype.type
    nought, one, tiny = kind(0), kind(1), kind(1e-30)
    for c in range(a, b):
        to_west, to_east, to_south, to_north = -work[x, c], work[x, c + U(1)], -work[south, c], work[north, c]
        demand = (to_east if to_east > nought else nought) + (to_west if to_west > nought else nought)
        demand += (to_north if to_north > nought else nought) + (to_south if to_south > nought else nought)
        share = h[r, c] / (ratio * demand + tiny)
        work[out, c] = share if share < one else one


@njit(fastmath=FAST, error_model="numpy")
def limited_row(target, row, work, flux, share_before, share_here, dc, a, b):
    """Scale each discharge by the share of the cell that gives the water."""
    nought = target.dtype.type(0)
    for c in range(a, b):
        q, before, here = work[flux, c], work[share_before, c - dc], work[share_here, c]
        target[row, c] = q * (before if q > nought else here)


@njit(fastmath=FAST, error_model="numpy")
def depth_row(h_new, h, rest, qx, qy, north, north_row, work, r, a, b, ratio):
    """Continuity of a row of cells, and the running peak of depth by column.

    What rounding keeps out of the depth stays in `rest` for the next step (compensated summation): in float32 the level
    of a deep pond would otherwise stand still under a small inflow, and water be lost.
    """
    peak = U(DEPTH_PEAK)
    for c in range(a, b):
        change = rest[r, c] + ratio * ((qx[r, c] - qx[r, c + U(1)]) + (qy[r, c] - north[north_row, c]))
        depth = h[r, c] + change
        rest[r, c] = change - (depth - h[r, c])
        h_new[r, c] = depth
        before = work[peak, c]
        work[peak, c] = depth if depth > before else before


@njit
def fill(work, row, value):
    """Set a row of the scratch space."""
    for c in range(work.shape[1]):
        work[row, c] = value


@njit(fastmath=FAST, error_model="numpy")
def velocities(h, qx, qy, z, first, last, work, r):
    """Velocities on the x and y faces of row `r`, written to its places in the rings; nothing moves in ghost rows."""
    rows = h.shape[0] - 3
    if r == 1:
        fill(work, SPEED_X, 0)
    out = SPEED_X + r % RING
    if r > rows:
        fill(work, out, 0)
    elif first[r] <= last[r]:
        a, b = first[r], last[r] + 2
        velocity_row(work, U(out), qx, h, z, U(r), U(0), U(1), U(a), U(b))
        work[out, a - 1], work[out, b] = work[out, a], work[out, b - 1]
    a, b = min(first[r - 1], first[r]), max(last[r - 1], last[r]) + 1
    if a < b:
        out = SPEED_Y + r % RING
        velocity_row(work, U(out), qy, h, z, U(r), U(1), U(0), U(a), U(b))
        if r == 1 or r > rows:
            beyond = SPEED_Y + (0 if r == 1 else r + 1) % RING
            for c in range(a, b):
                work[beyond, c] = work[out, c]


@njit(fastmath=FAST, error_model="numpy")
def face_row(work, flux, speed, h, z, n2, q, t, r, dr, dc, a, b, dt, dx, theta, advection):
    """Discharges of faces `a..b-1` of row `r` after the step, before they are limited, in the ring at `flux`."""
    kind = h.dtype.type
    varied = U(1) if n2.shape[0] > 1 else U(0)
    if advection:
        advected_row(work, speed, q, t, r, dr, dc, a, b, kind(dt / dx))
    else:
        smoothed_row(work, q, r, dr, dc, a, b, kind(theta))
    out, lean = flux + r % U(RING), kind(0.5) if advection else kind(0)
    push, drag = kind(GRAVITY * dt / dx), kind(GRAVITY * dt)
    flux_row(work, out, h, z, n2, t, r, dr, dc, a, b, varied * r, varied * (r - dr), push, drag, lean)


@njit(fastmath=FAST, error_model="numpy")
def settle_y(target, row, work, first, last, r):
    """Limit the discharges through the y faces of row `r` and write them where they stay."""
    a, b = min(first[r - 1], first[r]), max(last[r - 1], last[r]) + 1
    if a < b:
        before, here = U(SHARE + (r - 1) % RING), U(SHARE + r % RING)
        limited_row(target, U(row), work, U(FLUX_Y + r % RING), before, here, U(0), U(a), U(b))


@njit(fastmath=FAST, error_model="numpy")
def widen(h, low, high, r, a, b):
    """Let the span of row `r` take in the cells of `a..b` that have become wet; spans never shrink."""
    while a < low[r] and a <= b and h[r, a] <= 0:
        a += 1
    while b > high[r] and b >= a and h[r, b] <= 0:
        b -= 1
    if a <= b:
        low[r] = min(low[r], a)
        high[r] = max(high[r], b)


@njit(nogil=True, fastmath=FAST, error_model="numpy")
def sweep(
    h, qx, qy, h_new, qx_new, qy_new, rest, z, n2, first, last, low, high, j0, j1, work, dt, dx, theta, advection
):
    """Advance rows `j0..j1-1` by one step; `first..last` are the active columns of each row.

    Discharges of row r, outflow shares of row r - 1 and depths of row r - 2 are worked on together while they are in
    cache. Rows next to the band are computed twice, once by each neighbour. Returns the greatest depth and speed.
    """
    kind = h.dtype.type
    rows, ratio = h.shape[0] - 3, kind(dt / dx)
    fill(work, DEPTH_PEAK, 0)
    fill(work, SPEED_PEAK, 0)
    ahead = max(j0 - 2, 1)
    for r in range(j0 - 1, j1 + 2):
        while advection and ahead <= min(r + 1, rows + 1):
            velocities(h, qx, qy, z, first, last, work, ahead)
            ahead += 1
        if 1 <= r <= rows and first[r] <= last[r]:
            a, b = U(first[r]), U(last[r] + 2)
            face_row(work, U(FLUX_X), U(SPEED_X), h, z, n2, qx, qy, U(r), U(0), U(1), a, b, dt, dx, theta, advection)
        if 1 <= r <= rows + 1:
            a, b = U(min(first[r - 1], first[r])), U(max(last[r - 1], last[r]) + 1)
            if a < b:
                face_row(
                    work, U(FLUX_Y), U(SPEED_Y), h, z, n2, qy, qx, U(r), U(1), U(0), a, b, dt, dx, theta, advection
                )
        give = r - 1
        share = SHARE + give % RING
        if give == 0 or give == rows + 1:
            fill(work, share, 1)
        elif give >= j0 - 1 and first[give] <= last[give]:
            x, south, north = U(FLUX_X + give % RING), U(FLUX_Y + give % RING), U(FLUX_Y + r % RING)
            share_row(work, U(share), h, U(give), x, south, north, U(first[give]), U(last[give] + 1), ratio)
        m = r - 2
        if m >= j0:
            if m == j0:
                settle_y(qy_new, m, work, first, last, m)
            northern, row = (qy_new, m + 1) if m + 1 < j1 or m == rows else (work, LAST_Y)
            settle_y(northern, row, work, first, last, m + 1)
            if first[m] <= last[m]:
                a, b, share = U(first[m]), U(last[m] + 1), U(SHARE + m % RING)
                limited_row(qx_new, U(m), work, U(FLUX_X + m % RING), share, share, U(1), a, b + U(1))
                depth_row(h_new, h, rest, qx_new, qy_new, northern, U(row), work, U(m), a, b, ratio)
                widen(h_new, low, high, m, first[m], last[m])
    deepest, fastest = kind(0), kind(0)
    for c in range(h.shape[1]):
        deepest = max(deepest, work[DEPTH_PEAK, c])
        fastest = max(fastest, work[SPEED_PEAK, c])
    return deepest, fastest


@njit
def activate(first, last, low, high, columns):
    """Columns to work on in each row: spans of the row and its neighbours, one wider; none where first > last."""
    cells = 0
    for r in range(1, low.size - 2):
        a = min(low[r - 1], low[r], low[r + 1]) - 1
        b = max(high[r - 1], high[r], high[r + 1]) + 1
        first[r], last[r] = max(a, 1), min(b, columns)
        cells += max(last[r] - first[r] + 1, 0)
    return cells


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
def add(h, rest, r, c, amount):
    """Add an amount (m) to the depth of a cell; returns the depth."""
    kind = h.dtype.type
    change = rest[r, c] + kind(amount)
    before = h[r, c]
    h[r, c] = before + change
    rest[r, c] = change - (h[r, c] - before)
    return float(h[r, c])


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


@njit(cache=True, nogil=True)
def cell_velocities(h, qx, qy, z, out_x, out_y):
    """Velocities of all cells along x and along rows."""
    a, b = U(1), U(h.shape[1] - 2)
    for r in range(U(1), U(h.shape[0] - 2)):
        along_row(out_x, r, h, qx, z, r, U(0), U(1), a, b)
        along_row(out_y, r, h, qy, z, r, U(1), U(0), a, b)


@njit(fastmath=FAST, error_model="numpy")
def maxima_row(maxima, h, velocity, r, a, b):
    """Running maxima of depth, speed, depth times speed and hazard rating.

    The hazard rating is h (v + 0.5) + DF with the debris factor of arable land, 0.5 where h > 0.75 m or v > 2 m/s and 0
    elsewhere (Defra/EA 2006, FD2321/TR1, Tables 3.1 and 3.2).
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


@njit(cache=True, nogil=True, error_model="numpy")
def record(h, qx, qy, z, low, high, maxima, moments, above, thresholds, now, since):
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


def _advance(
    fields, spare, rest, z, n2, spans, edges, weights, points, series, work, state, until, stop, dx, limits, advection
):
    """Step until the time reaches `until` (may be passed) or `stop` (is met). Returns 1 if the arrays changed roles.

    `fields` and `spare` are (h, qx, qy); `rest` is what depths lack; `spans` (low, high, first, last); `series`
    (starts, times, values, totals, means); `limits` (Courant number, longest step, theta). Arrays change in place.
    """
    (h, qx, qy), (h_new, qx_new, qy_new) = fields, spare
    low, high, first, last = spans
    starts, times, values, totals, levels = series
    courant, longest, theta = limits
    rows, columns = h.shape[0] - 3, h.shape[1] - 3
    bands = work.shape[0]
    depths, speeds = np.zeros(bands), np.zeros(bands)
    swapped = 0
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
                h,
                qx,
                qy,
                h_new,
                qx_new,
                qy_new,
                rest,
                z,
                n2,
                first,
                last,
                low,
                high,
                j0,
                j1,
                work[b],
                dt,
                dx,
                theta,
                advection,
            )
        deepest = close_edges(edges, weights, levels, h_new, rest, qx_new, qy_new, dt, dx, state)
        deepest = max(deepest, pour(points, levels, h_new, rest, dt, dx, state))
        state[DEPTH_MAX], state[SPEED_MAX] = deepest, 0.0
        for b in range(bands):
            state[DEPTH_MAX] = max(state[DEPTH_MAX], depths[b])
            state[SPEED_MAX] = max(state[SPEED_MAX], speeds[b])
        state[STEPS] += 1
        state[TIME] = stop if dt == left else t + dt
        h, h_new = h_new, h
        qx, qx_new = qx_new, qx
        qy, qy_new = qy_new, qy
        swapped = 1 - swapped
    return swapped


def _renamed(function: FunctionType, name: str) -> FunctionType:
    """Copy a function under another name: numba's cache on disk tells functions apart by name, not by options."""
    copy = FunctionType(function.__code__, function.__globals__, name)
    copy.__qualname__ = name
    return copy


advance = njit(cache=True, nogil=True)(_advance)
advance_parallel = njit(cache=True, nogil=True, parallel=True)(_renamed(_advance, "_advance_parallel"))
