"""Take in a file of a sender: bytes kept, lines read, doubtful ones kept apart, all stored at once or not at all.

A file is known by the SHA-256 of its bytes and by how it was read (mapping and twins). Offered again it changes
nothing; offered with a corrected mapping it replaces what its first reading had stored. A line is known by its content
and by how many equal lines stood before it in its file, so that equal lines (several workers on one day) all count, and
a file that repeats an older one adds only what is new. A newer version of a file, one of the same name that holds all
its lines, settles what the older one was asked.
"""

import datetime as dt
import functools
import logging
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from agritwin.errors import ConfigError
from agritwin.geometry import check_twin_id
from agritwin.holding.corrections import Corrections, correct, corrections_of
from agritwin.holding.files import Landed, keep, land
from agritwin.holding.findings import Holding, Lines, Record, Refusal
from agritwin.holding.lines import read_table
from agritwin.holding.mapping import HarvestUnit, Mapping, propose_mapping, propose_table
from agritwin.holding.parcels import parcels_of
from agritwin.holding.products import propose_aliases
from agritwin.holding.readers import Sheet, read_sheets
from agritwin.holding.storing import content_digest, identities, insert_records, lines_of
from agritwin.holding.tables import Table, find_tables
from agritwin.records.database import insert, reading, writing
from agritwin.records.tables import intakes, quarantine, twins

log = logging.getLogger(__name__)

READING = "4"
"""Version of how files are read here; a new number makes every file be read anew."""


@dataclass(frozen=True)
class IntakeReport:
    """What became of a file.

    Attributes
    ----------
    file, sha256
        Its name and the digest of its bytes.
    changed
        False where the store already held all of it in this reading.
    rows_in, accepted, known, rejected
        Lines in the file = newly stored + already stored + in quarantine.
    questions
        Things to be answered by a person.
    mapping
        How the file was read; proposed from its headers where none was given.
    refusals
        One entry a rejected line, question or note.
    postponed_until
        Earliest day in the file that lies after the clock.
    """

    file: str
    sha256: str
    changed: bool
    rows_in: int
    accepted: int
    known: int
    rejected: int
    questions: int
    mapping: Mapping
    refusals: tuple[Refusal, ...] = field(repr=False)
    postponed_until: dt.date | None = None


def take_in(
    engine: sa.Engine,
    twin_ids: Collection[str],
    file: Path,
    mapping: Mapping | Sequence[Mapping] | None,
    as_of: dt.date,
    *,
    raw: Path,
    landed_for: str | None = None,
    harvest_unit: HarvestUnit | None = None,
    name: str | None = None,
) -> IntakeReport:
    """Take in one file.

    Parameters
    ----------
    engine
        The record store, migrated.
    twin_ids
        All twins of the holding; lines about any other parcel go to quarantine.
    file
        xlsx, xls, ods, csv, json or geojson; never altered.
    mapping
        How its tables are to be read; among several the first that knows its tables. What no mapping knows is read
        as its headers propose, and asked for where they say too little.
    as_of
        The clock: lines after that day wait.
    raw
        Folder that keeps a copy of the bytes under their SHA-256.
    landed_for
        Twin for which the file was sent, used for tables that name no parcel.
    harvest_unit
        Unit of harvests for which neither line, header nor mapping states one; None makes them a question.
    name
        What the sender called the file, where that differs from ``file``.

    Raises
    ------
    DataError
        When the file as a whole is unsafe or unreadable; single lines never raise.
    """
    for twin_id in {*twin_ids, *([landed_for] if landed_for else [])}:
        check_twin_id(twin_id)
    if landed_for is not None and landed_for not in twin_ids:
        raise ConfigError(f"{landed_for!r} is not among the twins given.", "Give all twins of the holding.")
    landed = land(file, name)
    holding = Holding(frozenset(twin_ids), as_of, landed_for, harvest_unit)
    mappings = [mapping] if isinstance(mapping, Mapping) else list(mapping or ())
    with reading(engine) as connection:
        corrections = corrections_of(connection, landed.sha256)
        stated = [[one.digest() for one in mappings], sorted(twin_ids), harvest_unit]
        understanding = content_digest(READING, *stated, *([sorted(corrections.items())] if corrections else []))
        known = _same_intake(connection, landed, understanding, holding)
    if known is not None:
        return known
    keep(landed, raw)
    if _is_geojson(landed):
        return _store(engine, landed, understanding, Mapping(name=landed.name), holding, [_read_parcels(file, holding)])
    chosen, sheets, tables = _choose(landed, mappings, corrections)
    found = [_read(table, chosen, holding) for table in tables] or [_nothing(holding)]
    found += [_hidden(sheet, holding) for sheet in sheets if sheet.hidden]
    return _store(engine, landed, understanding, chosen, holding, found)


