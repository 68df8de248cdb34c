"""From a terrain dataset to the padded raster that the kernels step on, and back."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from agritwin.errors import DataError

WALL_HEIGHT = 1e4  # m above the edge cell: water never tops a closed edge
SQUARE_TOLERANCE = 0.01


@dataclass(frozen=True)
class Grid:
    """A raster of square cells inside a ring of ghost cells.

    Attributes
    ----------
    x, y
        Cell centres as given (m); `y` may run either way.
    cell_size
        Edge of a cell (m).
    bed
        Bed above `datum` (m), shape (rows + 3, columns + 3): cells are `[1:-2, 1:-2]`, the ghost ring stands as a wall.
    datum
        Lowest altitude of the terrain (m); taken off so that float32 keeps the small differences.
    """

    x: np.ndarray
    y: np.ndarray
    cell_size: float
    bed: np.ndarray
    datum: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.y.size, self.x.size

    @property
    def cell_area(self) -> float:
        """Area of a cell (m2)."""
        return self.cell_size**2

    def padded(self, values: np.ndarray | float = 0.0) -> np.ndarray:
        """Return an array of the padded shape and the state's precision holding `values` in its cells, zero around."""
        out = np.zeros(self.bed.shape, self.bed.dtype)
        cells(out)[...] = values
        return out

    def locate(self, x: float, y: float, what: str) -> tuple[int, int]:
        """Return the padded row and column of the cell that holds a point.

        Raises
        ------
        DataError
            If the point lies outside the raster.
        """
        column, row = nearest(self.x, x), nearest(self.y, y)
        if max(abs(self.x[column] - x), abs(self.y[row] - y)) > 0.51 * self.cell_size:
            raise DataError(
                f"{what} at ({x}, {y}) lies outside the terrain, which spans x {self.x.min()}..{self.x.max()}, "
                f"y {self.y.min()}..{self.y.max()}.",
                "Give its position in the metres of the terrain's projection.",
            )
        return row + 1, column + 1


def cells(padded: np.ndarray) -> np.ndarray:
    """Return a view on the cells of a padded array."""
    return padded[1:-2, 1:-2]


def nearest(centres: np.ndarray, position: float) -> int:
    """Return the index of the centre nearest to a position."""
    return int(np.argmin(np.abs(centres - position)))


def build_grid(terrain: xr.Dataset, precision: str) -> Grid:
    """Check a terrain and pad it.

    Parameters
    ----------
    terrain
        `surface_altitude` (y, x) in m, cell centres `x`, `y` in m of a projected system.
    precision
        `f32` or `f64`.

    Raises
    ------
    DataError
        If the variable is absent, has other dimensions, holds gaps, or the cells are not square and regular.
    """
    if "surface_altitude" not in terrain:
        raise DataError(
            "The terrain has no variable surface_altitude.", "Give a dataset as the terrain sources return it."
        )
    altitude = terrain["surface_altitude"]
    if set(altitude.dims) != {"y", "x"} or min(altitude.shape) < 2:
        raise DataError(
            f"surface_altitude has dimensions {dict(altitude.sizes)}; (y, x) with at least 2 cells each way is needed.",
            "Select one surface and leave out other dimensions.",
        )
    z = altitude.transpose("y", "x").to_numpy().astype(np.float64)
    missing = int((~np.isfinite(z)).sum())
    if missing:
        raise DataError(
            f"surface_altitude has {missing} cells without a height.",
            "Fill the gaps, crop the terrain, or raise the cells outside the study area to a wall.",
        )
    x, y = (altitude[name].to_numpy().astype(np.float64) for name in ("x", "y"))
    cell_size = abs(x[-1] - x[0]) / (x.size - 1)
    steps = np.abs(np.concatenate([np.diff(x), np.diff(y)]))
    if np.any(np.diff(x) <= 0) or np.ptp(steps) > 2 * SQUARE_TOLERANCE * cell_size:
        raise DataError(
            f"The cells are not square and regular: steps from {steps.min():g} to {steps.max():g} m.",
            "Resample the terrain to square cells in a projected system, x ascending.",
        )
    datum = float(z.min())
    inside = np.pad(z - datum, ((1, 2), (1, 2)), mode="edge")
    bed = inside + WALL_HEIGHT
    bed[1:-2, 1:-2] = inside[1:-2, 1:-2]
    return Grid(x, y, float(cell_size), bed.astype(np.float64 if precision == "f64" else np.float32), datum)
