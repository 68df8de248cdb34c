"""Logging in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from agritwin.api.access import REFRESH_LIFE, Caller, Credentials, guard, read_token, token_pair
from agritwin.api.errors import LoginError, documented
from agritwin.api.shapes import LoginCredentials, Message, Shape, TokenPair
from agritwin.api.surroundings import Around
from agritwin.records import accounts

open_router = APIRouter(prefix="/auth", tags=["auth"], responses=documented(400, 401, 422, 429))
router = APIRouter(prefix="/auth", tags=["auth"])


class Me(Shape):
    """Who is logged in."""

    email: str
    admin: bool
    roles: dict[str, str]


def origin(request: Request) -> str:
    """Return where a request comes from, for counting failed logins."""
    return request.client.host if request.client else "unknown"


@open_router.post("/login")
def login(body: LoginCredentials, request: Request, around: Around) -> TokenPair:
    """Exchange address and password for a pair of tokens; after five failures the account waits."""
    now = around.now()
    account = accounts.check_password(around.engine, body.email, body.password, origin(request), now)
    if account is None:
        raise LoginError("Incorrect email or password")
    session = accounts.open_session(around.engine, account.party_id, now, REFRESH_LIFE)
    return TokenPair.model_validate(token_pair(around, account, *session))


@open_router.post("/refresh")
def refresh(around: Around, credentials: Credentials) -> TokenPair:
    """Exchange the refresh token, sent as bearer, for a new pair; it is good once."""
    if credentials is None:
        raise LoginError("Not authenticated", "Send the refresh token.")
    claims = read_token(around, credentials.credentials, "refresh")
    session = claims["sid"]
    found = accounts.rotate_session(around.engine, session, claims.get("jti", ""), around.now(), REFRESH_LIFE)
    if found is None:
        raise LoginError("The session is over", "Log in again.")
    return TokenPair.model_validate(token_pair(around, found[0], session, found[1]))


@router.post("/logout", response_model_exclude_none=True)
def logout(request: Request, around: Around, _account: Annotated[object, Depends(guard)]) -> Message:
    """End the session: neither its access tokens nor its refresh token are good any more."""
    accounts.close_session(around.engine, request.state.session)
    return Message(detail="Logged out")


@router.get("/me")
def me(account: Caller) -> Me:
    """Tell who is logged in, and the role on each twin."""
    return Me(email=account.email, admin=account.admin, roles=account.roles)