def _nothing(holding: Holding) -> Lines:
    reason, remedy = "No table with lines was found.", "Check that a visible sheet has headers and lines below them."
    return Lines(refusals=[Refusal("question", "", None, None, None, reason, remedy, holding.landed_for)])


def _hidden(sheet: Sheet, holding: Holding) -> Lines:
    reason, remedy = "The sheet is hidden and was not loaded.", "Show it and send the file again if its lines count."
    return Lines(refusals=[Refusal("note", sheet.name, None, None, None, reason, remedy, holding.landed_for)])


def _is_geojson(landed: Landed) -> bool:
    return landed.suffix == ".geojson" or (landed.suffix == ".json" and b'"coordinates"' in landed.data)


def _choose(
    landed: Landed, mappings: list[Mapping], corrections: Corrections
) -> tuple[Mapping, list[Sheet], list[Table]]:
    """Return the first mapping that knows a table of the file, else a proposal; the sheets, and the tables."""

    @functools.cache
    def read(encoding: str | None, delimiter: str | None) -> tuple[list[Sheet], list[Table]]:
        sheets = [correct(sheet, corrections) for sheet in read_sheets(landed, encoding, delimiter)]
        return sheets, [table for sheet in sheets for table in find_tables(sheet)]

    for mapping in mappings:
        sheets, tables = read(mapping.encoding, mapping.delimiter)
        if any(how.fits(table) for how in mapping.tables for table in tables):
            return mapping, sheets, tables
    sheets, tables = read(None, None)
    return propose_mapping(tables, landed.name), sheets, tables


def _read(table: Table, mapping: Mapping, holding: Holding) -> Lines:
    how = next((how for how in mapping.tables if how.fits(table)), None) or propose_table(table)
    if how is not None:
        return read_table(table, how, mapping, holding)
    headers = ", ".join(text for text in table.header if text)[:300]
    refusal = Refusal(
        "question",
        table.sheet,
        table.numbers[0],
        table.columns[0],
        headers,
        f"No mapping fits this table of {len(table.rows)} lines.",
        "Name its headers in the mapping; what a logger wrote goes to agritwin listen FILE.",
    )
    lines = Lines(rows_in=len(table.rows), refusals=[refusal])
    lines.refusals += [
        Refusal("rejected", table.sheet, number, None, None, "The table is not understood.", "See the question above.")
        for number in table.numbers
    ]
    return lines


def _read_parcels(file: Path, holding: Holding) -> Lines:
    """Check the parcels of a file; their outlines live in the configuration, so only conflicts are stored."""
    parcels = parcels_of(file)
    lines = Lines(rows_in=len(parcels))
    for number, parcel in enumerate(parcels, start=1):
        if parcel.twin_id not in holding.twin_ids:
            reason, remedy = f"{parcel.twin_id} is no twin of this holding.", "Correct the id, or add a twin."
            lines.refusals.append(Refusal("rejected", "", number, "id", parcel.twin_id, reason, remedy))
            continue
        content = {"geometry": parcel.geometry.__geo_interface__, "declared_area_ha": None}
        if parcel.area is not None:
            content["declared_area_ha"] = parcel.area.declared_ha
            if parcel.area.conflict:
                remedy = "State in the twin's configuration which area holds; figures per hectare depend on it."
                value = f"{parcel.area.declared_ha:g}"
                lines.refusals.append(
                    Refusal("question", "", number, "area", value, str(parcel.area), remedy, parcel.twin_id)
                )
        lines.parcels[str(parcel.twin_id)] = content
    return lines


def _same_intake(
    connection: sa.Connection, landed: Landed, understanding: str, holding: Holding
) -> IntakeReport | None:
    """Return the report of the intake that already stored this file in this reading, None where there is none."""
    row = connection.execute(sa.select(intakes).where(*_same_file(landed, holding))).mappings().first()
    if row is None or row["reading"] != understanding or row["stale"]:
        return None
    if row["postponed_until"] is not None and row["postponed_until"] <= holding.as_of:
        return None
    stored = connection.execute(
        sa.select(quarantine).where(quarantine.c.intake_id == row["id"]).order_by(quarantine.c.id)
    ).mappings()
    names = list(Refusal.__dataclass_fields__)
    return IntakeReport(
        landed.name,
        landed.sha256,
        False,
        row["rows_in"],
        0,
        row["accepted"] + row["known"],
        row["rejected"],
        row["questions"],
        Mapping.model_validate(row["mapping"]),
        tuple(Refusal(**{name: entry[name] for name in names}) for entry in stored),
        row["postponed_until"],
    )


