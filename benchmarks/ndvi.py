"""NDVI of a parcel against a limit and a peer.

1. Parcel statistics (mean, spread, quantiles, valid share) of 200 x 200 pixels x 300 dates against 300 ms.
2. The window of a 13 ha parcel from local COGs (1024 x 1024, blocks of 512) of 60 scenes against odc-stac with pool=32;
   both must give the same digital numbers.

Run: python benchmarks/ndvi.py
"""

import datetime as dt
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import odc.stac
import pystac
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning
from shapely.geometry import box, mapping

from agritwin.geometry import to_crs
from agritwin.sources.base import When, Where
from agritwin.sources.cog import parcel_grid
from agritwin.sources.stac import StaticCatalogue
from agritwin.vegetation.parcel_statistics import parcel_statistics

LIMIT_S = 0.3
SCENES = 60
LEFT, TOP, SIZE = 340000, 4575000, 1024
PARCEL = to_crs(box(344310, 4569660, 344670, 4570020), 32630, 4326)
SEASON = When(dt.date(2023, 1, 1), dt.date(2024, 12, 31))


def best_of(times: int, work: Callable[[], object]) -> tuple[float, float]:
    """Least wall and least CPU seconds of several runs."""
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def statistics() -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(-0.1, 0.9, (300, 200, 200)).astype("f4")
    values[rng.random(values.shape) < 0.2] = np.nan
    images = xr.DataArray(values, dims=("time", "y", "x"), coords={"time": np.arange(300)})
    weights = xr.DataArray(np.ones((200, 200)), dims=("y", "x"))
    wall, cpu = best_of(5, lambda: parcel_statistics(images, weights))
    print(f"statistics of 200 x 200 x 300: {wall * 1e3:.0f} ms wall, {cpu * 1e3:.0f} ms CPU")
    print(f"  ratio to the limit of {LIMIT_S * 1e3:.0f} ms: {cpu / LIMIT_S:.2f} (CPU)")


def write_scenes(folder: Path) -> Path:
    """Write a static catalogue of noisy scenes."""
    rng = np.random.default_rng(2)
    catalogue = pystac.Catalog("benchmark", "made-up scenes")
    footprint = to_crs(box(LEFT, TOP - 10 * SIZE, LEFT + 10 * SIZE, TOP), 32630, 4326)
    for number in range(SCENES):
        day = dt.datetime(2023, 1, 3, 11, tzinfo=dt.UTC) + dt.timedelta(days=5 * number)
        item = pystac.Item(f"scene{number:03d}", mapping(footprint), list(footprint.bounds), day, {
            "platform": "sentinel-2a", "proj:epsg": 32630, "grid:code": "MGRS-30TUL", "s2:processing_baseline": "05.11",
        }, collection="sentinel-2-c1-l2a")  # fmt: skip
        for band, pixel, kind in (("red", 10, "uint16"), ("nir", 10, "uint16"), ("scl", 20, "uint8")):
            size = SIZE * 10 // pixel
            values = rng.integers(*((1200, 5000) if kind == "uint16" else (4, 6)), (size, size)).astype(kind)
            path = folder / item.id / f"{band}.tif"
            path.parent.mkdir(exist_ok=True)
            transform = Affine(pixel, 0, LEFT, 0, -pixel, TOP)
            with rasterio.open(
                path, "w", driver="COG", width=size, height=size, count=1, dtype=kind, crs="EPSG:32630",
                transform=transform, nodata=0, blocksize=512, compress="deflate", predictor=2,
            ) as raster:  # fmt: skip
                raster.write(values, 1)
            fields = {"proj:shape": [size, size], "proj:transform": list(transform)[:6]}
            item.add_asset(band, pystac.Asset(f"./{band}.tif", roles=["data"], extra_fields=fields))
        item.stac_extensions = ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"]
        catalogue.add_item(item)
    catalogue.normalize_hrefs(str(folder))
    catalogue.save(pystac.CatalogType.SELF_CONTAINED)
    return folder


def reading(folder: Path) -> None:
    source = StaticCatalogue(folder)
    items = list(pystac.Catalog.from_file(str(folder / "catalog.json")).get_items())
    grid = parcel_grid(PARCEL)
    geobox = GeoBox((grid.height, grid.width), grid.transform, "EPSG:32630")
    where = Where(PARCEL.centroid.y, PARCEL.centroid.x, PARCEL)

    def ours() -> xr.Dataset:
        return source.fetch(where, SEASON)

    def theirs() -> xr.Dataset:
        return odc.stac.load(
            items, bands=["red", "nir", "scl"], geobox=geobox, groupby="id", resampling="nearest", pool=32
        )

    numbers = np.rint((ours()["red"].to_numpy() + 0.1) * 10000)
    assert np.array_equal(numbers, theirs()["red"].to_numpy()), "the two readers differ"
    (our_wall, our_cpu), (their_wall, their_cpu) = best_of(4, ours), best_of(4, theirs)
    print(
        f"{SCENES} scenes, {grid.height} x {grid.width} pixels, 3 bands, local COGs (ours with the catalogue's reading)"
    )
    print(
        f"  agritwin {our_wall:.2f} s wall, {our_cpu:.2f} s CPU; odc-stac pool=32 {their_wall:.2f} s, {their_cpu:.2f} s"
    )
    print(f"  ratio to odc-stac: {our_wall / their_wall:.2f} (wall), {our_cpu / their_cpu:.2f} (CPU)")


if __name__ == "__main__":
    warnings.simplefilter("ignore", NotGeoreferencedWarning)  # odc-stac's own
    statistics()
    with tempfile.TemporaryDirectory() as folder:
        reading(write_scenes(Path(folder)))
