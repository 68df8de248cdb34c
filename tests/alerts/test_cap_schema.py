"""CAP documents against the schema of the standard (OASIS, CAP-v1.2.xsd, beside these tests with its notice)."""

import datetime as dt
from dataclasses import replace

import pytest
import shapely
import xmlschema

from agritwin.alerts.cap import cap_time, cap_xml
from agritwin.alerts.catalogue import rules
from agritwin.alerts.rules import Judgement
from agritwin.config import read_yaml
from tests.conftest import ROOT

SENT = dt.datetime(2025, 4, 10, 12, tzinfo=dt.UTC)
PARCEL = shapely.Polygon([(-4.82, 41.27), (-4.81, 41.27), (-4.81, 41.28), (-4.82, 41.27)])
RULES = rules(read_yaml(ROOT / "config" / "config.yaml")["alerts"])


@pytest.fixture(scope="module")
def schema():
    return xmlschema.XMLSchema(ROOT / "tests" / "reference" / "CAP-v1.2.xsd")


def judgement(rule="flood", level="mid"):
    evidence = {"source": "gauges", "members": 1, "required_share": 1.0, "known_until": SENT.isoformat()}
    return Judgement(
        rule, RULES[rule].unit, level, 0.3, 0.2, 1.0, SENT, SENT + dt.timedelta(hours=5), SENT, "beyond", evidence
    )


def document(what, **options):
    given = {"identifier": "agritwin.20.1", "sender": "agritwin", "sent": SENT, "area": "Parcela «El Soto» & más"}
    return cap_xml(what, **{**given, "geometry": PARCEL, "test": True, **options})


@pytest.mark.parametrize("level", ["low", "mid", "serious"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_and_level_is_valid(schema, rule, level):
    schema.validate(document(judgement(rule, level)))


def test_updates_and_cancels_are_valid(schema):
    before = f"agritwin,agritwin.20.0,{cap_time(SENT)}"
    schema.validate(document(judgement(), kind="Update", references=before))
    calm = replace(judgement(), level="none", code="harmless")
    schema.validate(document(calm, kind="Cancel", references=before))


def test_parcels_of_several_parts_and_local_times_are_valid(schema):
    parts = shapely.MultiPolygon([PARCEL, shapely.affinity.translate(PARCEL, 0.1)])
    madrid = SENT.astimezone(dt.timezone(dt.timedelta(hours=2)))
    schema.validate(document(judgement(), geometry=parts, sent=madrid))


def test_the_schema_sees_what_is_wrong(schema):
    good = document(judgement())
    for wrong in (
        good.replace("<status>Test<", "<status>Perhaps<"),
        good.replace("+00:00", "Z").replace("-00:00", "Z"),
        good.replace("<severity>", "<gravity>").replace("</severity>", "</gravity>"),
    ):
        assert not schema.is_valid(wrong)
