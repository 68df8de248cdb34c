"""Which twins are published, and where their products lie."""

from pathlib import Path
from typing import Any

from agritwin import config
from agritwin.errors import AgritwinError, DataError
from agritwin.geometry import check_twin_id
from agritwin.report.twin import PINS, PRODUCTS, Twin, load
from agritwin.workspace import CONFIG, RESULTS

TWINS = Path("data/twins")
FILES = {"yields": "yield"}


def published(root: Path) -> list[str]:
    """Return the ids of the twins that have an outline and at least one product, in order."""
    outlines = sorted((root / TWINS).glob("*/parcel.geojson"))
    return [path.parent.name for path in outlines if any((root / RESULTS / path.parent.name).glob("*.json"))]


def paths(root: Path, twin: str) -> dict[str, Path]:
    """Return the files of a twin by the names that the report uses."""
    pins, results = root / TWINS / twin, root / RESULTS / twin
    named = {name: pins / f"{name.removesuffix('_pin')}.json" for name in PINS}
    named |= {name: results / f"{FILES.get(name, name)}.json" for name in PRODUCTS}
    terrain = root / "data/cubes/terrain" / f"{twin}.json"
    return named | {"outline": pins / "parcel.geojson", "terrain": terrain, "context": results / "context.parquet"}


def open_twin(root: Path, twin: str) -> Twin:
    """Open a published twin.

    Raises
    ------
    DataError
        When no such twin is published.
    """
    if twin not in published(root):
        raise DataError(f"There is no published twin {twin!r}.", "Choose one from the list.")
    zone = zone_of(root, check_twin_id(twin))
    files: dict[str, Any] = paths(root, twin) | {"scenarios": root / RESULTS / twin / "scenarios"}
    return load(twin=twin, zone=zone, **files) if zone else load(twin=twin, **files)


def zone_of(root: Path, twin: str) -> str | None:
    """Return the time zone that the configuration gives a twin; None for a twin whose file is gone or wrong."""
    try:
        return config.load(root / CONFIG, twin)[twin].zone
    except AgritwinError:
        return None
