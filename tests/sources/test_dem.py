import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import from_origin
from shapely.geometry import shape

from agritwin.errors import SourceError
from agritwin.sources.base import When, Where
from agritwin.sources.dem import Glo30Terrain, Mdt05Terrain, glo30_tiles
from agritwin.sources.grids import surroundings
from agritwin.sources.heights import ascii_grid
from agritwin.sources.http import TransientError

TODAY = When(dt.date(2025, 6, 15), dt.date(2025, 6, 15))
PLACE = Where(41.27, -4.82)


def grid_text(rows, columns, cell=5.0, west=0.0, south=0.0, values=None, missing="-9999"):
    header = (
        f"ncols {columns}\nnrows {rows}\nxllcorner {west}\nyllcorner {south}\ncellsize {cell}\nNODATA_value {missing}\n"
    )
    values = np.zeros((rows, columns)) if values is None else values
    return header + "\n".join(" ".join(f"{value:.3f}" for value in row) for row in values) + "\n"


@pytest.mark.parametrize(
    ("bounds", "tiles"),
    [
        ((-4.83, 41.26, -4.81, 41.28), ["N41_00_W005"]),
        ((-0.01, 40.5, 0.01, 40.6), ["N40_00_W001", "N40_00_E000"]),
        ((-4.5, 40.99, -4.4, 41.01), ["N40_00_W005", "N41_00_W005"]),
        ((150.5, -33.6, 150.6, -33.5), ["S34_00_E150"]),
        # Pixel centres fall on the degree: a box just east of the line still needs half a pixel of the next tile.
        ((-5.0 - 1e-5, 41.5, -4.9, 41.6), ["N41_00_W005"]),
    ],
)
def test_tiles_are_named_by_their_south_west_corner(bounds, tiles):
    assert glo30_tiles(bounds) == [f"Copernicus_DSM_COG_10_{tile}_00_DEM" for tile in tiles]


def test_the_recorded_tile_lies_where_its_name_says(recorded):
    with rasterio.open(recorded("eo_samples/dem/copernicus_glo30_N00_E006_clip.tif")) as raster:
        bounds = tuple(raster.bounds)
    assert glo30_tiles(bounds) == ["Copernicus_DSM_COG_10_N00_00_E006_00_DEM"]


def test_heights_of_a_recorded_tile_come_out_in_utm(recorded):
    path = recorded("eo_samples/dem/copernicus_glo30_N00_E006_clip.tif")
    with rasterio.open(path) as raster:
        row, column = np.unravel_index(np.argmax(raster.read(1)), raster.shape)
        peak, (east, north) = raster.read(1).max(), raster.xy(row, column)
    source = Glo30Terrain(buffer_m=300.0, url=str(path))
    terrain = source.fetch(Where(north, east), TODAY)["surface_altitude"]
    # Bilinear interpolation never exceeds the peak and reaches nearly to it.
    assert peak - 30 < float(terrain.max()) <= peak
    assert terrain.sizes == {"y": 21, "x": 21} or terrain.size >= 400
    assert np.unique(np.diff(terrain["x"])) == [30.0]
    assert np.unique(np.diff(terrain["y"])) == [-30.0]


def test_the_dataset_carries_its_place(tmp_path):
    write_tile(tmp_path / "tile.tif", -5.0, 42.0, np.full((360, 360), 800.0))
    dataset = Glo30Terrain(url=str(tmp_path / "tile.tif")).fetch(PLACE, TODAY)
    assert rasterio.CRS.from_wkt(dataset["spatial_ref"].attrs["crs_wkt"]).to_epsg() == 32630
    west, cell, _, north, _, down = map(float, dataset["spatial_ref"].attrs["GeoTransform"].split())
    assert (cell, down) == (30.0, -30.0)
    assert west + 15 == dataset["x"].values[0]
    assert north - 15 == dataset["y"].values[0]
    assert dataset["surface_altitude"].attrs["units"] == "m"
    assert dataset.attrs["synthetic"] == "false"


def write_tile(path, west, north, heights):
    step = 1.0 / heights.shape[0]
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326", "compress": "deflate"}
    transform = from_origin(west - 0.5 / 3600, north + 0.5 / 3600, step, step)
    rows, columns = heights.shape
    with rasterio.open(path, "w", height=rows, width=columns, transform=transform, **profile) as raster:
        raster.write(heights.astype(np.float32), 1)


