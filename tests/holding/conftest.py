import datetime as dt
from pathlib import Path

import openpyxl
import pytest
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # machines differ
settings.load_profile("no deadline")

EXAMPLES = Path(__file__).parents[2] / ".." / "shared" / "holding_examples"
PINILLO, BALSA, NEIGHBOUR = "47-96-0-0-5-20-1", "47-124-0-0-1-53-1", "47-96-0-0-5-25-1"
AS_OF = dt.date(2023, 12, 31)


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw"


@pytest.fixture
def examples():
    if not EXAMPLES.is_dir():
        pytest.skip("the published example files of the reference system are not on this machine")
    return EXAMPLES


@pytest.fixture
def workbook(tmp_path):
    """Write rows into a workbook; a cell beginning with ``=`` becomes a formula without a cached value."""

    def write(rows, name="activities.xlsx", at="A1"):
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "Hoja1"
        top, left = sheet[at].row, sheet[at].column
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                sheet.cell(top + i, left + j, value)
        path = tmp_path / name
        book.save(path)
        return path

    return write
