"""Tables as people really send them: stacked, headed twice, with totals, remarks, gaps and lists of ids."""

import datetime as dt

import openpyxl
import pytest

from agritwin.holding.intake import take_in
from agritwin.records import queries
from tests.holding.conftest import AS_OF, NEIGHBOUR, PINILLO

WORK = [
    ["FECHA", "TAREA", "NOTAS"],
    [dt.date(2021, 1, 14), "PODA", "2 peones"],
    [dt.date(2021, 2, 20), "LABOREO", None],
]
SOLD = [["FECHA", "CANTIDAD", "UNIDAD", "CLIENTE"], [dt.date(2021, 9, 20), 1200, "kg", "Coop"]]


@pytest.fixture
def take(engine, raw):
    def take(file, mapping=None):
        report = take_in(engine, [PINILLO, NEIGHBOUR], file, mapping, AS_OF, raw=raw, landed_for=PINILLO)
        assert report.rows_in == report.accepted + report.known + report.rejected
        return report

    return take


def told(report, kind):
    return [(refusal.row, refusal.value) for refusal in report.refusals if refusal.kind == kind]


@pytest.mark.parametrize("between", [[], [[]], [["COSECHA"]], [[], ["COSECHA 2021"], []]])
def test_a_table_below_another_is_a_table_of_its_own(engine, take, workbook, between):
    report = take(workbook([["LABORES"], *WORK, *between, *SOLD]))
    assert (report.accepted, report.rejected, report.questions) == (3, 0, 0)
    assert queries.activities(engine, PINILLO)["task"].to_list() == ["PODA", "LABOREO"]
    assert queries.harvests(engine, PINILLO)["amount"].to_list() == [1200.0]


def test_lines_above_the_first_known_header_are_not_lost(take, workbook):
    nobodys = [["cuándo", "qué"], [dt.date(2020, 1, 14), "PODA"], [dt.date(2020, 1, 15), "PODA"]]
    report = take(workbook([*nobodys, [], *WORK]))
    assert (report.rows_in, report.accepted, report.rejected, report.questions) == (4, 2, 2, 1)
    letterhead = [["Titular:", "Juan Pérez"], ["Finca:", "El Pinillo"], ["Fecha:", dt.date(2020, 1, 1)]]
    report = take(workbook([*letterhead, *WORK, [dt.date(2021, 3, 1), "SIEGA", None]], "b.xlsx"))
    assert (report.rows_in, report.accepted, report.known, report.questions) == (3, 1, 2, 0)


def test_the_same_header_again_goes_on_with_the_table_and_its_order_of_days(engine, take, workbook):
    head = ["Fecha", "Labor"]
    months = [["ENERO"], head, ["05/01/2021", "PODA"], ["Total", 1], [], ["FEBRERO"], head, ["13/02/2021", "SIEGA"]]
    report = take(workbook(months))
    assert (report.accepted, report.rejected, report.questions) == (2, 0, 0)  # the 13th proves the order of the 5th
    assert queries.activities(engine, PINILLO)["day"].dt.month.to_list() == [1, 2]
    assert told(report, "note") == [(4, "Total")]


def test_totals_and_remarks_are_told_and_no_lines(take, workbook):
    lines = [
        ["Fecha", "Kg", "Cliente"],
        [dt.date(2021, 9, 20), 1200, "Coop"],
        ["Subtotal septiembre", 1200, None],
        [None, 1200, "TOTAL"],
        [],
        ["(*) sin destrío", None, None],
        ["32/13/2021", 5, None],
        [None, 7, "Total Fruit S.L."],
    ]
    report = take(workbook(lines))
    assert (report.accepted, report.rejected) == (1, 2)
    assert told(report, "note") == [(3, "Subtotal septiembre"), (4, "TOTAL"), (6, "(*) sin destrío")]
    assert told(report, "rejected") == [(7, "32/13/2021"), (8, None)]


