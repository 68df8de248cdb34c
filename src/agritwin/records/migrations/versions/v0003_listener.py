"""Add what the listener counts and remembers, and what senders answer to the quarantine."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("readings", sa.Column("seq", sa.BigInteger(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        # A year of one sensor lies on as many pages as it has readings; the key that carries the values is compact.
        op.execute("ALTER TABLE readings DROP CONSTRAINT pk_readings")
        op.execute(
            "ALTER TABLE readings ADD CONSTRAINT pk_readings "
            "PRIMARY KEY (sensor_id, measure_id, time_ms, occurrence) INCLUDE (value, flags)"
        )
    op.create_table(
        "message_counts",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "reason", name=op.f("pk_message_counts")),
    )
    op.create_table(
        "corrections",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("column", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", "sheet", "row", "column", name=op.f("pk_corrections")),
    )
