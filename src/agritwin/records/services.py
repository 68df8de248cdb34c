"""Services: names for registered jobs, sets of parameters for them, and the journal of their runs."""

import datetime as dt
from typing import Any

import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import reading, writing

STATES = ("queued", "running", "done", "failed", "timed_out", "interrupted")
LOG_LENGTH = 4_000


def _service(*, nullable: bool = False) -> sa.Column[int]:
    target = sa.ForeignKey("services.id", ondelete="CASCADE")
    return sa.Column("service_id", sa.Integer, target, nullable=nullable, index=True)


services = sa.Table(
    "services",
    t.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("job", sa.Text, nullable=False),  # name of a registered job; never an address that would be called
    sa.Column("http_method", sa.Text, nullable=False),
)

service_parameter_sets = sa.Table(
    "service_parameter_sets",
    t.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _service(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.UniqueConstraint("service_id", "name"),
)

service_runs = sa.Table(
    "service_runs",
    t.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _service(),
    sa.Column("parameter_set", sa.Text),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("twin_id", sa.Text),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("asked_ms", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("exit_code", sa.Integer),
    sa.Column("log", sa.Text),
    sa.CheckConstraint(f"state IN {STATES}", name="state"),
)


def add_service(engine: sa.Engine, name: str, job: str, http_method: str) -> None:
    """Name a job.

    Raises
    ------
    DataError
        When the name is taken.
    """
    with writing(engine) as connection:
        if connection.scalar(sa.select(services.c.id).where(services.c.name == name)) is not None:
            raise DataError("Service already exists.", "Choose another name, or delete it first.")
        connection.execute(sa.insert(services).values(name=name, job=job, http_method=http_method))


def all_services(engine: sa.Engine) -> list[dict[str, Any]]:
    """Return the services in order of entry: ``name, job, http_method``."""
    c = services.c
    with reading(engine) as connection:
        return _rows(connection, sa.select(c.name, c.job, c.http_method).order_by(c.id))


def delete_service(engine: sa.Engine, name: str) -> None:
    """Remove a service, its sets of parameters and its journal.

    Raises
    ------
    DataError
        When there is no such service.
    """
    with writing(engine) as connection:
        if connection.execute(sa.delete(services).where(services.c.name == name)).rowcount == 0:
            raise DataError("Service does not exist.", "List the services.")


def add_parameter_set(engine: sa.Engine, service: str, name: str, parameters: dict[str, Any]) -> None:
    """Keep parameters under a name.

    Raises
    ------
    DataError
        When there is no such service, or the name is taken.
    """
    c = service_parameter_sets.c
    with writing(engine) as connection:
        number = _number(connection, service)
        if connection.scalar(sa.select(c.id).where(c.service_id == number, c.name == name)) is not None:
            raise TakenError("Parameter set already exists.", "Edit it instead.")
        row = {"service_id": number, "name": name, "parameters": parameters}
        connection.execute(sa.insert(service_parameter_sets).values(**row))


class TakenError(DataError):
    """A name is in use."""


def edit_parameter_set(engine: sa.Engine, service: str, name: str, parameters: dict[str, Any] | None) -> None:
    """Change a set of parameters, or remove it with None.

    Raises
    ------
    DataError
        When there is no such service or set.
    """
    c = service_parameter_sets.c
    with writing(engine) as connection:
        where = sa.and_(c.service_id == _number(connection, service), c.name == name)
        if parameters is None:
            found = connection.execute(sa.delete(service_parameter_sets).where(where)).rowcount
        else:
            change = sa.update(service_parameter_sets).where(where).values(parameters=parameters)
            found = connection.execute(change).rowcount
        if found == 0:
            raise DataError("Parameter set does not exist.", "List the parameter sets of the service.")


def parameter_sets(engine: sa.Engine, service: str | None = None) -> list[dict[str, Any]]:
    """Return the sets of parameters of a service or all: ``service_name, name, parameters``."""
    c = service_parameter_sets.c
    select = sa.select(services.c.name.label("service_name"), c.name, c.parameters).join(services).order_by(c.id)
    if service is not None:
        select = select.where(services.c.name == service)
    with reading(engine) as connection:
        return _rows(connection, select)


def job_and_parameters(engine: sa.Engine, service: str, parameter_set: str | None) -> tuple[str, dict[str, Any] | None]:
    """Return the job of a service and the parameters kept under a name, None without a name.

    Raises
    ------
    DataError
        When there is no such service or set.
    """
    c = service_parameter_sets.c
    with reading(engine) as connection:
        number = _number(connection, service)
        job = connection.execute(sa.select(services.c.job).where(services.c.id == number)).scalar_one()
        if parameter_set is None:
            return job, None
        row = connection.execute(sa.select(c.parameters).where(c.service_id == number, c.name == parameter_set)).first()
    if row is None:
        raise DataError("Parameter set does not exist.", "List the parameter sets of the service.")
    return job, row.parameters


def enter_run(
    engine: sa.Engine,
    service: str,
    parameter_set: str | None,
    parameters: dict[str, Any],
    twin_id: str | None,
    asked_by: str,
    now: dt.datetime,
) -> int:
    """Enter a run in the journal as queued and return its number."""
    with writing(engine) as connection:
        row = {"service_id": _number(connection, service), "parameter_set": parameter_set, "parameters": parameters}
        row |= {"twin_id": twin_id, "asked_by": asked_by, "state": "queued", "asked_ms": _ms(now)}
        return connection.execute(sa.insert(service_runs).values(**row).returning(service_runs.c.id)).scalar_one()


def take_run(engine: sa.Engine, now: dt.datetime) -> dict[str, Any] | None:
    """Mark the oldest queued run as running and return ``id, job, parameters``; None where nothing waits."""
    c = service_runs.c
    with writing(engine) as connection:
        select = sa.select(c.id, services.c.job, c.parameters).join(services).where(c.state == "queued").order_by(c.id)
        row = connection.execute(select.limit(1)).mappings().first()
        if row is None:
            return None
        change = sa.update(service_runs).where(c.id == row["id"]).values(state="running", started_ms=_ms(now))
        connection.execute(change)
        return dict(row)


def end_run(engine: sa.Engine, run: int, state: str, exit_code: int | None, log: str, now: dt.datetime) -> None:
    """Write down how a run ended, with the last lines that it printed."""
    values = {"state": state, "exit_code": exit_code, "log": log[-LOG_LENGTH:], "ended_ms": _ms(now)}
    with writing(engine) as connection:
        connection.execute(sa.update(service_runs).where(service_runs.c.id == run).values(**values))


def interrupt_runs(engine: sa.Engine, now: dt.datetime) -> int:
    """Mark runs that a stopped server left unfinished, and return how many there were."""
    change = sa.update(service_runs).where(service_runs.c.state == "running")
    with writing(engine) as connection:
        return connection.execute(change.values(state="interrupted", ended_ms=_ms(now))).rowcount


def runs(
    engine: sa.Engine, service: str | None = None, parameter_set: str | None = None, twins: list[str] | None = None
) -> list[dict[str, Any]]:
    """Return the journal, oldest first, of a service and set or all; ``twins`` keeps to runs on these."""
    c = service_runs.c
    select = sa.select(service_runs, services.c.name.label("service_name")).join(services).order_by(c.id)
    if service is not None:
        select = select.where(services.c.name == service)
    if parameter_set is not None:
        select = select.where(c.parameter_set == parameter_set)
    if twins is not None:
        select = select.where(c.twin_id.in_(twins))
    with reading(engine) as connection:
        return _rows(connection, select)


def _number(connection: sa.Connection, service: str) -> int:
    number = connection.scalar(sa.select(services.c.id).where(services.c.name == service))
    if number is None:
        raise DataError("Service does not exist.", "List the services.")
    return number


def _rows(connection: sa.Connection, select: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select).mappings()]


def _ms(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)
