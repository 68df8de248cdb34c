"""Who may log in, and what they may do on which twin."""

import datetime as dt
import os
from typing import Annotated, Literal

import sqlalchemy as sa
import typer
from rich.table import Table

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.errors import ConfigError

PASSWORD = "AGRITWIN_PASSWORD"

users = typer.Typer(no_args_is_help=True, help="Accounts of the served app and interface, and their roles.")
app.add_typer(users, name="users")

Email = Annotated[str, typer.Argument(help="Address by which they log in.")]
Twin = Annotated[str | None, typer.Option(help="Twin on which the role holds; not for admin.")]


@users.command()
@sentence
def add(
    email: Email,
    role: Annotated[
        Literal["admin", "owner", "adviser", "worker", "viewer"] | None, typer.Option(help="What they may do.")
    ] = None,
    twin: Twin = None,
) -> None:
    """Add an account; the password is asked for, or taken from AGRITWIN_PASSWORD."""
    from agritwin.records import accounts

    engine, party_role = _open(), None if role == "admin" else role
    _check(party_role, twin)
    party = accounts.add_account(engine, email, _password(), dt.datetime.now(dt.UTC), admin=role == "admin")
    if party_role is not None:
        _give(engine, party, twin, party_role)
    console.print(f"{email} may log in.", highlight=False)


@users.command(name="role")
@sentence
def give_role(
    email: Email,
    role: Annotated[
        Literal["owner", "adviser", "worker", "viewer", "none"], typer.Argument(help="What they may do; none: nothing.")
    ],
    twin: Annotated[str, typer.Option(help="Twin on which it holds.")],
) -> None:
    """Give somebody a role on a twin, or take it away."""
    from agritwin.records import accounts

    engine = _open()
    account = accounts.find_account(engine, email)
    if account is None:
        raise ConfigError(f"{email} has no account.", f"Run 'agritwin users add {email}'.")
    _check(role, twin)
    _give(engine, account.party_id, twin, role)
    console.print(f"{email}: {role} on {twin}.", highlight=False)


@users.command(name="list")
@sentence
def show() -> None:
    """List the accounts and their roles; never a password or its hash."""
    from agritwin.records import accounts

    table = Table("account", "roles")
    for account in accounts.all_accounts(_open()):
        roles = [*(["admin"] if account.admin else []), *(f"{role} on {twin}" for twin, role in account.roles.items())]
        table.add_row(account.email, ", ".join(roles) or "none")
    console.print(table if table.row_count else "There is no account yet: 'agritwin users add EMAIL'.")


@users.command()
@sentence
def remove(email: Email) -> None:
    """Remove an account and its roles; never the last administrator or a twin's only owner."""
    from agritwin.records import accounts

    accounts.remove_account(_open(), email)
    console.print(f"{email} may no longer log in.", highlight=False)


@users.command()
@sentence
def password(email: Email) -> None:
    """Change a password; all sessions of the account end."""
    from agritwin.records import accounts

    accounts.set_password(_open(), email, _password())
    console.print(f"{email} has a new password.", highlight=False)


def _open() -> sa.Engine:
    from agritwin.products.records import open_records

    workspace.enter()
    return open_records()


def _password() -> str:
    return os.environ.get(PASSWORD) or typer.prompt("Password", hide_input=True, confirmation_prompt=True)


def _check(role: str | None, twin: str | None) -> None:
    if role is not None and twin is None:
        raise ConfigError(f"The role {role!r} holds on a twin.", "Name it with --twin.")
    if twin is not None:
        config.choose(config.twin_ids(workspace.CONFIG / "twins"), twin)


def _give(engine: sa.Engine, party: int, twin: str | None, role: str) -> None:
    from agritwin.records.people import set_role

    set_role(engine, party, str(twin), None if role == "none" else role)  # type: ignore[arg-type]
