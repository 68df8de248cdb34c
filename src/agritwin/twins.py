"""The life of a twin: made from an outline that somebody sends, listed in full before it is deleted."""

import json
import math
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from shapely.geometry import mapping

from agritwin import config, workspace
from agritwin.errors import ConfigError, DataError
from agritwin.geometry import check_swap, check_twin_id, geodesic_area_ha, read_parcels

PIXEL_HA = 0.01
LARGEST_HA = 10_000.0  # the land around it is fetched in cells of metres
NAMES = ("name", "Name", "nombre", "NOMBRE")
AREA_TOLERANCE = 0.05
SOUTHERN_SEASON = "05-01"  # half a year after that of the configuration, in the autumn there
LIVE_SOURCES = {
    "weather": ["open_meteo"],
    "forecast": ["open_meteo"],
    "imagery": ["earth_search"],
    "terrain": ["glo30"],
    "soil": ["soilgrids"],
}


@dataclass(frozen=True)
class Draft:
    """A twin as it would be written: its id, what the file calls it, outline, and the two areas to be compared."""

    twin: str
    name: str
    polygon: Any
    measured_ha: float
    declared_ha: float | None

    @property
    def areas_disagree(self) -> bool:
        """True when somebody has to say which area is right."""
        return (
            self.declared_ha is not None
            and abs(self.declared_ha - self.measured_ha) > AREA_TOLERANCE * self.measured_ha
        )


def draft(file: Path, twin: str | None, parcel: str | None, declared_ha: float | None, zone: str) -> Draft:
    """Read an outline and check all that can be checked without asking.

    Parameters
    ----------
    file
        GeoJSON, GeoPackage, Shapefile (zip) or KML with one parcel, or with several of which one is named.
    twin
        Id of the twin; None takes the feature's own.
    parcel
        Which of several parcels: its number in the file, id or name; None takes the one whose id is that of the twin.
    declared_ha
        Area that the papers state; None takes the feature's ``area`` or ``areaSIGPAC``.
    zone
        IANA zone of the holding.

    Raises
    ------
    DataError
        For what :func:`agritwin.geometry.read_parcels` refuses, several parcels, no id, an area that is none, or a
        parcel below one pixel or above 10,000 ha.
    """
    if declared_ha is not None and not 0 < declared_ha < math.inf:
        raise DataError(f"{declared_ha:g} ha is no area.", "Give hectares above 0, or leave --declared-area-ha out.")
    polygon, properties = _chosen(file, read_parcels(file), twin, parcel)
    name = twin or properties.get("id")
    if name is None:
        raise DataError(f"{file}: the parcel has no id.", "Give one with --id, for example its SIGPAC code.")
    check_twin_id(str(name))
    check_swap(polygon, zone, str(file))
    measured = geodesic_area_ha(polygon)
    if measured < PIXEL_HA:
        raise DataError(
            f"{file}: the parcel measures {measured * 1e4:.0f} m2, less than one pixel of Sentinel-2 (100 m2).",
            "Check the outline and its units; a twin needs at least one pixel.",
        )
    if measured > LARGEST_HA:
        raise DataError(
            f"{file}: the outline measures {measured:,.0f} ha; a twin is a parcel of at most {LARGEST_HA:,.0f} ha.",
            "Check the outline and its units, or split it into parcels.",
        )
    declared = declared_ha if declared_ha is not None else _declared(properties)
    return Draft(str(name), _called(properties) or str(name), polygon, measured, declared)


def _chosen(
    file: Path, parcels: list[tuple[Any, dict[str, Any]]], twin: str | None, parcel: str | None
) -> tuple[Any, dict[str, Any]]:
    """Return the one parcel of a file, or the one of several that its number, id or name tells."""
    if len(parcels) == 1 and parcel is None:
        return parcels[0]
    wanted = twin if parcel is None else parcel
    calls = [{str(properties.get("id")), _called(properties)} for _, properties in parcels]
    found = [number for number, names in enumerate(calls) if wanted is not None and wanted in names]
    if not found and parcel is not None and parcel.isdecimal() and 1 <= int(parcel) <= len(parcels):
        found = [int(parcel) - 1]
    if len(found) == 1:
        return parcels[found[0]]
    told = [str(properties.get("id") or _called(properties) or "") for _, properties in parcels]
    listed = ", ".join(f"{number} {name}".strip() for number, name in enumerate(told[:10], 1))
    more = ", ..." if len(told) > 10 else ""
    asked = f", and {len(found) or 'none'} of them is called {wanted!r}" if wanted is not None else ""
    raise DataError(
        f"{file} holds {len(parcels)} parcels ({listed}{more}){asked}.",
        "Choose one with --parcel, by its number, id or name, and name the twin with --id.",
    )


