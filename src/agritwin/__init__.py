"""Digital twins of agricultural holdings."""

__version__ = "0.1.0"
