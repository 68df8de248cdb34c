"""How the files of a sender are to be read: a YAML file, proposed from the headers, corrected and kept by people."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agritwin.config import read_model
from agritwin.holding.amounts import Decimal
from agritwin.holding.dates import Order, order_in
from agritwin.holding.tables import Table
from agritwin.holding.vocabulary import CATEGORIES, NEEDED, field_of, harvest_unit

Kind = Literal["activities", "harvests", "yearly_harvests", "treatments"]
HarvestUnit = Literal["kg", "t", "kg/ha", "t/ha"]
SIGPAC_PARTS = ("province", "municipality", "aggregate", "zone", "polygon", "parcel", "enclosure")
TAKEN: dict[str, tuple[str, ...]] = {
    "activities": ("day", "text", "twin", "place", "amount", "unit", "product", "dose", "dose_unit", "notes"),
    "harvests": ("day", "amount", "unit", "twin", "place", "quality", "lot", "client"),
    "yearly_harvests": ("twin", *SIGPAC_PARTS, "place", "area"),
    "treatments": (
        "day", "product", "dose", "dose_unit", "registration_number", "problem", "applicator", "equipment",
        "treated_area_ha", "efficacy", "twin", "place", "notes",
    ),
}  # fmt: skip
"""Fields that each kind of table may take, in order of preference for headers that two fields share."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableMapping(_Frozen):
    """How one table of a file is to be read."""

    kind: Kind = Field(description="What its lines are.")
    sheet: str | None = Field(default=None, description="Name of the sheet; any where left out.")
    columns: dict[str, str] = Field(default_factory=dict, description="Field -> header as the sender writes it.")
    date_order: Order | None = Field(default=None, description="dmy or mdy, where the column alone does not prove it.")
    decimal: Decimal | None = Field(default=None, description="Decimal sign of numbers written as text.")
    unit: HarvestUnit | None = Field(
        default=None, description="Unit of harvest amounts, where no column or header states it."
    )
    state: Literal["wet", "dry", "unstated"] = Field(
        default="unstated", description="State in which the harvest was weighed."
    )
    dose_unit: str | None = Field(default=None, description="Unit of doses that carry none.")
    pairing: Literal["same_line", "in_order"] | None = Field(
        default=None,
        description="Yields by year: how lines of weights belong to parcels when they do not stand side by side.",
    )
    zero: Literal["nothing_harvested", "not_recorded"] | None = Field(
        default=None, description="Yields by year: what a zero means."
    )

    @model_validator(mode="after")
    def _fields_are_known(self) -> Self:
        unknown = set(self.columns) - set(TAKEN[self.kind])
        if unknown:
            raise ValueError(
                f"{self.kind} take no {', '.join(sorted(unknown))}; they take {', '.join(TAKEN[self.kind])}"
            )
        missing = set(NEEDED[self.kind]) - set(self.columns)
        if missing:
            raise ValueError(f"{self.kind} need columns for {', '.join(sorted(missing))}")
        return self

    def fits(self, table: Table) -> bool:
        """Return whether a table has all the headers named here, years where years are meant, and no unit left out."""
        if self.sheet is not None and table.sheet != self.sheet:
            return False
        if bool(table.years) != (self.kind == "yearly_harvests"):
            return False
        others = [header for header in table.header if header not in self.columns.values()]
        written = {found[0] for header in others if (found := field_of(header, TAKEN[self.kind]))}
        if written & {"unit", "dose_unit"} - set(self.columns):
            return False  # another sender's, who says the unit line by line: one stated here would overrule it unseen
        return all(table.column(header) is not None for header in self.columns.values())


class Mapping(_Frozen):
    """How the files of one sender are to be read."""

    name: str = Field(description="Who sends such files.")
    encoding: str | None = Field(
        default=None, description="Encoding of csv files, where it is not UTF-8 or Windows-1252."
    )
    delimiter: str | None = Field(default=None, description="Delimiter of csv files, where it cannot be detected.")
    places: dict[str, str] = Field(default_factory=dict, description="Name of a parcel -> twin id.")
    tasks: dict[str, str] = Field(default_factory=dict, description="Task as written -> category.")
    products: dict[str, str] = Field(default_factory=dict, description="Product as written -> product, confirmed.")
    tables: tuple[TableMapping, ...] = Field(
        default=(), description="One entry a kind of table; the first that fits is used."
    )

    @model_validator(mode="after")
    def _categories_are_known(self) -> Self:
        unknown = set(self.tasks.values()) - set(CATEGORIES)
        if unknown:
            raise ValueError(f"no such category: {', '.join(sorted(unknown))}; allowed are {', '.join(CATEGORIES)}")
        return self

    def digest(self) -> str:
        """Return the SHA-256 of all that is stated here."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def load_mappings(folder: Path) -> list[Mapping]:
    """Read every mapping of a folder, by name; none where the folder is not there."""
    return [load_mapping(path) for path in sorted(folder.glob("*.yaml"))]


def load_mapping(path: Path) -> Mapping:
    """Read a mapping.

    Raises
    ------
    ConfigError
        With file and key when it is missing, no YAML, or says something that is not understood.
    """
    return read_model(path, Mapping, "mapping", "Let one be proposed, correct it and save it there.")


def save_mapping(mapping: Mapping, path: Path) -> None:
    """Write a mapping as YAML, only what it states."""
    text = yaml.safe_dump(mapping.model_dump(mode="json", exclude_defaults=True), allow_unicode=True, sort_keys=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def propose_table(table: Table) -> TableMapping | None:
    """Propose how a table is to be read from its headers alone, None where they say too little.

    Units and date orders are proposed only where a header states them: what is not written is asked for.
    """
    if table.years:
        return TableMapping(kind="yearly_harvests", columns=_columns(table, TAKEN["yearly_harvests"]), sheet=None)
    for kind in ("treatments", "activities", "harvests"):
        columns = _columns(table, TAKEN[kind])
        if kind == "treatments" and _is_diary(table):
            continue
        if set(NEEDED[kind]) <= set(columns):
            unit = harvest_unit(columns["amount"]) if kind == "harvests" and "unit" not in columns else None
            order = order_in(columns["day"])
            return TableMapping.model_validate({"kind": kind, "columns": columns, "unit": unit, "date_order": order})
    return None


def _is_diary(table: Table) -> bool:
    """Return whether a table with a column of products is of work, only some of which spread one."""
    columns = _columns(table, ("day", "text", "product"))
    place = table.column(columns["product"]) if {"text", "product"} <= set(columns) else None
    return place is not None and any(row[place] is None for row in table.rows)


def propose_mapping(tables: Iterable[Table], name: str) -> Mapping:
    """Propose a mapping for all tables of a file, for a person to read and correct."""
    proposals: list[TableMapping] = []
    for table in tables:
        proposal = propose_table(table)
        if proposal is not None and proposal not in proposals:
            proposals.append(proposal)
    return Mapping(name=name, tables=tuple(proposals))


def _columns(table: Table, wanted: tuple[str, ...]) -> dict[str, str]:
    """Give each header to the wanted field that it names best, each field the header that names it best."""
    scores: dict[str, tuple[float, str]] = {}
    for header, year in zip(table.header, table.years or (None,) * len(table.header), strict=True):
        found = field_of(header, wanted) if year is None else None
        if found and found[1] > scores.get(found[0], (0.0, ""))[0]:
            scores[found[0]] = (found[1], header)
    return {field: scores[field][1] for field in wanted if field in scores}
