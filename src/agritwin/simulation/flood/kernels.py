"""Compiled time stepping of the shallow water equations on a staggered raster.

Cells are `[1..rows, 1..columns]` of arrays with a ring of ghost cells. `qx[r, c]` is the discharge per unit width (m2 s-1)
through the face between cells `c - 1` and `c`, `qy[r, c]` through the face between rows `r - 1` and `r`. A step reads one set
of arrays and writes the other, so that bands of rows can be swept by several threads with results that do not depend on
their number. Each row carries a span of columns that ever held water; the rest is skipped.

Sources: Bates, Horritt & Fewtrell (2010) J. Hydrol. 387; de Almeida & Bates (2013) WRR 49 (local inertia, q-centred);
Stelling & Duinmeijer (2003) IJNMF 43 (momentum-conserving advection).
"""

import numpy as np
from numba import njit, prange

GRAVITY = 9.81
DRY_FLOW = 1e-5  # m, below this flow depth nothing moves
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
# rows of a band's scratch space; each quantity keeps three rows in a ring
FLUX_X, FLUX_Y, SHARE, SPEED_X, SPEED_Y, MOMENTUM, DEPTH_PEAK, SPEED_PEAK, LAST_Y = 0, 3, 6, 9, 12, 15, 16, 17, 18
SCRATCH_ROWS = 19

# contraction is harmless and fast; re-association is left out, because results must not depend on vector length
FAST = {"nnan", "ninf", "nsz", "contract", "arcp"}


@njit(cache=True, fastmath=FAST, error_model="numpy")
def inverse_cube_root(x, kind):
    """Return x^(-1/3): a start from the exponent bits, then two third-order Householder steps."""
    bits = np.float32(x).view(np.int32)
    start = np.int32(np.float32(1.418472267e9) - np.float32(bits) * np.float32(1 / 3)).view(np.float32)
    y = kind(start)
    for _ in range(2):
        error = kind(1) - x * y * y * y
        y = y + y * error * (kind(1 / 3) + kind(2 / 9) * error)
    return y


@njit(cache=True, fastmath=FAST, error_model="numpy")
def flow_depth(ha, hb, za, zb, kind):
    """Return the higher water level minus the higher bed, formed from differences so that float32 keeps its digits."""
    drop = za - zb
    above = drop if drop > kind(0) else kind(0)
    a = ha + (drop - above)
    b = hb - above
    return a if a > b else b


@njit(cache=True, fastmath=FAST, error_model="numpy")
def smoothed_row(out, q, before, after, theta):
    """Blend a face's discharge with its neighbours along the flow (q-centred scheme)."""
    kind = out.dtype.type
    side = kind(0.5) * (kind(1) - theta)
    for i in range(out.size):
        out[i] = theta * q[i] + side * (before[i] + after[i])


@njit(cache=True, fastmath=FAST, error_model="numpy")
def advected_row(out, q, before, after, left_a, left_b, right_a, right_b, u, u_before, u_after, u_left, u_right, ratio):
    """Subtract what discharge carries momentum out of the control volume of a face; velocities are taken upwind."""
    kind = out.dtype.type
    half, nought = kind(0.5), kind(0)
    for i in range(out.size):
        enter = half * (before[i] + q[i])
        leave = half * (q[i] + after[i])
        left = half * (left_a[i] + left_b[i])
        right = half * (right_a[i] + right_b[i])
        along = leave * (u[i] if leave > nought else u_after[i]) - enter * (u_before[i] if enter > nought else u[i])
        across = right * (u[i] if right > nought else u_right[i]) - left * (u_left[i] if left > nought else u[i])
        out[i] = q[i] - ratio * (along + across)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def flux_row(out, momentum, ha, hb, za, zb, na, nb, t1, t2, t3, t4, push, drag):
    """Advance a row of face discharges: gravity explicit, Manning friction fully implicit in the two-dimensional norm.

    `push` is g dt / dx, `drag` is g dt, `na` and `nb` are squared Manning coefficients, `t1..t4` the transverse discharges
    around the face.
    """
    kind = out.dtype.type
    half, one, four, nought, quarter, dry = kind(0.5), kind(1), kind(4), kind(0), kind(0.25), kind(DRY_FLOW)
    for i in range(out.size):
        depth = flow_depth(ha[i], hb[i], za[i], zb[i], kind)
        safe = depth if depth > dry else dry
        force = momentum[i] + push * safe * ((za[i] - zb[i]) + (ha[i] - hb[i]))
        y = inverse_cube_root(safe, kind)
        cube = y * y * y
        friction = drag * half * (na[i] + nb[i]) * cube * cube * y
        size = force if force > nought else -force
        # 2 K |q1| where q1 (1 + K |q1|) = force is the one-dimensional solution
        own = half * (np.sqrt(one + four * friction * size) - one)
        cross = friction * quarter * ((t1[i] + t2[i]) + (t3[i] + t4[i]))
        q = force / (one + np.sqrt(own * own + cross * cross))
        out[i] = q if depth > dry else nought


