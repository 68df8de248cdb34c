"""Tables of the record store as lines of JSON, the same from SQLite and PostgreSQL, and back into either."""

import contextlib
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from agritwin.errors import StoreError
from agritwin.records.database import bulk_insert, reading, writing

BATCH = 5_000
KINDS = (sa.Integer, sa.Text, sa.String, sa.Float, sa.Boolean, sa.Date, sa.JSON)
BOOKKEEPING = "alembic_version"


@dataclass(frozen=True)
class Dumped:
    """What a table held: its columns, how many rows, and the SHA-256 of its lines."""

    columns: tuple[str, ...]
    rows: int
    sha256: str


@contextlib.contextmanager
def one_state(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection that sees one state of the store however long it reads, while others write."""
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def tables_of(connection: sa.Connection) -> list[sa.Table]:
    """Return the tables that the store has, whatever its revision, those that others refer to first."""
    found = sa.MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != BOOKKEEPING]


def lines_of(connection: sa.Connection, table: sa.Table, columns: Iterable[str] | None = None) -> Iterator[bytes]:
    """Return the rows of a table as lines of JSON in the order of its key.

    Raises
    ------
    StoreError
        When a column has a type that has no form in JSON.
    """
    chosen = [table.c[name] for name in columns] if columns is not None else list(table.c)
    select = sa.select(*(_plain(column, connection.dialect.name) for column in chosen))
    keys = [column.collate("C") if _collated(column, connection) else column for column in table.primary_key]
    for row in connection.execution_options(yield_per=BATCH).execute(select.order_by(*keys)):
        yield json.dumps(list(row), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(column: sa.Column[Any], dialect: str) -> sa.ColumnElement[Any]:
    if not isinstance(column.type, KINDS):
        raise StoreError(f"{column} has the type {column.type}, which backups do not know.", "Update agritwin.")
    if isinstance(column.type, sa.JSON | sa.Date):  # as the engine keeps it: JSON's null is not SQL's
        return sa.cast(column, sa.Text) if dialect == "postgresql" else sa.type_coerce(column, sa.Text)
    return sa.cast(column, sa.Integer) if isinstance(column.type, sa.Boolean) else column


def _collated(column: sa.Column[Any], connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql" and isinstance(column.type, sa.Text | sa.String)


def digest(connection: sa.Connection, table: sa.Table, columns: Iterable[str]) -> tuple[int, str]:
    """Return how many rows a table has and the SHA-256 of the lines that these columns make."""
    total, rows = hashlib.sha256(), 0
    for line in lines_of(connection, table, columns):
        total.update(line)
        rows += 1
    return rows, total.hexdigest()


def load(engine: sa.Engine, lines: Mapping[str, tuple[tuple[str, ...], Iterable[bytes]]]) -> None:
    """Fill the empty tables of a store whose revision is that of the lines.

    Parameters
    ----------
    engine
        Record store, its schema made.
    lines
        Table -> its columns, and its lines of JSON.

    Raises
    ------
    StoreError
        When a table is missing or holds rows.
    """
    with writing(engine) as connection:
        tables = {table.name: table for table in tables_of(connection)}
        if missing := sorted(set(lines) - set(tables)):
            raise StoreError(f"The store has no table {', '.join(missing)}.", "The backup does not fit its revision.")
        for name, table in tables.items():
            if connection.scalar(sa.select(sa.func.count()).select_from(table)):
                raise StoreError(f"The table {name} is not empty.", "Restore into an empty store.")
        for name, table in tables.items():
            if name in lines:
                _fill(connection, table, *lines[name])


def _fill(connection: sa.Connection, table: sa.Table, columns: tuple[str, ...], lines: Iterable[bytes]) -> None:
    # A row may refer to one of its own table that comes later: such columns are filled when all rows are there.
    own = {key.parent.name for key in table.foreign_keys if key.column.table is table}
    key = [column.name for column in table.primary_key]
    later: list[dict[str, Any]] = []
    for batch in itertools.batched(lines, BATCH):
        rows = [json.loads(line) for line in batch]
        for place, name in ((columns.index(name), name) for name in own):
            for row in rows:
                if row[place] is not None:
                    later.append({"_key": row[columns.index(key[0])], "_name": name, "_value": row[place]})
                    row[place] = None
        bulk_insert(connection, table, columns, [tuple(row) for row in rows])
    for change in later:
        where = table.c[key[0]] == change["_key"]
        connection.execute(sa.update(table).where(where).values({change["_name"]: change["_value"]}))
    if connection.dialect.name == "postgresql" and key == ["id"] and isinstance(table.c.id.type, sa.Integer):
        # Numbers given from now on begin above those restored.
        highest = sa.select(sa.func.max(table.c.id)).scalar_subquery()
        connection.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, "id"), highest)))
