"""Sensors, as DTBase addresses them, and readings in bulk."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from agritwin.api.access import Caller, choose_twin
from agritwin.api.errors import ConflictError, RefusalError, UnknownError, documented
from agritwin.api.paging import Paged
from agritwin.api.shapes import (
    Coordinates,
    Measure,
    Message,
    Moment,
    Name,
    Shape,
    Text,
    TwinId,
    Value,
    milliseconds,
    moment,
)
from agritwin.api.stored import locations, sensors
from agritwin.api.surroundings import Around
from agritwin.errors import DataError
from agritwin.records.accounts import Account
from agritwin.records.database import reading, writing
from agritwin.records.instruments import Flag, install
from agritwin.records.people import Action
from agritwin.records.spellings import WRITTEN, Spelling, is_annotation, spell, spellings

MOST_READINGS = 1_000_000

router = APIRouter(prefix="/sensor", tags=["sensor"], responses=documented(400, 409))


class SensorType(Shape):
    """A type of sensor and what it measures."""

    name: Name
    description: Text | None = None
    measures: Annotated[list[Measure], Field(max_length=500)]


class InsertSensor(Shape):
    """A new sensor."""

    type_name: Name
    unique_identifier: Name
    name: Text | None = None
    notes: Text | None = None
    twin: TwinId | None = None


class SensorIdentifier(Shape):
    """A sensor by its identifier."""

    unique_identifier: Name


class SensorTypeName(Shape):
    """A type of sensor by its name."""

    type_name: Name


class SensorsQuery(Shape):
    """Which sensors are wanted."""

    type_name: Name | None = None


class ListedSensor(Shape):
    """A sensor in a list."""

    unique_identifier: str
    name: str | None = None
    notes: str | None = None


class EditSensor(Shape):
    """What people call a sensor and say about it."""

    unique_identifier: Name
    name: Text
    notes: Text


class InsertSensorLocation(Shape):
    """Where a sensor stands from a moment on."""

    unique_identifier: Name
    schema_name: Name
    coordinates: Coordinates
    installation_datetime: Moment | None = Field(default=None, description="now where it is not given")


Rule = Annotated[
    sensors.Rule,
    Field(description="what to do with another value for the same moment: flag it, keep the first, keep the last"),
]


class InsertReadings(Shape):
    """Readings of one sensor and measure."""

    measure_name: Name
    unique_identifier: Name
    readings: Annotated[list[Value], Field(max_length=MOST_READINGS)]
    timestamps: Annotated[list[Moment], Field(max_length=MOST_READINGS)]
    on_conflict: Rule = "flag"


class InsertedReadings(Shape):
    """What became of readings."""

    detail: str
    counts: dict[str, int] = Field(description="what became of the readings")


class OneReading(Shape):
    """A reading of any sensor and measure."""

    unique_identifier: Name
    measure_name: Name
    timestamp: Moment
    value: Value


class InsertBulk(Shape):
    """Readings of any sensors and measures."""

    readings: Annotated[list[OneReading], Field(max_length=100_000)]
    on_conflict: Rule = "flag"


class RowResult(Shape):
    """What became of one row."""

    row: int
    outcome: Literal["stored", "known", "kept_first", "replaced", "conflict", "refused"]
    reason: str | None = None


class BulkResult(Shape):
    """What became of each row."""

    counts: dict[str, int]
    rows: list[RowResult]


class ReadingsQuery(Shape):
    """Which readings are wanted."""

    measure_name: Name
    unique_identifier: Name
    dt_from: Moment
    dt_to: Moment


class Reading(Shape):
    """A reading."""

    value: Value
    timestamp: dt.datetime
    flags: list[str] | None = None


def measure(spelling: Spelling) -> Measure:
    """Return a measure as clients spell it."""
    return Measure(name=spelling.name, units=spelling.units, datatype=WRITTEN[spelling.datatype])  # type: ignore[arg-type]


def counted(outcomes: list[Any]) -> dict[str, int]:
    """Return how often each outcome is there."""
    return {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)}


@router.post("/insert-sensor-type", status_code=201, response_model_exclude_none=True)
def insert_sensor_type(body: SensorType, around: Around) -> Message:
    """Define a type of sensor by what it measures; measures that are there already are shared."""
    with writing(around.engine) as connection:
        known = [spell(connection, "sensor", each.name, each.units, each.datatype) for each in body.measures]
        sensors.add_type(connection, body.name, body.description, known)
    labels = [each.units for each in known if is_annotation(each.unit)]
    remarks = [f"{words!r} is no unit that is known; it is kept as a label." for words in labels]
    return Message(detail="Sensor type inserted", warnings=remarks or None)


@router.post("/insert-sensor", status_code=201, response_model_exclude_none=True)
def insert_sensor(body: InsertSensor, around: Around, account: Caller) -> Message:
    """Add a sensor to a twin: the one named, or the only one on which the account may do so."""
    twin = choose_twin(account, "arrange", body.twin)
    with writing(around.engine) as connection:
        sensors.add(connection, body.unique_identifier, body.type_name, body.name, body.notes, twin)
    return Message(detail="Sensor inserted")


@router.post("/insert-sensor-location", status_code=201, response_model_exclude_none=True)
def insert_sensor_location(body: InsertSensorLocation, around: Around, account: Caller) -> Message:
    """Say where a sensor stands from a moment on."""
    with writing(around.engine) as connection:
        sensor = _sensor(connection, body.unique_identifier, account, "arrange")
        places = locations.listed(connection, body.schema_name, body.coordinates, account.twins("arrange"))
        if not places:
            raise UnknownError("There is no such location", "Insert the location first.")
        if len(places) > 1:
            raise RefusalError("Several locations have these coordinates.", "Give all coordinates.")
        start = milliseconds(body.installation_datetime or around.now())
        try:
            install(connection, sensor.id, places[0]["id"], start)
        except DataError as error:
            raise ConflictError(error.message, error.remedy) from error
    return Message(detail="Sensor location inserted")


@router.post("/list-sensor-locations")
def list_sensor_locations(
    body: SensorIdentifier, around: Around, account: Caller, page: Paged
) -> list[dict[str, Value | dt.datetime]]:
    """List where a sensor stood, newest first: coordinates, ``id`` and ``installation_datetime``."""
    with reading(around.engine) as connection:
        sensor = _sensor(connection, body.unique_identifier, account, "read")
        found = sensors.installations(connection, sensor.id)
    return [
        {"id": row["id"], **row["values"], "installation_datetime": moment(row["start_ms"])} for row in page.cut(found)
    ]


@router.post("/insert-sensor-readings", status_code=201)
def insert_sensor_readings(body: InsertReadings, around: Around, account: Caller) -> InsertedReadings:
    """Store readings of a sensor and measure, all or none; ``counts`` tells what became of them."""
    sensors.check_lengths(body.readings, body.timestamps)
    with writing(around.engine) as connection:
        sensor = _sensor(connection, body.unique_identifier, account, "record")
        known = sensors.measure_of(connection, sensor, body.measure_name)
        rows = [
            (milliseconds(at), sensors.value(known, value))
            for value, at in zip(body.readings, body.timestamps, strict=True)
        ]
        arrival = milliseconds(around.now())
        outcomes = sensors.store(connection, sensor.id, known, rows, body.on_conflict, arrival)
    return InsertedReadings(detail="Sensor readings inserted", counts=counted(outcomes))


@router.post("/insert-readings", response_model_exclude_none=True)
def insert_readings(body: InsertBulk, around: Around, account: Caller) -> BulkResult:
    """Store readings of many sensors; each row has its own result, and a wrong row keeps no other from being stored."""
    results: dict[int, RowResult] = {}
    groups: dict[tuple[str, str], list[int]] = {}
    for number, row in enumerate(body.readings):
        groups.setdefault((row.unique_identifier, row.measure_name), []).append(number)
    arrival = milliseconds(around.now())
    with writing(around.engine) as connection:
        for (identifier, name), numbers in groups.items():
            try:
                sensor = _sensor(connection, identifier, account, "record")
                known = sensors.measure_of(connection, sensor, name)
            except RefusalError as refusal:
                results |= {number: _refused(number, refusal) for number in numbers}
                continue
            rows = {}
            for number in numbers:
                one = body.readings[number]
                try:
                    rows[number] = (milliseconds(one.timestamp), sensors.value(known, one.value))
                except RefusalError as refusal:
                    results[number] = _refused(number, refusal)
            stored = list(rows.values())
            outcomes = sensors.store(connection, sensor.id, known, stored, body.on_conflict, arrival)
            for number, outcome in zip(rows, outcomes, strict=True):
                results[number] = RowResult(row=number, outcome=outcome)
    found = [results[number] for number in sorted(results)]
    return BulkResult(counts=counted([row.outcome for row in found]), rows=found)


@router.post("/list-sensors")
def list_sensors(body: SensorsQuery, around: Around, account: Caller, page: Paged) -> list[ListedSensor]:
    """List the sensors of a type, or all."""
    with reading(around.engine) as connection:
        found = sensors.listed(connection, body.type_name, account.twins())
    return [ListedSensor(unique_identifier=row.name, name=row.label, notes=row.notes) for row in page.cut(found)]


@router.get("/list-sensor-types")
def list_sensor_types(around: Around, page: Paged) -> list[SensorType]:
    """List the types of sensors with what they measure."""
    with reading(around.engine) as connection:
        found = page.cut(sensors.types(connection))
    return [
        SensorType(name=row["name"], description=row["description"], measures=[measure(m) for m in row["measures"]])
        for row in found
    ]


@router.get("/list-measures")
def list_measures(around: Around, page: Paged) -> list[Measure]:
    """List what sensors measure."""
    with reading(around.engine) as connection:
        return [measure(known) for known in page.cut(spellings(connection, "sensor"))]


@router.post("/sensor-readings", response_model_exclude_none=True)
def sensor_readings(
    body: ReadingsQuery,
    around: Around,
    account: Caller,
    page: Paged,
    doubtful: Annotated[
        bool, Query(description="answer conflicting, absurd and future readings too, with flags")
    ] = False,
) -> list[Reading]:
    """Answer the readings of a sensor and measure from one moment to another, both included, in order of time."""
    span = (milliseconds(body.dt_from), milliseconds(body.dt_to))
    with reading(around.engine) as connection:
        sensor = _sensor(connection, body.unique_identifier, account, "read")
        known = sensors.measure_of(connection, sensor, body.measure_name)
        where = (connection, sensor.id, known, span)
        total, rows = sensors.read(*where, (page.limit, page.offset), doubtful)
    page.tell(total)
    return [
        Reading(
            value=row.text or "" if row.value is None else row.value,
            timestamp=moment(row.time_ms),
            flags=[str(flag.name).lower() for flag in Flag(row.flags)] if doubtful else None,
        )
        for row in rows
    ]


@router.post("/delete-sensor", response_model_exclude_none=True)
def delete_sensor(body: SensorIdentifier, around: Around, account: Caller) -> Message:
    """Remove a sensor with all its readings."""
    with writing(around.engine) as connection:
        sensors.delete(connection, _sensor(connection, body.unique_identifier, account, "administer").id)
    return Message(detail="Sensor deleted")


@router.post("/delete-sensor-type", response_model_exclude_none=True)
def delete_sensor_type(body: SensorTypeName, around: Around) -> Message:
    """Remove a type of which there is no sensor."""
    with writing(around.engine) as connection:
        sensors.delete_type(connection, body.type_name)
    return Message(detail="Sensor type deleted")


@router.post("/edit-sensor", response_model_exclude_none=True)
def edit_sensor(body: EditSensor, around: Around, account: Caller) -> Message:
    """Change what people call a sensor and say about it."""
    with writing(around.engine) as connection:
        sensor = _sensor(connection, body.unique_identifier, account, "arrange")
        sensors.edit(connection, sensor.id, body.name, body.notes)
    return Message(detail="Sensor edited")


def _sensor(connection: Any, identifier: str, account: Account, action: Action) -> Any:
    return sensors.named(connection, identifier, account.twins(action))


def _refused(number: int, refusal: RefusalError) -> RowResult:
    return RowResult(row=number, outcome="refused", reason=str(refusal))
