"""Functions that vector units can work: exponential, bounds, tables over temperature."""

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from agritwin.simulation.annual import layout as at

FAST = {"contract", "reassoc", "arcp", "nsz"}
EXACT = {"nsz"}


@intrinsic
def _bits(typing_context, value):
    """The 64 bits of a float, as an integer."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), code


@intrinsic
def _from_bits(typing_context, value):
    """The float whose 64 bits these are."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), code


@numba.njit(fastmath={"contract"}, error_model="numpy", forceinline=True)
def exponential(value):
    """Exponential function to the last digit or two, as a polynomial that vector units can work."""
    x = min(max(value, -700.0), 700.0)
    shifted = x * 1.4426950408889634 + 6755399441055744.0  # the whole multiples of ln 2 in the lowest bits
    n = shifted - 6755399441055744.0
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return _from_bits(_bits(p) + (_bits(shifted) << 52))  # pyright: ignore[reportCallIssue]


@numba.njit(error_model="numpy", forceinline=True)
def clip(value, lowest, highest):
    """Bound a value; scalars, so that loops over members stay vectors."""
    return min(max(value, lowest), highest)


@numba.njit(fastmath=EXACT, error_model="numpy", forceinline=True)
def read_warmth(w, to, source, tables, row):
    """Read a table over temperature for all members: straight lines between points, level beyond them."""
    points = int(tables[row, 0, 3])
    for j in range(at.BLOCK):
        w[to + j] = tables[row, 0, 1]
    for k in range(points - 1):
        x0, y0, slope = tables[row, k, 0], tables[row, k, 1], tables[row, k, 2]
        for j in range(at.BLOCK):
            x = w[source + j]
            w[to + j] = y0 + slope * (x - x0) if x > x0 else w[to + j]
    x0, y0 = tables[row, points - 1, 0], tables[row, points - 1, 1]
    for j in range(at.BLOCK):
        w[to + j] = y0 if w[source + j] >= x0 else w[to + j]
