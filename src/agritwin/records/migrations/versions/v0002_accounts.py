"""Add accounts, services and what clients call measures; roles under their present names; runs of no twin."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RENAMED = {"manager": "adviser", "reader": "viewer"}


def upgrade() -> None:
    """Apply the revision."""
    _rename_roles()
    _free_runs_from_twins()
    op.add_column("sensors", sa.Column("label", sa.Text()))
    _add_accounts()
    _add_services()
    _add_spellings()


def _rename_roles() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT party_id, twin_id, role FROM roles")).mappings().all()
    op.drop_table("roles")
    roles = op.create_table(
        "roles",
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("twin_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'adviser', 'worker', 'viewer')", name=op.f("ck_roles_role")),
        sa.ForeignKeyConstraint(
            ["party_id"], ["parties.id"], name=op.f("fk_roles_party_id_parties"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["twin_id"], ["twins.id"], name=op.f("fk_roles_twin_id_twins"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("party_id", "twin_id", name=op.f("pk_roles")),
    )
    op.bulk_insert(roles, [dict(row) | {"role": RENAMED.get(row["role"], row["role"])} for row in rows])


def _free_runs_from_twins() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("runs", "twin_id", nullable=True)
        return
    # SQLite cannot drop NOT NULL, and dropping a table deletes what refers to it: both are set aside and put back.
    for name in ("runs", "products"):
        op.execute(f"CREATE TEMPORARY TABLE kept_{name} AS SELECT * FROM {name}")
    op.drop_table("runs")
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("twin_id", sa.Text()),
        sa.Column("scenario_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("issue_time", sa.Date(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenarios.id"], name=op.f("fk_runs_scenario_id_scenarios"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["twin_id"], ["twins.id"], name=op.f("fk_runs_twin_id_twins"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("digest", name=op.f("uq_runs_digest")),
    )
    for name in ("runs", "products"):
        op.execute(f"INSERT INTO {name} SELECT * FROM kept_{name}")
        op.execute(f"DROP TABLE kept_{name}")
    op.create_index(op.f("ix_runs_scenario_id"), "runs", ["scenario_id"])
    op.create_index(op.f("ix_runs_twin_id"), "runs", ["twin_id"])


def _add_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["party_id"], ["parties.id"], name=op.f("fk_accounts_party_id_parties"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_accounts")),
    )
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["accounts.party_id"],
            name=op.f("fk_login_sessions_party_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
    )
    op.create_index(op.f("ix_login_sessions_party_id"), "login_sessions", ["party_id"])
    op.create_table(
        "login_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("whose", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_failures")),
    )
    op.create_index(op.f("ix_login_failures_whose"), "login_failures", ["whose"])


def _add_services() -> None:
    op.create_table(
        "services",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("http_method", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services")),
        sa.UniqueConstraint("name", name=op.f("uq_services_name")),
    )
    op.create_table(
        "service_parameter_sets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
            name=op.f("fk_service_parameter_sets_service_id_services"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_parameter_sets")),
        sa.UniqueConstraint("service_id", "name", name=op.f("uq_service_parameter_sets_service_id_name")),
    )
    op.create_index(op.f("ix_service_parameter_sets_service_id"), "service_parameter_sets", ["service_id"])
    op.create_table(
        "service_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("parameter_set", sa.Text()),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("twin_id", sa.Text()),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_ms", sa.BigInteger()),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("log", sa.Text()),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'timed_out', 'interrupted')",
            name=op.f("ck_service_runs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name=op.f("fk_service_runs_service_id_services"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_runs")),
    )
    op.create_index(op.f("ix_service_runs_service_id"), "service_runs", ["service_id"])


def _add_spellings() -> None:
    op.create_table(
        "measure_spellings",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("measure_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("units", sa.Text()),
        sa.CheckConstraint("kind IN ('sensor', 'model')", name=op.f("ck_measure_spellings_kind")),
        sa.ForeignKeyConstraint(
            ["measure_id"], ["measures.id"], name=op.f("fk_measure_spellings_measure_id_measures"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("kind", "measure_id", name=op.f("pk_measure_spellings")),
    )
    op.create_table(
        "run_targets",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("sensor_id", sa.Integer()),
        sa.Column("measure_id", sa.Integer()),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_targets_run_id_runs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["sensor_id"], ["sensors.id"], name=op.f("fk_run_targets_sensor_id_sensors"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["measure_id"], ["measures.id"], name=op.f("fk_run_targets_measure_id_measures"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_targets")),
    )
    op.create_index(op.f("ix_run_targets_sensor_id"), "run_targets", ["sensor_id"])
    op.create_index(op.f("ix_run_targets_measure_id"), "run_targets", ["measure_id"])