def _called(properties: dict[str, Any]) -> str | None:
    return next((str(properties[key]) for key in NAMES if properties.get(key)), None)


def _declared(properties: dict[str, Any]) -> float | None:
    for key in ("declared_area_ha", "area_ha", "area", "areaSIGPAC", "superficie"):
        if isinstance(properties.get(key), int | float) and properties[key] > 0:
            return float(properties[key])
    return None


def create(folder: Path, sketch: Draft, area_confirmed: str | None, choices: dict[str, Any]) -> Path:
    """Write the outline and the YAML of a new twin, both or none; the same twin again changes nothing.

    Parameters
    ----------
    folder
        The configuration's folder.
    sketch
        From :func:`draft`.
    area_confirmed
        ``polygon`` or ``declared`` where the areas disagree.
    choices
        Further keys of the twin's YAML.

    Returns
    -------
    Path
        The YAML file.

    Raises
    ------
    DataError
        When the areas disagree and nobody said which is right.
    ConfigError
        When the result is not valid, or another twin has this id.
    """
    if sketch.areas_disagree and area_confirmed is None:
        raise DataError(
            f"The papers say {sketch.declared_ha:g} ha, the outline measures {sketch.measured_ha:.2f} ha.",
            "Say which is right with --area polygon or --area declared.",
        )
    parcel: dict[str, Any] = {"file": f"{sketch.twin}.geojson"}
    if sketch.declared_ha is not None:
        parcel["declared_area_ha"] = sketch.declared_ha
    if sketch.areas_disagree:
        parcel["area_confirmed"] = area_confirmed
    document = {"name": sketch.name, "parcel": parcel} | choices
    if sketch.polygon.centroid.y < 0.0:
        document.setdefault("season", {"start": SOUTHERN_SEASON})
    defaults = config.read_yaml(folder / "config.yaml")
    target = folder / "twins" / f"{sketch.twin}.yaml"
    config.validate({str(folder / "config.yaml"): defaults, f"{target.name} (not written)": document})
    outline = {"type": "Feature", "id": sketch.twin, "properties": {}, "geometry": mapping(sketch.polygon)}
    text = "# yaml-language-server: $schema=../schema/twin.json\n" + yaml.safe_dump(
        document, allow_unicode=True, sort_keys=False
    )
    if target.is_file() and target.read_text(encoding="utf-8") != text:
        raise ConfigError(
            f"Twin {sketch.twin} exists and differs ({target}).", "Edit that file, or delete the twin first."
        )
    workspace.write_text(folder / "twins" / f"{sketch.twin}.geojson", json.dumps(outline) + "\n")
    workspace.write_text(target, text)
    return target


def belongings(root: Path, twin: str) -> list[Path]:
    """Return every file and folder of a twin that is there, relative to the workspace; shared cubes are not its own."""
    check_twin_id(twin)
    named = [*root.glob(f"config/twins/{twin}.*"), *root.glob(f"data/cubes/*/{twin}.*")]
    of_twins = ("data/twins", "data/landing", "data/scenarios", "data/cubes/scenario", "results", "reports", "logs")
    folders = [root / folder / twin for folder in ("config/scenarios", *of_twins)]
    return [path.relative_to(root) for path in [*sorted(named), *folders] if path.exists()]


def export(root: Path, twin: str, rows: dict[str, Any], target: Path) -> None:
    """Write all that belongs to a twin into one zip file: its files as they are, its records as JSON.

    Parameters
    ----------
    root, twin
        Workspace and id.
    rows
        Table name to rows.
    target
        The zip file; written aside and renamed.
    """
    with workspace.aside(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for belonging in belongings(root, twin):
            whole = root / belonging
            for path in sorted(whole.rglob("*")) if whole.is_dir() else [whole]:
                if path.is_file():
                    archive.write(path, path.relative_to(root))
        archive.writestr("records.json", json.dumps(rows, indent=1, ensure_ascii=False, default=str))


def delete_files(root: Path, twin: str) -> None:
    """Delete all files of a twin; the configuration goes last, so that a killed delete can be run again."""
    for path in reversed(belongings(root, twin)):
        whole = root / path
        if whole.is_dir():
            shutil.rmtree(whole)
        else:
            whole.unlink(missing_ok=True)
