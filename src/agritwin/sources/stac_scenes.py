"""From scenes to reflectance: many windows read at once, tiles of one overpass merged."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from agritwin.errors import DataError
from agritwin.sources.cog import GDAL_SETTINGS, read_on_grid, trusted, without_query
from agritwin.sources.cog_cache import HeaderCache
from agritwin.sources.cog_header import OtherLayoutError
from agritwin.sources.cog_reader import CogReader, readable
from agritwin.sources.grids import Grid
from agritwin.sources.stac_items import REFLECTANCE, SCALE, Scene
from agritwin.sources.traffic import Traffic

log = logging.getLogger(__name__)

SILENCE_S = 300.0
"""The budget of all files together: a read ends when for so long none came, and says what it did not get to."""


@dataclass
class Overpass:
    """What was read of one overpass on a grid: reflectance [1] of each band with NaN, and classes.

    ``scene`` gave most of it and is None where none has data in the window; ``skipped`` lists those that could not be
    read.
    """

    reflectance: dict[str, np.ndarray]
    scl: np.ndarray
    scene: Scene | None = None
    skipped: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Access:
    """How files are reached.

    Attributes
    ----------
    address
        Turns an asset's address, and whether it failed before, into what is opened.
    gdal_settings
        Beside the usual ones, for files that GDAL reads.
    files
        Most files read at a time.
    tries
        How often a file is opened before the scene counts as unreadable.
    headers
        Where headers of remote files are kept; None keeps none.
    traffic
        Counts requests and bytes.
    no_data
        Digital number of pixels without data, beside 0.
    classes
        Turns the classification band into classes of Sen2Cor.
    """

    address: Callable[[str, bool], str]
    gdal_settings: Mapping[str, Any] = field(default_factory=dict)
    files: int = 64
    tries: int = 1
    headers: Path | None = None
    traffic: Traffic = field(default_factory=Traffic)
    no_data: int = 0
    classes: Callable[[np.ndarray], np.ndarray] = lambda values: values


def read_overpasses(
    groups: Sequence[Sequence[Scene]], grid: Grid, access: Access, bands: Sequence[str] = REFLECTANCE
) -> list[Overpass]:
    """Read the windows of many overpasses at once.

    Parameters
    ----------
    groups
        Scenes of each overpass, best first; later ones fill what the earlier leave empty.
    bands
        Names of :data:`agritwin.sources.stac_items.BANDS` and ``FURTHER_BANDS``, red and near infrared among them.

    Returns
    -------
    list of Overpass
        One a group. When no file came for :data:`SILENCE_S` seconds, the scenes of the groups that were still to be
        read are skipped with the key ``waiting``.
    """

    async def read() -> list[Overpass]:
        threads = ThreadPoolExecutor(access.files)
        try:
            with HeaderCache(access.headers) as headers:
                files = _Files(access, grid, CogReader(headers, threads, access.traffic), threads)
                return await _while_files_come(groups, grid, files, bands)
        finally:
            # What GDAL is still waiting for cannot be called off, and need not be waited for.
            threads.shutdown(wait=False, cancel_futures=True)

    # In a thread of its own: the caller's may hold a running loop, as a notebook's does.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, read()).result()


async def _while_files_come(
    groups: Sequence[Sequence[Scene]], grid: Grid, files: "_Files", bands: Sequence[str]
) -> list[Overpass]:
    """Read all groups, or those that can be read before the files stop coming."""
    tasks = [asyncio.create_task(_read_group(group, grid, files, bands)) for group in groups]
    pending = set(tasks)
    while pending and (left := files.last_came + SILENCE_S - time.monotonic()) > 0:
        done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()  # raises what fails for all scenes alike, for example a token that is refused
    for task in pending:
        task.cancel()
    return [task.result() if task.done() else _left(group) for group, task in zip(groups, tasks, strict=True)]


def _left(group: Sequence[Scene]) -> Overpass:
    told = {"reason": f"no file could be read for {SILENCE_S:g} s", "waiting": True}
    return Overpass({}, np.empty(0, "u1"), skipped=[{"id": scene.id} | told for scene in group])


class _Files:
    """Reads single files, never more than so many at a time; GDAL reads what the thin reader cannot."""

    def __init__(self, access: Access, grid: Grid, reader: CogReader, threads: ThreadPoolExecutor) -> None:
        self._access = access
        self._grid = grid
        self._reader = reader
        self._threads = threads
        self._room = asyncio.Semaphore(access.files)
        self.last_came = time.monotonic()

    async def reflectance(self, href: str, same_zone: bool) -> np.ndarray:
        """Return digital numbers, 0 where there is none."""
        numbers = await self.read(href, "bilinear", same_zone)
        return np.where(numbers == self._access.no_data, 0, numbers)

    async def classes(self, href: str, same_zone: bool) -> np.ndarray:
        """Return classes of Sen2Cor."""
        return self._access.classes(await self.read(href, "nearest", same_zone))

    async def read(self, href: str, resampling: Literal["nearest", "bilinear"], same_zone: bool) -> np.ndarray:
        """Return the window of a file; a DataError when the last try failed too."""
        async with self._room:
            for attempt in range(1, self._access.tries):
                try:
                    return await self._once(self._access.address(href, attempt > 1), resampling, same_zone)
                except DataError as error:
                    log.info("opening %s again: %s", without_query(href), error)
            return await self._once(self._access.address(href, self._access.tries > 1), resampling, same_zone)

    async def _once(self, href: str, resampling: Literal["nearest", "bilinear"], same_zone: bool) -> np.ndarray:
        window = None
        if same_zone and readable(href):
            try:
                window = await self._reader.window(href, self._grid)
            except OtherLayoutError as error:
                log.debug("%s is left to GDAL: %s", without_query(href), error)
        if window is None:
            loop = asyncio.get_running_loop()
            window = await loop.run_in_executor(self._threads, self._by_gdal, href, resampling)
        self.last_came = time.monotonic()
        return window

    def _by_gdal(self, href: str, resampling: Literal["nearest", "bilinear"]) -> np.ndarray:
        import rasterio

        with rasterio.Env(**GDAL_SETTINGS, **trusted(), **self._access.gdal_settings):
            return read_on_grid(href, self._grid, resampling)


async def _read_group(group: Sequence[Scene], grid: Grid, files: _Files, bands: Sequence[str]) -> Overpass:
    shape = (grid.height, grid.width)
    overpass = Overpass({band: np.full(shape, np.nan, "f4") for band in bands}, np.zeros(shape, "u1"))
    for scene in group:
        holes = np.isnan(overpass.reflectance["red"])
        if not holes.any():
            break
        try:
            numbers, scl = await _read_scene(scene, grid, files, bands)
        except DataError as error:
            log.warning("scene %s left out: %s", scene.id, error.message)
            overpass.skipped.append({"id": scene.id, "reason": error.message})
            continue
        new = holes & (numbers["red"] != 0) & (numbers["nir"] != 0)
        if not new.any():
            continue
        overpass.scene = overpass.scene or scene
        for band, number in numbers.items():
            seen = new & (number != 0)
            overpass.reflectance[band][seen] = number[seen] * np.float32(SCALE) + np.float32(scene.boa_offset)
        overpass.scl[new] = scl[new]
    return overpass


async def _read_scene(
    scene: Scene, grid: Grid, files: _Files, bands: Sequence[str]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Digital numbers of the bands that the scene has, and its classes."""
    same_zone = scene.epsg in (None, grid.epsg)
    named = {band: href for band in bands if (href := scene.address(band)) is not None}
    scl, *numbers = await asyncio.gather(
        files.classes(scene.scl, same_zone),
        *(files.reflectance(href, same_zone) for href in named.values()),
    )
    return dict(zip(named, numbers, strict=True)), scl
