"""Tables inside a sheet: the main one, those that people keep to its right, and those below."""

from collections import Counter
from dataclasses import dataclass, field, replace

from rapidfuzz import fuzz, process

from agritwin.holding.amounts import SIGNS, read_number
from agritwin.holding.dates import readings
from agritwin.holding.readers import Cell, Sheet
from agritwin.holding.vocabulary import CLOSE_ENOUGH, NEEDED, WEIGHT_WORDS, field_of, plain, unit_of

Line = tuple[int, list[Cell]]
"""Row number and cells."""
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
    """Cut a sheet into tables at its empty columns and wherever headers stand anew; hidden sheets have none.

    A table of yields by year is one whose header row holds at least two years; the row below may say what is weighed.
    The same headers again (a page, a month) go on with the same table.
    """
    if sheet.hidden:
        return []
    lines = [
        (number, row)
        for number, row in enumerate(sheet.rows, start=sheet.first)
        if any(cell is not None for cell in row)
    ]
    problems = {
        (problem.row + sheet.first, column_letters(problem.column)): (problem.value, problem.reason)
        for problem in sheet.problems
    }
    tables: dict[tuple[tuple[str, ...], ...], Table] = {}
    for left, right in _blocks(lines):
        block = [(number, row[left:right]) for number, row in lines]
        letters = tuple(column_letters(column) for column in range(left, right))
        of_block = {place: problem for place, problem in problems.items() if place[1] in letters}
        for section in _sections([line for line in block if any(cell is not None for cell in line[1])]):
            table = _table(sheet.name, section, letters, of_block)
            same = (letters, table.header, table.second_header)
            if before := tables.get(same):
                table = replace(table, rows=before.rows + table.rows, numbers=before.numbers + table.numbers)
            tables[same] = table
    return [table for table in tables.values() if table.rows]


def column_letters(column: int) -> str:
    """Return the letters of a column counted from 0: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _blocks(lines: list[Line]) -> list[tuple[int, int]]:
    """Return the columns (from, to) of tables that stand side by side; what is written across them counts for none."""
    width = len(lines[0][1]) if lines else 0
    apart = [line for line in lines if not _is_title(line)] or lines
    used = [any(row[column] is not None for _, row in apart) for column in range(width)]
    blocks: list[tuple[int, int]] = []
    for column, is_used in enumerate(used):
        if is_used and column and used[column - 1]:
            blocks[-1] = (blocks[-1][0], column + 1)
        elif is_used:
            blocks.append((column, column + 1))
    joined = blocks[:1]
    for block in blocks[1:]:
        if _is_one_table(lines, joined[-1], block):
            joined[-1] = (joined[-1][0], block[1])
        else:
            joined.append(block)
    return joined


def _is_one_table(lines: list[Line], left: tuple[int, int], right: tuple[int, int]) -> bool:
    """Return whether an empty column only looks like a gap: one header row, no field twice, and no use alone."""
    rows = [row for _, row in lines if _fields(row[left[0] : left[1]]) and _fields(row[right[0] : right[1]])]
    if not rows or right[0] - left[1] > 1:
        return False
    one, other = _fields(rows[0][left[0] : left[1]]), _fields(rows[0][right[0] : right[1]])
    alone = [any(needed and set(needed) <= fields for needed in NEEDED.values()) for fields in (one, other)]
    return not one & other and (not any(alone) or right[1] - right[0] == 1)


def _fields(cells: list[Cell]) -> set[str]:
    """Return the fields that the texts of a line name; none where it holds days or numbers, as lines of data do."""
    texts = [cell for cell in cells if cell is not None]
    if any(not isinstance(text, str) or readings(text) or _is_number(text) for text in texts):
        return set()
    return {found[0] for text in texts if (found := field_of(text))}


def _is_number(cell: Cell) -> bool:
    return any(read_number(cell, sign) is not None for sign in SIGNS)


def _is_title(line: Line) -> bool:
    """Return whether a line says one thing only, perhaps in a cell that was merged across others."""
    said = list({cell for cell in line[1] if cell is not None})
    return len(said) == 1 and isinstance(said[0], str) and not _is_number(said[0]) and not readings(said[0])


def _sections(lines: list[Line]) -> list[list[Line]]:
    """Cut lines above each header that does not follow another one at once, titles going with what they stand above."""
    heads = [i for i, (_, row) in enumerate(lines) if len(_fields(row)) > 1 or _runs_of_years(row)]
    starts = [i for i in heads if i - 1 not in heads or lines[i][0] - lines[i - 1][0] > 1]
    cuts = {0}
    for start in starts[0 if starts and _holds_days(lines[: starts[0]]) else 1 :]:
        while start and _is_title(lines[start - 1]) and lines[start][0] - lines[start - 1][0] == 1:
            start -= 1
        cuts.add(start)
    ends = [*sorted(cuts)[1:], len(lines)]
    return [lines[start:end] for start, end in zip(sorted(cuts), ends, strict=True)]


def _are_texts(row: list[Cell]) -> bool:
    return all(cell is None or isinstance(cell, str) for cell in row) and not any(map(readings, row))


def _runs_of_years(row: list[Cell]) -> bool:
    years = [year for cell in row if (year := _year(cell))]
    return not any(map(readings, row)) and len(years) > 1 and years == list(range(years[0], years[0] + len(years)))


def _holds_days(lines: list[Line]) -> bool:
    """Return whether lines hold a column of days: those above a header are no letterhead then."""
    days = Counter(place for _, row in lines for place, cell in enumerate(row) if readings(cell))
    return max(days.values(), default=0) > 1


def _table(
    name: str,
    lines: list[Line],
    letters: tuple[str, ...],
    problems: Problems,
) -> Table:
    first = _header_line(lines)
    header, body = _whole_header(lines, first)
    years = tuple(_year(cell) for cell in header)
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


def _whole_header(lines: list[Line], first: int) -> tuple[list[Cell], list[Line]]:
    """Return a header with what stands in the row above its empty cells and with units from the row below; the rest.

    Under years stands what is weighed, which is read apart.
    """
    number, header = lines[first][0], list(lines[first][1])
    above = lines[first - 1] if first else None
    if above and above[0] == number - 1 and not _is_title(above) and _are_texts(above[1]):
        header = [cell if cell is not None else higher for cell, higher in zip(header, above[1], strict=True)]
    body = lines[first + 1 :]
    if not body or body[0][0] != number + 1 or len({_year(cell) for cell in header} - {None}) > 1:
        return header, body
    below = [None if cell == head else cell for cell, head in zip(body[0][1], header, strict=True)]
    units = [cell.strip("()[] ") for cell in below if isinstance(cell, str) and unit_of(cell)]
    if not units or len(units) < sum(cell is not None for cell in below):
        return header, body
    told = [f"{head} ({units.pop(0)})" if unit else head for head, unit in zip(header, below, strict=True)]
    return list(told), body[1:]


def _header_line(lines: list[Line]) -> int:
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
