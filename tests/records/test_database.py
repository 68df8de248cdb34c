import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from agritwin.errors import StoreError
from agritwin.records import database, tables
from agritwin.records.database import connect, migrate, reading, revision, writing
from agritwin.records.schema import metadata
from tests.servers import full_disk


@pytest.fixture
def engine(tmp_path):
    store = connect(tmp_path / "new folder" / "records.db")
    migrate(store)
    yield store
    store.dispose()


def test_head_is_alembics_head():
    config = Config()
    config.set_main_option("script_location", str(database.Path(database.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == tables.HEAD


def test_revisions_lead_to_the_tables_of_the_code(engine):
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_costs_one_query(engine, monkeypatch):
    monkeypatch.setattr("alembic.command.upgrade", lambda *_: pytest.fail("nothing to upgrade"))
    assert migrate(engine) == tables.HEAD


def test_a_newer_store_is_refused_politely(engine):
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999") as caught:
        migrate(engine)
    assert "Update" in caught.value.remedy


def test_a_failed_migration_leaves_nothing(tmp_path, monkeypatch):
    store = connect(tmp_path / "records.db")
    real = sa.schema.CreateTable

    def fail(element, *args, **kwargs):
        if getattr(element, "name", "") == "treatments":
            raise RuntimeError("power cut")
        return real(element, *args, **kwargs)

    monkeypatch.setattr("alembic.ddl.impl.schema.CreateTable", fail)
    with pytest.raises(RuntimeError):
        migrate(store)
    monkeypatch.undo()
    assert revision(store) is None
    assert sa.inspect(store).get_table_names() == []
    assert migrate(store) == tables.HEAD


def test_what_is_no_store(tmp_path):
    (tmp_path / "a.db").write_bytes(b"this is no database at all, only text" * 10)
    with pytest.raises(StoreError, match="not a record store"):
        migrate(connect(tmp_path / "a.db"))
    with pytest.raises(StoreError):
        connect("nonsense://x")


def add_twins(store, count):
    with writing(store) as connection:
        connection.execute(sa.insert(tables.twins), [{"id": f"{number:0100}"} for number in range(count)])


def test_a_full_disk_and_a_damaged_file_are_sentences(engine):
    with full_disk(), pytest.raises(StoreError, match="disk") as caught:
        add_twins(engine, 1000)
    assert "has room" in caught.value.remedy
    add_twins(engine, 1000)  # nothing of the first is there
    engine.dispose()
    with Path(engine.url.database).open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * 500_000)
    with pytest.raises(StoreError, match="malformed") as caught, reading(engine) as connection:
        connection.execute(sa.select(tables.twins)).all()
    assert "agritwin restore" in caught.value.remedy


def test_pragmas(engine):
    with reading(engine) as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "foreign_keys": 1}


@pytest.mark.parametrize("table", [table.name for table in (*tables.READINGS.values(), tables.reading_words)])
def test_readings_have_no_rowid(engine, table):
    with reading(engine) as connection:
        sql = connection.exec_driver_sql(f"SELECT sql FROM sqlite_master WHERE name = '{table}'").scalar()
    assert sql.rstrip().endswith("WITHOUT ROWID")


def test_writers_wait_and_readers_do_not(engine):
    """Read-then-write in two threads: deferred transactions would fail with 'database is locked'."""
    with writing(engine) as connection:
        connection.execute(sa.insert(tables.measures).values(name="counter", unit="1", datatype="int"))
        connection.execute(sa.insert(tables.models).values(name="0", description=""))

    def count():
        for _ in range(20):
            with writing(engine) as connection:
                old = connection.scalar(sa.select(tables.models.c.name))
                time.sleep(0.001)
                connection.execute(sa.update(tables.models).values(name=str(int(old) + 1)))

    threads = [threading.Thread(target=count) for _ in range(3)]
    with reading(engine) as connection:
        assert connection.scalar(sa.select(tables.models.c.name)) == "0"
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert connection.scalar(sa.select(tables.models.c.name)) == "0"  # one state per connection
    with reading(engine) as connection:
        assert connection.scalar(sa.select(tables.models.c.name)) == "60"


def test_half_a_transaction_is_nothing(engine):
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        connection.execute(sa.insert(tables.twins).values(id="half"))
        _ = 1 / 0
    with reading(engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.twins)) == 0


def test_foreign_keys_hold(engine):
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        connection.execute(sa.insert(tables.roles).values(party_id=1, twin_id="nobody", role="owner"))
