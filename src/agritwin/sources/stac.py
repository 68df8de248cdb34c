"""Sentinel-2 surface reflectance of a parcel from STAC: three public catalogues, any static one, the demo's archive."""

import json
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from agritwin.errors import DataError, SourceError
from agritwin.sources.archive_folder import NAME, ArchiveFolder
from agritwin.sources.base import When, Where
from agritwin.sources.stac_items import FURTHER_BANDS, REFLECTANCE, Scene, overpasses, read_item
from agritwin.sources.stac_static import Bounds, walk_catalogue
from agritwin.sources.traffic import TRAFFIC

# To look what a catalogue holds takes neither arrays nor rasters nor a client; what does is imported where it is used.
if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from shapely.geometry.base import BaseGeometry

log = logging.getLogger(__name__)

COPERNICUS_LICENCE = "Copernicus Sentinel data, free use with attribution"
COPERNICUS_ATTRIBUTION = "Contains modified Copernicus Sentinel data"


class StacImagery(ABC):
    """Sentinel-2 L2A imagery by way of a STAC catalogue; the children say where items and files come from.

    Parameters
    ----------
    max_cloud_cover
        Scenes whose tile is cloudier [percent] are not read; a whole-tile figure, so it is set high.
    headers
        File in which the headers of remote files are kept; None keeps none.
    """

    name = "stac"
    kind = "imagery"
    title = "Sentinel-2 Level-2A surface reflectance"
    licence = COPERNICUS_LICENCE
    attribution = COPERNICUS_ATTRIBUTION
    synthetic = False
    gdal_settings: ClassVar[dict[str, Any]] = {}
    files = 64
    tries = 1
    no_data = 0

    def read_item(self, item: dict[str, Any]) -> Scene:
        """Return an item as a scene; a DataError where it is none."""
        return read_item(item)

    def classes(self, values: "np.ndarray") -> "np.ndarray":
        """Return the classification band as classes of Sen2Cor."""
        return values

    def __init__(self, max_cloud_cover: float = 95.0, headers: Path | None = None) -> None:
        self.max_cloud_cover = max_cloud_cover
        self.headers = headers

    @abstractmethod
    def items(self, bounds: Bounds, when: When) -> list[dict[str, Any]]:
        """Return the STAC items that touch a box in a span of days."""

    def address(self, href: str, failed: bool) -> str:
        """Return what is to be opened for an asset's address; ``failed`` when the last one could not be opened."""
        return href

    def fetch(
        self,
        where: Where,
        when: When,
        *,
        known: Collection[str] = frozenset(),
        bands: Sequence[str] = (),
        items: list[dict[str, Any]] | None = None,
    ) -> "xr.Dataset":
        """Return the parcel's window of every overpass.

        Parameters
        ----------
        where
            ``geometry`` is needed.
        known
            Identifiers of scenes that need not be read again; their overpasses are left out.
        bands
            Bands beside red and near infrared (``FURTHER_BANDS`` of :mod:`agritwin.sources.stac_items`).
        items
            What :meth:`items` returned, where it was asked already.

        Returns
        -------
        xr.Dataset
            ``red``, ``nir``, further bands [1], ``scl`` (time, y, x) and the scenes' particulars (time), as
            docs/contracts.md has it; NaN in a further band that a scene does not have; time = 0 where there is no
            scene. The attribute ``skipped`` is a JSON list of the scenes that could not be read, with reasons.

        Raises
        ------
        SourceError
            When the catalogue cannot be searched, or none of several scenes found can be read.
        DataError
            Without a polygon, for one smaller than a pixel, and for a band that Sentinel-2 does not have.
        """
        if where.geometry is None:
            raise DataError("Satellite images were asked for without a parcel.", "Give the parcel's polygon.")
        if unknown := set(bands) - {*REFLECTANCE, *FURTHER_BANDS}:
            raise DataError(
                f"Sentinel-2 has no band {', '.join(sorted(unknown))}.",
                f"Choose from {', '.join((*REFLECTANCE, *FURTHER_BANDS))}.",
            )
        from agritwin.sources.grids import parcel_grid
        from agritwin.sources.stac_dataset import imagery_dataset
        from agritwin.sources.stac_scenes import Access, read_overpasses

        grid = parcel_grid(where.geometry)
        found = self.items(where.geometry.bounds, when) if items is None else items
        scenes, skipped = self._scenes(found, where.geometry)
        groups = [group for group in overpasses(scenes) if not any(scene.id in known for scene in group)]
        access = Access(
            self.address,
            self.gdal_settings,
            self.files,
            self.tries,
            self.headers,
            TRAFFIC[self.name],
            self.no_data,
            self.classes,
        )
        reflectance = (*REFLECTANCE, *(band for band in dict.fromkeys(bands) if band not in REFLECTANCE))
        read = read_overpasses(groups, grid, access, reflectance)
        skipped += [entry for overpass in read for entry in overpass.skipped]
        dataset = imagery_dataset(read, grid, self.name, reflectance)
        # One bad file is a bad file; when all of several are bad it is the provider that fails.
        if len(skipped) > 1 and dataset.sizes["time"] == 0:
            raise SourceError(
                self.name,
                f"none of {len(skipped)} scenes could be read, the first because: {skipped[0]['reason']}",
                "Try again later, or name another source.",
                temporary=True,
            )
        log.info("%s: %d dates read, %d scenes skipped", self.name, dataset.sizes["time"], len(skipped))
        return dataset.assign_attrs(
            source=self.name,
            title=self.title,
            licence=self.licence,
            attribution=self.attribution,
            synthetic="true" if self.synthetic else "false",
            skipped=json.dumps(skipped, ensure_ascii=False),
        )

    def _scenes(
        self, items: list[dict[str, Any]], geometry: "BaseGeometry"
    ) -> tuple[list[Scene], list[dict[str, Any]]]:
        from shapely.errors import GEOSException
        from shapely.geometry import shape

        scenes: list[Scene] = []
        skipped: list[dict[str, Any]] = []
        for item in items:
            try:
                if item.get("geometry") and not shape(item["geometry"]).intersects(geometry):
                    continue
                scene = self.read_item(item)
            except (DataError, GEOSException, ValueError) as error:
                skipped.append({"id": str(item.get("id")), "reason": str(error), "lasting": True})
                continue
            # A cover that is not stated (NaN) is not a reason to leave a scene out.
            if not scene.cloud_cover > self.max_cloud_cover:
                scenes.append(scene)
        return scenes, skipped


