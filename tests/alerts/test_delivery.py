"""Notices leave the inbox once a channel and level, through failures and stops."""

import datetime as dt
import email
import http.server
import json
import socketserver
import threading

import pytest

from agritwin.alerts import delivery
from agritwin.alerts.adapters import allowed
from agritwin.alerts.delivery import Email, Webhook, channels, deliver_notices
from agritwin.alerts.neighbours import Recipient
from agritwin.alerts.notifications import notify
from agritwin.alerts.stores import SqlInbox, inbox
from agritwin.config import read_yaml
from agritwin.errors import ConfigError, SourceError
from agritwin.records.database import connect, migrate
from tests.alerts.test_stores import HOUR, NOW, flood
from tests.conftest import ROOT

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def engine(tmp_path):
    engine = connect(tmp_path / "records.db")
    migrate(engine)
    yield engine
    engine.dispose()


class Pigeon:
    """A channel that counts, and may fail or be shot."""

    name = "pigeon"

    def __init__(self):
        self.carried, self.mood = [], "fine"

    def send(self, notice):
        if self.mood == "refuses":
            raise SourceError("pigeon", "does not want to")
        self.carried.append((notice["recipient"], notice["level"]))
        if self.mood == "shot":
            raise KeyboardInterrupt


def tell(engine, level="mid"):
    notify("a", flood(level), [Recipient("a", 0.0, "self")], SqlInbox(engine), NOW.isoformat())


def test_channels_are_off_by_default():
    assert channels(read_yaml(ROOT / "config" / "config.yaml")["notices"]) == []


def test_a_notice_goes_out_once_and_again_when_its_level_rises(engine):
    way = Pigeon()
    tell(engine, "low")
    assert [deliver_notices(engine, "a", [way], NOW) for _ in range(3)] == [1, 0, 0]
    assert inbox(engine, "a", NOW)[0]["delivered_at"]
    tell(engine, "serious")
    deliver_notices(engine, "a", [way], NOW)
    assert way.carried == [("a", "low"), ("a", "serious")]


def test_what_a_stop_left_open_goes_out_again_once_nobody_can_still_be_sending_it(engine):
    way = Pigeon()
    tell(engine)
    way.mood = "shot"
    with pytest.raises(KeyboardInterrupt):
        deliver_notices(engine, "a", [way], NOW)
    way.mood = "fine"
    assert inbox(engine, "a", NOW)[0]["sent"] == {"pigeon": "claimed"}
    assert [deliver_notices(engine, "a", [way], NOW + minutes * MINUTE) for minutes in (0, 4, 5, 60)] == [0, 0, 1, 0]
    assert way.carried == [("a", "mid")] * 2
    assert inbox(engine, "a", NOW)[0]["sent"] == {"pigeon": "delivered"}


def test_what_failed_is_tried_again_until_it_arrives_and_holds_up_no_other(engine):
    refusing, way = Pigeon(), Pigeon()
    refusing.mood, refusing.name = "refuses", "mail"
    tell(engine)
    assert deliver_notices(engine, "a", [refusing, way], NOW) == 1
    assert way.carried == [("a", "mid")]
    assert inbox(engine, "a", NOW)[0]["sent"] == {"mail": "failed", "pigeon": "delivered"}
    assert deliver_notices(engine, "a", [refusing], NOW + MINUTE) == 0
    refusing.mood = "fine"
    assert deliver_notices(engine, "a", [refusing], NOW + 1.5 * MINUTE) == 0
    assert deliver_notices(engine, "a", [refusing], NOW - 30 * MINUTE) == 1  # the clock was set back
    assert refusing.carried == [("a", "mid")]
    assert deliver_notices(engine, "a", [refusing], NOW + HOUR) == 0


def test_two_workers_that_see_the_same_attempt_repeat_it_once(engine):
    way = Pigeon()
    way.mood = "refuses"
    tell(engine)
    deliver_notices(engine, "a", [way], NOW)
    seen = delivery._waiting(engine, "a", "pigeon", NOW + MINUTE)
    assert len(seen) == 1
    assert [delivery._claim(engine, seen[0], "pigeon", NOW + MINUTE) for _ in range(2)] == [True, False]


def test_what_has_expired_stays_in_the_inbox(engine):
    tell(engine)
    assert deliver_notices(engine, "a", [Pigeon()], NOW + 13 * HOUR) == 0


def test_others_inboxes_are_theirs(engine):
    tell(engine)
    assert deliver_notices(engine, "b", [Pigeon()], NOW) == 0


def test_a_mail_says_what_is_dangerous_and_has_an_identity(engine):
    tell(engine)
    (notice,) = inbox(engine, "a", NOW)
    mail = Email("localhost", 25, "twin@example.org", ["ana@example.org"]).message(notice)
    again = email.message_from_bytes(bytes(mail))
    assert again["Message-ID"] == f"<{notice['event']}.a.mid@example.org>"
    assert "m" in mail.get_content()
    assert again["To"] == "ana@example.org"


class Post(http.server.BaseHTTPRequestHandler):
    """Takes posts and answers as the address says: /200, /500."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.headers["Idempotency-Key"], body))
        self.send_response(int(self.path.strip("/")))
        self.end_headers()
        self.wfile.write(b'{"done": true}')

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with socketserver.TCPServer(("127.0.0.1", 0), Post) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_webhook_gets_the_notice_with_a_key(engine, server):
    tell(engine)
    port = server.server_address[1]
    assert deliver_notices(engine, "a", [Webhook(f"http://127.0.0.1:{port}/200", ["127.0.0.1"])], NOW) == 1
    ((key, body),) = server.got
    assert key.endswith(".a.mid")
    assert body["level"] == "mid"
    assert dt.datetime.fromisoformat(body["valid_until"]) == NOW + 12 * HOUR


def test_only_hosts_of_the_list_are_sent_to_and_only_encrypted():
    assert allowed("https://example.org/x", ["example.org"])
    assert allowed("http://127.0.0.1:80/x", ["127.0.0.1"])
    for url in (
        "https://evil.org/x",
        "https://example.org.evil.org/",
        "https://example.org@evil.org/",
        "ftp://example.org/",
    ):
        with pytest.raises(ConfigError):
            allowed(url, ["example.org"])
    with pytest.raises(ConfigError, match="not encrypted"):
        allowed("http://example.org/", ["example.org"])
