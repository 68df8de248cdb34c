"""What comes over a broker: read, flagged, stored once, never lost."""

import contextlib
import json
import threading
import time

import paho.mqtt.client as paho
import pandas as pd
import pytest
import sqlalchemy as sa
from paho.mqtt.enums import CallbackAPIVersion

from agritwin.records import tables
from agritwin.records.database import reading
from agritwin.records.instruments import Flag
from agritwin.records.readings import readings
from agritwin.records.values import value_of
from agritwin.sensors.listener import Batch, Sink, listen
from agritwin.sensors.mqtt import Broker, Message
from agritwin.sensors.registry import Registry

TWIN, OTHER = "47-96-0-0-5-20-1", "47-1-0-0-1-1-1"
NOON = 1_748_779_200_000  # 2025-06-01T12:00Z
REGISTRY = Registry.model_validate(
    {
        "name": "orchard",
        "time": "time",
        "value": "value",
        "topic": "topic",
        "unit": "unit",
        "seq": "seq",
        "late_minutes": 60,
        "streams": [
            {"column": "agritwin/{twin}/soil/temperature", "sensor": "probe", "measure": "soil_temperature",
             "unit": "Cel", "minimum": -15, "maximum": 50, "stuck_readings": 4},
            {"topic": "agritwin/{twin}/station", "column": "t", "sensor": "station", "measure": "air", "unit": "degC"},
            {"topic": "agritwin/{twin}/station", "column": "h", "sensor": "station", "measure": "humidity",
             "unit": "percent", "minimum": 0, "maximum": 100},
        ],
    }
)  # fmt: skip
TOPIC = f"agritwin/{TWIN}/soil/temperature"


