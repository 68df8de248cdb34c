"""Runs of models: what was asked (scenario), with what (manifest), and what came out (products). Never altered."""

import datetime as dt
import hashlib
import json
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import insert, writing
from agritwin.records.queries import frame

NEEDED = ("inputs", "code", "parameters", "metrics", "seed")


def record_run(
    engine: sa.Engine,
    twin_id: str,
    model: str,
    scenario: str,
    scenario_parameters: dict[str, Any],
    issue_time: dt.date,
    manifest: dict[str, Any],
    products: pd.DataFrame,
) -> int:
    """Store a run and return its number; the same run again is the same number.

    Parameters
    ----------
    engine, twin_id, model, scenario
        Store, twin, name of the model, name of the scenario.
    scenario_parameters
        What the scenario changes.
    issue_time
        Clock of the run.
    manifest
        ``inputs`` (name -> digest), ``code``, ``parameters``, ``metrics``, ``seed``.
    products
        Columns ``measure`` (defined), ``time`` (UTC, naive), ``value``, where there ``member``.

    Raises
    ------
    DataError
        When the manifest lacks a key or a measure is not defined.
    """
    if missing := sorted(set(NEEDED) - set(manifest)):
        raise DataError(f"The manifest of a run lacks {', '.join(missing)}.", f"A run is its {', '.join(NEEDED)}.")
    about = [twin_id, model, scenario, scenario_parameters, issue_time.isoformat(), manifest]
    content = products.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%f")
    digest = hashlib.sha256((json.dumps(about, sort_keys=True) + content).encode()).hexdigest()
    with writing(engine) as connection:
        known = connection.scalar(sa.select(t.runs.c.id).where(t.runs.c.digest == digest))
        if known is not None:
            return known
        connection.execute(insert(connection, t.twins).on_conflict_do_nothing(), {"id": twin_id})
        number = _scenario(connection, _model(connection, model), scenario, scenario_parameters)
        row = {"twin_id": twin_id, "scenario_id": number, "digest": digest, "issue_time": issue_time}
        add = sa.insert(t.runs).values(**row, manifest=manifest).returning(t.runs.c.id)
        run_id = connection.execute(add).scalar_one()
        rows = _products(connection, run_id, products)
        if rows:
            connection.execute(sa.insert(t.products), rows)
    return run_id


def runs(engine: sa.Engine, twin_id: str, model: str | None = None) -> pd.DataFrame:
    """Return the runs of a twin: ``id, model, scenario, issue_time, digest, manifest``, newest issue last."""
    select = (
        sa.select(
            t.runs.c.id,
            t.models.c.name.label("model"),
            t.scenarios.c.name.label("scenario"),
            *(t.runs.c.issue_time, t.runs.c.digest, t.runs.c.manifest),
        )
        .select_from(t.runs.join(t.scenarios).join(t.models))
        .where(t.runs.c.twin_id == twin_id)
        .order_by(t.runs.c.issue_time, t.runs.c.id)
    )
    return frame(engine, select if model is None else select.where(t.models.c.name == model))


def products(engine: sa.Engine, run_id: int) -> pd.DataFrame:
    """Return what a run gave: ``measure, unit, time`` (UTC, naive), ``member, value``."""
    c = t.products.c
    select = (
        sa.select(t.measures.c.name.label("measure"), t.measures.c.unit, c.time_ms.label("time"), c.member, c.value)
        .select_from(t.products.join(t.measures))
        .where(c.run_id == run_id)
        .order_by(t.measures.c.name, c.time_ms, c.member)
    )
    table = frame(engine, select)
    table["time"] = pd.to_datetime(table["time"], unit="ms")
    return table


def _model(connection: sa.Connection, name: str) -> int:
    c = t.models.c
    known = connection.scalar(sa.select(c.id).where(c.name == name))
    if known is not None:
        return known
    return connection.execute(sa.insert(t.models).values(name=name, description="").returning(c.id)).scalar_one()


def _scenario(connection: sa.Connection, model_id: int, name: str, parameters: dict[str, Any]) -> int:
    """Return the number of a scenario; one that runs refer to never changes its meaning."""
    c = t.scenarios.c
    known = connection.execute(sa.select(c.id, c.parameters).where(c.model_id == model_id, c.name == name)).first()
    if known is None:
        values = {"model_id": model_id, "name": name, "parameters": parameters}
        return connection.execute(sa.insert(t.scenarios).values(**values).returning(c.id)).scalar_one()
    if known.parameters != parameters:
        raise DataError(f"Scenario {name!r} has other parameters: {known.parameters}.", "Choose another name.")
    return known.id


def _products(connection: sa.Connection, run_id: int, table: pd.DataFrame) -> list[dict[str, Any]]:
    known = dict(connection.execute(sa.select(t.measures.c.name, t.measures.c.id)).tuples().all())
    if unknown := sorted(set(table["measure"]) - set(known)):
        raise DataError(f"{', '.join(unknown)} are not among the measures.", "Define them first.")
    times = table["time"].to_numpy("datetime64[ms]").astype(np.int64).tolist()
    members = table["member"].tolist() if "member" in table else [0] * len(table)
    values = [None if np.isnan(value) else value for value in table["value"].to_numpy(float).tolist()]
    return [
        {"run_id": run_id, "measure_id": known[measure], "time_ms": time, "member": member, "value": value}
        for measure, time, member, value in zip(table["measure"], times, members, values, strict=True)
    ]
