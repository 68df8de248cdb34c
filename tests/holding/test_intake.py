import datetime as dt
import json

import pytest

from agritwin.errors import ConfigError
from agritwin.holding.intake import take_in
from agritwin.holding.mapping import Mapping, load_mapping, save_mapping
from agritwin.records import queries
from tests.holding.conftest import AS_OF, BALSA, PINILLO

HEAD = ["FECHA", "TAREA-PRODUCTO-DOSIS", "RECINTO ID"]
LINES = [
    ["31/01/2020", "PODA", PINILLO],
    ["31/01/2020", "PODA", PINILLO],
    ["02/02/2020", "TRATAMIENTO (caldo bordelés (2), zinc (0,5))", PINILLO],
    ["03/02/2020", "RIEGO", BALSA],
]


def take(engine, raw, file, mapping=None, as_of=AS_OF, twins=(PINILLO, BALSA), **options):
    return take_in(engine, twins, file, mapping, as_of, raw=raw, **options)


def table(kind, **more):
    columns = {"day": "FECHA", "text": "TAREA-PRODUCTO-DOSIS", "twin": "RECINTO ID"}
    return Mapping.model_validate({"name": "test", "tables": [{"kind": kind, "columns": columns, **more}]})


def test_every_line_is_accounted_for(engine, raw, workbook):
    bad = [["31/02/2020", "PODA", PINILLO], ["01/03/2020", "PODA", "47-1-0-0-1-1-1"], ["02/03/2020", None, PINILLO]]
    report = take(engine, raw, workbook([HEAD, *LINES, *bad]))
    assert report.rows_in == 7 == report.accepted + report.known + report.rejected
    rejected = [(r.sheet, r.row, r.column, r.value) for r in report.refusals if r.kind == "rejected"]
    assert rejected == [
        ("Hoja1", 6, "A", "31/02/2020"),
        ("Hoja1", 7, "C", "47-1-0-0-1-1-1"),
        ("Hoja1", 8, "B", None),
    ]
    assert all(r.reason and r.suggestion for r in report.refusals)


def test_a_longer_file_adds_only_what_is_new(engine, raw, workbook):
    take(engine, raw, workbook([HEAD, *LINES], "january.xlsx"))
    report = take(engine, raw, workbook([HEAD, *LINES, LINES[0], ["05/02/2020", "PODA", PINILLO]], "february.xlsx"))
    assert (report.accepted, report.known) == (2, 4)  # a third equal line and a new one
    assert queries.labour(engine, PINILLO)["lines"].to_list() == [3, 1, 1]


def test_a_newer_version_of_a_file_settles_what_the_older_was_asked(engine, raw, workbook):
    bad, good = ["31/02/2020", "PODA", PINILLO], ["28/02/2020", "PODA", PINILLO]
    take(engine, raw, workbook([HEAD, *LINES, bad]), landed_for=PINILLO)
    take(engine, raw, workbook([HEAD, *LINES[:2], *LINES[3:], good], "other.xlsx"), landed_for=PINILLO)
    another = [[f"{day}/05/2020", "PODA", PINILLO] for day in range(13, 20)]  # of the same name
    take(engine, raw, workbook([HEAD, *another]), landed_for=PINILLO)
    assert "31/02/2020" in set(queries.quarantine(engine, PINILLO)["value"])
    take(engine, raw, workbook([HEAD, *LINES, good]), landed_for=PINILLO)
    assert "31/02/2020" not in set(queries.quarantine(engine, PINILLO)["value"])
    assert len(queries.activities(engine, PINILLO)) == 4 + len(another)


def test_a_file_half_of_which_was_known_is_read_anew_when_the_other_is_corrected(engine, raw, workbook):
    lines = [["01/02/2020", "PODA", PINILLO]]
    first = workbook([HEAD, *lines], "first.xlsx")
    second = workbook([HEAD, *lines, ["02/03/2020", "RIEGO", PINILLO]], "second.xlsx")
    dmy, mdy = table("activities", date_order="dmy"), table("activities", date_order="mdy")
    take(engine, raw, first, dmy)
    take(engine, raw, second, dmy)
    take(engine, raw, first, mdy)  # the first sender says: month first
    report = take(engine, raw, second, dmy)
    assert report.changed
    assert queries.activities(engine, PINILLO)["day"].dt.date.to_list() == [
        dt.date(2020, 1, 2),
        dt.date(2020, 2, 1),
        dt.date(2020, 3, 2),
    ]


