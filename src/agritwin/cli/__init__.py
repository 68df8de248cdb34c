"""The command ``agritwin``; each module here adds the commands of one idea."""

from agritwin.cli import listen, refresh, serve, twins, users
from agritwin.cli.application import app

__all__ = ["app", "listen", "refresh", "serve", "twins", "users"]
