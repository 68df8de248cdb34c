"""A persistent subscription at a broker: messages come in batches and are acknowledged when they are safe."""

import contextlib
import logging
import os
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agritwin.errors import ConfigError, SourceError

log = logging.getLogger(__name__)

USERNAME, PASSWORD = "AGRITWIN_MQTT_USERNAME", "AGRITWIN_MQTT_PASSWORD"
GATHER_S = 0.02
SESSION_S = 30 * 86_400
"""How long the broker keeps what it could not deliver."""
KEEPALIVE_S = 60
PUBACK = struct.Struct("!BBH")
NO_TEXT = "(not UTF-8)"
IN_FLIGHT = 2_000
"""Messages that may wait for their acknowledgement; the default of brokers, 20, would cap every batch."""


@dataclass(frozen=True)
class Broker:
    """Where messages come from; user and password stand in the environment.

    Attributes
    ----------
    host, port
        Address.
    topics
        Filters that are subscribed to; never all of a broker that others use too.
    protocol
        ``5`` or ``3.1.1``.
    client_id
        Name of the session: while it stays the same, the broker keeps what comes when nobody listens.
    ca, certificate, key
        PEM files: TLS is used when the authority is named; the other two are for brokers that ask who is there.
    """

    host: str = "127.0.0.1"
    port: int = 1883
    topics: tuple[str, ...] = ("agritwin/#",)
    protocol: Literal["5", "3.1.1"] = "3.1.1"
    client_id: str = "agritwin-listener"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class Message(NamedTuple):
    """A message as it came: ``mid`` acknowledges it; ``again`` where the broker has sent it before."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    again: bool
    arrival_ms: int


@dataclass
class Subscription:
    """A session at a broker, driven from one thread: what is not acknowledged comes again.

    Attributes
    ----------
    broker
        Where.
    now
        The clock that stamps arrivals, seconds since 1970.
    connections
        How often it was connected.

    Raises
    ------
    SourceError
        When the broker refuses: wrong credentials, no rights.
    """

    broker: Broker
    now: Callable[[], float]
    connections: int = 0
    _waiting: list[Message] = field(default_factory=list)
    _refusal: str | None = None
    _subscribed: bool = False

    def __post_init__(self) -> None:
        self._client = _client(self.broker, self._received)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._answered
        self._client.on_disconnect = self._lost
        self._client.on_message = self._published

    def connect(self) -> None:
        """Connect, once; a session of the same name goes on where it stopped.

        Raises
        ------
        OSError
            When the broker is not there.
        """
        self._waiting.clear()  # what was not acknowledged on the old connection comes again on this one
        options: dict[str, Any] = {}
        if self.broker.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = SESSION_S
            properties.ReceiveMaximum = IN_FLIGHT
            options = {"clean_start": False, "properties": properties}
        self._client.connect(self.broker.host, self.broker.port, keepalive=KEEPALIVE_S, **options)

    @property
    def connected(self) -> bool:
        """Whether there is a connection, be it one that is still being opened."""
        return self._client.socket() is not None

    @property
    def listening(self) -> bool:
        """Whether the broker has confirmed the subscription."""
        return self._subscribed

    def collect(self, most: int, seconds: float) -> list[Message]:
        """Return the messages that came: at most so many, waiting at most so long after the first.

        Raises
        ------
        SourceError
            When the broker refuses this client.
        """
        deadline = time.monotonic() + seconds
        while len(self._waiting) < most and self.connected:
            before = len(self._waiting)
            self._client.loop_read()
            if self._client.want_write():
                self._client.loop_write()
            if len(self._waiting) == before:
                left = deadline - time.monotonic()
                if left <= 0 or not self._readable(left):
                    break
                if self._waiting:  # waking up for every single message costs as much as storing it
                    time.sleep(min(GATHER_S, left))
        self._client.loop_misc()
        if self._refusal is not None:
            raise SourceError("broker", self._refusal, f"Check {USERNAME}, {PASSWORD} and the rights of that user.")
        taken, self._waiting = self._waiting, []
        return taken

    def acknowledge(self, messages: list[Message]) -> None:
        """Tell the broker that messages are safe; on a lost connection they come again instead."""
        numbers = [message.mid for message in messages if message.qos]
        connection: Any = self._client.socket()
        if connection is None or not numbers:
            return
        if self._client.want_write():  # amid a packet of its own: these have to wait for its end
            for number in numbers:
                self._client.ack(number, 1)
            return
        # One call of the system for all of them: paho makes one for each, which costs more than storing the message.
        connection.settimeout(KEEPALIVE_S)
        try:
            connection.sendall(b"".join([PUBACK.pack(0x40, 2, number) for number in numbers]))
        except OSError as error:
            log.warning("%s:%d takes no acknowledgements: %s", self.broker.host, self.broker.port, error)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # the next read finds it lost
        finally:
            connection.setblocking(False)

    def disconnect(self) -> None:
        """Say good-bye; the session stays."""
        self._client.disconnect()

    def _readable(self, seconds: float) -> bool:
        connection: Any = self._client.socket()
        if connection is None:
            return False
        if getattr(connection, "pending", lambda: 0)():  # TLS may hold decrypted bytes that the kernel knows nothing of
            return True
        return bool(select.select([connection], [], [], seconds)[0])

    def _connected(self, client: paho.Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refusal = f"the broker refuses the connection: {reason}"
            return
        self.connections += 1
        log.info("connected to %s:%d, session kept: %s", self.broker.host, self.broker.port, flags.session_present)
        # Also when the session was kept: one that was cut off before it subscribed would stay silent for ever.
        client.subscribe([(topic, 1) for topic in self.broker.topics])

    def _answered(self, _client: Any, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        refused = [topic for topic, reason in zip(self.broker.topics, reasons, strict=False) if reason.is_failure]
        if refused:
            self._refusal = f"the broker refuses the subscription to {', '.join(refused)}"
        self._subscribed = True

    def _received(self, header: int, packet: bytes) -> None:
        published = decoded(header, packet, self.broker.protocol)
        self._waiting.append(Message(*published, round(1000 * self.now())))

    def _published(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        """Take a message as paho reads it: its public way, for one that no longer calls what ``_Client`` overrides."""
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = NO_TEXT
        again = message.dup or message.retain
        arrival = round(1000 * self.now())
        self._waiting.append(Message(topic, bytes(message.payload), message.mid, message.qos, again, arrival))

    def _lost(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._subscribed = False
        level = logging.WARNING if reason.is_failure else logging.INFO
        log.log(level, "the connection to %s:%d ended: %s", self.broker.host, self.broker.port, reason)


class _Client(paho.Client):
    """Paho's client, but for messages that come in, which are handed on as they are.

    Paho makes two objects of each, one of them with every property that MQTT 5 knows: more work than storing it. Its
    only public way, ``on_message``, comes after that and takes twice the processor time a message (45 to 63 us in all
    against 26 to 34; the limit of 80 has to hold on slower machines too). So a private method of paho is overridden. A
    test tells when it has gone; messages then come by the public way, dearer but the same.
    """

    def __init__(self, received: Callable[[int, bytes], None], **options: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, manual_ack=True, **options)
        self._received = received

    def _handle_publish(self) -> MQTTErrorCode:
        self._received(self._in_packet["command"], bytes(self._in_packet["packet"]))
        return MQTTErrorCode.MQTT_ERR_SUCCESS


def decoded(header: int, packet: bytes, protocol: str) -> tuple[str, bytes, int, int, bool]:
    """Return topic, payload, number, quality of service, and whether it was sent before, of a PUBLISH packet.

    Parameters
    ----------
    header
        First byte of the packet: its flags.
    packet
        What follows the length of the packet.
    protocol
        ``5`` has properties before the payload, which are left out.

    Raises
    ------
    MalformedPacket
        When it ends before it should.
    """
    number = 2 + int.from_bytes(packet[:2])
    qos = header >> 1 & 3
    payload = number + (2 if qos else 0)
    if protocol == "5":
        payload = _after_properties(packet, payload)
    if payload > len(packet):
        raise MalformedPacket("A message ends before its payload.")
    try:
        topic = packet[2:number].decode()
    except UnicodeDecodeError:
        topic = NO_TEXT
    mid = int.from_bytes(packet[number : number + 2]) if qos else 0
    # A retained message is sent anew with every subscription, and marked as such by the lowest bit.
    return topic, packet[payload:], mid, qos, header & 0b1001 != 0


def _after_properties(packet: bytes, start: int) -> int:
    """Return where properties end: their length stands before them, seven bits a byte, lowest first."""
    length = 0
    for place, byte in enumerate(packet[start : start + 4]):
        length |= (byte & 127) << 7 * place
        if byte < 128:
            return start + place + 1 + length
    raise MalformedPacket("A message has no length of its properties.")


def _client(broker: Broker, received: Callable[[int, bytes], None]) -> paho.Client:
    if broker.protocol == "5":
        client = _Client(received, client_id=broker.client_id, protocol=MQTTProtocolVersion.MQTTv5)
    else:
        client = _Client(received, client_id=broker.client_id, clean_session=False)
    user, password = os.environ.get(USERNAME), os.environ.get(PASSWORD)
    if user:
        client.username_pw_set(user, password)
    if broker.ca:
        missing = [path for path in (broker.ca, broker.certificate, broker.key) if path and not path.is_file()]
        if missing:
            raise ConfigError(f"There is no file {missing[0]}.", "Correct the section 'listen' of the configuration.")
        certificate, key = broker.certificate, broker.key
        client.tls_set(
            ca_certs=str(broker.ca),
            certfile=str(certificate) if certificate else None,
            keyfile=str(key) if key else None,
            tls_version=ssl.PROTOCOL_TLS_CLIENT,
        )
    elif user and broker.host not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(
            f"The password would go to {broker.host} in the clear.", "Name the broker's authority: listen.ca."
        )
    return client
