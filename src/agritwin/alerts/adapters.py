"""Ways to a device: MQTT and HTTP. Both send the command's id, by which a device can tell a repetition, and expiry."""

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from agritwin.alerts.commands import Command, NoAnswerError
from agritwin.errors import ConfigError, DataError, SourceError

USERNAME, PASSWORD = "AGRITWIN_MQTT_USERNAME", "AGRITWIN_MQTT_PASSWORD"
TOKEN = "AGRITWIN_ACTUATOR_TOKEN"
LOCAL = ("127.0.0.1", "::1", "localhost")


def message(command: Command) -> dict[str, Any]:
    """Return what a device is told."""
    return {
        "id": command.id,
        "twin": command.twin,
        "actuator": command.actuator,
        "desired": dict(command.desired),
        "expires_at": command.expires_at.isoformat(),
    }


def filled(template: str, command: Command) -> str:
    """Return a topic or address with `{twin}` and `{actuator}` filled in, nothing in them able to leave its place."""
    return template.format(twin=quote(command.twin, safe=""), actuator=quote(command.actuator, safe=""))


def allowed(url: str, hosts: Sequence[str]) -> str:
    """Return an address that may be sent to.

    Raises
    ------
    ConfigError
        Where its host is not on the list, or it is neither https nor on this machine.
    """
    parts = urlsplit(url)
    if parts.hostname is None or parts.hostname not in hosts:
        raise ConfigError(f"{parts.hostname or url} is not among the allowed hosts {list(hosts)}.", "Add it, or not.")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise ConfigError(f"{url} is not encrypted.", "Use https.")
    return url


@dataclass(frozen=True)
class Http:
    """POST to an address on the allow-list; a 2xx answer is the device's report.

    Attributes
    ----------
    url, hosts
        Address with `{twin}` and `{actuator}`, and the hosts that may be sent to.
    timeout_s
        How long to wait.
    """

    url: str
    hosts: tuple[str, ...]
    timeout_s: float = 10.0

    def send(self, command: Command) -> Mapping[str, Any]:
        """Post the command, its id as `Idempotency-Key`; redirects are not followed.

        Raises
        ------
        NoAnswerError
            Where the connection broke after it stood.
        SourceError
            Where there was no connection, or the answer is a refusal.
        """
        import httpx

        address = allowed(filled(self.url, command), self.hosts)
        headers = {"Idempotency-Key": command.id}
        if token := os.environ.get(TOKEN):
            headers["Authorization"] = f"Bearer {token}"
        host = urlsplit(address).hostname
        try:
            answer = httpx.post(address, json=message(command), headers=headers, timeout=self.timeout_s)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise SourceError("actuator", f"{host} does not answer: {error}", "See whether it is on.") from error
        except httpx.HTTPError as error:
            raise NoAnswerError(f"{host} took the command and did not answer.", "Look at the device.") from error
        if answer.status_code >= 500:
            raise NoAnswerError(f"{host} answers {answer.status_code}.", "Look at the device.")
        if not answer.is_success:
            raise SourceError("actuator", f"{host} refuses with {answer.status_code}", "Correct address or token.")
        return {"status": answer.status_code} | _object(answer.content)

    def reported(self, command: Command) -> None:
        """An address is only ever posted to."""


def _object(content: bytes | bytearray) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Mqtt:
    """Publish the desired state; the device answers on the same topic with `/reported`, retained, naming the id.

    The broker drops the message at the command's expiry (MQTT 5), so a device that comes back later never sees it.

    Attributes
    ----------
    host, port
        Broker.
    topic
        Of the device, with `{twin}` and `{actuator}`.
    now
        Clock, seconds since 1970.
    wait_s
        How long to wait for the device.
    """

    host: str
    port: int
    topic: str
    now: Callable[[], float]
    wait_s: float = 5.0

    def send(self, command: Command) -> Mapping[str, Any]:
        """Publish the command and wait for the device's report.

        Raises
        ------
        NoAnswerError
            Where the device did not answer in time.
        SourceError
            Where the broker is not there.
        """
        report = self._talk(command, publish=True, wait_s=self.wait_s)
        if report is None:
            raise NoAnswerError(f"{command.actuator} did not answer in {self.wait_s:g} s.", "Look at the device.")
        return report

    def reported(self, command: Command) -> Mapping[str, Any] | None:
        """Return the report that the broker keeps, where it is about this command."""
        return self._talk(command, publish=False, wait_s=min(1.0, self.wait_s))

    def _talk(self, command: Command, *, publish: bool, wait_s: float) -> Mapping[str, Any] | None:
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        topic, left = filled(self.topic, command), int(command.expires_at.timestamp() - self.now())
        if publish and left <= 0:
            raise DataError(f"Command {command.id} has expired.", "Propose it again.")
        heard, subscribed, report = threading.Event(), threading.Event(), {}
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        if user := os.environ.get(USERNAME):
            client.username_pw_set(user, os.environ.get(PASSWORD))

        def listen(_client: Any, _data: Any, received: paho.MQTTMessage) -> None:
            content = _object(received.payload)
            if content.get("id") == command.id:
                report.update(content)
                heard.set()

        def connected(*_: Any) -> None:
            client.subscribe(f"{topic}/reported", qos=1)

        def confirmed(*_: Any) -> None:
            subscribed.set()

        client.on_message, client.on_connect, client.on_subscribe = listen, connected, confirmed
        try:
            client.connect(self.host, self.port)
        except OSError as error:
            raise SourceError("broker", f"{self.host}:{self.port} does not answer", "See whether it runs.") from error
        client.loop_start()
        try:
            if not subscribed.wait(wait_s) and publish:
                raise SourceError("broker", f"{self.host} does not let {topic}/reported be read", "Give the right.")
            if publish:
                properties = Properties(PacketTypes.PUBLISH)
                properties.MessageExpiryInterval = left
                client.publish(topic, json.dumps(message(command)), qos=1, properties=properties)
            return dict(report) if heard.wait(wait_s) else None
        finally:
            client.disconnect()
            client.loop_stop()
