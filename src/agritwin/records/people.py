"""Who may do what on which holding: people, and roles that hold for one twin at a time."""

from typing import Literal, get_args

import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import insert, reading, writing

Role = Literal["owner", "adviser", "worker", "viewer"]
Action = Literal["read", "record", "arrange", "command", "administer"]
ALLOWED: dict[str, tuple[Action, ...]] = {
    "owner": ("read", "record", "arrange", "command", "administer"),
    "adviser": ("read", "record", "arrange"),
    "worker": ("read", "record"),
    "viewer": ("read",),
}
"""What a role may do: read; record work, readings and files; arrange sensors, places, models and services; approve
commands; administer who has a role."""


def add_party(engine: sa.Engine, name: str, email: str | None = None, **details: str | None) -> int:
    """Add a person or firm and return its number.

    Parameters
    ----------
    engine, name, email
        Store, name, address by which people log in.
    details
        ``tax_number``, ``applicator_register``, ``password_hash`` (never a password).

    Raises
    ------
    DataError
        When the address is taken.
    """
    with writing(engine) as connection:
        if email is not None and connection.scalar(sa.select(t.parties.c.id).where(t.parties.c.email == email)):
            raise DataError(f"{email} is there already.", "Use the party that has it.")
        add = sa.insert(t.parties).values(name=name, email=email, **details).returning(t.parties.c.id)
        return connection.execute(add).scalar_one()


def set_role(engine: sa.Engine, party_id: int, twin_id: str, role: Role | None) -> None:
    """Give somebody a role on a twin, or take it away with None.

    Raises
    ------
    DataError
        When the role is unknown, or the twin would be left without an owner.
    """
    if role is not None and role not in get_args(Role):
        raise DataError(f"There is no role {role!r}.", f"Use one of {', '.join(get_args(Role))}.")
    c = t.roles.c
    with writing(engine) as connection:
        owners = set(connection.scalars(sa.select(c.party_id).where(c.twin_id == twin_id, c.role == "owner")))
        if owners == {party_id} and role != "owner":
            raise DataError(f"{twin_id} would be left without an owner.", "Name another owner first.")
        connection.execute(sa.delete(t.roles).where(c.party_id == party_id, c.twin_id == twin_id))
        if role is not None:
            connection.execute(insert(connection, t.twins).on_conflict_do_nothing(), {"id": twin_id})
            connection.execute(sa.insert(t.roles).values(party_id=party_id, twin_id=twin_id, role=role))


def may(engine: sa.Engine, party_id: int, twin_id: str, action: Action) -> bool:
    """Return whether somebody may do something on a twin; without a role nothing is allowed."""
    c = t.roles.c
    with reading(engine) as connection:
        role = connection.scalar(sa.select(c.role).where(c.party_id == party_id, c.twin_id == twin_id))
    return role is not None and action in ALLOWED[role]


def twins_of(engine: sa.Engine, party_id: int) -> dict[str, str]:
    """Return the twins on which somebody has a role: id -> role."""
    c = t.roles.c
    with reading(engine) as connection:
        rows = connection.execute(sa.select(c.twin_id, c.role).where(c.party_id == party_id).order_by(c.twin_id))
        return dict(rows.tuples().all())
