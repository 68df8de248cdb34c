"""Files taken in, what of them is to be answered, and the answers."""

import sqlalchemy as sa

from agritwin.records.tables.base import metadata, number, of_twin, to

intakes = sa.Table(
    "intakes",
    metadata,
    number(),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("landed_for", sa.Text, nullable=False),  # twin for which the file was sent; empty where nobody said
    sa.Column("reading", sa.Text, nullable=False),  # digest of mapping and twin ids: how the bytes were understood
    sa.Column("mapping", sa.JSON, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("rows_in", sa.Integer, nullable=False),
    sa.Column("accepted", sa.Integer, nullable=False),
    sa.Column("known", sa.Integer, nullable=False),
    sa.Column("rejected", sa.Integer, nullable=False),
    sa.Column("questions", sa.Integer, nullable=False),
    sa.Column("postponed_until", sa.Date),  # earliest day in the file that lay after as_of
    sa.Column("stale", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("sha256", "landed_for"),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    number(),
    to("intakes", "intake_id"),
    of_twin(nullable=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sheet", sa.Text, nullable=False),
    sa.Column("row", sa.Integer),
    sa.Column("column", sa.Text),
    sa.Column("value", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("suggestion", sa.Text, nullable=False),
    sa.CheckConstraint("kind IN ('rejected', 'question', 'note')", name="kind"),
)

corrections = sa.Table(
    "corrections",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),  # bytes of the file as sent, which are never altered
    sa.Column("sheet", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("column", sa.Text, primary_key=True),  # letters; empty where the whole line is left out
    sa.Column("value", sa.Text),  # what should have stood there
)
