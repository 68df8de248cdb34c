"""What all tables share: their metadata with the names of keys, and the columns that most of them have."""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def of_twin(*, nullable: bool = False) -> sa.Column[str]:
    """Return the column that says whose row it is."""
    return sa.Column("twin_id", sa.Text, sa.ForeignKey("twins.id", ondelete="CASCADE"), nullable=nullable, index=True)


def number() -> sa.Column[int]:
    """Return the column of the numbers that the store gives."""
    return sa.Column("id", sa.Integer, primary_key=True)


def to(table: str, name: str, *, nullable: bool = False, key: bool = False) -> sa.Column[int]:
    """Return a column that refers to a table's numbers; rows end with what they refer to."""
    target = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(name, sa.Integer, target, nullable=nullable, index=not key, primary_key=key)