@njit(cache=True, fastmath=FAST, error_model="numpy")
def velocity_row(out, peak, q, ha, hb, za, zb):
    """Velocity on faces, and its running peak by column."""
    kind = out.dtype.type
    nought, dry = kind(0), kind(DRY_FLOW)
    for i in range(out.size):
        depth = flow_depth(ha[i], hb[i], za[i], zb[i], kind)
        safe = depth if depth > dry else dry
        u = q[i] / safe if depth > dry else nought
        out[i] = u
        size = u if u > nought else -u
        peak[i] = size if size > peak[i] else peak[i]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def share_row(out, h, west, east, south, north, ratio):
    """Share of the outflow that a cell can pay for with the water that it holds."""
    kind = out.dtype.type
    nought, one, tiny = kind(0), kind(1), kind(1e-30)
    for i in range(out.size):
        demand = (east[i] if east[i] > nought else nought) - (west[i] if west[i] < nought else nought)
        demand += (north[i] if north[i] > nought else nought) - (south[i] if south[i] < nought else nought)
        share = h[i] / (ratio * demand + tiny)
        out[i] = share if share < one else one


@njit(cache=True, fastmath=FAST, error_model="numpy")
def limited_row(out, q, share_before, share_after):
    """Scale each discharge by the share of the cell that gives the water."""
    nought = out.dtype.type(0)
    for i in range(out.size):
        out[i] = q[i] * (share_before[i] if q[i] > nought else share_after[i])


@njit(cache=True, fastmath=FAST, error_model="numpy")
def depth_row(out, peak, h, west, east, south, north, ratio):
    """Continuity of a row of cells, and the running peak of depth by column."""
    for i in range(out.size):
        depth = h[i] + ratio * ((west[i] - east[i]) + (south[i] - north[i]))
        out[i] = depth
        peak[i] = depth if depth > peak[i] else peak[i]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def velocities(h, qx, qy, z, first, last, work, r):
    """Velocities on the x and y faces of row `r`, written to its places in the rings; nothing moves in ghost rows."""
    rows = h.shape[0] - 3
    out = work[SPEED_X + r % 3]
    if r == 1:
        work[SPEED_X, :] = 0
    if r > rows:
        out[:] = 0
    elif first[r] <= last[r]:
        a, b = first[r], last[r] + 2
        west, east = slice(a - 1, b - 1), slice(a, b)
        velocity_row(out[east], work[SPEED_PEAK, east], qx[r, east], h[r, west], h[r, east], z[r, west], z[r, east])
        out[a - 1] = out[a]
        out[b] = out[b - 1]
    a, b = min(first[r - 1], first[r]), max(last[r - 1], last[r]) + 1
    if a < b:
        out = work[SPEED_Y + r % 3, a:b]
        velocity_row(out, work[SPEED_PEAK, a:b], qy[r, a:b], h[r - 1, a:b], h[r, a:b], z[r - 1, a:b], z[r, a:b])


