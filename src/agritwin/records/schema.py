"""All tables of the record store: whoever compares or migrates the schema imports it from here."""

from agritwin.records import accounts, services, spellings
from agritwin.records.tables import metadata

__all__ = ["accounts", "metadata", "services", "spellings"]
