import datetime as dt

import pytest

from agritwin.errors import DataError
from agritwin.holding.formulas import evaluate

CELLS = {
    (0, 3): dt.date(2020, 1, 2),
    (0, 4): dt.datetime(2020, 1, 2, 6),
    (1, 2): "PINILLO",
    (12, 6): "PARCELA LA BALSA ",
    (12, 7): 47.0,
    (12, 8): 124.0,
    (13, 7): 47.0,
    (13, 8): 96.0,
}


def cell(row, column):
    return CELLS.get((row, column))


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ('=IF(ISNUMBER(SEARCH(C2,G$13)),CONCATENATE(H$13,"-",I$13),CONCATENATE(H$14,"-",I$14))', "47-96"),
        ('=$H$13&"-"&I13', "47-124"),
        ('=SEARCH("balsa",G13)', 12.0),
        ('=IFERROR(SEARCH("x",G13),"none")', "none"),
        ('=UPPER(TRIM("  a   b "))', "A B"),
        ('=IF(H13>=47,"yes","no")', "yes"),
        ('="say ""hi"""', 'say "hi"'),
        ("=LEFT(C2,3)&RIGHT(C2,2)", "PINLO"),
        ("=Z99", None),
        ('=D1&"/"&E1', "43832/43832.25"),
        ("=IF(AND(ISNUMBER(D1),D1>43831,E1>D1),D1,1)", dt.date(2020, 1, 2)),
    ],
)
def test_value(formula, value):
    assert evaluate(formula, cell) == value


@pytest.mark.parametrize(
    "formula",
    [
        "=VLOOKUP(A1,B1:C3,2)",
        "=Sheet2!A1",
        "=1+1",
        '=SEARCH("x",G13)',
        "=IF(",
        "=" + "(" * 50 + "1" + ")" * 50,
        '=""""&',
    ],
)
def test_what_is_not_understood_is_reported(formula):
    with pytest.raises(DataError):
        evaluate(formula, cell)
