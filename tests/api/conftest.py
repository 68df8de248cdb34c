"""A record store with one account a role, and a client for each."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from agritwin.api.application import create_app
from agritwin.api.surroundings import Surroundings
from agritwin.records import accounts
from agritwin.records.database import connect, migrate
from agritwin.records.people import set_role
from agritwin.records.schema import metadata

ROOT = Path(__file__).resolve().parents[2]
TWIN, OTHER = "47-96-0-0-5-20-1", "47-124-0-0-1-53-1"
ROLES = ("owner", "adviser", "worker", "viewer")
PASSWORD = "a good long password"
ADMIN = "admin@example.org"
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""For tests in which the record store only has to be there."""


class Clock:
    """A clock that stands still until it is moved on."""

    def __init__(self):
        self.time = dt.datetime(2025, 6, 15, 12, tzinfo=dt.UTC)

    def __call__(self):
        return self.time

    def pass_by(self, **span):
        self.time += dt.timedelta(**span)


@pytest.fixture(scope="session", autouse=True)
def quick_hashes():
    """Argon2 with the least cost: the tests hash often and guard nothing."""
    costly = accounts.HASHER
    accounts.HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    accounts._hash_of_nobody.clear()
    yield
    accounts.HASHER = costly


def fill(engine: sa.Engine) -> None:
    """Add an administrator, one account a role on a twin, one on the other twin, and one without any."""
    now = Clock()()
    accounts.add_account(engine, ADMIN, PASSWORD, now, admin=True)
    for role in ROLES:
        set_role(engine, accounts.add_account(engine, f"{role}@example.org", PASSWORD, now), TWIN, role)
    set_role(engine, accounts.add_account(engine, "stranger@example.org", PASSWORD, now), OTHER, "owner")
    accounts.add_account(engine, "nobody@example.org", PASSWORD, now)


@pytest.fixture(scope="session")
def filled(tmp_path_factory, quick_hashes) -> Path:
    """A SQLite store with accounts, to be copied."""
    path = tmp_path_factory.mktemp("store") / "records.db"
    engine = connect(path)
    migrate(engine)
    fill(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def shared_postgresql(cluster) -> Iterator[sa.Engine]:
    """A PostgreSQL store that all tests of the interface share, each of which finds it empty."""
    with cluster.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE interface TEMPLATE template_records")
    engine = connect(cluster.url.set(database="interface").render_as_string(hide_password=False))
    yield engine
    engine.dispose()


def empty(engine: sa.Engine) -> None:
    """Remove all rows, which takes a thirtieth of the time that a new database takes."""
    with engine.begin() as connection:
        connection.exec_driver_sql("; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, filled, tmp_path) -> Iterator[sa.Engine]:
    """A store with accounts, once on each engine."""
    if request.param == "postgresql":
        store = request.getfixturevalue("shared_postgresql")
        empty(store)
        fill(store)
        yield store
    else:
        store = connect(shutil.copy(filled, tmp_path / "records.db"))
        yield store
        store.dispose()


@pytest.fixture
def workspace(tmp_path) -> Path:
    """A workspace with two twins and the rules of the project, without data."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    for name in ("Snakefile", "workflow", "config"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def around(workspace, engine, clock) -> Surroundings:
    return Surroundings(workspace, engine, "a secret of the tests, long enough", clock)


@pytest.fixture(scope="session")
def started() -> Iterator[TestClient]:
    """The application, made and started once; each test gives it its own surroundings."""
    with TestClient(create_app(Surroundings(Path(), connect(":memory:"), "unused"), worker=False)) as one:
        yield one


def another(started: TestClient) -> TestClient:
    """Return a client of the application that runs, with headers of its own."""
    client = TestClient(started.app)
    client.portal = started.portal
    return client


@pytest.fixture
def client(started, around) -> TestClient:
    started.app.state.surroundings = around
    return another(started)


def log_in(client: TestClient, email: str, password: str = PASSWORD) -> dict[str, str]:
    """Return the header that speaks for an account."""
    answer = client.post("/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
def admin(client) -> TestClient:
    """The client of the administrator."""
    client.headers.update(log_in(client, ADMIN))
    return client


@pytest.fixture
def as_(client):
    """Make a client of somebody: ``as_("owner")``."""

    def make(name: str) -> TestClient:
        other = another(client)
        other.headers.update(log_in(client, f"{name}@example.org"))
        return other

    return make
