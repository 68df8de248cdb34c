"""Ways to a device: what it is told, what is known afterwards, and what never reaches it."""

import datetime as dt
import http.server
import json
import socketserver
import threading
import time

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agritwin.alerts.adapters import Http, Mqtt, filled
from agritwin.alerts.commands import NoAnswerError, confirm, deliver, move, propose, register
from agritwin.errors import ConfigError, SourceError
from tests.alerts.test_commands import MemoryJournal

NOW = dt.datetime.now(dt.UTC)
TOPIC = "agritwin/{twin}/commands/{actuator}"


@pytest.fixture
def journal():
    return MemoryJournal()


@pytest.fixture
def command(journal):
    wish = propose("t", "valve", {"open": False}, {"rule": "flood"}, NOW, dt.timedelta(hours=1), "watch", "one")
    register(journal, wish)
    return move(journal, wish.id, "approved", NOW, "ana")


class Valve(http.server.BaseHTTPRequestHandler):
    """Answers with the status in its address; `/hangup` takes the command and says nothing."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.headers["Idempotency-Key"], body))
        if self.path == "/hangup":
            self.close_connection = True
            return
        self.send_response(int(self.path.strip("/")))
        self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(b'{"open": false}')

    def log_message(self, *_):
        pass


@pytest.fixture
def valve():
    with socketserver.TCPServer(("127.0.0.1", 0), Valve) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def over_http(server, path):
    return Http(f"http://127.0.0.1:{server.server_address[1]}/{path}", ("127.0.0.1",), timeout_s=2)


@pytest.mark.parametrize(
    ("path", "state", "reached"),
    [("200", "acknowledged", 1), ("404", "failed", 1), ("302", "failed", 1), ("503", "sent", 1), ("hangup", "sent", 1)],
)
def test_what_an_answer_means(journal, command, valve, path, state, reached):
    done = deliver(journal, command.id, NOW, "watch", over_http(valve, path))
    assert done.state == state
    assert len(valve.got) == reached
    assert {key for key, _ in valve.got} == {command.id}
    deliver(journal, command.id, NOW, "watch", over_http(valve, path))
    assert len(valve.got) == reached


def test_a_device_is_told_id_wish_and_expiry(journal, command, valve):
    deliver(journal, command.id, NOW, "watch", over_http(valve, "200"))
    ((_, body),) = valve.got
    assert (body["id"], body["desired"]) == (command.id, {"open": False})
    assert dt.datetime.fromisoformat(body["expires_at"]) == command.expires_at


def test_hosts_off_the_list_and_machines_that_are_off_get_nothing(journal, command, valve):
    with pytest.raises(ConfigError, match="allowed hosts"):
        Http("https://elsewhere.org/", ("127.0.0.1",)).send(command)
    with pytest.raises(SourceError):
        Http("http://127.0.0.1:9/", ("127.0.0.1",), timeout_s=1).send(command)
    assert valve.got == []


def test_names_cannot_leave_their_place_in_an_address(journal):
    wish = propose("a/../b", "valve?x=1#", {}, {}, NOW, dt.timedelta(hours=1), "watch", "one")
    assert filled("https://h/{twin}/{actuator}", wish) == "https://h/a%2F..%2Fb/valve%3Fx%3D1%23"


class Device:
    """A valve at a broker: acts once an id, and reports on its topic."""

    def __init__(self, port, answers=True):
        self.effects, self.seen, self.answers = [], set(), answers
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self.client.on_message = self.hear
        ready = threading.Event()
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.subscribe("agritwin/t/commands/valve", qos=1)
        assert ready.wait(30)

    def hear(self, client, _, received):
        told = json.loads(received.payload)
        if told["id"] not in self.seen:
            self.seen.add(told["id"])
            self.effects.append(told["desired"])
        if self.answers:
            self.report(told["id"])

    def report(self, id):
        self.client.publish("agritwin/t/commands/valve/reported", json.dumps({"id": id, "open": False}), 1, True)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


def over_mqtt(broker, wait_s=5.0):
    return Mqtt("127.0.0.1", broker.port, TOPIC, time.time, wait_s)


def test_a_device_at_a_broker_acts_and_reports(mosquitto, journal, command):
    device = Device(mosquitto.port)
    done = deliver(journal, command.id, NOW, "watch", over_mqtt(mosquitto))
    assert done.state == "acknowledged"
    assert done.steps[-1].detail["reported"] == {"id": command.id, "open": False}
    assert device.effects == [{"open": False}]
    device.stop()


def test_a_lost_answer_leaves_it_sent_and_is_found_later(mosquitto, journal, command):
    device = Device(mosquitto.port, answers=False)
    way = over_mqtt(mosquitto, 0.5)
    assert deliver(journal, command.id, NOW, "watch", way).state == "sent"
    assert confirm(journal, command.id, NOW, "watch", way).state == "sent"
    device.report(command.id)
    time.sleep(0.2)
    assert confirm(journal, command.id, NOW, "watch", way).state == "acknowledged"
    assert device.effects == [{"open": False}]
    device.stop()


def test_a_broker_that_is_away_is_a_failure(journal, command):
    assert deliver(journal, command.id, NOW, "watch", Mqtt("127.0.0.1", 9, TOPIC, time.time, 0.5)).state == "failed"


def test_nobody_there_is_no_answer(mosquitto, command):
    with pytest.raises(NoAnswerError):
        over_mqtt(mosquitto, 0.3).send(command)
