"""The commands of watch, notices and actuators, as a person types them."""

import contextlib
import datetime as dt
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import paho.mqtt.client as paho
import pytest
import xarray as xr
import xmlschema
from paho.mqtt.enums import CallbackAPIVersion
from shapely.geometry import shape
from typer.testing import CliRunner

from agritwin import config
from agritwin.alerts.live import RainReading, follow
from agritwin.alerts.stores import commands, inbox
from agritwin.cli import app
from agritwin.cli.application import console
from agritwin.records.database import connect
from agritwin.sensors.demo import demo_broker
from agritwin.watch.cloudburst import messages, publish
from agritwin.watch.context import Contexts, load
from agritwin.watch.loop import Watch
from tests.conftest import DEMO, ROOT
from tests.watch import test_follow
from tests.watch.conftest import NEIGHBOUR
from tests.watch.test_kill import wait

engine, contexts = test_follow.engine, test_follow.contexts
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(console, "width", 200)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def flooded(engine, contexts):
    """A synthetic cloudburst that has been told of."""
    test_follow.rain(engine, messages(62, 2, NOW), "rain-gauge-synthetic")
    test_follow.look(engine, contexts, NOW)
    return engine


def test_a_command_is_listed_approved_and_rejected_once(flooded, run):
    (command,) = commands(flooded)
    listed = run("commands", "list")
    assert command.id in listed.output
    assert "irrigation: stop, hours: 12" in listed.output
    assert "approved" in run("commands", "approve", command.id[:8], "--by", "ana").output
    (command,) = commands(flooded)
    assert (command.state, command.steps[-1].by) == ("approved", "ana")
    assert run("commands", "reject", command.id).exit_code == 0
    refused = run("commands", "approve", command.id)
    assert refused.exit_code == 2
    assert "closed" in refused.output
    assert run("commands", "approve", "nothing").exit_code == 2
    assert "ana" in run("commands", "list", "--journal").output


def test_the_inbox_is_shown_seen_and_acknowledged(flooded, run):
    assert NEIGHBOUR in run("notices").output
    assert {row["state"] for row in inbox(flooded, None, NOW)} == {"seen"}
    number = inbox(flooded, NEIGHBOUR, NOW)[0]["id"]
    run("notices", "--acknowledge", str(number), "--by", "luis")
    assert inbox(flooded, NEIGHBOUR, NOW)[0]["acknowledged_by"] == "luis"
    assert run("notices", "--acknowledge", "999").exit_code == 2


def test_alerts_that_stand_are_written_as_valid_cap(flooded, run, tmp_path):
    schema = xmlschema.XMLSchema(ROOT / "tests" / "reference" / "CAP-v1.2.xsd")
    assert run("notices", "--cap", str(tmp_path / "cap")).exit_code == 0
    files = sorted((tmp_path / "cap").glob("*.xml"))
    assert len(files) > 3
    for path in files:
        schema.validate(path.read_text())
        assert "<status>Test</status>" in path.read_text()
    assert any("<msgType>Update</msgType>" in path.read_text() for path in files)


def test_an_exercise_says_what_it_led_to_and_not_what_the_one_before_did(engine, contexts, run, monkeypatch):
    watched = [True]

    @contextlib.contextmanager
    def publish(twin, said, *_):
        time.sleep(1.0)  # the gauge says nothing twice of one second
        test_follow.rain(engine, said, "rain-gauge-synthetic")
        if watched[0]:
            test_follow.look(engine, contexts, dt.datetime.now(dt.UTC))
        yield time.time()

    monkeypatch.setattr("agritwin.watch.cloudburst.publish", publish)
    monkeypatch.setattr("agritwin.cli.watch.PATIENCE_S", 0.2)
    assert "no danger" in run("fake-flood", DEMO, "--mm", "1").output
    first = run("fake-flood", DEMO, "--hours", "1").output
    assert "Told 0." in first
    assert "Inundación: grave" in first
    assert "commands approve" in first
    assert "were told of before" in run("fake-flood", DEMO, "--mm", "5").output
    watched[0] = False
    ignored = run("fake-flood", DEMO, "--mm", "80")
    assert ignored.exit_code == 2
    assert "0 of 24 messages" in ignored.output


