"""Kills, restarts, absences: every message of QoS 1 is stored exactly once."""

import contextlib
import multiprocessing
import os
import random
import subprocess
import sys
import threading
import time

import pytest
import sqlalchemy as sa

from agritwin.errors import ConfigError, SourceError
from agritwin.records import tables
from agritwin.records.database import connect, migrate, reading
from agritwin.records.instruments import Flag
from agritwin.sensors.gaps import missing_messages
from agritwin.sensors.listener import listen
from agritwin.sensors.mqtt import PASSWORD, USERNAME, Broker
from tests.sensors.test_listener import REGISTRY, TOPIC, TWIN, listening, publish, publisher, stored, wait_until
from tests.servers import Mosquitto, full_disk


def numbers(engine):
    with reading(engine) as connection:
        return list(connection.scalars(sa.select(tables.readings_float.c.seq).order_by(tables.readings_float.c.seq)))


def run(port, where, ready):
    """A listener in a process of its own."""
    listen(Broker(port=port, client_id="campaign"), REGISTRY, connect(where), [TWIN], now=time.time, on_ready=ready.set)


@pytest.fixture
def start(mosquitto, store, monkeypatch):
    """Start a listener that can be killed; gives it when it is subscribed. The imports are done once, before."""
    # A notebook that ran in this process before leaves a main module without it.
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    where = store.url.database if store.dialect.name == "sqlite" else store.url.render_as_string(hide_password=False)
    running = []

    def start_one():
        ready = processes.Event()
        process = processes.Process(target=run, args=(mosquitto.port, where, ready))
        process.start()
        running.append(process)
        assert ready.wait(30)
        return process

    yield start_one
    for process in running:
        process.kill()
        process.join()


def test_killed_under_load_every_message_is_stored_once(mosquitto, store, start, thorough):
    kills, per_second = (20 if thorough else 3), 500
    moments = random.Random(7)
    sent, done = [0], threading.Event()

    def load():
        client = publisher(mosquitto.port)
        while not done.is_set() or sent[0] % 50:
            publish(client, range(sent[0], sent[0] + 50))
            sent[0] += 50
            time.sleep(50 / per_second)
        client.disconnect()
        client.loop_stop()

    process = start()
    loader = threading.Thread(target=load)
    loader.start()
    for _ in range(kills):
        time.sleep(moments.uniform(0.1, 0.8))
        process.kill()
        process.join()
        process = start()
    done.set()
    loader.join(60)
    wait_until(lambda: len(numbers(store)) >= sent[0], 60)
    time.sleep(0.5)  # one that came twice would come now
    assert numbers(store) == list(range(sent[0]))
    assert missing_messages(store, TWIN).empty


def test_a_listener_killed_before_it_acknowledged_does_not_store_twice(mosquitto, tmp_path):
    """Messages without numbers: only the broker's mark tells that they come again."""
    store = connect(tmp_path / "records.db")
    migrate(store)
    seen: list[bool] = []

    class KilledError(Exception):
        pass

    def die(batch):
        seen.extend(one.new for one in batch.readings)
        if len(seen) == batch.messages:
            raise KilledError

    broker = Broker(port=mosquitto.port, client_id="test")
    unnumbered = REGISTRY.model_copy(update={"seq": None})
    with contextlib.suppress(KilledError):
        listen(broker, unnumbered, store, [TWIN], now=time.time, on_batch=die, on_ready=lambda: send(mosquitto, 3))
    with listening(broker, store, die, unnumbered):
        wait_until(lambda: len(seen) >= 6)
    assert seen == [True] * 3 + [False] * 3
    assert len(stored(store)) == 3
    assert not (stored(store)["flags"] & int(Flag.DUPLICATE)).any()


def send(mosquitto, count, first=0):
    client = publisher(mosquitto.port)
    publish(client, range(first, first + count))
    client.disconnect()
    client.loop_stop()


