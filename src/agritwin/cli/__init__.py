"""The command ``agritwin``; each module here adds the commands of one idea."""

from agritwin.cli import (
    backup,
    commands,
    greenness,
    listen,
    outline,
    records,
    refresh,
    scenario,
    serve,
    skill,
    twins,
    users,
    watch,
)
from agritwin.cli.application import app

__all__ = [
    "app",
    "backup",
    "commands",
    "greenness",
    "listen",
    "outline",
    "records",
    "refresh",
    "scenario",
    "serve",
    "skill",
    "twins",
    "users",
    "watch",
]
