"""Scratch arrays of compiled models."""

import numba
import numpy as np


@numba.njit(forceinline=True)
def aligned(size):
    """Zeros that begin at a multiple of 64 bytes, so that no row of eight numbers straddles two lines of the cache.

    An array as numpy allocates it begins at one by chance only; a kernel is up to 1.4 times slower where it does not.
    """
    room = np.zeros(size + 7)
    skip = (-room.ctypes.data // 8) % 8
    return room[skip : skip + size]
