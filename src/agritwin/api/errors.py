"""What the interface answers when it refuses: a sentence, a remedy, and the status that fits."""

import logging
from typing import Any

import sqlalchemy.exc
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from agritwin.errors import NO_ROOM, AgritwinError, ConfigError, DataError
from agritwin.records.accounts import ThrottledError

log = logging.getLogger(__name__)


class RefusalError(AgritwinError):
    """A request that cannot be carried out as it is."""

    status = 422


class UnknownError(RefusalError):
    """Something named in the request is not there (DTBase answers 400)."""

    status = 400


class NotFoundError(RefusalError):
    """The address names nothing."""

    status = 404


class ConflictError(RefusalError):
    """It is there already, or something depends on it."""

    status = 409


class ForbiddenError(RefusalError):
    """The account may not do this."""

    status = 403


class LoginError(RefusalError):
    """Nobody is logged in, or no longer."""

    status = 401


class Fault(BaseModel):
    """Where a request is wrong."""

    loc: list[str | int]
    msg: str
    type: str


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str = Field(description="what is wrong, a sentence")
    remedy: str | None = Field(default=None, description="what to do about it")
    errors: list[Fault] | None = Field(default=None, description="each fault of the request's form")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's entries for refusals."""
    return {status: {"model": Problem} for status in statuses}


def install(app: FastAPI) -> None:
    """Turn every error into a problem with the status that fits."""
    app.add_exception_handler(AgritwinError, _answer)
    app.add_exception_handler(RequestValidationError, _answer_unfit)
    app.add_exception_handler(sqlalchemy.exc.IntegrityError, _answer_race)
    app.add_exception_handler(OSError, _answer_full)


def problem(status: int, detail: str, remedy: str = "", headers: dict[str, str] | None = None, **more: Any) -> Any:
    """Return a refusal as JSON."""
    content = {"detail": detail} | ({"remedy": remedy} if remedy else {}) | more
    return JSONResponse(content, status, headers)


async def _answer(_request: Request, error: Exception) -> Any:
    assert isinstance(error, AgritwinError)
    headers = {}
    if isinstance(error, RefusalError):
        status = error.status
        if status == 401:
            headers = {"WWW-Authenticate": "Bearer"}
    elif isinstance(error, ThrottledError):
        status, headers = 429, {"Retry-After": str(error.seconds)}
    elif isinstance(error, DataError | ConfigError):
        status = 422
    else:
        log.error("%s", error)
        status, headers = 503, {"Retry-After": "60"}
    return problem(status, error.message, error.remedy, headers)


async def _answer_unfit(_request: Request, error: Exception) -> Any:
    """Say what is wrong with the form of a request, without its content: that may hold a password."""
    assert isinstance(error, RequestValidationError)
    faults = [
        {"loc": [_printable(part) for part in fault["loc"]], "msg": _printable(fault["msg"]), "type": fault["type"]}
        for fault in error.errors()
    ]
    detail = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
    return problem(422, detail, "See /docs for the form of requests.", errors=faults)


def _printable(part: Any) -> Any:
    return part.encode("utf-8", "replace").decode() if isinstance(part, str) else part


async def _answer_race(_request: Request, error: Exception) -> Any:
    log.warning("two requests at once: %s", error)
    return problem(409, "Somebody else changed the same thing at this moment.", "Read it again, then decide.")


async def _answer_full(_request: Request, error: Exception) -> Any:
    assert isinstance(error, OSError)
    if error.errno not in NO_ROOM:
        raise error
    log.error("the disk is full: %s", error)
    return problem(507, "The server's disk is full; nothing was kept.", "Tell its administrator, then send it again.")
