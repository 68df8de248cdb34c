"""The same work on SQLite and on PostgreSQL leaves the same records."""

import datetime as dt

import pytest
import sqlalchemy as sa

from agritwin.errors import StoreError
from agritwin.holding.intake import take_in
from agritwin.records import queries, tables
from agritwin.records.database import bulk_insert, connect, migrate, writing

TWIN = "47-96-0-0-5-20-1"


def test_postgresql_and_sqlite_hold_the_same(tmp_path, postgresql):
    file = tmp_path / "work.csv"
    lines = [f"{day:02}/03/2021;TRATAMIENTO (cobre (2), zinc (0,5));{TWIN}" for day in range(1, 32)] * 2
    file.write_text("\n".join(["fecha;labor;recinto id", *lines, f"32/03/2021;PODA;{TWIN}"]))
    digests = []
    for where in (postgresql, tmp_path / "records.db"):
        engine = connect(where)
        assert migrate(engine) == migrate(engine) == tables.HEAD
        for changed in (True, False):
            report = take_in(engine, [TWIN], file, None, dt.date(2022, 1, 1), raw=tmp_path / "raw")
            assert (report.changed, report.rejected) == (changed, 1)
        digests.append(queries.digest(engine, TWIN, what=["activities", "treatments", "harvests", "quarantine"]))
        assert queries.delete_twin(engine, TWIN)["activities"] == 62
        engine.dispose()
    assert digests[0] == digests[1]


def test_what_the_server_refuses_is_a_sentence(postgresql):
    engine = connect(postgresql)
    with pytest.raises(StoreError, match="read-only"), writing(engine) as connection:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        bulk_insert(connection, tables.twins, ["id"], [("a",)])
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        bulk_insert(connection, tables.twins, ["id"], [("a",), ("a",)])
    engine.dispose()
