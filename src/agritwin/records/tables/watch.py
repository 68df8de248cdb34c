"""What the watch told, and what it remembers from one look to the next."""

import sqlalchemy as sa

from agritwin.records.tables.base import metadata, number, of_twin, to

alerts = sa.Table(
    "alerts",
    metadata,
    number(),
    of_twin(),
    sa.Column("event", sa.Text, nullable=False, index=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),  # what it was judged of: a gauge, a source, a model, the forecast
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),  # time up to which data entered
    sa.Column("judgement", sa.JSON, nullable=False),
    sa.UniqueConstraint("event", "at", "level"),
)

watch_levels = sa.Table(
    "watch_levels",
    metadata,
    sa.Column("twin_id", sa.Text, sa.ForeignKey("twins.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("since", sa.Text),
    sa.Column("at", sa.Text, nullable=False),
)

watch_seen = sa.Table(
    "watch_seen",
    metadata,
    to("sensors", "sensor_id", key=True),
    to("measures", "measure_id", key=True),
    sa.Column("time_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("occurrence", sa.SmallInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
