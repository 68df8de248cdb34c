"""Records put into the store, each once: known by their content and by how many equal ones came before."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from agritwin.holding.findings import Record
from agritwin.holding.lines import dose_unit
from agritwin.holding.mapping import Mapping
from agritwin.records.tables import activities, harvests, treatments

TABLES = {"activities": activities, "harvests": harvests, "treatments": treatments}


def content_digest(*parts: Any) -> str:
    """Return the SHA-256 of anything that JSON can write; days in ISO form."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False).encode()).hexdigest()


def insert_records(
    connection: sa.Connection, intake_id: int, records: list[Record], mapping: Mapping
) -> tuple[int, int]:
    """Store the records that are new; return how many were, and how many were there before."""
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
    of_products: list[tuple[str, str, Record]] = []
    for record, (_, key, occurrence) in zip(records, identities(records), strict=True):
        about = {"twin_id": record.twin_id, "intake_id": intake_id, "key": key, "occurrence": occurrence}
        rows[record.table].append(about | record.content | {"attributes": record.attributes or None})
        if record.products and occurrence == 1:  # several workers spread one product, not several
            of_products.append((record.twin_id, key, record))
    new = {table: _new_rows(connection, TABLES[table], content) for table, content in rows.items()}
    for table, content in new.items():
        if content:
            connection.execute(sa.insert(TABLES[table]), content)
    _insert_products(connection, intake_id, of_products, mapping)
    accepted = sum(len(content) for content in new.values())
    return accepted, len(records) - accepted


def identities(records: list[Record]) -> Iterator[tuple[str, str, int]]:
    """Yield twin and key of each record, and how many equal ones have come with it."""
    counted: Counter[tuple[str, str]] = Counter()
    for record in records:
        key = content_digest(record.table, record.content)
        counted[record.twin_id, key] += 1
        yield record.twin_id, key, counted[record.twin_id, key]


def lines_of(connection: sa.Connection, intake_id: int) -> set[tuple[str, str, int]]:
    """Return the identities of the lines that a file brought first."""
    found: set[tuple[str, str, int]] = set()
    for table in TABLES.values():
        own = sa.select(table.c.twin_id, table.c.key, table.c.occurrence).where(table.c.intake_id == intake_id)
        if table is treatments:
            own = own.where(table.c.activity_id.is_(None))  # products of an activity are no lines of their own
        found |= set(connection.execute(own).tuples())
    return found


def _new_rows(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    twin_ids = {row["twin_id"] for row in rows}
    identity = sa.select(table.c.twin_id, table.c.key, table.c.occurrence).where(table.c.twin_id.in_(twin_ids))
    there = {tuple(row) for row in connection.execute(identity)}
    return [row for row in rows if (row["twin_id"], row["key"], row["occurrence"]) not in there]


def _insert_products(
    connection: sa.Connection, intake_id: int, of_products: list[tuple[str, str, Record]], mapping: Mapping
) -> None:
    """Store one treatment a product of an activity."""
    stated = next((how.dose_unit for how in mapping.tables if how.kind == "activities"), None)
    c = activities.c
    first = sa.select(c.twin_id, c.key, c.id).where(
        c.occurrence == 1, c.twin_id.in_({twin for twin, *_ in of_products})
    )
    numbers = {(row.twin_id, row.key): row.id for row in connection.execute(first)}
    rows = []
    for twin_id, key, record in of_products:
        rows += [
            {
                "twin_id": twin_id,
                "intake_id": intake_id,
                "activity_id": numbers[twin_id, key],
                "key": content_digest(key, product.name, product.dose, product.unit),
                "occurrence": place,
                "day": record.content["day"],
                "product": product.name,
                "dose": product.dose,
                "dose_unit": dose_unit(product.unit or stated),
            }
            for place, product in enumerate(record.products, start=1)
        ]
    new = _new_rows(connection, treatments, rows)
    if new:
        connection.execute(sa.insert(treatments), new)
