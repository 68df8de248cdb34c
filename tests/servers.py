"""Servers that tests talk to, started by the tests themselves from Debian's packages: PostgreSQL and Mosquitto."""

import contextlib
import os
import pwd
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from agritwin.records.database import connect, migrate


def _binary(name: str, *folders: Path) -> str:
    """Return a program of the first folder that has it, newest version first."""
    for folder in folders:
        if (folder / name).is_file():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        (pytest.fail if "CI" in os.environ else pytest.skip)(f"{name} is not installed")
    return found


def _unprivileged() -> dict[str, object]:
    """Return how to start a server that refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@contextlib.contextmanager
def running_cluster() -> Iterator[sa.Engine]:
    """Run a PostgreSQL, empty but for a migrated database ``template_records``."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    initdb, pg_ctl = _binary("initdb", *versions), _binary("pg_ctl", *versions)
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket has at most 107 letters
    who = _unprivileged()
    if who:
        shutil.chown(folder, str(who["user"]))
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **who}
    data, log = folder / "data", folder / "log"
    subprocess.run([initdb, "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-N"], **run)
    options = f"-F -c listen_addresses= -c max_wal_senders=0 -c wal_level=minimal -k {folder}"
    subprocess.run([pg_ctl, "-D", data, "-w", "-l", log, "-o", options, "start"], **run)
    address = f"postgresql+psycopg://postgres@/{{name}}?host={folder}"
    engine = sa.create_engine(address.format(name="postgres"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE template_records")
        template = connect(address.format(name="template_records"))
        migrate(template)
        template.dispose()
        yield engine
    finally:
        engine.dispose()
        subprocess.run([pg_ctl, "-D", data, "-m", "immediate", "stop"], **run)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster() -> Iterator[sa.Engine]:
    """The PostgreSQL of this session."""
    with running_cluster() as engine:
        yield engine


@pytest.fixture
def postgresql(cluster: sa.Engine) -> Iterator[str]:
    """URL of a PostgreSQL record store of this test alone, migrated."""
    name = "t" + os.urandom(6).hex()
    with cluster.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template_records")
    yield cluster.url.set(database=name).render_as_string(hide_password=False)
    with cluster.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite record store, to be copied: migrating takes twenty times as long."""
    path = tmp_path_factory.mktemp("migrated") / "records.db"
    engine = connect(path)
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def engine(migrated: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty record store on SQLite."""
    engine = connect(shutil.copy(migrated, tmp_path / "records.db"))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """An empty record store, once on each engine."""
    if request.param == "sqlite":
        yield request.getfixturevalue("engine")
        return
    engine = connect(request.getfixturevalue("postgresql"))
    yield engine
    engine.dispose()


@contextlib.contextmanager
def full_disk(room: int = 8192) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Mosquitto:
    """A broker that can be stopped, killed and started again at the same port with what it kept."""

    def __init__(self, folder: Path, *settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.process = folder, None
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"user {pwd.getpwuid(os.geteuid()).pw_name}",
            "persistence true",
            f"persistence_location {folder}/",
            "max_queued_messages 200000",
            "log_type error",
            "log_type warning",
            "log_type subscribe",
            *(settings or ("allow_anonymous true",)),
        ]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        program = _binary("mosquitto", Path("/usr/sbin"))
        log = (self.folder / "mosquitto.log").open("ab")
        self.process = subprocess.Popen([program, "-c", str(self.folder / "mosquitto.conf")], stdout=log, stderr=log)
        for _ in range(200):
            if self.process.poll() is not None:  # whoever answers at this port is another broker
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.02)
        raise RuntimeError((self.folder / "mosquitto.log").read_text())

    def subscribed(self, client_id: str) -> int:
        """Return how often a client has subscribed."""
        return (self.folder / "mosquitto.log").read_text().count(f" {client_id} ")

    def stop(self) -> None:
        """Stop it as an administrator does; sessions and queues are written down."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running Mosquitto that lets everybody in."""
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.start()
    yield broker
    broker.stop()
