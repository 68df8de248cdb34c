"""Accounts: who may log in, which of their sessions are alive, and how often somebody tried the wrong password."""

import datetime as dt
import re
import secrets
import threading
from dataclasses import dataclass, field

import argon2
import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import reading, writing
from agritwin.records.people import ALLOWED, Action

ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,189}")
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 200
FAILURE_WINDOW = dt.timedelta(minutes=15)
FAILURES_PER_ACCOUNT = 5
FAILURES_PER_ORIGIN = 30
HASHER = argon2.PasswordHasher()
ONE_LOGIN = threading.Lock()
"""Passwords are checked one after the other: of many sent at once all would be tried before the first is counted."""

accounts = sa.Table(
    "accounts",
    t.metadata,
    sa.Column("party_id", sa.Integer, sa.ForeignKey("parties.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("admin", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)

login_sessions = sa.Table(
    "login_sessions",
    t.metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column(
        "party_id", sa.Integer, sa.ForeignKey("accounts.party_id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("refresh_token", sa.Text, nullable=False),  # id of the only refresh token that is still good
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
)

login_failures = sa.Table(
    "login_failures",
    t.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("whose", sa.Text, nullable=False, index=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True)
class Account:
    """Somebody who may log in, with the role on each twin; an administrator may do everything everywhere."""

    party_id: int
    email: str
    admin: bool
    roles: dict[str, str] = field(default_factory=dict)

    def may(self, action: Action, twin_id: str | None = None) -> bool:
        """Tell whether this account may do something on a twin, or, with None, on what belongs to no twin."""
        return self.admin or action in ALLOWED.get(self.roles.get(twin_id or "", ""), ())

    def may_somewhere(self, action: Action) -> bool:
        """Tell whether there is any twin on which this account may do something."""
        return self.admin or any(action in ALLOWED[role] for role in self.roles.values())

    def twins(self, action: Action = "read") -> list[str] | None:
        """Return the twins on which this account may do something; None stands for all."""
        return None if self.admin else [twin for twin, role in self.roles.items() if action in ALLOWED[role]]


class ThrottledError(DataError):
    """Too many wrong passwords; ``seconds`` tells how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many failed logins.", f"Wait {seconds} seconds.")
        self.seconds = seconds


def add_account(engine: sa.Engine, email: str, password: str, now: dt.datetime, *, admin: bool = False) -> int:
    """Let somebody log in and return the number of the party; a party with this address gets the account.

    Raises
    ------
    DataError
        When the address or password is unfit, or the address has an account.
    """
    address, hashed = _address(email), _hash(password)
    p = t.parties.c
    with writing(engine) as connection:
        party = connection.scalar(sa.select(p.id).where(p.email == address))
        if party is None:
            add = sa.insert(t.parties).values(name=address, email=address).returning(p.id)
            party = connection.execute(add).scalar_one()
        elif connection.scalar(sa.select(accounts.c.party_id).where(accounts.c.party_id == party)) is not None:
            raise DataError("User already exists")
        connection.execute(sa.update(t.parties).where(p.id == party).values(password_hash=hashed))
        connection.execute(sa.insert(accounts).values(party_id=party, admin=admin, created_ms=_ms(now)))
    return party


def remove_account(engine: sa.Engine, email: str) -> None:
    """Take the account, its roles and its sessions away; the party stays, since records may name it.

    Raises
    ------
    DataError
        When there is no such account, it is the last administrator's, or a twin would be left without an owner.
    """
    with writing(engine) as connection:
        party, admin = _find(connection, email)
        if admin and connection.scalar(sa.select(sa.func.count()).where(accounts.c.admin)) == 1:
            raise DataError(f"{email} is the last administrator.", "Name another administrator first.")
        owners = t.roles.alias()
        others = sa.exists().where(
            owners.c.twin_id == t.roles.c.twin_id, owners.c.role == "owner", owners.c.party_id != party
        )
        alone = sa.select(t.roles.c.twin_id).where(t.roles.c.party_id == party, t.roles.c.role == "owner", ~others)
        if (twin := connection.scalar(alone)) is not None:
            raise DataError(f"{twin} would be left without an owner.", "Name another owner first.")
        connection.execute(sa.delete(t.roles).where(t.roles.c.party_id == party))
        connection.execute(sa.delete(accounts).where(accounts.c.party_id == party))
        connection.execute(sa.update(t.parties).where(t.parties.c.id == party).values(password_hash=None))


def set_password(engine: sa.Engine, email: str, password: str) -> None:
    """Change a password; every session of the account ends.

    Raises
    ------
    DataError
        When there is no such account or the password is unfit.
    """
    hashed = _hash(password)
    with writing(engine) as connection:
        party, _ = _find(connection, email)
        connection.execute(sa.update(t.parties).where(t.parties.c.id == party).values(password_hash=hashed))
        connection.execute(sa.delete(login_sessions).where(login_sessions.c.party_id == party))


def find_account(engine: sa.Engine, email: str) -> Account | None:
    """Return an account by its address, None where there is none."""
    found = [account for account in all_accounts(engine, email.lower()) if account.email == email.lower()]
    return found[0] if found else None


def all_accounts(engine: sa.Engine, email: str | None = None) -> list[Account]:
    """Return all accounts in order of their addresses, or the one with an address."""
    select = sa.select(accounts.c.party_id, t.parties.c.email, accounts.c.admin).join(t.parties)
    if email is not None:
        select = select.where(t.parties.c.email == email)
    with reading(engine) as connection:
        rows = connection.execute(select.order_by(t.parties.c.email)).all()
        return [Account(row.party_id, row.email, row.admin, _roles(connection, row.party_id)) for row in rows]


def check_password(engine: sa.Engine, email: str, password: str, origin: str, now: dt.datetime) -> Account | None:
    """Return the account that an address and a password open, None where they open none.

    An unknown address takes as long as a wrong password. Failures count for the account and for the origin.

    Raises
    ------
    ThrottledError
        After too many failures; then not even the right password opens.
    """
    with ONE_LOGIN:
        return _check_password(engine, email, password, origin, now)


def _check_password(engine: sa.Engine, email: str, password: str, origin: str, now: dt.datetime) -> Account | None:
    address = email.lower()[:255]
    keys = {f"account {address}": FAILURES_PER_ACCOUNT, f"origin {origin}": FAILURES_PER_ORIGIN}
    for whose, most in keys.items():
        _check_failures(engine, whose, most, now)
    with reading(engine) as connection:
        select = sa.select(t.parties.c.password_hash).join(accounts).where(t.parties.c.email == address)
        hashed = connection.scalar(select)
    try:
        right = HASHER.verify(hashed or _nobody(), password) and hashed is not None
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, UnicodeEncodeError):
        right = False
    if not right:
        with writing(engine) as connection:
            connection.execute(sa.delete(login_failures).where(login_failures.c.at_ms <= _ms(now - FAILURE_WINDOW)))
            rows = [{"whose": whose, "at_ms": _ms(now)} for whose in keys]
            connection.execute(sa.insert(login_failures), rows)
        return None
    with writing(engine) as connection:
        connection.execute(sa.delete(login_failures).where(login_failures.c.whose == f"account {address}"))
        if hashed and HASHER.check_needs_rehash(hashed):
            new = HASHER.hash(password)
            connection.execute(sa.update(t.parties).where(t.parties.c.email == address).values(password_hash=new))
    return find_account(engine, address)


def open_session(engine: sa.Engine, party_id: int, now: dt.datetime, life: dt.timedelta) -> tuple[str, str]:
    """Begin a session; return its id and the id of its first refresh token."""
    session, token = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    row = {"id": session, "party_id": party_id, "refresh_token": token, "expires_ms": _ms(now + life)}
    with writing(engine) as connection:
        connection.execute(sa.delete(login_sessions).where(login_sessions.c.expires_ms < _ms(now)))
        connection.execute(sa.insert(login_sessions).values(**row))
    return session, token


def rotate_session(
    engine: sa.Engine, session: str, token: str, now: dt.datetime, life: dt.timedelta
) -> tuple[Account, str] | None:
    """Exchange a refresh token for the next one; a token used a second time ends the session, for it was copied.

    Returns the account and the id of the new token, None where the session is over.
    """
    c = login_sessions.c
    new = secrets.token_urlsafe(16)
    with writing(engine) as connection:
        alive = sa.and_(c.id == session, c.refresh_token == token, c.expires_ms >= _ms(now))
        change = sa.update(login_sessions).where(alive).values(refresh_token=new, expires_ms=_ms(now + life))
        if connection.execute(change).rowcount == 0:
            connection.execute(sa.delete(login_sessions).where(c.id == session))
            return None
    account = session_account(engine, session, now)
    return None if account is None else (account, new)


def close_session(engine: sa.Engine, session: str) -> None:
    """End a session: none of its tokens is good any more."""
    with writing(engine) as connection:
        connection.execute(sa.delete(login_sessions).where(login_sessions.c.id == session))


def session_account(engine: sa.Engine, session: str, now: dt.datetime) -> Account | None:
    """Return the account of a session that is alive, else None."""
    c = login_sessions.c
    select = (
        sa.select(accounts.c.party_id, t.parties.c.email, accounts.c.admin)
        .select_from(login_sessions.join(accounts, accounts.c.party_id == c.party_id).join(t.parties))
        .where(c.id == session, c.expires_ms >= _ms(now))
    )
    with reading(engine) as connection:
        row = connection.execute(select).first()
        return None if row is None else Account(row.party_id, row.email, row.admin, _roles(connection, row.party_id))


def _check_failures(engine: sa.Engine, whose: str, most: int, now: dt.datetime) -> None:
    c = login_failures.c
    begin = _ms(now - FAILURE_WINDOW)
    with reading(engine) as connection:
        select = sa.select(c.at_ms).where(c.whose == whose, c.at_ms > begin).order_by(c.at_ms.desc()).limit(most)
        times = connection.scalars(select).all()
    if len(times) == most:
        raise ThrottledError(max(1, -(-(times[-1] - begin) // 1000)))


def _find(connection: sa.Connection, email: str) -> tuple[int, bool]:
    select = sa.select(accounts.c.party_id, accounts.c.admin).join(t.parties).where(t.parties.c.email == email.lower())
    row = connection.execute(select).first()
    if row is None:
        raise DataError("User doesn't exist", "List the users.")
    return row.party_id, row.admin


def _roles(connection: sa.Connection, party_id: int) -> dict[str, str]:
    c = t.roles.c
    select = sa.select(c.twin_id, c.role).where(c.party_id == party_id).order_by(c.twin_id)
    return dict(connection.execute(select).tuples().all())


def _address(email: str) -> str:
    if ADDRESS.fullmatch(email) is None:
        raise DataError(f"{email!r} is no e-mail address.", "Write it as name@host.")
    return email.lower()


def _hash(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise DataError(
            f"A password of {len(password)} characters is not taken.",
            f"Use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
        )
    return HASHER.hash(password)


_hash_of_nobody: list[str] = []


def _nobody() -> str:
    """Return the hash of a password that nobody has, made once."""
    if not _hash_of_nobody:
        _hash_of_nobody.append(HASHER.hash(secrets.token_urlsafe(16)))
    return _hash_of_nobody[0]


def _ms(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)
