"""The tables of the record store, one module a subject.

Times of readings are whole milliseconds since 1970-01-01 UTC, days are civil days of the parcel, amounts carry their
unit in a column beside them. Rows taken from a sender's file carry the intake that brought them, and a key made of
their own content, so that the same line is never stored twice.
"""

from agritwin.records.tables.base import metadata
from agritwin.records.tables.instruments import (
    installations,
    location_schemas,
    locations,
    measures,
    sensor_type_measures,
    sensor_types,
    sensors,
)
from agritwin.records.tables.intake import corrections, intakes, quarantine
from agritwin.records.tables.models import models, parameter_sets, products, runs, scenarios
from agritwin.records.tables.notices import command_events, commands, deliveries, notifications
from agritwin.records.tables.people import parties, roles, twins
from agritwin.records.tables.readings import (
    KEY,
    READINGS,
    message_counts,
    reading_words,
    readings_boolean,
    readings_float,
    readings_integer,
    readings_text,
)
from agritwin.records.tables.watch import alerts, watch_levels, watch_seen
from agritwin.records.tables.work import activities, harvests, product_aliases, treatments

HEAD = "0006"
"""Revision that this code reads and writes; a test keeps it equal to Alembic's head."""

__all__ = [
    "HEAD",
    "KEY",
    "READINGS",
    "activities",
    "alerts",
    "command_events",
    "commands",
    "corrections",
    "deliveries",
    "harvests",
    "installations",
    "intakes",
    "location_schemas",
    "locations",
    "measures",
    "message_counts",
    "metadata",
    "models",
    "notifications",
    "parameter_sets",
    "parties",
    "product_aliases",
    "products",
    "quarantine",
    "reading_words",
    "readings_boolean",
    "readings_float",
    "readings_integer",
    "readings_text",
    "roles",
    "runs",
    "scenarios",
    "sensor_type_measures",
    "sensor_types",
    "sensors",
    "treatments",
    "twins",
    "watch_levels",
    "watch_seen",
]
