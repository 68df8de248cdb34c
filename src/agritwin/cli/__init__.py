"""The command ``agritwin``; each module here adds the commands of one idea."""

from agritwin.cli import (
    backup,
    commands,
    greenness,
    listen,
    loggers,
    outline,
    places,
    records,
    refresh,
    scenario,
    serve,
    skill,
    twins,
    users,
    watch,
    work,
)
from agritwin.cli.application import app

__all__ = [
    "app",
    "backup",
    "commands",
    "greenness",
    "listen",
    "loggers",
    "outline",
    "places",
    "records",
    "refresh",
    "scenario",
    "serve",
    "skill",
    "twins",
    "users",
    "watch",
    "work",
]
