"""Queries behind the addresses, in SQLAlchemy Core."""
