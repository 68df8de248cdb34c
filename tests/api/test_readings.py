"""Readings in bulk: what becomes of each row, of second values, of odd times; errors are sentences."""

import datetime as dt

import pytest
import sqlalchemy as sa

from agritwin.records.arrivals import Arrival, store_arrivals
from agritwin.records.database import writing
from agritwin.records.instruments import Flag, milliseconds
from agritwin.records.spellings import find
from agritwin.records.tables import sensors

NOON = "2025-06-01T12:00:00Z"
SPAN = {"measure_name": "depth", "unique_identifier": "P1", "dt_from": "2025-01-01T00:00:00Z"} | {
    "dt_to": "2026-01-01T00:00:00Z"
}


@pytest.fixture
def probe(admin):
    measures = [
        {"name": "depth", "units": "cm", "datatype": "float"},
        {"name": "count", "units": None, "datatype": "integer"},
        {"name": "wet", "units": None, "datatype": "boolean"},
        {"name": "state", "units": None, "datatype": "string"},
    ]
    assert admin.post("/sensor/insert-sensor-type", json={"name": "probe", "measures": measures}).is_success
    assert admin.post("/sensor/insert-sensor", json={"type_name": "probe", "unique_identifier": "P1"}).is_success
    return admin


def send(client, values, times=(NOON,), measure="depth", **more):
    payload = {"unique_identifier": "P1", "measure_name": measure, "readings": values, "timestamps": list(times)}
    return client.post("/sensor/insert-sensor-readings", json=payload | more)


def stored(client, **query):
    return [row["value"] for row in client.post("/sensor/sensor-readings", json=SPAN, params=query).json()]


@pytest.mark.parametrize(
    ("rule", "counts", "seen", "with_doubtful"),
    [
        ("flag", {"conflict": 1, "known": 1}, [1.0], [1.0, 2.0]),
        ("first", {"kept_first": 1, "known": 1}, [1.0], [1.0]),
        ("last", {"replaced": 2}, [1.0], [1.0]),
    ],
)
def test_the_rule_for_second_values_is_explicit(probe, rule, counts, seen, with_doubtful):
    assert send(probe, [1.0]).json()["counts"] == {"stored": 1}
    again = send(probe, [2.0, 1.0], (NOON, NOON), on_conflict=rule)
    assert (again.status_code, again.json()["counts"]) == (201, counts)
    assert stored(probe) == seen
    assert stored(probe, doubtful="true") == with_doubtful


def test_the_last_value_takes_the_place_of_the_first(probe):
    assert send(probe, [1.0]).is_success
    assert send(probe, [7.0], on_conflict="last").json()["counts"] == {"replaced": 1}
    assert stored(probe, doubtful="true") == [7.0]


def test_a_value_takes_the_place_of_words_that_were_none(probe, engine):
    with writing(engine) as connection:
        sensor, (depth,) = connection.scalar(sa.select(sensors.c.id)), find(connection, "sensor", "depth")
        moment = milliseconds(dt.datetime.fromisoformat(NOON))
        store_arrivals(connection, [Arrival(sensor, depth.measure_id, moment, None, "wet", 0, int(Flag.ABSURD), None)])
    assert stored(probe, doubtful="true") == ["wet"]
    assert send(probe, [7.0], on_conflict="last").json()["counts"] == {"replaced": 1}
    assert stored(probe) == stored(probe, doubtful="true") == [7.0]


@pytest.mark.parametrize("moment", [0, 1748779200, 1748779200.5, "1748779200", "2025-06", True, ""])
def test_a_moment_is_written_in_iso_8601(probe, moment):
    assert send(probe, [1.0], (moment,)).status_code == 422


def test_doubtful_readings_tell_why(probe):
    assert send(probe, [1.0, 2.0], (NOON, NOON)).json()["counts"] == {"stored": 1, "conflict": 1}
    rows = probe.post("/sensor/sensor-readings", json=SPAN, params={"doubtful": "true"}).json()
    assert [row["flags"] for row in rows] == [[], ["conflict"]]


def test_a_night_with_the_hour_twice_is_kept_apart(probe):
    """The clocks go back on 26 October 2025: 02:30 comes twice in Madrid, an hour apart."""
    times = ("2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00", "2025-10-26T02:00:00")
    assert send(probe, [1.0, 2.0, 3.0], times).json()["counts"] == {"stored": 3}
    rows = probe.post("/sensor/sensor-readings", json=SPAN).json()
    assert [(row["timestamp"], row["value"]) for row in rows] == [
        ("2025-10-26T00:30:00Z", 1.0),
        ("2025-10-26T01:30:00Z", 2.0),
        ("2025-10-26T02:00:00Z", 3.0),
    ]


