"""Accounts and their roles."""

from typing import Literal

import sqlalchemy as sa
from fastapi import APIRouter

from agritwin.api.access import Caller, on_twin
from agritwin.api.errors import ConflictError, ForbiddenError, RefusalError, UnknownError, documented
from agritwin.api.paging import Paged
from agritwin.api.shapes import LoginCredentials, Message, Name, Shape, TwinId, UserIdentifier
from agritwin.api.surroundings import Around
from agritwin.errors import DataError
from agritwin.records import accounts
from agritwin.records.accounts import Account
from agritwin.records.people import Role, set_role

router = APIRouter(prefix="/user", tags=["user"], responses=documented(400, 409))


class CreateUser(LoginCredentials):
    """A new user, where given with a role on a twin."""

    twin: TwinId | None = None
    role: Role | Literal["admin"] | None = None


class SetRole(Shape):
    """A role of a user on a twin."""

    email: Name
    twin: TwinId
    role: Role | None


@router.get("/list-users")
def list_users(around: Around, account: Caller, page: Paged) -> list[str]:
    """List the addresses of all users; an owner sees those with a role on the own twins."""
    mine = account.twins("administer")
    found = [each for each in accounts.all_accounts(around.engine) if mine is None or set(each.roles) & set(mine)]
    return list(page.cut([each.email for each in found]))


@router.post("/create-user", status_code=201, response_model_exclude_none=True)
def create_user(body: CreateUser, around: Around, account: Caller) -> Message:
    """Add a user; without a role a user may only change the own password. An owner gives a role on an own twin."""
    _check_role(body, account)
    try:
        party = accounts.add_account(around.engine, body.email, body.password, around.now(), admin=body.role == "admin")
    except DataError as error:
        if "already exists" in error.message:
            raise ConflictError(error.message) from error
        raise
    if body.twin is not None and body.role is not None and body.role != "admin":
        set_role(around.engine, party, body.twin, body.role)
    return Message(detail="User created")


@router.post("/delete-user", response_model_exclude_none=True)
def delete_user(body: UserIdentifier, around: Around) -> Message:
    """Remove a user; neither the last administrator nor the only owner of a twin."""
    _known(around.engine, body.email)
    try:
        accounts.remove_account(around.engine, body.email)
    except DataError as error:
        raise ConflictError(error.message, error.remedy) from error
    return Message(detail="User deleted")


@router.post("/change-password", response_model_exclude_none=True)
def change_password(body: LoginCredentials, around: Around, account: Caller) -> Message:
    """Change the own password, or as an administrator anybody's; all sessions of that user end."""
    if not account.admin and body.email.lower() != account.email:
        raise ForbiddenError("This is not your account.", "Ask an administrator.")
    _known(around.engine, body.email)
    accounts.set_password(around.engine, body.email, body.password)
    return Message(detail="Password changed")


@router.post("/set-role", response_model_exclude_none=True)
def give_role(body: SetRole, around: Around, account: Caller) -> Message:
    """Give a user a role on a twin, or with null take it away; a twin keeps an owner."""
    on_twin(account, "administer", body.twin)
    user = _known(around.engine, body.email)
    try:
        set_role(around.engine, user.party_id, body.twin, body.role)
    except DataError as error:
        raise ConflictError(error.message, error.remedy) from error
    return Message(detail="Role set")


def _check_role(body: CreateUser, account: Account) -> None:
    if body.role is not None and body.role != "admin" and body.twin is None:
        raise RefusalError("A role holds on a twin.", "Give 'twin'.")
    if account.admin:
        return
    if body.role == "admin" or body.twin is None or body.role is None:
        raise ForbiddenError("Only an administrator adds users without a role on a twin.", "Give 'twin' and 'role'.")
    on_twin(account, "administer", body.twin)


def _known(engine: sa.Engine, email: str) -> Account:
    account = accounts.find_account(engine, email)
    if account is None:
        raise UnknownError("User doesn't exist")
    return account
