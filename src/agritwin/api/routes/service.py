"""Services, as DTBase addresses them; what they start are rules of the workflow and registered jobs."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body

from agritwin import config
from agritwin.api.access import Caller, on_twin
from agritwin.api.errors import ConflictError, RefusalError, UnknownError, documented
from agritwin.api.jobs import checked, jobs
from agritwin.api.paging import Paged
from agritwin.api.shapes import Message, Name, Parameters, Shape, Text, moment
from agritwin.api.surroundings import Around
from agritwin.errors import DataError
from agritwin.records import services
from agritwin.workspace import CONFIG

STATUS = {"queued": 202, "running": 202, "done": 200, "failed": 500, "timed_out": 504, "interrupted": 503}

router = APIRouter(prefix="/service", tags=["service"], responses=documented(400, 409))


class Service(Shape):
    """A service: a name for a job."""

    name: Name
    url: Text
    http_method: Literal["GET", "POST", "PUT", "DELETE"]


class ServiceName(Shape):
    """A service by its name."""

    name: Name


class ParameterSet(Shape):
    """Parameters of a service under a name."""

    service_name: Name
    name: Name
    parameters: Parameters


class ParameterSetName(Shape):
    """A set of parameters by its name."""

    service_name: Name
    name: Name


class ParameterSetsQuery(Shape):
    """Which sets of parameters are wanted."""

    service_name: Name | None = None


class RunService(Shape):
    """Which service is to run, and with what."""

    service_name: Name
    parameter_set_name: Name | None = None
    parameters: Parameters | list[Any] | None = None


class RunsQuery(Shape):
    """Which runs are wanted."""

    service_name: Name | None = None
    parameter_set_name: Name | None = None


class ServiceRun(Shape):
    """A run in the journal."""

    service_name: str
    parameter_set_name: str | None
    parameters: dict[str, Any] | None
    response_json: dict[str, Any] | None
    response_status_code: int
    timestamp: dt.datetime


class JobDescription(Shape):
    """Something that a service may start."""

    url: str
    summary: str
    parameters: dict[str, Any]


@router.get("/list-jobs")
def list_jobs(around: Around) -> list[JobDescription]:
    """List what a service may start, with the JSON schema of its parameters; ``url`` goes into a service's url."""
    return [
        JobDescription(url=name, summary=job.summary, parameters=job.parameters.model_json_schema())
        for name, job in jobs(around.root).items()
    ]


@router.post("/insert-service", status_code=201, response_model_exclude_none=True)
def insert_service(body: Service, around: Around) -> Message:
    """Name a job. ``url`` is ``job:NAME`` or ``rule:NAME``; an address is never kept and never called.

    Where the service itself has the name of a job or rule, that is what it starts, whatever the url.
    """
    known = jobs(around.root)
    wanted = [body.url, body.name, f"job:{body.name}", f"rule:{body.name}"]
    job = next((name for name in wanted if name in known), None)
    if job is None:
        raise RefusalError(
            "A service starts a rule of the workflow or a registered job, never an address.",
            f"Give as url one of {', '.join(known)}.",
        )
    try:
        services.add_service(around.engine, body.name, job, body.http_method)
    except DataError as error:
        raise ConflictError(error.message, error.remedy) from error
    remark = [f"The url is not kept; the service starts {job}."] if job != body.url else None
    return Message(detail="Service created successfully.", warnings=remark)


@router.get("/list-services")
def list_services(around: Around, page: Paged) -> list[Service]:
    """List the services; ``url`` names the job that one starts."""
    return [
        Service(name=row["name"], url=row["job"], http_method=row["http_method"])
        for row in page.cut(services.all_services(around.engine))
    ]


@router.post("/delete-service", response_model_exclude_none=True)
def delete_service(body: ServiceName, around: Around) -> Message:
    """Remove a service, its sets of parameters and its journal."""
    _or_unknown(services.delete_service, around.engine, body.name)
    return Message(detail="Service deleted successfully.")


