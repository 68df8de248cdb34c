"""Messages of a broker turned into readings: topic looked up, moment and value read, doubts flagged as they come."""

import datetime as dt
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from agritwin.clock import zone_info
from agritwin.errors import DataError
from agritwin.records.arrivals import Arrival
from agritwin.records.instruments import Flag
from agritwin.records.measures import canonical_unit, convert_value
from agritwin.records.values import Value, read_value
from agritwin.sensors.flags import EARLY_ALLOWED
from agritwin.sensors.registry import Registry, Stream

LATE, OUT_OF_ORDER, ABSURD, STUCK = int(Flag.LATE), int(Flag.OUT_OF_ORDER), int(Flag.ABSURD), int(Flag.STUCK)
FUTURE, UNIT_CHANGED = int(Flag.FUTURE), int(Flag.UNIT_CHANGED)
EARLY_ALLOWED_MS = EARLY_ALLOWED / dt.timedelta(milliseconds=1)
MILLISECONDS_FROM = 1e11
"""Numbers above count milliseconds since 1970, others seconds: 1e11 s lies in the year 5138, 1e11 ms in 1973."""
END_OF_TIME_MS = 9_214_646_400_000
"""2262-01-01: tables of pandas count nanoseconds, which end in that year."""
LARGEST_MESSAGE = 64 * 1024
LONGEST_TEXT = 500
MOST_SEQ = 2**63


class UnreadError(Exception):
    """A message that becomes no reading; the text is the reason for which such messages are counted."""


