"""Where things stand in the arrays that the kernels share, and the constants of the scheme."""

import numpy as np

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
# rows of a band's scratch space: rings of RING rows, then single rows, then new values of the rows at its ends
RING = 4
HALO = 3  # rows of a band that its neighbours read
FLUX_X, FLUX_Y, SHARE, SPEED_X, SPEED_Y = range(0, 5 * RING, RING)
MOMENTUM, DEPTH_PEAK, SPEED_PEAK, DEPTH = range(5 * RING, 5 * RING + 4)
HELD_X, HELD_H, HELD_Y = range(DEPTH + 1, DEPTH + 1 + 6 * HALO, 2 * HALO)
SCRATCH_ROWS = HELD_Y + 2 * HALO + 1

# contraction is harmless and fast; re-association is left out, because results must not depend on vector length
FAST = {"nnan", "ninf", "nsz", "contract", "arcp"}
U = np.uint64