@pytest.mark.parametrize(
    ("measure", "values"),
    [
        ("depth", [1.5, -1e308, 5e-324, 2.0]),
        ("count", [2**63 - 1, -(2**63), 2**53 + 1, 0]),
        ("wet", [True, False]),
        ("state", ["open", "", "válvula 3 \U0001f4a7", "0"]),
    ],
)
def test_values_of_every_type_come_back_exactly(probe, measure, values):
    times = [f"2025-06-01T{hour:02}:00:00Z" for hour in range(len(values))]
    assert send(probe, values, times, measure).json()["counts"] == {"stored": len(values)}
    rows = probe.post("/sensor/sensor-readings", json=SPAN | {"measure_name": measure}).json()
    observed = probe.get("/v1.1/Observations", params={"$orderby": "phenomenonTime"}).json()["value"]
    for found in ([row["value"] for row in rows], [row["result"] for row in observed]):
        assert [(type(value), value) for value in found] == [(type(value), value) for value in values]
    assert send(probe, values, times, measure).json()["counts"] == {"known": len(values)}


def test_every_row_of_a_bulk_has_its_own_result(probe):
    rows = [
        ("P1", "depth", NOON, 1.5),
        ("P1", "depth", NOON, 1.5),
        ("P1", "count", NOON, 3),
        ("P1", "count", NOON, 3.5),
        ("P1", "nothing", NOON, 1),
        ("P9", "depth", NOON, 1),
        ("P1", "wet", NOON, True),
        ("P1", "wet", NOON, "yes"),
    ]
    names = ("unique_identifier", "measure_name", "timestamp", "value")
    payload = {"readings": [dict(zip(names, row, strict=True)) for row in rows]}
    answer = probe.post("/sensor/insert-readings", json=payload).json()
    outcomes = ["stored", "known", "stored", "refused", "refused", "refused", "stored", "refused"]
    assert [row["outcome"] for row in answer["rows"]] == outcomes
    assert answer["counts"] == {"stored": 3, "known": 1, "refused": 4}
    assert "Give a value of type integer." in answer["rows"][3]["reason"]
    assert "P9" in answer["rows"][5]["reason"]
    assert stored(probe) == [1.5]


UNFIT = (
    ([1.0, 2.0], (NOON,), "depth", 422),
    (["wet"], (NOON,), "depth", 422),
    ([True], (NOON,), "depth", 422),
    ([1.5], (NOON,), "count", 422),
    ([1], (NOON,), "wet", 422),
    ([1.0], ("yesterday",), "depth", 422),
    ([1.0], ("0001-01-01T00:00:00+23:00",), "depth", 422),
    ([1.0], (NOON,), "nothing", 400),
    ([None], (NOON,), "depth", 422),
    ([10**400], (NOON,), "depth", 422),
)


def test_what_does_not_fit_is_refused_whole_with_a_sentence(probe):
    for values, times, measure, status in UNFIT:
        answer = send(probe, values, times, measure)
        assert answer.status_code == status, (values, answer.text)
        assert answer.json()["detail"]
    assert stored(probe, doubtful="true") == []


def test_a_type_is_checked_for_every_value_and_nothing_of_a_wrong_list_is_stored(probe):
    times = ("2025-06-01T00:00:00Z", "2025-06-02T00:00:00Z")
    assert send(probe, [1.0, "wet"], times).status_code == 422
    assert stored(probe) == []


def test_long_lists_come_by_the_page(probe):
    times = [f"2025-06-01T{hour:02}:00:00Z" for hour in range(10)]
    assert send(probe, list(range(10)), times).is_success
    answer = probe.post("/sensor/sensor-readings", json=SPAN, params={"limit": 3, "offset": 8})
    assert ([row["value"] for row in answer.json()], answer.headers["X-Total-Count"]) == ([8.0, 9.0], "10")
    types = probe.get("/sensor/list-measures", params={"limit": 1, "offset": 1})
    assert ([row["name"] for row in types.json()], types.headers["X-Total-Count"]) == (["count"], "4")
    assert probe.get("/sensor/list-measures", params={"limit": 0}).status_code == 422
    assert probe.get("/sensor/list-measures", params={"limt": 1}).status_code == 400


def test_what_is_in_use_is_not_deleted_and_says_so(probe):
    assert send(probe, [1.0]).is_success
    refused = probe.post("/sensor/delete-sensor-type", json={"type_name": "probe"})
    assert (refused.status_code, refused.json()["remedy"]) == (409, "Delete them first.")
    assert probe.post("/sensor/delete-sensor", json={"unique_identifier": "P1"}).is_success
    assert probe.post("/sensor/delete-sensor-type", json={"type_name": "probe"}).is_success
    for address, payload in (
        ("delete-sensor", {"unique_identifier": "P1"}),
        ("delete-sensor-type", {"type_name": "probe"}),
        ("edit-sensor", {"unique_identifier": "P1", "name": "n", "notes": ""}),
        ("insert-sensor", {"unique_identifier": "P1", "type_name": "probe"}),
        ("sensor-readings", SPAN),
    ):
        assert probe.post(f"/sensor/{address}", json=payload).status_code == 400, address


def test_labels_that_are_no_unit_are_kept_with_a_warning(admin):
    measure = {"name": "Measure 1", "units": "Unit 1", "datatype": "float"}
    answer = admin.post("/sensor/insert-sensor-type", json={"name": "t", "measures": [measure]})
    assert (answer.status_code, len(answer.json()["warnings"])) == (201, 1)
    assert admin.get("/sensor/list-measures").json() == [measure]
