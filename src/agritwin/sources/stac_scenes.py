"""From scenes to reflectance: concurrent window reads, tiles of one overpass merged, the contract's imagery dataset."""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from pyproj import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError

from agritwin.sources.cog import GDAL_SETTINGS, Grid, read_on_grid
from agritwin.sources.stac_items import SCALE, Scene

log = logging.getLogger(__name__)

VARIABLES = {
    "red": {
        "long_name": "surface reflectance, red (B04)",
        "units": "1",
        "standard_name": "surface_bidirectional_reflectance",
    },
    "nir": {
        "long_name": "surface reflectance, near infrared (B08)",
        "units": "1",
        "standard_name": "surface_bidirectional_reflectance",
    },
}
SCL_CLASSES = (
    "no_data saturated_or_defective dark_area cloud_shadow vegetation bare_soil water unclassified "
    "cloud_medium_probability cloud_high_probability thin_cirrus snow_or_ice"
)
PER_SCENE = {
    "scene_id": ("", "identifier of the scene in its catalogue"),
    "platform": ("", "satellite"),
    "processing_baseline": ("", "processing baseline of the product"),
    "boa_offset": ("1", "radiometric offset added to the scaled digital numbers"),
    "cloud_cover": ("percent", "cloud cover of the whole tile, as the provider states it"),
    "source": ("", "source that served the scene"),
}


@dataclass
class Overpass:
    """What was read of one overpass on a grid: reflectance [1] with NaN, classes, and the scene that gave most.

    ``scene`` is None where no scene has data in the window; ``skipped`` lists scenes that could not be read.
    """

    red: np.ndarray
    nir: np.ndarray
    scl: np.ndarray
    scene: Scene | None = None
    skipped: list[dict[str, str]] = field(default_factory=list)


def read_overpasses(
    groups: Sequence[Sequence[Scene]],
    grid: Grid,
    address: Callable[[str, bool], str],
    settings: Mapping[str, Any],
    *,
    workers: int,
    tries: int,
) -> list[Overpass]:
    """Read the windows of many overpasses at once.

    Parameters
    ----------
    groups
        Scenes of each overpass, best first; later ones fill what the earlier leave empty.
    address
        Turns an asset's address, and whether it failed before, into what GDAL opens.
    settings
        GDAL options beside the usual ones.
    workers
        Most overpasses read at a time.
    tries
        How often a file is opened before the scene counts as unreadable.
    """

    def read(group: Sequence[Scene]) -> Overpass:
        with rasterio.Env(**GDAL_SETTINGS, **settings):
            return _read_group(group, grid, address, tries)

    with ThreadPoolExecutor(max_workers=min(workers, max(len(groups), 1))) as pool:
        return list(pool.map(read, groups))


def _read_group(group: Sequence[Scene], grid: Grid, address: Callable[[str, bool], str], tries: int) -> Overpass:
    shape = (grid.height, grid.width)
    overpass = Overpass(np.full(shape, np.nan, "f4"), np.full(shape, np.nan, "f4"), np.zeros(shape, "u1"))
    for scene in group:
        holes = np.isnan(overpass.red)
        if not holes.any():
            break
        try:
            red, nir, scl = _read_scene(scene, grid, address, tries)
        except RasterioError as error:
            reason = _without_query(str(error))
            log.warning("scene %s left out: %s", scene.id, reason)
            overpass.skipped.append({"id": scene.id, "reason": reason})
            continue
        new = holes & (red != 0) & (nir != 0)
        if not new.any():
            continue
        overpass.scene = overpass.scene or scene
        overpass.red[new] = red[new] * np.float32(SCALE) + np.float32(scene.boa_offset)
        overpass.nir[new] = nir[new] * np.float32(SCALE) + np.float32(scene.boa_offset)
        overpass.scl[new] = scl[new]
    return overpass


