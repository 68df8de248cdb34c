"""What the record store knows of a twin, as tables; its digest; its export and its end."""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import reading, writing

DIGESTED = ("activities", "treatments", "harvests")
BOOKKEEPING = {"id", "intake_id", "activity_id", "twin_id", "attributes"}
EXPORTED = ("twins", "activities", "treatments", "harvests", "quarantine", "notifications", "commands", "runs")


def frame(engine: sa.Engine, select: sa.Select[Any]) -> pd.DataFrame:
    """Run a query and return its rows; columns of days become ``datetime64``."""
    with reading(engine) as connection:
        found = connection.execute(select)
        table = pd.DataFrame(found.mappings().all(), columns=list(found.keys()))
    for name in table.columns.intersection(["day", "valid_from", "valid_to"]):
        table[name] = pd.to_datetime(table[name])
    return table


def activities(engine: sa.Engine, twin_id: str, until: dt.date | None = None) -> pd.DataFrame:
    """Return the activities of a twin, one row a line as sent, corrections applied.

    Columns ``day, category, task, text, amount, unit, place, notes, attributes, key, occurrence, id``; ``occurrence``
    above 1 marks equal lines of one file, which stand for several workers.

    Parameters
    ----------
    engine, twin_id
        Store and twin.
    until
        Last day to be seen; all where None.
    """
    names = ("day", "category", "task", "text", "amount", "unit", "place", "notes", "attributes")
    names += ("key", "occurrence", "id")
    return frame(engine, _of_twin(t.activities, twin_id, until, names).where(_stands(t.activities)))


