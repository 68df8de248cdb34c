"""Observations as SensorThings asks for them: filtered, in an order, a page of them."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from agritwin.api import odata
from agritwin.api.stored.things import Catalogue, written
from agritwin.records import tables as t
from agritwin.records.instruments import Flag
from agritwin.records.readings import together
from agritwin.records.values import value_of

Columns = sa.ColumnCollection[str, sa.ColumnElement[Any]]
ORDER = {"phenomenonTime": "time_ms", "resultTime": "arrival_ms", "result": "value"}


def observations(
    catalogue: Catalogue, where: Callable[[Columns], list[sa.ColumnElement[bool]]], asked: odata.Options
) -> tuple[int | None, list[dict[str, Any]], bool]:
    """Return how many observations there are (where asked), a page of them, and whether more follow.

    Parameters
    ----------
    catalogue
        What may be seen.
    where
        Makes conditions on columns of readings: which observations are meant.
    asked
        Filter, order and page.

    Raises
    ------
    QueryError
        For a property that cannot be asked for.
    """
    sensors = [sensor.id for sensor in catalogue.sensors]
    total, parts = 0, []
    for datatype in sorted({known.datatype for known in catalogue.measures.values()}):
        found = together(datatype)
        conditions = [*where(found.c), found.c.sensor_id.in_(sensors)]
        if asked.filter is not None:
            conditions.append(odata.clause(asked.filter, _comparisons(found.c)))
        # No type gives more to the page than the page ends with: each is cut there, along the key of its table.
        select = sa.select(found).where(*conditions).order_by(*_order(found.c, asked))
        parts.append(sa.select(select.limit(asked.skip + asked.top + 1).subquery()))
        if asked.count:
            counting = sa.select(sa.func.count()).select_from(found).where(*conditions)
            total += catalogue.connection.execute(counting).scalar_one()
    if not parts:
        return (0 if asked.count else None), [], False
    page = sa.union_all(*parts).subquery()
    select = sa.select(page).order_by(*_order(page.c, asked)).limit(asked.top + 1).offset(asked.skip)
    rows = catalogue.connection.execute(select).all()
    shown = [_observation(catalogue, row) for row in rows[: asked.top]]
    return (total if asked.count else None), shown, len(rows) > asked.top


def _order(c: Columns, asked: odata.Options) -> list[sa.ColumnElement[Any]]:
    found = []
    for name, descending in asked.order:
        if name not in ORDER:
            raise odata.QueryError(f"Observations cannot be ordered by {name!r}.")
        column = c[ORDER[name]]
        found.append(column.desc() if descending else column)
    return [*found, *(c[name] for name in t.KEY)]


def _comparisons(c: Columns) -> dict[str, Callable[[str, Any], sa.ColumnElement[bool]]]:
    def of_result(kind: str, wanted: Any) -> sa.ColumnElement[bool]:
        if isinstance(wanted, str):
            return odata.COMPARE[kind](c.text, wanted)
        return odata.by_number(c.value)(kind, wanted)

    return {
        "phenomenonTime": odata.by_moment(c.time_ms),
        "resultTime": odata.by_moment(c.arrival_ms),
        "result": of_result,
    }


def _observation(catalogue: Catalogue, row: Any) -> dict[str, Any]:
    known = catalogue.measures[row.measure_id]
    found: dict[str, Any] = {
        "@iot.id": f"{row.sensor_id}-{row.measure_id}-{row.time_ms}-{row.occurrence}",
        "phenomenonTime": written(row.time_ms),
        "resultTime": written(row.arrival_ms),
        "result": value_of(known.datatype, row.value, row.text),
    }
    if row.flags:
        found["resultQuality"] = [str(flag.name).lower() for flag in Flag(row.flags)]
    return found
