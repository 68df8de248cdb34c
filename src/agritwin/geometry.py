"""Parcels in space: SIGPAC codes, polygons as people send them, areas, UTM zones and distances."""

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from agritwin.errors import DataError

if TYPE_CHECKING:
    import xarray as xr
    from shapely.geometry import MultiPolygon, Polygon
    from shapely.geometry.base import BaseGeometry

SIGPAC = re.compile(
    r"(?P<province>\d{1,2})-(?P<municipality>\d{1,3})-(?P<aggregate>\d{1,3})-(?P<zone>\d{1,3})"
    r"-(?P<polygon>\d{1,5})-(?P<parcel>\d{1,5})-(?P<enclosure>\d{1,5})"
)
TWIN_ID = re.compile(r"(?=.{2,64}\Z)(?:[0-9]+(?:-[0-9]+)+|[a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
DEGREES = {4326, 4258, 4269, 4979}


class SigpacCode(NamedTuple):
    """A SIGPAC enclosure: province, municipality, aggregate, zone, polygon, parcel, enclosure."""

    province: int
    municipality: int
    aggregate: int
    zone: int
    polygon: int
    parcel: int
    enclosure: int

    def __str__(self) -> str:
        return "-".join(map(str, self))


def sigpac_code(text: str) -> SigpacCode:
    """Parse a SIGPAC code such as ``47-96-0-0-5-20-1``.

    Raises
    ------
    DataError
        When the text is not seven numbers joined by hyphens, or the province is not 1-52.
    """
    match = SIGPAC.fullmatch(text)
    if match is None:
        raise DataError(
            f"{text!r} is not a SIGPAC code.",
            "Write province-municipality-aggregate-zone-polygon-parcel-enclosure, for example 47-96-0-0-5-20-1.",
        )
    code = SigpacCode(*(int(number) for number in match.groups()))
    if not 1 <= code.province <= 52:
        raise DataError(
            f"{text!r}: province {code.province} is not one of Spain's (1-52).", "Correct the first number."
        )
    return code


def check_twin_id(text: str) -> str:
    """Return a twin id that is safe as file name, key and URL part.

    Either numbers joined by hyphens (a SIGPAC code) or a word of ``a-z``, ``0-9`` and single hyphens that begins with a
    letter; 2 to 64 characters. A bare number is refused, since it would be read as one on the command line, and so is
    ``all``, which there means every twin.

    Raises
    ------
    DataError
        For anything else.
    """
    if not isinstance(text, str) or TWIN_ID.fullmatch(text) is None or text == "all":
        raise DataError(
            f"{text!r} cannot name a twin.",
            "Use a SIGPAC code (47-96-0-0-5-20-1) or lower-case letters, digits and hyphens, beginning with a letter.",
        )
    return text


def geodesic_area_ha(geometry: "BaseGeometry") -> float:
    """Return the area [ha] of a polygon in degrees on the WGS 84 ellipsoid (Karney 2013, through PROJ)."""
    from pyproj import Geod

    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(geometry)
    return abs(area) / 1e4


def utm_epsg(longitude: float, latitude: float) -> int:
    """Return the EPSG code of the WGS 84 UTM zone of a place.

    Examples
    --------
    >>> utm_epsg(-4.82, 41.27)
    32630
    """
    zone = min(math.floor((longitude + 180.0) / 6.0) + 1, 60)
    return (32600 if latitude >= 0 else 32700) + zone


def to_crs(geometry: "BaseGeometry", source: int, target: int) -> "BaseGeometry":
    """Project a geometry between two EPSG codes, x before y."""
    import shapely
    from pyproj import Transformer

    transformer = Transformer.from_crs(source, target, always_xy=True)
    return shapely.transform(geometry, transformer.transform, interleaved=False)  # type: ignore[call-overload]


def epsg_of(grid: "xr.Dataset | xr.DataArray") -> int:
    """Return the EPSG code of a raster with `spatial_ref`.

    Raises
    ------
    DataError
        Where its reference system has none.
    """
    from pyproj import CRS

    epsg = CRS.from_wkt(grid["spatial_ref"].attrs["crs_wkt"]).to_epsg()
    if epsg is None:
        raise DataError("The reference system of the raster has no EPSG code.", "Reproject it to a UTM zone.")
    return epsg


def parcel_polygon(geometry: "BaseGeometry", epsg: int, where: str) -> "Polygon | MultiPolygon":
    """Return a valid polygon in EPSG:4326 from what somebody sent.

    Parameters
    ----------
    geometry
        Polygon or MultiPolygon in the coordinates of ``epsg``.
    epsg
        EPSG code that the sender declares.
    where
        File and feature, for messages.

    Raises
    ------
    DataError
        For other types, empty or self-intersecting polygons, degrees out of range, and coordinates that do not fit
        the declared reference system.
    """
    import shapely
    from shapely.geometry import MultiPolygon, Polygon
    from shapely.validation import explain_validity

    if not isinstance(geometry, Polygon | MultiPolygon):
        raise DataError(f"{where}: a {geometry.geom_type} is not a parcel.", "Send a Polygon or a MultiPolygon.")
    if geometry.is_empty:
        raise DataError(f"{where}: the polygon is empty.", "Send a polygon with at least three corners.")
    _check_coordinates(geometry, epsg, where)
    if not geometry.is_valid:
        raise DataError(
            f"{where}: the outline crosses or touches itself ({explain_validity(geometry)}).",
            "Redraw it in a GIS (in QGIS: 'Fix geometries') and send it again.",
        )
    polygon = shapely.force_2d(geometry)
    flat = polygon if epsg == 4326 else to_crs(polygon, epsg, 4326)
    assert isinstance(flat, Polygon | MultiPolygon)
    return flat


def _check_coordinates(geometry: "BaseGeometry", epsg: int, where: str) -> None:
    west, south, east, north = geometry.bounds
    in_degrees = max(abs(west), abs(east)) <= 180.0 and max(abs(south), abs(north)) <= 90.0
    if epsg in DEGREES and not in_degrees:
        swapped = max(abs(west), abs(east)) <= 90.0 and max(abs(south), abs(north)) <= 180.0
        hint = (
            "Longitude comes first in GeoJSON: swap the two."
            if swapped
            else "These look like metres: declare their reference system (for example EPSG:25830)."
        )
        raise DataError(f"{where}: coordinates {west:.6g}, {south:.6g} are no degrees.", hint)
    if epsg not in DEGREES and in_degrees:
        raise DataError(
            f"{where}: EPSG:{epsg} is declared but the coordinates {west:.6g}, {south:.6g} look like degrees.",
            "Declare EPSG:4326 or send projected coordinates.",
        )


def check_swap(polygon: "BaseGeometry", expected_zone: str, where: str) -> None:
    """Refuse a polygon whose longitude and latitude were exchanged, judged by the holding's country.

    Parameters
    ----------
    polygon
        EPSG:4326.
    expected_zone
        IANA zone of the holding; only Spanish zones carry a box so far.
    where
        File and feature, for messages.

    Raises
    ------
    DataError
        When the place lies outside the country but its mirror image lies inside.
    """
    box = COUNTRY_BOXES.get(expected_zone)
    if box is None:
        return
    x, y = polygon.centroid.x, polygon.centroid.y
    west, south, east, north = box
    inside = west <= x <= east and south <= y <= north
    mirrored = west <= y <= east and south <= x <= north
    if not inside and mirrored:
        raise DataError(
            f"{where}: the parcel lies at longitude {x:.4f}, latitude {y:.4f}, which looks exchanged.",
            "Longitude comes first in GeoJSON: swap the two.",
        )


COUNTRY_BOXES = {"Europe/Madrid": (-9.5, 35.8, 4.5, 43.9), "Atlantic/Canary": (-18.3, 27.5, -13.3, 29.5)}


def crs_of_geojson(document: dict[str, Any], where: str) -> int:
    """Return the EPSG code of a GeoJSON document; 4326 where it names none.

    The member ``crs`` left the standard in 2016, yet SIGPAC and many tools write it in several spellings.

    Raises
    ------
    DataError
        When ``crs`` is there but cannot be understood.
    """
    crs = document.get("crs")
    if not crs:
        return 4326
    properties = crs.get("properties", {}) if isinstance(crs, dict) else {}
    text = str(properties.get("code", properties.get("name", crs)))
    if "CRS84" in text:
        return 4326
    match = re.search(r"(\d{4,6})\D*$", text)
    if match is None:
        raise DataError(
            f"{where}: the reference system {text!r} is not understood.", "Use EPSG:4326 or leave 'crs' out."
        )
    return int(match.group(1))


def read_parcels(path: Path) -> list[tuple["Polygon | MultiPolygon", dict[str, Any]]]:
    """Read parcels from GeoJSON (Feature, FeatureCollection, bare geometry) or GeoPackage.

    Returns
    -------
    list of (polygon in EPSG:4326, properties); the key ``id`` holds the feature's id where there is one.

    Raises
    ------
    DataError
        When the file is missing, unreadable, holds no polygon, or one that :func:`parcel_polygon` refuses.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path}.", "Check the name.")
    if path.suffix.lower() in {".gpkg", ".shp", ".zip", ".kml"}:
        return _read_with_gdal(path)
    return _read_geojson(path)


def _read_geojson(path: Path) -> list[tuple["Polygon | MultiPolygon", dict[str, Any]]]:
    import json

    from shapely.errors import GEOSException
    from shapely.geometry import shape

    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path} is not GeoJSON: {error}.", "Export the parcel again as GeoJSON.") from error
    if not isinstance(document, dict) or "type" not in document:
        raise DataError(f"{path} is JSON but not GeoJSON.", "A Feature, FeatureCollection or geometry is needed.")
    epsg = crs_of_geojson(document, str(path))
    kind = document["type"]
    features = (
        document.get("features", [])
        if kind == "FeatureCollection"
        else [document if kind == "Feature" else {"geometry": document, "properties": {}}]
    )
    if not features:
        raise DataError(f"{path} holds no feature.", "Export at least one parcel.")
    parcels = []
    for number, feature in enumerate(features, start=1):
        where = f"{path}, feature {number}"
        try:
            geometry = shape(feature["geometry"])
        except (KeyError, TypeError, ValueError, AttributeError, GEOSException) as error:
            raise DataError(
                f"{where}: the geometry is missing, or its coordinates are no numbers.",
                "Export the parcel again as Polygon or MultiPolygon.",
            ) from error
        properties = dict(feature.get("properties") or {})
        if feature.get("id") is not None:
            properties["id"] = str(feature["id"])
        parcels.append((parcel_polygon(geometry, epsg, where), properties))
    return parcels


def _read_with_gdal(path: Path) -> list[tuple["Polygon | MultiPolygon", dict[str, Any]]]:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        frame = pyogrio.read_dataframe(path)
    except (DataSourceError, DataLayerError) as error:
        reason = str(error).split(";")[0].rstrip(".")
        raise DataError(f"{path} cannot be read: {reason}.", "Send GeoJSON or GeoPackage.") from error
    if frame.empty:
        raise DataError(f"{path} holds no feature.", "Export at least one parcel.")
    if frame.crs is None:
        raise DataError(f"{path} names no reference system.", "Export it with one, for example EPSG:25830.")
    epsg = frame.crs.to_epsg()
    if epsg is None:
        frame, epsg = frame.to_crs(4326), 4326
    return [
        (
            parcel_polygon(row.geometry, epsg, f"{path}, feature {number}"),
            {key: value for key, value in row.drop("geometry").items() if value is not None},
        )
        for number, (_, row) in enumerate(frame.iterrows(), start=1)
    ]


def cell_id(latitude: float, longitude: float) -> str:
    """Return the id of the 0.1 degree cell that holds a place; weather is shared by all twins of a cell.

    Examples
    --------
    >>> cell_id(41.27, -4.82)
    'n413w048'
    """
    north, east = round(latitude * 10), round(longitude * 10)
    return f"{'n' if north >= 0 else 's'}{abs(north):03d}{'e' if east >= 0 else 'w'}{abs(east):03d}"


def cell_centre(cell: str) -> tuple[float, float]:
    """Return latitude and longitude [degrees] of the middle of a cell.

    Examples
    --------
    >>> cell_centre("n413w048")
    (41.3, -4.8)
    """
    match = re.fullmatch(r"([ns])(\d{3})([ew])(\d{3,4})", cell)
    if match is None:
        raise DataError(f"{cell!r} is no weather cell.", "Cells look like n413w048.")
    north = int(match[2]) / 10 * (1 if match[1] == "n" else -1)
    east = int(match[4]) / 10 * (1 if match[3] == "e" else -1)
    return north, east


def bounds_of(geometry: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return west, south, east and north of a GeoJSON geometry, without shapely's import."""

    def positions(node: Any):
        if node and isinstance(node[0], int | float):
            yield node
        else:
            for part in node:
                yield from positions(part)

    corners = list(positions(geometry["coordinates"]))
    longitudes, latitudes = [corner[0] for corner in corners], [corner[1] for corner in corners]
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def middle_of_bounds(geometry: dict[str, Any]) -> tuple[float, float]:
    """Return latitude and longitude of the middle of a GeoJSON geometry's bounding box."""
    west, south, east, north = bounds_of(geometry)
    return (south + north) / 2, (west + east) / 2


def in_grid(feature: dict[str, Any]) -> "BaseGeometry":
    """Return the polygon of a GeoJSON feature in the metres of its UTM zone."""
    from shapely.geometry import shape

    polygon = shape(feature["geometry"])
    return to_crs(polygon, 4326, utm_epsg(polygon.centroid.x, polygon.centroid.y))
