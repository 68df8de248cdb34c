"""What was done in the field: work, treatments with their products, harvests."""

import sqlalchemy as sa
from sqlalchemy.schema import SchemaItem

from agritwin.records.tables.base import metadata, number, of_twin, to


def _lines(name: str, *own: SchemaItem) -> sa.Table:
    """Return a table of lines that senders write: known by their content, and by how many equal ones came before."""
    return sa.Table(
        name,
        metadata,
        number(),
        of_twin(),
        to("intakes", "intake_id", nullable=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False),
        *own,
        sa.Column("attributes", sa.JSON(none_as_null=True)),  # header -> cell, of columns that no field means
        sa.UniqueConstraint("twin_id", "key", "occurrence"),
    )


activities = _lines(
    "activities",
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("amount", sa.Float),
    sa.Column("unit", sa.Text),
    sa.Column("place", sa.Text),
    sa.Column("notes", sa.Text),
    sa.Column("corrects_key", sa.Text),  # this row takes the place of another one: an event log, nothing is altered
    sa.Column("corrects_occurrence", sa.Integer),
    sa.Column("withdrawn", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("twin_id", "corrects_key", "corrects_occurrence"),
    sa.Index("ix_activities_twin_id_day", "twin_id", "day"),
)

treatments = _lines(
    "treatments",
    to("activities", "activity_id", nullable=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("start_time", sa.Text),  # HH:MM local, where the label asks for it (EU 2023/564)
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("registration_number", sa.Text),
    sa.Column("dose", sa.Float),
    sa.Column("dose_unit", sa.Text),
    sa.Column("type_of_use", sa.Text),
    sa.Column("treated_area_ha", sa.Float),
    sa.Column("crop_eppo", sa.Text),
    sa.Column("growth_stage_bbch", sa.Text),
    sa.Column("problem", sa.Text),
    sa.Column("applicator", sa.Text),
    sa.Column("equipment", sa.Text),
    sa.Column("efficacy", sa.Text),
    sa.Column("notes", sa.Text),
    sa.Index("ix_treatments_twin_id_day", "twin_id", "day"),
)

product_aliases = sa.Table(
    "product_aliases",
    metadata,
    sa.Column("alias", sa.Text, primary_key=True),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.CheckConstraint("status IN ('proposed', 'confirmed')", name="status"),
)

harvests = _lines(
    "harvests",
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("day", sa.Date),  # null where only the total of the year is known
    sa.Column("amount", sa.Float, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("quality", sa.Text),
    sa.Column("losses", sa.JSON),
    sa.Column("lot", sa.Text),
    sa.Column("client", sa.Text),
    sa.CheckConstraint("state IN ('wet', 'dry', 'unstated')", name="state"),
    sa.CheckConstraint("amount >= 0", name="amount"),
)