def test_a_listener_away_and_a_broker_restarted_lose_nothing(mosquitto, store, thorough):
    away = 20_000 if thorough else 3_000
    broker = Broker(port=mosquitto.port, client_id="test")
    with listening(broker, store):
        wait_until(lambda: mosquitto.subscribed("test"))
    send(mosquitto, away)
    mosquitto.stop()
    mosquitto.start()
    with listening(broker, store):
        wait_until(lambda: len(numbers(store)) == away, 60)
        mosquitto.stop()
        mosquitto.start()
        send(mosquitto, 100, away)  # while the listener is still waiting to connect anew
        wait_until(lambda: len(numbers(store)) == away + 100)
    assert numbers(store) == list(range(away + 100))


@contextlib.contextmanager
def away(store, cluster):
    """The record store gone for a while: its server takes nobody, or its disk is full."""
    if store.dialect.name == "sqlite":
        with full_disk():
            yield
        return
    name = store.url.database
    with cluster().connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        yield
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_a_record_store_that_was_away_loses_nothing(mosquitto, store, request, caplog):
    with listening(Broker(port=mosquitto.port, client_id="test"), store) as totals:
        wait_until(lambda: mosquitto.subscribed("test"))
        send(mosquitto, 100)
        wait_until(lambda: len(numbers(store)) == 100)
        with away(store, lambda: request.getfixturevalue("cluster")):
            send(mosquitto, 300, 100)
            wait_until(lambda: "wait at the broker" in caplog.text)
        wait_until(lambda: len(numbers(store)) == 400)
    assert numbers(store) == list(range(400))
    assert totals[0].new == 400


def test_gaps_in_the_numbers_of_a_device_are_told(mosquitto, store):
    with listening(Broker(port=mosquitto.port, client_id="test"), store):
        wait_until(lambda: mosquitto.subscribed("test"))
        client = publisher(mosquitto.port)
        publish(client, [0, 1, 2, 5, 6, 20, 7])  # 7 comes late and fills
        wait_until(lambda: len(numbers(store)) == 7)
        client.disconnect()
        client.loop_stop()
    gaps = missing_messages(store, TWIN)
    assert gaps[["sensor", "after", "before", "missing"]].values.tolist() == [
        [f"{TWIN}/probe", 2, 5, 2],
        [f"{TWIN}/probe", 7, 20, 12],
    ]


@pytest.fixture
def guarded(tmp_path):
    """A broker that wants TLS, a password and keeps users to their topics."""
    folder = tmp_path / "guarded"
    folder.mkdir()
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    openssl += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem")]
    subprocess.run([*openssl, "-out", str(folder / "ca.pem")], check=True, capture_output=True)
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "farm", "right"], check=True)
    rules = folder / "rules"
    rules.write_text("user farm\ntopic readwrite agritwin/#\n")
    broker = Mosquitto(
        folder,
        "allow_anonymous false",
        f"password_file {passwords}",
        f"acl_file {rules}",
        f"certfile {folder / 'ca.pem'}",
        f"keyfile {folder / 'key.pem'}",
    )
    broker.start()
    yield broker
    broker.stop()


def test_tls_and_credentials(guarded, tmp_path, monkeypatch):
    engine = connect(tmp_path / "records.db")
    migrate(engine)
    broker = Broker(port=guarded.port, client_id="test", ca=guarded.folder / "ca.pem")
    monkeypatch.setenv(USERNAME, "farm")
    monkeypatch.setenv(PASSWORD, "right")
    with listening(broker, engine):
        wait_until(lambda: guarded.subscribed("test"))
        send_guarded(guarded)
        wait_until(lambda: len(numbers(engine)) == 20)
    monkeypatch.setenv(PASSWORD, "wrong")
    with pytest.raises(SourceError, match="refuses the connection"):
        listen(broker, REGISTRY, engine, [TWIN], now=time.time)
    with pytest.raises(ConfigError, match="in the clear"):
        listen(Broker(host="broker.example"), REGISTRY, engine, [TWIN], now=time.time)


def send_guarded(broker):
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(os.environ[USERNAME], os.environ[PASSWORD])
    client.tls_set(ca_certs=str(broker.folder / "ca.pem"))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    publish(client, range(20), TOPIC)
    client.disconnect()
    client.loop_stop()
