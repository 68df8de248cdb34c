"""What the interface works on: a workspace, a record store, a secret and a clock."""

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request

from agritwin.errors import ConfigError

SECRET = "AGRITWIN_JWT_SECRET"
SHORTEST_SECRET = 32


def machine_clock() -> dt.datetime:
    """Return the time of this machine, UTC: logins and journals are of the real world, not of a run."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Surroundings:
    """Workspace, record store, the secret that signs tokens, and the clock."""

    root: Path
    engine: sa.Engine
    secret: str = field(repr=False)
    now: Callable[[], dt.datetime] = machine_clock


def secret_from_environment() -> str:
    """Return the secret that signs tokens.

    Raises
    ------
    ConfigError
        When it is not set, or too short to be one.
    """
    secret = os.environ.get(SECRET, "")
    if len(secret) < SHORTEST_SECRET:
        what = "is not set" if not secret else f"has {len(secret)} characters"
        raise ConfigError(
            f"{SECRET} {what}.", f"Set it to {SHORTEST_SECRET} or more random characters: openssl rand -hex 32"
        )
    return secret


def surroundings(request: Request) -> Surroundings:
    """Return what this application works on."""
    return request.app.state.surroundings


Around = Annotated[Surroundings, Depends(surroundings)]
