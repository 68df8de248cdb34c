"""A broker inside this process and a logger that speaks to it: listening tried out without any device."""

import asyncio
import contextlib
import csv
import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from agritwin.errors import ConfigError

ABOUT = ("time_utc", "parcel", "source")


@contextlib.contextmanager
def demo_broker(port: int) -> Iterator[None]:
    """Run a broker on this machine alone, MQTT 3.1.1, as long as the block lasts.

    Raises
    ------
    ConfigError
        When amqtt is not installed.
    """
    try:
        from amqtt.broker import Broker
    except ModuleNotFoundError as error:
        raise ConfigError("The demo's broker is not installed.", "Run: pip install 'agritwin[broker]'.") from error
    settings = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def build() -> Broker:
        broker = Broker(settings, loop=loop)
        await broker.start()
        return broker

    broker = asyncio.run_coroutine_threadsafe(build(), loop).result(20)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(broker.shutdown(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)


@dataclass
class Replay:
    """A logger's file sent line by line as messages, its own hours as the clock.

    Attributes
    ----------
    file
        CSV with the columns ``time_utc``, ``parcel`` and values, their units in brackets.
    after
        Moment (UTC) up to which the lines count as sent before.
    hours_per_second
        How fast the hours of the file go by.
    """

    file: Path
    after: dt.datetime
    hours_per_second: float
    clock: dt.datetime = field(init=False)

    def __post_init__(self) -> None:
        self.clock = self.after

    def now(self) -> float:
        """Return the replay's clock, seconds since 1970."""
        return self.clock.timestamp()

    def send(self, port: int, stop: threading.Event) -> int:
        """Send all lines to the broker on this machine, until told to stop; return how many were sent."""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", port)
        client.loop_start()
        sent = 0
        with self.file.open(encoding="utf-8", newline="") as lines:
            for number, line in enumerate(csv.DictReader(lines)):
                moment = dt.datetime.fromisoformat(line["time_utc"])
                if moment <= self.after:
                    continue
                if stop.wait(max(0.0, (moment - self.clock) / dt.timedelta(hours=self.hours_per_second))):
                    break
                self.clock = moment
                values = {_key(name): _value(text) for name, text in line.items() if name not in ABOUT}
                message = {"time": line["time_utc"], "seq": number, **values}
                client.publish(f"agritwin/{line['parcel']}/logger", json.dumps(message), qos=1).wait_for_publish(10)
                sent += 1
        client.disconnect()
        client.loop_stop()
        return sent


def _key(header: str) -> str:
    return re.sub(r"\s*\[.*\]", "", header)


def _value(text: str) -> float | str | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text
