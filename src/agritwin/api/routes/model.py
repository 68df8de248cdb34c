"""Models and their runs, as DTBase addresses them."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from agritwin.api.access import Caller, choose_twin
from agritwin.api.errors import RefusalError, UnknownError, documented
from agritwin.api.paging import Paged
from agritwin.api.shapes import (
    Datatype,
    MeasureIdentifier,
    Message,
    Moment,
    Name,
    Number,
    Shape,
    Text,
    TwinId,
    Unit,
    Value,
    milliseconds,
    moment,
)
from agritwin.api.stored import models, sensors
from agritwin.api.surroundings import Around
from agritwin.records.database import reading, writing
from agritwin.records.spellings import WRITTEN, Spelling, find, is_annotation, spell, spellings, unit_of
from agritwin.records.values import columns_of, value_of

WEEK = dt.timedelta(weeks=1)
MOST_VALUES = 1_000_000

router = APIRouter(prefix="/model", tags=["model"], responses=documented(400, 409))


class Model(Shape):
    """A model by its name."""

    name: Name


class Scenario(Shape):
    """A way of running a model."""

    model_name: Name
    description: Text | None


class ModelMeasure(Shape):
    """What models give."""

    name: Name
    units: Unit
    datatype: Datatype


class MeasureName(Shape):
    """A measure by its name."""

    name: Name


class MeasureResults(Shape):
    """What a run gave for a measure."""

    measure_name: Name
    values: Annotated[list[Value], Field(max_length=MOST_VALUES)]
    timestamps: Annotated[list[Moment], Field(max_length=MOST_VALUES)]


class InsertRun(Shape):
    """A run of a model with its results."""

    model_name: Name
    scenario_description: Text
    measures_and_values: Annotated[list[MeasureResults], Field(max_length=1_000)]
    time_created: Moment | None = Field(default=None, description="now where it is not given")
    create_scenario: bool = False
    sensor_unique_id: Name | None = None
    sensor_measure: MeasureIdentifier | None = None
    twin: TwinId | None = None


class RunsQuery(Shape):
    """Which runs are wanted."""

    model_name: Name
    dt_from: Moment | None = Field(default=None, description="a week ago where it is not given")
    dt_to: Moment | None = Field(default=None, description="now where it is not given")
    scenario: Text | None = None


class Run(Shape):
    """A run in a list."""

    id: int
    model_id: int
    model_name: str
    scenario_id: int
    scenario_description: str
    time_created: dt.datetime
    sensor_unique_id: str | None = None
    sensor_measure: MeasureIdentifier | None = None


class RunNumber(Shape):
    """A run by its number."""

    run_id: Number


class Datapoint(Shape):
    """A result of a run."""

    value: Value
    timestamp: dt.datetime


class RunTarget(Shape):
    """What the results of a run are to be compared with."""

    sensor_unique_id: str | None
    sensor_measure: MeasureIdentifier | None


@router.post("/insert-model", status_code=201, response_model_exclude_none=True)
def insert_model(body: Model, around: Around) -> Message:
    """Add a model."""
    with writing(around.engine) as connection:
        models.add(connection, body.name)
    return Message(detail="Model inserted")


@router.get("/list-models")
def list_models(around: Around, page: Paged) -> list[Model]:
    """List the models."""
    with reading(around.engine) as connection:
        return [Model(name=name) for name in page.cut(models.listed(connection))]


@router.post("/delete-model", response_model_exclude_none=True)
def delete_model(body: Model, around: Around) -> Message:
    """Remove a model without runs, and its scenarios."""
    with writing(around.engine) as connection:
        models.delete(connection, body.name)
    return Message(detail="Model deleted")


@router.post("/insert-model-scenario", status_code=201, response_model_exclude_none=True)
def insert_model_scenario(body: Scenario, around: Around) -> Message:
    """Add a scenario of a model."""
    with writing(around.engine) as connection:
        models.add_scenario(connection, body.model_name, body.description)
    return Message(detail="Model scenario inserted")


@router.get("/list-model-scenarios")
def list_model_scenarios(around: Around, page: Paged) -> list[Scenario]:
    """List the scenarios of all models."""
    with reading(around.engine) as connection:
        return [Scenario.model_validate(row) for row in page.cut(models.scenarios(connection))]


@router.post("/delete-model-scenario", response_model_exclude_none=True)
def delete_model_scenario(body: Scenario, around: Around) -> Message:
    """Remove a scenario without runs."""
    with writing(around.engine) as connection:
        models.delete_scenario(connection, body.model_name, body.description)
    return Message(detail="Model scenario deleted")


@router.post("/insert-model-measure", status_code=201, response_model_exclude_none=True)
def insert_model_measure(body: ModelMeasure, around: Around) -> Message:
    """Define what models give; a measure that is there already with this unit is the same one."""
    with writing(around.engine) as connection:
        known = spell(connection, "model", body.name, body.units, body.datatype)
    remark = f"{body.units!r} is no unit that is known; it is kept as a label."
    return Message(detail="Model measure inserted", warnings=[remark] if is_annotation(known.unit) else None)


@router.get("/list-model-measures")
def list_model_measures(around: Around, page: Paged) -> list[ModelMeasure]:
    """List what models give."""
    with reading(around.engine) as connection:
        return [_measure(known) for known in page.cut(spellings(connection, "model"))]


@router.post("/delete-model-measure", response_model_exclude_none=True)
def delete_model_measure(body: MeasureName, around: Around) -> Message:
    """Forget a measure of models of which there are no results."""
    with writing(around.engine) as connection:
        models.delete_measure(connection, body.name)
    return Message(detail="Model measure deleted")


@router.post("/insert-model-run", status_code=201, response_model_exclude_none=True)
def insert_model_run(body: InsertRun, around: Around, account: Caller) -> Message:
    """Store a run of a model with its results, all or nothing; the same run again changes nothing."""
    created = milliseconds(body.time_created or around.now())
    with writing(around.engine) as connection:
        sensor, target = _target(connection, body, account)
        wanted = body.twin or (None if sensor is None else sensor.twin_id)
        twin = choose_twin(account, "arrange", wanted)
        number = models.known_model(connection, body.model_name)
        scenario = models.scenario(connection, number, body.scenario_description)
        if scenario is None and not body.create_scenario:
            raise UnknownError(
                f"No model scenario '{body.scenario_description}' for model '{body.model_name}'.",
                "Insert it first, or set 'create_scenario'.",
            )
        if scenario is None:
            scenario = models.add_scenario(connection, body.model_name, body.scenario_description)
        results = [_result(connection, result) for result in body.measures_and_values]
        if len({known.measure_id for known, _ in results}) < len(results):
            raise RefusalError("A measure has results twice.", "Put all its values into one list.")
        models.add_run(connection, scenario, twin, created, target, results, account.email)
    return Message(detail="Model run inserted")


@router.post("/list-model-runs")
def list_model_runs(body: RunsQuery, around: Around, account: Caller, page: Paged) -> list[Run]:
    """List the runs of a model made in a span of time, by default in the last week."""
    span = (body.dt_from or around.now() - WEEK, body.dt_to or around.now())
    with reading(around.engine) as connection:
        found = models.runs(connection, body.model_name, span, body.scenario, account.twins())
    return [Run.model_validate(row) for row in page.cut(found)]


@router.post("/get-model-run")
def get_model_run(body: RunNumber, around: Around, account: Caller) -> dict[str, list[Datapoint]]:
    """Answer what a run gave, by measure."""
    with reading(around.engine) as connection:
        models.run(connection, body.run_id, account.twins())
        found = models.results(connection, body.run_id)
    return {
        name: [
            Datapoint(value=value_of(datatype, number, text), timestamp=moment(time))
            for datatype, time, number, text in rows
        ]
        for name, rows in found.items()
    }


@router.post("/get-model-run-sensor-measure")
def get_model_run_sensor_measure(body: RunNumber, around: Around, account: Caller) -> RunTarget:
    """Tell which sensor and measure the results of a run are to be compared with."""
    with reading(around.engine) as connection:
        return RunTarget.model_validate(models.run(connection, body.run_id, account.twins()))


@router.post("/delete-model-run", response_model_exclude_none=True)
def delete_model_run(body: RunNumber, around: Around, account: Caller) -> Message:
    """Remove a run with its results."""
    with writing(around.engine) as connection:
        models.run(connection, body.run_id, account.twins("administer"))
        models.delete_run(connection, body.run_id)
    return Message(detail="Model run deleted")


def _measure(known: Spelling) -> ModelMeasure:
    return ModelMeasure(name=known.name, units=known.units or "", datatype=WRITTEN[known.datatype])  # type: ignore[arg-type]


def _target(connection: Any, body: InsertRun, account: Any) -> tuple[Any, tuple[int | None, int | None]]:
    """Return the sensor and the numbers of sensor and measure that a run is to be compared with."""
    sensor = None
    if body.sensor_unique_id is not None:
        sensor = sensors.named(connection, body.sensor_unique_id, account.twins())
    measure = None
    if body.sensor_measure is not None:
        wanted = body.sensor_measure
        known = [each for each in find(connection, "sensor", wanted.name) if each.unit == unit_of(wanted.units)]
        if not known:
            raise UnknownError(f"No sensor measure '{wanted.name}' in {wanted.units!r}", "List the measures.")
        measure = known[0].measure_id
    return sensor, (None if sensor is None else sensor.id, measure)


def _result(connection: Any, result: MeasureResults) -> tuple[Spelling, list[tuple[int, float | None, str | None]]]:
    """Return measure and rows (time [ms], number, text) of a result."""
    sensors.check_lengths(result.values, result.timestamps)
    known = find(connection, "model", result.measure_name)
    if not known:
        raise UnknownError(f"No model measure '{result.measure_name}'.", "Insert the measure first.")
    if len(known) > 1:
        raise RefusalError(
            f"Several units go by the name '{result.measure_name}'.", "Give measures names of their own."
        )
    rows = [
        (milliseconds(at), *columns_of(known[0].datatype, sensors.value(known[0], value)))
        for value, at in zip(result.values, result.timestamps, strict=True)
    ]
    if len({row[0] for row in rows}) < len(rows):
        raise RefusalError(f"'{result.measure_name}' has two values for one moment.", "Give one value a moment.")
    return known[0], rows
