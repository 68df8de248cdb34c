"""OGC API - Features part 1: what the requirements of 17-069r4 for core and GeoJSON ask of the answers."""

import datetime as dt

import pytest
import sqlalchemy as sa
from shapely.geometry import box, shape

from agritwin.records import tables as t
from agritwin.records.database import writing
from tests.api.conftest import ON_SQLITE, OTHER, TWIN

ITEMS = "/ogc/collections/parcels/items"
NEIGHBOUR = "47-96-0-0-5-25-1"
EMPTY = "0,0,1,1"


def links(document):
    return {link["rel"]: link for link in document["links"]}


@ON_SQLITE
def test_the_landing_page_leads_to_everything(admin):
    landing = admin.get("/ogc").json()
    assert set(links(landing)) >= {"self", "service-desc", "service-doc", "conformance", "data"}
    for link in landing["links"]:
        answer = admin.get(link["href"])
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].startswith(link["type"])
    conforms = admin.get("/ogc/conformance").json()["conformsTo"]
    assert conforms == [
        f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson")
    ]


@ON_SQLITE
def test_the_collection_tells_its_extent_and_where_its_items_are(admin):
    (collection,) = admin.get("/ogc/collections").json()["collections"]
    assert collection == admin.get("/ogc/collections/parcels").json()
    assert links(collection)["items"]["type"] == "application/geo+json"
    (extent,) = collection["extent"]["spatial"]["bbox"]
    for feature in admin.get(ITEMS).json()["features"]:
        assert box(*extent).covers(shape(feature["geometry"]))
    assert admin.get("/ogc/collections/fields").status_code == 404


@ON_SQLITE
def test_items_are_features_with_links_and_counts(admin):
    answer = admin.get(ITEMS)
    found = answer.json()
    assert answer.headers["content-type"] == "application/geo+json"
    assert found["type"] == "FeatureCollection"
    assert found["timeStamp"] == "2025-06-15T12:00:00Z"
    assert found["numberMatched"] == found["numberReturned"] == len(found["features"]) == 3
    assert [feature["id"] for feature in found["features"]] == sorted([OTHER, TWIN, NEIGHBOUR])
    one = admin.get(f"{ITEMS}/{TWIN}")
    assert one.headers["content-type"] == "application/geo+json"
    assert one.json()["geometry"] == found["features"][1]["geometry"]
    assert links(one.json())["collection"]["href"].endswith("/ogc/collections/parcels")
    assert admin.get(links(one.json())["self"]["href"]).json() == one.json()
    assert admin.get(f"{ITEMS}/nobody").status_code == 404


@ON_SQLITE
def test_pages_follow_one_another_to_the_end(admin):
    seen, address = [], f"{ITEMS}?limit=1"
    while address:
        page = admin.get(address).json()
        assert (page["numberMatched"], page["numberReturned"]) == (3, 1)
        seen += [feature["id"] for feature in page["features"]]
        address = links(page).get("next", {}).get("href")
    assert seen == sorted([OTHER, TWIN, NEIGHBOUR])
    assert len(admin.get(f"{ITEMS}?limit=100000").json()["features"]) == 3


@ON_SQLITE
def test_a_box_keeps_the_parcels_that_it_touches(admin):
    west, south, east, north = shape(admin.get(f"{ITEMS}/{TWIN}").json()["geometry"]).bounds
    middle = f"{(west + east) / 2},{(south + north) / 2},{(west + east) / 2},{(south + north) / 2}"

    def ids(bbox):
        return [feature["id"] for feature in admin.get(ITEMS, params={"bbox": bbox}).json()["features"]]

    assert ids(middle) == [TWIN]
    assert ids(f"{west},{south},0,{east},{north},1000")[0] == TWIN
    assert ids(EMPTY) == []
    assert len(ids("-180,-90,180,90")) == 3
    assert len(ids("170,-90,-1,90")) == 3  # across the antimeridian
    assert ids("170,-90,-170,90") == []


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        ("2019-06-01T00:00:00Z", 2),
        ("2021-06-01", 3),
        ("../2019-12-31T23:59:59Z", 2),
        ("2020-01-01/..", 3),
        ("2019-01-01/2020-01-01T00:00:00Z", 3),
    ],
)
def test_a_parcel_that_has_an_age_is_answered_for_its_time(admin, engine, moment, count):
    with writing(engine) as connection:
        begin = sa.update(t.twins).where(t.twins.c.id == TWIN).values(valid_from=dt.date(2020, 1, 1))
        connection.execute(begin)
    assert admin.get(ITEMS, params={"datetime": moment}).json()["numberMatched"] == count


WRONG = [
    "limit=0",
    "limit=x",
    "limit=-1",
    "bbox=1,2,3",
    "bbox=a,b,c,d",
    "bbox=0,2,1,1",
    "bbox=nan,0,1,1",
    "datetime=yesterday",
    "datetime=2021/2020",
    "datetime=../x",
    "unknown=1",
    "offset=-1",
]


@ON_SQLITE
def test_wrong_and_unknown_parameters_are_refused_with_400(admin):
    for query in WRONG:
        assert admin.get(f"{ITEMS}?{query}").status_code == 400, query


def test_everybody_sees_the_own_parcels_only(as_):
    assert [feature["id"] for feature in as_("viewer").get(ITEMS).json()["features"]] == [TWIN]
    assert as_("stranger").get(f"{ITEMS}/{TWIN}").status_code == 404
