"""Messages as they come over the wire, read as paho-mqtt reads them."""

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import _packet
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agritwin.sensors import mqtt
from agritwin.sensors.mqtt import Broker, Message, Subscription, decoded

VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60)


@st.composite
def packets(draw):
    """Protocol, first byte and the rest of a PUBLISH packet, with whatever properties a broker may add."""
    protocol, qos = draw(st.sampled_from(sorted(VERSIONS))), draw(st.integers(0, 1))
    topic = draw(TEXT).encode()
    packet = len(topic).to_bytes(2) + topic + (draw(st.integers(1, 65535)).to_bytes(2) if qos else b"")
    if protocol == "5":
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = draw(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
        properties.MessageExpiryInterval = draw(st.integers(0, 2**32 - 1))
        packet += draw(st.sampled_from([b"\x00", properties.pack()]))
    header = 0x30 | qos << 1 | draw(st.sampled_from([0, 1, 8]))
    return protocol, header, packet + draw(st.binary(max_size=200))


@given(packets())
def test_a_message_is_what_paho_reads(given):
    protocol, header, packet = given
    theirs = _packet.decode_publish(header, packet, VERSIONS[protocol])
    again = theirs.dup or theirs.retain
    assert decoded(header, packet, protocol) == (theirs.topic.decode(), theirs.payload, theirs.mid, theirs.qos, again)


def test_a_topic_that_is_no_text_is_told():
    assert decoded(0x30, b"\x00\x02\xff\xfe{}", "3.1.1")[:2] == ("(not UTF-8)", b"{}")


@pytest.mark.parametrize(
    ("protocol", "packet"),
    [
        *(("3.1.1", b"\x00\x05ab"), ("3.1.1", b""), ("3.1.1", b"\x00\x01a\x00")),
        *(("5", b"\x00\x01a\x00\x01"), ("5", b"\x00\x01a\x00\x01\x80"), ("5", b"\x00\x01a\x00\x01\x09x")),
        ("5", b"\x00\x01a\x00\x01\xff\xff\xff\xff\x01"),
    ],
)
def test_a_message_that_ends_too_early_is_malformed(protocol, packet):
    with pytest.raises(MalformedPacket):
        decoded(0x32, packet, protocol)


@pytest.fixture
def broker():
    """One that takes a single client and sends it three messages, the last of them with a topic that is no text."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with server.accept()[0] as client:
                client.recv(1000)
                client.sendall(b"\x20\x02\x00\x00")
                for header, topic in ((0x32, b"a"), (0x3A, b"a"), (0x32, b"\xff")):
                    client.sendall(bytes([header, 7]) + b"\x00\x01" + topic + b"\x00\x09{}")
                while client.recv(1000):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield Broker(port=server.getsockname()[1])
        thread.join()


def messages_of(broker):
    subscription = Subscription(broker, lambda: 1.0)
    subscription.connect()
    found = []
    while len(found) < 3 and subscription.connected:
        found += subscription.collect(3, 5.0)
    subscription.disconnect()
    return found


EXPECTED = [Message(*about, 1000) for about in (("a", b"{}", 9, 1, False), ("a", b"{}", 9, 1, True))]
EXPECTED.append(Message("(not UTF-8)", b"{}", 9, 1, False, 1000))


def test_paho_still_calls_what_is_overridden(broker, monkeypatch):
    called = []
    monkeypatch.setattr(Subscription, "_published", lambda *_: called.append(1))
    found = messages_of(broker)
    assert not called, "paho no longer calls _handle_publish for each message: override what takes its place in mqtt.py"
    assert found == EXPECTED


def test_messages_come_the_public_way_where_it_does_not(broker, monkeypatch):
    monkeypatch.delattr(mqtt._Client, "_handle_publish")
    assert messages_of(broker) == EXPECTED
