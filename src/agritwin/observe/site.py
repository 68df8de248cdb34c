"""Fetch what does not change with time: the parcel's outline, the terrain around it and its soil."""

import datetime as dt
import json
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr
from shapely.geometry import mapping, shape

from agritwin.cubes import head, open_group, write_group
from agritwin.errors import DataError, SourceError
from agritwin.geometry import check_swap, geodesic_area_ha, parcel_polygon, read_parcels
from agritwin.observe import step
from agritwin.observe.status import write_status
from agritwin.pins import is_synthetic, write_pointer
from agritwin.soil import hydraulic_properties
from agritwin.sources import quota
from agritwin.sources.base import Source, When, Where, open_source
from agritwin.terrain import drainage, slope_and_aspect
from agritwin.workspace import cube, write_text

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon
    from shapely.geometry.base import BaseGeometry

log = logging.getLogger(__name__)

STREAM_AREA_M2 = 20_000.0
ANY_TIME = When(dt.date(2000, 1, 1), dt.date(2000, 1, 1))
AREA_TOLERANCE = 0.05


def fetch_site(
    *,
    outline: str | list[str],
    parcel: str,
    terrain: str,
    soil: str,
    status: str,
    twin: str,
    zone: str,
    parcel_settings: dict[str, Any],
    terrain_settings: dict[str, float],
    sources_terrain: list[str],
    sources_soil: list[str],
    sources_quota_share: float,
) -> None:
    """Write the parcel, and the terrain and soil cubes of a twin.

    Parameters
    ----------
    outline
        Outline file; an empty list where the settings hold the geometry.
    parcel, terrain, soil, status
        GeoJSON, pointers and status to write.
    twin, zone
        Id and time zone, which also tells the country.
    parcel_settings, terrain_settings
        Sections ``parcel`` and ``terrain`` of the configuration.
    sources_terrain, sources_soil, sources_quota_share
        Names of sources; the first that answers is used. Share of their limits that may be used.
    """
    polygon = _polygon(outline, parcel_settings, twin)
    check_swap(polygon, zone, f"Twin {twin}")
    write_text(Path(parcel), json.dumps(_feature(polygon, parcel_settings, twin), ensure_ascii=False) + "\n")
    where = Where(latitude=polygon.centroid.y, longitude=polygon.centroid.x, geometry=polygon)
    failures: list[SourceError] = []
    kept = True
    for kind, pointer, names, options, derive in (
        ("terrain", terrain, sources_terrain, terrain_settings, _terrain),
        ("soil", soil, sources_soil, {}, hydraulic_properties),
    ):
        store, _ = cube(kind, twin)
        sources = (open_source(kind, name, **options) for name in names)
        problem = _fetch(sources, sources_quota_share, store, where, derive)
        failures.extend(problem)
        if head(store) is None:
            kept = kept and not problem
            extra = {"reason": str(problem[0]) if problem else f"no {kind} source is configured", "synthetic": False}
        else:
            extra = {"synthetic": is_synthetic(open_group(store, kind))}
        write_pointer(Path(pointer), store, kind, **extra)
    write_status(
        Path(status),
        kind="site",
        sources=[*sources_terrain, *sources_soil],
        last_value=None,
        failures=failures,
        kept=kept,
    )


def _polygon(outline: str | list[str], settings: dict[str, Any], twin: str) -> "Polygon | MultiPolygon":
    if isinstance(outline, str):
        parcels = read_parcels(Path(outline))
        if len(parcels) != 1:
            raise DataError(f"{outline} holds {len(parcels)} parcels.", "One twin, one parcel: split the file.")
        return parcels[0][0]
    return parcel_polygon(shape(settings["geometry"]), 4326, f"Twin {twin}, key parcel.geometry")


def _feature(polygon: "BaseGeometry", settings: dict[str, Any], twin: str) -> dict[str, Any]:
    measured: float = geodesic_area_ha(polygon)
    declared: float | None = settings["declared_area_ha"]
    apart = declared is not None and abs(declared - measured) > AREA_TOLERANCE * measured
    if apart and settings["area_confirmed"] is None:
        raise DataError(
            f"Twin {twin}: declared_area_ha says {declared} ha, the outline measures {measured:.2f} ha.",
            "Find out which is right and set parcel.area_confirmed to 'polygon' or 'declared'.",
        )
    holds = declared if declared is not None and settings["area_confirmed"] == "declared" else measured
    properties = {
        "twin": twin,
        "area_ha": round(holds, 4),
        "polygon_area_ha": round(measured, 4),
        "declared_area_ha": declared,
        "area_conflict": apart,
        "area_confirmed": settings["area_confirmed"],
        "note": settings["note"],
    }
    return {"type": "Feature", "id": twin, "properties": properties, "geometry": mapping(polygon)}


def _fetch(sources: Iterable[Source], share: float, store: Path, where: Where, derive: Any) -> list[SourceError]:
    failures: list[SourceError] = []
    for source in sources:
        try:
            quota.book(source, where, ANY_TIME, share)
            dataset = source.fetch(where, ANY_TIME)
        except SourceError as error:
            log.warning("%s", error)
            failures.append(error)
            continue
        write_group(store, source.kind, derive(dataset), f"{source.kind} from {source.name}")
        log.info("%s from %s, synthetic: %s", source.kind, source.name, is_synthetic(dataset))
        break
    return failures


def _terrain(dataset: xr.Dataset) -> xr.Dataset:
    altitude = dataset["surface_altitude"]
    derived = xr.merge([slope_and_aspect(altitude), drainage(altitude, STREAM_AREA_M2)], compat="override")
    return dataset.assign(derived.data_vars)


if __name__ == "__main__":
    sys.exit(step.main(fetch_site))
