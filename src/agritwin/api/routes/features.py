"""OGC API - Features, part 1 (core and GeoJSON), of the parcels."""

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from agritwin.api.access import Caller
from agritwin.api.errors import NotFoundError, UnknownError, documented
from agritwin.api.parcels import bounds, feature, known_twins, validity
from agritwin.api.surroundings import Around, Surroundings
from agritwin.records import tables as t
from agritwin.records.accounts import Account
from agritwin.records.database import reading

COLLECTION = "parcels"
CORE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
CONFORMS = [CORE + "core", CORE + "geojson"]
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GEOJSON = "application/geo+json"
DEFAULT_LIMIT, MOST = 10, 10_000

router = APIRouter(prefix="/ogc", tags=["OGC API - Features"], responses=documented(400, 404))

OBJECT = {"schema": {"type": "object"}}
JSON_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": OBJECT}}}
GEO_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {GEOJSON: OBJECT}, "description": "GeoJSON in longitude and latitude (CRS84)"}
}


def _query(name: str, schema: dict[str, Any], description: str, **more: Any) -> dict[str, Any]:
    about = {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
    return about | {"style": "form", "explode": False} | more


ITEMS_QUERY = [
    _query("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT}, "most features"),
    _query("offset", {"type": "integer", "minimum": 0, "maximum": 999_999, "default": 0}, "features to leave out"),
    _query(
        "bbox",
        {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
        "west, south, east, north in degrees (with heights: west, south, low, east, north, high)",
    ),
    _query("datetime", {"type": "string"}, "a moment, or an interval with '/', open at '..' (RFC 3339)"),
]


@router.get("", response_class=JSONResponse, responses=JSON_ANSWER)
def landing(request: Request) -> Any:
    """Begin here."""
    links = [
        _link(request, "", "self", "this document"),
        _link(request, "../openapi.json", "service-desc", "definition of the interface"),
        _link(request, "../docs", "service-doc", "documentation of the interface", "text/html"),
        _link(request, "/conformance", "conformance", "classes of conformance"),
        _link(request, "/collections", "data", "collections"),
    ]
    about = "Parcels that have a digital twin, as far as the account may see them."
    return {"title": "agritwin", "description": about, "links": links}


@router.get("/conformance", response_class=JSONResponse, responses=JSON_ANSWER)
def conformance(request: Request) -> Any:
    """Tell to which classes of the standard this conforms."""
    return {"conformsTo": CONFORMS}


@router.get("/collections", response_class=JSONResponse, responses=JSON_ANSWER)
def collections(request: Request, around: Around, account: Caller) -> Any:
    """List the collections: there is one, of parcels."""
    links = [_link(request, "/collections", "self", "this document")]
    return {"links": links, "collections": [_collection(request, around, account)]}


@router.get("/collections/{collection}", response_class=JSONResponse, responses=JSON_ANSWER)
def one_collection(request: Request, collection: str, around: Around, account: Caller) -> Any:
    """Describe a collection."""
    _check_collection(collection)
    return _collection(request, around, account)


@router.get(
    "/collections/{collection}/items",
    response_class=JSONResponse,
    responses=GEO_ANSWER,
    openapi_extra={"parameters": ITEMS_QUERY},
)
def items(request: Request, collection: str, around: Around, account: Caller) -> Any:
    """Answer the parcels in a box and at a time, by the page."""
    _check_collection(collection)
    limit = min(_whole(request, "limit", DEFAULT_LIMIT, 1), MOST)
    offset = _whole(request, "offset", 0, 0)
    found = list(_features(around, account))
    if (box := request.query_params.get("bbox")) is not None:
        west, south, east, north = _box(box)
        found = [each for each in found if _touches(bounds(each), west, south, east, north)]
    if (span := request.query_params.get("datetime")) is not None:
        begin, end = _span(span)
        rows = _validities(around)
        chosen = {each["id"]: validity(rows, each["id"]) for each in found}
        found = [each for each in found if chosen[each["id"]][0] <= end and begin <= chosen[each["id"]][1]]
    page = found[offset : offset + limit]
    here = f"/collections/{COLLECTION}/items"
    links = [_link(request, f"{here}?{request.url.query}".rstrip("?"), "self", "this document", GEOJSON)]
    if offset + limit < len(found):
        query = request.url.remove_query_params(["limit", "offset"])
        query = query.include_query_params(limit=limit, offset=offset + limit).query
        links.append(_link(request, f"{here}?{query}", "next", "next page", GEOJSON))
    links.append(_link(request, f"/collections/{COLLECTION}", "collection", "the collection"))
    return JSONResponse(
        {
            "type": "FeatureCollection",
            "timeStamp": around.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "numberMatched": len(found),
            "numberReturned": len(page),
            "features": page,
            "links": links,
        },
        media_type=GEOJSON,
    )


@router.get("/collections/{collection}/items/{feature}", response_class=JSONResponse, responses=GEO_ANSWER)
def item(request: Request, collection: str, feature: str, around: Around, account: Caller) -> Any:
    """Answer one parcel."""
    _check_collection(collection)
    for each in _features(around, account):
        if each["id"] == feature:
            here = f"/collections/{COLLECTION}"
            links = [
                _link(request, f"{here}/items/{each['id']}", "self", "this document", GEOJSON),
                _link(request, here, "collection", "the collection"),
            ]
            return JSONResponse(each | {"links": links}, media_type=GEOJSON)
    raise NotFoundError(f"There is no parcel {feature!r}.", "List the items.")


def _collection(request: Request, around: Surroundings, account: Account) -> dict[str, Any]:
    boxes = [bounds(each) for each in _features(around, account)]
    extent = {}
    if boxes:
        corners = [min(box[0] for box in boxes), min(box[1] for box in boxes)]
        extent = {"spatial": {"bbox": [[*corners, max(b[2] for b in boxes), max(b[3] for b in boxes)]], "crs": CRS84}}
    here = f"/collections/{COLLECTION}"
    return {
        "id": COLLECTION,
        "title": "Parcels",
        "description": "Outlines of parcels that have a digital twin.",
        "extent": extent,
        "itemType": "feature",
        "crs": [CRS84],
        "links": [
            _link(request, here, "self", "this document"),
            _link(request, f"{here}/items", "items", "the parcels", GEOJSON),
        ],
    }


def _features(around: Surroundings, account: Account) -> Iterable[dict[str, Any]]:
    for twin in known_twins(around.root):
        if account.may("read", twin) and (found := feature(around.root, twin)) is not None:
            yield found


def _validities(around: Surroundings) -> dict[str, tuple[dt.date | None, dt.date | None]]:
    c = t.twins.c
    with reading(around.engine) as connection:
        rows = connection.execute(sa.select(c.id, c.valid_from, c.valid_to)).all()
    return {row.id: (row.valid_from, row.valid_to) for row in rows}


def _link(request: Request, path: str, rel: str, title: str, media: str = "application/json") -> dict[str, str]:
    base = str(request.base_url).rstrip("/")
    address = f"{base}/{path.removeprefix('../')}" if path.startswith("../") else f"{base}/ogc{path}"
    return {"href": address, "rel": rel, "type": media, "title": title}


def _check_collection(name: str) -> None:
    if name != COLLECTION:
        raise NotFoundError(f"There is no collection {name!r}.", f"There is {COLLECTION!r}.")


def _whole(request: Request, name: str, default: int, least: int) -> int:
    text = request.query_params.get(name, str(default))
    if re.fullmatch(r"[0-9]{1,6}", text) is None or int(text) < least:
        raise UnknownError(f"{name} is {text!r}.", f"Give a whole number from {least} on.")
    return int(text)


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UnknownError(f"bbox is {text!r}.", "Give four or six numbers.") from error
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) != 4 or any(number != number for number in numbers) or numbers[1] > numbers[3]:
        raise UnknownError(f"bbox is {text!r}.", "Give west, south, east, north.")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _touches(bounds: tuple[float, ...], west: float, south: float, east: float, north: float) -> bool:
    """Tell whether two boxes touch; one whose west lies east of its east spans the antimeridian."""
    if bounds[1] > north or bounds[3] < south:
        return False
    if west > east:
        return bounds[2] >= west or bounds[0] <= east
    return bounds[0] <= east and bounds[2] >= west


def _span(text: str) -> tuple[dt.date, dt.date]:
    """Return the first and last day of a moment or interval."""
    begin, slash, end = text.partition("/")
    first = _day(begin, dt.date.min) if slash else _day(begin, None)
    last = _day(end, dt.date.max) if slash else first
    if first > last:
        raise UnknownError(f"datetime is {text!r}.", "Give the earlier end first.")
    return first, last


def _day(text: str, open_end: dt.date | None) -> dt.date:
    if text in ("", "..") and open_end is not None:
        return open_end
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return dt.date.fromisoformat(text)
        moment = dt.datetime.fromisoformat(text.replace(" ", "+"))
        return moment.astimezone(dt.UTC).date() if moment.tzinfo else moment.date()
    except (ValueError, OverflowError) as error:
        raise UnknownError(
            f"{text!r} is no date or time.", "Write it as 2025-06-15 or 2025-06-15T00:00:00Z."
        ) from error
