"""Notices over the interface: listed to who may read the twin, acknowledged by who works on it."""

import datetime as dt

import pytest

from agritwin.alerts.notifications import Notification
from agritwin.alerts.stores import SqlInbox
from tests.api.conftest import OTHER, TWIN


def notice(recipient, event, hours, clock):
    until = (clock() + dt.timedelta(hours=hours)).isoformat()
    issued = clock().isoformat()
    return Notification(
        event, recipient, TWIN, "mid", "Flood: mid", "0.3 m of water.", {"reason": "self"}, issued, until
    )


@pytest.fixture
def told(engine, clock):
    box = SqlInbox(engine)
    for recipient, event, hours in [(TWIN, "one", 12), (OTHER, "one", 12), (TWIN, "over", -1)]:
        box.put(notice(recipient, event, hours, clock))


@pytest.mark.usefixtures("told")
def test_a_twin_has_the_notices_that_were_sent_to_it(as_):
    found = as_("viewer").get(f"/notices/{TWIN}").json()
    assert [(one["title"], one["state"], one["sent"]) for one in found] == [
        ("Flood: mid", "expired", {}),
        ("Flood: mid", "new", {}),
    ]
    standing = as_("viewer").get(f"/notices/{TWIN}", params={"standing": True}).json()
    assert [one["number"] for one in standing] == [found[1]["number"]]


@pytest.mark.usefixtures("told")
def test_who_works_on_a_twin_takes_notice_for_it_and_for_no_other(as_):
    worker, stranger = as_("worker"), as_("stranger")
    (standing,) = worker.get(f"/notices/{TWIN}", params={"standing": True}).json()
    (elsewhere,) = stranger.get(f"/notices/{OTHER}").json()
    assert worker.post(f"/notices/{TWIN}/{standing['number']}/acknowledge").status_code == 200
    assert worker.get(f"/notices/{TWIN}", params={"standing": True}).json() == []
    refused = worker.post(f"/notices/{TWIN}/{elsewhere['number']}/acknowledge")
    assert (refused.status_code, refused.json()["remedy"]) == (404, "List the notices.")
    assert stranger.get(f"/notices/{OTHER}").json()[0]["state"] == "new"
