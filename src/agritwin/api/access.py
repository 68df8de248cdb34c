"""Who may do what: tokens, and one table with every guarded address. What the table does not name is refused."""

import datetime as dt
from typing import Annotated, Literal

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agritwin.api.errors import ForbiddenError, LoginError, RefusalError, UnknownError
from agritwin.api.surroundings import Around, Surroundings
from agritwin.records import accounts
from agritwin.records.accounts import Account
from agritwin.records.people import Action

ALGORITHM = "HS256"
ACCESS_LIFE = dt.timedelta(minutes=15)
REFRESH_LIFE = dt.timedelta(days=7)

Needed = Literal["account", "read", "record", "arrange", "administer", "admin"]
POLICY: dict[str, Needed] = {
    "POST /auth/logout": "account",
    "GET /auth/me": "account",
    "POST /location/insert-location-schema": "arrange",
    "POST /location/insert-location": "arrange",
    "POST /location/insert-location-for-schema": "arrange",
    "POST /location/list-locations": "read",
    "GET /location/list-location-schemas": "read",
    "GET /location/list-location-identifiers": "read",
    "POST /location/get-schema-details": "read",
    "POST /location/delete-location-schema": "admin",
    "POST /location/delete-location": "arrange",
    "POST /sensor/insert-sensor-type": "arrange",
    "POST /sensor/insert-sensor": "arrange",
    "POST /sensor/insert-sensor-location": "arrange",
    "POST /sensor/list-sensor-locations": "read",
    "POST /sensor/insert-sensor-readings": "record",
    "POST /sensor/insert-readings": "record",
    "POST /sensor/list-sensors": "read",
    "GET /sensor/list-sensor-types": "read",
    "GET /sensor/list-measures": "read",
    "POST /sensor/sensor-readings": "read",
    "POST /sensor/delete-sensor": "administer",
    "POST /sensor/delete-sensor-type": "admin",
    "POST /sensor/edit-sensor": "arrange",
    "POST /model/insert-model": "arrange",
    "GET /model/list-models": "read",
    "POST /model/delete-model": "admin",
    "POST /model/insert-model-scenario": "arrange",
    "GET /model/list-model-scenarios": "read",
    "POST /model/delete-model-scenario": "admin",
    "POST /model/insert-model-measure": "arrange",
    "GET /model/list-model-measures": "read",
    "POST /model/delete-model-measure": "admin",
    "POST /model/insert-model-run": "arrange",
    "POST /model/list-model-runs": "read",
    "POST /model/get-model-run": "read",
    "POST /model/get-model-run-sensor-measure": "read",
    "POST /model/delete-model-run": "administer",
    "POST /service/insert-service": "admin",
    "GET /service/list-services": "read",
    "GET /service/list-jobs": "read",
    "POST /service/delete-service": "admin",
    "POST /service/insert-parameter-set": "arrange",
    "POST /service/delete-parameter-set": "arrange",
    "POST /service/list-parameter-sets": "read",
    "POST /service/edit-parameter-set": "arrange",
    "POST /service/run-service": "arrange",
    "POST /service/list-runs": "read",
    "GET /user/list-users": "administer",
    "POST /user/create-user": "administer",
    "POST /user/delete-user": "admin",
    "POST /user/change-password": "account",
    "POST /user/set-role": "administer",
    "GET /series": "read",
    "GET /series/{twin}": "read",
    "GET /series/{twin}/{name}": "read",
    "POST /landing/{twin}": "record",
    "GET /landing/{twin}": "read",
    "GET /quarantine/{twin}": "read",
    "GET /notices/{twin}": "read",
    "POST /notices/{twin}/{number}/acknowledge": "record",
    "GET /ogc": "read",
    "GET /ogc/conformance": "read",
    "GET /ogc/collections": "read",
    "GET /ogc/collections/{collection}": "read",
    "GET /ogc/collections/{collection}/items": "read",
    "GET /ogc/collections/{collection}/items/{feature}": "read",
    "GET /v1.1": "read",
    "GET /v1.1/{address:path}": "read",
}

