"""Sensors of a registry defined in the record store: a registry may serve many twins, so each twin has its own."""

from typing import NamedTuple

import sqlalchemy as sa

from agritwin.records.database import insert, writing
from agritwin.records.instruments import define_measure, define_sensor
from agritwin.records.tables import twins
from agritwin.sensors.registry import Registry, Stream


class Defined(NamedTuple):
    """Name of a sensor in the store, and the numbers of sensor and measure."""

    sensor: str
    sensor_id: int
    measure_id: int


def sensor_name(twin_id: str, sensor: str) -> str:
    """Return the name that a sensor of a registry has in the store."""
    return f"{twin_id}/{sensor}"


def define(engine: sa.Engine, registry: Registry, stream: Stream, twin_id: str) -> Defined:
    """Define measure, sensor and twin of a stream, all that the sensor measures with it; known ones stay.

    Raises
    ------
    DataError
        When the store knows a measure with another unit.
    """
    siblings = [one for one in registry.streams if one.sensor == stream.sensor]
    numbers = {one.measure: define_measure(engine, one.measure, one.unit, one.datatype) for one in siblings}
    cadences = [one.cadence_minutes for one in siblings if one.cadence_minutes]
    with writing(engine) as connection:
        connection.execute(insert(connection, twins).on_conflict_do_nothing(), [{"id": twin_id}])
    name = sensor_name(twin_id, stream.sensor)
    cadence_s = round(60 * min(cadences)) if cadences else None
    number = define_sensor(engine, name, registry.name, list(numbers), twin_id=twin_id, cadence_s=cadence_s)
    return Defined(name, number, numbers[stream.measure])
