"""A small holding made of plain formulas, written as the stages of the DAG would publish it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from shapely.geometry import Polygon, box, mapping

from agritwin import cubes, forecast_cube, weather_cube
from agritwin.geometry import to_crs
from agritwin.pins import write_pin, write_pointer
from agritwin.workspace import read_json, write_json

TWIN = "47-1-0-0-1-1-1"
ISSUE = "2025-06-15"
SEASON = ("2024-11-01T00:00", "2025-06-14T22:00")
WEST, SOUTH = 347_500.0, 4_570_000.0
EPSG = 32630
SYNTHETIC = {
    "source": "formulas",
    "title": "Formulas of a test",
    "licence": "CC0",
    "attribution": "made by a test",
    "synthetic": "true",
}
PARCEL = Polygon([(WEST, SOUTH), (WEST + 300, SOUTH), (WEST + 300, SOUTH + 200), (WEST, SOUTH + 250)])
FILES = {"yields": "yield"}
PRODUCTS = ("parcel", "weather", "ndvi", "records", "forecast", "yields", "crop", "flood", "alerts")


def make(root: Path) -> dict[str, str]:
    """Write every product of the holding below a folder; return the report's paths by name."""
    made = root / "data"
    paths = {
        "outline": _outline(root),
        "terrain": _terrain(made),
        "weather_pin": _weather(made),
        "forecast_pin": _forecast(made),
        "ndvi_pin": _ndvi(made),
        "crop": _crop(root, made),
        "flood": _flood(root, made),
    }
    for name, content in _products().items():
        path = root / "results" / TWIN / f"{FILES.get(name, name)}.json"
        write_json(path, {"twin": TWIN, "issue_time": ISSUE, "synthetic": True} | content)
        paths[name] = path
    return {name: str(path) for name, path in paths.items()}


def changed(paths: dict[str, str], folder: Path, name: str, change: dict[str, Any]) -> dict[str, str]:
    """Return the paths with one product changed: a copy in a folder; only ``summary`` is merged."""
    product = read_json(paths[name])
    summary = product.get("summary", {}) | change.get("summary", {})
    path = folder / f"{name}.json"
    write_json(path, product | change | ({"summary": summary} if summary else {}))
    return paths | {name: str(path)}


def _outline(root: Path) -> Path:
    path = root / "data" / "twins" / TWIN / "parcel.geojson"
    path.parent.mkdir(parents=True, exist_ok=True)
    geometry = mapping(to_crs(PARCEL, EPSG, 4326))
    path.write_text(json.dumps({"type": "Feature", "id": TWIN, "properties": {"twin": TWIN}, "geometry": geometry}))
    return path


def grid(cell: float, margin: float = 300.0) -> dict[str, Any]:
    """Coordinates of a north-up grid around the parcel."""
    west, south, east, north = box(*PARCEL.bounds).buffer(margin).bounds
    from pyproj import CRS

    wkt = CRS.from_epsg(EPSG).to_wkt()
    return {
        "y": np.arange(north - cell / 2, south, -cell),
        "x": np.arange(west + cell / 2, east, cell),
        "spatial_ref": xr.DataArray(0, attrs={"crs_wkt": wkt}),
    }


def _terrain(made: Path) -> Path:
    coordinates = grid(15.0)
    x, y = np.meshgrid(coordinates["x"] - WEST, coordinates["y"] - SOUTH)
    altitude = (750 + 0.02 * x + 5 * np.sin(y / 90)).astype("f4")
    slope = np.degrees(np.arctan(np.hypot(0.02, 5 / 90 * np.cos(y / 90)))).astype("f4")
    aspect = (np.degrees(np.arctan2(-0.02, -5 / 90 * np.cos(y / 90))) % 360).astype("f4")
    dataset = xr.Dataset(
        {
            "surface_altitude": (("y", "x"), altitude, {"units": "m"}),
            "slope": (("y", "x"), slope, {"units": "degree"}),
            "aspect": (("y", "x"), aspect, {"units": "degree"}),
        },
        coordinates,
        SYNTHETIC,
    )
    return _point(made / "cubes" / "terrain" / TWIN, "terrain", dataset)


