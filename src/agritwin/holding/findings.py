"""What reading a file gives: records to be stored, and refusals that say where, what and why."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Literal

from agritwin.holding.doses import Product
from agritwin.holding.mapping import HarvestUnit


@dataclass(frozen=True)
class Refusal:
    """A line that was not loaded (``rejected``), or something to be answered (``question``) or known (``note``)."""

    kind: Literal["rejected", "question", "note"]
    sheet: str
    row: int | None
    column: str | None
    value: str | None
    reason: str
    suggestion: str
    twin_id: str | None = None


@dataclass(frozen=True)
class Record:
    """A row for the record store: table, twin, typed content, the products of an activity.

    ``attributes`` are the cells that the content does not hold, by header; they do not make two lines different ones.
    """

    table: Literal["activities", "harvests", "treatments"]
    twin_id: str
    content: dict[str, Any]
    products: tuple[Product, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Lines:
    """What a table gave: how many lines it has, the records, the refusals, and the first day that lies ahead."""

    rows_in: int = 0
    records: list[Record] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    parcels: dict[str, dict[str, Any]] = field(default_factory=dict)
    postponed_until: dt.date | None = None

    def postpone(self, day: dt.date) -> None:
        """Remember the earliest day of the lines that lie after the clock."""
        self.postponed_until = min(day, self.postponed_until or day)


@dataclass(frozen=True)
class Holding:
    """What is known before a file is opened: twins, clock, for which twin the file came, unit of its harvests."""

    twin_ids: frozenset[str]
    as_of: dt.date
    landed_for: str | None = None
    harvest_unit: HarvestUnit | None = None


class RefusedError(Exception):
    """A line that cannot be loaded, and why; ``question`` is what a person must answer, once for all such lines."""

    def __init__(self, field_name: str | None, value: object, reason: str, suggestion: str, question: str = "") -> None:
        super().__init__(reason)
        self.field, self.value, self.reason, self.suggestion = field_name, value, reason, suggestion
        self.question = question
