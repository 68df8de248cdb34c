"""Overpasses as the imagery dataset of the contract."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from agritwin.sources.grids import Grid
from agritwin.sources.stac_items import REFLECTANCE
from agritwin.sources.stac_scenes import Overpass

BAND_NAMES = {
    "coastal": "coastal aerosol (B01)",
    "blue": "blue (B02)",
    "green": "green (B03)",
    "red": "red (B04)",
    "rededge1": "red edge, 704 nm (B05)",
    "rededge2": "red edge, 740 nm (B06)",
    "rededge3": "red edge, 783 nm (B07)",
    "nir": "near infrared (B08)",
    "nir08": "near infrared, 865 nm (B8A)",
    "nir09": "near infrared, 945 nm (B09)",
    "swir16": "short-wave infrared, 1610 nm (B11)",
    "swir22": "short-wave infrared, 2190 nm (B12)",
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


def imagery_dataset(
    read: Sequence[Overpass], grid: Grid, source: str, bands: Sequence[str] = REFLECTANCE
) -> xr.Dataset:
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
            **{
                band: (dims, stack([o.reflectance[band] for o, _ in seen], "f4"), _band_attributes(band) | grid_mapping)
                for band in bands
            },
            "scl": (dims, stack([o.scl for o, _ in seen], "u1"), scl_attributes | grid_mapping),
            **{name: ("time", values, _scene_attributes(name)) for name, values in columns.items()},
        },
        coords={
            "time": (
                "time",
                np.array([scene.acquired for _, scene in seen], "datetime64[ns]"),
                {"long_name": "start of the acquisition, UTC", "standard_name": "time"},
            ),
            **grid.coordinates(),
        },
    )


def _band_attributes(band: str) -> dict[str, str]:
    return {
        "long_name": f"surface reflectance, {BAND_NAMES[band]}",
        "units": "1",
        "standard_name": "surface_bidirectional_reflectance",
    }


def _scene_attributes(name: str) -> dict[str, str]:
    units, long_name = PER_SCENE[name]
    return {"long_name": long_name} | ({"units": units} if units else {})