def test_an_ambiguous_column_is_asked_once_and_the_answer_is_remembered(engine, raw, workbook, tmp_path):
    file = workbook([HEAD, ["07/02/2019", "PODA", PINILLO], ["08/02/2019", "PODA", PINILLO]])
    asked = take(engine, raw, file)
    assert (asked.accepted, asked.rejected) == (0, 2)
    assert "date_order" in next(r.suggestion for r in asked.refusals if r.kind == "question")
    answered = asked.mapping.model_dump()
    answered["tables"][0]["date_order"] = "dmy"
    save_mapping(Mapping.model_validate(answered), tmp_path / "sender.yaml")
    report = take(engine, raw, file, load_mapping(tmp_path / "sender.yaml"))
    assert (report.accepted, report.questions) == (2, 0)
    assert queries.activities(engine, PINILLO)["day"].dt.month.to_list() == [2, 2]


def test_lines_after_the_clock_wait_for_their_day(engine, raw, workbook):
    file = workbook([HEAD, *LINES])
    early = take(engine, raw, file, as_of=dt.date(2020, 2, 2))
    assert (early.accepted, early.rejected, early.postponed_until) == (3, 1, dt.date(2020, 2, 3))
    assert not take(engine, raw, file, as_of=dt.date(2020, 2, 2)).changed
    late = take(engine, raw, file, as_of=dt.date(2020, 2, 3))
    assert (late.accepted, late.rejected) == (4, 0)


def test_the_folder_says_which_twin_where_the_lines_do_not(engine, raw, workbook):
    file = workbook([HEAD[:2], *[line[:2] for line in LINES]])
    assert take(engine, raw, file).accepted == 0
    assert take(engine, raw, file, landed_for=BALSA).accepted == 4
    assert len(queries.activities(engine, BALSA)) == 4
    with pytest.raises(ConfigError):
        take(engine, raw, file, landed_for="47-1-0-0-1-1-1")


def test_a_file_sent_for_several_twins_tells_each_of_its_own_bad_lines_once(engine, raw, workbook):
    file = workbook([HEAD, *LINES, ["00/02/2020", "PODA", PINILLO], ["00/03/2020", "PODA", BALSA]])
    for twin in (PINILLO, BALSA):
        take(engine, raw, file, landed_for=twin)
    for twin, written in ((PINILLO, "00/02/2020"), (BALSA, "00/03/2020")):
        rejected = queries.quarantine(engine, twin).query("kind == 'rejected'")
        assert list(rejected["value"]) == [written]


def test_a_line_without_an_id_among_lines_with_one_is_not_given_away(engine, raw, workbook):
    report = take(engine, raw, workbook([HEAD, *LINES, ["05/02/2020", "PODA", None]]), landed_for=PINILLO)
    assert (report.accepted, report.rejected) == (4, 1)
    (rejected,) = (refusal for refusal in report.refusals if refusal.kind == "rejected")
    assert (rejected.row, rejected.value) == (6, None)
    assert "which parcel" in rejected.reason


def test_one_file_sent_for_two_twins_does_not_take_itself_back(engine, raw, workbook):
    file = workbook([HEAD, *LINES])
    for twin in (PINILLO, BALSA, PINILLO, BALSA):
        take(engine, raw, file, landed_for=twin)
    assert len(queries.activities(engine, PINILLO)) == 3
    assert len(queries.activities(engine, BALSA)) == 1


def test_a_new_twin_lets_its_lines_in(engine, raw, workbook):
    file = workbook([HEAD, *LINES])
    assert take(engine, raw, file, twins=(PINILLO,)).accepted == 3
    assert take(engine, raw, file).accepted == 4


