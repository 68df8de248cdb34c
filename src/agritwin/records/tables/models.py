"""Models: their parameters, scenarios, runs and what these gave."""

import sqlalchemy as sa

from agritwin.records.tables.base import metadata, number, of_twin, to

models = sa.Table(
    "models",
    metadata,
    number(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("description", sa.Text, nullable=False),
)


def _of_model(name: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        number(),
        to("models", "model_id"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.UniqueConstraint("model_id", "name"),
    )


parameter_sets = _of_model("parameter_sets")
scenarios = _of_model("scenarios")

runs = sa.Table(
    "runs",
    metadata,
    number(),
    of_twin(nullable=True),
    to("scenarios", "scenario_id"),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("issue_time", sa.Date, nullable=False),
    sa.Column("manifest", sa.JSON, nullable=False),  # inputs' digests, code, lock, parameters, metrics, seed
)

products = sa.Table(
    "products",
    metadata,
    to("runs", "run_id", key=True),
    to("measures", "measure_id", key=True),
    sa.Column("time_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("member", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Float),
    sa.Column("text", sa.Text),
    sqlite_with_rowid=False,
)