class EarthSearch(StacImagery):
    """Earth Search of Element 84 on AWS: Collection 1, filled from the older collection where it has gaps.

    Source: https://element84.com/earth-search
    """

    name = "earth_search"
    title = "Sentinel-2 Level-2A, Earth Search by Element 84"
    url = "https://earth-search.aws.element84.com/v1"
    collections = ("sentinel-2-c1-l2a", "sentinel-2-l2a")

    def items(self, bounds: Bounds, when: When) -> list[dict[str, Any]]:
        """Search both collections at once; duplicates fall to the better one later."""
        from agritwin.sources.stac_search import search_api

        return search_api(self.url, self.collections, bounds, when, source=self.name)


class CopernicusDataSpace(StacImagery):
    """Copernicus Data Space: the complete catalogue, but JPEG 2000 files, slow for windows; the last resort.

    Files need the S3 keys of an account in the environment: ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``.

    Source: https://documentation.dataspace.copernicus.eu/APIs/S3.html
    """

    name = "copernicus"
    title = "Sentinel-2 Level-2A, Copernicus Data Space Ecosystem"
    url = "https://stac.dataspace.copernicus.eu/v1"
    gdal_settings: ClassVar[dict[str, Any]] = {
        "AWS_S3_ENDPOINT": "eodata.dataspace.copernicus.eu",
        "AWS_VIRTUAL_HOSTING": "FALSE",
    }
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    files = 4  # what the provider's quota allows

    def items(self, bounds: Bounds, when: When) -> list[dict[str, Any]]:
        """Search the collection; a SourceError without keys, before anything is asked."""
        missing = [key for key in self.keys if not os.environ.get(key)]
        if missing:
            raise SourceError(
                self.name,
                f"{' and '.join(missing)} not set in the environment",
                "Make S3 keys at dataspace.copernicus.eu and set them, or name another source.",
            )
        from agritwin.sources.stac_search import search_api

        return search_api(self.url, ("sentinel-2-l2a",), bounds, when, source=self.name)

    def address(self, href: str, failed: bool) -> str:
        """Return the address in GDAL's own notation, which takes the keys from the environment."""
        return href.replace("s3://", "/vsis3/", 1)


class StaticCatalogue(StacImagery):
    """Sentinel-2 items in a static STAC catalogue.

    Parameters
    ----------
    href
        Path or URL of a ``catalog.json`` or ``collection.json``, or a folder that holds a ``catalog.json``.
    synthetic
        Whether the images are made up.
    """

    name = "catalogue"

    def __init__(
        self,
        href: str | Path,
        *,
        synthetic: bool = False,
        max_cloud_cover: float = 95.0,
        headers: Path | None = None,
    ) -> None:
        super().__init__(max_cloud_cover, headers)
        self.href = str(Path(href) / "catalog.json") if Path(href).is_dir() else str(href)
        self.synthetic = synthetic

    def items(self, bounds: Bounds, when: When) -> list[dict[str, Any]]:
        """Walk the catalogue."""
        return walk_catalogue(self.href, bounds, when, source=self.name)


class ArchiveImagery(StaticCatalogue):
    """The demo's synthetic Sentinel-2 scenes.

    Parameters
    ----------
    folder
        Folder of the archive, the one with ``archive.json``; found as the other archive sources find it.
    """

    name = NAME

    def __init__(self, folder: Path | None = None, max_cloud_cover: float = 95.0, headers: Path | None = None) -> None:
        self._archive = ArchiveFolder(folder)
        catalogue = self._archive.folder / "imagery" / "catalog.json"
        super().__init__(catalogue, synthetic=True, max_cloud_cover=max_cloud_cover, headers=headers)

    def fetch(self, where: Where, when: When, **options: Any) -> "xr.Dataset":
        """Return the parcel's window of every overpass, synthetic; places outside the archive are refused."""
        self._archive.site(where.latitude, where.longitude)
        return super().fetch(where, when, **options).assign_attrs(self._archive.attributes)