@njit(cache=True, fastmath=FAST, error_model="numpy")
def settle_y(out, work, first, last, r):
    """Limit the discharges through the y faces of row `r` and write them where they stay."""
    a, b = min(first[r - 1], first[r]), max(last[r - 1], last[r]) + 1
    if a < b:
        before, after = work[SHARE + (r - 1) % 3, a:b], work[SHARE + r % 3, a:b]
        limited_row(out[a:b], work[FLUX_Y + r % 3, a:b], before, after)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def widen(h, low, high, r, a, b):
    """Let the span of row `r` take in the cells of `a..b` that have become wet; spans never shrink."""
    while a < low[r] and a <= b and h[a] <= 0:
        a += 1
    while b > high[r] and b >= a and h[b] <= 0:
        b -= 1
    if a <= b:
        low[r] = min(low[r], a)
        high[r] = max(high[r], b)


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def sweep(h, qx, qy, h_new, qx_new, qy_new, z, n2, first, last, low, high, j0, j1, work, dt, dx, theta, advection):
    """Advance rows `j0..j1-1` by one step; `first..last` are the active columns of each row.

    Discharges of row r, outflow shares of row r - 1 and depths of row r - 2 are worked on together while they are in cache.
    Rows next to the band are computed twice, once by each neighbour. Returns the greatest depth and speed.
    """
    kind = h.dtype.type
    rows = h.shape[0] - 3
    push, drag, ratio = kind(GRAVITY * dt / dx), kind(GRAVITY * dt), kind(dt / dx)
    theta = kind(theta)
    friction_rows = n2.shape[0]
    work[DEPTH_PEAK, :] = 0
    work[SPEED_PEAK, :] = 0
    ahead = max(j0 - 2, 1)
    for r in range(j0 - 1, j1 + 2):
        if advection:
            while ahead <= min(r + 1, rows + 1):
                velocities(h, qx, qy, z, first, last, work, ahead)
                ahead += 1
        na, nb = n2[min(r - 1, friction_rows - 1) if r > 0 else 0], n2[min(r, friction_rows - 1)]
        if 1 <= r <= rows and first[r] <= last[r]:
            a, b = first[r], last[r] + 2
            momentum = work[MOMENTUM, a:b]
            q, before, after = qx[r, a:b], qx[r, a - 1 : b - 1], qx[r, a + 1 : b + 1]
            t1, t2, t3, t4 = qy[r, a - 1 : b - 1], qy[r, a:b], qy[r + 1, a - 1 : b - 1], qy[r + 1, a:b]
            if advection:
                u, here = work[SPEED_X + r % 3], work[SPEED_X + r % 3, a:b]
                below, above = work[SPEED_X + (r - 1) % 3, a:b], work[SPEED_X + (r + 1) % 3, a:b]
                advected_row(
                    momentum,
                    q,
                    before,
                    after,
                    t1,
                    t2,
                    t3,
                    t4,
                    here,
                    u[a - 1 : b - 1],
                    u[a + 1 : b + 1],
                    below,
                    above,
                    ratio,
                )
            else:
                smoothed_row(momentum, q, before, after, theta)
            out = work[FLUX_X + r % 3, a:b]
            flux_row(
                out,
                momentum,
                h[r, a - 1 : b - 1],
                h[r, a:b],
                z[r, a - 1 : b - 1],
                z[r, a:b],
                nb[a - 1 : b - 1],
                nb[a:b],
                t1,
                t2,
                t3,
                t4,
                push,
                drag,
            )
        if 1 <= r <= rows + 1:
            a, b = min(first[r - 1], first[r]), max(last[r - 1], last[r]) + 1
            if a < b:
                momentum = work[MOMENTUM, a:b]
                q, before, after = qy[r, a:b], qy[r - 1, a:b], qy[r + 1, a:b]
                t1, t2, t3, t4 = qx[r - 1, a:b], qx[r, a:b], qx[r - 1, a + 1 : b + 1], qx[r, a + 1 : b + 1]
                if advection:
                    v, here = work[SPEED_Y + r % 3], work[SPEED_Y + r % 3, a:b]
                    below = work[SPEED_Y + (r - 1) % 3, a:b] if r > 1 else here
                    above = work[SPEED_Y + (r + 1) % 3, a:b] if r <= rows else here
                    advected_row(
                        momentum,
                        q,
                        before,
                        after,
                        t1,
                        t2,
                        t3,
                        t4,
                        here,
                        below,
                        above,
                        v[a - 1 : b - 1],
                        v[a + 1 : b + 1],
                        ratio,
                    )
                else:
                    smoothed_row(momentum, q, before, after, theta)
                out = work[FLUX_Y + r % 3, a:b]
                flux_row(
                    out,
                    momentum,
                    h[r - 1, a:b],
                    h[r, a:b],
                    z[r - 1, a:b],
                    z[r, a:b],
                    na[a:b],
                    nb[a:b],
                    t1,
                    t2,
                    t3,
                    t4,
                    push,
                    drag,
                )
        give = r - 1
        if give == 0 or give == rows + 1:
            work[SHARE + give % 3, :] = 1
        elif give >= j0 - 1 and first[give] <= last[give]:
            a, b = first[give], last[give] + 1
            x, south, north = work[FLUX_X + give % 3], work[FLUX_Y + give % 3, a:b], work[FLUX_Y + r % 3, a:b]
            share_row(work[SHARE + give % 3, a:b], h[give, a:b], x[a:b], x[a + 1 : b + 1], south, north, ratio)
        m = r - 2
        if m >= j0:
            if m == j0:
                settle_y(qy_new[m], work, first, last, m)
            northern = qy_new[m + 1] if m + 1 < j1 or m == rows else work[LAST_Y]
            settle_y(northern, work, first, last, m + 1)
            if first[m] <= last[m]:
                a, b = first[m], last[m] + 1
                share = work[SHARE + m % 3]
                limited_row(qx_new[m, a : b + 1], work[FLUX_X + m % 3, a : b + 1], share[a - 1 : b], share[a : b + 1])
                x = qx_new[m]
                depth_row(
                    h_new[m, a:b],
                    work[DEPTH_PEAK, a:b],
                    h[m, a:b],
                    x[a:b],
                    x[a + 1 : b + 1],
                    qy_new[m, a:b],
                    northern[a:b],
                    ratio,
                )
                widen(h_new[m], low, high, m, first[m], last[m])
    return work[DEPTH_PEAK].max(), work[SPEED_PEAK].max()