def _store(
    engine: sa.Engine, landed: Landed, understanding: str, mapping: Mapping, holding: Holding, found: list[Lines]
) -> IntakeReport:
    refusals = [refusal for lines in found for refusal in lines.refusals]
    records = [record for lines in found for record in lines.records]
    days = [lines.postponed_until for lines in found if lines.postponed_until]
    counts = {
        "rows_in": sum(lines.rows_in for lines in found),
        "rejected": sum(refusal.kind == "rejected" for refusal in refusals),
        "questions": sum(refusal.kind == "question" for refusal in refusals),
    }
    journal = {
        "file": landed.name,
        "sha256": landed.sha256,
        "size": len(landed.data),
        "landed_for": holding.landed_for or "",
        "reading": understanding,
        "mapping": mapping.model_dump(mode="json"),
        "as_of": holding.as_of,
        "postponed_until": min(days, default=None),
        **counts,
    }
    with writing(engine) as connection:
        again = _same_intake(connection, landed, understanding, holding)
        if again is not None:
            return again
        _forget(connection, landed, holding)
        _know_twins(connection, holding, found)
        intake_id = connection.execute(
            sa.insert(intakes).values(**journal, accepted=0, known=0).returning(intakes.c.id)
        ).scalar_one()
        accepted, known = insert_records(connection, intake_id, records, mapping)
        accepted += sum(len(lines.parcels) for lines in found)
        connection.execute(sa.update(intakes).where(intakes.c.id == intake_id).values(accepted=accepted, known=known))
        if refusals:
            connection.execute(
                sa.insert(quarantine), [{"intake_id": intake_id, **asdict(refusal)} for refusal in refusals]
            )
        _settle_older(connection, intake_id, journal, records)
        propose_aliases(connection, mapping.products)
    log.info(
        "%s: %d lines, %d new, %d known, %d rejected",
        *(landed.name, counts["rows_in"], accepted, known, counts["rejected"]),
    )
    return IntakeReport(
        landed.name, landed.sha256, True, counts["rows_in"], accepted, known, counts["rejected"], counts["questions"],
        mapping, tuple(refusals), journal["postponed_until"],
    )  # fmt: skip


def _same_file(landed: Landed, holding: Holding) -> tuple[sa.ColumnElement[bool], ...]:
    return intakes.c.sha256 == landed.sha256, intakes.c.landed_for == (holding.landed_for or "")


def _forget(connection: sa.Connection, landed: Landed, holding: Holding) -> None:
    """Take back an older reading of the same bytes, and have files that repeated its lines read anew."""
    older = connection.execute(sa.select(intakes.c.id).where(*_same_file(landed, holding))).scalar()
    if older is not None:
        connection.execute(sa.delete(intakes).where(intakes.c.id == older))
        connection.execute(sa.update(intakes).where(intakes.c.known > 0).values(stale=True))


def _settle_older(connection: sa.Connection, intake_id: int, journal: dict[str, Any], records: list[Record]) -> None:
    """Take what older versions of a file were asked out of quarantine: those whose lines all stand in this one too."""
    i, present = intakes.c, set(identities(records))
    same_name = (i.file == journal["file"], i.landed_for == journal["landed_for"], i.rows_in <= journal["rows_in"])
    for older in list(connection.scalars(sa.select(i.id).where(*same_name, i.id < intake_id))):
        if lines_of(connection, older) <= present:
            connection.execute(sa.delete(quarantine).where(quarantine.c.intake_id == older))


def _know_twins(connection: sa.Connection, holding: Holding, found: list[Lines]) -> None:
    rows = [{"id": twin_id} for twin_id in sorted(holding.twin_ids)]
    connection.execute(insert(connection, twins).on_conflict_do_nothing(), rows)
    for twin_id, content in ((twin, content) for lines in found for twin, content in lines.parcels.items()):
        connection.execute(sa.update(twins).where(twins.c.id == twin_id).values(**content))
