"""The command ``agritwin``; each module here adds the commands of one idea."""

from agritwin.cli import commands, listen, refresh, scenario, serve, twins, users, watch
from agritwin.cli.application import app

__all__ = ["app", "commands", "listen", "refresh", "scenario", "serve", "twins", "users", "watch"]
