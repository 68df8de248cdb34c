"""The parcel in numbers: place, areas, terrain and soil."""

from typing import Any

import numpy as np
import xarray as xr
from shapely.geometry import shape

from agritwin.geometry import in_grid
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
