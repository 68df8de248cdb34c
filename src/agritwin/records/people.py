"""Who may do what on which holding: people, and roles that hold for one twin at a time."""

import datetime as dt
from typing import Literal, get_args

import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import insert, writing

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


def set_span(engine: sa.Engine, twin_id: str, first: dt.date | None, last: dt.date | None) -> None:
    """Say from which to which day a parcel belongs to the holding; None is open.

    Raises
    ------
    DataError
        When it ends before it begins.
    """
    if first is not None and last is not None and last < first:
        raise DataError(f"{last} is before {first}.", "Give the first day before the last.")
    with writing(engine) as connection:
        connection.execute(insert(connection, t.twins).on_conflict_do_nothing(), {"id": twin_id})
        span = {"valid_from": first, "valid_to": last}
        connection.execute(sa.update(t.twins).where(t.twins.c.id == twin_id).values(**span))


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