def test_a_plane_stays_a_plane_across_two_tiles(tmp_path):
    """Heights that rise evenly with longitude on both sides of 5 degrees west keep rising evenly."""
    step = 1 / 3600
    for west in (-6, -5):
        longitude = west + np.arange(3600) * step
        heights = np.tile(1000 + 10000 * (longitude + 5), (3600, 1))
        name = f"Copernicus_DSM_COG_10_N41_00_W00{-west}_00_DEM"
        write_tile(tmp_path / f"{name}.tif", west, 42.0, heights)
    source = Glo30Terrain(buffer_m=300.0, url=str(tmp_path / "{tile}.tif"))
    terrain = source.fetch(Where(41.5, -5.0), TODAY)["surface_altitude"].values
    rises = np.diff(terrain, axis=1)
    assert rises.min() > 0
    assert rises.max() < 2 * np.median(rises)


@pytest.fixture
def object_store(tmp_path):
    """Address of a server of ``tmp_path``, and the process that prints how many bytes it sent."""
    command = [sys.executable, str(Path(__file__).with_name("range_server.py")), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process
        process.kill()


def test_only_the_window_is_read_from_a_remote_tile(object_store, tmp_path):
    address, process = object_store
    heights = np.random.default_rng(1).normal(800, 5, (2400, 2400)).astype(np.float32)
    tile = "Copernicus_DSM_COG_10_N41_00_W005_00_DEM"
    transform = from_origin(-5 - 0.5 / 3600, 42 + 0.5 / 3600, 1 / 2400, 1 / 2400)
    profile = {"driver": "COG", "width": 2400, "height": 2400, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(tmp_path / f"{tile}.tif", "w", transform=transform, **profile) as raster:
        raster.write(heights, 1)
    terrain = Glo30Terrain(buffer_m=300.0, url=address + "/{tile}.tif").fetch(PLACE, TODAY)
    process.kill()
    sent = sum(map(int, process.stdout.read().split()))
    assert float(terrain["surface_altitude"].mean()) == pytest.approx(800, abs=2)
    assert 0 < sent < 0.2 * (tmp_path / f"{tile}.tif").stat().st_size


def test_a_remote_tile_that_is_not_there_is_sea(object_store):
    terrain = Glo30Terrain(buffer_m=300.0, url=object_store[0] + "/{tile}.tif").fetch(PLACE, TODAY)
    assert set(np.unique(terrain["surface_altitude"])) == {0.0}


def test_a_tile_that_does_not_exist_is_sea():
    sea = httpx.MockTransport(lambda request: httpx.Response(404))
    terrain = Glo30Terrain(transport=sea).fetch(Where(36.0, -12.0), TODAY)
    assert set(np.unique(terrain["surface_altitude"])) == {0.0}


def test_cells_without_data_are_not_heights(tmp_path):
    profile = {"driver": "GTiff", "width": 360, "height": 360, "count": 1, "dtype": "int16", "nodata": -32768}
    transform = from_origin(-5, 42, 1 / 360, 1 / 360)
    with rasterio.open(tmp_path / "tile.tif", "w", crs="EPSG:4326", transform=transform, **profile) as raster:
        raster.write(np.full((360, 360), -32768, np.int16), 1)
    with pytest.raises(SourceError, match="have no height"):
        Glo30Terrain(url=str(tmp_path / "tile.tif")).fetch(PLACE, TODAY)


def test_a_refused_tile_is_not_sea():
    refused = httpx.MockTransport(lambda request: httpx.Response(403))
    with pytest.raises(SourceError, match="answered 403"):
        Glo30Terrain(transport=refused).fetch(PLACE, TODAY)


def test_a_damaged_tile_is_a_temporary_error(tmp_path):
    (tmp_path / "tile.tif").write_bytes(b"II*\0not a tiff")
    with pytest.raises(SourceError, match=r"tile\.tif could not be read") as caught:
        Glo30Terrain(url=str(tmp_path / "tile.tif")).fetch(PLACE, TODAY)
    assert caught.value.temporary


def test_the_grid_covers_parcel_and_buffer(recorded):
    text = recorded("eo_samples/sigpac/parcel_47-96-0-0-5-20-1_orchard.geojson").read_text()
    parcel = shape(json.loads(text)["geometry"])
    grid = surroundings(Where(parcel.centroid.y, parcel.centroid.x, parcel), 100.0, 10.0)
    # Bounds in EPSG:25830 as the provider notes give them; EPSG:32630 differs by less than a metre.
    west, north = 347331.8 - 100, 4570751.8 + 100
    assert grid.left == pytest.approx(west - west % 10, abs=10)
    assert grid.top == pytest.approx(north + 10 - north % 10, abs=10)
    assert grid.left + grid.width * 10 >= 347935.4 + 100 - 1
    assert grid.top - grid.height * 10 <= 4570145.2 - 100 + 1


def mdt(handler):
    return Mdt05Terrain(buffer_m=50.0, transport=httpx.MockTransport(handler))


def coverage(request):
    """A plane of 1 m per 100 m eastwards, in the multipart form of the service."""
    (x, y) = request.url.params.get_list("SUBSET")
    west, east = map(float, x[2:-1].split(","))
    south, north = map(float, y[2:-1].split(","))
    columns, rows = int((east - west) / 5) + 1, int((north - south) / 5) + 1
    heights = np.tile(700 + (west + 2.5 + 5 * np.arange(columns)) / 100, (rows, 1))
    text = grid_text(rows, columns, 5.0, west, south, heights)
    return httpx.Response(
        200, text=f"--wcs\nContent-Type: text/xml\n\n<gml/>\n--wcs\nContent-Type: text/plain\n\n{text}--wcs--\n"
    )


def test_mdt05_is_read_from_the_text_part():
    terrain = mdt(coverage).fetch(PLACE, TODAY)["surface_altitude"]
    expected = np.broadcast_to(700 + terrain["x"].values / 100, terrain.shape)
    assert np.abs(terrain.values - expected).max() < 0.02
    assert np.unique(np.diff(terrain["x"])) == [5.0]


def test_mdt05_asks_for_the_coverage_of_the_zone():
    asked = []

    def handler(request):
        asked.append(dict(request.url.params))
        return coverage(request)

    mdt(handler).fetch(Where(41.4, 2.1), TODAY)
    assert asked[0]["COVERAGEID"] == "Elevacion25831_5"
    assert asked[0]["FORMAT"] == "application/asc"


def test_mdt05_knows_only_spain():
    with pytest.raises(SourceError, match="outside Spain"):
        mdt(coverage).fetch(Where(52.5, 13.4), TODAY)


@pytest.mark.parametrize(
    "body", ["", "<ows:ExceptionReport/>", grid_text(3, 3)[:-30], grid_text(2, 2).replace("0.000", "x")]
)
def test_a_broken_coverage_is_asked_for_again_then_an_error(body, waits):
    asked = []

    def handler(request):
        asked.append(request)
        return httpx.Response(200, text=body)

    with pytest.raises(SourceError) as caught:
        mdt(handler).fetch(PLACE, TODAY)
    assert len(asked) == 5
    assert caught.value.temporary


@given(st.integers(1, 6), st.integers(1, 6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.data())
def test_an_ascii_grid_is_read_back_as_it_was_written(rows, columns, west, south, data):
    values = np.array(
        data.draw(st.lists(st.integers(-400, 9000), min_size=rows * columns, max_size=rows * columns)), float
    ).reshape(rows, columns)
    values[0, 0] = -9999
    cells, transform = ascii_grid(grid_text(rows, columns, 5.0, west, south, values))
    assert np.isnan(cells[0, 0])
    assert cells.ravel()[1:].tolist() == values.ravel()[1:].tolist()
    assert (transform.c, transform.f) == pytest.approx((west, south + 5 * rows))


def test_cell_centres_and_unequal_cells_are_understood():
    text = "ncols 2\nnrows 1\nxllcenter 2\nyllcenter 5\ndx 4\ndy 10\nNODATA_value -9999\n1 2\n"
    cells, transform = ascii_grid(text)
    assert (transform.c, transform.f, transform.a, transform.e) == (0.0, 10.0, 4.0, -10.0)
    assert cells.tolist() == [[1.0, 2.0]]


@given(st.text(max_size=200))
def test_any_other_text_is_a_passing_failure(text):
    with pytest.raises(TransientError):
        ascii_grid(text)


def test_the_recorded_lidar_grid_is_read(recorded):
    cells, transform = ascii_grid(recorded("eo_samples/dem/bijou_gully_5m.asc").read_text())
    assert sorted(cells.shape) == [77, 105]
    assert transform.a == pytest.approx(4.989, abs=0.01)
