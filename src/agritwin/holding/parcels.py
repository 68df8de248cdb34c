"""Parcels as holdings send them: the declared area against the one that the polygon measures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agritwin.geometry import geodesic_area_ha, read_parcels

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

AREA_TOLERANCE = 0.05
AREA_KEYS = ("area", "areaSIGPAC", "superficie", "area_ha", "dn_surface")


@dataclass(frozen=True)
class AreaCheck:
    """Declared and geodesic area [ha], and whether they differ by more than the tolerance."""

    declared_ha: float
    measured_ha: float
    conflict: bool

    def __str__(self) -> str:
        ratio = self.declared_ha / self.measured_ha
        return (
            f"{self.declared_ha:g} ha are declared, the polygon measures {self.measured_ha:.2f} ha ({ratio:.3g} times)."
        )


def check_area(declared_ha: float, geometry: "BaseGeometry", tolerance: float = AREA_TOLERANCE) -> AreaCheck:
    """Compare a declared area with the geodesic area of a polygon.

    Parameters
    ----------
    declared_ha
        Area [ha] as the holding states it.
    geometry
        Polygon in degrees (EPSG:4326 or 4258).
    tolerance
        Relative difference, against the measured area, up to which the two agree.
    """
    measured = geodesic_area_ha(geometry)
    return AreaCheck(declared_ha, measured, abs(declared_ha - measured) > tolerance * measured)


@dataclass(frozen=True)
class Parcel:
    """A parcel of a file: id as written, polygon in EPSG:4326, its check where an area is declared, its properties."""

    twin_id: str | None
    geometry: "BaseGeometry"
    area: AreaCheck | None
    properties: dict[str, Any]


def parcels_of(path: Path) -> list[Parcel]:
    """Read the parcels of a GeoJSON file and compare their areas.

    Raises
    ------
    DataError
        When the file holds no usable polygon.
    """
    found = []
    for geometry, properties in read_parcels(path):
        declared = next((properties[key] for key in AREA_KEYS if isinstance(properties.get(key), int | float)), None)
        check = None if declared is None else check_area(float(declared), geometry)
        twin_id = properties.get("id")
        found.append(Parcel(None if twin_id is None else str(twin_id), geometry, check, properties))
    return found
