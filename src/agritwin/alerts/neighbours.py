"""Who is told: the twin itself, parcels near it from edge to edge, and those that its water flows to."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely

from agritwin.alerts.flowpaths import drains_to
from agritwin.errors import DataError
from agritwin.geometry import to_crs

if TYPE_CHECKING:
    import xarray as xr
    from shapely.geometry.base import BaseGeometry

METRES_A_DEGREE = 110_500.0  # of latitude, the least anywhere on the ellipsoid


@dataclass(frozen=True)
class Recipient:
    """A twin to be told: its distance in metres and whether it is the twin itself, downstream of it, or near."""

    twin: str
    distance_m: float
    reason: Literal["self", "downstream", "near"]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"twin": self.twin, "distance_m": round(self.distance_m, 1), "reason": self.reason}


def edge_distance_m(a: "BaseGeometry", b: "BaseGeometry") -> float:
    """Shortest geodesic distance between two geometries in degrees (EPSG:4326), 0 where they touch or overlap.

    The nearest points are found in an azimuthal equidistant projection around both, their distance on the WGS 84
    ellipsoid (Karney 2013, through PROJ). Symmetric; better than a metre for parcels up to some 100 km apart.
    """
    from pyproj import Geod, Transformer

    west, south, east, north = shapely.total_bounds([a, b])
    local = f"+proj=aeqd +lat_0={(south + north) / 2} +lon_0={(west + east) / 2} +ellps=WGS84"
    forward = Transformer.from_crs("EPSG:4326", local, always_xy=True)
    first, second = sorted((a, b), key=lambda geometry: geometry.wkb)
    plane = [shapely.transform(g, lambda xy: np.column_stack(forward.transform(*xy.T))) for g in (first, second)]
    line = shapely.shortest_line(*plane)
    if line.length == 0:
        return 0.0
    longitudes, latitudes = forward.transform(*line.xy, direction="INVERSE")
    return float(Geod(ellps="WGS84").inv(longitudes[0], latitudes[0], longitudes[1], latitudes[1])[2])


def neighbours(parcels: Mapping[str, "BaseGeometry"], twin: str, within_m: float) -> dict[str, float]:
    """Distance in metres of each other parcel whose edge lies within a distance of the twin's, nearest first.

    Parameters
    ----------
    parcels
        Geometries in EPSG:4326 by twin.
    within_m
        Metres.

    Raises
    ------
    DataError
        Where the twin is not among the parcels.
    """
    if twin not in parcels:
        raise DataError(f"Parcel {twin} is not among the {len(parcels)} parcels known.", "Create the twin first.")
    own, names = parcels[twin], list(parcels)
    west, south, east, north = own.bounds
    north_south = within_m / METRES_A_DEGREE
    widest = math.cos(math.radians(min(max(abs(south), abs(north)) + north_south, 89.0)))
    east_west = within_m / (METRES_A_DEGREE * widest)
    reach = shapely.box(west - east_west, south - north_south, east + east_west, north + north_south)
    found = shapely.STRtree([parcels[name] for name in names]).query(reach)
    distances = {names[i]: edge_distance_m(own, parcels[names[i]]) for i in found if names[i] != twin}
    return {name: d for name, d in sorted(distances.items(), key=lambda item: (item[1], item[0])) if d <= within_m}


def recipients(
    parcels: Mapping[str, "BaseGeometry"],
    twin: str,
    within_m: float,
    downstream: Callable[[str, str], bool] | None = None,
) -> list[Recipient]:
    """Everybody to be told of a danger at a twin: itself, then parcels downstream, then those near, each by distance.

    Parameters
    ----------
    parcels, twin, within_m
        See `neighbours`.
    downstream
        Whether water from the first twin reaches the second; parcels it reaches are told however far they are.
    """
    near = neighbours(parcels, twin, within_m)
    below = [name for name in parcels if downstream is not None and name != twin and downstream(twin, name)]
    told = {name: near.get(name, math.nan) for name in below}
    told = {name: edge_distance_m(parcels[twin], parcels[name]) if math.isnan(d) else d for name, d in told.items()}
    flows = [Recipient(name, d, "downstream") for name, d in sorted(told.items(), key=lambda item: (item[1], item[0]))]
    others = [Recipient(name, d, "near") for name, d in near.items() if name not in told]
    return [Recipient(twin, 0.0, "self"), *flows, *others]


def flow_relation(
    flow_direction: "xr.DataArray", parcels: Mapping[str, "BaseGeometry"], epsg: int, least_share: float = 0.05
) -> Callable[[str, str], bool]:
    """Relation `downstream` of `recipients`: whether water that leaves the first parcel runs through the second.

    Parameters
    ----------
    flow_direction
        D8 codes (y, x) of `agritwin.terrain.drainage`.
    parcels, epsg
        Geometries in EPSG:4326, and the EPSG code of the grid.
    least_share
        Share of the first parcel that has to drain through the second.

    Returns
    -------
    Callable. A parcel without a cell in the grid counts as not downstream: where its water goes is not known.
    """
    x, y = np.meshgrid(flow_direction["x"].to_numpy(), flow_direction["y"].to_numpy())
    local = {name: to_crs(geometry, 4326, epsg) for name, geometry in parcels.items()}
    cells = {name: shapely.contains_xy(geometry, x, y) for name, geometry in local.items()}
    covered = {name for name, inside in cells.items() if inside.any()}
    codes = flow_direction.to_numpy()

    def downstream(above: str, below: str) -> bool:
        if not {above, below} <= covered:
            return False
        starts = cells[above] & ~cells[below]
        reaches, _ = drains_to(codes, cells[below])
        return bool(starts.any() and (reaches & starts).sum() / starts.sum() >= least_share)

    return downstream
