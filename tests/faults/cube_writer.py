"""A process that appends to a cube until it is killed: ``python -m tests.faults.cube_writer weather STORE DAYS``.

It says that it is ready and begins when a line comes. Every value follows from its place and time alone, so that a
reader can tell a torn state from a whole one.
"""

import sys
from pathlib import Path

import numpy as np
import xarray as xr

from agritwin import weather_cube
from agritwin.agromet.day_table import day_table
from agritwin.cubes import head, open_group
from agritwin.vegetation.cube import NDVI_ENCODING
from agritwin.vegetation.store import kept_scenes, write_scenes

FIRST = np.datetime64("2025-01-01", "D")
NAMES = {
    "air_temperature": "degC",
    "precipitation": "mm",
    "relative_humidity": "percent",
    "shortwave_radiation": "W m-2",
    "surface_pressure": "hPa",
    "wind_speed": "m s-1",
}


def hours_of(day: int) -> xr.Dataset:
    """The hours of a day by its number."""
    time = (FIRST + np.timedelta64(day, "D")).astype("datetime64[h]") + np.arange(24) * np.timedelta64(1, "h")
    return weather(time)


def weather(time: np.ndarray) -> xr.Dataset:
    hour = time.astype("datetime64[h]").astype(np.int64)
    values = {name: (hour * (column + 3)) % 97 / 2.0 for column, name in enumerate(NAMES)}
    values["surface_pressure"] = values["surface_pressure"] + 900
    about = {"source": "writer", "title": "t", "licence": "l", "attribution": "a", "synthetic": "true"}
    data = {name: ("time", values[name].astype("f4"), {"units": units}) for name, units in NAMES.items()}
    return xr.Dataset(data, {"time": time.astype("datetime64[ns]")}, about)


def append_weather(store: Path, day: int) -> None:
    with weather_cube.editing(store, f"day {day}") as cube:
        cube.merge_hours(hours_of(day))
        cube.derive_days(lambda hourly: day_table(hourly, 41.3, -4.8, 750.0, "Europe/Madrid"))


def days_of_weather(store: Path) -> int:
    return 0 if head(store) is None else weather_cube.open_hourly(store).sizes["time"] // 24


def scene(number: int) -> xr.Dataset:
    """A scene of an NDVI cube by its number."""
    steps = (np.arange(40 * 40).reshape(1, 40, 40) * 7 + number * 13) % 1999 - 990
    dataset = xr.Dataset(
        {
            "ndvi": (("time", "y", "x"), (steps * 1e-3).astype("f4")),
            "valid": (("time", "y", "x"), (steps % 2).astype("u1")),
            "ndvi_mean": ("time", steps.mean(axis=(1, 2)) * 1e-3),
            "platform": ("time", ["sentinel-2a"]),
            "scene_id": ("time", [f"scene-{number:04d}"]),
        },
        {"time": [np.datetime64("2025-01-01", "ns") + np.timedelta64(5 * number, "D")]},
        {"source": "writer", "synthetic": "true"},
    )
    dataset["ndvi"].encoding = dict(NDVI_ENCODING)
    return dataset


def append_ndvi(store: Path, number: int) -> None:
    """Add a scene as the NDVI step does."""
    write_scenes(store, kept_scenes(store), scene(number), f"scene {number}")


def scenes_of(store: Path) -> int:
    return 0 if head(store) is None else open_group(store, "ndvi").sizes["time"]


APPEND = {"weather": (append_weather, days_of_weather), "ndvi": (append_ndvi, scenes_of)}

if __name__ == "__main__":
    kind, path, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    append, count = APPEND[kind]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    # No line: who started it has gone.
    for position in range(count(path), last) if sys.stdin.readline() else ():
        append(path, position)
        # What is told here is committed: it must never be lost.
        sys.stdout.write(f"{position + 1}\n")
        sys.stdout.flush()
