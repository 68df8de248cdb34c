"""The served app: a page that lists the twins, and one page a twin, from the same views as the report."""

from agritwin.app.server import application, serve

__all__ = ["application", "serve"]