def _point(stem: Path, group: str, dataset: xr.Dataset) -> Path:
    store, pointer = stem.with_suffix(".icechunk"), stem.with_suffix(".json")
    cubes.write_group(store, group, dataset, "test")
    write_pointer(pointer, store, group, synthetic=True)
    return pointer


def _hourly(first: str, last: str, members: int | None = None) -> xr.Dataset:
    time = np.arange(np.datetime64(first, "h"), np.datetime64(last, "h") + np.timedelta64(1, "h")).astype(
        "datetime64[ns]"
    )
    hour = (time - time[0]) / np.timedelta64(1, "h")
    year = 2 * np.pi * ((time - np.datetime64("2021-01-15")) / np.timedelta64(1, "D")) / 365.25
    day = 2 * np.pi * hour / 24
    years = time.astype("datetime64[Y]").astype(int) % 4
    values = {
        "air_temperature": 13 - 9 * np.cos(year) - 6 * np.cos(day) + 0.4 * years,
        "relative_humidity": 60 + 20 * np.cos(day),
        "wind_speed": 1.5 + np.sin(day) ** 2,
        "precipitation": np.where(hour % 151 == 0, 6.0 + years, 0.0),
        "shortwave_radiation": np.clip(-500 * np.cos(day) * (1.2 - np.cos(year)), 0, None),
        "surface_pressure": np.full(hour.size, 930.0),
    }
    units = dict(
        zip(values, ("degC", "percent", "m s-1", "mm", "W m-2", "hPa"), strict=True),
    )
    spread = np.linspace(-1, 1, members)[:, None] if members else 0.0
    dims = ("member", "time") if members else ("time",)
    data = {}
    for name, series in values.items():
        shifted = series + spread * (2 if name == "air_temperature" else 0)
        data[name] = (dims, shifted.astype("f4"), {"units": units[name]})
    return xr.Dataset(data, {"time": time}, SYNTHETIC)


def _weather(made: Path) -> Path:
    store, pointer = made / "cubes" / "weather.icechunk", made / "cubes" / "weather.json"
    weather_cube.write_hourly(store, _hourly("2021-10-01T00", "2025-06-14T22"), "test")
    write_pointer(pointer, store, weather_cube.HOURLY, synthetic=True)
    pin = made / "twins" / TWIN / "weather.json"
    write_pin(pin, pointer, {"history": ("2021-10-01T00:00", "2024-10-31T23:00"), "season": SEASON})
    return pin


def _forecast(made: Path) -> Path:
    store, pointer = made / "cubes" / "forecast.icechunk", made / "cubes" / "forecast.json"
    issue = _hourly("2025-06-15T00", "2025-06-19T23", members=5).assign_coords(
        issue_time=np.datetime64("2025-06-14T23", "ns")
    )
    forecast_cube.write_issue(store, issue, "test")
    write_pointer(pointer, store, forecast_cube.ISSUES, synthetic=True)
    pin = made / "twins" / TWIN / "forecast.json"
    write_pin(pin, pointer, (None, "2025-06-15T23:00"))
    return pin