def _read_scene(
    scene: Scene, grid: Grid, address: Callable[[str, bool], str], tries: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    def read(href: str, resampling: Resampling) -> np.ndarray:
        for attempt in range(1, tries):
            try:
                return read_on_grid(address(href, attempt > 1), grid, resampling)
            except RasterioError as error:
                log.info("opening %s again: %s", href, _without_query(str(error)))
        return read_on_grid(address(href, tries > 1), grid, resampling)

    return (
        read(scene.red, Resampling.bilinear),
        read(scene.nir, Resampling.bilinear),
        read(scene.scl, Resampling.nearest),
    )


def _without_query(text: str) -> str:
    """Drop the query of every address: it may hold a signature."""
    return re.sub(r"\?[^\s'\"]*", "", text)


def imagery_dataset(read: Sequence[Overpass], grid: Grid, source: str) -> xr.Dataset:
    """Return the contract's imagery dataset; overpasses without data in the window are left out."""
    seen = [(overpass, overpass.scene) for overpass in read if overpass.scene is not None]
    shape = (len(seen), grid.height, grid.width)

    def stack(arrays: list[np.ndarray], dtype: str) -> np.ndarray:
        return np.stack(arrays).astype(dtype, copy=False) if arrays else np.empty(shape, dtype)

    def per_scene(values: list[str] | list[float]) -> np.ndarray:
        if values and isinstance(values[0], float):
            return np.array(values)
        return np.array(values, dtype="U") if values else np.empty(0, "U1")

    columns = {
        "scene_id": per_scene([scene.id for _, scene in seen]),
        "platform": per_scene([scene.platform for _, scene in seen]),
        "processing_baseline": per_scene([scene.baseline for _, scene in seen]),
        "boa_offset": np.array([scene.boa_offset for _, scene in seen], "f8"),
        "cloud_cover": np.array([scene.cloud_cover for _, scene in seen], "f8"),
        "source": per_scene([source] * len(seen)),
    }
    grid_mapping = {"grid_mapping": "spatial_ref"}
    scl_attributes = {
        "long_name": "scene classification of Sen2Cor",
        "units": "1",
        "flag_values": np.arange(12, dtype="u1"),
        "flag_meanings": SCL_CLASSES,
    }
    dims = ("time", "y", "x")
    return xr.Dataset(
        {
            "red": (dims, stack([o.red for o, _ in seen], "f4"), VARIABLES["red"] | grid_mapping),
            "nir": (dims, stack([o.nir for o, _ in seen], "f4"), VARIABLES["nir"] | grid_mapping),
            "scl": (dims, stack([o.scl for o, _ in seen], "u1"), scl_attributes | grid_mapping),
            **{name: ("time", values, _scene_attributes(name)) for name, values in columns.items()},
        },
        coords={
            "time": (
                "time",
                np.array([scene.acquired for _, scene in seen], "datetime64[ns]"),
                {"long_name": "start of the acquisition, UTC", "standard_name": "time"},
            ),
            **grid_coordinates(grid),
        },
    )


def _scene_attributes(name: str) -> dict[str, str]:
    units, long_name = PER_SCENE[name]
    return {"long_name": long_name} | ({"units": units} if units else {})


def grid_coordinates(grid: Grid) -> dict[str, xr.Variable]:
    """Return x, y (cell centres, m) and ``spatial_ref`` of a grid (CF grid mapping with GDAL's attributes)."""
    transform = " ".join(f"{number:.10g}" for number in grid.transform.to_gdal())
    crs = CRS.from_epsg(grid.epsg)
    return {
        "y": xr.Variable(
            "y", grid.y, {"units": "m", "standard_name": "projection_y_coordinate", "long_name": "northing"}
        ),
        "x": xr.Variable(
            "x", grid.x, {"units": "m", "standard_name": "projection_x_coordinate", "long_name": "easting"}
        ),
        "spatial_ref": xr.Variable(
            (), np.int32(grid.epsg), crs.to_cf() | {"crs_wkt": crs.to_wkt(), "GeoTransform": transform}
        ),
    }


def skipped_as_json(skipped: list[dict[str, str]]) -> str:
    """Return skipped scenes as the attribute ``skipped`` holds them: a JSON list of id and reason."""
    return json.dumps(skipped, ensure_ascii=False)
