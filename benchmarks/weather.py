"""Weather cubes against the limits of the project: ``python -m benchmarks.weather``.

1. A day of hours appended to ten years, its local days made anew, in one commit.
2. Ten years of hours of one point read.
3. Ten years on disk against their zstd-compressed int16, one variable after the other.
4. Ten years of hours made into local days, with ET0.
5. A day more as the observe step does it in a process of its own, and what its imports take of that.

The weather is the demo archive's, repeated; storage is of the archive as it is. Wall and CPU seconds are the least of
several runs; CPU seconds are held against the limits, since others may load the machine.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numcodecs.zstd import Zstd

from agritwin import cubes, weather_cube
from agritwin.agromet.day_table import day_table
from agritwin.sources import canonical

ROOT = Path(__file__).resolve().parents[1]
YEARS = 10
ARCHIVE_DAYS = 2800
APPEND_LIMIT_S, READ_LIMIT_S, DAYS_LIMIT_S, STORAGE_LIMIT = 0.15, 0.05, 0.3, 1.3
PLACE = (41.3, -4.8, 750.0, "Europe/Madrid")
COLUMNS = {
    "air_temperature": "temperature_2m",
    "relative_humidity": "relative_humidity_2m",
    "wind_speed": "wind_speed_10m",
    "precipitation": "precipitation",
    "shortwave_radiation": "shortwave_radiation",
    "surface_pressure": "surface_pressure",
}


def weather(days: int) -> xr.Dataset:
    """Hours from 2016-01-01 on: those of the archive again and again."""
    table = pd.read_parquet(ROOT / "data/archive/weather/n413w048.parquet")
    place = np.arange(24 * days) % (len(table) // 24 * 24)
    values = {name: table[column].to_numpy(float)[place] for name, column in COLUMNS.items()}
    values["wind_speed"] = canonical.wind_at_2m(values["wind_speed"], 10.0)
    time = (np.datetime64("2016-01-01", "h") + np.arange(24 * days)).astype("datetime64[ns]")
    about = {"source": "archive", "title": "t", "licence": "l", "attribution": "a", "synthetic": "true"}
    return canonical.hourly_dataset(time, values, origin="modelled", attributes=about)


def append(store: Path, hours: xr.Dataset) -> None:
    with weather_cube.editing(store, "benchmark") as cube:
        cube.merge_hours(hours)
        cube.derive_days(lambda hourly: day_table(hourly, *PLACE))


def best(runs: list[Callable[[], object]]) -> tuple[float, float]:
    """Least wall and CPU seconds of runs."""
    walls, cpus = [], []
    for run in runs:
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def tell(what: str, value: float, limit: float, unit: str, wall: float | None = None) -> None:
    beside = "" if wall is None else f" (wall {wall:.1f})"
    print(f"{what:<58} {value:8.2f} {unit:<3} limit {limit:g}{beside}{'' if value <= limit else '   OVER'}", flush=True)


def raw_int16(hours: xr.Dataset) -> int:
    """Bytes of the values packed as int16 in hundredths, or the finest step that int16 can hold, zstd level 3."""
    steps = dict.fromkeys(COLUMNS, 0.01) | {"wind_speed": 0.001, "shortwave_radiation": 0.1, "surface_pressure": 0.1}
    codec = Zstd(level=3)
    packed = (np.round(hours[name].to_numpy() / step).astype("i2").tobytes() for name, step in steps.items())
    return sum(len(codec.encode(values)) for values in packed)


def stored(hours: xr.Dataset, folder: Path) -> int:
    """Bytes of the hours with their origins and the cube's own metadata, of one state."""
    fresh = folder / "hours.icechunk"
    weather_cube.write_hourly(fresh, hours, "all")
    return sum(path.stat().st_size for path in fresh.rglob("*") if path.is_file())


def importing(module: str) -> float:
    """CPU seconds that a process takes to import a module."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    program = f"import time, {module}; print(time.process_time())"
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
        for _ in range(3)
    ]
    return min(float(run.stdout) for run in runs)


def main() -> None:
    days = 365 * YEARS + 2
    every = weather(days + 12)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        store = folder / "weather.icechunk"
        append(store, every.isel(time=slice(0, 24 * days)))
        pieces = [every.isel(time=slice(24 * day, 24 * (day + 1))) for day in range(days, days + 12)]
        wall, cpu = best([lambda piece=piece: append(store, piece) for piece in pieces])
        tell("a day of hours appended to 10 years, days made anew", 1e3 * cpu, 1e3 * APPEND_LIMIT_S, "ms", 1e3 * wall)
        wall, cpu = best([lambda: weather_cube.open_hourly(store)["air_temperature"].load() for _ in range(12)])
        tell("10 years of hours of a point read, all variables", 1e3 * cpu, 1e3 * READ_LIMIT_S, "ms", 1e3 * wall)
        wall, cpu = best([lambda: weather_cube.open_daily(store) for _ in range(8)])
        tell("10 years of its days read, all variables", 1e3 * cpu, 1e3 * READ_LIMIT_S, "ms", 1e3 * wall)
        assert cubes.head(store)
        once = weather(ARCHIVE_DAYS)
        ratio = stored(once, folder) / raw_int16(once)
        tell("hours with origins on disk, over zstd int16 raw", ratio, STORAGE_LIMIT, "x")
        hours = weather_cube.open_hourly(store).load()
    wall, cpu = best([lambda: day_table(hours, *PLACE) for _ in range(3)])
    tell("10 years of hours made into days", 1e3 * cpu, 1e3 * DAYS_LIMIT_S, "ms", 1e3 * wall)
    for module in ("weather", "forecast", "ndvi", "pin"):
        tell(f"import of agritwin.observe.{module}, CPU", importing(f"agritwin.observe.{module}"), 1.2, "s")


if __name__ == "__main__":
    main()
