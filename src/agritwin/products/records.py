"""What the holding sent, as it was understood: counts, questions, harvests by season."""

import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from agritwin import workspace
from agritwin.errors import DataError
from agritwin.holding.checks import disagreeing_yields
from agritwin.holding.corrections import is_corrections, read_corrections, save_corrections
from agritwin.holding.intake import IntakeReport, take_in
from agritwin.holding.mapping import HarvestUnit, load_mapping
from agritwin.holding.refusals import tell_unreadable
from agritwin.records import queries
from agritwin.records.database import connect, migrate
from agritwin.records.instruments import Flag
from agritwin.records.readings import readings
from agritwin.sensors.ingest import StreamReport, ingest
from agritwin.sensors.registry import load_registry

SHOWN_QUARANTINE = 200
SHOWN_ACTIVITIES = 40
HOURS_OF_A_DAY = 12
_DAY_OF_READINGS = {"value": "median", "hour": "nunique"}
JOURNAL = ["file", "rows_in", "accepted", "known", "rejected", "questions"]
PREFERRED_STATES = ("dry", "unstated", "wet")


def open_records() -> sa.Engine:
    """Open the workspace's record store, migrated."""
    engine = connect(workspace.records())
    migrate(engine)
    return engine


def take_in_all(
    engine: sa.Engine,
    twin: str,
    twins: Collection[str],
    documents: list[str],
    mappings: list[str],
    as_of: dt.date,
    harvest_unit: HarvestUnit | None,
) -> tuple[list[IntakeReport], list[dict[str, str]]]:
    """Take in every document of a twin; one that cannot be read as a whole is told, and the others go through.

    Quarantines that came back filled in are read first, since they say how the others are to be read.

    Returns
    -------
    tuple
        Reports, and ``{file, reason, suggestion}`` of documents that were refused whole.
    """
    known = [load_mapping(Path(path)) for path in mappings]
    reports: list[IntakeReport] = []
    refused: dict[Path, DataError] = {}
    for document in sorted(map(Path, documents), key=is_corrections, reverse=True):
        try:
            if is_corrections(document):
                save_corrections(engine, read_corrections(document))
                continue
            options: dict[str, Any] = {"raw": workspace.RAW, "landed_for": twin, "harvest_unit": harvest_unit}
            reports.append(take_in(engine, twins, document, known, as_of, **options))
        except DataError as error:
            refused[document] = error
    tell_unreadable(engine, twin, refused, as_of)
    return reports, [
        {"file": document.name, "reason": error.message, "suggestion": error.remedy}
        for document, error in refused.items()
    ]


def read_sensors(
    engine: sa.Engine, twin: str, twins: Collection[str], sensors: list[str], registry: str | list[str], as_of: dt.date
) -> list[StreamReport]:
    """Store what the loggers sent, flagged and never dropped; nothing where no registry says what the columns are."""
    if not sensors or not isinstance(registry, str):
        return []
    known = load_registry(Path(registry))
    return [ingest(engine, Path(path), known, twins, as_of, landed_for=twin) for path in sensors]


def sensor_table(engine: sa.Engine, twin: str, until: dt.date) -> pd.DataFrame:
    """Return one row a sensor and measure: unit, readings, how many are doubtful, first and last moment (UTC)."""
    table = readings(engine, twin_id=twin, end=dt.datetime.combine(until, dt.time()), doubtful=True)
    if table.empty:
        return pd.DataFrame(columns=["sensor", "measure", "unit", "readings", "doubtful", "first", "last"])
    grouped = table.assign(doubt=table["flags"] != 0).groupby(["sensor", "measure", "unit"])
    return grouped.agg(
        readings=("time", "size"), doubtful=("doubt", "sum"), first=("time", "min"), last=("time", "max")
    ).reset_index()


def sensor_days(engine: sa.Engine, twin: str, until: dt.date, zone: str) -> pd.DataFrame:
    """Return the median of each measure by local day, of days that have half of their hours; columns are measures.

    Readings that are absurd, out of place or stuck are left out.
    """
    table = readings(engine, twin_id=twin, end=dt.datetime.combine(until, dt.time()))
    good = table.loc[((table["flags"] & int(Flag.STUCK)) == 0) & table["value"].notna()]
    local = pd.DatetimeIndex(good["time"]).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    hourly = good.assign(day=local.normalize(), hour=local.hour)
    days = hourly.pivot_table(index="day", columns="measure", values=["value", "hour"], aggfunc=_DAY_OF_READINGS)
    if days.empty:
        return pd.DataFrame()
    whole = days["value"].where(days["hour"] >= HOURS_OF_A_DAY)
    whole.attrs = {"units": dict(zip(good["measure"], good["unit"], strict=True))}
    return whole


def with_sensors(context: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return a context with the days of sensors beside it, units of all columns kept."""
    joined = context.join(measured)
    joined.attrs = {"units": context.attrs["units"] | measured.attrs.get("units", {})}
    return joined


def harvests_by_season(engine: sa.Engine, twin: str, area_ha: float, until: dt.date) -> pd.DataFrame:
    """Return one yield a season [kg/ha], all of one source and one state, that with most seasons.

    Weights of different states (wet, dry) are never mixed into one series. Columns ``season, kg_per_ha, state,
    source``; seasons with a weight of zero are left out, since zero is a question.
    """
    rows = queries.seasonal_yields(engine, twin, area_ha, until).query("kg_per_ha > 0")
    if rows.empty:
        return rows
    ranks = {state: rank for rank, state in enumerate(PREFERRED_STATES)}
    size = rows.groupby(["state", "source"])["season"].transform("size")
    rank = [ranks.get(str(state), len(ranks)) for state in rows["state"]]
    first = rows.assign(size=-size, rank=rank).sort_values(["size", "rank", "source", "season"])
    best = first.iloc[0]
    chosen = rows[(rows["state"] == best["state"]) & (rows["source"] == best["source"])]
    return pd.DataFrame(chosen).sort_values("season").reset_index(drop=True)


def _journal(journal: pd.DataFrame) -> pd.DataFrame:
    # What another twin's run had stored before counts as accepted too.
    table = pd.DataFrame(journal, columns=JOURNAL).rename(columns={"rows_in": "rows"})
    return table.assign(accepted=table["accepted"] + table["known"]).drop(columns="known")


def describe(
    engine: sa.Engine, twin: str, area_ha: float, until: dt.date, refused: list[dict[str, str]]
) -> dict[str, Any]:
    """Return the product ``records``."""
    logged = sensor_table(engine, twin, until)
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
            "readings": sum(map(int, logged["readings"])),
        },
        "sensors": logged,
        "disagreeing_harvests": disagreeing_yields(engine, twin, area_ha),
        "journal": _journal(journal),
        "refused": refused,
        "quarantine": held.head(SHOWN_QUARANTINE).astype(object).where(held.notna(), None),
        "harvests": harvests_by_season(engine, twin, area_ha, until),
        "recent_activities": recent[["day", "category", "task", "text", "amount", "unit"]]
        .astype(object)
        .where(recent.notna(), None),
    }
