"""Windows of rasters on a parcel's grid."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from agritwin.errors import DataError
from agritwin.geometry import to_crs
from agritwin.sources.cog import read_on_grid
from agritwin.sources.grids import Grid, parcel_grid

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "providers" / "eo_samples"
TILE_LEFT, TILE_TOP = 300000.0, 4600020.0


def write_tile(path: Path, values: np.ndarray, pixel: float, epsg: int = 32630) -> str:
    """A tiled COG whose upper left corner is that of tile 30TUL."""
    with rasterio.open(
        path,
        "w",
        driver="COG",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype=values.dtype,
        crs=f"EPSG:{epsg}",
        transform=Affine(pixel, 0, TILE_LEFT, 0, -pixel, TILE_TOP),
        nodata=0,
        blocksize=128,
        compress="deflate",
    ) as raster:
        raster.write(values, 1)
    return str(path)


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> str:
    """256 x 256 pixels of 10 m that each hold 1 + 256 row + column."""
    values = (np.arange(256)[:, None] * 256 + np.arange(256)[None, :] + 1).astype("u2")
    return write_tile(tmp_path_factory.mktemp("tile") / "ramp.tif", values, 10.0)


def test_the_grid_holds_the_parcel_and_20_m_on_whole_pixels() -> None:
    parcel = to_crs(box(347331.8, 4570145.2, 347935.4, 4570751.8), 32630, 4326)
    grid = parcel_grid(parcel)
    assert (grid.epsg, grid.left, grid.top, grid.width, grid.height) == (32630, 347310.0, 4570780.0, 65, 66)
    assert grid.x[0] == 347315.0
    assert grid.y[-1] == 4570125.0


def test_a_parcel_smaller_than_a_pixel_is_refused_with_a_remedy() -> None:
    with pytest.raises(DataError, match="81 m2, less than a Sentinel-2 pixel") as refused:
        parcel_grid(to_crs(box(347331, 4570145, 347340, 4570154), 32630, 4326))
    assert refused.value.remedy


def test_a_window_holds_the_pixels_of_its_place(ramp: str) -> None:
    grid = Grid(32630, TILE_LEFT + 500.0, TILE_TOP - 300.0, 10.0, 4, 3)
    values = read_on_grid(ramp, grid)
    assert values.tolist() == [[30 * 256 + 51 + 256 * row + column for column in range(4)] for row in range(3)]


@settings(max_examples=30, deadline=None)
@given(left=st.integers(-10, 260), top=st.integers(-10, 260), width=st.integers(1, 20), height=st.integers(1, 20))
def test_outside_the_tile_there_is_no_data(ramp: str, left: int, top: int, width: int, height: int) -> None:
    values = read_on_grid(ramp, Grid(32630, TILE_LEFT + 10.0 * left, TILE_TOP - 10.0 * top, 10.0, width, height))
    rows, columns = np.arange(top, top + height)[:, None], np.arange(left, left + width)[None, :]
    inside = (rows >= 0) & (rows < 256) & (columns >= 0) & (columns < 256)
    assert np.array_equal(values, np.where(inside, (rows * 256 + columns + 1).astype("uint16"), 0))


@pytest.mark.parametrize("shift", [0, 1])
def test_twenty_metre_classes_fall_on_the_ten_metre_pixels_that_they_cover(tmp_path: Path, shift: int) -> None:
    classes = np.arange(1, 17, dtype="u1").reshape(4, 4)
    href = write_tile(tmp_path / "scl.tif", classes, 20.0)
    values = read_on_grid(href, Grid(32630, TILE_LEFT + 10.0 * shift, TILE_TOP - 10.0 * shift, 10.0, 4, 4))
    assert np.array_equal(values, np.kron(classes, np.ones((2, 2), "u1"))[shift : shift + 4, shift : shift + 4])


def test_a_scene_of_the_neighbouring_zone_is_warped_to_the_same_place(tmp_path: Path) -> None:
    """A plane of slope in easting, written in zone 29, read in zone 30, keeps its value at a place."""
    east = 700000.0
    columns = np.arange(400)
    with rasterio.open(
        tmp_path / "zone29.tif",
        "w",
        driver="GTiff",
        width=400,
        height=400,
        count=1,
        dtype="uint16",
        crs="EPSG:32629",
        transform=Affine(10, 0, east, 0, -10, 4600000),
        nodata=0,
    ) as raster:
        raster.write(np.tile((1000 + 10 * columns).astype("u2"), (400, 1)), 1)
    middle = to_crs(box(east + 1900, 4597900, east + 2100, 4598100), 32629, 32630)
    left, bottom, _, _ = middle.bounds
    grid = Grid(32630, round(left, -1), round(bottom, -1) + 200.0, 10.0, 20, 20)
    values = read_on_grid(str(tmp_path / "zone29.tif"), grid, "bilinear")
    centres = to_crs(box(grid.x[7] - 1, grid.y[9] - 1, grid.x[7] + 1, grid.y[9] + 1), 32630, 32629).centroid
    assert values[9, 7] == pytest.approx(1000 + (centres.x - east - 5.0), abs=1.5)


def test_a_real_scene_reads_as_rasterio_reads_it() -> None:
    href = SAMPLES / "s2_cog_scene_2020" / "B04.tif"
    if not href.exists():
        pytest.skip("the scene of 2020 is not here")
    with rasterio.open(href) as raster:
        whole, place = raster.read(1), raster.transform
    grid = Grid(32629, place.c + 10 * place.a, place.f + 20 * place.e, place.a, 30, 25)
    assert np.array_equal(read_on_grid(str(href), grid), whole[20:45, 10:40])
    assert whole[20:45, 10:40].any()


def test_a_truncated_file_raises_and_gives_nothing(ramp: str, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tif"
    damaged.write_bytes(Path(ramp).read_bytes()[:3000])
    with pytest.raises(DataError, match="cannot be read"):
        read_on_grid(str(damaged), Grid(32630, TILE_LEFT, TILE_TOP - 1000, 10.0, 100, 100))
