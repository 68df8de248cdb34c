"""Reading many scenes over a slow line, against odc-stac with its best settings.

The window of a 13 ha parcel from 150 scenes x 3 bands on a local server that waits 50 ms before every answer. The files
are made up, of the size and layout of real ones (10980 x 10980, blocks of 512, deflate with predictor, overviews),
filled around the parcel. Each reader runs in processes of its own, taking turns: cold is the first read of a new
process with nothing kept, warm the second read (ours from headers on disk). Wall time, medians; both must give the same
numbers.

Run: python -m benchmarks.reading [scenes] [rounds]
"""

import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.shutil import copy
from shapely.geometry import box, mapping

from agritwin.geometry import to_crs
from agritwin.sources.grids import parcel_grid
from agritwin.sources.stac_items import overpasses, read_item
from agritwin.sources.stac_scenes import Access, read_overpasses

DELAY_S = 0.05
LEFT, TOP, SIZE_M = 300000, 4600020, 109800
PARCEL = to_crs(box(344310, 4569660, 344670, 4570020), 32630, 4326)
CONTENTS = 5  # scenes beyond so many hold what an earlier one holds, at an address of their own
LIMITS = {"times faster than odc-stac": {"cold": 1.5, "warm": 3.0}, "requests": {"cold": 2.0, "warm": 1.0}}


