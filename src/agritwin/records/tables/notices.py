"""What people are told and what actuators are: notices with their deliveries, commands with their events."""

import sqlalchemy as sa

from agritwin.records.tables.base import metadata, number, of_twin

notifications = sa.Table(
    "notifications",
    metadata,
    number(),
    of_twin(),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("issue_time", sa.Text, nullable=False),
    sa.Column("valid_until", sa.Text),
    sa.Column("delivered_at", sa.Text),
    sa.Column("seen_at", sa.Text),
    sa.Column("acknowledged_at", sa.Text),
    sa.Column("acknowledged_by", sa.Text),
    sa.UniqueConstraint("event", "recipient"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("event", sa.Text, primary_key=True),
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),  # email, webhook
    sa.Column("level", sa.Text, primary_key=True),
    of_twin(),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("detail", sa.Text),
    sa.CheckConstraint("state IN ('claimed', 'delivered', 'failed')", name="state"),
)

commands = sa.Table(
    "commands",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    of_twin(),
    sa.Column("actuator", sa.Text, nullable=False),
    sa.Column("desired", sa.JSON, nullable=False),
    sa.Column("reported", sa.JSON),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("proposed_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
)

command_events = sa.Table(
    "command_events",
    metadata,
    number(),
    sa.Column("command_id", sa.Text, sa.ForeignKey("commands.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("by", sa.Text),
    sa.Column("detail", sa.JSON),
)
