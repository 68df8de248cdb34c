"""Who is who: parties, twins, and what a party may do with a twin."""

import sqlalchemy as sa

from agritwin.records.tables.base import metadata, number, to

parties = sa.Table(
    "parties",
    metadata,
    number(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, unique=True),
    sa.Column("tax_number", sa.Text),
    sa.Column("applicator_register", sa.Text),
    sa.Column("password_hash", sa.Text),
)

twins = sa.Table(
    "twins",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("holding", sa.Text),
    sa.Column("declared_area_ha", sa.Float),
    sa.Column("geometry", sa.JSON),
    sa.Column("valid_from", sa.Date),
    sa.Column("valid_to", sa.Date),
)

roles = sa.Table(
    "roles",
    metadata,
    to("parties", "party_id", key=True),
    sa.Column("twin_id", sa.Text, sa.ForeignKey("twins.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.CheckConstraint("role IN ('owner', 'adviser', 'worker', 'viewer')", name="role"),
)