def test_lists_fit_a_narrow_terminal(flooded, run, monkeypatch):
    monkeypatch.setattr(console, "width", 80)
    shown = run("notices").output
    assert max(map(len, shown.splitlines())) <= 80
    assert "Inundación: grave" in shown
    assert "…" not in shown
    listed = run("commands", "list", "--journal").output  # its sentences go on in the next line of the terminal
    assert "Synthetic data: an exercise, not an observation." in listed


def test_a_broker_for_trying_out_passes_all_messages_on_while_their_sender_stays():
    """Of a client that has left, it forgets what it has acknowledged: a third of the exercises lost messages so."""
    port, came, here = 18_837, [], threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda *_: client.subscribe("agritwin/#", 1)
    client.on_subscribe = lambda *_: here.set()
    client.on_message = lambda _, __, message: came.append(message.payload)
    with demo_broker(port):
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert here.wait(20)
        for count in range(1, 6):
            with publish(DEMO, messages(62, 2, NOW), "127.0.0.1", port):
                wait(lambda count=count: len(came) == 24 * count, 20)
        client.disconnect()
        client.loop_stop()


def test_a_cloudburst_without_a_broker_says_what_to_do(workspace, run):
    from tests.watch.conftest import configure

    configure(workspace, listen={"port": 9})
    refused = run("fake-flood", DEMO)
    assert refused.exit_code == 2
    assert "agritwin watch --demo-broker" in refused.output


def test_a_context_is_read_again_when_the_dag_has_published(workspace):
    contexts = Contexts(workspace, config.load(workspace / "config"))
    first = contexts.of(DEMO)
    assert contexts.of(DEMO) is first
    test_follow.publish(workspace, test_follow.published("mid"))
    assert len(contexts.of(DEMO).product["judgements"]) == 1
    assert contexts.of(NEIGHBOUR).situation.library is None
    connect(workspace / "data" / "records.db").dispose()


def test_a_raster_of_hard_rain_over_a_parcel_raises_the_danger_that_its_gauge_measures(engine, contexts, run, tmp_path):
    said = [(dt.datetime.fromisoformat(one["time"]), one["precipitation"]) for one in messages(62, 2, NOW)]
    gauge = [RainReading("gauge", time, mm) for time, mm in said]
    known = [(one.rule, one.level) for one in follow(gauge, contexts.of(DEMO).situation)[1]]
    place = shape(config.outlines(Path("config"))[DEMO]).representative_point()
    rain = np.zeros((len(said), 3, 3))
    rain[:, 1, 1] = [mm for _, mm in said]
    axes = {"lat": place.y + np.array([0.01, 0, -0.01]), "lon": place.x + np.array([-0.01, 0, 0.01])}
    times = {"time": [np.datetime64(time.replace(tzinfo=None), "ns") for time, _ in said]}
    raster = xr.Dataset({"rain": (("time", "lat", "lon"), rain, {"units": "mm"})}, times | axes)
    raster.to_zarr(tmp_path / "radar.zarr", consolidated=False)
    assert run("listen", str(tmp_path / "radar.zarr")).exit_code == 2
    told = run("listen", str(tmp_path / "radar.zarr"), "--twin", DEMO)
    assert "24 readings stored" in told.output, told.output
    found = test_follow.look(engine, contexts)
    assert [(one.judgement.rule, one.judgement.level) for one in found] == known
    assert ("flood", "serious") in known
    assert "0 readings stored, 24 known" in run("listen", str(tmp_path / "radar.zarr"), "--twin", DEMO).output


def test_the_watch_starts_without_the_compiler_of_the_solver():
    """A start on a busy machine waits for whatever is imported, and the watch simulates nothing."""
    code = "import sys, agritwin.watch.loop; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_broker_for_trying_out_opens_when_the_floods_are_read_since_it_keeps_nothing(engine, workspace, monkeypatch):
    order, stop = [], threading.Event()
    monkeypatch.setattr(
        Contexts, "of", lambda self, twin: order.append("floods") or load(workspace, twin, settings[twin])
    )
    settings = config.load(workspace / "config", DEMO)

    @contextlib.contextmanager
    def here():
        order.append("broker")
        stop.set()
        yield

    Watch(engine, workspace, settings, here=here).run(stop, print, lambda: None)
    assert order[:2] == ["floods", "broker"]
