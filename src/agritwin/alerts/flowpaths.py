"""Where water goes on a D8 grid: what drains into a place, and how long the way is, by pointers that are doubled."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

D8 = {1: (0, 1), 2: (1, 1), 4: (1, 0), 8: (1, -1), 16: (0, -1), 32: (-1, -1), 64: (-1, 0), 128: (-1, 1)}
"""Code of `agritwin.terrain.drainage`: rows down, columns right."""


def pointers(flow_direction: NDArray) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the cell that each cell drains to (itself where water stays or leaves the grid) and the way in cells."""
    rows, columns = flow_direction.shape
    row, column = np.indices(flow_direction.shape)
    down, right = np.zeros_like(row), np.zeros_like(column)
    for code, (dy, dx) in D8.items():
        chosen = flow_direction == code
        down[chosen], right[chosen] = dy, dx
    to_row, to_column = row + down, column + right
    leaves = (to_row < 0) | (to_row >= rows) | (to_column < 0) | (to_column >= columns)
    target = np.where(leaves, row * columns + column, to_row * columns + to_column)
    return target.ravel().astype(np.int64), np.where(leaves, 0.0, np.hypot(down, right)).ravel()


def drains_to(flow_direction: NDArray, target: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which cells drain through a place, and how far the way to it is.

    Parameters
    ----------
    flow_direction
        D8 codes (y, x).
    target
        True in the place (y, x).

    Returns
    -------
    tuple
        Mask (y, x), the place included, and the way along the flow path in cells (NaN elsewhere).
    """
    following, way = pointers(flow_direction)
    inside = target.ravel()
    # Within the place nothing moves on, so a path that has reached it stays there and its length stands.
    following = np.where(inside, np.arange(following.size), following)
    length = np.where(inside, 0.0, way)
    for _ in range(int(np.ceil(np.log2(max(following.size, 2)))) + 1):
        length = length + length[following]
        again = following[following]
        if np.array_equal(again, following):
            break
        following = again
    reaches = inside[following]
    shape = flow_direction.shape
    return reaches.reshape(shape), np.where(reaches, length, np.nan).reshape(shape)


def catchment(flow_direction: xr.DataArray, inside: NDArray[np.bool_]) -> dict[str, float | bool]:
    """Describe the land that drains into a parcel.

    Returns
    -------
    dict
        `area_ha` of the catchment, the parcel included; `longest_way_m` along the flow; `cut_off`: whether it goes on
        beyond the edge of the terrain, so that more water may come than is simulated.
    """
    reaches, way = drains_to(flow_direction.to_numpy(), inside)
    cell = abs(float(flow_direction["x"][1] - flow_direction["x"][0]))
    rim = np.concatenate([reaches[0], reaches[-1], reaches[:, 0], reaches[:, -1]])
    return {
        "area_ha": float(reaches.sum()) * cell**2 / 1e4,
        "longest_way_m": float(np.nanmax(way)) * cell,
        "cut_off": bool(rim.any()),
    }
