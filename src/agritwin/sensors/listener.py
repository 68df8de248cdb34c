"""Listen to a broker: every message is stored and committed before it is acknowledged, so that none is lost.

A listener that is killed between commit and acknowledgement gets the batch again, and the store knows it.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NamedTuple

import sqlalchemy as sa

from agritwin.errors import StoreError
from agritwin.records.arrivals import Arrival, Unread, count_unread, newest, store_arrivals
from agritwin.records.database import reading, writing
from agritwin.records.instruments import Flag
from agritwin.records.values import Value
from agritwin.sensors.definitions import define
from agritwin.sensors.messages import Channel, Reader, UnreadError, shown
from agritwin.sensors.mqtt import Broker, Message, Subscription
from agritwin.sensors.registry import Registry, Stream

log = logging.getLogger(__name__)

MOST_IN_BATCH = 500
BATCH_S = 0.2
PATIENCE_S = (1.0, 2.0, 5.0, 10.0, 30.0)
MOST_UNREAD_TOPICS = 1_000
OTHER_TOPICS = "(other topics)"


class Reading(NamedTuple):
    """A reading of a batch; ``new`` is False where the store had it already and the broker only sent it again."""

    twin_id: str
    sensor: str
    measure: str
    unit: str
    time_ms: int
    value: Value | None
    flags: int
    new: bool


@dataclass(frozen=True)
class Batch:
    """What one commit stored.

    Attributes
    ----------
    messages
        How many messages came.
    readings
        Their readings, in order of arrival, those sent again included.
    unread
        Reason -> how many messages became no reading.
    """

    messages: int
    readings: list[Reading]
    unread: Counter[str]


@dataclass
class Totals:
    """What a listener did since it started: messages, readings stored and known, flags, unread ones by reason."""

    messages: int = 0
    new: int = 0
    known: int = 0
    batches: int = 0
    connections: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Return the counts as one line for people."""
        counts = [f"{self.messages} messages", f"{self.new} readings stored", f"{self.known} known before"]
        counts += [f"{count} {name.replace('_', ' ')}" for name, count in sorted(self.flags.items())]
        counts += [f"{count} not read ({reason})" for reason, count in sorted(self.unread.items())]
        return ", ".join(counts)

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        self.batches += 1
        self.messages += batch.messages
        self.unread += batch.unread
        for one in batch.readings:
            if not one.new:
                self.known += 1
                continue
            self.new += 1
            if one.flags:
                self.flags.update(str(mark.name).lower() for mark in Flag(one.flags))


def listen(
    broker: Broker,
    registry: Registry,
    store: sa.Engine,
    twin_ids: Collection[str],
    *,
    now: Callable[[], float],
    on_batch: Callable[[Batch], None] | None = None,
    on_ready: Callable[[], None] | None = None,
    stop: threading.Event | None = None,
) -> Totals:
    """Listen until told to stop, through restarts of the broker and of the record store.

    While the store takes nothing the listener stays away from the broker, which keeps what is not acknowledged.

    Parameters
    ----------
    broker
        Where messages come from.
    registry
        Which topic is which sensor, and what is believable of it.
    store
        Record store, migrated.
    twin_ids
        All twins of the holding; messages about others are counted and left out.
    now
        The clock that stamps arrivals, seconds since 1970.
    on_batch
        Called after the commit and before the acknowledgement: whoever is killed there sees the same readings once
        more, with ``new`` False.
    on_ready
        Called whenever the broker has confirmed the subscription.
    stop
        Set by a signal or another thread; the batch under way is finished.

    Raises
    ------
    SourceError
        When the broker refuses this client; not when it is away.
    """
    stop = stop or threading.Event()
    subscription, sink, totals = Subscription(broker, now), Sink(store, registry, twin_ids), Totals()
    attempts, ready, failures = 0, 0, 0
    while not stop.is_set():
        if not subscription.connected:
            if attempts:
                stop.wait(PATIENCE_S[min(attempts, len(PATIENCE_S)) - 1])
            attempts += 1
            try:
                subscription.connect()
            except OSError as error:
                log.warning("%s:%d does not answer: %s", broker.host, broker.port, error)
                continue
        messages = subscription.collect(MOST_IN_BATCH, BATCH_S)
        if subscription.listening and ready < subscription.connections:
            attempts, ready = 1, subscription.connections
            if on_ready is not None:
                on_ready()
        if messages:
            try:
                batch = sink.store(messages)
            except StoreError as error:
                log.warning("%d messages wait at the broker: %s", len(messages), error)
                subscription.disconnect()
                sink = Sink(store, registry, twin_ids)  # the old one has seen messages that were not stored
                stop.wait(PATIENCE_S[min(failures, len(PATIENCE_S) - 1)])
                attempts, failures = 0, failures + 1
                continue
            failures = 0
            if on_batch is not None:
                on_batch(batch)
            subscription.acknowledge(messages)
            totals.add(batch)
    subscription.disconnect()
    totals.connections = subscription.connections
    return totals


class Sink:
    """Puts batches of messages into the record store."""

    def __init__(self, store: sa.Engine, registry: Registry, twin_ids: Collection[str]) -> None:
        self.engine, self.registry = store, registry
        self.reader = Reader(registry, frozenset(twin_ids), self._open_channel)
        self.unread_topics: set[str] = set()

    def store(self, messages: list[Message]) -> Batch:
        """Store a batch in one transaction; it is safe when this returns."""
        found: list[tuple[Channel, Arrival]] = []
        unread: dict[tuple[str, str], Unread] = {}
        for message in messages:
            try:
                found += self.reader.read(message.topic, message.payload, message.arrival_ms, message.again)
            except UnreadError as error:
                self._count(unread, message, str(error))
        with writing(self.engine) as connection:
            results = store_arrivals(connection, [arrival for _, arrival in found])
            count_unread(connection, unread)
        readings = [
            Reading(
                channel.twin_id, channel.sensor, channel.stream.measure, channel.stream.unit,
                arrival.time_ms, arrival.value, arrival.flags if flags is None else flags, flags is not None,
            )
            for (channel, arrival), flags in zip(found, results, strict=True)
        ]  # fmt: skip
        reasons: Counter[str] = Counter()
        for (_, reason), one in unread.items():
            reasons[reason] += one.count
        return Batch(len(messages), readings, reasons)

    def _count(self, unread: dict[tuple[str, str], Unread], message: Message, reason: str) -> None:
        topic = shown(message.topic)
        if topic not in self.unread_topics and len(self.unread_topics) >= MOST_UNREAD_TOPICS:
            topic = OTHER_TOPICS  # nobody shall fill the store with names
        self.unread_topics.add(topic)
        before = unread.get((topic, reason))
        count, first = (before.count, before.first_ms) if before else (0, message.arrival_ms)
        sample = shown(message.payload[:1000].decode("utf-8", "replace"))
        unread[topic, reason] = Unread(count + 1, first, message.arrival_ms, sample)

    def _open_channel(self, stream: Stream, twin_id: str) -> Channel:
        known = define(self.engine, self.registry, stream, twin_id)
        with reading(self.engine) as connection:
            last = newest(connection, known.sensor_id, known.measure_id, stream.datatype)
        return Channel(stream, twin_id, *known, last)
