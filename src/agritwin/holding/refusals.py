"""Files that cannot be read as a whole: told in the quarantine until they are gone or can be read."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.holding.files import digest
from agritwin.holding.findings import Refusal
from agritwin.records.database import insert, writing
from agritwin.records.tables import intakes, quarantine, twins

UNREADABLE = "unreadable"
"""How such a file was read, as the journal says it."""


def tell_unreadable(engine: sa.Engine, twin_id: str, files: Mapping[Path, DataError], as_of: dt.date) -> None:
    """Put the files of a twin that cannot be read as a whole into journal and quarantine; those told before go.

    Parameters
    ----------
    engine
        Record store.
    twin_id
        Twin for which they were sent.
    files
        All such files of that twin, and why.
    as_of
        The clock.
    """
    told = {_digest(path): (path, error) for path, error in files.items()}
    c = intakes.c
    with writing(engine) as connection:
        before = sa.and_(c.landed_for == twin_id, c.reading == UNREADABLE)
        connection.execute(sa.delete(intakes).where(before, c.sha256.not_in(list(told))))
        there = set(connection.scalars(sa.select(c.sha256).where(c.landed_for == twin_id)))
        for sha256, (path, error) in told.items():
            if sha256 in there:
                continue
            connection.execute(insert(connection, twins).on_conflict_do_nothing(), [{"id": twin_id}])
            size = path.stat().st_size if path.is_file() else 0
            journal = {"file": path.name, "sha256": sha256, "size": size, "landed_for": twin_id, "as_of": as_of}
            journal |= {"reading": UNREADABLE, "mapping": {"name": path.name}, "rows_in": 0, "rejected": 1}
            added = sa.insert(intakes).values(**journal, accepted=0, known=0, questions=0).returning(c.id)
            refusal = Refusal("rejected", "", None, None, None, error.message, error.remedy, twin_id)
            row = {"intake_id": connection.execute(added).scalar_one(), **asdict(refusal)}
            connection.execute(sa.insert(quarantine).values(**row))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.name.encode()).hexdigest() if path.is_symlink() or not path.is_file() else digest(path)
