"""Tables of a crop, read by straight lines between points, as the kernel wants them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agritwin.errors import ConfigError


def points_of(name: str, given: Any) -> NDArray[np.float64]:
    """A table as (point, [x, y]).

    Parameters
    ----------
    name
        For messages.
    given
        Pairs, or x and y in turn as in WOFOST's files.

    Raises
    ------
    ConfigError
        If it is no table, or x does not rise.
    """
    values = np.asarray(given, dtype=np.float64)
    if values.ndim == 1 and values.size % 2 == 0:
        values = values.reshape(-1, 2)
    if values.ndim != 2 or values.shape[1] != 2 or not values.size:
        raise ConfigError(f"crop: {name} has the shape {values.shape}.", "Give pairs of x and y.")
    if not np.isfinite(values).all() or (np.diff(values[:, 0]) <= 0).any():
        raise ConfigError(f"crop: x of {name} is {values[:, 0].tolist()}.", "Give finite values with rising x.")
    return values


def read(table: NDArray[np.float64], x: Any) -> NDArray[np.float64]:
    """Value of a table at x: level before the first and after the last point."""
    return np.interp(x, table[:, 0], table[:, 1])


def _pieces(table: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lines [x, y, slope] of a table, and the upper end of each but the last."""
    x, y = table.T
    slopes = np.diff(y) / np.diff(x)
    lines = np.column_stack([x, y, np.append(slopes, 0.0)])
    lines = np.vstack([[x[0], y[0], 0.0], lines])
    ends = x.copy()
    ends[-1] = np.nextafter(x[-1], -np.inf)  # at its last point a table has the last value itself
    if x.size == 1:
        ends = ends[:1]
    return lines, ends


def cut(tables: Mapping[str, NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cut tables of one variable at all their points, so that one search serves them all.

    Returns
    -------
    tuple
        Lines (segment, table, [x, y, slope]), and the upper end of each segment but the last.
    """
    pieces = [_pieces(table) for table in tables.values()]
    points = np.unique(np.concatenate([ends for _, ends in pieces]))
    lines = np.empty((points.size + 1, len(pieces), 3))
    for position, (own, ends) in enumerate(pieces):
        lines[:-1, position] = own[np.searchsorted(ends, points)]
        lines[-1, position] = own[-1]
    return lines, points


def stacked(tables: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Tables as (table, point, [x, y, slope, number of points])."""
    result = np.zeros((len(tables), max(len(table) for table in tables.values()), 4))
    for position, table in enumerate(tables.values()):
        slopes = np.append(np.diff(table[:, 1]) / np.diff(table[:, 0]), 0.0)
        result[position, : len(table), :3] = np.column_stack([table, slopes])
        result[position, :, 3] = len(table)
    return result
