"""Notices carried out of the inbox by e-mail or webhook, until each has arrived or its time is over.

A notice is claimed in the store first, so that two workers do not send it at once. What failed is tried again, and so
is what a stop left claimed: it may have arrived, and goes out once more under the same key, because of a flood it is
better to hear twice than never. Who receives drops a second one by that key (Message-ID, Idempotency-Key).
"""

import datetime as dt
import functools
import logging
import os
from collections.abc import Mapping
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from agritwin.alerts.adapters import allowed
from agritwin.errors import AgritwinError, SourceError
from agritwin.records import tables as t
from agritwin.records.database import insert, reading, writing

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

AGAIN = {"failed": dt.timedelta(minutes=1), "claimed": dt.timedelta(minutes=5)}
"""After how long an attempt that ended so is repeated; a claim lasts longer than any attempt that goes on."""
SMTP_USERNAME, SMTP_PASSWORD = "AGRITWIN_SMTP_USERNAME", "AGRITWIN_SMTP_PASSWORD"


class Channel(Protocol):
    """A way out of the inbox."""

    name: str

    def send(self, notice: Mapping[str, Any]) -> None:
        """Send one notice (row of the inbox); AgritwinError where it surely did not go out."""
        ...


class Email:
    """One message a notice, over SMTP with STARTTLS; its Message-ID is made of event, recipient and level."""

    name = "email"

    def __init__(self, host: str, port: int, sender: str, to: list[str], timeout_s: float = 20.0) -> None:
        self.host, self.port, self.sender, self.to, self.timeout_s = host, port, sender, to, timeout_s

    def message(self, notice: Mapping[str, Any]) -> EmailMessage:
        """Return the message as it goes out."""
        mail = EmailMessage()
        mail["Subject"] = f"{notice['title']} · {notice['twin_id']}"
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        domain = self.sender.rpartition("@")[2].strip(" >") or "localhost"
        mail["Message-ID"] = f"<{notice['event']}.{notice['recipient']}.{notice['level']}@{domain}>"
        mail.set_content(f"{notice['body']}\n")
        return mail

    def send(self, notice: Mapping[str, Any]) -> None:
        """Send one notice.

        Raises
        ------
        SourceError
            Where the server is not there or refuses.
        """
        import smtplib

        mail, user = self.message(notice), os.environ.get(SMTP_USERNAME)
        try:
            with smtplib.SMTP(self.host, self.port, timeout=self.timeout_s) as server:
                if user:
                    server.starttls()
                    server.login(user, os.environ.get(SMTP_PASSWORD, ""))
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise SourceError("mail server", f"{self.host} does not take the notice: {error}", "Check it.") from error


class Webhook:
    """A POST a notice to an address on the allow-list."""

    name = "webhook"

    def __init__(self, url: str, hosts: list[str], timeout_s: float = 10.0) -> None:
        self.url, self.hosts, self.timeout_s = url, hosts, timeout_s
        self.client = _client()

    def send(self, notice: Mapping[str, Any]) -> None:
        """Post one notice as JSON.

        Raises
        ------
        SourceError
            Where nobody takes it.
        """
        from httpx import HTTPError

        key = f"{notice['event']}.{notice['recipient']}.{notice['level']}"
        names = ("event", "recipient", "twin_id", "level", "title", "body", "evidence", "issue_time", "valid_until")
        content = {name: notice[name] for name in names}
        address = allowed(self.url, self.hosts)
        try:
            answer = self.client.post(address, json=content, headers={"Idempotency-Key": key}, timeout=self.timeout_s)
            answer.raise_for_status()
        except HTTPError as error:
            raise SourceError("webhook", f"the notice was not taken: {error}", "Check the address.") from error


@functools.cache
def _client() -> "httpx.Client":
    """Made before a notice is claimed: what takes long between claim and delivery is what a stop can fall into."""
    import httpx

    return httpx.Client()


