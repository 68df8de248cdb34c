"""Windows of many remote rasters at once: at most so many requests under way, and only for the blocks that are needed.

A file costs two requests, its header and its blocks, and one where the header is known from before: GDAL needs three to
four, one after the other, and it is their latency, not the bytes, that people wait for.
"""

import asyncio
import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np

from agritwin import __version__
from agritwin.errors import DataError
from agritwin.sources.cog import REMEDY, without_query
from agritwin.sources.cog_cache import HeaderCache
from agritwin.sources.cog_header import Header, OtherLayoutError, TooShortError, read_header, unpacked
from agritwin.sources.grids import Grid
from agritwin.sources.traffic import Traffic

if TYPE_CHECKING:
    from obstore.store import HTTPStore

FIRST_BYTES = 16384  # holds the directory of a Sentinel-2 tile
MOST_BYTES = 1_000_000  # of a header; a directory at the end of a file is GDAL's business
NEAR_BYTES = 65536  # blocks this close come in one request
# A block is some hundred kilobytes: what takes longer than this has stalled.
REQUEST_TIME = "30s"
RETRY = {"max_retries": 4, "retry_timeout": dt.timedelta(seconds=90)}


class ChangedError(Exception):
    """The file is not the one whose header is known."""


class CogReader:
    """Reads windows of rasters at addresses of http(s) and at paths.

    Parameters
    ----------
    headers
        What is known of files from before.
    threads
        Where blocks are unpacked.
    traffic
        Counts requests and bytes.
    """

    def __init__(self, headers: HeaderCache, threads: ThreadPoolExecutor, traffic: Traffic | None = None) -> None:
        self._headers = headers
        self._threads = threads
        self._traffic = traffic or Traffic()
        self._stores: dict[str, HTTPStore] = {}

    async def window(self, href: str, grid: Grid) -> np.ndarray:
        """Return the raster pixels under the centres of a grid's cells.

        Returns
        -------
        np.ndarray
            (height, width) in the raster's type; 0 outside the raster.

        Raises
        ------
        OtherLayoutError
            When GDAL should read the file, among others where its projection is another than the grid's.
        DataError
            When the file cannot be read or a block of it is damaged.
        """
        known = self._headers.get(without_query(href))
        if known is not None:
            version, head = known
            try:
                return await self._window(href, read_header(head), version, b"", grid)
            except ChangedError:
                self._headers.drop(without_query(href))
        try:
            header, head, version = await self._header(href)
            if version is not None:
                self._headers.put(without_query(href), version, head[: header.size])
            return await self._window(href, header, version, head, grid)
        except ChangedError as error:
            raise DataError(f"{without_query(href)} changed while it was read.", REMEDY) from error

    async def _header(self, href: str) -> tuple[Header, bytes, str | None]:
        """Header, the beginning of the file that holds it, and the file's version."""
        head, version = await self._get(href, 0, FIRST_BYTES, None)
        wanted = FIRST_BYTES
        while True:
            try:
                return read_header(head), head, version
            except TooShortError as more:
                if len(head) < wanted:
                    raise DataError(f"{without_query(href)} is cut off.", REMEDY) from more
                if more.needed > MOST_BYTES:
                    raise OtherLayoutError("the directory does not stand at the beginning") from more
                wanted = more.needed
                head += (await self._get(href, len(head), wanted, version))[0]
            except DataError as error:
                raise DataError(f"{without_query(href)}: {error.message}", error.remedy) from error

    async def _window(self, href: str, header: Header, version: str | None, head: bytes, grid: Grid) -> np.ndarray:
        if header.epsg != grid.epsg:
            raise OtherLayoutError(f"EPSG:{header.epsg} is not the grid's")
        columns = np.floor((grid.x - header.left) / header.pixel_x).astype(int)
        rows = np.floor((grid.y - header.top) / -header.pixel_y).astype(int)
        inside_columns = (columns >= 0) & (columns < header.width)
        inside_rows = (rows >= 0) & (rows < header.height)
        values = np.zeros((grid.height, grid.width), header.dtype.newbyteorder("="))
        if inside_columns.any() and inside_rows.any():
            columns, rows = columns[inside_columns], rows[inside_rows]
            span = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
            pixels = await self._pixels(href, header, version, head, *span)
            values[np.ix_(inside_rows, inside_columns)] = pixels[np.ix_(rows - rows[0], columns - columns[0])]
        return values

    async def _pixels(
        self, href: str, header: Header, version: str | None, head: bytes, rows: slice, columns: slice
    ) -> np.ndarray:
        """All pixels of a span of rows and columns."""
        down = range(rows.start // header.block_height, (rows.stop - 1) // header.block_height + 1)
        along = range(columns.start // header.block_width, (columns.stop - 1) // header.block_width + 1)
        places = {(row, column): row * header.across + column for row in down for column in along}
        blocks = await self._blocks(href, header, version, head, [*places.values()])

        def assembled() -> np.ndarray:
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            pixels = np.full(shape, header.fill, header.dtype.newbyteorder("="))
            for (row, column), place in places.items():
                if place not in blocks:
                    continue
                from_rows, to_rows = _overlap(row * header.block_height, header.block_height, rows)
                from_columns, to_columns = _overlap(column * header.block_width, header.block_width, columns)
                pixels[to_rows, to_columns] = unpacked(blocks[place], header, from_rows, from_columns)
            return pixels

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, assembled)
        except DataError as error:
            raise DataError(f"{without_query(href)}: {error.message}", error.remedy) from error

    async def _blocks(
        self, href: str, header: Header, version: str | None, head: bytes, places: list[int]
    ) -> dict[int, Any]:
        """Packed blocks by place; those that the file leaves out are absent."""
        spans = {
            place: (header.offsets[place], header.offsets[place] + header.counts[place])
            for place in places
            if header.counts[place]
        }
        pieces = {} if all(stop <= len(head) for _, stop in spans.values()) else _joined(list(spans.values()))
        read = await asyncio.gather(*(self._get(href, start, stop, version) for start, stop in pieces))
        held = {0: memoryview(head)} | {
            start: memoryview(data) for (start, _), (data, _) in zip(pieces, read, strict=True)
        }
        blocks = {}
        for place, (start, stop) in spans.items():
            at = max(first for first in held if first <= start)
            blocks[place] = held[at][start - at : stop - at]
            if len(blocks[place]) != stop - start:
                raise DataError(f"{without_query(href)} is cut off.", REMEDY)
        return blocks

    async def _get(self, href: str, start: int, stop: int, version: str | None) -> tuple[bytes, str | None]:
        """Bytes of a file and its version; ``version`` demands the one that is known."""
        if "://" not in href:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _from_disk, href, start, stop)
        import obstore
        from obstore.exceptions import BaseError

        store, path = self._store(href)
        self._traffic.requests += 1
        try:
            answer = await obstore.get_async(store, path, options={"range": (start, stop)})
            data = bytes(await answer.bytes_async())
        except (BaseError, OSError, ValueError) as error:
            raise DataError(f"{without_query(href)} cannot be read: {_reason(error)}.", REMEDY) from error
        self._traffic.bytes += len(data)
        found = _version(answer.meta)
        if version is not None and found != version:
            raise ChangedError
        return data, found

    def _store(self, href: str) -> "tuple[HTTPStore, str]":
        from obstore.store import HTTPStore

        parts = urlsplit(href)
        base = f"{parts.scheme}://{parts.netloc}/" + (f"?{parts.query}" if parts.query else "")
        if base not in self._stores:
            self._stores[base] = HTTPStore(
                base,
                client_options={
                    "allow_http": parts.scheme == "http",
                    "connect_timeout": "20s",
                    "timeout": REQUEST_TIME,
                    "user_agent": f"agritwin/{__version__}",
                },
                retry_config=RETRY,  # type: ignore[arg-type]
            )
        return self._stores[base], unquote(parts.path).lstrip("/")


