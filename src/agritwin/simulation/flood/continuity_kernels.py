"""What cells can give, what they get, and rows of scratch space."""

from numba import njit

from agritwin.simulation.flood.layout import DEPTH_PEAK, FAST, U


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
def depth_row(work, out, h, rest, r, x, x_row, south, south_row, north, north_row, a, b, ratio):
    """Continuity of a row of cells, and the running peak of depth by column.

    What rounding keeps out of the depth stays in `rest` for the next step (compensated summation): in float32 the level
    of a deep pond would otherwise stand still under a small inflow, and water be lost.
    """
    peak = U(DEPTH_PEAK)
    for c in range(a, b):
        net = (x[x_row, c] - x[x_row, c + U(1)]) + (south[south_row, c] - north[north_row, c])
        change = rest[r, c] + ratio * net
        depth = h[r, c] + change
        rest[r, c] = change - (depth - h[r, c])
        work[out, c] = depth
        before = work[peak, c]
        work[peak, c] = depth if depth > before else before


@njit(fastmath=FAST, error_model="numpy")
def widen(work, depth, low, high, r, a, b):
    """Let the span of row `r` take in cells of `a..b` that are wet in the scratch row `depth`; spans never shrink."""
    while a < low[r] and a <= b and work[depth, a] <= 0:
        a += 1
    while b > high[r] and b >= a and work[depth, b] <= 0:
        b -= 1
    if a <= b:
        low[r] = min(low[r], a)
        high[r] = max(high[r], b)


@njit
def fill(work, row, value):
    """Set a row of the scratch space."""
    for c in range(work.shape[1]):
        work[row, c] = value


@njit
def copy_row(target, row, work, source, a, b):
    """Put columns `a..b-1` of a scratch row where they belong."""
    for c in range(a, b):
        target[row, c] = work[source, c]


@njit
def add(h, rest, r, c, amount):
    """Add an amount (m) to the depth of a cell; returns the depth."""
    kind = h.dtype.type
    change = rest[r, c] + kind(amount)
    before = h[r, c]
    h[r, c] = before + change
    rest[r, c] = change - (h[r, c] - before)
    return float(h[r, c])
