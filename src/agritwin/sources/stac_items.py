"""Sentinel-2 L2A items of any STAC catalogue, read into one form: assets, grid, baseline, offset, identity.

Catalogues name the same things differently (Earth Search v0 and v1, its Collection-1 archive, Planetary Computer,
Copernicus Data Space) and disagree on who subtracts the radiometric offset that ESA adds since baseline 04.00.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agritwin.errors import DataError

BANDS = {
    "red": ("red", "B04", "B04_10m"),
    "nir": ("nir", "B08", "B08_10m"),
    "scl": ("scl", "SCL", "SCL_20m"),
}
REFLECTANCE = ("red", "nir")
FURTHER_BANDS = {
    "coastal": ("coastal", "B01", "B01_60m"),
    "blue": ("blue", "B02", "B02_10m"),
    "green": ("green", "B03", "B03_10m"),
    "rededge1": ("rededge1", "B05", "B05_20m"),
    "rededge2": ("rededge2", "B06", "B06_20m"),
    "rededge3": ("rededge3", "B07", "B07_20m"),
    "nir08": ("nir08", "B8A", "B8A_20m"),
    "nir09": ("nir09", "B09", "B09_60m"),
    "swir16": ("swir16", "B11", "B11_20m"),
    "swir22": ("swir22", "B12", "B12_20m"),
}
SCALE = 1e-4
OFFSET = -0.1
OFFSET_BASELINE = 4.0
PLACEHOLDER_BASELINE = 99.99
COLLECTION_ORDER = ("sentinel-2-c1-l2a", "sentinel-2-l2a")
SAFE_NAME = re.compile(
    r"(?P<platform>S2[A-Z])_MSIL2A_(?P<start>\d{8}T\d{6})(?:_N(?P<baseline>\d{4}))?_R\d{3}_T(?P<tile>\d{2}[A-Z]{3})_\d{8}T\d{6}"
)
DATATAKE = re.compile(r"GS2[A-Z]_(\d{8}T\d{6})_")
DATASTRIP = re.compile(r"_S(\d{8}T\d{6})_")


@dataclass(frozen=True)
class Scene:
    """One Sentinel-2 L2A product of one tile.

    ``acquired`` is the start of the datatake where the item tells it (the same for all tiles of an overpass and in all
    catalogues), else the item's time; UTC, whole seconds. ``strip`` is the start of the datastrip, which sets apart the
    two halves of a tile that were sent to ground separately. ``boa_offset`` is what is to be added to DN / 10000.
    ``further`` holds the addresses of the bands beside red and near infrared that the item has.
    """

    id: str
    collection: str
    platform: str
    acquired: dt.datetime
    strip: str
    tile: str
    baseline: str
    boa_offset: float
    created: str
    cloud_cover: float
    epsg: int | None
    red: str
    nir: str
    scl: str
    further: Mapping[str, str] = field(default_factory=dict, hash=False)

    def address(self, band: str) -> str | None:
        """Address of a band's file, or None where the item has none."""
        return getattr(self, band) if band in BANDS else self.further.get(band)

    @property
    def preference(self) -> tuple[float, int, str, str]:
        """Sort key: the largest is to be kept among products of one acquisition.

        A placeholder baseline (N9999) ranks below every real one; then comes the better collection, then the latest;
        the name decides between equals, so that the order of a search does not.
        """
        number = float(self.baseline)
        known = number if number < PLACEHOLDER_BASELINE else 0.0
        rank = COLLECTION_ORDER.index(self.collection) if self.collection in COLLECTION_ORDER else len(COLLECTION_ORDER)
        return known, -rank, self.created, self.id


def read_item(item: Mapping[str, Any]) -> Scene:
    """Read a STAC item (a dict, any of the catalogues above).

    Raises
    ------
    DataError
        When an asset, the tile, the acquisition time or the processing baseline cannot be found.
    """
    name = str(item.get("id", "without id"))
    properties = item.get("properties", {})
    safe = _safe_name(item)
    assets = {band: _asset(item, band, keys) for band, keys in BANDS.items()}
    baseline = _baseline(properties, safe, name)
    return Scene(
        id=name,
        collection=str(item.get("collection", "")),
        platform=_platform(properties, safe, name),
        acquired=_acquired(properties, safe, name),
        strip=_datastrip(properties),
        tile=_tile(properties, safe, name),
        baseline=baseline,
        boa_offset=_offset(item, assets["red"], float(baseline)),
        created=str(properties.get("created") or properties.get("s2:generation_time") or ""),
        cloud_cover=float(properties.get("eo:cloud_cover", float("nan"))),
        epsg=_epsg(properties, assets["red"]),
        **{band: str(asset["href"]) for band, asset in assets.items()},
        further={
            band: str(item["assets"][key]["href"])
            for band, keys in FURTHER_BANDS.items()
            for key in keys
            if key in item.get("assets", {})
        },
    )


def deduplicated(scenes: Iterable[Scene]) -> list[Scene]:
    """Keep one product of each acquisition (platform, second, tile, datastrip): highest baseline, then latest creation.

    Returns
    -------
    list of Scene
        Sorted by acquisition; the products of one overpass stand together, best first.
    """
    best: dict[tuple[Any, ...], Scene] = {}
    for scene in scenes:
        key = (scene.platform, scene.acquired, scene.tile, scene.strip)
        if key not in best or scene.preference > best[key].preference:
            best[key] = scene
    ranked = sorted(best.values(), key=lambda scene: scene.preference, reverse=True)
    return sorted(ranked, key=lambda scene: (scene.acquired, scene.platform))