@dataclass
class Channel:
    """One sensor and measure of one twin, and what is remembered of it to judge the next value."""

    stream: Stream
    twin_id: str
    sensor: str
    sensor_id: int
    measure_id: int
    newest_ms: int | None
    low: float = field(init=False)
    high: float = field(init=False)
    last: float | None = None
    run: int = 0
    units: dict[str, tuple[float, float] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.low = -math.inf if self.stream.minimum is None else self.stream.minimum
        self.high = math.inf if self.stream.maximum is None else self.stream.maximum

    def factor(self, unit: str) -> tuple[float, float] | None:
        """Return offset and slope from a unit into the stream's, None where that cannot be."""
        if unit not in self.units:
            self.units[unit] = _conversion(unit, self.stream.unit)
        return self.units[unit]


def _conversion(unit: str, to: str) -> tuple[float, float] | None:
    try:
        if canonical_unit(unit) == to:
            return 0.0, 1.0
        zero = convert_value(0.0, unit, to)
        return zero, convert_value(1.0, unit, to) - zero
    except DataError:
        return None


class Route(NamedTuple):
    """What a topic carries: streams, and the twin that the topic names."""

    streams: tuple[Stream, ...]
    twin: str | None


class Reader:
    """Reads the messages of one registry.

    Parameters
    ----------
    registry
        Which topic is which sensor.
    twin_ids
        All twins of the holding; messages about others are not read.
    open_channel
        Gives the channel of a stream and twin; called once for each.
    """

    def __init__(
        self, registry: Registry, twin_ids: frozenset[str], open_channel: Callable[[Stream, str], Channel]
    ) -> None:
        self.registry, self.twin_ids, self.open_channel = registry, twin_ids, open_channel
        self.zone = zone_info(registry.zone)
        self.late_ms = 60_000 * registry.late_minutes
        self.patterns = [(_pattern(stream.topic or stream.column), stream) for stream in registry.streams]
        self.routes: dict[str, Route] = {}
        self.channels: dict[tuple[str, int], Channel] = {}

    def read(self, topic: str, payload: bytes, arrival_ms: int, again: bool) -> list[tuple[Channel, Arrival]]:
        """Return the readings of a message.

        Raises
        ------
        UnreadError
            When it is of an unknown topic or twin, or cannot be read.
        """
        route = self.routes.get(topic) or self._route(topic)
        message = _decoded(payload)
        registry = self.registry
        twin_id = route.twin or message.get(registry.twin) if registry.twin else route.twin
        time_ms = moment_ms(message.get(registry.time), self.zone)
        if time_ms is None:
            raise UnreadError("no moment")
        seq = message.get(registry.seq) if registry.seq else None
        if seq is not None and (not isinstance(seq, int) or isinstance(seq, bool) or not -MOST_SEQ <= seq < MOST_SEQ):
            raise UnreadError("its number is no whole number")
        unit = message.get(registry.unit) if registry.unit else None
        found = []
        for stream in route.streams:
            key = stream.column if stream.topic else (registry.value or "value")
            if key not in message:
                continue
            channel = self._channel(stream, twin_id)
            value, text, flags = judge(channel, message[key], unit, time_ms, arrival_ms, self.late_ms)
            arrival = Arrival(
                channel.sensor_id, channel.measure_id, time_ms, value, text, arrival_ms, flags, seq, again,
                stream.datatype,
            )  # fmt: skip
            found.append((channel, arrival))
        if not found:
            raise UnreadError("no value")
        return found

    def _route(self, topic: str) -> Route:
        streams, twin = [], None
        for pattern, stream in self.patterns:
            matched = pattern.fullmatch(topic)
            if matched:
                streams.append(stream)
                twin = matched.groupdict().get("twin")
        if not streams:
            raise UnreadError("unknown topic")
        if twin is not None and twin not in self.twin_ids:
            raise UnreadError("unknown twin")
        route = self.routes[topic] = Route(tuple(streams), twin)
        return route

    def _channel(self, stream: Stream, twin_id: Any) -> Channel:
        twin = stream.twin or twin_id
        if not isinstance(twin, str):
            raise UnreadError("unknown twin")
        channel = self.channels.get((twin, id(stream)))
        if channel is None:
            if twin not in self.twin_ids:
                raise UnreadError("unknown twin")
            channel = self.channels[twin, id(stream)] = self.open_channel(stream, twin)
        return channel


def _pattern(topic: str) -> re.Pattern[str]:
    return re.compile(re.escape(topic).replace(r"\{twin\}", r"(?P<twin>[^/]+)"))


def _decoded(payload: bytes) -> dict[str, Any]:
    if len(payload) > LARGEST_MESSAGE:
        raise UnreadError("too large")
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:  # no JSON, or no UTF-8
        raise UnreadError("no JSON") from error
    if not isinstance(message, dict):
        raise UnreadError("no object of keys and values")
    return message


def moment_ms(written: object, zone: dt.tzinfo) -> int | None:
    """Return milliseconds since 1970 UTC of ISO 8601 text or of a number of seconds or milliseconds, None for others.

    Text without an offset is in ``zone``; in the repeated hour of autumn its first pass is meant.
    """
    try:
        if isinstance(written, str):
            moment = dt.datetime.fromisoformat(written)
            milliseconds = round(1000 * (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())
        elif isinstance(written, int | float) and not isinstance(written, bool):
            milliseconds = round(written if abs(written) > MILLISECONDS_FROM else 1000 * written)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return milliseconds if 0 <= milliseconds < END_OF_TIME_MS else None


def judge(
    channel: Channel, given: object, unit: object, time_ms: int, arrival_ms: int, late_ms: float
) -> tuple[Value | None, str | None, int]:
    """Return value, words and flags of what a message says; what is not of the stream's type stands in the words.

    Values of another unit are converted and flagged ``UNIT_CHANGED``. A run of equal values is ``STUCK`` from its
    ``stuck_readings``-th on: those before are stored already.
    """
    flags = 0
    value, text = _value_and_words(channel.stream.datatype, given)
    if text is not None:
        flags = ABSURD
    elif value is not None and not isinstance(value, str):
        if unit is not None and unit != channel.stream.unit:
            conversion = channel.factor(str(unit))
            if conversion is None or channel.stream.datatype != "float":
                flags = UNIT_CHANGED | ABSURD
            elif conversion != (0.0, 1.0):
                value, flags = conversion[0] + conversion[1] * value, UNIT_CHANGED
        if not channel.low <= value <= channel.high:
            flags |= ABSURD
        if channel.stream.stuck_readings is not None:
            channel.run = channel.run + 1 if value == channel.last else 1
            channel.last = value
            if channel.run >= channel.stream.stuck_readings:
                flags |= STUCK
    delay = arrival_ms - time_ms
    if delay < -EARLY_ALLOWED_MS:
        return value, text, flags | FUTURE  # a clock that is wrong says nothing of the order
    if delay > late_ms:
        flags |= LATE
    if channel.newest_ms is None or time_ms > channel.newest_ms:
        channel.newest_ms = time_ms
    elif time_ms < channel.newest_ms:
        flags |= OUT_OF_ORDER
    return value, text, flags


def _value_and_words(datatype: str, given: object) -> tuple[Value | None, str | None]:
    """Return what was written as a value of the type, or else the words; neither where nothing was said."""
    if type(given) is float and datatype == "float" and math.isfinite(given):  # nearly all
        return given, None
    if given is None:
        return None, None
    value = read_value(datatype, given)
    if value is None:
        return None, shown(json.dumps(given) if isinstance(given, list | dict) else str(given))
    return storable(value) if isinstance(value, str) else value, None


def shown(text: str) -> str:
    """Return the beginning of a text, as every engine can keep it."""
    return storable(text[:LONGEST_TEXT])


def storable(text: str) -> str:
    """Return text without NUL and halves of characters, which PostgreSQL does not take."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
