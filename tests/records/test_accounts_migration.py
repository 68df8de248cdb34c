"""What a store of the first revision holds is still there, under today's names, after the second."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from agritwin.records import database
from agritwin.records.database import connect, migrate, reading, writing


@pytest.fixture
def old(tmp_path):
    """A store at revision 0001 with a person, a role and a run with products."""
    engine = connect(tmp_path / "records.db")
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in (
            "INSERT INTO twins (id) VALUES ('47-1')",
            "INSERT INTO parties (id, name, email) VALUES (1, 'Ana', 'ana@example.org'), (2, 'Ben', NULL)",
            "INSERT INTO roles VALUES (1, '47-1', 'manager'), (2, '47-1', 'reader')",
            "INSERT INTO measures VALUES (1, 'depletion', 'mm', 'float')",
            "INSERT INTO models VALUES (1, 'bucket', '')",
            "INSERT INTO scenarios VALUES (1, 1, 'dry', '{}')",
            "INSERT INTO runs VALUES (7, '47-1', 1, 'abc', '2025-06-15', '{}')",
            "INSERT INTO products (run_id, measure_id, time_ms, member, value) VALUES (7, 1, 0, 0, 4.5)",
        ):
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def test_runs_keep_their_products_and_people_their_roles(old):
    migrate(old)
    with reading(old) as connection:
        assert connection.exec_driver_sql("SELECT id, twin_id, digest FROM runs").all() == [(7, "47-1", "abc")]
        assert connection.exec_driver_sql("SELECT run_id, value FROM products").all() == [(7, 4.5)]
        assert connection.exec_driver_sql("SELECT role FROM roles ORDER BY party_id").scalars().all() == [
            "adviser",
            "viewer",
        ]
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    with writing(old) as connection:
        connection.exec_driver_sql("INSERT INTO runs VALUES (8, NULL, 1, 'def', '2025-06-16', '{}')")
        connection.exec_driver_sql("DELETE FROM runs WHERE id = 7")
        assert connection.scalar(sa.text("SELECT count(*) FROM products")) == 0