@njit(cache=True)
def activate(first, last, low, high, columns):
    """Columns to work on in each row: the spans of the row and its neighbours, one cell wider; empty rows get (1, 0)."""
    cells = 0
    for r in range(1, low.size - 2):
        a = min(low[r - 1], low[r], low[r + 1]) - 1
        b = max(high[r - 1], high[r], high[r + 1]) + 1
        first[r], last[r] = max(a, 1), min(b, columns)
        cells += max(last[r] - first[r] + 1, 0)
    return cells


@njit(cache=True)
def integral(times, values, totals, t):
    """Integral of a piecewise linear series from its first time to `t`; the ends hold on either side."""
    k = np.searchsorted(times, t, side="right") - 1
    if k < 0:
        return (t - times[0]) * values[0]
    past = t - times[k]
    if k == times.size - 1:
        return totals[k] + past * values[k]
    slope = (values[k + 1] - values[k]) / (times[k + 1] - times[k])
    return totals[k] + past * (values[k] + 0.5 * slope * past)


@njit(cache=True)
def means(starts, times, values, totals, t, dt, out):
    """Mean of each series over the step `t..t + dt`; series k occupies `starts[k]..starts[k + 1]`."""
    for k in range(out.size):
        part = slice(starts[k], starts[k + 1])
        after = integral(times[part], values[part], totals[part], t + dt)
        out[k] = (after - integral(times[part], values[part], totals[part], t)) / dt


@njit(cache=True)
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


@njit(cache=True)
def close_edges(edges, weights, levels, h, qx, qy, dt, dx, state):
    """Impose prescribed discharges, let free edges only drain, and book what passed; returns the greatest depth set."""
    kind = h.dtype.type
    ratio = kind(dt / dx)
    deepest = 0.0
    for k in range(edges.shape[0]):
        e = edges[k]
        q = qx if e[AXIS] == 0 else qy
        sign = e[SIGN]
        inward = kind(sign * q[e[FACE_ROW], e[FACE_COLUMN]])
        wanted = inward
        if e[KIND] == DISCHARGE:
            wanted = kind(weights[k] * levels[e[SERIES]])
        elif e[KIND] == FREE:
            wanted = min(inward, kind(0))
        if wanted != inward:
            q[e[FACE_ROW], e[FACE_COLUMN]] = kind(sign * wanted)
            h[e[CELL_ROW], e[CELL_COLUMN]] += ratio * (wanted - inward)
        deepest = max(deepest, float(h[e[CELL_ROW], e[CELL_COLUMN]]))
        volume = float(wanted) * float(ratio) * dx * dx
        state[EDGE_IN] += max(volume, 0.0)
        state[EDGE_OUT] += max(-volume, 0.0)
    return deepest


