"""Alembic's entry: runs revisions on the connection handed over in ``config.attributes``."""

from alembic import context

from agritwin.records.schema import metadata

# SQLite keeps schema changes in a transaction as well, since the store opens its transactions itself.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
