"""The static STAC catalogue: items in the form of Earth Search's ``sentinel-2-c1-l2a``, clipped to the windows."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from scripts.archive import landscape, rasters, scenes
from scripts.archive.seeding import stream
from scripts.archive.sites import FROM_UTM, SITES, Site
from scripts.archive.writing import NOTICE, write_json

COLLECTION = "sentinel-2-c1-l2a"
OFFSET_SINCE = pd.Timestamp("2022-01-25")
BASELINES = (  # in force from the day on
    ("2018-01-01", "02.09"),
    ("2018-11-06", "02.11"),
    ("2019-07-08", "02.13"),
    ("2020-02-04", "02.14"),
    ("2021-03-30", "03.00"),
    ("2021-06-30", "03.01"),
    ("2022-01-25", "04.00"),
    ("2022-12-06", "05.09"),
    ("2023-12-13", "05.10"),
    ("2024-07-23", "05.11"),
)
REPROCESSED_DAY = "2021-06-19"  # moraleja: once as produced then, once as Collection 1 reprocessed it
OFFSET_MISSING_DAY = "2024-07-23"  # moraleja: numbers carry the offset, the item says there is none
BANDS = {"red": ("B04", "Red - 10m"), "nir": ("B08", "NIR 1 - 10m")}
STAC = "https://stac-extensions.github.io"
EXTENSIONS = [f"{STAC}/{name}/schema.json" for name in ("eo/v1.1.0", "projection/v1.1.0", "raster/v1.1.0")]
TIFF = "image/tiff; application=geotiff; profile=cloud-optimized"


def write(folder: Path) -> None:
    """Write the catalogue and all scenes below ``folder``, which is emptied first."""
    if folder.exists():
        shutil.rmtree(folder)
    names = []
    for site, day in scenes.all_scenes():
        names.append(write_scene(folder, site, day))
        if site.name == "moraleja" and day == pd.Timestamp(REPROCESSED_DAY):
            names.append(write_scene(folder, site, day, reprocessed=True))
    links = [{"rel": "root", "href": "./catalog.json", "type": "application/json"}]
    links += [{"rel": "item", "href": f"./{name}/item.json"} for name in names]
    head = {"stac_version": "1.0.0", "synthetic": True}
    about = {"id": "agritwin-demo-imagery", "title": "Synthetic Sentinel-2 scenes", "description": NOTICE}
    write_json(folder / "catalog.json", {"type": "Catalog", "links": links} | head | about, indent=None)
    write_json(folder / "collection.json", _collection() | head, indent=None)


def write_scene(folder: Path, site: Site, day: pd.Timestamp, *, reprocessed: bool = False) -> str:
    """Write the three rasters and the item of a scene; returns its id."""
    ground = landscape.ground(site)
    view = scenes.scene(site, day, salt="reprocessed" if reprocessed else "")
    baseline = "05.00" if reprocessed else processing_baseline(day)
    added = 1000 if baseline >= "04.00" else 0
    declared = 0 if site.name == "moraleja" and day == pd.Timestamp(OFFSET_MISSING_DAY) else -added / 10000
    item = _item(site, day, view, baseline, declared, reprocessed)
    target = folder / item["id"]
    for name, values in (("red", view.red), ("nir", view.nir)):
        numbers = np.round(values * 10000).astype("uint16") + np.uint16(added)
        rasters.write_cog(target / f"{name}.tif", numbers, ground.west, ground.north, 10, 0)
    rasters.write_cog(target / "scl.tif", view.scl, ground.west, ground.north, 20, 0)
    write_json(target / "item.json", item, indent=None)
    return item["id"]


def processing_baseline(day: pd.Timestamp) -> str:
    """Baseline of the processor that was in force on a day."""
    return [name for since, name in BASELINES if pd.Timestamp(since) <= day][-1]


def platform(site: Site, day: pd.Timestamp) -> str:
    """Satellite of a site's orbit; Sentinel-2C took the place of Sentinel-2A in January 2025."""
    if site.name == "moraleja":
        return "sentinel-2b"
    return "sentinel-2a" if day < pd.Timestamp("2025-01-21") else "sentinel-2c"


