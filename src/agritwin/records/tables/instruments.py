"""Places, and the sensors that stand there: what they measure, where they are when."""

import sqlalchemy as sa

from agritwin.records.tables.base import metadata, number, of_twin, to

location_schemas = sa.Table(
    "location_schemas",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),  # {field: {"type": "float|int|string|bool", "unit": ...}}
)

locations = sa.Table(
    "locations",
    metadata,
    number(),
    of_twin(nullable=True),
    sa.Column("schema", sa.Text, sa.ForeignKey("location_schemas.name"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parent_id", sa.Integer, sa.ForeignKey("locations.id", ondelete="CASCADE")),
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("geometry", sa.JSON),
    sa.Column("valid_from", sa.Date),
    sa.Column("valid_to", sa.Date),
    sa.UniqueConstraint("schema", "name", "twin_id"),
)

measures = sa.Table(
    "measures",
    metadata,
    number(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("datatype", sa.Text, nullable=False),
    sa.CheckConstraint("datatype IN ('float', 'int', 'string', 'bool')", name="datatype"),
)

sensor_types = sa.Table(
    "sensor_types",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("manufacturer", sa.Text),
)

sensor_type_measures = sa.Table(
    "sensor_type_measures",
    metadata,
    sa.Column("sensor_type", sa.Text, sa.ForeignKey("sensor_types.name", ondelete="CASCADE"), primary_key=True),
    to("measures", "measure_id", key=True),
)

sensors = sa.Table(
    "sensors",
    metadata,
    number(),
    of_twin(nullable=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("label", sa.Text),  # what people call it
    sa.Column("sensor_type", sa.Text, sa.ForeignKey("sensor_types.name"), nullable=False),
    sa.Column("serial", sa.Text),
    sa.Column("owner", sa.Text),
    sa.Column("status", sa.Text, nullable=False, server_default="active"),
    sa.Column("cadence_s", sa.Integer),
    sa.Column("calibration_interval_days", sa.Integer),
    sa.Column("notes", sa.Text),
)

installations = sa.Table(
    "installations",
    metadata,
    to("sensors", "sensor_id", key=True),
    sa.Column("start_ms", sa.BigInteger, primary_key=True),
    sa.Column("end_ms", sa.BigInteger),
    to("locations", "location_id"),
)
