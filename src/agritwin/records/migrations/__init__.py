"""Alembic revisions of the record store; run by :func:`agritwin.records.database.migrate`."""
