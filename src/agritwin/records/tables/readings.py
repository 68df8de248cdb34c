"""What sensors said: one narrow table for each type of value, and what became no reading.

Times are whole milliseconds since 1970-01-01 UTC. The type of a measure says which table holds its readings, so that
the key of a reading is unique among all tables.
"""

from typing import Any

import sqlalchemy as sa

from agritwin.records.tables.base import metadata, to

KEY = ("sensor_id", "measure_id", "time_ms", "occurrence")


def _key() -> list[sa.Column[Any]]:
    return [
        to("sensors", "sensor_id", key=True),
        to("measures", "measure_id", key=True),
        sa.Column("time_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("occurrence", sa.SmallInteger, primary_key=True, autoincrement=False),
    ]


def _readings(name: str, kind: type[sa.types.TypeEngine[Any]]) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        *_key(),
        sa.Column("value", kind),  # none where the device said that it has none, or said what is no such value
        sa.Column("arrival_ms", sa.BigInteger),
        sa.Column("flags", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("seq", sa.BigInteger),  # number that the device gave the message, where it counts them
        sqlite_with_rowid=False,
    )


readings_float = _readings("readings_float", sa.Float)
readings_integer = _readings("readings_integer", sa.BigInteger)
readings_boolean = _readings("readings_boolean", sa.Boolean)
readings_text = _readings("readings_text", sa.Text)

READINGS = {"float": readings_float, "int": readings_integer, "bool": readings_boolean, "string": readings_text}
"""Type of a measure -> the table of its readings."""

reading_words = sa.Table(
    "reading_words",
    metadata,
    *_key(),
    sa.Column("text", sa.Text, nullable=False),  # what was said instead of a value of the measure's type
    sqlite_with_rowid=False,
)

message_counts = sa.Table(
    "message_counts",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),  # why such messages became no reading
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("first_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("sample", sa.Text, nullable=False),  # the newest of them, cut
)
