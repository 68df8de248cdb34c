"""Over a line that is slow: how many requests, how many at once, what is kept, and what a changed file does."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from agritwin.errors import DataError
from agritwin.sources.cog_cache import HeaderCache
from agritwin.sources.cog_reader import CogReader
from agritwin.sources.grids import Grid
from agritwin.sources.stac_items import read_item
from agritwin.sources.stac_scenes import Access, read_overpasses

LEFT, TOP = 300000.0, 4600020.0
INSIDE = Grid(32630, LEFT + 3000, TOP - 3000, 10.0, 36, 36)
CORNER = Grid(32630, LEFT + 5000, TOP - 5000, 10.0, 36, 36)  # four blocks meet in it


def write(path: Path, add: int = 0) -> np.ndarray:
    values = np.random.default_rng(1).integers(1, 5000, (1100, 1100)).astype("u2") + add
    with rasterio.open(
        path, "w", driver="COG", width=1100, height=1100, count=1, dtype="uint16", crs="EPSG:32630", nodata=0,
        transform=Affine(10, 0, LEFT, 0, -10, TOP), blocksize=512, compress="deflate", predictor=2, overviews="none",
    ) as raster:  # fmt: skip
        raster.write(values.astype("u2"), 1)
    return values.astype("u2")


@pytest.fixture
def store(root: Path, tmp_path: Path) -> Iterator[tuple[str, Callable[[], dict[str, int]]]]:
    """Address of an object store of ``tmp_path``, and what it was asked since the last call."""
    command = [sys.executable, str(root / "benchmarks" / "range_server.py"), str(tmp_path), "0.02"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline())

        def asked() -> dict[str, int]:
            process.stdin.write("\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return json.loads(process.stdout.readline())  # type: ignore[union-attr]

        yield f"http://127.0.0.1:{port}", asked
        process.terminate()


def read(href: str, grid: Grid, kept: Path | None = None) -> np.ndarray:
    with HeaderCache(kept) as headers, ThreadPoolExecutor(2) as threads:
        return asyncio.run(CogReader(headers, threads).window(href, grid))


def test_two_requests_cold_and_one_warm_for_one_block_of_nine(store, tmp_path: Path) -> None:
    address, asked = store
    values = write(tmp_path / "red.tif")
    kept = tmp_path / "headers.sqlite"
    for requests in (2, 1):
        assert np.array_equal(read(f"{address}/red.tif", INSIDE, kept), values[300:336, 300:336])
        told = asked()
        assert told.get("GET") == requests
        assert "HEAD" not in told
        assert told["bytes"] < 0.35 * (tmp_path / "red.tif").stat().st_size


def test_no_more_files_are_read_at_a_time_than_allowed(store, tmp_path: Path) -> None:
    address, asked = store
    values = write(tmp_path / "band.tif")[300:336, 300:336]
    item = {
        "collection": "sentinel-2-c1-l2a",
        "assets": {band: {"href": f"{address}/band.tif"} for band in ("red", "nir", "scl")},
        "properties": {
            "platform": "sentinel-2a", "grid:code": "MGRS-30TUL", "s2:processing_baseline": "03.01",
            "proj:epsg": 32630, "datetime": "2024-03-01T11:00:00Z",
        },
    }  # fmt: skip
    scene = read_item(item | {"id": "one"})
    read = read_overpasses([[scene]] * 12, INSIDE, Access(lambda href, failed: href, files=5))
    assert 2 <= asked()["together"] <= 5
    assert all(np.array_equal(np.rint(overpass.reflectance["red"] * 10000), values) for overpass in read)


def test_blocks_that_meet_in_a_corner_come_by_rows_of_blocks(store, tmp_path: Path) -> None:
    address, asked = store
    values = write(tmp_path / "red.tif")
    assert np.array_equal(read(f"{address}/red.tif", CORNER), values[500:536, 500:536])
    assert asked()["GET"] == 3


def test_a_file_that_changed_is_read_anew_with_its_new_header(store, tmp_path: Path) -> None:
    address, asked = store
    kept = tmp_path / "headers.sqlite"
    write(tmp_path / "red.tif")
    read(f"{address}/red.tif", INSIDE, kept)
    values = write(tmp_path / "red.tif", add=1000)
    asked()
    assert np.array_equal(read(f"{address}/red.tif", INSIDE, kept), values[300:336, 300:336])
    assert asked()["GET"] == 3
    read(f"{address}/red.tif", INSIDE, kept)
    assert asked()["GET"] == 1


def test_a_signature_reaches_the_server_and_neither_the_cache_nor_a_message(store, tmp_path: Path) -> None:
    address, asked = store
    write(tmp_path / "red.tif")
    kept = tmp_path / "headers.sqlite"
    read(f"{address}/red.tif?sig=one%2B", INSIDE, kept)
    asked()
    read(f"{address}/red.tif?sig=two", INSIDE, kept)
    assert asked()["GET"] == 1, "another signature is the same file"
    assert b"sig=" not in kept.read_bytes()
    with pytest.raises(DataError, match="404") as refused:
        read(f"{address}/nir.tif?sig=secret", INSIDE)
    assert "secret" not in str(refused.value)


def test_a_damaged_cache_is_begun_anew(store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    address, asked = store
    write(tmp_path / "red.tif")
    kept = tmp_path / "headers.sqlite"
    kept.write_bytes(b"this is no database at all, but long enough to be taken for one" * 20)
    read(f"{address}/red.tif", INSIDE, kept)
    assert "begun anew" in caplog.text
    asked()
    read(f"{address}/red.tif", INSIDE, kept)
    assert asked()["GET"] == 1


def test_the_cache_keeps_the_newest_of_too_many(tmp_path: Path) -> None:
    with HeaderCache(tmp_path / "headers.sqlite", most=3) as headers:
        for number in range(5):
            headers.put(f"u{number}", "etag 1", b"head")
    with HeaderCache(tmp_path / "headers.sqlite", most=3) as headers:
        assert [headers.get(f"u{number}") is not None for number in range(5)] == [False, False, True, True, True]
        headers.drop("u4")
    with HeaderCache(tmp_path / "headers.sqlite", most=3) as headers:
        assert headers.get("u4") is None
        assert headers.get("u3") == ("etag 1", b"head")
