"""One step of a band of rows, and which columns it works on."""

from numba import njit

from agritwin.simulation.flood.continuity_kernels import copy_row, depth_row, fill, limited_row, share_row, widen
from agritwin.simulation.flood.layout import (
    DEPTH,
    DEPTH_PEAK,
    FAST,
    FLUX_X,
    FLUX_Y,
    GRAVITY,
    HALO,
    HELD_H,
    HELD_X,
    HELD_Y,
    RING,
    SHARE,
    SPEED_PEAK,
    SPEED_X,
    SPEED_Y,
    U,
)
from agritwin.simulation.flood.momentum_kernels import advected_row, flux_row, smoothed_row, velocity_row


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


@njit
def held(r, j0, j1):
    """Place of row `r` among the rows at either end of a band whose new values wait, or -1 for rows within."""
    if r < j0 + HALO:
        return r - j0
    if r >= j1 - HALO:
        return r - j1 + 2 * HALO
    return -1


@njit
def place(field, work, start, r, j0, j1):
    """Array and row that take the new values of row `r`."""
    k = held(r, j0, j1)
    if k < 0:
        return field, r
    return work, start + k


@njit(nogil=True, fastmath=FAST, error_model="numpy")
def sweep(h, qx, qy, rest, z, n2, first, last, low, high, j0, j1, work, dt, dx, theta, advection):
    """Advance rows `j0..j1-1` by one step in place; `first..last` are the active columns of each row.

    Discharges of row r, outflow shares of row r - 1 and depths of row r - 2 are worked on together while they are in
    cache. Rows next to the band are computed twice, once by each neighbour; so that both read the state before the
    step, new values of the rows at the ends of a band wait in its scratch space until all bands are through.
    Returns the greatest depth and speed.
    """
    kind = h.dtype.type
    rows, ratio = h.shape[0] - 3, kind(dt / dx)
    fill(work, DEPTH_PEAK, 0)
    fill(work, SPEED_PEAK, 0)
    ahead = max(j0 - 2, 1)
    south, south_row = place(qy, work, HELD_Y, j0, j0, j1)
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
            x, below, above = U(FLUX_X + give % RING), U(FLUX_Y + give % RING), U(FLUX_Y + r % RING)
            share_row(work, U(share), h, U(give), x, below, above, U(first[give]), U(last[give] + 1), ratio)
        m = r - 2
        if m >= j0:
            if m == j0:
                settle_y(south, south_row, work, first, last, m)
            north, north_row = place(qy, work, HELD_Y, m + 1, j0, j1)
            settle_y(north, north_row, work, first, last, m + 1)
            if first[m] <= last[m]:
                a, b, share = U(first[m]), U(last[m] + 1), U(SHARE + m % RING)
                x, x_row = place(qx, work, HELD_X, m, j0, j1)
                limited_row(x, U(x_row), work, U(FLUX_X + m % RING), share, share, U(1), a, b + U(1))
                k = held(m, j0, j1)
                out = U(DEPTH if k < 0 else HELD_H + k)
                depth_row(work, out, h, rest, U(m), x, U(x_row), south, U(south_row), north, U(north_row), a, b, ratio)
                if k < 0:
                    copy_row(h, U(m), work, out, a, b)
                widen(work, out, low, high, m, first[m], last[m])
            south, south_row = north, north_row
    deepest, fastest = kind(0), kind(0)
    for c in range(h.shape[1]):
        deepest = max(deepest, work[DEPTH_PEAK, c])
        fastest = max(fastest, work[SPEED_PEAK, c])
    return deepest, fastest


@njit
def release(h, qx, qy, first, last, j0, j1, work):
    """Put the new values that waited in a band's scratch space where they belong."""
    rows = h.shape[0] - 3
    for r in range(j0, j1 + 1):
        k = held(r, j0, j1)
        if k < 0:
            continue
        a, b = min(first[r - 1], first[r]), max(last[r - 1], last[r]) + 1
        if a < b and (r < j1 or r > rows):  # the face between two bands is the northern band's
            copy_row(qy, U(r), work, U(HELD_Y + k), U(a), U(b))
        if r < j1 and first[r] <= last[r]:
            copy_row(qx, U(r), work, U(HELD_X + k), U(first[r]), U(last[r] + 2))
            copy_row(h, U(r), work, U(HELD_H + k), U(first[r]), U(last[r] + 1))