def _ndvi(made: Path) -> Path:
    coordinates = grid(10.0, 40.0)
    time = np.arange(np.datetime64("2021-11-05T11"), np.datetime64("2025-06-10T11"), np.timedelta64(15, "D"))
    shape = (time.size, coordinates["y"].size, coordinates["x"].size)
    year = 2 * np.pi * ((time - np.datetime64("2021-01-15")) / np.timedelta64(1, "D")) / 365.25
    mean = 0.35 - 0.2 * np.cos(year)
    across = np.linspace(-0.05, 0.05, shape[2])
    ndvi = np.broadcast_to(mean[:, None, None] + across, shape).astype("f4")
    clouded = np.arange(time.size) % 5 == 4
    valid = np.broadcast_to(~clouded[:, None, None], shape).astype("u1").copy()
    valid[clouded, : shape[1] // 2] = 1
    share = np.where(clouded, 0.5, 1.0)
    dataset = xr.Dataset(
        {
            "ndvi": (("time", "y", "x"), ndvi),
            "valid": (("time", "y", "x"), valid),
            **{f"ndvi_{name}": ("time", mean + step) for name, step in (("mean", 0), ("p10", -0.04), ("p90", 0.04))},
            "valid_share": ("time", share),
            "usable": ("time", ~clouded),
            "offset_suspect": ("time", np.zeros(time.size, bool)),
        },
        {"time": time.astype("datetime64[ns]"), **coordinates},
        SYNTHETIC,
    )
    pointer = _point(made / "cubes" / "ndvi" / TWIN, "ndvi", dataset)
    pin = made / "twins" / TWIN / "ndvi.json"
    past, now = ("2021-10-01T00:00:00", "2024-10-31T23:59:59"), ("2024-11-01T00:00:00", "2025-06-14T23:59:59")
    write_pin(pin, pointer, {"history": past, "season": now})
    return pin


def _simulation(root: Path, made: Path, name: str, dataset: xr.Dataset, summary: dict) -> Path:
    store = made / "cubes" / name / f"{TWIN}.icechunk"
    cubes.write_group(store, name, dataset, "test")
    path = root / "results" / TWIN / f"{name}.json"
    write_pointer(
        path,
        store,
        name,
        synthetic=True,
        twin=TWIN,
        issue_time=ISSUE,
        summary=summary,
    )
    return path


def _crop(root: Path, made: Path) -> Path:
    day = np.arange("2024-11-01", "2025-06-22", dtype="datetime64[D]").astype("datetime64[ns]")
    since = np.arange(day.size)
    depletion = 20 + 60 * np.clip((since - 150) / 60, 0, 1) + np.zeros((5, 1))
    ahead = since >= day.size - 7
    depletion[:, ahead] += np.linspace(-5, 5, 5)[:, None] * np.linspace(0, 1, ahead.sum())
    dims = ("member", "day")
    dataset = xr.Dataset(
        {
            "root_zone_depletion": (dims, depletion, {"units": "mm"}),
            "readily_available_water": (dims, np.full(depletion.shape, 70.0), {"units": "mm"}),
            "total_available_water": (("member",), np.full(5, 130.0), {"units": "mm"}),
            "irrigation": (dims, np.tile(np.where(since % 40 == 39, 4.0, 0.0), (5, 1)), {"units": "mm"}),
        },
        {"day": day, "member": np.arange(5)},
        SYNTHETIC,
    )
    summary = {
        "stage": "leaf_out",
        "stages": [
            {"stage": "dormant", "day": "2024-11-01", "p10": None, "p90": None},
            {"stage": "leaf_out", "day": "2025-04-05", "p10": "2025-04-01", "p90": "2025-04-10"},
        ],
        "depletion_mm": 77.0,
        "raw_mm": 70.0,
        "taw_mm": 130.0,
        "stress": 0.91,
        "relative_yield": {"p10": 0.81, "p50": 0.88, "p90": 0.93},
        "irrigation_mm_season": 20.0,
        "advice": {"mm": 18.0, "probability": 0.8, "days": 7},
        "balance_error_mm": 0.0004,
    }
    return _simulation(root, made, "crop", dataset, summary)


def _flood(root: Path, made: Path) -> Path:
    coordinates = grid(15.0)
    x, y = np.meshgrid(coordinates["x"] - WEST, coordinates["y"] - SOUTH)
    deepest = np.clip(0.6 - np.hypot(x - 150, y - 100) / 200, 0, None)
    time = np.linspace(0, 21600, 7)
    rise = np.sin(np.pi * time / 21600)
    monitor = np.linspace(0, 21600, 50)
    dataset = xr.Dataset(
        {
            "water_depth": (("time", "y", "x"), rise[:, None, None] * deepest, {"units": "m"}),
            "water_depth_max": (("y", "x"), deepest, {"units": "m"}),
            "outflow_rate": (("monitor_time",), 2 * np.sin(np.pi * monitor / 21600) ** 2, {"units": "m3 s-1"}),
            "inflow_rate": (("monitor_time",), np.zeros(50), {"units": "m3 s-1"}),
        },
        {"time": ("time", time, {"units": "s"}), "monitor_time": ("monitor_time", monitor, {"units": "s"})}
        | coordinates,
        SYNTHETIC,
    )
    summary = {
        "storm": {"depth_mm": 60.0, "duration_h": 2.0},
        "depth_max_m": 0.6,
        "flooded_share_percent": {"0.05": 31.0, "0.1": 24.5, "0.3": 9.0},
        "first_arrival_h": 0.4,
        "mass_error_relative": -3.2e-7,
        "volumes_m3": {"rain_volume": 4000.0, "infiltration_volume": 2500.0, "outflow_volume": 1500.0},
    }
    return _simulation(root, made, "flood", dataset, summary)


def _products() -> dict[str, dict[str, Any]]:
    days = [str(day) for day in np.arange("2025-06-15", "2025-06-22", dtype="datetime64[D]")]
    spread = {"p10": 1.0, "p50": 2.0, "p90": 4.0}
    outlook = [
        {
            "day": day,
            "air_temperature_min": {key: 8 + value for key, value in spread.items()},
            "air_temperature_max": {key: 24 + value for key, value in spread.items()},
            "precipitation": spread,
            "et0": {key: 4 + value / 4 for key, value in spread.items()},
        }
        for day in days
    ]
    normal = {"median": 250.0, "p10": 180.0, "p90": 330.0, "years": 3}
    chill = ("chill_hours", "chill_units", "chill_portions")
    sums = ("precipitation_mm", "et0_mm", "frost_hours", *chill, "growing_degree_days")
    score = {"n": 900, "rmse": 1.1, "mae": 0.9, "crps": 0.52, "coverage_90": 0.89, "crps_skill": 0.12}
    series = {
        "units": "mm",
        "chosen": "damped_anomaly",
        "days": days,
        "quantiles": {"0.05": [4.0] * 7, "0.5": [5.5] * 7, "0.95": [7.0] * 7},
        "recent": {"day": ["2025-06-12", "2025-06-13", "2025-06-14"], "value": [5.0, 5.2, 5.4]},
        "scores": [
            {"model": "climatology", **score, "crps": 0.6, "crps_skill": 0.0},
            {"model": "damped_anomaly", **score},
            {"model": "sarimax", **score, "crps": 0.51, "crps_skill": 0.14},
        ],
    }
    harvests = [
        {"season": 2020 + number, "kg_per_ha": 900.0 + 150 * number, "source": "harvest.json"} for number in range(5)
    ]
    scores = [{"model": "mean", **score}, {"model": "bayesian", **score, "crps": 0.55}]
    return {
        "parcel": {
            "name": "La Prueba",
            "latitude": 41.27,
            "longitude": -4.82,
            "elevation_m": 755.0,
            "area_ha": 6.75,
            "polygon_area_ha": 6.75,
            "declared_area_ha": 7.5,
            "area_conflict": True,
            "area_confirmed": "polygon",
            "note": None,
            "planting": {"species": "pistachio", "variety": "Kerman", "year": 2008},
            "terrain": {"altitude_mean_m": 755.0, "slope_mean_percent": 4.1, "slope_max_percent": 6.0},
            "soil": {
                "layers": [
                    {
                        "depth_top_m": 0.0,
                        "depth_bottom_m": 0.3,
                        "sand": 55.0,
                        "silt": 30.0,
                        "clay": 15.0,
                        "field_capacity": 0.22,
                        "wilting_point": 0.1,
                    }
                ],
                "total_available_water_mm": 130.0,
                "root_depth_m": 1.2,
            },
        },
        "weather": {
            "first_day": "2021-10-01",
            "last_day": "2025-06-14",
            "missing_days": 2,
            "season": {
                "start": "2024-11-01",
                "days": 226,
                **dict(zip(sums, (231.4, 603.2, 40, 820, 1010, 61.3, 500), strict=True)),
            },
            "normal": dict.fromkeys(sums, normal),
            "return_levels": [{"years": 10, "mm_per_day": 48.0, "low": 40.0, "high": 60.0}],
            "forecast": {"issue_time": "2025-06-15", "members": 12, "days": outlook},
        },
        "ndvi": {
            "scenes": 15,
            "usable_scenes": 12,
            "last": {
                "time": "2025-06-03",
                "mean": 0.54,
                "p10": 0.5,
                "p90": 0.58,
                "valid_share": 0.98,
                "scene_id": "S2",
            },
            "band": {
                "day": ["2024-11-01", "2025-03-01", "2025-07-01"],
                "p10": [0.15, 0.2, 0.4],
                "p90": [0.2, 0.3, 0.6],
            },
            "smoothed": {"day": ["2024-12-01", "2025-03-01", "2025-06-01"], "value": [0.17, 0.28, 0.53]},
            "phenology": {"status": "running", "start": "2025-03-20", "peak": "2025-06-01", "end": None},
            "anomaly": {"value": 0.54, "median": 0.51, "p10": 0.48, "p90": 0.55, "z": 0.7, "years": 3},
            "suspects": [],
        },
        "records": {
            "counts": {"activities": 41, "treatments": 6, "harvests": 5, "readings": 1200, "quarantine": 3},
            "journal": [{"file": "activities.xlsx", "rows": 44, "accepted": 41, "rejected": 1, "questions": 2}],
            "recent_activities": [
                {"day": "2025-06-12", "category": "irrigation", "task": "REGAR", "text": "REGAR (16 mm)"},
                {"day": "2025-06-02", "category": "drone_flight", "task": "VUELO", "text": None},
            ],
            "quarantine": [
                {
                    "file": "activities.xlsx",
                    "sheet": "Hoja1",
                    "kind": "question",
                    "row": 12.0,
                    "column": "FECHA",
                    "value": "03/04/2024",
                    "reason": "day and month may be exchanged",
                    "suggestion": "write 2024-04-03",
                }
            ],
            "harvests": harvests,
        },
        "forecast": {"variables": {"et0": series}},
        "yields": {
            "outcome": "no_gain",
            "sentence": "no gain over the mean of past years",
            "harvests": harvests,
            "prediction": {
                "season": 2025,
                "value": 1200.0,
                "low": 700.0,
                "high": 1700.0,
                "units": "kg/ha",
                "model": "mean",
            },
            "scores": scores,
        },
        "alerts": {
            "level": "low",
            "storm": {"probability_of_storm": 0.1, "members": 12, "largest_mm": 62.0},
            "judgements": [
                {
                    "rule": "drought",
                    "level": "low",
                    "value": 1.05,
                    "unit": "1",
                    "threshold": 0.9,
                    "probability": 1.0,
                    "valid_from": "2025-06-15T00:00:00+00:00",
                    "valid_until": "2025-06-18T00:00:00+00:00",
                    "evidence": {"source": "crop", "members": 5, "known_until": "2025-06-14T22:00:00+00:00"},
                    "explanation": {
                        "code": "drought.beyond",
                        "es": "Estrés hídrico: bajo. Cinco miembros llegan a 1,05.",
                        "en": "Drought stress: low. Five members reach 1.05.",
                    },
                },
                {
                    "rule": "frost",
                    "level": "none",
                    "value": 9.0,
                    "unit": "degC",
                    "threshold": 0.0,
                    "probability": 0.0,
                    "valid_until": "2025-06-20T00:00:00+00:00",
                    "evidence": {"source": "forecast", "members": 12},
                    "explanation": {"code": "frost.harmless", "es": "Helada: sin peligro.", "en": "Frost: no danger."},
                },
            ],
            "health": [
                {
                    "kind": "weather",
                    "sources": ["formulas"],
                    "state": "ok",
                    "last_value": "2025-06-14T22",
                    "failures": [],
                },
                {
                    "kind": "imagery",
                    "sources": ["formulas"],
                    "state": "stale",
                    "last_value": "2025-05-20T11",
                    "failures": [{"source": "formulas", "what": "timed out"}],
                },
            ],
            "neighbours": [{"twin": "47-1-0-0-1-2-1", "distance_m": 240.0}],
            "measured_rain": [_rain(hours, amount) for hours, amount in ((0.5, 9.0), (1, 17.0), (6, 24.5), (24, 41.0))],
            "frequency": {
                "durations_h": [1, 6, 24],
                "years": [2, 10],
                "amounts_mm": [[14, 22], [22, 40], [30, 52]],
                "source": "weather",
            },
        },
    }


def _rain(hours: float, amount: float) -> dict[str, Any]:
    thresholds = {1: {"low": 15.0, "mid": 30.0, "serious": 60.0}, 24: {"low": 20.0, "mid": 40.0, "serious": 60.0}}
    return {
        "sensor": f"{TWIN}/rain-gauge",
        "until": "2025-06-14T21:45:00+00:00",
        "duration_h": hours,
        "amount_mm": amount,
        "weather_mm": 0.75 * amount if hours >= 1 else None,
        "return_years": {6: 10.0, 24: 4.2}.get(hours),
        "thresholds": thresholds.get(hours),
    }