def test_columns_that_no_field_means_are_kept_with_their_line(engine, raw, tmp_path):
    file = tmp_path / "work.csv"
    lines = [f"13/02/2021;PODA;{who};{PINILLO}" for who in ("Ana", "Ben", "")]
    file.write_text("\n".join(["fecha;labor;cuadrilla;recinto id", *lines]))
    assert take(engine, raw, file).accepted == 3
    kept = queries.activities(engine, PINILLO).sort_values("occurrence")["attributes"]
    assert kept.to_list() == [{"cuadrilla": "Ana"}, {"cuadrilla": "Ben"}, None]
    assert not take(engine, raw, file).changed
    before = queries.digest(engine, PINILLO)
    key = queries.activities(engine, PINILLO)["key"].iloc[0]
    queries.correct_activity(engine, PINILLO, key, 1, {"notes": "in the rain"})
    assert {"cuadrilla": "Ana"} in queries.activities(engine, PINILLO)["attributes"].to_list()
    assert queries.digest(engine, PINILLO) != before
    sold = tmp_path / "sold.csv"
    sold.write_text(f"fecha;cosecha kg;báscula;recinto id\n13/09/2021;120;B-7;{PINILLO}\n")
    assert take(engine, raw, sold).accepted == 1
    assert queries.harvests(engine, PINILLO)["attributes"].to_list() == [{"báscula": "B-7"}]


YEARS = ["PARAJE", "RECINTO ID", "VARIEDAD", "HA", "HA", None, 2019, 2020, "BÁSCULA"]
OF_WORK = [["FECHA", "LABOR", "RECINTO ID"], ["31/01/2020", "PODA", PINILLO], ["01/02/2020", "PODA", BALSA]]


def beside(work, side):
    """Lines of a sheet that has a second table to the right of the first."""
    height = max(len(work), len(side))
    blank = [[None] * 3] * (height - len(work)), [[]] * (height - len(side))
    return [[*left, None, *right] for left, right in zip(work + blank[0], side + blank[1], strict=True)]


def test_columns_of_a_side_table_of_yields_are_kept_with_each_weight(store, raw, workbook):
    side = [
        YEARS,
        ["LAGUNA", BALSA, "Kerman", 12.91, 12.5, "regadío", 9501, 6570, "B-7"],
        ["El Pinillo", PINILLO, None, 13.63, None, "secano", 9683, "=SUM(A1:A2)", None],
    ]
    how = {"kind": "yearly_harvests", "columns": {"place": "PARAJE", "twin": "RECINTO ID", "area": "HA"}, "unit": "kg"}
    of_work = {"kind": "activities", "columns": {"day": "FECHA", "text": "LABOR", "twin": "RECINTO ID"}}
    file = workbook(beside(OF_WORK, side))
    report = take(store, raw, file, Mapping.model_validate({"name": "m", "tables": [of_work, how]}))
    assert (report.rows_in, report.accepted, report.rejected) == (6, 5, 1)
    balsa = {"PARAJE": "LAGUNA", "VARIEDAD": "Kerman", "HA": 12.91, "HA (I)": 12.5, "J": "regadío", "BÁSCULA": "B-7"}
    assert queries.harvests(store, BALSA)["attributes"].to_list() == [balsa, balsa]
    pinillo = {"PARAJE": "El Pinillo", "HA": 13.63, "J": "secano"}
    assert queries.harvests(store, PINILLO)["attributes"].to_list() == [pinillo]
    (lost,) = (refusal for refusal in report.refusals if refusal.kind == "rejected")
    assert (lost.row, lost.column, lost.value, lost.twin_id) == (3, "L", "=SUM(A1:A2)", PINILLO)
    assert "formula" in lost.reason


def test_weights_below_their_parcels_keep_the_columns_of_both_lines(engine, raw, workbook):
    weighed = [None] * 6 + ["PESO SECO", "PESO SECO", None]
    side = [
        YEARS,
        ["LAGUNA", BALSA, "Kerman", 12.91, None, "a", *weighed[6:]],
        ["Pinillo", PINILLO, "Larnaka", 13.63, None, "b", 9501, 6570, "B-7"],
        [None] * 6 + [9683, 10805, "B-8"],
    ]
    how = {"kind": "yearly_harvests", "columns": {"twin": "RECINTO ID"}, "unit": "kg", "pairing": "in_order"}
    take(engine, raw, workbook(side), Mapping.model_validate({"name": "m", "tables": [how]}))
    kept = [queries.harvests(engine, twin)["attributes"].to_list() for twin in (BALSA, PINILLO)]
    for lines, variety, scales in zip(kept, ("Kerman", "Larnaka"), ("B-7", "B-8"), strict=True):
        assert [(line["VARIEDAD"], line["BÁSCULA"]) for line in lines] == [(variety, scales)] * 2


