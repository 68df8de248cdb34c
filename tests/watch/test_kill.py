"""The watch killed while a cloudburst comes in over a real broker: no event lost, no notice repeated."""

import datetime as dt
import http.server
import json
import os
import random
import signal
import socketserver
import subprocess
import sys
import threading
import time

import pytest

from agritwin.alerts.stores import alert_log, commands, inbox
from agritwin.records.database import connect
from agritwin.records.readings import readings
from agritwin.watch.cloudburst import messages, publish
from tests.conftest import DEMO
from tests.watch.conftest import NEIGHBOUR, configure

CLIENT = "agritwin-watch-test"


class Hook(http.server.BaseHTTPRequestHandler):
    """Counts the notices that leave by the webhook."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Hook) as server:
        server.keys = []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


class Watched:
    """The watch as a process of its own."""

    def __init__(self, folder):
        self.folder, self.process = folder, None

    def _ready(self):
        """How often it said that it watches: what is published from then on reaches it."""
        log = self.folder / "watch.log"
        return log.read_text().count("Watching") if log.exists() else 0

    def start(self):
        before = self._ready()
        code = f"from agritwin.cli import app; app(['watch', '--twin', '{DEMO}'])"
        log = (self.folder / "watch.log").open("ab")
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=self.folder, env=environment, stdout=log, stderr=log
        )
        wait(lambda: self._ready() > before or self.process.poll() is not None)
        assert self.process.poll() is None, (self.folder / "watch.log").read_text()

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, (self.folder / "watch.log").read_text()


def wait(condition, seconds=90.0):
    """Wait until something holds, and return how long that took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() < begin + seconds, "nothing happened"
        time.sleep(0.05)
    return time.monotonic() - begin


def floods(engine):
    return [row for row in alert_log(engine) if row["rule"] == "flood"]


def test_kills_lose_no_event_and_repeat_no_notice(workspace, mosquitto, hook, thorough):
    configure(
        workspace,
        listen={"port": mosquitto.port, "client_id": CLIENT},
        notices={
            "webhook_url": f"http://127.0.0.1:{hook.server_address[1]}/",
            "webhook_allowed_hosts": ["127.0.0.1"],
        },
    )
    kills, chance = (20 if thorough else 2), random.Random(7)
    said = messages(62, 2, dt.datetime.now(dt.UTC).replace(microsecond=0))
    engine, watch = connect(workspace / "data" / "records.db"), Watched(workspace)
    bounds = sorted(chance.sample(range(1, len(said) - 4), min(kills, len(said) - 5)))
    bounds += [bounds[-1]] * (kills - len(bounds))
    begin = 0
    for end in bounds:
        watch.start()
        with publish(DEMO, said[begin:end], "127.0.0.1", mosquitto.port):
            pass
        time.sleep(chance.uniform(0, 1.2))
        watch.kill()
        begin = end
    watch.start()
    with publish(DEMO, said[begin:], "127.0.0.1", mosquitto.port):
        pass
    told = wait(
        lambda: len(inbox(engine, NEIGHBOUR, dt.datetime.now(dt.UTC))) > 0 and floods(engine)[-1]["level"] == "serious"
    )
    wait(lambda: len(hook.keys) >= 3, 30)
    time.sleep(2.5)
    watch.stop()
    assert told < 30  # a loaded machine; python -m benchmarks.alerts prints the time of a quiet one
    assert len(readings(engine, twin_id=DEMO)) == len(said)
    assert [row["level"] for row in floods(engine)] == ["low", "mid", "serious"]
    assert len({row["event"] for row in floods(engine)}) == 1
    now = dt.datetime.now(dt.UTC)
    assert [row["level"] for row in inbox(engine, NEIGHBOUR, now)] == ["serious"]
    assert len(inbox(engine, DEMO, now)) == 3
    assert all(row["evidence"]["synthetic"] for row in inbox(engine, None, now))
    assert [command.state for command in commands(engine, DEMO)] == ["proposed"]
    assert len(hook.keys) == len(set(hook.keys))
    engine.dispose()


def test_the_messages_of_a_cloudburst_add_up_and_say_what_they_are():
    end = dt.datetime(2025, 6, 15, 12, tzinfo=dt.UTC)
    said = messages(62, 2, end)
    assert sum(one["precipitation"] for one in said) == pytest.approx(62, abs=0.01)
    assert len(said) == 24
    assert all(one["synthetic"] is True for one in said)
    assert said[-1]["time"] == end.isoformat()
    assert json.loads(json.dumps(said)) == said
    heaviest = max(range(24), key=lambda i: said[i]["precipitation"])
    assert 8 <= heaviest <= 15
    assert len({one["seq"] for one in said}) == 24
