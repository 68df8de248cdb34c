"""Harvests told by several sources, compared: kilograms against kilograms per hectare by the area of the parcel."""

import itertools

import pandas as pd
import sqlalchemy as sa

from agritwin.records.queries import seasonal_yields

YIELD_TOLERANCE = 0.05


def disagreeing_yields(
    engine: sa.Engine, twin_id: str, area_ha: float, tolerance: float = YIELD_TOLERANCE
) -> pd.DataFrame:
    """Return the seasons for which two sources tell different yields.

    Weights in one state are compared. A weight whose state nobody stated disagrees when it is near neither the dry nor
    the wet weight of the other source.

    Parameters
    ----------
    engine, twin_id
        Store and parcel.
    area_ha
        Area that makes kg and kg/ha comparable.
    tolerance
        Relative difference, against the larger, up to which two yields agree.

    Returns
    -------
    DataFrame
        Columns ``season, source, state, kg_per_ha, other_source, other_state, other_kg_per_ha``.
    """
    rows = []
    table = seasonal_yields(engine, twin_id, area_ha)
    for _, season in table.groupby("season"):
        sources = [group.to_dict("records") for _, group in season.groupby("source")]
        for one, other in itertools.combinations(sources, 2):
            rows += _compare(one, other, tolerance)
    columns = ["season", "source", "state", "kg_per_ha", "other_source", "other_state", "other_kg_per_ha"]
    return pd.DataFrame(rows, columns=columns)


def _compare(one: list[dict], other: list[dict], tolerance: float) -> list[tuple]:
    found = []
    for mine, theirs in itertools.product(one, other):
        if mine["state"] == theirs["state"] and not _near(mine, theirs, tolerance):
            found.append(_pair(mine, theirs))
    for unstated, stated in ((one, other), (other, one)):
        candidates = [row for row in stated if row["state"] != "unstated"]
        for row in (row for row in unstated if row["state"] == "unstated"):
            if candidates and not any(_near(row, candidate, tolerance) for candidate in candidates):
                nearest = min(candidates, key=lambda candidate, row=row: abs(candidate["kg_per_ha"] - row["kg_per_ha"]))
                found.append(_pair(row, nearest))
    return found


def _near(one: dict, other: dict, tolerance: float) -> bool:
    return abs(one["kg_per_ha"] - other["kg_per_ha"]) <= tolerance * max(one["kg_per_ha"], other["kg_per_ha"])


def _pair(one: dict, other: dict) -> tuple:
    told = (other["source"], other["state"], other["kg_per_ha"])
    return (one["season"], one["source"], one["state"], one["kg_per_ha"], *told)
