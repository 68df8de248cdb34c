"""The first image directory of a GeoTIFF: where its blocks lie, how they are packed, where they are on earth.

After TIFF 6.0 (Adobe 1992), BigTIFF, and GeoTIFF 1.1 (OGC 19-008r4). What a Sentinel-2 file on a public bucket
looks like is read here: one tiled band of integers, deflated or not packed at all, north up in a projection with an
EPSG code.
Everything else is an :class:`OtherLayoutError` and GDAL's business.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from isal import igzip_lib, isal_zlib

from agritwin.errors import DataError

WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, PREDICTOR = 256, 257, 258, 259, 277, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, SAMPLE_FORMAT = 322, 323, 324, 325, 339
PIXEL_SCALE, TIE_POINT, TRANSFORMATION, GEO_KEYS, NODATA = 33550, 33922, 34264, 34735, 42113
WANTED = {
    *(WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES),
    *(SAMPLE_FORMAT, PIXEL_SCALE, TIE_POINT, TRANSFORMATION, GEO_KEYS, NODATA),
}
MOST_VALUES = 1_000_000
LONGEST_SIDE = 1_000_000
LARGEST_BLOCK = 1 << 23  # bytes
FARTHEST_M = 1e8
REMEDY = "Try again later: the file may be under way."
TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 12: "d", 16: "Q"}
NOT_PACKED, DEFLATE, OLD_DEFLATE, ZSTD = 1, 8, 32946, 50000
PACKINGS = {NOT_PACKED, DEFLATE, OLD_DEFLATE, ZSTD}
PLAIN, HORIZONTAL = 1, 2
NUMBERS = {(1, 8): "u1", (1, 16): "u2", (1, 32): "u4", (2, 8): "i1", (2, 16): "i2", (2, 32): "i4"}
RASTER_TYPE, PROJECTION, PIXEL_IS_POINT = 1025, 3072, 2


class OtherLayoutError(Exception):
    """The file is laid out in a way that is left to GDAL; says how."""


class TooShortError(Exception):
    """The directory goes on beyond the bytes at hand: the first ``needed`` bytes of the file are wanted."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"the directory needs the first {needed} bytes")
        self.needed = needed


