"""The activities workbook, written as plain spreadsheet XML.

By hand, because the ids are formulas with or without a stored value, which the usual writers cannot make, and because
they stamp files with the clock.
"""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from scripts.archive import diary, seasons
from scripts.archive.seeding import stream
from scripts.archive.sites import hectares, parcel
from scripts.archive.writing import NOTICE

HEADINGS = ("FECHA", "TAREA-PRODUCTO-DOSIS", "PARCELA", "RECINTO ID")
TABLE_ROW = 12  # first row of the side table, columns G to U
YEARS = (2021, 2022, 2023, 2024)
NOT_WEIGHED = {("BALSA", 2023)}  # zero in the table, as sheets have it, where nobody weighed
MISTYPED = {("PINILLO", 2022): 1.14}  # dry weight against the harvest file
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def write(path: Path) -> None:
    """Write the workbook: sheet ``Hoja1`` as the holding keeps it and sheet ``Nota`` that says it is synthetic."""
    note = f'<row r="1">{_text("A1", NOTICE)}</row>'
    parts = {
        "[Content_Types].xml": _content_types(),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": HEAD + f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="Hoja1" sheetId="1" r:id="rId1"/><sheet name="Nota" sheetId="2" r:id="rId2"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", "worksheets/sheet1.xml"), ("worksheet", "worksheets/sheet2.xml")]
        ),
        "xl/worksheets/sheet1.xml": _sheet(_rows(), ("M12:N12", "O12:P12", "Q12:R12", "S12:T12")),
        "xl/worksheets/sheet2.xml": _sheet(note, ()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            file.writestr(member, text.encode(), compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)


def _rows() -> str:
    random = stream("workbook")
    side = _side_table()
    cells = {1: "".join(_text(f"{column}1", name) for column, name in zip("ABCD", HEADINGS, strict=True))}
    for number, line in enumerate(diary.lines(), start=2):
        date = _number(f"A{number}", line.date) if isinstance(line.date, float) else _text(f"A{number}", line.date)
        identity = _identity(number, line.place, random.uniform())
        cells[number] = date + _text(f"B{number}", line.task) + _text(f"C{number}", line.place) + identity
    return "".join(f'<row r="{number}">{text}{side.get(number, "")}</row>' for number, text in cells.items())


def _identity(number: int, place: str, draw: float) -> str:
    """Id of the recinto: a formula with its value, in one row of ten without it, in one of twenty plain text.

    The formula looks the name up in the side table and falls back on its last row, also for a name it does not know.
    """
    known = diary.PLACES.get(place.strip().upper(), list(diary.PLACES.values())[-1])
    if draw < 0.05:
        return _text(f"D{number}", known)
    parts = [
        f'CONCATENATE(G${r},"-",H${r},"-0-0-",I${r},"-",J${r},"-",K${r})' for r in range(TABLE_ROW + 1, TABLE_ROW + 4)
    ]
    tests = [f"ISNUMBER(SEARCH(TRIM(C{number}),F${r}))" for r in range(TABLE_ROW + 1, TABLE_ROW + 3)]
    formula = escape(f"IF({tests[0]},{parts[0]},IF({tests[1]},{parts[1]},{parts[2]}))")
    value = "" if draw < 0.15 else f"<v>{known}</v>"
    return f'<c r="D{number}" t="str"><f>{formula}</f>{value}</c>'


def _side_table() -> dict[int, str]:
    """Rows of the table to the right: place, SIGPAC numbers, hectares, wet and dry kilograms a year.

    As in the sheets it imitates, the words PESO HUMEDO and PESO SECO stand in the row of the first place, so that the
    weights of every place stand one row below its name.
    """
    head = ("PARAJE", "PROVINCIA", "TERMINO MUNICIPAL", "POLIGONO", "PARCELA", "RECINTO", "HA")
    rows = {TABLE_ROW: "".join(_text(f"{c}{TABLE_ROW}", name) for c, name in zip("FGHIJKL", head, strict=True))}
    columns = list(zip("MOQS", "NPRT", YEARS, strict=True))
    rows[TABLE_ROW] += "".join(_number(f"{wet}{TABLE_ROW}", year) for wet, _, year in columns)
    weights = "".join(
        _text(f"{wet}{TABLE_ROW + 1}", "PESO HUMEDO") + _text(f"{dry}{TABLE_ROW + 1}", "PESO SECO")
        for wet, dry, _ in columns
    )
    for row, (place, identity) in enumerate(diary.PLACES.items(), start=TABLE_ROW + 1):
        province, municipality, _, _, polygon, number, recinto = map(int, identity.split("-"))
        area = round(hectares(parcel(identity)), 2)
        text = _text(f"F{row}", f"PARCELA LA {place} " if place != "PINILLO" else "PARCELA PINILLO")
        for column, value in zip("GHIJKL", (province, municipality, polygon, number, recinto, area), strict=True):
            text += _number(f"{column}{row}", value)
        rows[row] = text + weights
        weights = "".join(
            _number(f"{column}{row + 1}", value)
            for wet, dry, year in columns
            for column, value in zip((wet, dry), _weights(place, year, area), strict=True)
        )
    return rows | {TABLE_ROW + 1 + len(diary.PLACES): weights}


def _weights(place: str, year: int, area: float) -> tuple[int, int]:
    """Wet and dry weight of a place in a year, kg."""
    if (place, year) in NOT_WEIGHED:
        return 0, 0
    identity = diary.PLACES[place]
    dry = seasons.dry_yield(identity, year) * area * MISTYPED.get((place, year), 1.0)
    return round(dry / stream("drying", identity, year).uniform(0.62, 0.74)), round(dry)


def _text(reference: str, text: str) -> str:
    if not text:
        return ""
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _number(reference: str, value: float) -> str:
    return f'<c r="{reference}"><v>{value:g}</v></c>' if abs(value) < 1e5 else f'<c r="{reference}"><v>{value}</v></c>'


def _sheet(rows: str, merged: tuple[str, ...]) -> str:
    areas = "".join(f'<mergeCell ref="{area}"/>' for area in merged)
    tail = f'<mergeCells count="{len(merged)}">{areas}</mergeCells>' if merged else ""
    return HEAD + f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{tail}</worksheet>'


def _relations(targets: list[tuple[str, str]]) -> str:
    entries = "".join(
        f'<Relationship Id="rId{i}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, start=1)
    )
    return HEAD + f'<Relationships xmlns="{PACKAGE}/relationships">{entries}</Relationships>'


def _content_types() -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheets = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kind}.worksheet+xml"/>' for i in (1, 2)
    )
    return (
        HEAD
        + f'<Types xmlns="{PACKAGE}/content-types">'
        + '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + '<Default Extension="xml" ContentType="application/xml"/>'
        + f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{sheets}</Types>'
    )
