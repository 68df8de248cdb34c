"""Add what the watch remembers: alerts told, levels reached, readings seen, notices carried to people."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("notifications", sa.Column("seen_at", sa.Text(), nullable=True))
    op.create_table(
        "deliveries",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("twin_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('claimed', 'delivered', 'failed')", name=op.f("ck_deliveries_state")),
        _of_twin("deliveries"),
        sa.PrimaryKeyConstraint("event", "recipient", "channel", "level", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_twin_id"), "deliveries", ["twin_id"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("twin_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("judgement", sa.JSON(), nullable=False),
        _of_twin("alerts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("event", "at", "level", name=op.f("uq_alerts_event_at_level")),
    )
    op.create_index(op.f("ix_alerts_twin_id"), "alerts", ["twin_id"])
    op.create_index(op.f("ix_alerts_event"), "alerts", ["event"])
    op.create_table(
        "watch_levels",
        sa.Column("twin_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        _of_twin("watch_levels"),
        sa.PrimaryKeyConstraint("twin_id", "rule", "subject", name=op.f("pk_watch_levels")),
    )
    op.create_table(
        "watch_seen",
        sa.Column("sensor_id", sa.Integer(), nullable=False),
        sa.Column("measure_id", sa.Integer(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("occurrence", sa.SmallInteger(), autoincrement=False, nullable=False),
        _to("watch_seen", "sensor_id", "sensors"),
        _to("watch_seen", "measure_id", "measures"),
        sa.PrimaryKeyConstraint("sensor_id", "measure_id", "time_ms", "occurrence", name=op.f("pk_watch_seen")),
        sqlite_with_rowid=False,
    )


def _of_twin(table: str) -> sa.ForeignKeyConstraint:
    return _to(table, "twin_id", "twins")


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="CASCADE")
