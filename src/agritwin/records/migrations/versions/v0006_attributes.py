"""Keep what senders write in columns that no field means."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    for table in ("activities", "treatments", "harvests"):
        op.add_column(table, sa.Column("attributes", sa.JSON(), nullable=True))