@router.post("/insert-parameter-set", status_code=201, response_model_exclude_none=True)
def insert_parameter_set(body: ParameterSet, around: Around) -> Message:
    """Keep parameters for a service under a name."""
    try:
        _or_unknown(services.add_parameter_set, around.engine, body.service_name, body.name, body.parameters)
    except services.TakenError as error:
        raise ConflictError(error.message, error.remedy) from error
    return Message(detail="Parameter set created successfully.")


@router.post("/delete-parameter-set", response_model_exclude_none=True)
def delete_parameter_set(body: ParameterSetName, around: Around) -> Message:
    """Remove a set of parameters; runs made with it stay in the journal."""
    _or_unknown(services.edit_parameter_set, around.engine, body.service_name, body.name, None)
    return Message(detail="Parameter set deleted successfully.")


@router.post("/list-parameter-sets")
def list_parameter_sets(
    around: Around, page: Paged, body: Annotated[ParameterSetsQuery | None, Body()] = None
) -> list[ParameterSet]:
    """List the sets of parameters of a service, or all."""
    found = services.parameter_sets(around.engine, body.service_name if body else None)
    return [ParameterSet.model_validate(row) for row in page.cut(found)]


@router.post("/edit-parameter-set", response_model_exclude_none=True)
def edit_parameter_set(body: ParameterSet, around: Around) -> Message:
    """Change a set of parameters."""
    _or_unknown(services.edit_parameter_set, around.engine, body.service_name, body.name, body.parameters)
    return Message(detail="Parameter set edited successfully.")


@router.post("/run-service", response_model_exclude_none=True)
def run_service(body: RunService, around: Around, account: Caller) -> Message:
    """Queue a run of a job, with parameters given here or kept under a name; the journal tells how it goes."""
    if isinstance(body.parameters, list):
        raise RefusalError("Parameters have names.", "Give an object.")
    name, kept = _or_unknown(services.job_and_parameters, around.engine, body.service_name, body.parameter_set_name)
    parameters = body.parameters if body.parameters is not None else kept or {}
    job = jobs(around.root).get(name)
    if job is None:
        raise RefusalError(f"There is no {name} in this workspace any more.", "Insert the service anew.")
    twin = checked(job, parameters).twin
    on_twin(account, "arrange", twin)
    if twin not in config.twin_ids(around.root / CONFIG / "twins"):
        raise UnknownError(f"There is no twin {twin!r}.", "List the parcels.")
    services.enter_run(
        around.engine,
        *(body.service_name, body.parameter_set_name, parameters, twin, account.email, around.now()),
    )
    return Message(detail="Service called successfully.")


@router.post("/list-runs")
def list_runs(
    around: Around, account: Caller, page: Paged, body: Annotated[RunsQuery | None, Body()] = None
) -> list[ServiceRun]:
    """Answer the journal of runs, of a service and set of parameters or all.

    ``response_status_code`` is 202 while a run waits or is under way, 200 when it is done, 500 when it failed, 504
    when it took too long, 503 when the server was stopped.
    """
    query = body or RunsQuery()
    if query.parameter_set_name is not None and query.service_name is None:
        raise RefusalError("Parameter sets belong to a service.", "Give 'service_name' too.")
    found = services.runs(around.engine, query.service_name, query.parameter_set_name, account.twins())
    return [_run(row) for row in page.cut(found)]


def _run(row: dict[str, Any]) -> ServiceRun:
    answer = {name: row[name] for name in ("state", "exit_code", "log", "asked_by")}
    times = {name: row[f"{name}_ms"] for name in ("started", "ended")}
    return ServiceRun(
        service_name=row["service_name"],
        parameter_set_name=row["parameter_set"],
        parameters=row["parameters"],
        response_json=answer | {name: None if at is None else moment(at).isoformat() for name, at in times.items()},
        response_status_code=STATUS[row["state"]],
        timestamp=moment(row["asked_ms"]),
    )


def _or_unknown(call: Any, *arguments: Any) -> Any:
    """Call a query; what it does not find is an unknown name in the request."""
    try:
        return call(*arguments)
    except services.TakenError:
        raise
    except DataError as error:
        raise UnknownError(error.message, error.remedy) from error