def channels(notices: Mapping[str, Any]) -> list[Channel]:
    """Return the channels that the section `notices` of the configuration turns on."""
    found: list[Channel] = []
    if notices["email_to"] and notices["smtp_host"] and notices["email_from"]:
        found.append(
            Email(notices["smtp_host"], notices["smtp_port"], notices["email_from"], list(notices["email_to"]))
        )
    if notices["webhook_url"]:
        found.append(Webhook(notices["webhook_url"], list(notices["webhook_allowed_hosts"])))
    return found


def deliver_notices(engine: sa.Engine, twin: str, ways: list[Channel], now: dt.datetime) -> int:
    """Carry out what has not arrived of a twin's inbox, by each channel; return how many notices went out.

    A notice that has expired stays in the inbox only.
    """
    sent = 0
    for way in ways:
        for notice in _waiting(engine, twin, way.name, now):
            if _claim(engine, notice, way.name, now):
                sent += _carry(engine, notice, way, now)
    return sent


def _waiting(engine: sa.Engine, twin: str, channel: str, now: dt.datetime) -> list[dict[str, Any]]:
    """Return notices that hold and are due, each with `state` and `at` of its last attempt, None before the first."""
    n, d = t.notifications.c, t.deliveries.c
    same = sa.and_(d.event == n.event, d.recipient == n.recipient, d.level == n.level, d.channel == channel)
    joined = t.notifications.outerjoin(t.deliveries, same)
    select = sa.select(t.notifications, d.state, d.at).select_from(joined).where(n.recipient == twin).order_by(n.id)
    with reading(engine) as connection:
        rows = [dict(row) for row in connection.execute(select).mappings()]
    return [row for row in rows if _holds(row, now) and _due(row, now)]


def _holds(notice: Mapping[str, Any], now: dt.datetime) -> bool:
    return not notice["valid_until"] or dt.datetime.fromisoformat(notice["valid_until"]) >= now


def _due(attempt: Mapping[str, Any], now: dt.datetime) -> bool:
    """Whether nothing was tried yet or it is to be tried again; a clock that was set back holds up nothing."""
    if attempt["state"] is None:
        return True
    wait = AGAIN.get(attempt["state"])
    return wait is not None and abs(now - dt.datetime.fromisoformat(attempt["at"])) >= wait


def _claim(engine: sa.Engine, notice: Mapping[str, Any], channel: str, now: dt.datetime) -> bool:
    """Take a notice, unless another worker has done so since it was looked up."""
    row = {name: notice[name] for name in ("event", "recipient", "level", "twin_id")}
    row |= {"channel": channel, "state": "claimed", "at": now.isoformat(), "detail": None}
    d, key = t.deliveries.c, ["event", "recipient", "channel", "level"]
    with writing(engine) as connection:
        add = insert(connection, t.deliveries).values(**row)
        unchanged = sa.and_(d.state == notice["state"], d.at == notice["at"])
        take = add.on_conflict_do_update(index_elements=key, set_=row, where=unchanged)
        return connection.execute(take).rowcount == 1


def _carry(engine: sa.Engine, notice: Mapping[str, Any], way: Channel, now: dt.datetime) -> bool:
    state, detail = "delivered", None
    try:
        way.send(notice)
    except AgritwinError as problem:
        log.warning("notice %s by %s: %s", notice["event"], way.name, problem)
        state, detail = "failed", str(problem)
    d, n = t.deliveries.c, t.notifications.c
    same = (d.event == notice["event"], d.recipient == notice["recipient"], d.level == notice["level"])
    with writing(engine) as connection:
        update = sa.update(t.deliveries).where(*same, d.channel == way.name)
        connection.execute(update.values(state=state, detail=detail))
        if state == "delivered":
            mark = sa.update(t.notifications).where(n.id == notice["id"], n.delivered_at.is_(None))
            connection.execute(mark.values(delivered_at=now.isoformat()))
    return state == "delivered"
