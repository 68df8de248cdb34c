"""A cloudburst that never was: the messages of a rain gauge, labelled synthetic, published as a gauge would."""

import contextlib
import datetime as dt
import json
import os
import time
from collections.abc import Iterator

import numpy as np

from agritwin.errors import SourceError
from agritwin.sensors.mqtt import PASSWORD, USERNAME
from agritwin.simulation.flood.storms import design_storm

TOPIC = "agritwin/{twin}/rain/synthetic"
STEP = dt.timedelta(minutes=5)


def messages(depth_mm: float, duration_h: float, end: dt.datetime) -> list[dict[str, object]]:
    """Return what the gauge says every five minutes of a storm that ends at a time; the peak lies in its middle.

    Each message has the end of its five minutes as `time`, what fell in them as `precipitation` (mm), a number and the
    label `synthetic`.
    """
    storm = design_storm(depth_mm, duration_h)
    ends = storm["time"].to_numpy()
    steps = max(round(dt.timedelta(hours=duration_h) / STEP), 1)
    bounds = np.linspace(0.0, duration_h * 3600.0, steps + 1)
    totals = np.interp(bounds, np.concatenate([[0.0], ends]), np.concatenate([[0.0], np.cumsum(storm.to_numpy())]))
    start = end - dt.timedelta(hours=duration_h)
    number = round(start.timestamp())
    return [
        {
            "time": (start + dt.timedelta(seconds=float(bound))).isoformat(),
            "seq": number + step,
            "precipitation": round(float(fallen), 4),
            "synthetic": True,
        }
        for step, (bound, fallen) in enumerate(zip(bounds[1:], np.diff(totals), strict=True))
    ]


@contextlib.contextmanager
def publish(twin: str, said: list[dict[str, object]], host: str, port: int, timeout_s: float = 20.0) -> Iterator[float]:
    """Publish the messages of a gauge, each acknowledged by the broker; give when the last went out (s since 1970).

    The client stays as long as the block lasts: of one that has gone, the demo's broker forgets what it has
    acknowledged and not passed on yet.

    Raises
    ------
    SourceError
        Where the broker is not there or does not take them.
    """
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    client = paho.Client(CallbackAPIVersion.VERSION2)
    if user := os.environ.get(USERNAME):
        client.username_pw_set(user, os.environ.get(PASSWORD))
    try:
        client.connect(host, port)
    except OSError as error:
        remedy = "Start one, or run 'agritwin watch --demo-broker' beside this."
        raise SourceError("broker", f"{host}:{port} does not answer: {error}", remedy) from error
    client.loop_start()
    try:
        sent = [client.publish(TOPIC.format(twin=twin), json.dumps(one), qos=1) for one in said]
        for one in sent:
            one.wait_for_publish(timeout_s)
            if not one.is_published():
                raise SourceError("broker", f"{host}:{port} does not take the messages", "Check the user's rights.")
        yield time.time()
    finally:
        client.disconnect()
        client.loop_stop()