def test_the_decimal_sign_of_yields_by_year_is_asked_for(engine, raw, tmp_path):
    file = tmp_path / "kilos.csv"
    file.write_text(f"recinto id;2019;2020\n{PINILLO};1.234;2.345\n")
    report = take(engine, raw, file)
    assert (report.accepted, report.rejected) == (0, 2)
    assert any("Decimal sign" in refusal.reason for refusal in report.refusals if refusal.kind == "question")


def test_what_a_database_cannot_hold_is_written_otherwise(store, raw, tmp_path):
    file = tmp_path / "work.json"
    file.write_text(
        f'[{{"fecha": "2021-02-13", "labor": "PODA", "recinto id": "{PINILLO}", "n": NaN, "o": "a\\u0000b"}}]'
    )
    assert take(store, raw, file).accepted == 1
    assert queries.activities(store, PINILLO)["attributes"].to_list() == [{"n": "nan", "o": "ab"}]


def test_csv_with_spanish_signs(engine, raw, tmp_path):
    file = tmp_path / "riegos año 2020 #1 100%.csv"
    text = "Fecha;Labor;Cantidad;Unidad;Recinto\n31/01/2020;Riego;12,5;mm;{0}\n01/02/2020;Riego;8,25;cajas;{0}\n"
    file.write_bytes(text.format(PINILLO).encode("cp1252"))
    mapping = Mapping.model_validate(
        {
            "name": "csv",
            "tables": [
                {
                    "kind": "activities",
                    "columns": {
                        "day": "Fecha", "text": "Labor", "amount": "Cantidad", "unit": "Unidad", "twin": "Recinto"
                    },
                }
            ],
        }
    )  # fmt: skip
    report = take(engine, raw, file, mapping)
    assert (report.accepted, report.rejected) == (1, 1)
    assert (report.refusals[0].column, report.refusals[0].value) == ("D", "cajas")
    row = queries.activities(engine, PINILLO).iloc[0]
    assert (row["amount"], row["unit"], row["category"]) == (12.5, "mm", "irrigation")


def test_harvest_units_come_from_line_header_or_mapping(engine, raw, tmp_path):
    rows = [
        {"id": PINILLO, "fecha": "2020-09-30", "cosecha": 500, "unidad": "kg/ha"},
        {"id": PINILLO, "fecha": "2021-09-30", "cosecha": 7, "unidad": "t"},
        {"id": PINILLO, "fecha": "2022-09-30", "cosecha": 7, "unidad": "sacks"},
        {"id": PINILLO, "fecha": "2023-09-30", "cosecha": -7, "unidad": "t"},
    ]
    file = tmp_path / "harvest.json"
    file.write_text(json.dumps(rows))
    report = take(engine, raw, file)
    assert (report.accepted, report.rejected) == (2, 2)
    yields = queries.seasonal_yields(engine, PINILLO, area_ha=10.0)
    assert yields["kg_per_ha"].to_list() == [500.0, 700.0]
    assert set(yields["source"]) == {"harvest.json"}


def test_a_unit_stated_for_files_without_one_does_not_overrule_that_of_a_line(engine, raw, tmp_path):
    columns = {"day": "fecha", "amount": "cosecha", "twin": "id"}
    mapping = Mapping.model_validate(
        {"name": "m", "tables": [{"kind": "harvests", "columns": columns, "unit": "kg/ha"}]}
    )
    row = {"id": PINILLO, "fecha": "2020-09-30", "cosecha": 7}
    for name, more in (("without.json", {}), ("with.json", {"unidad": "t"})):
        (tmp_path / name).write_text(json.dumps([row | more]))
        assert take(engine, raw, tmp_path / name, mapping).accepted == 1
    assert sorted(queries.harvests(engine, PINILLO)["unit"]) == ["kg ha-1", "t"]


