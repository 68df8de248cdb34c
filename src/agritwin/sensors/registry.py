"""Registry of streams: which column or topic is which sensor, measure and unit, and what is believable of it."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from agritwin.config import read_model
from agritwin.errors import DataError
from agritwin.records.measures import canonical_unit
from agritwin.records.values import Datatype


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Stream(_Frozen):
    """One column or topic."""

    column: str = Field(description="Header of the column, or topic of the message.")
    topic: str | None = Field(
        default=None, description="Topic whose messages carry this column as a key; '{twin}' stands for the twin's id."
    )
    twin: str | None = Field(default=None, description="Twin of the sensor, where neither topic nor message names it.")
    sensor: str = Field(description="Name of the sensor.")
    measure: str = Field(description="What it measures.")
    unit: str = Field(description="Unit of the values; 1 where they have none.")
    datatype: Datatype = Field(default="float", description="Type of the values; counters are int, states string.")
    minimum: float | None = Field(default=None, description="Below is absurd.")
    maximum: float | None = Field(default=None, description="Above is absurd.")
    cadence_minutes: float | None = Field(default=None, gt=0, description="Expected time between readings.")
    stuck_readings: int | None = Field(default=None, ge=2, description="So many equal values in a row are suspicious.")

    @field_validator("unit")
    @classmethod
    def _unit_is_one(cls, unit: str) -> str:
        try:
            return canonical_unit(unit)
        except DataError as error:
            raise ValueError(error.message) from error

    @model_validator(mode="after")
    def _range_is_of_numbers(self) -> Self:
        if self.datatype in ("string", "bool") and (self.minimum, self.maximum) != (None, None):
            raise ValueError(f"values of type {self.datatype} have no range")
        return self


class Registry(_Frozen):
    """How the files of one logger or broker are to be read.

    A wide file has one column a stream. A long one has a topic and a value a line, and states both.
    """

    name: str = Field(description="Which logger or broker.")
    time: str = Field(default="time", description="Column of the moment of the reading.")
    zone: str = Field(default="UTC", description="Zone of moments that carry none.")
    arrival: str | None = Field(default=None, description="Column of the moment of arrival.")
    twin: str | None = Field(default=None, description="Column that names the twin.")
    topic: str | None = Field(default=None, description="Long files: column of the topic.")
    value: str | None = Field(default=None, description="Long files: column of the value.")
    unit: str | None = Field(default=None, description="Long files: column of the unit.")
    seq: str | None = Field(default=None, description="Messages: key of the number that the device counts up.")
    ignored: tuple[str, ...] = Field(default=(), description="Columns that are no streams and need no mention.")
    late_minutes: float = Field(default=180.0, gt=0, description="Arrival later than this is late.")
    streams: tuple[Stream, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        columns = [(stream.topic, stream.column) for stream in self.streams]
        if len(set(columns)) != len(columns):
            raise ValueError("two streams have the same column or topic")
        if (self.topic is None) != (self.value is None):
            raise ValueError("a long file needs both topic and value")
        return self


def load_registry(path: Path) -> Registry:
    """Read a registry.

    Raises
    ------
    ConfigError
        With file and key when it is missing, no YAML, or says something that is not understood.
    """
    return read_model(path, Registry, "sensor registry", "Write one; see config/mappings/sensors.")


def propose_registry(columns: Iterable[str], name: str) -> Registry:
    """Propose a registry for a wide file whose headers state their units: ``soil_moisture [m3 m-3]``.

    Ranges and cadences are left open, for a person to state.

    Raises
    ------
    DataError
        When no header is a moment, or none states a unit.
    """
    headers = list(columns)
    moment = next((header for header in headers if re.match(r"(?i)(time|timestamp|fecha|date)", header.strip())), None)
    streams = []
    for header in headers:
        stated = re.fullmatch(r"\s*(.+?)\s*[\[(](.+)[\])]\s*", header)
        if stated and header != moment:
            measure = re.sub(r"\W+", "_", stated[1].strip()).strip("_").lower()
            streams.append(Stream(column=header, sensor="logger", measure=measure, unit=stated[2]))
    if moment is None or not streams:
        raise DataError(
            f"The headers {headers} do not say what is measured when.", "Write a registry; see config/mappings/sensors."
        )
    owners = ("parcel", "twin", "parcela", "recinto")
    twin = next((header for header in headers if header.strip().lower() in owners), None)
    return Registry(name=name, time=moment, twin=twin, streams=tuple(streams))
