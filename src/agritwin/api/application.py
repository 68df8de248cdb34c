"""The application: all addresses, guarded; the worker that carries out jobs lives as long as it does."""

import contextlib
import threading
from collections.abc import AsyncIterator

from fastapi import APIRouter, Depends, FastAPI

from agritwin import __version__
from agritwin.api import errors, jobs, pages
from agritwin.api.access import guard, known_parameters
from agritwin.api.routes import (
    auth,
    features,
    files,
    location,
    model,
    notices,
    sensor,
    sensorthings,
    series,
    service,
    user,
)
from agritwin.api.surroundings import Surroundings

DESCRIPTION = """\
Addresses below `/auth`, `/location`, `/sensor`, `/model`, `/service` and `/user` are those of DTBase, with its shapes:
its services, ingress classes and front end work on them unchanged. `/v1.1` is OGC SensorThings 1.1 for reading, `/ogc`
OGC API - Features of the parcels, `/series` downloads of any series with units and provenance, `/landing` takes files,
`/notices` tells who was told of danger.

Times are UTC, kept to the millisecond; one without a zone is read as UTC. Lists take `limit` and `offset` and tell the
total in `X-Total-Count`.
A refusal says in `detail` what is wrong and in `remedy` what to do.
"""
LARGEST_BODY = 64 * 2**20
OPEN = (auth.open_router, pages.router)
GUARDED: tuple[APIRouter, ...] = (
    auth.router,
    location.router,
    sensor.router,
    model.router,
    service.router,
    user.router,
    series.router,
    files.router,
    notices.router,
    features.router,
    sensorthings.router,
)


def create_app(around: Surroundings, *, worker: bool = True) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    around
        Workspace, record store, secret and clock.
    worker
        Whether this process carries out the jobs that services start.
    """

    @contextlib.asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=jobs.work, args=(around, stop), name="jobs", daemon=True)
        if worker:
            thread.start()
        yield
        stop.set()
        if worker:
            thread.join(15)

    app = FastAPI(
        title="agritwin",
        version=__version__,
        description=DESCRIPTION,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        max_body_size=LARGEST_BODY,
        dependencies=[Depends(known_parameters)],
    )
    app.state.surroundings = around
    errors.install(app)
    for router in OPEN:
        app.include_router(router)
    for router in GUARDED:
        app.include_router(router, dependencies=[Depends(guard)], responses=errors.documented(400, 401, 403, 422))
    return app
