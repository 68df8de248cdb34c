"""Models, their scenarios, what they give, and their runs."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa

from agritwin.api.errors import ConflictError, UnknownError
from agritwin.api.shapes import milliseconds, moment
from agritwin.records import tables as t
from agritwin.records.database import insert
from agritwin.records.spellings import Spelling, find, measure_spellings, run_targets, spellings

BATCH = 5_000


def add(connection: sa.Connection, name: str) -> None:
    """Add a model.

    Raises
    ------
    ConflictError
        When the name is taken.
    """
    if _model(connection, name) is not None:
        raise ConflictError("Model exists already", "Use it, or choose another name.")
    connection.execute(sa.insert(t.models).values(name=name, description=""))


def listed(connection: sa.Connection) -> list[str]:
    """Return the names of all models, in order of entry."""
    return list(connection.scalars(sa.select(t.models.c.name).order_by(t.models.c.id)))


def delete(connection: sa.Connection, name: str) -> None:
    """Remove a model without runs.

    Raises
    ------
    UnknownError, ConflictError
        When there is none of that name, or it has runs.
    """
    number = known_model(connection, name)
    mine = sa.select(t.runs.c.id).join(t.scenarios).where(t.scenarios.c.model_id == number)
    if connection.execute(mine).first():
        raise ConflictError(f"There are runs of model '{name}'.", "Delete them first.")
    connection.execute(sa.delete(t.models).where(t.models.c.id == number))


def known_model(connection: sa.Connection, name: str) -> int:
    """Return the number of a model.

    Raises
    ------
    UnknownError
        When there is none of that name.
    """
    number = _model(connection, name)
    if number is None:
        raise UnknownError(f"Model '{name}' does not exist", "Insert the model first.")
    return number


def add_scenario(connection: sa.Connection, model: str, description: str | None) -> int:
    """Add a scenario of a model and return its number.

    Raises
    ------
    UnknownError, ConflictError
        When there is no such model, or the scenario is there already.
    """
    number = known_model(connection, model)
    if scenario(connection, number, description) is not None:
        raise ConflictError("Scenario exists already", "Use it.")
    row = {"model_id": number, "name": description or "", "parameters": {}}
    return connection.execute(sa.insert(t.scenarios).values(**row).returning(t.scenarios.c.id)).scalar_one()


def scenario(connection: sa.Connection, model: int, description: str | None) -> int | None:
    """Return the number of a scenario, None where it is not there; no description is an empty one."""
    c = t.scenarios.c
    return connection.scalar(sa.select(c.id).where(c.model_id == model, c.name == (description or "")))


def scenarios(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return all scenarios: ``model_name, description``."""
    c = t.scenarios.c
    rows = connection.execute(sa.select(t.models.c.name.label("model"), c.name).join(t.models).order_by(c.id))
    return [{"model_name": row.model, "description": row.name or None} for row in rows]


def delete_scenario(connection: sa.Connection, model: str, description: str | None) -> None:
    """Remove a scenario without runs.

    Raises
    ------
    UnknownError, ConflictError
        When it is not there, or has runs.
    """
    number = scenario(connection, known_model(connection, model), description)
    if number is None:
        raise UnknownError(f"No model scenario '{description}' for model '{model}'.", "List the scenarios.")
    if connection.execute(sa.select(t.runs.c.id).where(t.runs.c.scenario_id == number)).first():
        raise ConflictError("There are runs of this scenario.", "Delete them first.")
    connection.execute(sa.delete(t.scenarios).where(t.scenarios.c.id == number))


def delete_measure(connection: sa.Connection, name: str) -> None:
    """Forget what models call a measure, unless runs gave values of it.

    Raises
    ------
    UnknownError, ConflictError
        When it is not there, or has values.
    """
    known = find(connection, "model", name)
    if not known:
        raise UnknownError(f"No model measure named '{name}'.", "List the model measures.")
    numbers = [each.measure_id for each in known]
    if connection.execute(sa.select(t.products.c.run_id).where(t.products.c.measure_id.in_(numbers)).limit(1)).first():
        raise ConflictError(f"There are results for measure '{name}'.", "Delete their runs first.")
    c = measure_spellings.c
    connection.execute(sa.delete(measure_spellings).where(c.kind == "model", c.measure_id.in_(numbers)))


