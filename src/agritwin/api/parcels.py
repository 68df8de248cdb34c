"""The parcels of a workspace: outlines with what is known of them."""

import datetime as dt
from pathlib import Path
from typing import Any

from shapely.geometry import shape

from agritwin.errors import DataError
from agritwin.geometry import check_twin_id
from agritwin.workspace import CONFIG, RESULTS, read_json

TWINS = Path("data/twins")
KEPT = ("name", "area_ha", "polygon_area_ha", "declared_area_ha", "area_confirmed", "elevation_m", "note")


def known_twins(root: Path) -> list[str]:
    """Return the ids of all twins that are configured or have an outline, in order."""
    configured = {path.stem for path in (root / CONFIG / "twins").glob("*.yaml")}
    outlined = {path.parent.name for path in (root / TWINS).glob("*/parcel.geojson")}
    return sorted(twin for twin in configured | outlined if _is_id(twin))


def feature(root: Path, twin: str) -> dict[str, Any] | None:
    """Return a parcel as a GeoJSON feature in longitude and latitude; None for a twin without an outline yet."""
    outline = root / TWINS / twin / "parcel.geojson"
    if not outline.is_file():
        outline = root / CONFIG / "twins" / f"{twin}.geojson"
    if not outline.is_file():
        return None
    document = read_json(outline)
    drawn = document["features"][0] if document.get("type") == "FeatureCollection" else document
    geometry = drawn.get("geometry", drawn)
    product = root / RESULTS / twin / "parcel.json"
    known = read_json(product) if product.is_file() else {}
    properties = {"twin": twin} | {name: known[name] for name in KEPT if known.get(name) is not None}
    if species := (known.get("planting") or {}).get("species"):
        properties["species"] = species
    if known:
        properties["synthetic"] = known.get("synthetic") in (True, "true")
    return {"type": "Feature", "id": twin, "geometry": geometry, "properties": properties}


def bounds(found: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return west, south, east and north of a feature [degrees]."""
    return shape(found["geometry"]).bounds


def validity(rows: dict[str, tuple[dt.date | None, dt.date | None]], twin: str) -> tuple[dt.date, dt.date]:
    """Return the first and last day on which a parcel is valid; open ends reach as far as days do."""
    begin, end = rows.get(twin, (None, None))
    return begin or dt.date.min, end or dt.date.max


def _is_id(text: str) -> bool:
    try:
        check_twin_id(text)
    except DataError:
        return False
    return True