def test_a_table_nobody_understands_is_reported_line_by_line(engine, raw, workbook):
    report = take(engine, raw, workbook([["foo", "bar"], [1, 2], [3, 4]]))
    assert (report.rows_in, report.accepted, report.rejected, report.questions) == (2, 0, 2, 1)


def test_a_file_without_lines_is_told(engine, raw, tmp_path):
    file = tmp_path / "heads.csv"
    file.write_text("fecha;labor\n")
    report = take(engine, raw, file, landed_for=PINILLO)
    assert (report.rows_in, report.questions) == (0, 1)
    assert "No table" in queries.quarantine(engine, PINILLO)["reason"].item()


def test_a_stated_unit_of_doses_reaches_the_treatments(engine, raw, workbook):
    file = workbook([HEAD, *LINES])
    take(engine, raw, file)
    assert queries.treatments(engine, PINILLO)["dose_unit"].to_list() == [None, None]
    take(engine, raw, file, table("activities", dose_unit="l/ha"))
    treatments = queries.treatments(engine, PINILLO)
    assert treatments[["product", "dose", "dose_unit"]].values.tolist() == [
        ["caldo bordelés", 2.0, "l ha-1"],
        ["zinc", 0.5, "l ha-1"],
    ]


def test_leftovers_of_a_text_are_asked_about_and_the_work_is_kept(engine, raw, workbook):
    report = take(engine, raw, workbook([HEAD, ["31/01/2020", "TRATAMIENTO (cobre, zinc (1))", PINILLO]]))
    assert report.accepted == 1
    assert any(r.value == "cobre" for r in report.refusals if r.kind == "question")
    assert queries.treatments(engine, PINILLO)["product"].to_list() == ["zinc"]


def test_an_amount_in_the_text_is_typed(engine, raw, workbook):
    lines = [["31/01/2020", "RIEGO (14,5 mm)", PINILLO], ["01/02/2020", "RIEGO (8 horas)", PINILLO]]
    take(engine, raw, workbook([HEAD, *lines]))
    assert queries.activities(engine, PINILLO)[["amount", "unit"]].values.tolist() == [[14.5, "mm"], [8.0, "h"]]


def test_place_and_id_have_to_agree_where_places_are_stated(engine, raw, workbook):
    header = [*HEAD, "PARCELA"]
    lines = [["31/01/2020", "PODA", PINILLO, "Pinillo "], ["01/02/2020", "PODA", BALSA, "LAGUNA"]]
    columns = {"day": "FECHA", "text": "TAREA PRODUCTO DOSIS", "twin": "RECINTO ID", "place": "PARCELA"}
    mapping = {"name": "m", "places": {"PINILLO": PINILLO}, "tables": [{"kind": "activities", "columns": columns}]}
    report = take(engine, raw, workbook([header, *lines]), Mapping.model_validate(mapping))
    assert report.accepted == 1
    assert [(r.row, r.column, r.value) for r in report.refusals] == [(3, "D", "LAGUNA")]


def test_a_single_line_about_another_twin_is_taken_for_a_slip(engine, raw, tmp_path):
    rows = [{"id": PINILLO, "fecha": f"20{n}-09-30", "cosecha": 500, "unidad": "kg/ha"} for n in range(10, 22)]
    rows[3]["id"] = BALSA
    file = tmp_path / "harvest.json"
    file.write_text(json.dumps(rows))
    report = take(engine, raw, file, landed_for=PINILLO)
    assert (report.accepted, report.rejected) == (11, 1)
    assert "sent for" in report.refusals[0].reason
    assert queries.harvests(engine, BALSA).empty


def test_a_formula_that_cannot_be_computed_is_reported(engine, raw, workbook):
    lines = [["31/01/2020", "PODA", "=VLOOKUP(B2,Z1:Z9,2)"], ["31/01/2020", "PODA", f'=CONCATENATE("{PINILLO}","")']]
    report = take(engine, raw, workbook([HEAD, *lines]))
    assert (report.accepted, report.rejected) == (1, 1)
    (rejected,) = (refusal for refusal in report.refusals if refusal.kind == "rejected")
    assert (rejected.row, rejected.column) == (2, "C")
    assert rejected.value.startswith("=VLOOKUP")
    assert "formula" in rejected.reason
