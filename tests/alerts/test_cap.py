"""CAP 1.2 documents: elements in the order of the standard, words of its lists, times and polygons in its way."""

import datetime as dt
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import shapely

from agritwin.alerts.cap import NAMESPACE, cap_time, cap_xml
from agritwin.alerts.rules import Judgement
from agritwin.errors import DataError

# Section 3.2 of the standard: elements in their order, with those that must be there.
ALERT = (
    "identifier! sender! sent! status! msgType! source scope! restriction addresses code note references incidents info"
)
INFO = (
    "language category! event! responseType urgency! severity! certainty! audience eventCode effective onset expires "
    "senderName headline description instruction web contact parameter resource area"
)
AREA = "areaDesc! polygon circle geocode altitude ceiling"
ALLOWED = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {
        "Geo",
        "Met",
        "Safety",
        "Security",
        "Rescue",
        "Fire",
        "Health",
        "Env",
        "Transport",
        "Infra",
        "CBRNE",
        "Other",
    },
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}

SENT = dt.datetime(2025, 4, 10, 12, tzinfo=dt.UTC)
PARCEL = shapely.Polygon([(-4.82, 41.27), (-4.81, 41.27), (-4.81, 41.28), (-4.82, 41.27)])


def judgement(**changes):
    start = SENT + dt.timedelta(hours=15)
    evidence = {"source": "forecast", "members": 50, "required_share": 0.3}
    frost = Judgement(
        "frost", "degC", "serious", -3.4, -3.0, 0.62, start, start + dt.timedelta(hours=5), start, "beyond", evidence
    )
    return replace(frost, **changes)


def document(what=None, **changes):
    options = {
        "identifier": "agritwin.47-96-0-0-5-20-1.frost.20250411",
        "sender": "holding.example",
        "sent": SENT,
        "area": "Parcel 20",
        "geometry": PARCEL,
        "test": True,
    }
    return ElementTree.fromstring(cap_xml(what or judgement(), **{**options, **changes}))


def children(element):
    return [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]


def find(root, path):
    return root.find("/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/"))).text


def check_order(element, specification):
    order = [name.rstrip("!") for name in specification.split()]
    found = children(element)
    assert [order.index(name) for name in found] == sorted(order.index(name) for name in found)
    assert {name.rstrip("!") for name in specification.split() if name.endswith("!")} <= set(found)


def test_elements_stand_in_the_order_of_the_standard():
    root = document()
    assert root.tag == f"{{{NAMESPACE}}}alert"
    check_order(root, ALERT)
    for info in root.iter(f"{{{NAMESPACE}}}info"):
        check_order(info, INFO)
        check_order(info.find(f"{{{NAMESPACE}}}area"), AREA)


@pytest.mark.parametrize("level", ["low", "mid", "serious"])
@pytest.mark.parametrize("rule", ["frost", "flood", "drought", "stale_source"])
def test_words_are_those_of_the_lists(level, rule):
    root = document(judgement(level=level, rule=rule))
    for name, allowed in ALLOWED.items():
        found = {element.text for element in root.iter(f"{{{NAMESPACE}}}{name}")}
        assert found
        assert found <= allowed


def test_synthetic_data_make_a_test_message():
    assert find(document(test=True), "status") == "Test"
    assert find(document(test=False), "status") == "Actual"


def test_times_have_a_numeric_zone_and_utc_is_minus_zero():
    root = document()
    for name in ("sent", "info/onset", "info/expires"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", find(root, name))
    assert find(root, "sent") == "2025-04-10T12:00:00-00:00"
    madrid = dt.timezone(dt.timedelta(hours=2))
    assert cap_time(dt.datetime(2025, 4, 10, 14, tzinfo=madrid)) == "2025-04-10T14:00:00+02:00"
    with pytest.raises(DataError, match="no zone"):
        cap_time(dt.datetime(2025, 4, 10))


def test_polygons_are_closed_and_latitude_comes_first():
    points = find(document(), "info/area/polygon").split()
    assert points[0] == points[-1] == "41.270000,-4.820000"
    assert len(points) >= 4


def test_every_part_of_a_parcel_has_its_polygon():
    parts = shapely.MultiPolygon([PARCEL, shapely.affinity.translate(PARCEL, 0.1)])
    assert len(list(document(geometry=parts).iter(f"{{{NAMESPACE}}}polygon"))) == 4  # two parts, two languages


def test_both_languages_explain_the_alert():
    infos = document().findall(f"{{{NAMESPACE}}}info")
    assert [find(info, "language") for info in infos] == ["es-ES", "en-GB"]
    assert "-3,4 °C" in find(infos[0], "description")
    assert "-3.4 °C" in find(infos[1], "description")


@pytest.mark.parametrize(("hours", "word"), [(-1.0, "Immediate"), (0.5, "Expected"), (20.0, "Future"), (-9.0, "Past")])
def test_urgency_is_counted_from_sending(hours, word):
    start = SENT + dt.timedelta(hours=hours)
    root = document(judgement(valid_from=start, valid_until=start + dt.timedelta(hours=5)))
    assert find(root, "info/urgency") == word


def test_text_is_escaped():
    root = document(area="Tom & Ann's <north> field")
    assert find(root, "info/area/areaDesc") == "Tom & Ann's <north> field"


@pytest.mark.parametrize("identifier", ["a b", "a,b", "a<b", "a&b", ""])
def test_forbidden_characters_in_names_are_refused(identifier):
    with pytest.raises(DataError):
        document(identifier=identifier)


def test_no_danger_is_told_only_as_a_cancel_that_refers_to_its_alert():
    calm = judgement(level="none", since=None, code="harmless")
    with pytest.raises(DataError, match="sees no danger"):
        document(calm)
    with pytest.raises(DataError, match="references"):
        document(calm, kind="Cancel")
    earlier = "holding.example,agritwin.1,2025-04-09T12:00:00-00:00"
    root = document(calm, kind="Cancel", references=earlier)
    assert find(root, "references") == earlier
    assert find(root, "msgType") == "Cancel"