def write_band(path: Path, rng: np.random.Generator, pixel: int, kind: str) -> None:
    """Write a COG that is empty but for three by three kilometres around the parcel, noisy fields on a slope."""
    size = SIZE_M // pixel
    with rasterio.open(
        path.with_suffix(".sparse"), "w", driver="GTiff", width=size, height=size, count=1, dtype=kind, nodata=0,
        crs="EPSG:32630", transform=Affine(pixel, 0, LEFT, 0, -pixel, TOP), tiled=True, blockxsize=512, blockysize=512,
        sparse_ok=True,
    ) as raster:  # fmt: skip
        side = 1536 * 10 // pixel
        column, row = int(344310 - LEFT) // pixel - side // 2, int(TOP - 4570020) // pixel - side // 2
        fields = np.kron(rng.normal(2500, 500, (side // 16, side // 16)), np.ones((16, 16)))
        values = (fields + rng.normal(0, 60, (side, side))).clip(1, 9000) if kind == "uint16" else fields % 7 + 4
        raster.write(values.astype(kind), 1, window=((row, row + side), (column, column + side)))
    copy(
        path.with_suffix(".sparse"), path, driver="COG", blocksize=512, compress="deflate", predictor=2,
        overview_resampling="nearest", sparse_ok=True,
    )  # fmt: skip
    path.with_suffix(".sparse").unlink()


def items(address: str, number: int) -> list[dict[str, Any]]:
    """Return STAC items of the scenes as Earth Search describes them."""
    footprint = to_crs(box(LEFT, TOP - SIZE_M, LEFT + SIZE_M, TOP), 32630, 4326)
    described = []
    for scene in range(number):
        day = dt.datetime(2023, 1, 3, 11, tzinfo=dt.UTC) + dt.timedelta(days=5 * scene)
        assets = {
            band: {
                "href": f"{address}/scene{scene:03d}/{band}.tif",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "proj:shape": [SIZE_M // pixel] * 2,
                "proj:transform": [pixel, 0, LEFT, 0, -pixel, TOP],
            }
            for band, pixel in (("red", 10), ("nir", 10), ("scl", 20))
        }
        described.append(
            {
                "type": "Feature", "stac_version": "1.0.0", "id": f"scene{scene:03d}",
                "collection": "sentinel-2-c1-l2a",
                "stac_extensions": ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
                "geometry": mapping(footprint), "bbox": list(footprint.bounds), "links": [], "assets": assets,
                "properties": {
                    "datetime": day.isoformat(), "platform": "sentinel-2a", "proj:epsg": 32630,
                    "grid:code": "MGRS-30TUL", "s2:processing_baseline": "05.11",
                },
            }
        )  # fmt: skip
    return described


def ours(described: list[dict[str, Any]], folder: Path) -> np.ndarray:
    groups = overpasses([read_item(item) for item in described])
    access = Access(lambda href, failed: href, headers=folder / "headers.sqlite")
    read = read_overpasses(groups, parcel_grid(PARCEL), access)
    return np.stack(
        [np.rint((np.stack([o.reflectance["red"], o.reflectance["nir"]]) + 0.1) * 10000) for o in read]
        + [np.stack([o.scl, o.scl]) for o in read]
    ).astype("u2")


def theirs(described: list[dict[str, Any]], folder: Path) -> np.ndarray:
    import odc.stac
    import pystac
    from odc.geo.geobox import GeoBox

    grid = parcel_grid(PARCEL)
    odc.stac.configure_rio(cloud_defaults=True)
    loaded = odc.stac.load(
        [pystac.Item.from_dict(item) for item in described],
        bands=["red", "nir", "scl"],
        geobox=GeoBox((grid.height, grid.width), grid.transform, "EPSG:32630"),
        groupby="id",
        resampling="nearest",
        pool=32,
    )
    bands = np.stack([loaded["red"].to_numpy(), loaded["nir"].to_numpy()], axis=1)
    classes = np.stack([loaded["scl"].to_numpy()] * 2, axis=1)
    return np.concatenate([bands, classes]).astype("u2")


READERS = {"agritwin": ours, "odc-stac": theirs}


def child(name: str, address: str, number: int, folder: str) -> None:
    """Import what is needed by reading one scene; then read all twice, when told to, and say how long each took."""
    described = items(address, number)
    READERS[name](items(address.replace("127.0.0.1", "localhost"), 1), Path(folder) / "imports")
    print("ready", flush=True)
    for _ in ("cold", "warm"):
        sys.stdin.readline()
        wall, cpu = time.perf_counter(), time.process_time()
        values = READERS[name](described, Path(folder))
        print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]), flush=True)
        np.save(Path(folder) / f"{name}.npy", values)


def measured(name: str, address: str, number: int, folder: Path, server: subprocess.Popen) -> dict[str, dict]:
    command = [sys.executable, "-m", "benchmarks.reading", name, address, str(number), str(folder)]
    told = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()  # type: ignore[union-attr]
        for state in ("cold", "warm"):
            counts(server)
            process.stdin.write("\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            wall, cpu = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            told[state] = {"wall": wall, "cpu": cpu, **counts(server)}
    return told


def counts(server: subprocess.Popen) -> dict[str, int]:
    server.stdin.write("\n")  # type: ignore[union-attr]
    server.stdin.flush()  # type: ignore[union-attr]
    return {"GET": 0, "HEAD": 0, "bytes": 0} | json.loads(server.stdout.readline())  # type: ignore[union-attr]


def run(number: int, rounds: int, folder: Path) -> None:
    rng = np.random.default_rng(3)
    for scene in range(number):
        place = folder / f"scene{scene:03d}"
        if scene >= CONTENTS:
            place.symlink_to(f"scene{scene % CONTENTS:03d}")
            continue
        place.mkdir()
        for band, pixel, kind in (("red", 10, "uint16"), ("nir", 10, "uint16"), ("scl", 20, "uint8")):
            write_band(place / f"{band}.tif", rng, pixel, kind)
    command = [sys.executable, str(Path(__file__).with_name("range_server.py")), str(folder), str(DELAY_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"  # type: ignore[union-attr]
        results: dict[str, list[dict]] = {name: [] for name in READERS}
        for turn in range(rounds):
            for name in READERS:
                place = folder / f"{name}{turn}"
                place.mkdir()
                results[name].append(measured(name, address, number, place, server))
            same = np.array_equal(*(np.load(folder / f"{name}{turn}" / f"{name}.npy") for name in READERS))
            print(f"round {turn + 1}: pixels are {'identical' if same else 'DIFFERENT'}")
            assert same, "the two readers differ"
        report(results, number)
        server.terminate()


def report(results: dict[str, list[dict]], number: int) -> None:
    grid = parcel_grid(PARCEL)
    print(f"{number} scenes x 3 bands, {grid.height} x {grid.width} pixels, {DELAY_S * 1e3:.0f} ms before every answer")
    for state in ("cold", "warm"):
        middle = {}
        for name, told in results.items():
            middle[name] = {key: statistics.median(one[state][key] for one in told) for key in told[0][state]}
            each = middle[name]
            requests = (each["GET"] + each["HEAD"]) / number / 3
            kilobytes = each["bytes"] / number / 3 / 1e3
            print(
                f"  {state} {name:8s} {each['wall']:6.2f} s wall, {each['cpu']:5.2f} s CPU, "
                f"{requests:.2f} requests and {kilobytes:.0f} kB a band and scene"
            )
        faster = middle["odc-stac"]["wall"] / middle["agritwin"]["wall"]
        requests = (middle["agritwin"]["GET"] + middle["agritwin"]["HEAD"]) / number / 3
        print(f"  {state} {faster:.2f} times faster, at least {LIMITS['times faster than odc-stac'][state]}")
        print(f"  {state} {requests:.2f} requests a band and scene, at most {LIMITS['requests'][state]:.0f}")


if __name__ == "__main__":
    if len(sys.argv) == 5:
        child(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        with tempfile.TemporaryDirectory() as temporary:
            run(
                int(sys.argv[1]) if len(sys.argv) > 1 else 150,
                int(sys.argv[2]) if len(sys.argv) > 2 else 3,
                Path(temporary),
            )
