"""The thin reader reads what GDAL reads, leaves the rest to it, and notices damage."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from agritwin.errors import DataError
from agritwin.sources.cog import read_on_grid
from agritwin.sources.cog_cache import HeaderCache
from agritwin.sources.cog_header import OtherLayoutError, TooShortError, read_header
from agritwin.sources.cog_reader import CogReader
from agritwin.sources.grids import Grid

LEFT, TOP = 300000.0, 4600020.0
PLAIN = {
    "driver": "GTiff", "width": 200, "height": 150, "count": 1, "dtype": "uint16", "crs": "EPSG:32630", "nodata": 0,
    "transform": Affine(10, 0, LEFT, 0, -10, TOP), "tiled": True, "blockxsize": 64, "blockysize": 32,
    "compress": "deflate", "predictor": 2,
}  # fmt: skip


def write(path: Path, **changes: object) -> str:
    profile = PLAIN | changes
    rng = np.random.default_rng(5)
    values = rng.integers(0, 120, (profile["count"], profile["height"], profile["width"])).astype(profile["dtype"])
    with rasterio.open(path, "w", **{key: value for key, value in profile.items() if value is not None}) as raster:
        raster.write(values)
    return str(path)


def thin(href: str, grid: Grid, headers: HeaderCache | None = None) -> np.ndarray:
    with ThreadPoolExecutor(2) as threads:
        return asyncio.run(CogReader(headers or HeaderCache(None), threads).window(href, grid))


LAYOUTS = {
    "sentinel-2": {"driver": "COG", "tiled": None, "blockxsize": None, "blockysize": None, "blocksize": 128},
    "no predictor": {"predictor": None},
    "not packed": {"compress": None, "predictor": None},
    "zstd": {"compress": "zstd"},
    "big file": {"bigtiff": "yes"},
    "big endian": {"endianness": "big"},
    "signed": {"dtype": "int16", "nodata": -1},
    "bytes": {"dtype": "uint8"},
    "four bytes": {"dtype": "uint32"},
    "coarse": {"transform": Affine(20, 0, LEFT, 0, -20, TOP)},
}


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("layouts")
    return {name: write(folder / f"{name}.tif", **changes) for name, changes in LAYOUTS.items()}


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_every_window_holds_what_gdal_reads(layouts: dict[str, str], name: str, data: st.DataObject) -> None:
    left, top = data.draw(st.integers(-30, 210), "left"), data.draw(st.integers(-30, 160), "top")
    width, height = data.draw(st.integers(1, 120), "width"), data.draw(st.integers(1, 120), "height")
    grid = Grid(32630, LEFT + 10 * left, TOP - 10 * top, 10.0, width, height)
    expected = read_on_grid(layouts[name], grid)
    seen = thin(layouts[name], grid)
    assert seen.dtype == expected.dtype
    assert np.array_equal(seen, expected)


def test_blocks_that_the_file_leaves_out_hold_its_fill_value(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    with rasterio.open(path, "w", **PLAIN | {"nodata": 7}, sparse_ok=True) as raster:
        raster.write(np.full((32, 64), 3, "u2"), 1, window=((0, 32), (64, 128)))
    grid = Grid(32630, LEFT, TOP, 10.0, 200, 60)
    assert np.array_equal(thin(str(path), grid), read_on_grid(str(path), grid))
    assert set(np.unique(thin(str(path), grid))) == {3, 7}


@pytest.mark.parametrize(
    "changes",
    [
        {"compress": "lzw"},
        {"tiled": False, "blockxsize": None, "blockysize": None},
        {"dtype": "float32", "predictor": 3},
        {"count": 2},
        {"crs": "EPSG:4326", "transform": Affine(1e-4, 0, -5.0, 0, -1e-4, 41.0)},
        {"transform": Affine(10, 2, LEFT, 2, -10, TOP)},
        {"AREA_OR_POINT": "Point"},
    ],
    ids=["lzw", "strips", "float", "two bands", "degrees", "turned", "points"],
)
def test_other_layouts_are_left_to_gdal(tmp_path: Path, changes: dict[str, object]) -> None:
    tags = {key: changes.pop(key) for key in ["AREA_OR_POINT"] if key in changes}
    href = write(tmp_path / "other.tif", **changes)
    if tags:
        with rasterio.open(href, "r+") as raster:
            raster.update_tags(**tags)
    with pytest.raises(OtherLayoutError):
        thin(href, Grid(32630, LEFT, TOP, 10.0, 5, 5))


def test_a_raster_of_another_zone_and_what_is_no_tiff_are_left_to_gdal(tmp_path: Path) -> None:
    with pytest.raises(OtherLayoutError, match="EPSG:32630"):
        thin(write(tmp_path / "zone.tif"), Grid(32631, LEFT, TOP, 10.0, 5, 5))
    page = tmp_path / "page.tif"
    page.write_bytes(b"<html>come back later</html>")
    with pytest.raises(OtherLayoutError, match="no TIFF"):
        thin(str(page), Grid(32630, LEFT, TOP, 10.0, 5, 5))


def test_a_flipped_bit_in_a_block_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    href = write(tmp_path / "band.tif")
    whole = Path(href).read_bytes()
    header = read_header(whole)
    grid = Grid(32630, LEFT, TOP, 10.0, 3, 3)  # of the first block, whose check sum stands at its end
    sound = thin(href, grid)
    for place in np.linspace(header.offsets[0], header.offsets[0] + header.counts[0] - 1, 40).astype(int):
        Path(href).write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            assert np.array_equal(thin(href, grid), sound), "wrong pixels were taken for right ones"
        except DataError as error:
            assert "damaged" in error.message


def test_a_damaged_byte_of_the_header_is_refused_or_harmless_wherever_it_is(tmp_path: Path) -> None:
    href = write(tmp_path / "band.tif")
    whole = Path(href).read_bytes()
    grid = Grid(32630, LEFT, TOP, 10.0, 3, 3)
    refused = 0
    for place in range(read_header(whole).size):
        damage = (0x00, 0xFF)[place % 2]
        Path(href).write_bytes(whole[:place] + bytes([damage]) + whole[place + 1 :])
        try:
            assert thin(href, grid).shape == (3, 3)
        except (DataError, OtherLayoutError):
            refused += 1
    assert refused > 50


def test_a_file_cut_anywhere_gives_an_error_and_never_pixels(tmp_path: Path) -> None:
    href = write(tmp_path / "band.tif")
    whole = Path(href).read_bytes()
    grid = Grid(32630, LEFT + 1000, TOP - 1000, 10.0, 20, 20)
    header = read_header(whole)
    needed = max(offset + count for offset, count in zip(header.offsets, header.counts, strict=True))
    for size in np.linspace(0, needed - 1, 30).astype(int):
        Path(href).write_bytes(whole[:size])
        try:
            values = thin(href, grid)
        except (DataError, OtherLayoutError):
            continue
        # Written block by block: those of the window may stand before the cut.
        assert np.array_equal(values, read_on_grid(href, grid))


STARTS = [b"", b"II*\0\x08\0\0\0\x10\0", b"MM\0+\0\x08\0\0" + bytes(7) + b"\x10" + bytes(7) + b"\x10"]


@given(head=st.builds(bytes.__add__, st.sampled_from(STARTS), st.binary(max_size=600)))
@settings(max_examples=200, deadline=None)
def test_whatever_the_bytes_the_header_is_read_or_refused(head: bytes) -> None:
    with pytest.raises((OtherLayoutError, TooShortError)):
        read_header(head)