def readable(href: str) -> bool:
    """Tell whether an address is of a kind that the reader knows."""
    return href.startswith(("http://", "https://")) or ("://" not in href and not href.startswith("/vsi"))


def _from_disk(path: str, start: int, stop: int) -> tuple[bytes, None]:
    try:
        with Path(path).open("rb") as file:
            file.seek(start)
            return file.read(stop - start), None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Restore the file.") from error


def _overlap(first: int, length: int, wanted: slice) -> tuple[slice, slice]:
    """Part of a block that is wanted, counted from the block's start and from the start of what is wanted."""
    start, stop = max(first, wanted.start), min(first + length, wanted.stop)
    return slice(start - first, stop - first), slice(start - wanted.start, stop - wanted.start)


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans of bytes that lie close to one another."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if joined and start - joined[-1][1] <= NEAR_BYTES:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined


def _version(meta: Any) -> str | None:
    """What tells a version of a file from another; None where the server gives neither entity tag nor time."""
    if meta["e_tag"]:
        return f"etag {meta['e_tag']}"
    seconds = int(meta["last_modified"].timestamp())
    return f"time {seconds} size {meta['size']}" if seconds > 0 else None


def _reason(error: Exception) -> str:
    return without_query(str(error).split("\n\nDebug source")[0].strip()).rstrip(". :")
