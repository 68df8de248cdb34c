"""What SensorThings shows beside observations: things (twins), places, sensors, observed properties, datastreams."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from agritwin.api.parcels import feature
from agritwin.api.shapes import moment
from agritwin.api.stored.stays import GEOJSON, Stay, place, stays
from agritwin.records import tables as t
from agritwin.records.spellings import Spelling, is_annotation, spellings

UNATTRIBUTED = "unattributed"
OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_"
OBSERVED = {"float": "Measurement", "int": "CountObservation", "bool": "TruthObservation", "string": "Observation"}


@dataclass(frozen=True)
class Catalogue:
    """All entities but the observations, as far as an account may see them; they are few."""

    connection: sa.Connection
    root: Path
    allowed: list[str] | None  # twins; None: all

    @cached_property
    def sensors(self) -> list[Any]:
        """Rows of sensors."""
        c = t.sensors.c
        select = sa.select(c.id, c.name, c.label, c.notes, c.sensor_type, c.twin_id).order_by(c.id)
        if self.allowed is not None:
            select = select.where(c.twin_id.in_(self.allowed))
        return list(self.connection.execute(select).all())

    @cached_property
    def measures(self) -> dict[int, Spelling]:
        """Measures of sensors by number."""
        return {known.measure_id: known for known in spellings(self.connection, "sensor")}

    @cached_property
    def pairs(self) -> list[tuple[Any, Spelling]]:
        """Each sensor with each of its measures: one datastream each."""
        c = t.sensor_type_measures.c
        rows = self.connection.execute(sa.select(c.sensor_type, c.measure_id).order_by(c.measure_id)).all()
        return [
            (sensor, self.measures[row.measure_id])
            for sensor in self.sensors
            for row in rows
            if row.sensor_type == sensor.sensor_type
        ]

    @cached_property
    def twins(self) -> list[str]:
        """Ids of the things."""
        found = {str(sensor.twin_id or UNATTRIBUTED) for sensor in self.sensors}
        select = sa.select(t.twins.c.id)
        known = set(self.connection.scalars(select))
        return sorted(found | (known if self.allowed is None else known & set(self.allowed)))

    @cached_property
    def stays(self) -> dict[str, Stay]:
        """Where the sensors stood when, by id."""
        return {stay.key: stay for stay in stays(self.connection, [sensor.id for sensor in self.sensors])}

    def parcel(self, twin: str) -> dict[str, Any] | None:
        """Return the outline of a thing as GeoJSON."""
        found = None if twin == UNATTRIBUTED else feature(self.root, twin)
        return found and found["geometry"]

    def things(self) -> list[dict[str, Any]]:
        """Return the things."""
        return [
            {
                "@iot.id": twin,
                "name": twin,
                "description": "sensors of no twin" if twin == UNATTRIBUTED else f"digital twin of parcel {twin}",
                "properties": {"twin": twin},
            }
            for twin in self.twins
        ]

    def outlines(self, encoding: str, content: str) -> list[dict[str, Any]]:
        """Return the outlines of the things, as locations or as features of interest."""
        return [
            {
                "@iot.id": twin,
                "name": twin,
                "description": f"outline of parcel {twin}",
                encoding: GEOJSON,
                content: outline,
            }
            for twin in self.twins
            if (outline := self.parcel(twin)) is not None
        ]

    def locations(self) -> list[dict[str, Any]]:
        """Return the outlines of the things, and the places where sensors stand or stood."""
        places = {stay.place: place(stay) for stay in self.stays.values()}
        return self.outlines("encodingType", "location") + [places[number] for number in sorted(places)]

    def historical_locations(self) -> list[dict[str, Any]]:
        """Return where sensors stood from when on: one entity a stay."""
        return [
            {
                "@iot.id": key,
                "time": written(stay.start_ms),
                "properties": {"sensor": stay.sensor, "until": written(stay.end_ms)},
            }
            for key, stay in self.stays.items()
        ]

    def sensor_entities(self) -> list[dict[str, Any]]:
        """Return the sensors."""
        return [
            {
                "@iot.id": sensor.id,
                "name": sensor.name,
                "description": sensor.notes or sensor.label or sensor.name,
                "encodingType": "text/html",
                "metadata": f"type {sensor.sensor_type}",
                "properties": {"label": sensor.label, "type": sensor.sensor_type},
            }
            for sensor in self.sensors
        ]

    def properties(self) -> list[dict[str, Any]]:
        """Return what is observed."""
        used = {known.measure_id: known for _, known in self.pairs}
        return [
            {
                "@iot.id": known.measure_id,
                "name": known.name,
                "description": f"{known.name} [{known.unit}]",
                "definition": f"urn:agritwin:measure:{quote(known.name, safe='')}",
            }
            for known in (self.measures[number] for number in sorted(used))
        ]

    def datastreams(self) -> list[dict[str, Any]]:
        """Return the datastreams, without the span of their observations."""
        return [
            {
                "@iot.id": f"{sensor.id}-{known.measure_id}",
                "name": f"{known.name} of {sensor.name}",
                "description": f"{known.name} as sensor {sensor.name} reports it",
                "observationType": OM + OBSERVED[known.datatype],
                "unitOfMeasurement": {
                    "name": known.units or known.unit,
                    "symbol": known.unit.strip("{}"),
                    "definition": None if is_annotation(known.unit) else f"urn:ucum:{quote(known.unit, safe='')}",
                },
            }
            for sensor, known in self.pairs
        ]

    def span(self, sensor: int, measure: int) -> str | None:
        """Return the interval of time that a datastream's observations cover."""
        c = t.READINGS[self.measures[measure].datatype].c
        select = sa.select(sa.func.min(c.time_ms), sa.func.max(c.time_ms))
        first, last = self.connection.execute(select.where(c.sensor_id == sensor, c.measure_id == measure)).one()
        return None if first is None else f"{written(first)}/{written(last)}"


def written(milliseconds: int | None) -> str | None:
    """Return a moment in ISO 8601, UTC."""
    if milliseconds is None:
        return None
    return moment(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