bearer = HTTPBearer(auto_error=False, description="Access token from /auth/login")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def token_pair(around: Surroundings, account: Account, session: str, token: str) -> dict[str, str]:
    """Return a fresh access token and the refresh token of a session."""
    now = around.now()
    common = {"sub": account.email, "sid": session, "iat": int(now.timestamp())}
    claims = {
        "access_token": {"token_type": "access", "exp": int((now + ACCESS_LIFE).timestamp())},
        "refresh_token": {"token_type": "refresh", "jti": token, "exp": int((now + REFRESH_LIFE).timestamp())},
    }
    return {name: jwt.encode(common | own, around.secret, ALGORITHM) for name, own in claims.items()}


def read_token(around: Surroundings, token: str, kind: Literal["access", "refresh", "page"]) -> dict[str, str]:
    """Return the claims of a token of a kind.

    Raises
    ------
    LoginError
        When it is not ours, of another kind, or its time is over.
    """
    options = {"verify_exp": False, "verify_iat": False, "require": ["exp", "sub", "sid", "token_type"]}
    try:
        claims = jwt.decode(token, around.secret, algorithms=[ALGORITHM], options=options)  # type: ignore[arg-type]
    except (jwt.InvalidTokenError, UnicodeError, ValueError) as error:
        raise LoginError("Could not validate credentials", "Log in again.") from error
    if claims["token_type"] != kind:
        raise LoginError("Token of wrong type", f"Send the {kind} token.")
    if claims["exp"] <= around.now().timestamp():
        raise LoginError("Token has expired", "Refresh it, or log in again.")
    return claims


def account_of_token(around: Surroundings, token: str) -> tuple[Account, str]:
    """Return account and session of an access token whose session is alive."""
    session = read_token(around, token, "access")["sid"]
    account = accounts.session_account(around.engine, session, around.now())
    if account is None:
        raise LoginError("The session is over", "Log in again.")
    return account, session


def guard(request: Request, around: Around, credentials: Credentials) -> Account:
    """Let through who is logged in and may do this anywhere; which twin it concerns is for the endpoint to check."""
    if credentials is None:
        raise LoginError("Not authenticated", "Log in at /auth/login and send the access token.")
    account, session = account_of_token(around, credentials.credentials)
    request.state.session = session
    needed = POLICY.get(f"{request.method} {request.scope['route'].path}")
    if needed is None or not _has(account, needed):
        raise ForbiddenError("Your role does not allow this.", "Ask an owner of the holding or an administrator.")
    return account


def known_parameters(request: Request) -> None:
    """Refuse parameters that the description does not know: a misspelt ``limt`` would otherwise answer everything."""
    path = request.scope["route"].path.replace(":path", "")
    operation = request.app.openapi()["paths"].get(path, {}).get(request.method.lower())
    if operation is None:
        return
    known = {about["name"] for about in operation.get("parameters", []) if about["in"] == "query"}
    for name in request.query_params:
        if name not in known:
            raise UnknownError(f"There is no parameter {name[:50]!r} here.", "See /docs.")


def _has(account: Account, needed: Needed) -> bool:
    if needed == "account":
        return True
    return account.admin if needed == "admin" else account.may_somewhere(needed)


Caller = Annotated[Account, Depends(guard)]


def on_twin(account: Account, action: Action, twin: str | None) -> None:
    """Refuse what an account may not do on a twin."""
    if not account.may(action, twin):
        raise ForbiddenError(
            f"Your role does not allow this on {twin or 'what belongs to no twin'}.",
            "Ask an owner of the holding or an administrator.",
        )


def choose_twin(account: Account, action: Action, wanted: str | None) -> str | None:
    """Return the twin that a new thing belongs to: the one named, else the only one that the account may act on."""
    if wanted is not None:
        on_twin(account, action, wanted)
        return wanted
    if account.admin:
        return None
    mine = account.twins(action) or []
    if len(mine) != 1:
        raise RefusalError("It is not clear which twin this belongs to.", f"Give 'twin', one of {', '.join(mine)}.")
    return mine[0]
