"""How far cells reach, before they are read: one that stands far out would ask for all memory."""

import io
import zipfile
import zlib
from xml.parsers import expat

from agritwin.errors import DataError
from agritwin.holding.files import Landed
from agritwin.holding.formulas import address

SHEETS = (b"sheetData", b"table-row")
"""What the parts of a workbook (xlsx, ods) that hold cells contain."""
FILLED = ("v", "is", "f", "p")
"""Elements inside a cell that holds something."""
MOST_CELLS = 5_000_000


class _Extent:
    """Follows the elements of one part: where the current cell is, and how far the filled ones reach."""

    def __init__(self) -> None:
        self.row = self.column = self.rows = self.columns = 0

    def start(self, name: str, given: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if tag == "table":
            self.row = 0
        elif tag == "row":
            self.row, self.column = int(given.get("r", self.row + 1)), 0
        elif tag == "table-row":
            self.row, self.column = self.row + int(given.get("table:number-rows-repeated", 1)), 0
        elif tag == "c" and "r" in given:
            row, column = address(given["r"].upper())
            self.row, self.column = (row or 0) + 1, column + 1
        elif tag == "c":
            self.column += 1
        elif tag.endswith("table-cell"):
            self.column += int(given.get("table:number-columns-repeated", 1))
        if tag in FILLED or "office:value-type" in given:
            self.rows, self.columns = max(self.rows, self.row), max(self.columns, self.column)


def check_span(file: str, rows: int, columns: int) -> None:
    """Refuse a table of more cells than are read.

    Raises
    ------
    DataError
        When it has more.
    """
    if rows * columns > MOST_CELLS:
        remedy = "Delete what stands far below or far to the right of the table, or split it by year."
        raise DataError(f"{file} spans {rows} x {columns} cells.", remedy)


def check_extents(landed: Landed) -> None:
    """Refuse a workbook (xlsx, ods) one of whose sheets spans more cells than are read.

    Raises
    ------
    DataError
        When one does, or a part of the workbook is no XML.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(landed.data)) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # the last: encrypted, packed unusually
        remedy = "Open it and save it anew, without a password."
        raise DataError(f"{landed.name} cannot be read as a workbook: {error}.", remedy) from error
    for part in parts:
        if any(word in part for word in SHEETS):
            check_span(landed.name, *_extent(part, landed.name))


def _extent(part: bytes, file: str) -> tuple[int, int]:
    found, parser = _Extent(), expat.ParserCreate()
    parser.StartElementHandler = found.start
    try:
        parser.Parse(part, True)
    except (expat.ExpatError, ValueError) as error:
        raise DataError(f"{file} cannot be read as a workbook: {error}.", "Open it and save it anew.") from error
    return found.rows, found.columns
