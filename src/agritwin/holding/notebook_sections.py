"""The sections of the Spanish field notebook beside the treatments: holding, parcel, harvest sold, fertilisation.

Layout after Real Decreto 1311/2012, annex III. What the holding did not state is None and listed row by row.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from agritwin.records import queries
from agritwin.records import tables as t

SIGPAC = ("province", "municipality", "aggregate", "zone", "polygon", "parcel", "enclosure")
FIELDS: dict[str, tuple[str, ...]] = {
    "1.1 holding": ("name", "tax_number", "holding_register", "address"),
    "1.2 persons who apply": ("name", "tax_number", "applicator_register", "licence_level"),
    "1.3 equipment": ("name", "roma_number", "bought", "last_inspection"),
    "1.4 advisers": ("name", "tax_number", "integrated_management"),
    "2.1 parcel": (
        *SIGPAC,
        *("sigpac_use", "sigpac_area_ha", "cultivated_area_ha", "species", "variety", "irrigation", "protection"),
    ),
    "2.2 water and protected zones": ("drinking_water_point", "distance_m", "protected_zone"),
    "5 harvest sold": ("day", "product", "kg", "parcel", "lot", "client"),
    "6 fertilisation": ("day", "product", "richness_n_p_k", "dose", "dose_unit", "form", "parcel"),
}
NOT_KEPT = (
    *("3.1b justification and monitoring", "3.2 treated seed", "3.3 post-harvest", "3.4 premises", "3.5 transport"),
    "4 analyses",
)
"""Sections of which the record store keeps nothing; the holder fills them in by hand where they apply."""
FERTILISING = ("fertilisation", "fertigation")
"""Kinds of work whose products feed the plants."""
KILOGRAMS = {"kg": 1.0, "t": 1000.0}


@dataclass(frozen=True)
class Section:
    """A section: its title and rows, each with all of its fields."""

    title: str
    rows: list[dict[str, Any]]

    @property
    def missing(self) -> list[dict[str, Any]]:
        """One entry a missing field: ``record`` (number from 1) and ``field``."""
        return [
            {"record": number, "field": name}
            for number, row in enumerate(self.rows, start=1)
            for name, value in row.items()
            if value is None
        ]


def sections(
    engine: sa.Engine,
    twin_id: str,
    year: int,
    issue_date: dt.date,
    holder: dict[str, str],
    parcel: dict[str, Any],
    records: list[dict[str, Any]],
) -> list[Section]:
    """Collect the sections of a year; those that list something have no row where nothing is recorded.

    Parameters
    ----------
    engine, twin_id, year, issue_date, holder, parcel
        As in :func:`agritwin.holding.field_notebook.field_notebook`.
    records
        The treatments of the year, which name persons and equipment.
    """
    found = {
        "1.1 holding": [holder],
        "1.2 persons who apply": _persons(engine, _named(records, "applicator")),
        "1.3 equipment": [{"name": name} for name in _named(records, "equipment")],
        "1.4 advisers": _advisers(engine, twin_id),
        "2.1 parcel": [_parcel(engine, twin_id) | parcel],
        "2.2 water and protected zones": [{}],
        "5 harvest sold": _harvests(engine, twin_id, year, issue_date),
        "6 fertilisation": _fertilisation(engine, twin_id, year, issue_date),
    }
    return [
        Section(title, [{name: row.get(name) for name in FIELDS[title]} for row in found[title]]) for title in FIELDS
    ]


def _named(records: list[dict[str, Any]], field: str) -> list[str]:
    return sorted({str(record[field]) for record in records if record[field] is not None})


def _persons(engine: sa.Engine, names: list[str]) -> list[dict[str, Any]]:
    """Return what is known of persons whom treatments name, by their name or tax number."""
    c = t.parties.c
    known = queries.frame(engine, sa.select(c.name, c.tax_number, c.applicator_register)).to_dict("records")
    found = {str(row[key]): row for row in known for key in ("name", "tax_number") if row[key]}
    return [{"name": name} | found.get(name, {}) for name in names]


def _advisers(engine: sa.Engine, twin_id: str) -> list[dict[str, Any]]:
    select = (
        sa.select(t.parties.c.name, t.parties.c.tax_number)
        .join(t.roles, t.roles.c.party_id == t.parties.c.id)
        .where(t.roles.c.twin_id == twin_id, t.roles.c.role == "adviser")
        .order_by(t.parties.c.name)
    )
    return queries.frame(engine, select).to_dict("records")


def _parcel(engine: sa.Engine, twin_id: str) -> dict[str, Any]:
    numbers = twin_id.split("-")
    code = dict(zip(SIGPAC, numbers, strict=True)) if len(numbers) == len(SIGPAC) else {"parcel": twin_id}
    area = queries.frame(engine, sa.select(t.twins.c.declared_area_ha).where(t.twins.c.id == twin_id))
    return code | {"cultivated_area_ha": _plain(area["declared_area_ha"].iloc[0]) if len(area) else None}


def _harvests(engine: sa.Engine, twin_id: str, year: int, issue_date: dt.date) -> list[dict[str, Any]]:
    rows = queries.harvests(engine, twin_id, issue_date)
    return [
        {
            **{name: _plain(row[name]) for name in ("day", "lot", "client")},
            "kg": row["amount"] * KILOGRAMS[row["unit"]] if row["unit"] in KILOGRAMS else None,
            "parcel": twin_id,
        }
        for row in rows.loc[rows["year"] == year].to_dict("records")
    ]


def _fertilisation(engine: sa.Engine, twin_id: str, year: int, issue_date: dt.date) -> list[dict[str, Any]]:
    """Return the products that fed the plants; work that names none stands with its text and amount."""

    def of_year(table: pd.DataFrame) -> list[dict[str, Any]]:
        chosen = table["category"].isin(FERTILISING) & (table["day"].dt.year == year)
        return table.loc[chosen].to_dict("records")

    products = of_year(queries.treatments(engine, twin_id, issue_date))
    named = {row["activity_id"] for row in products}
    lines = [row for row in of_year(queries.activities(engine, twin_id, issue_date)) if row["occurrence"] == 1]
    work = [row | {"product_name": row["text"], "dose": row["amount"], "dose_unit": row["unit"]} for row in lines]
    rows = [*products, *(row for row in work if row["id"] not in named)]
    return [
        {
            "day": _plain(row["day"]),
            "product": row["product_name"],
            "dose": _plain(row["dose"]),
            "dose_unit": _plain(row["dose_unit"]),
            "parcel": twin_id,
        }
        for row in sorted(rows, key=lambda row: row["day"])
    ]


def _plain(value: Any) -> Any:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return f"{value:%Y-%m-%d}" if isinstance(value, dt.date) else value
