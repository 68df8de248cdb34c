"""Measures as clients name and spell them: one measure has one canonical unit, whatever a client calls it."""

import re
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.measures import canonical_unit

Kind = Literal["sensor", "model"]
DATATYPES = {"string": "string", "float": "float", "integer": "int", "boolean": "bool"}
POWER_OF_NUMBERS = re.compile(r"[\d)]\s*(\*\*|\^)|\d{3,}")
WRITTEN = {ours: theirs for theirs, ours in DATATYPES.items()}

measure_spellings = sa.Table(
    "measure_spellings",
    t.metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("measure_id", sa.Integer, sa.ForeignKey("measures.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("units", sa.Text),
    sa.CheckConstraint("kind IN ('sensor', 'model')", name="kind"),
)

run_targets = sa.Table(
    "run_targets",
    t.metadata,
    sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("sensor_id", sa.Integer, sa.ForeignKey("sensors.id", ondelete="SET NULL"), index=True),
    sa.Column("measure_id", sa.Integer, sa.ForeignKey("measures.id", ondelete="SET NULL"), index=True),
)


@dataclass(frozen=True)
class Spelling:
    """A measure as a client wrote it; ``unit`` and ``datatype`` are the store's own."""

    measure_id: int
    name: str
    units: str | None
    unit: str
    datatype: str


def unit_of(written: str | None) -> str:
    """Return the unit that a client's words mean; words that are no unit become an annotation in braces (UCUM).

    An annotation counts nothing and converts to nothing, so that a label such as ``Unit 1`` is kept without posing
    as a unit.
    """
    text = written or ""
    try:
        if POWER_OF_NUMBERS.search(text):  # a number of numbers is no unit, and may take for ever
            raise DataError(f"{text!r} is no unit.")
        return canonical_unit(text)
    except DataError:
        return "{" + text.strip("{}") + "}"


def is_annotation(unit: str) -> bool:
    """Tell whether a unit is words in braces."""
    return unit.startswith("{")


def spellings(connection: sa.Connection, kind: Kind) -> list[Spelling]:
    """Return all measures that sensors have, or that models give, in order of entry."""
    s, m = measure_spellings.c, t.measures.c
    mine = sa.and_(s.measure_id == m.id, s.kind == kind)
    used = t.sensor_type_measures if kind == "sensor" else t.products
    select = (
        sa.select(m.id, m.name, m.unit, m.datatype, s.kind, s.name.label("written"), s.units)
        .select_from(t.measures.outerjoin(measure_spellings, mine))
        .where(sa.or_(s.kind.is_not(None), sa.exists().where(used.c.measure_id == m.id)))
        .order_by(m.id)
    )
    return [
        Spelling(row.id, row.written, row.units, row.unit, row.datatype)
        if row.kind
        else Spelling(row.id, row.name, row.unit, row.unit, row.datatype)
        for row in connection.execute(select)
    ]


def spell(connection: sa.Connection, kind: Kind, name: str, units: str | None, datatype: str) -> Spelling:
    """Return the measure that a client describes, made where it is new.

    Two spellings of a unit are one measure; the same name in another unit is another one.

    Raises
    ------
    DataError
        When the measure holds another type of values.
    """
    unit, held = unit_of(units), DATATYPES[datatype]
    for known in spellings(connection, kind):
        if (known.name, known.unit) == (name, unit):
            return _checked(known, held)
    m = t.measures.c
    for stored in (name, f"{name} [{unit}]"):
        row = connection.execute(sa.select(m.id, m.unit, m.datatype).where(m.name == stored)).first()
        if row is None:
            values = {"name": stored, "unit": unit, "datatype": held}
            number = connection.execute(sa.insert(t.measures).values(**values).returning(m.id)).scalar_one()
            break
        if row.unit == unit:
            number = _checked(Spelling(row.id, name, units, row.unit, row.datatype), held).measure_id
            break
    else:
        raise DataError(f"{name} cannot be measured in {units!r}.", "Give it another name.")
    connection.execute(sa.insert(measure_spellings).values(kind=kind, measure_id=number, name=name, units=units))
    return Spelling(number, name, units, unit, held)


def find(connection: sa.Connection, kind: Kind, name: str, units: str | None = None) -> list[Spelling]:
    """Return the measures of a name, those in a unit where one is given."""
    return [
        known
        for known in spellings(connection, kind)
        if known.name == name and (units is None or known.unit == unit_of(units))
    ]


def _checked(known: Spelling, datatype: str) -> Spelling:
    if known.datatype != datatype:
        raise DataError(
            f"{known.name} in {known.unit} holds {WRITTEN[known.datatype]} values, not {WRITTEN[datatype]}.",
            "Give the measure another name.",
        )
    return known