def _stands(line: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a line of work was neither corrected by a later one nor withdrawn."""
    later = t.activities.alias()
    corrected = sa.exists().where(
        later.c.twin_id == line.c.twin_id,
        later.c.corrects_key == line.c.key,
        later.c.corrects_occurrence == line.c.occurrence,
    )
    return sa.and_(~corrected, ~line.c.withdrawn)


def labour(engine: sa.Engine, twin_id: str, until: dt.date | None = None) -> pd.DataFrame:
    """Return how many equal lines each day and task has: columns ``day, category, task, lines``."""
    lines = activities(engine, twin_id, until)
    return lines.groupby(["day", "category", "task"]).agg(lines=("key", "size")).reset_index()


def treatments(engine: sa.Engine, twin_id: str, until: dt.date | None = None) -> pd.DataFrame:
    """Return the products applied on a twin; ``product`` as written, ``product_name`` after the alias table.

    ``category`` is that of the work that spread it, missing where the product was sent on its own. Products of work
    that was corrected or withdrawn are left out, unless an equal line of another worker stands; equal lines spread one.
    """
    known, line, equal = t.product_aliases, t.activities.alias(), t.activities.alias()
    stands = sa.exists().where(equal.c.twin_id == line.c.twin_id, equal.c.key == line.c.key, _stands(equal))
    names = tuple(column.name for column in t.treatments.c if column.name not in ("twin_id", "intake_id"))
    select = (
        _of_twin(t.treatments, twin_id, until, names)
        .add_columns(sa.func.coalesce(known.c.product, t.treatments.c.product).label("product_name"))
        .add_columns(line.c.category, line.c.text.label("work"))
        .outerjoin(known, known.c.alias == t.treatments.c.product)
        .outerjoin(line, line.c.id == t.treatments.c.activity_id)
        .where(sa.or_(line.c.id.is_(None), stands))
    )
    found = frame(engine, select)
    again = found.duplicated(["day", "work", "product", "dose", "dose_unit", "occurrence"]) & found["work"].notna()
    return found.loc[~again].drop(columns="work").reset_index(drop=True)


def harvests(engine: sa.Engine, twin_id: str, until: dt.date | None = None) -> pd.DataFrame:
    """Return the harvests of a twin, wet and dry, by day or by year.

    Columns ``year, day, amount, unit, state, quality, losses, lot, client, attributes, source, key, occurrence, id``.
    ``day`` is missing where only the total of the year was sent, ``source`` names the file. Totals of a year are known
    when the year is over.
    """
    c = t.harvests.c
    names = ("year", "day", "amount", "unit", "state", "quality", "losses", "lot", "client", "attributes")
    names += ("key", "occurrence", "id")
    select = (
        sa.select(*(c[name] for name in names), t.intakes.c.file.label("source"))
        .outerjoin(t.intakes, t.intakes.c.id == c.intake_id)
        .where(c.twin_id == twin_id)
        .order_by(c.year, c.day, c.state, c.key, c.occurrence)
    )
    if until is not None:
        closed = until.year if (until.month, until.day) == (12, 31) else until.year - 1
        select = select.where(sa.or_(c.day <= until, sa.and_(c.day.is_(None), c.year <= closed)))
    return frame(engine, select)


def seasonal_yields(engine: sa.Engine, twin_id: str, area_ha: float, until: dt.date | None = None) -> pd.DataFrame:
    """Return one yield a year, state and source: columns ``season, kg_per_ha, state, source``.

    Parameters
    ----------
    engine, twin_id, until
        As in :func:`harvests`.
    area_ha
        Area that turns kg into kg/ha.

    Raises
    ------
    DataError
        When the area is not positive.
    """
    if not area_ha > 0:
        raise DataError(f"An area of {area_ha} ha gives no yield per hectare.", "State the area of the parcel.")
    rows = harvests(engine, twin_id, until)
    per_ha = {"kg": 1.0 / area_ha, "t": 1000.0 / area_ha, "kg ha-1": 1.0, "t ha-1": 1000.0}
    factors = [per_ha[unit] for unit in rows["unit"]]
    rows = rows.assign(kg_per_ha=rows["amount"] * factors, season=rows["year"], source=rows["source"].fillna(""))
    return rows.groupby(["season", "state", "source"]).agg(kg_per_ha=("kg_per_ha", "sum")).reset_index()


def quarantine(engine: sa.Engine, twin_id: str) -> pd.DataFrame:
    """Return what of a twin's files was not loaded or is to be answered.

    Columns ``kind, file, sheet, row, column, value, reason, suggestion``. What concerns a whole file is shown to every
    twin that got lines from it. A file that was sent for several twins tells of each line once.
    """
    q, i = t.quarantine.c, t.intakes.c
    of_file = sa.or_(
        *(
            sa.exists().where(table.c.intake_id == q.intake_id, table.c.twin_id == twin_id)
            for table in (t.activities, t.treatments, t.harvests)
        )
    )
    select = (
        sa.select(q.kind, i.file, q.sheet, q.row, q.column, q.value, q.reason, q.suggestion, i.sha256)
        .join(t.intakes, i.id == q.intake_id)
        .where(sa.or_(q.twin_id == twin_id, sa.and_(q.twin_id.is_(None), of_file)))
        .order_by(i.file, i.sha256, q.id)
    )
    return frame(engine, select).drop_duplicates(ignore_index=True).drop(columns="sha256")


def journal(engine: sa.Engine, twin_id: str | None = None) -> pd.DataFrame:
    """Return the files taken in, of all or of those sent for a twin or holding lines of it."""
    i = t.intakes.c
    names = ("file", "sha256", "size", "landed_for", "as_of", "rows_in", "accepted", "known", "rejected", "questions")
    select = sa.select(*(i[name] for name in names), i.postponed_until).order_by(i.file, i.sha256, i.landed_for)
    if twin_id is not None:
        brought = [
            sa.exists().where(table.c.intake_id == i.id, table.c.twin_id == twin_id)
            for table in (t.activities, t.treatments, t.harvests, t.quarantine)
        ]
        select = select.where(sa.or_(i.landed_for == twin_id, *brought))
    return frame(engine, select)


def digest(engine: sa.Engine, twin_id: str, until: dt.date | None = None, what: Collection[str] = DIGESTED) -> str:
    """Return the SHA-256 over a twin's rows, whatever the order in which they came.

    Parameters
    ----------
    engine, twin_id, until
        Store, twin, last day to be seen.
    what
        Among ``activities``, ``treatments``, ``harvests`` and ``quarantine``.
    """
    found: dict[str, list[str]] = {}
    for name in sorted(set(what)):
        table = quarantine(engine, twin_id) if name == "quarantine" else _QUERIES[name](engine, twin_id, until)
        dropped = BOOKKEEPING | {"product_name", "source"}
        rows = table.drop(columns=[column for column in table.columns if column in dropped]).to_dict("records")
        found[name] = sorted(_canonical(row) for row in rows)
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def correct_activity(
    engine: sa.Engine,
    twin_id: str,
    key: str,
    occurrence: int,
    changes: dict[str, Any],
    *,
    products: Sequence[dict[str, Any]] | None = None,
    withdraw: bool = False,
) -> str:
    """Correct or withdraw a line of work by a new row that takes its place; the old one stays as evidence.

    What it spread goes with it: the products of the old line, or those given (``product, dose, dose_unit``).

    Returns the key of the new row.

    Raises
    ------
    DataError
        When there is no such line, or it was corrected before (correct the correction instead).
    """
    allowed = {"day", "category", "task", "text", "amount", "unit", "place", "notes"}
    if set(changes) - allowed:
        raise DataError(f"{sorted(set(changes) - allowed)} cannot be corrected.", f"Allowed are {sorted(allowed)}.")
    c = t.activities.c
    with writing(engine) as connection:
        where = sa.and_(c.twin_id == twin_id, c.key == key, c.occurrence == occurrence)
        old = connection.execute(sa.select(t.activities).where(where)).mappings().first()
        taken = sa.select(c.id).where(c.twin_id == twin_id, c.corrects_key == key, c.corrects_occurrence == occurrence)
        if old is None or connection.execute(taken).first() is not None:
            raise DataError(
                f"Line {key[:12]} ({occurrence}) of {twin_id} is not there or was corrected before.",
                "Take its key from the list of activities.",
            )
        row = {name: old[name] for name in allowed} | changes
        row |= {"twin_id": twin_id, "attributes": old["attributes"]}
        row |= {"corrects_key": key, "corrects_occurrence": occurrence, "withdrawn": withdraw}
        new_key = hashlib.sha256(_canonical(row).encode()).hexdigest()
        insert = sa.insert(t.activities).values(**row, key=new_key, occurrence=1).returning(t.activities.c.id)
        number = connection.execute(insert).scalar_one()
        spread = _spread(connection, twin_id, key) if products is None else products
        for place, product in enumerate([] if withdraw else spread, start=1):
            content = product | {"twin_id": twin_id, "day": row["day"], "occurrence": place}
            own_key = hashlib.sha256(_canonical(content | {"of": new_key}).encode()).hexdigest()
            connection.execute(sa.insert(t.treatments).values(**content, activity_id=number, key=own_key))
    return new_key


def _spread(connection: sa.Connection, twin_id: str, key: str) -> list[dict[str, Any]]:
    """Return the products of a line of work, to be carried over to another."""
    of_line = sa.select(t.activities.c.id).where(t.activities.c.twin_id == twin_id, t.activities.c.key == key)
    own = {"id", "twin_id", "activity_id", "intake_id", "key", "occurrence", "day"}
    columns = [column for column in t.treatments.c if column.name not in own]
    select = sa.select(*columns).where(t.treatments.c.activity_id.in_(of_line)).order_by(t.treatments.c.occurrence)
    return [dict(row) for row in connection.execute(select).mappings()]


def export_twin(engine: sa.Engine, twin_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return everything that the store holds of a twin, table by table, ready for JSON.

    Raises
    ------
    DataError
        When there is no such twin.
    """
    _check_twin(engine, twin_id)
    chosen: dict[str, sa.Select[Any]] = {}
    for name in EXPORTED:
        table = t.metadata.tables[name]
        chosen[name] = sa.select(table).where((table.c.id if name == "twins" else table.c.twin_id) == twin_id)
    chosen["sensors"] = sa.select(t.sensors).where(t.sensors.c.twin_id == twin_id)
    chosen["locations"] = sa.select(t.locations).where(t.locations.c.twin_id == twin_id)
    for table in (*t.READINGS.values(), t.reading_words):
        of_twin = table.join(t.sensors, t.sensors.c.id == table.c.sensor_id)
        chosen[table.name] = sa.select(table).select_from(of_twin).where(t.sensors.c.twin_id == twin_id)
    with reading(engine) as connection:
        return {
            name: [json.loads(_canonical(row)) for row in connection.execute(select).mappings()]
            for name, select in chosen.items()
        }


def delete_twin(engine: sa.Engine, twin_id: str, raw: Path | None = None) -> dict[str, int]:
    """Remove a twin for real: rows, pages of the database file, and raw files that only concerned it.

    Parameters
    ----------
    engine, twin_id
        Store and twin.
    raw
        Folder of the kept bytes; files sent for this twin, or that only brought lines of it, are removed there.

    Returns
    -------
    dict
        Rows removed by table, and ``files``.

    Raises
    ------
    DataError
        When there is no such twin.
    """
    _check_twin(engine, twin_id)
    rows = {name: len(content) for name, content in export_twin(engine, twin_id).items()}
    with writing(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        own = _own_intakes(connection, twin_id)
        connection.execute(sa.delete(t.twins).where(t.twins.c.id == twin_id))
        connection.execute(sa.delete(t.intakes).where(t.intakes.c.id.in_(list(own))))
        kept = set(connection.scalars(sa.select(t.intakes.c.sha256)))
    gone = [sha256 for sha256 in own.values() if sha256 not in kept]
    if engine.dialect.name == "sqlite":
        bare = engine.raw_connection()  # VACUUM runs outside of transactions
        bare.cursor().execute("VACUUM")
        bare.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        bare.close()
    for sha256 in gone:
        if raw is not None:
            (raw / sha256).unlink(missing_ok=True)
    return {**rows, "files": len(gone)}


def _own_intakes(connection: sa.Connection, twin_id: str) -> dict[int, str]:
    """Return id and hash of the intakes that concern this twin and no other."""
    i = t.intakes.c
    brought = (t.activities, t.treatments, t.harvests, t.quarantine)
    of_twin = sa.or_(*(sa.exists().where(x.c.intake_id == i.id, x.c.twin_id == twin_id) for x in brought))
    of_others = sa.or_(*(sa.exists().where(x.c.intake_id == i.id, x.c.twin_id != twin_id) for x in brought))
    mine = sa.or_(i.landed_for == twin_id, of_twin)
    return dict(connection.execute(sa.select(i.id, i.sha256).where(mine, ~of_others)).tuples().all())


def knows(engine: sa.Engine, twin_id: str) -> bool:
    """Tell whether the store has ever heard of a twin."""
    with reading(engine) as connection:
        return connection.execute(sa.select(t.twins.c.id).where(t.twins.c.id == twin_id)).first() is not None


def _check_twin(engine: sa.Engine, twin_id: str) -> None:
    if not knows(engine, twin_id):
        raise DataError(f"The record store knows no twin {twin_id!r}.", "Check the id.")


def _of_twin(table: sa.Table, twin_id: str, until: dt.date | None, names: Collection[str]) -> sa.Select[Any]:
    select = sa.select(*(table.c[name] for name in names)).where(table.c.twin_id == twin_id)
    if until is not None:
        select = select.where(table.c.day <= until)
    return select.order_by(table.c.day, table.c.key, table.c.occurrence)


def _canonical(row: Any) -> str:
    """Write a row as JSON in one way: sorted keys, ISO days, missing as null."""

    def plain(value: Any) -> Any:
        if isinstance(value, dt.date | dt.datetime):
            return value.isoformat()[:10]
        return None if value is None or value is pd.NaT or (isinstance(value, float) and value != value) else value

    return json.dumps({name: plain(value) for name, value in row.items()}, sort_keys=True, ensure_ascii=False)


_QUERIES = {"activities": activities, "treatments": treatments, "harvests": harvests}
