"""One seed for the archive and a random stream of its own for every part."""

import zlib

import numpy as np

SEED = 20250615


def stream(*names: object) -> np.random.Generator:
    """Random generator of a named part, so that changing one part leaves the bytes of the others alone.

    Parameters
    ----------
    names
        Words, numbers or dates that name the part, for example ``stream("scene", "moraleja", date)``.
    """
    return np.random.Generator(np.random.PCG64([SEED, zlib.crc32("/".join(map(str, names)).encode())]))