def _item(site: Site, day: pd.Timestamp, view: scenes.Scene, baseline: str, offset: float, reprocessed: bool) -> dict:
    ground = landscape.ground(site)
    height, width = ground.cover.shape
    east, south = ground.west + 10 * width, ground.north - 10 * height
    corners = [(ground.west, ground.north), (ground.west, south), (east, south), (east, ground.north)]
    ring = [[round(v, 6) for v in FROM_UTM.transform(*corner)] for corner in corners]
    outline = shapely.Polygon(ring)
    random = stream("overpass", site.name, day.date())
    minute = 6 if site.name == "moraleja" else 16
    seconds = float(random.uniform(17, 43))
    sensed = day + pd.Timedelta(hours=11, minutes=minute, seconds=round(seconds, 3))
    satellite = platform(site, day)
    short = "S2" + satellite[-1].upper()
    start = f"{day:%Y%m%d}T11{minute:02d}{'21' if site.name == 'moraleja' else '31'}"
    made = "20230611T081522" if reprocessed else f"{day:%Y%m%d}T15{minute + 20:02d}07"
    identity = f"{short}_T30TUL_{start}_L2A" + ("_N0500" if reprocessed else "")
    properties: dict[str, Any] = {
        "datetime": f"{sensed:%Y-%m-%dT%H:%M:%S}.{sensed.microsecond // 1000:03d}000Z",
        "platform": satellite,
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "eo:cloud_cover": view.cloud_cover,
        "proj:epsg": 32630,
        "grid:code": "MGRS-30TUL",
        "s2:processing_baseline": baseline,
        "s2:generation_time": f"{pd.Timestamp(made):%Y-%m-%dT%H:%M:%S}.000000Z",
        "synthetic": True,
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": EXTENSIONS,
        "id": identity,
        "collection": COLLECTION,
        "bbox": [round(v, 6) for v in outline.bounds],
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        "properties": properties,
        "links": [
            {"rel": "root", "href": "../catalog.json"},
            {"rel": "parent", "href": "../catalog.json"},
            {"rel": "collection", "href": "../collection.json"},
        ],
        "assets": _assets(ground, offset),
    }


def _assets(ground: landscape.Ground, offset: float) -> dict:
    height, width = ground.cover.shape
    assets = {}
    for name, (band, title) in BANDS.items():
        assets[name] = {
            "href": f"./{name}.tif",
            "type": TIFF,
            "title": title,
            "roles": ["data", "reflectance"],
            "gsd": 10,
            "eo:bands": [{"name": band, "common_name": name}],
            "proj:shape": [height, width],
            "proj:transform": [10, 0, ground.west, 0, -10, ground.north],
            "raster:bands": [{"nodata": 0, "data_type": "uint16", "scale": 0.0001, "offset": offset}],
        }
    assets["scl"] = {
        "href": "./scl.tif",
        "type": TIFF,
        "title": "Scene classification map (SCL)",
        "roles": ["data"],
        "gsd": 20,
        "proj:shape": [height // 2, width // 2],
        "proj:transform": [20, 0, ground.west, 0, -20, ground.north],
        "raster:bands": [{"nodata": 0, "data_type": "uint8"}],
    }
    return assets


def _collection() -> dict:
    days = [day for site in SITES for day in scenes.dates(site)]
    first, last = (f"{day:%Y-%m-%dT%H:%M:%SZ}" for day in (min(days), max(days) + pd.Timedelta(days=1)))
    return {
        "type": "Collection",
        "id": COLLECTION,
        "title": "Synthetic scenes in the form of Sentinel-2 Collection 1 Level-2A",
        "description": NOTICE,
        "license": "CC0-1.0",
        "extent": {
            "spatial": {"bbox": [[-5.0, 41.2, -4.7, 41.4]]},
            "temporal": {"interval": [[first, last]]},
        },
        "links": [{"rel": "root", "href": "./catalog.json", "type": "application/json"}],
    }