def message(hour, value, *, topic=TOPIC, again=False, arrived=None, **more):
    moment = pd.Timestamp("2025-06-01") + pd.Timedelta(hours=hour)
    arrival = pd.Timestamp("2025-06-01") + pd.Timedelta(hours=hour if arrived is None else arrived)
    body = json.dumps({"time": f"{moment.isoformat()}Z", "value": value, **more}).encode()
    return Message(topic, body, 1, 1, again, arrival.value // 10**6)


def raw(payload, topic=TOPIC):
    return Message(topic, payload, 1, 1, False, NOON)


@pytest.fixture
def sink(store):
    return Sink(store, REGISTRY, [TWIN])


def stored(engine):
    return readings(engine, doubtful=True)


def test_every_flag_and_nothing_dropped(sink, store):
    batch = sink.store(
        [
            message(10, 20.0),
            message(12, 21.0),
            message(11, 20.5, arrived=12.1),  # late and out of order
            message(12, 21.0),  # once more
            message(12, 22.0),  # another value of one moment
            message(13, 80.0),  # absurd
            message(14, "NaN!"),  # no number
            message(15, 68.0, unit="degF"),  # another unit
            message(16, 20.0, unit="kPa"),  # another kind of unit
            message(18, 20.0, arrived=17),  # before it happened
            message(17, None),  # no value
        ]
    )
    assert [one.flags for one in batch.readings] == [
        0,
        0,
        Flag.LATE | Flag.OUT_OF_ORDER,
        Flag.DUPLICATE,
        Flag.CONFLICT,
        Flag.ABSURD,
        Flag.ABSURD,
        Flag.UNIT_CHANGED,
        Flag.UNIT_CHANGED | Flag.ABSURD,
        Flag.FUTURE,
        0,
    ]
    table = stored(store)
    assert len(table) == 11
    assert table.loc[table["time"].dt.hour == 15, "value"].item() == pytest.approx(20.0)
    assert table.loc[table["time"].dt.hour == 14, "text"].item() == "NaN!"
    assert set(table["sensor"]) == {f"{TWIN}/probe"}


TYPES = [
    ("float", "degC", 20.5, "dry"),
    ("int", "1", 2**63 - 1, 1.5),
    ("bool", "1", True, "perhaps"),
    ("string", "1", "open", None),
]


def test_values_of_every_type_come_back_as_they_were_sent(store):
    streams = [
        {"topic": "t", "column": kind, "sensor": "valve", "measure": kind, "unit": unit, "datatype": kind, "twin": TWIN}
        for kind, unit, _, _ in TYPES
    ]
    sink = Sink(store, Registry.model_validate({"name": "valves", "streams": streams}), [TWIN])
    right = {kind: value for kind, _, value, _ in TYPES}
    wrong = {kind: value for kind, _, _, value in TYPES if value is not None}
    for hour, values in ((10, right), (11, wrong)):
        sink.store([message(hour, 0, topic="t", **values)])
    table = stored(store).replace({float("nan"): None})
    found = {
        (row.measure, row.time.hour): (value_of(str(row.measure), row.value, row.text), row.flags)
        for row in table.itertuples()
    }
    assert {kind: found[kind, 10] for kind in right} == {kind: (value, 0) for kind, value in right.items()}
    assert {kind: found[kind, 11] for kind in wrong} == {k: (str(v), Flag.ABSURD) for k, v in wrong.items()}


def test_the_order_is_remembered_across_batches_and_restarts(sink, store):
    sink.store([message(10, 1.0), message(30, 1.5, arrived=11)])
    assert sink.store([message(9, 2.0)]).readings[0].flags == Flag.OUT_OF_ORDER
    again = Sink(store, REGISTRY, [TWIN])
    assert [one.flags for one in again.store([message(9.5, 2.0), message(11, 3.0)]).readings] == [Flag.OUT_OF_ORDER, 0]


def test_a_stuck_sensor_is_noticed(sink):
    values = [1, 5, 5, 5, 5, 5, 3]
    flags = [one.flags for one in sink.store([message(h, v) for h, v in enumerate(values)]).readings]
    assert flags == [0, 0, 0, 0, Flag.STUCK, Flag.STUCK, 0]


def test_a_message_sent_again_is_stored_once(sink, store):
    first = [message(1, 1.0), message(2, 2.0)]
    numbered = [message(3, 3.0, seq=7), message(4, 3.0, seq=8)]
    assert all(one.new for one in sink.store(first + numbered).readings)
    again = [one._replace(again=True) for one in first] + numbered + [message(4, 5.0, seq=9)]
    assert [one.new for one in sink.store(again).readings] == [False, False, False, False, True]
    assert sink.store([message(4, 3.0, seq=10)]).readings[0].flags == Flag.DUPLICATE  # the device meant it
    assert len(stored(store)) == 6


def test_one_message_may_carry_several_measures(sink, store):
    batch = sink.store([message(1, None, topic=f"agritwin/{TWIN}/station", t=21.5, h=101, battery=3.3)])
    assert [(one.measure, one.value, one.flags) for one in batch.readings] == [
        ("air", 21.5, 0),
        ("humidity", 101.0, Flag.ABSURD),
    ]
    assert set(stored(store)["unit"]) == {"degC", "percent"}


def test_what_cannot_be_read_is_counted_and_does_no_harm(sink, store):
    batch = sink.store(
        [
            message(1, 1.0, topic="house/kitchen"),
            message(1, 1.0, topic=f"agritwin/{OTHER}/soil/temperature"),
            raw(b"21.5"),
            raw(b"\xff\xfe"),
            raw(b"[" * 50_000),
            raw(b"1" * 70_000),
            raw(b'{"value": 1}'),
            raw(b'{"time": "yesterday", "value": 1}'),
            raw(b'{"time": 1e300, "value": 1}'),
            raw(b'{"time": "9999-12-31T23:59:59Z", "value": 1}'),
            raw(b'{"time": "2025-06-01T12:00Z"}'),
            raw(b'{"time": "2025-06-01T12:00Z", "value": 1, "seq": "a"}'),
            raw(b'{"time": "2025-06-01T12:00Z", "value": "\\ud800\\u0000"}'),
            raw(b'{"time": 1748782800, "value": 1e999}'),
            raw(b'{"time": 1748786400000, "value": {"a": 1}}'),
        ]
    )
    assert batch.unread == {
        "unknown topic": 1,
        "unknown twin": 1,
        "no object of keys and values": 1,
        "no JSON": 2,
        "too large": 1,
        "no moment": 4,
        "no value": 1,
        "its number is no whole number": 1,
    }
    assert [bool(one.flags & Flag.ABSURD) for one in batch.readings] == [True] * 3
    assert stored(store)["text"].to_list() == ["?�", "inf", '{"a": 1}']
    sink.store([message(1, 1.0, topic="house/kitchen")] * 2)
    with reading(store) as connection:
        counts = {(row.topic, row.reason): row.count for row in connection.execute(sa.select(tables.message_counts))}
    assert counts["house/kitchen", "unknown topic"] == 3
    assert sum(counts.values()) == 14


@contextlib.contextmanager
def listening(broker, store, on_batch=None, registry=REGISTRY):
    """Listen in a thread; gives the list in which the totals stand at the end."""
    stop, totals = threading.Event(), []
    options = {"now": time.time, "on_batch": on_batch, "stop": stop}
    thread = threading.Thread(target=lambda: totals.append(listen(broker, registry, store, [TWIN], **options)))
    thread.start()
    try:
        yield totals
    finally:
        stop.set()
        thread.join(20)


def publisher(port):
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(500)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


def publish(client, numbers, topic=TOPIC):
    start = pd.Timestamp("2025-06-01").value // 10**6
    sent = [
        client.publish(topic, json.dumps({"time": start + 1000 * n, "value": n % 40, "seq": n}), qos=1) for n in numbers
    ]
    for one in sent:
        one.wait_for_publish(30)


def wait_until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_batches_from_a_real_broker(mosquitto, store, protocol):
    batches: list[Batch] = []
    broker = Broker(port=mosquitto.port, protocol=protocol, client_id="test")
    with listening(broker, store, batches.append) as totals:
        client = publisher(mosquitto.port)
        wait_until(lambda: mosquitto.subscribed("test"))
        publish(client, range(500))
        wait_until(lambda: sum(batch.messages for batch in batches) == 500)
        client.disconnect()
        client.loop_stop()
    assert totals[0].new == 500
    assert stored(store)["value"].to_list() == [n % 40 for n in range(500)]
