"""Tables inside a sheet: the main one, and those that people keep to its right."""

from dataclasses import dataclass, field

from rapidfuzz import fuzz, process

from agritwin.holding.readers import Cell, Sheet
from agritwin.holding.vocabulary import CLOSE_ENOUGH, WEIGHT_WORDS, field_of, plain

Problems = dict[tuple[int, str], tuple[str, str]]
FIRST_YEAR, LAST_YEAR = 1990, 2100
HEADER_WITHIN = 20


@dataclass(frozen=True)
class Table:
    """A block of cells with a header.

    Attributes
    ----------
    sheet
        Name of the sheet.
    header
        One text a column, empty where the column has none.
    rows
        Cells under the header; wholly empty lines are left out.
    numbers
        Row number of each line, as the sheet counts (from 1).
    columns
        Letters of each column, as the sheet counts.
    years
        Year of each column in a table of yields by year, None elsewhere; empty for other tables.
    second_header
        Text under the year (``PESO SECO``); empty for other tables.
    problems
        Content and reason by (row number, column letters) of cells that could not be read.
    """

    sheet: str
    header: tuple[str, ...]
    rows: list[list[Cell]]
    numbers: list[int]
    columns: tuple[str, ...]
    years: tuple[int | None, ...] = ()
    second_header: tuple[str, ...] = ()
    problems: Problems = field(default_factory=dict)

    def column(self, header: str) -> int | None:
        """Return the place of a header, a letter more or less forgiven, None where it is not there."""
        found = process.extractOne(
            plain(header), self.header, scorer=fuzz.ratio, processor=plain, score_cutoff=CLOSE_ENOUGH
        )
        return found[2] if found else None


def find_tables(sheet: Sheet) -> list[Table]:
    """Cut a sheet into tables at its empty columns, and find the header of each.

    A table of yields by year is one whose header row holds at least two years; the row below may say what is weighed.
    """
    tables = []
    for left, right in _blocks(sheet):
        lines = [(number, row[left:right]) for number, row in enumerate(sheet.rows, start=sheet.first)]
        lines = [(number, row) for number, row in lines if any(cell is not None for cell in row)]
        letters = tuple(column_letters(column) for column in range(left, right))
        problems = {
            (problem.row + sheet.first, column_letters(problem.column)): (problem.value, problem.reason)
            for problem in sheet.problems
            if left <= problem.column < right
        }
        tables.append(_table(sheet.name, lines, letters, problems))
    return [table for table in tables if table.rows]


def column_letters(column: int) -> str:
    """Return the letters of a column counted from 0: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _blocks(sheet: Sheet) -> list[tuple[int, int]]:
    width = len(sheet.rows[0]) if sheet.rows else 0
    used = [any(row[column] is not None for row in sheet.rows) for column in range(width)]
    blocks, start = [], None
    for column, is_used in enumerate([*used, False]):
        if is_used and start is None:
            start = column
        elif not is_used and start is not None:
            blocks.append((start, column))
            start = None
    return blocks


def _table(
    name: str,
    lines: list[tuple[int, list[Cell]]],
    letters: tuple[str, ...],
    problems: Problems,
) -> Table:
    first = _header_line(lines)
    header = lines[first][1]
    years = tuple(_year(cell) for cell in header)
    body = lines[first + 1 :]
    second: tuple[str, ...] = ()
    if sum(year is not None for year in years) < 2:
        years = ()
    else:
        second = ("",) * len(header)
        if body and _says_what_is_weighed(body[0][1], years):
            under = body[0][1]
            second = tuple(str(cell) if year else "" for cell, year in zip(under, years, strict=True))
            # The line of units may hold a parcel as well: its names stay, its words under the years go.
            rest = [None if year else cell for cell, year in zip(under, years, strict=True)]
            body = [(body[0][0], rest), *body[1:]] if any(cell is not None for cell in rest) else body[1:]
    return Table(
        name,
        tuple("" if cell is None else str(cell) for cell in header),
        [row for _, row in body],
        [number for number, _ in body],
        letters,
        years,
        second,
        problems,
    )


def _header_line(lines: list[tuple[int, list[Cell]]]) -> int:
    """Return the line that names most known fields or years; the first of several."""

    def known(line: list[Cell]) -> int:
        distinct = {str(cell) for cell in line if cell is not None}
        return sum(field_of(text) is not None for text in distinct) + len({_year(cell) for cell in line} - {None})

    scores = [known(line) for _, line in lines[:HEADER_WITHIN]]
    return scores.index(max(scores))


def _year(cell: Cell) -> int | None:
    text = str(cell).strip()
    return int(text) if len(text) == 4 and text.isdigit() and FIRST_YEAR <= int(text) <= LAST_YEAR else None


def _says_what_is_weighed(line: list[Cell], years: tuple[int | None, ...]) -> bool:
    cells = [cell for cell, year in zip(line, years, strict=True) if year]
    return all(isinstance(cell, str) and set(plain(cell).split()) & set(WEIGHT_WORDS) for cell in cells)
