import datetime as dt

import pytest

from agritwin.errors import DataError
from agritwin.holding import computing
from agritwin.holding.computing import ComputedCells
from agritwin.holding.formulas import evaluate

WRITTEN = {
    (0, 3): dt.date(2020, 1, 2),
    (0, 4): dt.datetime(2020, 1, 2, 6),
    (1, 2): "PINILLO",
    (12, 6): "PARCELA LA BALSA ",
    (12, 7): 47.0,
    (12, 8): 124.0,
    (13, 7): 47.0,
    (13, 8): 96.0,
}
PLACES = [["Paraje", "Recinto", "Ha"], ["Pinillo", "47-96", 13.6], ["Cañada", "47-25", 5], ["pinillo", "second", 0]]
OWN = [[WRITTEN.get((row, column)) for column in range(9)] for row in range(14)]
CELLS = ComputedCells({"Labores": OWN, "Mis parcelas": PLACES}, {})


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
        ("=VLOOKUP(C2,'Mis parcelas'!$A$2:$B$4,2,FALSE)", "47-96"),
        ("=VLOOKUP(C2,'MIS PARCELAS'!A:C,3,0)", 13.6),
        ('=IFERROR(VLOOKUP("Balsa",\'Mis parcelas\'!A:B,2,0),"none")', "none"),
        ("=INDEX('Mis parcelas'!B2:B4,MATCH(\"cañada\",'Mis parcelas'!A2:A4,0))", "47-25"),
        ("=_xlfn.XLOOKUP(5,'Mis parcelas'!C2:C4,'Mis parcelas'!A2:A4)", "Cañada"),
        ("=INDEX('Mis parcelas'!A1:C1,MATCH(\"ha\",'Mis parcelas'!A1:C1,0))", "Ha"),
        ("=INDEX('Mis parcelas'!A1:C4,3,2)", "47-25"),
        ('=IF(Z99="",C2<"q",1)', True),
        ("='Mis parcelas'!B3&\"-1\"", "47-25-1"),
        ("=MATCH(43832,D:D,0)", 1.0),
        ("=IF(AND(ISNUMBER(D1),D1>43831,E1>D1),D1,1)", dt.date(2020, 1, 2)),
    ],
)
def test_value(formula, value):
    assert evaluate(formula, CELLS, "Labores") == value


@pytest.mark.parametrize(
    "formula",
    [
        "=VLOOKUP(C2,'Mis parcelas'!A:B,2)",  # the nearest
        "=VLOOKUP(\"Balsa\",'Mis parcelas'!A:B,2,0)",
        "=VLOOKUP(\"Pin*\",'Mis parcelas'!A:B,2,0)",
        "=VLOOKUP(C2,'Mis parcelas'!A:B,3,0)",
        "=INDEX('Mis parcelas'!A1:C1,2,1)",
        "=VLOOKUP(C2,Tabla1[Paraje],2,0)",
        "=VLOOKUP(C2,[1]Parcelas!A:B,2,0)",
        "='Mis parcelas'!A1:A3&1",
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
        evaluate(formula, CELLS, "Labores")


def test_lookups_end_however_many_cells_they_ask_for(monkeypatch):
    monkeypatch.setattr(computing, "MOST_SEARCHED", 1000)
    rows = [[f"{row}", row] for row in range(100)]
    formulas = {(row, 2): f'=VLOOKUP("{row}",$A${row + 1}:$B$100,2,0)' for row in range(100)}
    problems = computing.compute({"Hoja1": rows}, {"Hoja1": formulas})["Hoja1"]
    assert [row[2] for row in rows[:10]] == list(range(10))
    assert all("too many cells" in why for _, why in problems.values())
    assert problems


def test_chains_of_formulas_that_give_nothing_end_and_a_long_one_is_called_so():
    chain = {(row, 0): f'=IF(A{row + 2}="",A{row + 2},1)' for row in range(40)}  # 2 ** 40 when computed anew each time
    rows = [[None] for _ in range(41)]
    assert computing.compute({"Hoja1": rows}, {"Hoja1": chain}) == {"Hoja1": {}}
    rows, chain = [[None] for _ in range(99)], {(row, 0): f"=A{row + 2}" for row in range(98)}
    problems = computing.compute({"Hoja1": [*rows, ["x"]]}, {"Hoja1": chain | {(98, 0): "=A99"}})["Hoja1"]
    assert "wait for each other" in problems[0, 0][1]
    assert "refers to itself" in problems[98, 0][1]
