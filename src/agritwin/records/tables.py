"""The tables of the record store, one section a subject.

Times of readings are whole milliseconds since 1970-01-01 UTC, days are civil days of the parcel, amounts carry their
unit in a column beside them. Rows taken from a sender's file carry the intake that brought them, and a key made of
their own content, so that the same line is never stored twice.
"""

import sqlalchemy as sa

HEAD = "0004"
"""Revision that this code reads and writes; a test keeps it equal to Alembic's head."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _twin(*, nullable: bool = False) -> sa.Column[str]:
    return sa.Column("twin_id", sa.Text, sa.ForeignKey("twins.id", ondelete="CASCADE"), nullable=nullable, index=True)


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _to(table: str, name: str, *, nullable: bool = False, key: bool = False) -> sa.Column[int]:
    target = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(name, sa.Integer, target, nullable=nullable, index=not key, primary_key=key)


# --- people and twins -------------------------------------------------------------------------------------------------

parties = sa.Table(
    "parties",
    metadata,
    _number(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, unique=True),
    sa.Column("tax_number", sa.Text),
    sa.Column("applicator_register", sa.Text),
    sa.Column("password_hash", sa.Text),
)

twins = sa.Table(
    "twins",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("holding", sa.Text),
    sa.Column("declared_area_ha", sa.Float),
    sa.Column("geometry", sa.JSON),
    sa.Column("valid_from", sa.Date),
    sa.Column("valid_to", sa.Date),
)

roles = sa.Table(
    "roles",
    metadata,
    _to("parties", "party_id", key=True),
    sa.Column("twin_id", sa.Text, sa.ForeignKey("twins.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.CheckConstraint("role IN ('owner', 'adviser', 'worker', 'viewer')", name="role"),
)

# --- intake -----------------------------------------------------------------------------------------------------------

intakes = sa.Table(
    "intakes",
    metadata,
    _number(),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("landed_for", sa.Text, nullable=False),  # twin for which the file was sent; empty where nobody said
    sa.Column("reading", sa.Text, nullable=False),  # digest of mapping and twin ids: how the bytes were understood
    sa.Column("mapping", sa.JSON, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("rows_in", sa.Integer, nullable=False),
    sa.Column("accepted", sa.Integer, nullable=False),
    sa.Column("known", sa.Integer, nullable=False),
    sa.Column("rejected", sa.Integer, nullable=False),
    sa.Column("questions", sa.Integer, nullable=False),
    sa.Column("postponed_until", sa.Date),  # earliest day in the file that lay after as_of
    sa.Column("stale", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("sha256", "landed_for"),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    _number(),
    _to("intakes", "intake_id"),
    _twin(nullable=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sheet", sa.Text, nullable=False),
    sa.Column("row", sa.Integer),
    sa.Column("column", sa.Text),
    sa.Column("value", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("suggestion", sa.Text, nullable=False),
    sa.CheckConstraint("kind IN ('rejected', 'question', 'note')", name="kind"),
)

corrections = sa.Table(
    "corrections",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),  # bytes of the file as sent, which are never altered
    sa.Column("sheet", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("column", sa.Text, primary_key=True),  # letters; empty where the whole line is left out
    sa.Column("value", sa.Text),  # what should have stood there
)

# --- field work -------------------------------------------------------------------------------------------------------

activities = sa.Table(
    "activities",
    metadata,
    _number(),
    _twin(),
    _to("intakes", "intake_id", nullable=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("occurrence", sa.Integer, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("amount", sa.Float),
    sa.Column("unit", sa.Text),
    sa.Column("place", sa.Text),
    sa.Column("notes", sa.Text),
    sa.Column("corrects_key", sa.Text),  # this row takes the place of another one: an event log, nothing is altered
    sa.Column("corrects_occurrence", sa.Integer),
    sa.Column("withdrawn", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("twin_id", "key", "occurrence"),
    sa.UniqueConstraint("twin_id", "corrects_key", "corrects_occurrence"),
    sa.Index("ix_activities_twin_id_day", "twin_id", "day"),
)

treatments = sa.Table(
    "treatments",
    metadata,
    _number(),
    _twin(),
    _to("activities", "activity_id", nullable=True),
    _to("intakes", "intake_id", nullable=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("occurrence", sa.Integer, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("start_time", sa.Text),  # HH:MM local, where the label asks for it (EU 2023/564)
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("registration_number", sa.Text),
    sa.Column("dose", sa.Float),
    sa.Column("dose_unit", sa.Text),
    sa.Column("type_of_use", sa.Text),
    sa.Column("treated_area_ha", sa.Float),
    sa.Column("crop_eppo", sa.Text),
    sa.Column("growth_stage_bbch", sa.Text),
    sa.Column("problem", sa.Text),
    sa.Column("applicator", sa.Text),
    sa.Column("equipment", sa.Text),
    sa.Column("efficacy", sa.Text),
    sa.Column("notes", sa.Text),
    sa.UniqueConstraint("twin_id", "key", "occurrence"),
    sa.Index("ix_treatments_twin_id_day", "twin_id", "day"),
)

product_aliases = sa.Table(
    "product_aliases",
    metadata,
    sa.Column("alias", sa.Text, primary_key=True),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.CheckConstraint("status IN ('proposed', 'confirmed')", name="status"),
)

harvests = sa.Table(
    "harvests",
    metadata,
    _number(),
    _twin(),
    _to("intakes", "intake_id", nullable=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("occurrence", sa.Integer, nullable=False),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("day", sa.Date),  # null where only the total of the year is known
    sa.Column("amount", sa.Float, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("quality", sa.Text),
    sa.Column("losses", sa.JSON),
    sa.Column("lot", sa.Text),
    sa.Column("client", sa.Text),
    sa.CheckConstraint("state IN ('wet', 'dry', 'unstated')", name="state"),
    sa.CheckConstraint("amount >= 0", name="amount"),
    sa.UniqueConstraint("twin_id", "key", "occurrence"),
)

# --- places and sensors -----------------------------------------------------------------------------------------------

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
    _number(),
    _twin(nullable=True),
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
    _number(),
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
    _to("measures", "measure_id", key=True),
)

sensors = sa.Table(
    "sensors",
    metadata,
    _number(),
    _twin(nullable=True),
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
    _to("sensors", "sensor_id", key=True),
    sa.Column("start_ms", sa.BigInteger, primary_key=True),
    sa.Column("end_ms", sa.BigInteger),
    _to("locations", "location_id"),
)

readings = sa.Table(
    "readings",
    metadata,
    _to("sensors", "sensor_id", key=True),
    _to("measures", "measure_id", key=True),
    sa.Column("time_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("occurrence", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Float),
    sa.Column("text", sa.Text),
    sa.Column("arrival_ms", sa.BigInteger),
    sa.Column("flags", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("seq", sa.BigInteger),  # number that the device gave the message, where it counts them
    sqlite_with_rowid=False,
)

message_counts = sa.Table(
    "message_counts",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),  # why such messages became no reading
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("first_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("sample", sa.Text, nullable=False),  # the newest of them, cut
)

# --- models -----------------------------------------------------------------------------------------------------------

models = sa.Table(
    "models",
    metadata,
    _number(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("description", sa.Text, nullable=False),
)

parameter_sets = sa.Table(
    "parameter_sets",
    metadata,
    _number(),
    _to("models", "model_id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.UniqueConstraint("model_id", "name"),
)

scenarios = sa.Table(
    "scenarios",
    metadata,
    _number(),
    _to("models", "model_id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.UniqueConstraint("model_id", "name"),
)

runs = sa.Table(
    "runs",
    metadata,
    _number(),
    _twin(nullable=True),
    _to("scenarios", "scenario_id"),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("issue_time", sa.Date, nullable=False),
    sa.Column("manifest", sa.JSON, nullable=False),  # inputs' digests, code, lock, parameters, metrics, seed
)

products = sa.Table(
    "products",
    metadata,
    _to("runs", "run_id", key=True),
    _to("measures", "measure_id", key=True),
    sa.Column("time_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("member", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Float),
    sa.Column("text", sa.Text),
    sqlite_with_rowid=False,
)

# --- notices and commands ---------------------------------------------------------------------------------------------

notifications = sa.Table(
    "notifications",
    metadata,
    _number(),
    _twin(),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("issue_time", sa.Text, nullable=False),
    sa.Column("valid_until", sa.Text),
    sa.Column("delivered_at", sa.Text),
    sa.Column("seen_at", sa.Text),
    sa.Column("acknowledged_at", sa.Text),
    sa.Column("acknowledged_by", sa.Text),
    sa.UniqueConstraint("event", "recipient"),
)

commands = sa.Table(
    "commands",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _twin(),
    sa.Column("actuator", sa.Text, nullable=False),
    sa.Column("desired", sa.JSON, nullable=False),
    sa.Column("reported", sa.JSON),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("proposed_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
)

command_events = sa.Table(
    "command_events",
    metadata,
    _number(),
    sa.Column("command_id", sa.Text, sa.ForeignKey("commands.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("by", sa.Text),
    sa.Column("detail", sa.JSON),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("event", sa.Text, primary_key=True),
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),  # email, webhook
    sa.Column("level", sa.Text, primary_key=True),
    _twin(),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("detail", sa.Text),
    sa.CheckConstraint("state IN ('claimed', 'delivered', 'failed')", name="state"),
)

# --- watch ------------------------------------------------------------------------------------------------------------

alerts = sa.Table(
    "alerts",
    metadata,
    _number(),
    _twin(),
    sa.Column("event", sa.Text, nullable=False, index=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),  # what it was judged of: a gauge, a source, a model, the forecast
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),  # time up to which data entered
    sa.Column("judgement", sa.JSON, nullable=False),
    sa.UniqueConstraint("event", "at", "level"),
)

watch_levels = sa.Table(
    "watch_levels",
    metadata,
    sa.Column("twin_id", sa.Text, sa.ForeignKey("twins.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("since", sa.Text),
    sa.Column("at", sa.Text, nullable=False),
)

watch_seen = sa.Table(
    "watch_seen",
    metadata,
    _to("sensors", "sensor_id", key=True),
    _to("measures", "measure_id", key=True),
    sa.Column("time_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("occurrence", sa.SmallInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
