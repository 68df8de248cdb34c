"""NDVI of a parcel against the limits of the project.

1. Parcel statistics (mean, spread, quantiles, valid share) of 200 x 200 pixels x 300 dates.
2. The same cube from disk to parcel means; its size on disk against the zstd-compressed raw int16; a map of one date.

Reading scenes has a benchmark of its own (benchmarks.reading). Run: python -m benchmarks.ndvi
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from numcodecs.zstd import Zstd

from agritwin.cubes import open_group
from agritwin.vegetation.cube import NDVI_ENCODING
from agritwin.vegetation.parcel_statistics import parcel_means, parcel_statistics
from agritwin.vegetation.store import GROUP, read_map, write_scenes

DATES = 300
LIMIT_S, MAP_LIMIT_S, STORAGE_LIMIT = 0.3, 0.02, 1.3


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


def season(dates: int, size: int) -> xr.Dataset:
    """Return an NDVI cube of fields that green up and dry, with the noise of the sensor and a fifth under cloud."""
    rng = np.random.default_rng(2)
    day = np.arange(dates) * 5.0
    level = 0.45 + 0.3 * np.sin(2 * np.pi * day / 365.0)
    fields = np.kron(rng.normal(0.0, 0.08, (size // 20 + 1,) * 2), np.ones((20, 20)))[:size, :size]
    values = np.empty((dates, size, size), "f4")
    for number in range(dates):
        values[number] = level[number] + fields + rng.normal(0.0, 0.012, (size, size))
        if number % 5 == 0:
            values[number] = np.nan
    cube = xr.Dataset(
        {
            "ndvi": (("time", "y", "x"), values.clip(-1, 1)),
            "scene_id": ("time", np.array([f"scene{number:04d}" for number in range(dates)])),
            "platform": ("time", np.array(["sentinel-2a"] * dates)),
        },
        {"time": np.datetime64("2019-01-01T11:00:00", "ns") + np.arange(dates) * np.timedelta64(5, "D"),
         "x": np.arange(size) * 10.0, "y": np.arange(size) * 10.0},
    )  # fmt: skip
    cube["ndvi"].encoding = dict(NDVI_ENCODING)
    return cube


def stored(folder: Path) -> None:
    """Print the parcel means of a stored cube, a map of one date, and the size on disk."""
    store = folder / "parcel.icechunk"
    cube = season(DATES, 200)
    write_scenes(store, None, cube, "all")
    raw = np.where(np.isnan(cube["ndvi"]), -32768, np.rint(cube["ndvi"].fillna(0) * 10000)).astype("i2")
    squeezed = len(Zstd(level=3).encode(raw.tobytes()))
    held = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    print(f"storage of 200 x 200 x {DATES}: {held / 1e6:.2f} MB, zstd of the raw int16 {squeezed / 1e6:.2f} MB")
    print(f"  ratio {held / squeezed:.2f}, at most {STORAGE_LIMIT}")
    weights = xr.DataArray(np.ones((200, 200)), dims=("y", "x"))

    def means() -> np.ndarray:
        return parcel_means(open_group(store, GROUP)["ndvi"], weights)

    wall, cpu = best_of(5, means)
    print(f"stored cube to parcel means: {wall * 1e3:.0f} ms wall, {cpu * 1e3:.0f} ms CPU, at most {LIMIT_S * 1e3:.0f}")
    store = folder / "map.icechunk"
    write_scenes(store, None, season(40, 512), "all")
    wall, cpu = best_of(25, lambda: read_map(store, "2019-04-30"))
    limit = f"at most {MAP_LIMIT_S * 1e3:.0f}"
    print(f"map of one date, 512 x 512, opening its store: {wall * 1e3:.1f} ms wall, {cpu * 1e3:.1f} ms CPU, {limit}")
    cube = open_group(store, GROUP)["ndvi"]
    wall, cpu = best_of(25, lambda: cube.isel(time=23).to_numpy())
    print(f"  of a cube that is open: {wall * 1e3:.1f} ms wall, {cpu * 1e3:.1f} ms CPU, {limit}")
    wall, cpu = best_of(25, lambda: open_group(store, GROUP))
    print(f"  opening the whole cube, all its variables: {wall * 1e3:.1f} ms wall, {cpu * 1e3:.1f} ms CPU")


if __name__ == "__main__":
    statistics()
    with tempfile.TemporaryDirectory() as temporary:
        stored(Path(temporary))
