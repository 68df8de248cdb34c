"""One table a type of value: what a store of the fourth revision holds is moved there, and nothing of it is lost."""

import pytest
import sqlalchemy as sa

from agritwin.records import tables as t
from agritwin.records.arrivals import Arrival, store_arrivals
from agritwin.records.database import bulk_insert, connect, migrate, reading, writing
from agritwin.records.instruments import define_measure, define_sensor
from agritwin.records.readings import of_type, readings, together
from agritwin.records.values import LARGEST, SMALLEST, value_of

COLUMNS = ["sensor_id", "measure_id", "time_ms", "occurrence", "value", "text", "arrival_ms", "flags", "seq"]
DATATYPES = {1: "float", 2: "int", 3: "bool", 4: "string"}
OLD = [  # as they were kept: measure, number, text
    *((1, 0.5, None), (1, None, None), (1, None, "wet")),
    *((2, 12.0, None), (2, float(LARGEST), str(LARGEST)), (2, float(SMALLEST), str(SMALLEST)), (2, None, "1.5")),
    *((3, 1.0, None), (3, 0.0, None), (3, None, "perhaps")),
    *((4, None, "open"), (4, None, None)),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, tmp_path):
    """A store at revision 0004 with a reading of each kind."""
    where = tmp_path / "records.db"
    if request.param == "postgresql":
        cluster = request.getfixturevalue("cluster")
        name = "old" + str(abs(hash(tmp_path)))
        with cluster.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        where = cluster.url.set(database=name).render_as_string(hide_password=False)
    engine = connect(where)
    migrate(engine, to="0004")
    with writing(engine) as connection:
        measures = [(number, datatype, "1", datatype) for number, datatype in DATATYPES.items()]
        bulk_insert(connection, t.measures, ["id", "name", "unit", "datatype"], measures)
        bulk_insert(connection, t.sensor_types, ["name", "description"], [("probe", "")])
        bulk_insert(connection, t.sensors, ["id", "name", "sensor_type", "status"], [(9, "p", "probe", "active")])
        rows = [(9, measure, n, 0, number, text, 5, 3, 7) for n, (measure, number, text) in enumerate(OLD)]
        bulk_insert(connection, sa.table("readings"), COLUMNS, rows)
    yield engine
    engine.dispose()


def test_readings_move_to_the_tables_of_their_types(old):
    migrate(old)
    assert "readings" not in sa.inspect(old).get_table_names()
    found = {}
    with reading(old) as connection:
        for datatype in t.READINGS:
            c = of_type(datatype).c
            found |= {row.time_ms: row for row in connection.execute(sa.select(c))}
        side_by_side = connection.execute(sa.select(together())).all()
    assert [(row.value, row.text) for _, row in sorted(found.items())] == [
        *((0.5, None), (None, None), (None, "wet")),
        *((12, None), (LARGEST, None), (SMALLEST, None), (None, "1.5")),
        *((True, None), (False, None), (None, "perhaps")),
        *(("open", None), (None, None)),
    ]
    assert {(row.sensor_id, row.occurrence, row.arrival_ms, row.flags, row.seq) for row in found.values()} == {
        (9, 0, 5, 3, 7)
    }
    for row in side_by_side:  # what is read of several types together is what was kept
        measure, number, text = OLD[row.time_ms]
        assert (row.measure_id, row.value, row.text) == (measure, number, text)


def test_a_device_that_says_no_value_is_heard_and_its_value_takes_the_same_place(store):
    define_measure(store, "count", "1", "int")
    sensor = define_sensor(store, "counter", "counter", ["count"])
    said = [(LARGEST, None), (None, "broken"), (3, None)]
    arrivals = [Arrival(sensor, 1, 1000, *one, 0, 0, n, False, "int") for n, one in enumerate(said)]
    for one in arrivals:
        with writing(store) as connection:
            assert store_arrivals(connection, [one]) != [None]
    with writing(store) as connection:
        assert store_arrivals(connection, arrivals) == [None] * 3  # sent again, known
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.reading_words)) == 1
    back = readings(store, measure="count", doubtful=True)
    pairs = back[["value", "text"]].astype(object).where(back.notna(), None).itertuples(index=False)
    assert [value_of("int", *pair) for pair in pairs] == [LARGEST, "broken", 3]
    with writing(store) as connection:
        connection.execute(sa.delete(t.sensors))
        for table in (*t.READINGS.values(), t.reading_words):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_the_readings_of_one_measure_are_read_from_one_table(store):
    with store.connect() as connection:
        one = str(sa.select(together("int")).compile(connection))
        every = str(sa.select(together()).compile(connection))
    assert [name in one for name in ("readings_integer", "readings_float", "UNION")] == [True, False, False]
    assert all(table.name in every for table in t.READINGS.values())