def add_run(
    connection: sa.Connection,
    scenario_id: int,
    twin: str | None,
    created_ms: int,
    target: tuple[int | None, int | None],
    results: list[tuple[Spelling, list[tuple[int, float | None, str | None]]]],
    by: str,
) -> int:
    """Store a run with its results and return its number; the same run again is the same number.

    Parameters
    ----------
    connection, scenario_id, twin
        Transaction, scenario, twin that it concerns.
    created_ms
        When it was made.
    target
        Sensor and measure to compare with.
    results
        For each measure rows of time [ms], number, text.
    by
        Address of who sent it.
    """
    about = [scenario_id, twin, created_ms, target, [(known.measure_id, rows) for known, rows in results]]
    digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()
    known = connection.scalar(sa.select(t.runs.c.id).where(t.runs.c.digest == digest))
    if known is not None:
        return known
    if twin is not None:
        connection.execute(insert(connection, t.twins).on_conflict_do_nothing(), {"id": twin})
    manifest = {"inputs": {}, "code": None, "parameters": {}, "metrics": {}, "seed": None, "sent_by": by}
    row = {"twin_id": twin, "scenario_id": scenario_id, "digest": digest, "issue_time": moment(created_ms).date()}
    number = connection.execute(sa.insert(t.runs).values(**row, manifest=manifest).returning(t.runs.c.id)).scalar_one()
    made = {"run_id": number, "created_ms": created_ms, "sensor_id": target[0], "measure_id": target[1]}
    connection.execute(sa.insert(run_targets).values(**made))
    values = [
        {"run_id": number, "measure_id": known.measure_id, "member": 0, "time_ms": time, "value": value, "text": text}
        for known, rows in results
        for time, value, text in rows
    ]
    for start in range(0, len(values), BATCH):
        connection.execute(sa.insert(t.products), values[start : start + BATCH])
    return number


def runs(
    connection: sa.Connection,
    model: str,
    span: tuple[Any, Any],
    description: str | None,
    twins: list[str] | None,
) -> list[dict[str, Any]]:
    """Return the runs of a model made in a span of time, both ends included, oldest first, in DTBase's shape.

    A run of the workflow has no time of its own: it counts as made when its day of issue began.
    """
    c, made = t.runs.c, run_targets.c
    first, last = span
    within = sa.or_(
        made.created_ms.between(milliseconds(first), milliseconds(last)),
        sa.and_(made.created_ms.is_(None), c.issue_time.between(first.date(), last.date())),
    )
    select = _runs().where(t.models.c.name == model, within).order_by(c.id)
    if description is not None:
        select = select.where(t.scenarios.c.name == description)
    if twins is not None:
        select = select.where(c.twin_id.in_(twins))
    known = {each.measure_id: each for each in spellings(connection, "sensor")}
    return [_run(row, known) for row in connection.execute(select).mappings()]


def run(connection: sa.Connection, number: int, twins: list[str] | None) -> dict[str, Any]:
    """Return a run in DTBase's shape.

    Raises
    ------
    UnknownError
        When there is none of that number, on these twins.
    """
    row = connection.execute(_runs().where(t.runs.c.id == number)).mappings().first()
    if row is None or (twins is not None and row["twin_id"] not in twins):
        raise UnknownError("No such model run", "List the runs of the model.")
    return _run(row, {each.measure_id: each for each in spellings(connection, "sensor")})


def results(connection: sa.Connection, number: int) -> dict[str, list[tuple[str, int, float | None, str | None]]]:
    """Return what a run gave: name of the measure -> datatype, time [ms], number, text.

    Members of an ensemble after the first stand under ``name [member]``.
    """
    c = t.products.c
    select = sa.select(c.measure_id, c.member, c.time_ms, c.value, c.text).where(c.run_id == number)
    known = {each.measure_id: each for each in spellings(connection, "model")}
    found: dict[str, list[tuple[str, int, float | None, str | None]]] = {}
    for row in connection.execute(select.order_by(c.measure_id, c.member, c.time_ms)):
        spelling = known[row.measure_id]
        name = spelling.name if row.member == 0 else f"{spelling.name} [{row.member}]"
        found.setdefault(name, []).append((spelling.datatype, row.time_ms, row.value, row.text))
    return found


def delete_run(connection: sa.Connection, number: int) -> None:
    """Remove a run with its results."""
    connection.execute(sa.delete(t.runs).where(t.runs.c.id == number))


def _model(connection: sa.Connection, name: str) -> int | None:
    return connection.scalar(sa.select(t.models.c.id).where(t.models.c.name == name))


def _runs() -> sa.Select[Any]:
    c, made = t.runs.c, run_targets.c
    return sa.select(
        *(c.id, c.twin_id, c.scenario_id, c.issue_time, t.scenarios.c.model_id, made.created_ms, made.measure_id),
        t.models.c.name.label("model_name"),
        t.scenarios.c.name.label("scenario_description"),
        t.sensors.c.name.label("sensor_unique_id"),
    ).select_from(
        t.runs.join(t.scenarios)
        .join(t.models)
        .outerjoin(run_targets, made.run_id == c.id)
        .outerjoin(t.sensors, t.sensors.c.id == made.sensor_id)
    )


def _run(row: Any, known: dict[int, Spelling]) -> dict[str, Any]:
    measure = known.get(row["measure_id"])
    day = row["issue_time"].isoformat() + "T00:00:00+00:00"
    return {
        **{name: row[name] for name in ("id", "model_id", "model_name", "scenario_id", "sensor_unique_id")},
        "twin": row["twin_id"],
        "scenario_description": row["scenario_description"],
        "time_created": day if row["created_ms"] is None else moment(row["created_ms"]),
        "sensor_measure": None if measure is None else {"name": measure.name, "units": measure.units},
    }