@njit(cache=True)
def pour(points, owed, levels, h, dt, dx, state):
    """Add point discharges to their cells; what rounding leaves over is owed to the next step."""
    deepest = 0.0
    for k in range(points.shape[0]):
        r, c, series = points[k]
        volume = levels[series] * dt
        state[POINT_IN] += volume
        before = h[r, c]
        h[r, c] = h.dtype.type(float(before) + (owed[k] + volume) / (dx * dx))
        owed[k] += volume - (float(h[r, c]) - float(before)) * dx * dx
        deepest = max(deepest, float(h[r, c]))
    return deepest


@njit(cache=True, nogil=True, error_model="numpy")
def record(h, qx, qy, low, high, maxima, moments, above, thresholds, now, since):
    """Bring maxima (depth, speed, depth x speed, hazard), moments (greatest depth, arrival) and durations up to date.

    The hazard rating is h (v + 0.5) + DF with the debris factor of arable land, 0.5 where h > 0.75 m or v > 2 m/s and 0
    elsewhere (Defra/EA 2006, FD2321/TR1, Tables 3.1 and 3.2). Speed counts where depth exceeds `SHALLOW`.
    """
    kind = h.dtype.type
    half, nought, shallow = kind(0.5), kind(0), kind(SHALLOW)
    debris_depth, debris_speed = kind(0.75), kind(2.0)
    moment, span = kind(now), kind(since)
    for r in range(1, h.shape[0] - 2):
        a, b = low[r], high[r] + 1
        if a >= b:
            continue
        depths, west, east, south, north = h[r, a:b], qx[r, a:b], qx[r, a + 1 : b + 1], qy[r, a:b], qy[r + 1, a:b]
        depth_max, speed_max, product_max, hazard_max = (
            maxima[0, r, a:b],
            maxima[1, r, a:b],
            maxima[2, r, a:b],
            maxima[3, r, a:b],
        )
        depth_time, arrival = moments[0, r, a:b], moments[1, r, a:b]
        for i in range(depths.size):
            depth = depths[i]
            if depth > depth_max[i]:
                depth_max[i] = depth
                depth_time[i] = moment
            if depth > shallow:
                x, y = west[i] + east[i], south[i] + north[i]
                product = half * np.sqrt(x * x + y * y)
                speed = product / depth
                debris = half if depth > debris_depth or speed > debris_speed else nought
                hazard = product + half * depth + debris
                speed_max[i] = max(speed, speed_max[i])
                product_max[i] = max(product, product_max[i])
                hazard_max[i] = max(hazard, hazard_max[i])
        for k in range(thresholds.size):
            threshold, duration = thresholds[k], above[k, r, a:b]
            for i in range(depths.size):
                duration[i] += span if depths[i] > threshold else nought
        if thresholds.size:
            for i in range(depths.size):
                if np.isnan(arrival[i]) and depths[i] > thresholds[0]:
                    arrival[i] = moment


def _advance(
    fields, spare, z, n2, spans, edges, weights, points, owed, series, work, state, until, stop, dx, limits, advection
):
    """Step until the time reaches `until` (may be passed) or `stop` (is met). Returns 1 if the arrays changed roles.

    `fields` and `spare` are (h, qx, qy); `spans` (low, high, first, last); `series` (starts, times, values, totals, means);
    `limits` (Courant number, longest step, theta); `state` and `work` are changed in place.
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
        dt = min(longest, courant * dx / (np.sqrt(GRAVITY * state[DEPTH_MAX]) + state[SPEED_MAX] + 1e-12))
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
        deepest = close_edges(edges, weights, levels, h_new, qx_new, qy_new, dt, dx, state)
        deepest = max(deepest, pour(points, owed, levels, h_new, dt, dx, state))
        state[DEPTH_MAX], state[SPEED_MAX] = max(depths.max(), deepest), speeds.max()
        state[STEPS] += 1
        state[TIME] = stop if dt == left else t + dt
        h, h_new = h_new, h
        qx, qx_new = qx_new, qx
        qy, qy_new = qy_new, qy
        swapped = 1 - swapped
    return swapped


advance = njit(cache=True, nogil=True)(_advance)
advance_parallel = njit(cache=True, nogil=True, parallel=True)(_advance)
