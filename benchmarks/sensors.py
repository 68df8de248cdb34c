"""Listening and looking up against their limits, on SQLite and on PostgreSQL.

1. Processor time of the listener a message at QoS 1 from Mosquitto, committed and acknowledged: 80 us.
   Each measurement has a twin and a broker of its own: readings that are stored already take another way, and a session
   that an earlier one left would fill with the messages of others.
2. A year of one sensor (10 minutes, 52 560 readings) among 10 million readings: 100 ms of wall time, best of ten
   (five sensors, each twice: the second time its pages are in memory).

Servers come from Debian's packages and are started here. Run: python -m benchmarks.sensors [--readings 10000000]
"""

import argparse
import datetime as dt
import json
import multiprocessing
import tempfile
import threading
import time
from pathlib import Path
from typing import Literal

import paho.mqtt.client as paho
import sqlalchemy as sa
from paho.mqtt.enums import CallbackAPIVersion

from agritwin.records.database import connect, migrate, writing
from agritwin.records.instruments import define_measure, define_sensor
from agritwin.records.series import series
from agritwin.sensors.listener import listen
from agritwin.sensors.mqtt import Broker
from agritwin.sensors.registry import Registry
from tests.servers import Mosquitto, running_cluster

MESSAGES, LIMIT_US, LIMIT_MS = 20_000, 80.0, 100.0
SENSORS, STEP_MS, START = 100, 600_000, dt.datetime(2022, 1, 1, tzinfo=dt.UTC)
TWINS = {"3.1.1": "47-96-0-0-5-20-1", "5": "47-96-0-0-5-20-2"}
REGISTRY = Registry.model_validate(
    {
        "name": "benchmark", "time": "time", "value": "value", "topic": "topic", "seq": "seq",
        "streams": [{"column": f"agritwin/{{twin}}/{n}", "sensor": f"probe-{n}", "measure": "soil_temperature",
                     "unit": "degC", "minimum": -15, "maximum": 50, "stuck_readings": 100} for n in range(10)],
    }
)  # fmt: skip


def publish(port: int, twin: str) -> None:
    """Publish all messages as ten devices would, as fast as the broker takes them."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(500)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", port)
    client.loop_start()
    start = START.timestamp()
    messages = (
        (f"agritwin/{twin}/{n % 10}", json.dumps({"time": start + n // 10, "value": 20 + n % 77 / 10, "seq": n}))
        for n in range(MESSAGES)
    )
    for sent in [client.publish(topic, body, qos=1) for topic, body in messages]:
        sent.wait_for_publish(120)
    client.disconnect()
    client.loop_stop()


def per_message(engine: sa.Engine, broker: Mosquitto, protocol: Literal["5", "3.1.1"]) -> float:
    """Microseconds of processor time a message, from the first batch to the last; all were new."""
    stop, seen, marks = threading.Event(), [0], []
    load = multiprocessing.get_context("spawn").Process(target=publish, args=(broker.port, TWINS[protocol]))

    def count(batch):
        seen[0] += batch.messages
        marks.append((seen[0], time.process_time()))
        if seen[0] >= MESSAGES:
            stop.set()

    address = Broker(port=broker.port, protocol=protocol, client_id=f"{engine.dialect.name}-{protocol}")
    totals = listen(
        address, REGISTRY, engine, [TWINS[protocol]], now=time.time, on_batch=count, on_ready=load.start, stop=stop
    )
    load.join()
    if (totals.new, totals.messages, totals.connections) != (MESSAGES, MESSAGES, 1):
        raise RuntimeError(f"{totals} in {totals.connections} connections, not the {MESSAGES} published")
    (first, before), (last, after) = marks[0], marks[-1]
    return 1e6 * (after - before) / (last - first)


def fill(engine: sa.Engine, readings: int) -> None:
    """Store readings of a hundred sensors in order of time, as they arrive."""
    define_measure(engine, "level", "m")
    for n in range(SENSORS):
        define_sensor(engine, f"gauge-{n}", "gauge", ["level"])
    first, steps = round(START.timestamp() * 1000), readings // SENSORS
    # The engine makes the rows itself: this is about reading.
    statement = f"""
        INSERT INTO readings_float (sensor_id, measure_id, time_ms, occurrence, value, arrival_ms, flags)
        WITH RECURSIVE k (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM k WHERE i < {steps - 1})
        SELECT s.id, m.id, {first} + {STEP_MS} * i, 0, ((i * 7 + s.id * 13) & 1023) / 512.0, {first} + {STEP_MS} * i, 0
        FROM k CROSS JOIN sensors s CROSS JOIN measures m
        WHERE s.sensor_type = 'gauge' AND m.name = 'level' ORDER BY i, s.id
    """
    with writing(engine) as connection:
        connection.exec_driver_sql(statement)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE readings_float")  # what autovacuum does within a minute


def one_year(engine: sa.Engine) -> tuple[int, float, float]:
    """How many readings a year of one sensor has, and the least wall and processor time [ms] of asking for it."""
    walls, processors, found = [], [], 0
    for n in [*range(5), *range(5)]:
        wall, processor = time.perf_counter(), time.process_time()
        found = len(series(engine, f"gauge-{7 * n}", "level", START, START.replace(year=START.year + 1)))
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return found, 1000 * min(walls), 1000 * min(processors)


def main() -> None:
    """Print each figure beside its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=10_000_000)
    readings = parser.parse_args().readings
    with tempfile.TemporaryDirectory() as folder, running_cluster() as cluster:
        engines = [connect(Path(folder) / "records.db"), connect(cluster.url.set(database="template_records"))]
        for engine in engines:
            migrate(engine)
            for protocol in ("3.1.1", "5"):
                broker = Mosquitto(Path(folder) / f"{engine.dialect.name}-{protocol}")
                broker.start()
                spent = per_message(engine, broker, protocol)
                broker.stop()
                about = f"{engine.dialect.name}, MQTT {protocol}"
                print(f"{about}: {spent:.1f} us of processor a message (limit {LIMIT_US:.0f})", flush=True)
        for engine in engines:
            fill(engine, readings)
            found, wall, processor = one_year(engine)
            print(
                f"{engine.dialect.name}: {found} readings of a year among {readings:,}: {wall:.0f} ms, "
                f"of which {processor:.0f} ms here (limit {LIMIT_MS:.0f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
