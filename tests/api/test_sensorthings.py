"""OGC SensorThings 1.1 (18-088) for reading: entities, ways between them, and query options."""

import pytest

from tests.api.conftest import TWIN

HOURS = [f"2025-06-01T{hour:02}:00:00Z" for hour in range(24)]
MEASURE = {"name": "temperature", "units": "degrees Celsius", "datatype": "float"}


@pytest.fixture
def things(admin):
    """Two sensors with a day of readings each, one of them on a twin."""
    kind = {"name": "probe", "measures": [MEASURE, {"name": "state", "units": None, "datatype": "string"}]}
    assert admin.post("/sensor/insert-sensor-type", json=kind).is_success
    for name, twin in (("P1", TWIN), ("P2", None)):
        about = {"type_name": "probe", "unique_identifier": name, "notes": f"notes of {name}", "twin": twin}
        assert admin.post("/sensor/insert-sensor", json=about).is_success
        for measure, values in (("temperature", list(range(24))), ("state", ["ok"] * 24)):
            rows = {"unique_identifier": name, "measure_name": measure, "readings": values, "timestamps": HOURS}
            assert admin.post("/sensor/insert-sensor-readings", json=rows).is_success
    return admin


def get(client, address, **query):
    answer = client.get(f"/v1.1/{address}", params={f"${name}": value for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def stream(client):
    (found,) = get(client, "Datastreams", filter="name eq 'temperature of P1'")["value"]
    return found


def test_the_root_names_all_sets_and_each_answers(things):
    root = things.get("/v1.1").json()
    assert {entry["name"] for entry in root["value"]} == {
        *("Things", "Locations", "HistoricalLocations", "Datastreams"),
        *("Sensors", "ObservedProperties", "Observations", "FeaturesOfInterest"),
    }
    for entry in root["value"]:
        assert isinstance(things.get(entry["url"]).json()["value"], list)
    assert any("request-data/filter" in name for name in root["serverSettings"]["conformance"])


def test_every_entity_has_its_link_and_the_ways_lead_back(things):
    for name in ("Things", "Locations", "Datastreams", "Sensors", "ObservedProperties", "Observations"):
        for entity in get(things, name, top=3)["value"]:
            assert things.get(entity["@iot.selfLink"]).json() == entity
            for way, link in entity.items():
                if way.endswith("@iot.navigationLink"):
                    assert things.get(link).status_code == 200, link


def test_a_datastream_tells_unit_type_and_span(things):
    found = stream(things)
    assert found["unitOfMeasurement"] == {
        "name": "degrees Celsius",
        "symbol": "degC",
        "definition": "urn:ucum:degC",
    }
    assert found["observationType"].endswith("OM_Measurement")
    assert found["phenomenonTime"] == "2025-06-01T00:00:00.000Z/2025-06-01T23:00:00.000Z"
    ways = {name: get(things, f"Datastreams('{found['@iot.id']}')/{name}") for name in ("Thing", "Sensor")}
    assert (ways["Thing"]["@iot.id"], ways["Sensor"]["name"]) == (TWIN, "P1")
    assert get(things, f"Things('{TWIN}')/Locations")["value"][0]["location"]["type"] == "Polygon"


@pytest.fixture
def moved(things):
    """The first sensor stood at two places one after the other."""
    fields = [{"name": name, "units": "degree", "datatype": "float"} for name in ("latitude", "longitude")]
    schema = {"name": "point", "description": "", "identifiers": fields}
    assert things.post("/location/insert-location-schema", json=schema).is_success
    for latitude, moment in ((38.6, "2025-03-01T00:00:00Z"), (38.7, "2025-04-01T02:00:00+02:00")):
        place = {"schema_name": "point", "coordinates": {"latitude": latitude, "longitude": -1.1}}
        assert things.post("/location/insert-location-for-schema", json=place | {"twin": TWIN}).is_success
        stay = place | {"unique_identifier": "P1", "installation_datetime": moment}
        assert things.post("/sensor/insert-sensor-location", json=stay).is_success
    return things


def test_a_sensor_that_moved_has_two_historical_locations(moved):
    where = f"Things('{TWIN}')/HistoricalLocations"
    found = get(moved, where, orderby="time", expand="Locations,Thing")["value"]
    assert [(row["time"], row["properties"]) for row in found] == [
        ("2025-03-01T00:00:00.000Z", {"sensor": "P1", "until": "2025-04-01T00:00:00.000Z"}),
        ("2025-04-01T00:00:00.000Z", {"sensor": "P1", "until": None}),
    ]
    points = [row["Locations"][0]["location"] for row in found]
    assert points == [{"type": "Point", "coordinates": [-1.1, latitude]} for latitude in (38.6, 38.7)]
    assert {row["Thing"]["@iot.id"] for row in found} == {TWIN}
    for row in found:
        (place,) = row["Locations"]
        (stay,) = get(moved, f"Locations({place['@iot.id']})/HistoricalLocations")["value"]
        assert stay["@iot.id"] == row["@iot.id"]
        assert [thing["@iot.id"] for thing in get(moved, f"Locations({place['@iot.id']})/Things")["value"]] == [TWIN]
        assert moved.get(stay["@iot.selfLink"]).json() == stay
    assert get(moved, "Things('unattributed')/HistoricalLocations")["value"] == []
    assert get(moved, f"Things('{TWIN}')/Locations")["value"][0]["location"]["type"] == "Polygon"


def test_observations_by_the_page_filtered_and_ordered(things):
    where = f"Datastreams('{stream(things)['@iot.id']}')/Observations"
    page = get(things, where, top=10, count="true", orderby="phenomenonTime desc")
    assert page["@iot.count"] == 24
    seen = [row["result"] for row in page["value"]]
    while "@iot.nextLink" in page:
        page = things.get(page["@iot.nextLink"]).json()
        seen += [row["result"] for row in page["value"]]
    assert seen == [float(value) for value in reversed(range(24))]
    span = "phenomenonTime ge 2025-06-01T03:00:00Z and phenomenonTime lt 2025-06-01T08:00:00+02:00"
    assert [row["result"] for row in get(things, where, filter=span)["value"]] == [3.0, 4.0, 5.0]
    some = get(things, where, filter="result gt 20 or not (result ge 2)", select="result")["value"]
    assert [row["result"] for row in some] == [0.0, 1.0, 21.0, 22.0, 23.0]
    assert set(some[0]) == {"@iot.id", "@iot.selfLink", "result"}
    assert get(things, where, top=0, count="true")["@iot.count"] == 24


def test_expanding_reaches_over_several_ways(things):
    inner = (
        "Datastreams($filter=startswith(name,'temp');$expand=Observations($top=2;$orderby=phenomenonTime desc),Sensor)"
    )
    (thing,) = get(things, "Things", filter=f"id eq '{TWIN}'", expand=inner)["value"]
    (found,) = thing["Datastreams"]
    assert [row["result"] for row in found["Observations"]] == [23.0, 22.0]
    assert found["Sensor"]["name"] == "P1"
    assert things.get(found["Observations@iot.nextLink"]).json()["value"]
    deep = get(things, "Things", filter=f"id eq '{TWIN}'", expand="Datastreams/ObservedProperty")["value"]
    assert {each["ObservedProperty"]["name"] for each in deep[0]["Datastreams"]} == {"temperature", "state"}


def test_single_properties_and_values(things):
    key = get(things, "Sensors", filter="name eq 'P2'")["value"][0]["@iot.id"]
    assert get(things, f"Sensors({key})/description") == {"description": "notes of P2"}
    assert things.get(f"/v1.1/Sensors({key})/description/$value").json() == "notes of P2"
    other = get(things, f"Sensors({key})/Datastreams", expand="Thing")["value"]
    assert {row["Thing"]["@iot.id"] for row in other} == {"unattributed"}


REFUSED = (
    ("Things?$filter=name eq", 400),
    ("Things?$filter=name is 'x'", 400),
    ("Things?$filter=((((((((((name eq 'x'))))))))))", 400),
    ("Things?$top=-1", 400),
    ("Things?$nope=1", 400),
    ("Things?$expand=Nothing", 400),
    ("Things?$orderby=nothing", 400),
    ("Observations?$filter=result eq Things", 400),
    ("Observations?$filter=phenomenonTime gt 2025-99-01T00:00:00Z", 400),
    ("Observations?$orderby=name", 400),
    ("Nothing", 404),
    ("Things('x')", 404),
    ("Things/Datastreams", 404),
    ("Observations('1-1-1')", 404),
    ("Datastreams('x')/Observations", 404),
)


def test_what_cannot_be_answered_is_refused(things):
    for address, status in REFUSED:
        assert things.get(f"/v1.1/{address}").status_code == status, address


def test_strangers_see_nothing_of_it(moved, as_):
    for name in ("Datastreams", "Observations", "Sensors", "HistoricalLocations"):
        assert get(as_("stranger"), name)["value"] == []
    assert len(get(as_("viewer"), "Sensors")["value"]) == 1
