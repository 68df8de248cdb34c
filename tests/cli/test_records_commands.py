"""The commands about records, sensors and backups, as a person calls them."""

import datetime as dt
import json
import os
import shutil

import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from typer.testing import CliRunner

from agritwin import config
from agritwin.cli import app
from agritwin.cli.application import console
from agritwin.holding.mapping import load_mapping
from tests.conftest import DEMO, ROOT
from tests.servers import full_disk


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace with configuration and archive, nothing built."""
    folder = tmp_path / "workspace"
    (folder / "data").mkdir(parents=True)
    shutil.copy2(ROOT / "Snakefile", folder)
    shutil.copytree(ROOT / "config", folder / "config")
    (folder / "data" / "archive").symlink_to(ROOT / "data" / "archive")
    monkeypatch.chdir(folder)
    return folder


def call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def test_listening_to_the_demos_broker_and_its_file(workspace):
    told = call("listen", "--demo-broker", "--hours-per-second", 500)
    assert "synthetic" in told
    assert "143 messages, 572 readings stored, 0 known before" in told
    file = "data/archive/holding/sensors.csv"
    assert "4166 readings stored, 572 known before, 2 absurd, 38 stuck" in call("listen", file)
    assert "0 readings stored, 4738 known before" in call("listen", file)


def test_files_are_taken_in_at_once_and_one_that_cannot_be_read_is_told_until_it_is_gone(workspace):
    (workspace / "work.csv").write_text("fecha;labor\n13/02/2021;PODA\n31/02/2021;RIEGO\n")
    (workspace / "bad.csv").write_bytes("fecha;labor\n13/02/2021;CAÃ‘ADA\n".encode())
    (workspace / "photo.jpg").write_bytes(b"x")
    told = call("records", "take", DEMO, "work.csv", "bad.csv")
    assert "work.csv: 2 lines, 1 new, 0 known, 1 rejected" in told
    assert "bad.csv was converted to a wrong encoding" in told
    assert "activities.xlsx" not in told  # taken in too, as any run would
    assert "files .jpg are not read" in call("records", "take", DEMO, "photo.jpg", code=2)
    assert "names 3 twins" in call("records", "take", "all", "work.csv", code=2)
    assert "no twin" in call("records", "quarantine", "nope", "--language", "en", code=2)
    assert "none.xlsx: No such file or directory. Check" in call("records", "resubmit", "none.xlsx", code=2)
    held = call("records", "quarantine", DEMO)
    assert "rechazada: bad.csv: bad.csv se convirtió una vez a una codificación equivocada" in held
    assert "rechazada: work.csv, fila 3, columna A: '31/02/2021' Esto no es un día." in held
    assert "rejected: work.csv, row 3, column A" in call("records", "quarantine", DEMO, "--language", "en")
    assert "work.csv: 2 lines, 0 new, 1 known" in call("records", "take", DEMO, "work.csv")
    assert call("records", "quarantine", DEMO).count("bad.csv:") == 1
    (workspace / "data/landing" / DEMO / "bad.csv").unlink()
    call("records", "take", DEMO, "work.csv")
    assert "bad.csv" not in call("records", "quarantine", DEMO)


def test_quarantine_from_export_to_resubmission(workspace):
    from agritwin.holding.intake import take_in
    from agritwin.products.records import open_records

    file = workspace / "work.csv"
    file.write_text(f"fecha;labor;recinto id\n13/02/2021;PODA;{DEMO}\n31/02/2021;RIEGO;{DEMO}\n")
    twins, today = list(config.load(workspace / "config")), dt.date(2025, 6, 15)
    take_in(open_records(), twins, file, None, today, raw=workspace / "data/raw", landed_for=DEMO)
    assert "Esto no es un día" in call("records", "quarantine", DEMO, "--language", "es")
    assert "1 lines" in call("records", "quarantine", DEMO, "--export", "q.xlsx")
    assert "no correction" in call("records", "resubmit", "q.xlsx", code=2)
    book = openpyxl.load_workbook("q.xlsx")
    book.active["H2"] = "28/02/2021"
    book.save("q.xlsx")
    assert "2 new, 0 known, 0 rejected" in call("records", "resubmit", "q.xlsx")
    assert len(list((workspace / "data/landing" / DEMO).glob("corrections-*.xlsx"))) == 1
    assert "No hay nada" in call("records", "quarantine", DEMO)
    assert "work.csv" in call("records", "mapping", "list")
    assert "names no place" in call("records", "mapping", "confirm", "work.csv", "--place", "Pinillo", code=2)
    place = ("--place", f"El Pinillo={DEMO}")
    assert "config/mappings/work.yaml" in call("records", "mapping", "confirm", "work.csv", *place)
    assert load_mapping(workspace / "config/mappings/work.yaml").places == {"El Pinillo": DEMO}
    assert "confirmed" in call("records", "mapping", "list")


def test_a_backup_and_back(workspace):
    call("listen", "data/archive/holding/sensors.csv")
    assert "4738 rows" not in call("backup", "one.zip")  # rows of all tables, not of readings alone
    assert "The workspace holds the same." in call("verify", "one.zip", "--workspace")
    assert "--replace" in call("restore", "one.zip", code=2)
    assert "Restored" in call("restore", "one.zip", "--replace")
    assert "The workspace holds the same." in call("verify", "one.zip", "--workspace")
    assert "0 readings stored, 4738 known" in call("listen", "data/archive/holding/sensors.csv")


def test_a_full_disk_is_a_sentence_and_not_left_fuller(workspace):
    (workspace / "data/raw").mkdir()
    (workspace / "data/raw/one").write_bytes(os.urandom(2**20))
    call("records", "gaps")  # makes the record store
    with full_disk():
        assert "Make room" in call("backup", "one.zip", code=2)
    assert not list(workspace.glob("*.zip*")) + list(workspace.glob(".*.part"))


def test_missing_messages_and_a_proposed_registry(workspace):
    from agritwin.products.records import open_records
    from agritwin.records.arrivals import Arrival, store_arrivals
    from agritwin.records.database import writing
    from agritwin.records.instruments import define_measure, define_sensor

    assert "No message is missing." in call("records", "gaps")
    engine = open_records()
    measure = define_measure(engine, "level", "m")
    sensor = define_sensor(engine, "gauge", "gauge", ["level"])
    with writing(engine) as connection:
        store_arrivals(
            connection, [Arrival(sensor, measure, 1000 * n, 1.0, None, 0, 0, n) for n in range(9) if n not in (3, 4)]
        )
    assert "2 messages are missing in 1 gaps." in call("records", "gaps")
    (workspace / "probe.csv").write_text("time,soil temperature [Cel],note\n")
    proposed = yaml.safe_load(CliRunner().invoke(app, ["records", "registry", "probe.csv"]).output)
    assert proposed["name"] == "probe"
    assert [(one["measure"], one["unit"]) for one in proposed["streams"]] == [("soil_temperature", "degC")]


def test_work_is_shown_and_corrected(workspace):
    from agritwin.holding.intake import take_in
    from agritwin.products.records import open_records
    from agritwin.records import queries

    file = workspace / "work.csv"
    file.write_text(f"fecha;labor;recinto id\n13/02/2021;PODA;{DEMO}\n14/02/2021;RIEGO;{DEMO}\n")
    engine = open_records()
    take_in(engine, [DEMO], file, None, dt.date(2025, 6, 15), raw=workspace / "data/raw", landed_for=DEMO)
    assert "PODA" in call("records", "work", DEMO, "--year", 2021)
    assert "PODA" not in call("records", "work", DEMO, "--year", 2020)
    assert "2021-02-13 │ PODA │ 1" in call("records", "labour", DEMO)
    pruning, watering = [f"{key[:12]}-1" for key in queries.activities(engine, DEMO)["key"]]
    assert "Corrected" in call("records", "correct", DEMO, pruning, "day=2021-02-15", "notes=one day off")
    assert "no line" in call("records", "correct", DEMO, pruning, "day=2021-02-16", code=2)  # it has a new name now
    assert "Nothing was said" in call("records", "correct", DEMO, watering, code=2)
    assert "is no day" in call("records", "correct", DEMO, watering, "day=15/02/2021", code=2)
    assert "Withdrawn" in call("records", "correct", DEMO, watering, "--withdraw")
    (left,) = queries.activities(engine, DEMO).to_dict("records")
    assert (left["day"], left["text"], left["notes"]) == (dt.datetime(2021, 2, 15), "PODA", "one day off")


def test_what_was_sprayed_goes_with_the_correction_of_its_line(workspace):
    from agritwin.holding.field_notebook import field_notebook
    from agritwin.holding.intake import take_in
    from agritwin.products.records import open_records
    from agritwin.records import queries

    def known():
        told = field_notebook(engine, DEMO, 2021, dt.date(2025, 6, 15))
        return [(record["day"], record["product_name"], record["dose"]) for record in told.records]

    file = workspace / "work.csv"
    lines = ("13/02/2021;TRATAMIENTO (cobre (3), aceite (15))", "14/02/2021;TRATAMIENTO (azufre (4))")
    file.write_text("fecha;labor;recinto id\n" + "".join(f"{line};{DEMO}\n" for line in (*lines, lines[1])))
    engine = open_records()
    take_in(engine, [DEMO], file, None, dt.date(2025, 6, 15), raw=workspace / "data/raw", landed_for=DEMO)
    first, second, equal = (f"{row.key[:12]}-{row.occurrence}" for row in queries.activities(engine, DEMO).itertuples())
    call("records", "correct", DEMO, first, "day=2021-02-15")
    assert known() == [("2021-02-14", "azufre", 4.0), ("2021-02-15", "aceite", 15.0), ("2021-02-15", "cobre", 3.0)]
    moved = queries.activities(engine, DEMO).iloc[-1]
    call("records", "correct", DEMO, f"{moved['key'][:12]}-1", "text=TRATAMIENTO (cobre (2))")
    assert known() == [("2021-02-14", "azufre", 4.0), ("2021-02-15", "cobre", 2.0)]
    call("records", "correct", DEMO, second, "notes=windy")
    assert len(known()) == 2  # two workers, one of whose lines has a note, spread the sulphur once
    (noted,) = queries.activities(engine, DEMO).query("notes == 'windy'")["key"]
    call("records", "correct", DEMO, f"{noted[:12]}-1", "--withdraw")
    assert len(known()) == 2  # the other worker's equal line stands
    call("records", "correct", DEMO, equal, "--withdraw")
    assert known() == [("2021-02-15", "cobre", 2.0)]


def test_harvests_and_treatments_are_shown_with_what_else_was_written(workspace, monkeypatch):
    from agritwin.holding.intake import take_in
    from agritwin.products.records import open_records

    engine, day = open_records(), dt.date(2025, 6, 15)
    files = {
        "weights.csv": f"recinto id;variedad;2019;2020\n;;kg;kg\n{DEMO};Kerman [injerto];9501;6570\n",
        "sprays.csv": f"fecha;producto;dosis;unidad dosis;recinto id;viento\n13/02/2021;cobre;2;kg/ha;{DEMO};flojo\n",
    }
    for name, text in files.items():
        (workspace / name).write_text(text)
        take_in(engine, [DEMO], workspace / name, None, day, raw=workspace / "data/raw")
    monkeypatch.setattr(console, "width", 120)
    shown = call("records", "harvests", DEMO, "--year", 2019)
    assert "variedad: Kerman [injerto]" in shown
    assert "9501 kg" in shown
    assert "6570" not in shown
    assert "lot" not in shown  # a column that no line fills
    assert "none" in call("records", "harvests", DEMO, "--year", 2018)
    assert "viento: flojo" in call("records", "treatments", DEMO)


def test_places_and_the_sensor_that_moved(workspace, monkeypatch):
    from agritwin.products.records import open_records
    from agritwin.records.database import reading
    from agritwin.records.instruments import define_measure, define_sensor
    from agritwin.records.readings import readings, store_readings
    from agritwin.records.tables import twins

    monkeypatch.setattr(console, "width", 200)
    assert "There is none." in call("records", "places", "list")
    (workspace / "line.yaml").write_text("name: line\nfields: {trees: {type: many}}\n")
    assert "fields.trees.type" in call("records", "places", "kinds", "line.yaml", code=2)
    assert "no kind of place 'row'" in call("records", "places", "add", "row", "n", code=2)
    assert "row: trees, spacing" in call("records", "places", "kinds")
    assert "'trees=many' is no int" in call("records", "places", "add", "row", "n", "trees=many", code=2)
    assert "do not agree" in call("records", "places", "add", "row", "n", "trees=4", code=2)
    (workspace / "line.json").write_text('{"type": "LineString", "coordinates": [[-4.1, 41.2], [-4.1, 41.3]]}')
    (workspace / "utm.json").write_text('{"type": "Point", "coordinates": [340000, 4600000]}')
    values = ("trees=40", "spacing=6")
    assert "in degrees" in call("records", "places", "add", "row", "n", *values, "--outline", "utm.json", code=2)
    assert "is no bool" in call("records", "places", "add", "tree", "1", "alive=maybe", code=2)
    north = ("records", "places", "add", "row", "north", *values, "--twin", DEMO)
    assert "is place 1" in call(*north, "--outline", "line.json", "--since", "2020-01-01")
    assert "is place 2" in call("records", "places", "add", "row", "south", *values, "--inside", 1)
    assert "no place 9" in call("records", "places", "add", "row", "east", *values, "--inside", 9, code=2)
    engine = open_records()
    assert "2020-01-01 – open" in call("records", "span", DEMO, "--since", "2020-01-01")
    with reading(engine) as connection:
        assert connection.scalar(sa.select(twins.c.valid_from).where(twins.c.id == DEMO)) == dt.date(2020, 1, 1)
    assert "is before" in call("records", "span", DEMO, "--since", "2020-01-01", "--until", "2019-01-01", code=2)
    define_measure(engine, "soil_moisture", "m3 m-3")
    define_sensor(engine, "probe", "probe", ["soil_moisture"])
    stand = ("records", "places", "stand", "probe")
    assert "no place 9" in call(*stand, 9, "--since", "2025-01-01", code=2)
    assert "ghost" in call("records", "places", "stand", "ghost", 1, "--since", "2025-01-01", code=2)
    call(*stand, 1, "--since", "2025-01-01")
    call(*stand, 2, "--since", "2025-01-02T06:00:00")
    times = pd.date_range("2025-01-01T12:00", periods=3, freq="12h")
    frame = pd.DataFrame({"sensor": "probe", "measure": "soil_moisture", "time": times, "value": 0.2})
    store_readings(engine, frame)
    assert readings(engine)["location_id"].to_list() == [1, 1, 2]
    listed = call("records", "places", "list")
    assert "probe 2025-01-01 00:00 – 2025-01-02 06:00" in listed
    assert "trees: 40, spacing: 6.0" in listed
    assert "south" not in call("records", "places", "list", "--twin", DEMO)
    assert "north" not in call("records", "places", "list", "--on", "2019-12-31")


def test_the_notebook_of_a_year_in_every_format(workspace):
    from agritwin.holding.intake import take_in
    from agritwin.products.records import open_records

    file = workspace / "work.csv"
    file.write_text(f"fecha;labor;recinto id\n13/02/2021;TRATAMIENTO (cobre (2));{DEMO}\n")
    take_in(open_records(), [DEMO], file, None, dt.date(2025, 6, 15), raw=workspace / "data/raw", landed_for=DEMO)
    for ending in ("xlsx", "xml", "json"):
        assert "1 records" in call("records", "notebook", DEMO, 2021, f"out/book.{ending}", "--holder", "Ana")
        assert b"cobre" in (workspace / f"out/book.{ending}").read_bytes() or ending == "xlsx"
    book = json.loads((workspace / "out/book.json").read_text())
    (parcel,) = next(one["records"] for one in book["sections"] if one["title"] == "2.1 parcel")
    assert (parcel["species"], parcel["variety"], parcel["irrigation"]) == ("pistachio", "Kerman", "drip")
    assert book["records"][0]["crop_eppo"] == "PIAVE"
    call("records", "notebook", DEMO, 2001, "out/before.json")  # the trees were planted in 2008
    assert '"species": null' in (workspace / "out/before.json").read_text()
    assert "not written as" in call("records", "notebook", DEMO, 2021, "book.pdf", code=2)