@dataclass(frozen=True)
class Header:
    """What is to be known of a raster before a block is asked for.

    Attributes
    ----------
    width, height, block_width, block_height
        Pixels.
    dtype
        Of the pixels, in the byte order of the file.
    packing, predictor
        Codes of TIFF.
    fill
        Value of a block that the file leaves out.
    epsg
        Code of its projection.
    left, top, pixel_x, pixel_y
        Corner and size of the pixels, in units of the projection; ``pixel_y`` is positive, rows go south.
    offsets, counts
        Place and length in bytes of every block, row by row.
    size
        Bytes of the file that all this was read from.
    """

    width: int
    height: int
    block_width: int
    block_height: int
    dtype: np.dtype
    packing: int
    predictor: int
    fill: int
    epsg: int
    left: float
    top: float
    pixel_x: float
    pixel_y: float
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    size: int

    @property
    def across(self) -> int:
        """Blocks in a row of blocks."""
        return -(-self.width // self.block_width)


def read_header(head: bytes) -> Header:
    """Read the first directory from the beginning of a file.

    Raises
    ------
    TooShortError
        When more of the file is needed.
    OtherLayoutError
        When GDAL should read the file, be it that it is no TIFF at all.
    """
    tags, size = _tags(head)

    def one(tag: int, default: Any = None) -> Any:
        values = tags.get(tag)
        return values[0] if values else default

    if TILE_OFFSETS not in tags or TILE_BYTES not in tags or one(SAMPLES, 1) != 1:
        raise OtherLayoutError("not one tiled band")
    sides = [one(tag) for tag in (WIDTH, HEIGHT, TILE_WIDTH, TILE_HEIGHT)]
    if not all(isinstance(side, int) and 0 < side <= LONGEST_SIDE for side in sides):
        raise OtherLayoutError(f"sides of {sides}")
    number = NUMBERS.get((one(SAMPLE_FORMAT, 1), one(BITS, 1)))
    packing, predictor = one(COMPRESSION, NOT_PACKED), one(PREDICTOR, PLAIN)
    if number is None or packing not in PACKINGS or predictor not in {PLAIN, HORIZONTAL}:
        raise OtherLayoutError(f"pixels of another kind (compression {packing}, predictor {predictor})")
    epsg, left, top, pixel_x, pixel_y = _place(tags)
    header = Header(
        width=sides[0],
        height=sides[1],
        block_width=sides[2],
        block_height=sides[3],
        dtype=np.dtype(_order(head) + number),
        packing=packing,
        predictor=predictor,
        fill=_fill(tags.get(NODATA)),
        epsg=epsg,
        left=left,
        top=top,
        pixel_x=pixel_x,
        pixel_y=pixel_y,
        offsets=tags[TILE_OFFSETS],
        counts=tags[TILE_BYTES],
        size=size,
    )
    blocks = header.across * -(-header.height // header.block_height)
    if not len(header.offsets) == len(header.counts) == blocks:
        raise OtherLayoutError("as many blocks as there should be are not listed")
    return header


def _order(head: bytes) -> str:
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or head[2:4] not in {struct.pack(order + "H", 42), struct.pack(order + "H", 43)}:
        raise OtherLayoutError("no TIFF")
    return order


def _tags(head: bytes) -> tuple[dict[int, tuple], int]:
    """Wanted tags with their values, and how many bytes of the file they reach into."""
    order = _order(head)
    big = head[2:4] == struct.pack(order + "H", 43)
    # Widths of an offset, of the number of entries and of an entry, in classic and in big files.
    offset_code, count_code, entry_size = ("Q", "Q", 20) if big else ("I", "H", 12)
    directory, end = _unpack(head, 8 if big else 4, order + offset_code)
    entries, start = _unpack(head, directory[0], order + count_code)
    reach = max(end, start + entry_size * entries[0])
    if reach > len(head):
        raise TooShortError(reach)
    field = struct.Struct(f"{order}HH{offset_code}")
    tags: dict[int, tuple] = {}
    for place in range(start, start + entry_size * entries[0], entry_size):
        tag, kind, count = field.unpack_from(head, place)
        if tag not in WANTED:
            continue
        if kind not in TYPES or count > MOST_VALUES:
            raise OtherLayoutError(f"tag {tag} of type {kind} with {count} values")
        code = f"{order}{count}{TYPES[kind]}"
        room = place + field.size
        if struct.calcsize(code) > entry_size - field.size:
            room = _unpack(head, room, order + offset_code)[0][0]
        tags[tag], end = _unpack(head, room, code)
        reach = max(reach, end)
    return tags, reach


def _unpack(head: bytes, place: int, code: str) -> tuple[tuple, int]:
    end = place + struct.calcsize(code)
    if end > len(head):
        raise TooShortError(end)
    return struct.unpack_from(code, head, place), end


def _place(tags: dict[int, tuple]) -> tuple[int, float, float, float, float]:
    keys = tags.get(GEO_KEYS, ())
    # Four numbers a key: its name, where its value stands (0: here), how many, the value.
    known = {name: value for name, here, _, value in zip(*[iter(keys[4:])] * 4, strict=False) if here == 0}
    epsg = known.get(PROJECTION)
    if epsg is None or epsg >= 32767 or known.get(RASTER_TYPE) == PIXEL_IS_POINT or TRANSFORMATION in tags:
        raise OtherLayoutError("no plain grid with an EPSG code")
    if len(tags.get(PIXEL_SCALE, ())) != 3 or len(tags.get(TIE_POINT, ())) != 6:
        raise OtherLayoutError("no grid")
    column, row, _, x, y, _ = tags[TIE_POINT]
    pixel_x, pixel_y, _ = tags[PIXEL_SCALE]
    left, top = x - column * pixel_x, y + row * pixel_y
    # Comparisons with NaN are false.
    if not (abs(left) < FARTHEST_M and abs(top) < FARTHEST_M and 0.01 < pixel_x < 1e6 and 0.01 < pixel_y < 1e6):
        raise DataError("the header is damaged: it places no grid", REMEDY)
    return epsg, left, top, pixel_x, pixel_y


def _fill(text: tuple | None) -> int:
    if not text:
        return 0
    try:
        return int(text[0].rstrip(b"\0 "))
    except ValueError as error:
        raise OtherLayoutError("a no-data value that is no whole number") from error


def unpacked(block: Any, header: Header, rows: slice, columns: slice) -> np.ndarray:
    """Return part of a block.

    The whole block is inflated, since only its end holds the check sum that tells a damaged one.

    Parameters
    ----------
    block
        Bytes of one block.
    rows, columns
        The part wanted.

    Raises
    ------
    DataError
        When the block is damaged.
    """
    shape = (header.block_height, header.block_width)
    try:
        if header.packing == ZSTD:
            from numcodecs.zstd import Zstd

            pixels = Zstd().decode(bytes(block))
        elif header.packing == NOT_PACKED:
            pixels = block
        else:
            # Room for all at once spares growing it; a damaged header may claim any size.
            room = min(shape[0] * shape[1] * header.dtype.itemsize, LARGEST_BLOCK)
            pixels = isal_zlib.decompress(block, bufsize=room)
        values = np.frombuffer(pixels, header.dtype).reshape(shape)[rows]
    except (igzip_lib.IsalError, RuntimeError, ValueError) as error:  # pyright: ignore  (its stub calls it an object)
        raise DataError(f"a block is damaged ({error})", REMEDY) from error
    if header.predictor == HORIZONTAL:
        values = np.add.accumulate(values[:, : columns.stop], axis=1, dtype=header.dtype.newbyteorder("="))
    return values[:, columns].astype(header.dtype.newbyteorder("="), copy=False)
