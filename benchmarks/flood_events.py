"""Two floods that happened: Merewether 2007 against observed levels, Boscastle 2004 against another model.

Their data lie beside the project, in `../shared/providers/eo_samples`.
"""

import csv
import heapq
import json
import zipfile
from pathlib import Path

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from agritwin.simulation.flood import CurveNumber, PointInflow, StageEdge, simulate
from benchmarks.flood_cases import Case

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "providers" / "eo_samples"
BOSCASTLE_MANNING, BOSCASTLE_CURVE_NUMBER = 0.04, 76
WATCHED = np.arange(36 * 3600, 46 * 3600 + 1, 300.0)
NOT_IN_THE_MODEL = {"house030", "house032", "house033"}


def _merewether(folder: Path) -> tuple[xr.Dataset, xr.DataArray, list[PointInflow], NDArray]:
    """Terrain with houses raised by 10 m, roughness, inflow as the published model of the event has them; points."""
    with zipfile.ZipFile(folder / "topography1.zip") as archive:
        lines = archive.read("topography1.asc").decode().splitlines()
    west, south, cell = (float(line.split()[1]) for line in lines[2:5])
    z = np.array([line.split() for line in lines[6:] if line.strip()], float)
    x = west + (np.arange(z.shape[1]) + 0.5) * cell
    y = (south + (np.arange(z.shape[0]) + 0.5) * cell)[::-1]
    nearest = distance_transform_edt(z == -9999, return_distances=False, return_indices=True)
    ground = z[tuple(nearest)]
    columns, rows = np.meshgrid(x, y)
    features = json.loads((folder / "houses.geojson").read_text())["features"]
    built = [f["geometry"] for f in features if f["properties"]["id"] not in NOT_IN_THE_MODEL]
    houses = shapely.unary_union([shapely.geometry.shape(geometry).buffer(0) for geometry in built])
    road = shapely.Polygon(np.loadtxt(folder / "RoadPolygon.csv", delimiter=","))
    terrain = xr.Dataset(
        {"surface_altitude": (("y", "x"), ground + 10.0 * shapely.contains_xy(houses, columns, rows))}, {"y": y, "x": x}
    )
    manning = terrain["surface_altitude"].copy(data=np.where(shapely.contains_xy(road, columns, rows), 0.02, 0.04))
    source = np.hypot(columns - 382265, rows - 6354280) < 10
    share = [19.7 / source.sum()]
    inflows = [PointInflow(a, b, [0.0], share) for a, b in zip(columns[source], rows[source], strict=True)]
    with (folder / "ObservationPoints.csv").open() as file:
        points = [[float(value) for value in row] for row in list(csv.reader(file))[1:]]
    return terrain, manning, inflows, np.array(points)


def merewether(*, advection: bool, samples: Path = SAMPLES) -> tuple[Case, NDArray]:
    """Peak levels at five surveyed points, and those of TUFLOW as published with the event."""
    terrain, manning, inflows, points = _merewether(samples / "flood_merewether")
    result = simulate(
        terrain, None, duration_s=800, output_times_s=[800], manning=manning, inflows=inflows, advection=advection,
        boundaries={"east": "free", "north": "free"},
    )  # fmt: skip
    level = (result["water_depth"][0] + terrain["surface_altitude"]).sel(
        x=xr.DataArray(points[:, 0]), y=xr.DataArray(points[:, 1]), method="nearest"
    )
    return Case(result, np.arange(1, len(points) + 1), level.to_numpy(), points[:, 4]), points[:, 5]


def _filled(z: NDArray, outlets: NDArray) -> NDArray:
    """Raise hollows until each cell drains to an outlet through its four neighbours (priority flood)."""
    level = np.where(outlets, z, np.inf)
    queue = [(z[r, c], r, c) for r, c in np.argwhere(outlets)]
    heapq.heapify(queue)
    while queue:
        height, r, c = heapq.heappop(queue)
        for a, b in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
            if 0 <= a < z.shape[0] and 0 <= b < z.shape[1] and np.isinf(level[a, b]):
                level[a, b] = max(z[a, b], height)
                heapq.heappush(queue, (level[a, b], a, b))
    return level


def valency(samples: Path = SAMPLES) -> tuple[NDArray, NDArray, NDArray]:
    """Return the bed above Boscastle on cells of 50 m, which of them are sea, and its rain of 5 minutes, mm/h."""
    folder = samples / "flood_boscastle"
    altitude = np.loadtxt(folder / "boscastle_square_50m.asc", skiprows=6)
    sea = altitude == 0
    return _filled(np.where(sea, -5.0, altitude), sea), sea, np.loadtxt(folder / "rain_uniform_5min_mmh.txt")


def modelled(hours: NDArray, samples: Path = SAMPLES) -> NDArray:
    """Discharge into the sea of the other model, m3/s."""
    found = np.loadtxt(samples / "flood_boscastle" / "reference_model_output_50m_72h.dat")[:, 2]
    return np.interp(hours, np.arange(found.size) / 12, found)


def boscastle(samples: Path = SAMPLES) -> Case:
    """Rain of 5 minutes on a 50 m terrain, discharge into the sea (m3/s) over hours.

    The reference is the output of a model that makes runoff in another way. The curve number is the one that gives the
    reference's volume of runoff; size and hour of the peak can be compared.
    """
    bed, sea, intensity = valency(samples)
    y, x = (50.0 * np.arange(n) for n in bed.shape)
    rain = xr.DataArray(
        intensity, {"time": 300.0 * np.arange(1, intensity.size + 1)}, ("time",), attrs={"units": "mm h-1"}
    )
    result = simulate(
        xr.Dataset({"surface_altitude": (("y", "x"), bed)}, {"y": y[::-1], "x": x}), rain, duration_s=WATCHED[-1],
        output_times_s=WATCHED.tolist(), manning=BOSCASTLE_MANNING, boundaries=[StageEdge("west", [0], [-5.0])],
        infiltration=CurveNumber(BOSCASTLE_CURVE_NUMBER), longest_step_s=10, hydrology_step_s=60,
    )  # fmt: skip
    rates, sampled = result["outflow_rate"].to_numpy(), result["monitor_time"].to_numpy()
    left = np.interp(WATCHED, sampled, np.concatenate([[0], np.cumsum(rates[1:] * np.diff(sampled))]))
    held = (result["water_depth"].to_numpy() * sea).sum(axis=(1, 2), dtype=float) * 2500
    hours = WATCHED[1:] / 3600
    return Case(result, hours, np.diff(left + held) / 300, modelled(hours, samples))
