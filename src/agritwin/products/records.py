"""What the holding sent, as it was understood: counts, questions, harvests by season."""

import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from agritwin import workspace
from agritwin.errors import DataError
from agritwin.holding.intake import IntakeReport, take_in
from agritwin.holding.mapping import HarvestUnit, load_mappings
from agritwin.records import queries
from agritwin.records.database import connect, migrate

SHOWN_QUARANTINE = 200
SHOWN_ACTIVITIES = 40
JOURNAL = ["file", "rows_in", "accepted", "rejected", "questions"]
PREFERRED_STATES = ("dry", "unstated", "wet")


def open_records() -> sa.Engine:
    """Open the workspace's record store, migrated."""
    engine = connect(workspace.RECORDS)
    migrate(engine)
    return engine


def take_in_all(
    engine: sa.Engine,
    twin: str,
    twins: Collection[str],
    documents: list[str],
    as_of: dt.date,
    harvest_unit: HarvestUnit | None,
) -> tuple[list[IntakeReport], list[dict[str, str]]]:
    """Take in every document of a twin; one that cannot be read as a whole is told, and the others go through.

    Returns
    -------
    tuple
        Reports, and ``{file, reason, suggestion}`` of documents that were refused whole.
    """
    mappings = load_mappings(workspace.CONFIG / "mappings")
    reports, refused = [], []
    landing = workspace.LANDING / twin
    for document in map(Path, documents):
        try:
            reports.append(
                take_in(
                    engine,
                    twins,
                    document,
                    mappings,
                    as_of,
                    raw=workspace.RAW,
                    landed_for=twin if landing in document.parents else None,
                    harvest_unit=harvest_unit,
                )
            )
        except DataError as error:
            refused.append({"file": document.name, "reason": error.message, "suggestion": error.remedy})
    return reports, refused


def harvests_by_season(engine: sa.Engine, twin: str, area_ha: float, until: dt.date) -> pd.DataFrame:
    """Return one yield a season [kg/ha]: dry weight before unstated before wet.

    Columns ``season, kg_per_ha, state, source``; seasons with a weight of zero are left out, since zero is a question.
    """
    rows = queries.seasonal_yields(engine, twin, area_ha, until).query("kg_per_ha > 0")
    ranks = {state: rank for rank, state in enumerate(PREFERRED_STATES)}
    order = [ranks.get(str(state), len(ranks)) for state in rows["state"]]
    best = rows.assign(order=order).sort_values(["season", "order", "source"]).drop_duplicates("season")
    return best.drop(columns="order").reset_index(drop=True)


def describe(
    engine: sa.Engine, twin: str, area_ha: float, until: dt.date, refused: list[dict[str, str]]
) -> dict[str, Any]:
    """Return the product ``records``."""
    activities = queries.activities(engine, twin, until)
    treatments = queries.treatments(engine, twin, until)
    harvests = queries.harvests(engine, twin, until)
    held = queries.quarantine(engine, twin)
    journal = queries.journal(engine, twin)
    recent = activities.sort_values("day", ascending=False).head(SHOWN_ACTIVITIES)
    return {
        "digest": queries.digest(engine, twin, until),
        "counts": {
            "activities": len(activities),
            "treatments": len(treatments),
            "harvests": len(harvests),
            "quarantine": len(held),
        },
        "journal": pd.DataFrame(journal, columns=JOURNAL).rename(columns={"rows_in": "rows"}),
        "refused": refused,
        "quarantine": held.head(SHOWN_QUARANTINE).astype(object).where(held.notna(), None),
        "harvests": harvests_by_season(engine, twin, area_ha, until),
        "recent_activities": recent[["day", "category", "task", "text", "amount", "unit"]]
        .astype(object)
        .where(recent.notna(), None),
    }