def overpasses(scenes: Iterable[Scene], apart: dt.timedelta = dt.timedelta(minutes=30)) -> list[list[Scene]]:
    """Group the products of one overpass: same platform, less than ``apart`` after the first.

    Tiles of one overpass carry the start of their datatake or, in catalogues that do not tell it, a time some minutes
    later; two overpasses of one satellite are at least one orbit (100 minutes) apart.
    """
    groups: list[list[Scene]] = []
    for scene in deduplicated(scenes):
        group = next((group for group in reversed(groups) if group[0].platform == scene.platform), None)
        if group is not None and scene.acquired - group[0].acquired < apart:
            group.append(scene)
        else:
            groups.append([scene])
    return [sorted(group, key=lambda scene: scene.preference, reverse=True) for group in groups]


def _asset(item: Mapping[str, Any], band: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    assets = item.get("assets", {})
    for key in keys:
        if key in assets:
            return assets[key]
    for key, asset in assets.items():
        described = [*asset.get("eo:bands", []), *asset.get("bands", [])]
        names = {entry.get("common_name", entry.get("eo:common_name")) for entry in described}
        if names == {band} and not key.endswith("jp2"):
            return asset
    raise DataError(
        f"Item {item.get('id')}: no asset for {band} (looked for {', '.join(keys)} and the common name).",
        "Only Sentinel-2 L2A items can be read.",
    )


def _safe_name(item: Mapping[str, Any]) -> Mapping[str, str | None]:
    """Parts of the SAFE name, from the properties that may hold it or the id; empty where none does."""
    properties = item.get("properties", {})
    for text in (properties.get("s2:product_uri"), properties.get("sentinel:product_id"), item.get("id")):
        match = SAFE_NAME.search(str(text))
        if match:
            return match.groupdict()
    return {}


def _baseline(properties: Mapping[str, Any], safe: Mapping[str, str | None], name: str) -> str:
    for text in (properties.get("s2:processing_baseline"), properties.get("processing:version")):
        if text is not None and re.fullmatch(r"\d{1,2}\.\d{1,2}", str(text)):
            return f"{float(text):05.2f}"
    number = safe.get("baseline")
    if number is None:
        raise DataError(f"Item {name}: no processing baseline.", "Without it the radiometric offset is not known.")
    return f"{number[:2]}.{number[2:]}"


def _offset(item: Mapping[str, Any], asset: Mapping[str, Any], baseline: float) -> float:
    """Offset to be added to DN / 10000.

    A flag "already applied" is the truth for the COGs of ``sentinel-2-l2a``, whose items state the offset regardless.
    Collection-1 and STAC 1.1 items state what is in their files. Elsewhere the baseline decides, never the date.
    """
    properties = item.get("properties", {})
    if properties.get("earthsearch:boa_offset_applied") or properties.get("sentinel:boa_offset_applied"):
        return 0.0
    if "raster:offset" in asset:
        return float(asset["raster:offset"])
    declared = asset.get("raster:bands", [{}])[0].get("offset")
    if item.get("collection") == "sentinel-2-c1-l2a" and declared is not None:
        return float(declared)
    return OFFSET if baseline >= OFFSET_BASELINE else 0.0


def _platform(properties: Mapping[str, Any], safe: Mapping[str, str | None], name: str) -> str:
    spelt = str(properties.get("platform", "")).lower()
    if spelt.startswith("sentinel-2"):
        return spelt
    short = safe.get("platform")
    if short is None:
        raise DataError(
            f"Item {name}: platform {spelt!r} is not a Sentinel-2.", "Only Sentinel-2 L2A items can be read."
        )
    return f"sentinel-2{short[-1].lower()}"


def _acquired(properties: Mapping[str, Any], safe: Mapping[str, str | None], name: str) -> dt.datetime:
    datatake = DATATAKE.search(str(properties.get("s2:datatake_id") or properties.get("eopf:datatake_id")))
    compact = datatake.group(1) if datatake else safe.get("start")
    if compact is not None:
        return dt.datetime.strptime(compact, "%Y%m%dT%H%M%S")
    try:
        moment = dt.datetime.fromisoformat(str(properties.get("datetime")))
    except ValueError as error:
        raise DataError(f"Item {name}: no acquisition time.", "The item is damaged; leave it out.") from error
    return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).replace(microsecond=0, tzinfo=None)


def _datastrip(properties: Mapping[str, Any]) -> str:
    match = DATASTRIP.search(str(properties.get("s2:datastrip_id") or properties.get("eopf:datastrip_id")))
    return match.group(1) if match else ""


def _tile(properties: Mapping[str, Any], safe: Mapping[str, str | None], name: str) -> str:
    for text in (properties.get("grid:code"), properties.get("s2:mgrs_tile"), safe.get("tile")):
        if text:
            return str(text).removeprefix("MGRS-").removeprefix("T")
    raise DataError(f"Item {name}: no tile.", "Only Sentinel-2 L2A items can be read.")


def _epsg(properties: Mapping[str, Any], asset: Mapping[str, Any]) -> int | None:
    for place in (asset, properties):
        if place.get("proj:epsg"):
            return int(place["proj:epsg"])
        code = str(place.get("proj:code") or "")
        if code.startswith("EPSG:"):
            return int(code.removeprefix("EPSG:"))
    return None