def test_headers_on_two_rows_and_units_below_them(engine, take, workbook):
    lines = [
        ["Fecha", "Tratamiento", None, None],
        [None, "Producto", "Dosis", "Superficie tratada"],
        [None, None, "l/ha", "(m2)"],
        [dt.date(2021, 5, 3), "Deltaplan", "0,3", 21000],
    ]
    report = take(workbook(lines))
    assert (report.rows_in, report.accepted, report.questions) == (1, 1, 0)
    row = queries.treatments(engine, PINILLO).iloc[0]
    assert (row["product"], row["dose"], row["dose_unit"], row["treated_area_ha"]) == ("Deltaplan", 0.3, "l ha-1", 2.1)


def test_a_dose_without_unit_is_asked_about_and_one_with_unit_in_its_header_is_not(take, workbook):
    lines = [[dt.date(2021, 5, 3), "Cobre", 2.5]]
    assert take(workbook([["Fecha", "Producto", "Dosis"], *lines])).questions == 1
    assert take(workbook([["Fecha", "Producto", "Dosis (kg/ha)"], *lines], "b.xlsx")).questions == 0


def test_a_header_states_the_order_of_days(engine, take, tmp_path):
    (tmp_path / "a.csv").write_text("Fecha (mm/dd/yyyy);Labor\n02/03/2021;PODA\n")
    assert take(tmp_path / "a.csv").accepted == 1
    assert queries.activities(engine, PINILLO)["day"].item().date() == dt.date(2021, 2, 3)


@pytest.mark.parametrize("gap", [[], [None]])
def test_empty_columns_inside_a_table(engine, take, workbook, gap):
    spread = [[row[0], *gap, row[1], *gap, row[2]] for row in WORK]
    assert take(workbook(spread)).accepted == 2
    assert queries.activities(engine, PINILLO)["notes"].dropna().to_list() == ["2 peones"]


def test_a_title_across_both_does_not_join_two_tables(engine, take, workbook):
    beside = [[*left, None, *right] for left, right in zip(WORK, [*SOLD, [None] * 4], strict=True)]
    file = workbook([["CAMPAÑA 2021", *[None] * 7], *beside])
    book = openpyxl.load_workbook(file)
    book.worksheets[0].merge_cells("A1:H1")
    book.save(file)
    assert take(file).accepted == 3
    assert len(queries.harvests(engine, PINILLO)) == 1


def test_a_diary_with_products_in_some_lines_is_work(engine, take, workbook):
    head = ["Fecha", "Labor", "Producto", "Dosis (kg/ha)"]
    day = dt.date(2021, 1, 14)
    lines = [[day, "Abonado", "Urea", 120], [day, "Abonado", "Potasa", "80,5"], [day, "Poda", None, None]]
    report = take(workbook([head, *lines]))
    assert (report.accepted, report.rejected, report.questions) == (3, 0, 0)
    assert queries.activities(engine, PINILLO)["category"].to_list() == ["fertilisation", "fertilisation", "pruning"]
    spread = queries.treatments(engine, PINILLO)[["product", "dose", "dose_unit"]]
    assert sorted(spread.values.tolist()) == [["Potasa", 80.5, "kg ha-1"], ["Urea", 120.0, "kg ha-1"]]


def test_ids_are_looked_up_in_a_hidden_sheet_which_is_told(engine, take, tmp_path):
    book = openpyxl.Workbook()
    page, places = book.worksheets[0], book.create_sheet("Parcelas")
    page.append(["FECHA", "TAREA", "PARCELA", "RECINTO ID"])
    for row, name in enumerate(("Pinillo", "cañada", "OTRA"), start=2):
        page.append([dt.date(2021, 1, row), "PODA", name, f"=VLOOKUP(C{row},Parcelas!$A$2:$B$9,2,FALSE)"])
    for line in (["Paraje", "Recinto"], ["PINILLO", PINILLO], ["CAÑADA", NEIGHBOUR]):
        places.append(line)
    places.sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    report = take(tmp_path / "a.xlsx")
    assert [len(queries.activities(engine, twin)) for twin in (PINILLO, NEIGHBOUR)] == [1, 1]
    (rejected,) = (refusal for refusal in report.refusals if refusal.kind == "rejected")
    assert rejected.row == 4
    assert "'OTRA' is not in the list" in rejected.reason
    assert [(r.sheet, r.kind) for r in report.refusals if "hidden" in r.reason] == [("Parcelas", "note")]
