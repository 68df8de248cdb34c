"""The parcel in numbers: place, areas, terrain and soil."""

from typing import Any

import numpy as np
import xarray as xr
from shapely.geometry import shape

from agritwin.errors import StoreError
from agritwin.geometry import to_crs, utm_epsg
from agritwin.pins import open_pointer
from agritwin.soil import total_available_water
from agritwin.terrain import parcel_summary

SOIL_LAYERS = (
    "depth_top_m",
    "depth_bottom_m",
    "sand",
    "silt",
    "clay",
    "soil_organic_carbon",
    "ph",
    "bulk_density",
    "coarse_fragments",
    "field_capacity",
    "wilting_point",
    "saturation",
    "saturated_hydraulic_conductivity",
)


def open_or_none(pointer: str, part: str | None = None) -> xr.Dataset | None:
    """Open what a pointer or part of a pin names, or None where nothing could be fetched."""
    try:
        return open_pointer(pointer, part)
    except StoreError:
        return None


def in_grid(feature: dict[str, Any]) -> Any:
    """Return the parcel's polygon in the metres of its UTM zone."""
    polygon = shape(feature["geometry"])
    return to_crs(polygon, 4326, utm_epsg(polygon.centroid.x, polygon.centroid.y))


def describe(
    feature: dict[str, Any], terrain: xr.Dataset | None, soil: xr.Dataset | None, root_depth_m: float
) -> dict[str, Any]:
    """Return the product ``parcel``.

    Parameters
    ----------
    feature
        The parcel's GeoJSON feature with its areas.
    terrain, soil
        Cubes, or None where there are none.
    root_depth_m
        Depth over which the soil's available water is summed [m].
    """
    centre = shape(feature["geometry"]).centroid
    relief = parcel_summary(terrain, in_grid(feature)) if terrain is not None else None
    kept = ("area_ha", "polygon_area_ha", "declared_area_ha", "area_conflict", "area_confirmed", "note")
    return {
        "latitude": centre.y,
        "longitude": centre.x,
        "elevation_m": relief["altitude_mean_m"] if relief else None,
        **{key: feature["properties"][key] for key in kept},
        "terrain": relief,
        "soil": _soil(soil, root_depth_m) if soil is not None else None,
        "attributions": [
            f"{dataset.attrs['title']}: {dataset.attrs['attribution']}"
            for dataset in (terrain, soil)
            if dataset is not None
        ],
    }


def _soil(soil: xr.Dataset, root_depth_m: float) -> dict[str, Any]:
    names = [name for name in SOIL_LAYERS if name in soil or name in soil.coords]
    columns = {name: np.asarray(soil[name]) for name in names}
    return {
        "layers": [{name: values[row] for name, values in columns.items()} for row in range(soil.sizes["depth"])],
        "total_available_water_mm": total_available_water(soil, root_depth_m),
        "root_depth_m": root_depth_m,
    }
