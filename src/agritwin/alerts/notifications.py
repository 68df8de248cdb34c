"""Notices of danger: one for each event and recipient, however often the step that sends them is repeated."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from agritwin.alerts.explanation import as_dict, sentence, title
from agritwin.alerts.neighbours import Recipient
from agritwin.alerts.rules import LEVELS, Judgement, Level
from agritwin.alerts.words import Language


@dataclass(frozen=True)
class Notification:
    """One notice to one recipient, in the columns of the table `notifications`; times in ISO 8601, UTC."""

    event: str
    recipient: str
    twin_id: str
    level: Level
    title: str
    body: str
    evidence: Mapping[str, Any]
    issue_time: str
    valid_until: str


class Inbox(Protocol):
    """Where notices are kept, under the key (event, recipient)."""

    def level(self, event: str, recipient: str) -> Level | None:
        """Level of the notice kept under a key, None where there is none."""
        ...

    def put(self, notification: Notification) -> None:
        """Keep a notice; one of the same key is replaced, as unread."""
        ...


def event_key(twin: str, judgement: Judgement) -> str:
    """Key of an event: the same for every judgement of one rule on one source at one twin since the same start.

    The start is that of the first judgement of the event (`since`), so later evidence does not begin a new one.
    """
    start = judgement.since.isoformat() if judgement.since else "none"
    source = judgement.evidence.get("source", "")
    return hashlib.sha256(f"{twin}|{judgement.rule}|{source}|{start}".encode()).hexdigest()[:24]


def notify(
    twin: str,
    judgement: Judgement,
    recipients: Iterable[Recipient],
    inbox: Inbox,
    issue_time: str,
    language: Language = "es",
) -> list[Notification]:
    """Tell each recipient of an event once, and again only where its level has risen.

    Returns
    -------
    The notices put into the inbox by this call; none without danger or without news.
    """
    if judgement.level == "none":
        return []
    event, sent = event_key(twin, judgement), []
    evidence = {**judgement.evidence, "explanation": as_dict(judgement)["explanation"]}
    for recipient in recipients:
        known = inbox.level(event, recipient.twin)
        if known is not None and LEVELS.index(known) >= LEVELS.index(judgement.level):
            continue
        notice = Notification(
            event=event,
            recipient=recipient.twin,
            twin_id=twin,
            level=judgement.level,
            title=title(judgement, language),
            body=sentence(judgement, language),
            evidence={**evidence, "reason": recipient.reason, "distance_m": round(recipient.distance_m, 1)},
            issue_time=issue_time,
            valid_until=judgement.valid_until.isoformat(),
        )
        inbox.put(notice)
        sent.append(notice)
    return sent
