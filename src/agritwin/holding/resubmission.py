"""Questions answered after a file was read: corrected lines, confirmed mappings, and the files read anew."""

import re
from collections.abc import Collection, Sequence
from collections.abc import Mapping as Units
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.holding.corrections import read_corrections, save_corrections
from agritwin.holding.intake import IntakeReport, take_in
from agritwin.holding.mapping import HarvestUnit, Mapping, save_mapping
from agritwin.records import tables as t
from agritwin.records.database import reading

ANSWERS = ("date_order", "decimal", "unit", "state", "dose_unit", "pairing", "zero")
OF_KIND = {
    "unit": ("harvests", "yearly_harvests"),
    "state": ("harvests", "yearly_harvests"),
    "zero": ("harvests", "yearly_harvests"),
    "pairing": ("yearly_harvests",),
    "date_order": ("activities", "harvests", "treatments"),
    "dose_unit": ("activities", "treatments"),
    "decimal": ("activities", "harvests", "treatments", "yearly_harvests"),
}
"""Answer -> the kinds of table that it concerns."""


def read_again(
    engine: sa.Engine,
    twin_ids: Collection[str],
    sha256: Collection[str],
    mappings: Sequence[Mapping],
    raw: Path,
    harvest_units: Units[str, HarvestUnit | None],
) -> list[IntakeReport]:
    """Read files anew from their kept bytes, each as of the day on which it came.

    Parameters
    ----------
    engine, twin_ids, mappings, raw
        As for :func:`agritwin.holding.intake.take_in`.
    sha256
        Which files.
    harvest_units
        Twin -> unit of harvests that state none.
    """
    i = t.intakes.c
    select = sa.select(i.sha256, i.file, i.landed_for, i.as_of).where(i.sha256.in_(list(sha256))).order_by(i.id)
    with reading(engine) as connection:
        found = connection.execute(select).all()
    return [
        take_in(
            engine, twin_ids, raw / row.sha256, list(mappings), row.as_of, raw=raw, name=row.file,
            landed_for=row.landed_for or None, harvest_unit=harvest_units.get(row.landed_for),
        )
        for row in found
    ]  # fmt: skip


def resubmit(
    engine: sa.Engine,
    twin_ids: Collection[str],
    workbook: Path,
    mappings: Sequence[Mapping],
    raw: Path,
    harvest_units: Units[str, HarvestUnit | None],
) -> list[IntakeReport]:
    """Take in a quarantine that came back filled in; the same workbook again changes nothing.

    Parameters
    ----------
    workbook
        As :func:`agritwin.holding.corrections.export_quarantine` wrote it.
    engine, twin_ids, mappings, raw, harvest_units
        As for :func:`read_again`.

    Raises
    ------
    DataError
        When the workbook is another one, or corrects a file that never came.
    """
    corrections = read_corrections(workbook)
    if unknown := [sha256 for sha256 in corrections if not (raw / sha256).is_file()]:
        raise DataError(
            f"{workbook.name} corrects a file that never came here ({unknown[0][:12]}).", "Send that first."
        )
    save_corrections(engine, corrections)
    return read_again(engine, twin_ids, list(corrections), mappings, raw, harvest_units)


@dataclass(frozen=True)
class Proposal:
    """A mapping that was proposed from the headers of a file, and that nobody has confirmed."""

    file: str
    sha256: str
    mapping: Mapping


def proposals(engine: sa.Engine, confirmed: Collection[Mapping]) -> list[Proposal]:
    """Return the mappings by which files were read that nobody has confirmed, each once.

    Parameters
    ----------
    engine
        Record store.
    confirmed
        Mappings kept in the configuration.
    """
    known = {mapping.digest() for mapping in confirmed}
    i = t.intakes.c
    found: dict[str, Proposal] = {}
    with reading(engine) as connection:
        for row in connection.execute(sa.select(i.file, i.sha256, i.mapping).order_by(i.file, i.id)):
            mapping = Mapping.model_validate(row.mapping)
            if mapping.tables and mapping.digest() not in known:
                found.setdefault(mapping.digest(), Proposal(row.file, row.sha256, mapping))
    return list(found.values())


def confirm(
    proposal: Proposal,
    folder: Path,
    name: str | None = None,
    places: Units[str, str] | None = None,
    **answers: Any,
) -> Path:
    """Keep a proposed mapping with the answers to its questions, so that files with the same headers ask no more.

    Parameters
    ----------
    proposal
        What was proposed.
    folder
        Where mappings are kept.
    name
        Who sends such files; the name of the file where left out.
    places
        Name of a parcel, as these files write it -> twin.
    answers
        ``date_order, decimal, unit, state, dose_unit, pairing, zero``, for the tables that they concern.

    Returns
    -------
    Path
        The mapping's file.
    """
    if strange := set(answers) - set(ANSWERS):
        raise DataError(f"{', '.join(sorted(strange))} answers no question.", f"Answers are {', '.join(ANSWERS)}.")
    tables = []
    for table in proposal.mapping.tables:
        own = {key: value for key, value in answers.items() if value is not None and table.kind in OF_KIND[key]}
        tables.append({**table.model_dump(mode="json"), **own})
    sender = name or proposal.mapping.name
    proposed = proposal.mapping.model_dump(mode="json")
    named = proposed["places"] | dict(places or {})
    mapping = Mapping.model_validate({**proposed, "name": sender, "places": named, "tables": tables})
    slug = re.sub(r"[^\w]+", "-", sender.rpartition(".")[0] or sender).strip("-").lower()
    path = folder / f"{slug}.yaml"
    if path.exists():
        raise DataError(f"There is a mapping {path} already.", "Give another --name.")
    save_mapping(mapping, path)
    return path
