"""Formulas of a workbook that carry no cached value, computed where they are simple, reported where they are not."""

import io
import re
import zipfile

from agritwin.errors import DataError
from agritwin.holding.formulas import Area, CellError, Value, alike, evaluate

Rows = list[list[Value]]
Place = tuple[int, int]
WITHOUT_VALUE = re.compile(rb"(?:</f>|<f\b[^>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
LONGEST_CHAIN = 50
"""Formulas that may wait for each other; each takes some frames of Python's stack."""
MOST_SEARCHED = 2_000_000
"""Cells that the lookups of a workbook may go through; keeps hostile input from costing time and memory."""


def formulas_without_value(data: bytes) -> dict[str, dict[Place, str]]:
    """Return all formulas of an xlsx by sheet and place; none where each cell carries its value."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        if not any(WITHOUT_VALUE.search(archive.read(name)) for name in names):
            return {}
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=False)
    return {
        sheet.title: {
            (cell.row - 1, cell.column - 1): str(getattr(cell.value, "text", cell.value))
            for row in sheet.iter_rows()
            for cell in row
            if cell.data_type == "f" and cell.row is not None and cell.column is not None
        }
        for sheet in book.worksheets
    }


class ComputedCells:
    """The cells of a workbook as formulas see them; a formula is computed when its cell is asked for.

    Parameters
    ----------
    rows
        Sheet -> its cells, None where nothing or a formula stands.
    formulas
        Sheet -> place -> formula.
    """

    def __init__(self, rows: dict[str, Rows], formulas: dict[str, dict[Place, str]]) -> None:
        self.rows = {name.casefold(): cells for name, cells in rows.items()}
        self.formulas = {name.casefold(): dict(cells) for name, cells in formulas.items()}
        self.computed: dict[tuple[str, Place], Value] = {}
        self.busy: set[tuple[str, Place]] = set()
        self.searched = 0
        self.found: dict[Area, dict[tuple[str, str | float | bool], int]] = {}

    def value(self, sheet: str, row: int, column: int) -> Value:
        """Return the value of a cell.

        Raises
        ------
        DataError
            When its formula cannot be computed.
        """
        name = sheet.casefold()
        if name not in self.rows:
            raise CellError(f"#REF!: there is no sheet {sheet!r}")
        rows, formula = self.rows[name], self.formulas.get(name, {}).get((row, column))
        known = rows[row][column] if row < len(rows) and column < len(rows[row]) else None
        if known is not None or formula is None:
            return known
        place = (name, (row, column))
        if place not in self.computed:  # nor is one that gives nothing computed twice: chains of such grow by powers
            self.computed[place] = self._compute(place, formula, sheet)
        return self.computed[place]

    def _compute(self, place: tuple[str, Place], formula: str, sheet: str) -> Value:
        if place in self.busy:
            raise DataError("A formula refers to itself.", "Replace it by its value.")
        if len(self.busy) > LONGEST_CHAIN:
            raise DataError(f"More than {LONGEST_CHAIN} formulas wait for each other.", "Replace them by their values.")
        self.busy.add(place)
        try:
            return evaluate(formula, self, sheet)
        finally:
            self.busy.discard(place)

    def shape(self, sheet: str) -> tuple[int, int]:
        """Return how many rows and columns of a sheet are in use."""
        rows = self.rows.get(sheet.casefold(), [])
        return len(rows), max(map(len, rows), default=0)

    def places(self, area: Area) -> dict[tuple[str, str | float | bool], int]:
        """Return which cell of an area first holds each value; searched once, asked for by every line.

        Raises
        ------
        DataError
            When lookups go through more cells than is reasonable.
        """
        if area not in self.found:
            self.searched += area.height * area.width
            if self.searched > MOST_SEARCHED:
                raise DataError("The lookups of the workbook go through too many cells.", "Replace them by values.")
            first: dict[tuple[str, str | float | bool], int] = {}
            for row in range(area.height):
                for column in range(area.width):
                    value = area.value(row, column)
                    if value is not None:
                        first.setdefault(alike(value), row * area.width + column)
            self.found[area] = first
        return self.found[area]


def compute(rows: dict[str, Rows], formulas: dict[str, dict[Place, str]]) -> dict[str, dict[Place, tuple[str, str]]]:
    """Fill the cells of formulas that carry no value.

    Parameters
    ----------
    rows, formulas
        As for :class:`ComputedCells`; the rows are filled in place, and lengthened where formulas stand outside them.

    Returns
    -------
    dict
        Sheet -> place -> formula and reason, for those that cannot be computed; their cells hold the formula.
    """
    for sheet, of_sheet in formulas.items():
        _widen(rows[sheet], of_sheet)
    cells = ComputedCells(rows, formulas)
    problems: dict[str, dict[Place, tuple[str, str]]] = {sheet: {} for sheet in formulas}
    for sheet, of_sheet in formulas.items():
        for (row, column), formula in of_sheet.items():
            try:
                rows[sheet][row][column] = cells.value(sheet, row, column)
            except DataError as error:
                problems[sheet][row, column] = (formula, error.message)
    for sheet, of_sheet in problems.items():  # only now: no other formula is to be computed from the text of one
        for (row, column), (formula, _) in of_sheet.items():
            rows[sheet][row][column] = formula
    return problems


def _widen(rows: Rows, formulas: dict[Place, str]) -> None:
    height = max([len(rows), *(row + 1 for row, _ in formulas)])
    width = max([len(rows[0]) if rows else 0, *(column + 1 for _, column in formulas)])
    for row in rows:
        row.extend([None] * (width - len(row)))
    rows.extend([None] * width for _ in range(height - len(rows)))
