"""Keep readings in one narrow table for each type of value, where they stood in one with a number and a text."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = ("sensor_id", "measure_id", "time_ms", "occurrence")
WHOLE = "CASE WHEN r.text IS NULL THEN CAST(r.value AS BIGINT) WHEN r.value IS NOT NULL THEN CAST(r.text AS BIGINT) END"
TABLES: dict[str, tuple[str, sa.types.TypeEngine[Any], str]] = {
    "float": ("readings_float", sa.Float(), "r.value"),
    "int": ("readings_integer", sa.BigInteger(), WHOLE),  # beyond 2**53 the digits stood in the text
    "bool": ("readings_boolean", sa.Boolean(), "r.value <> 0"),
    "string": ("readings_text", sa.Text(), "r.text"),
}


def upgrade() -> None:
    """Apply the revision."""
    key = ", ".join(f"r.{name}" for name in KEY)
    for datatype, (table, kind, value) in TABLES.items():
        _create(
            table,
            sa.Column("value", kind, nullable=True),
            sa.Column("arrival_ms", sa.BigInteger(), nullable=True),
            sa.Column("flags", sa.SmallInteger(), server_default="0", nullable=False),
            sa.Column("seq", sa.BigInteger(), nullable=True),
        )
        op.execute(
            f"INSERT INTO {table} ({', '.join(KEY)}, value, arrival_ms, flags, seq) "
            f"SELECT {key}, {value}, r.arrival_ms, r.flags, r.seq FROM readings r "
            f"JOIN measures m ON m.id = r.measure_id WHERE m.datatype = '{datatype}' ORDER BY {key}"
        )
    _create("reading_words", sa.Column("text", sa.Text(), nullable=False))
    op.execute(
        f"INSERT INTO reading_words ({', '.join(KEY)}, text) SELECT {key}, r.text FROM readings r "
        "JOIN measures m ON m.id = r.measure_id "
        "WHERE m.datatype <> 'string' AND r.value IS NULL AND r.text IS NOT NULL"
    )
    op.drop_table("readings")
    if op.get_bind().dialect.name == "postgresql":
        # A year of one sensor lies on as many pages as it has readings; the key that carries the values is compact.
        for table, kind, _ in TABLES.values():
            if not isinstance(kind, sa.Text):  # a text may be longer than a page of an index
                op.execute(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}")
                op.execute(
                    f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({', '.join(KEY)}) "
                    "INCLUDE (value, flags)"
                )


def _create(table: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        sa.Column("sensor_id", sa.Integer(), nullable=False),
        sa.Column("measure_id", sa.Integer(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("occurrence", sa.SmallInteger(), autoincrement=False, nullable=False),
        *columns,
        _to(table, "sensor_id", "sensors"),
        _to(table, "measure_id", "measures"),
        sa.PrimaryKeyConstraint(*KEY, name=op.f(f"pk_{table}")),
        sqlite_with_rowid=False,
    )


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="CASCADE")
