"""Open the record store, keep its schema current, and read or write it in one transaction at a time."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.dialects import postgresql, sqlite

from agritwin.errors import StoreError
from agritwin.records.tables import HEAD

log = logging.getLogger(__name__)

DAMAGED = ("malformed", "not a database")
WRITERS_LOCK = 0x616772
BUSY_TIMEOUT_MS = 30_000
PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "NORMAL",
    "busy_timeout": BUSY_TIMEOUT_MS,
    "foreign_keys": "ON",
    "cache_size": -200_000,
    "mmap_size": 2_000_000_000,
    "wal_autocheckpoint": 4_000,
}


def connect(where: str | Path) -> sa.Engine:
    """Open a record store.

    Parameters
    ----------
    where
        A file for SQLite (made on first use, its folder too), ``:memory:``, or an SQLAlchemy URL such as
        ``postgresql+psycopg://host/name``.

    Raises
    ------
    StoreError
        When the URL cannot be understood or its driver is not installed.
    """
    text = str(where)
    if "://" not in text:
        if text != ":memory:":
            Path(text).parent.mkdir(parents=True, exist_ok=True)
        text = f"sqlite:///{text}"
    try:
        engine = sa.create_engine(text, pool_pre_ping=True)  # a server that was restarted has closed what lay there
    except (exc.ArgumentError, exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(
            f"The record store {text!r} cannot be opened: {error}.",
            "Give a path for SQLite, or a URL and its driver (for PostgreSQL: psycopg).",
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event opens transactions, not the driver
    cursor = connection.cursor()
    for name, value in PRAGMAS.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that reads first and then writes fails with "database is locked" whatever the timeout.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN DEFERRED" if reads_only else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection that sees one state of the store and does not hold up writers.

    Raises
    ------
    StoreError
        When the store does not answer.
    """
    with _told(engine), engine.connect().execution_options(reads_only=True) as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection whose changes are kept together at the end, or not at all.

    Raises
    ------
    StoreError
        When another writer holds the store longer than half a minute, or the store does not take it: its server is
        away, its disk is full, its file may only be read.
    """
    with _told(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # one writer at a time, as on SQLite
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})"))
        yield connection


@contextmanager
def _told(engine: sa.Engine) -> Iterator[None]:
    """Say in a sentence what the engine cannot do; what a statement asks for in vain stays as it is."""
    try:
        yield
    except (exc.IntegrityError, exc.DataError, exc.ProgrammingError):
        raise
    except exc.DatabaseError as error:
        why = " ".join(str(error.orig).split())
        if any(words in why for words in DAMAGED):
            told = f"{engine.url} is not a record store, or is damaged: {why}."
            raise StoreError(told, "Name another file, or restore a backup: agritwin restore.") from error
        if "locked" in why:
            told = f"The record store {engine.url} is being written by somebody else."
            raise StoreError(told, "Wait until they are done.") from error
        runs = "its server runs, that " if engine.dialect.name == "postgresql" else ""
        remedy = f"See that {runs}its disk has room and that it may be written, then try again."
        raise StoreError(f"The record store {engine.url} does not work: {why}.", remedy) from error


def revision(engine: sa.Engine) -> str | None:
    """Return the revision of a store's schema, None for an empty one."""
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(sa.text("SELECT version_num FROM alembic_version"))


def migrate(engine: sa.Engine, to: str = HEAD) -> str:
    """Bring the schema of a store to the revision of this code, or to an older one, and return it.

    A store that is current costs one query; Alembic is imported only when there is something to do.

    Parameters
    ----------
    engine
        Record store.
    to
        Revision; older ones are for stores that are being restored, and a store never goes back.

    Raises
    ------
    StoreError
        When the store was written by a newer version of agritwin, or is no record store.
    """
    current = revision(engine)
    if current is not None and current in (HEAD, to):
        return current
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise StoreError(
            f"The record store {engine.url} has revision {current!r}; this version of agritwin knows up to {HEAD!r}.",
            "Update agritwin, or name another store.",
        )
    if to not in known:
        raise StoreError(f"There is no revision {to!r}; this version of agritwin knows up to {HEAD!r}.", "Update it.")
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    log.info("record store %s brought from revision %s to %s", engine.url, current, to)
    return to


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """Return the dialect's INSERT, which knows ON CONFLICT on SQLite and PostgreSQL alike."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def bulk_insert(connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[tuple]) -> None:
    """Insert many rows the fastest way that each engine has: COPY on PostgreSQL, one prepared statement on SQLite.

    Parameters
    ----------
    connection
        In a transaction; all rows are inserted or, within a savepoint, none.
    table, columns
        Where the values of a row go.
    rows
        Tuples of values that the driver knows.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        When a row breaks a key.
    """
    if not rows:
        return
    names = ", ".join(f'"{column}"' for column in columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))
        return
    driver: Any = connection.connection.driver_connection
    errors: Any = connection.dialect.loaded_dbapi
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except errors.Error as error:  # as SQLAlchemy tells those of its own statements
        raise exc.DBAPIError.instance(f"COPY {table.name}", None, error, errors.Error) from error
