"""OGC SensorThings API 1.1, part 1 (sensing), for reading."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from agritwin.api import odata
from agritwin.api.access import Caller
from agritwin.api.errors import NotFoundError, documented
from agritwin.api.odata import Options, QueryError
from agritwin.api.stored.observations import Columns, observations
from agritwin.api.stored.things import UNATTRIBUTED, Catalogue
from agritwin.api.surroundings import Around
from agritwin.records import tables as t
from agritwin.records.database import reading

router = APIRouter(prefix="/v1.1", tags=["SensorThings"], responses=documented(400, 404))

SENSING = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
CONFORMS = [
    SENSING + name
    for name in (
        *(f"datamodel/{kind}" for kind in ("thing", "location", "historical-location", "datastream", "sensor",
                                            "observed-property", "observation", "feature-of-interest",
                                            "entity-control-information")),
        "resource-path/resource-path-to-entities",
        *(f"request-data/{name}" for name in ("expand", "select", "orderby", "skip", "top", "count", "filter",
                                               "built-in-filter-operations", "pagination", "status-codes")),
    )
]  # fmt: skip
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {}}}, "description": "an entity, a list of them, or a property"}
}
# Entity set -> what it leads to: name of the way -> set, and whether it leads to many.
WAYS: dict[str, dict[str, tuple[str, bool]]] = {
    "Things": {
        "Locations": ("Locations", True),
        "HistoricalLocations": ("HistoricalLocations", True),
        "Datastreams": ("Datastreams", True),
    },
    "Locations": {"Things": ("Things", True), "HistoricalLocations": ("HistoricalLocations", True)},
    "HistoricalLocations": {"Thing": ("Things", False), "Locations": ("Locations", True)},
    "Datastreams": {
        "Thing": ("Things", False),
        "Sensor": ("Sensors", False),
        "ObservedProperty": ("ObservedProperties", False),
        "Observations": ("Observations", True),
    },
    "Sensors": {"Datastreams": ("Datastreams", True)},
    "ObservedProperties": {"Datastreams": ("Datastreams", True)},
    "Observations": {"Datastream": ("Datastreams", False), "FeatureOfInterest": ("FeaturesOfInterest", False)},
    "FeaturesOfInterest": {"Observations": ("Observations", True)},
}
STEP = re.compile(r"([A-Za-z]+)(?:\((?:'([^']*)'|(\d{1,18}))\))?")


@dataclass(frozen=True)
class Reach:
    """Which entities of a set are meant: those of twins, sensors, measures, places, or one by its id."""

    kind: str
    twin: str | None = None
    sensor: int | None = None
    measure: int | None = None
    place: int | None = None
    key: str | None = None
    nothing: bool = False


def list_options(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """Return a query option for OpenAPI."""
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


QUERY = [
    list_options("$top", {"type": "integer", "minimum": 0, "maximum": odata.MOST}, "most entities"),
    list_options("$skip", {"type": "integer", "minimum": 0, "maximum": 999_999_999}, "entities to leave out"),
    list_options("$count", {"type": "boolean"}, "tell how many there are"),
    list_options("$orderby", {"type": "string"}, "for example phenomenonTime desc"),
    list_options("$filter", {"type": "string"}, "for example phenomenonTime ge 2025-06-01T00:00:00Z and result gt 3"),
    list_options("$select", {"type": "string"}, "properties, joined by commas"),
    list_options("$expand", {"type": "string"}, "for example Datastreams/Observations($top=1)"),
]


@router.get("", response_class=JSONResponse, responses=ANSWER)
def service(request: Request) -> Any:
    """List the sets of entities, and to which requirements this conforms."""
    sets = [{"name": name, "url": f"{_base(request)}/{name}"} for name in WAYS]
    return {"value": sets, "serverSettings": {"conformance": CONFORMS}}


@router.get("/{address:path}", response_class=JSONResponse, responses=ANSWER, openapi_extra={"parameters": QUERY})
def resource(request: Request, address: str, around: Around, account: Caller) -> Any:
    """Answer what an address names: ``Things``, ``Datastreams('3-2')/Observations``, ``Things('a')/name``..."""
    asked = odata.options(request.query_params)
    with reading(around.engine) as connection:
        catalogue = Catalogue(connection, around.root, account.twins())
        steps = [step for step in address.split("/") if step]
        if not steps:
            return service(request)
        return _walk(Reader(catalogue, _base(request)), steps, asked, dict(request.query_params))


@dataclass(frozen=True)
class Reader:
    """Reads entities for one request."""

    catalogue: Catalogue
    base: str

    def many(self, reach: Reach, asked: Options) -> tuple[int | None, list[dict[str, Any]], bool]:
        """Return the number of entities (where asked), a page of them, and whether more follow."""
        if reach.kind == "Observations":
            total, rows, more = (
                (0, [], False) if reach.nothing else observations(self.catalogue, lambda c: _clauses(reach, c), asked)
            )
        else:
            found = [row for row in _MAKERS[reach.kind](self.catalogue) if _within(self.catalogue, reach, row)]
            if asked.filter is not None:
                wanted = asked.filter
                found = [row for row in found if odata.holds(wanted, lambda path, row=row: _value(row, path))]
            for name, descending in reversed(asked.order):
                found.sort(key=lambda row: _sortable(_value(row, name)), reverse=descending)
            total, rows = len(found), found[asked.skip : asked.skip + asked.top]
            more = asked.skip + asked.top < len(found)
        return total if asked.count else None, [self.complete(reach.kind, row, asked) for row in rows], more

    def one(self, reach: Reach, asked: Options) -> dict[str, Any]:
        """Return the one entity that is meant."""
        found = self.many(reach, replace(asked, top=1, skip=0, filter=None, order=(), count=False))[1]
        if not found:
            raise NotFoundError(f"There is no such entity among {reach.kind}.", "List the set.")
        return found[0]

    def complete(self, kind: str, row: dict[str, Any], asked: Options) -> dict[str, Any]:
        """Return an entity with its links and what is expanded, or only what is selected."""
        key = row["@iot.id"]
        here = f"{self.base}/{kind}({_quoted(key)})"
        own = dict(row)
        if kind == "Datastreams":
            sensor, measure = _numbers(str(key))
            if (span := self.catalogue.span(sensor, measure)) is not None:
                own |= {"phenomenonTime": span}
        if asked.select:
            if unknown := [name for name in asked.select if name not in {*own, "id", "phenomenonTime", *WAYS[kind]}]:
                raise QueryError(f"{kind} have no property {unknown[0]!r}.")
            own = {name: value for name, value in own.items() if name in asked.select or name == "@iot.id"}
        whole = {"@iot.id": key, "@iot.selfLink": here} | own
        for way in WAYS[kind]:
            if not asked.select or way in asked.select:
                whole[f"{way}@iot.navigationLink"] = f"{here}/{way}"
        for way, inner in asked.expand:
            whole |= self.expanded(kind, row, way, inner, here)
        return whole

    def expanded(self, kind: str, row: dict[str, Any], way: str, inner: Options, here: str) -> dict[str, Any]:
        """Return what a way leads to, in full."""
        if way not in WAYS[kind]:
            raise QueryError(f"{kind} lead to no {way!r}.")
        reach, plural = follow(kind, str(row["@iot.id"]), way, self.catalogue), WAYS[kind][way][1]
        total, rows, more = self.many(reach, inner)
        if not plural:
            return {way: rows[0] if rows else None}
        found: dict[str, Any] = {way: rows}
        if total is not None:
            found[f"{way}@iot.count"] = total
        if more:
            query = urlencode({"$top": inner.top, "$skip": inner.skip + inner.top}, safe="$")
            found[f"{way}@iot.nextLink"] = f"{here}/{way}?{query}"
        return found


def follow(kind: str, key: str, way: str, catalogue: Catalogue) -> Reach:
    """Return where a way leads from an entity."""
    target, _ = WAYS[kind][way]
    if kind == "HistoricalLocations":
        stay = catalogue.stays[key]
        return (
            Reach(target, twin=stay.twin or UNATTRIBUTED) if target == "Things" else Reach(target, key=str(stay.place))
        )
    if kind == "Locations" and key.isdecimal():  # a place; outlines carry the id of their twin
        newest = max(
            (stay for stay in catalogue.stays.values() if stay.place == int(key)), key=lambda stay: stay.start_ms
        )
        thing = newest.twin or UNATTRIBUTED
        return Reach(target, twin=thing) if target == "Things" else Reach(target, place=int(key))
    if kind in ("Things", "Locations", "FeaturesOfInterest"):
        return Reach(target, twin=key, nothing=(kind, target) == ("Locations", "HistoricalLocations"))
    if kind == "Sensors":
        return Reach(target, sensor=int(key))
    if kind == "ObservedProperties":
        return Reach(target, measure=int(key))
    sensor, measure = _numbers(key, 4 if kind == "Observations" else 2)[:2]
    if target in ("Things", "FeaturesOfInterest"):
        twin = next((str(row.twin_id or UNATTRIBUTED) for row in catalogue.sensors if row.id == sensor), "")
        return Reach(target, twin=twin)
    return Reach(
        target,
        sensor=None if target == "ObservedProperties" else sensor,
        measure=None if target == "Sensors" else measure,
    )


def _walk(reader: Reader, steps: list[str], asked: Options, given: dict[str, str]) -> Any:
    """Go along an address from set to entity to set, and answer what stands at its end."""
    kind, key = _step(steps[0])
    if kind not in WAYS:
        raise NotFoundError(f"There is no set {kind!r}.", f"There are {', '.join(WAYS)}.")
    reach, plural, path = Reach(kind), True, steps[0]
    if key is not None:
        reach, plural = replace(reach, key=key), False
    for at, step in enumerate(steps[1:], 1):
        name, key = _step(step)
        if plural:
            raise NotFoundError(f"{path} are many.", "Name one by its id.")
        entity = reader.one(reach, Options())
        if name not in WAYS[reach.kind]:
            return _property(reader, reach, steps[at:])
        plural = WAYS[reach.kind][name][1]
        reach = follow(reach.kind, str(entity["@iot.id"]), name, reader.catalogue)
        if key is not None and plural:
            reach, plural = replace(reach, key=key), False
        path = f"{path}/{step}"
    if not plural:
        return reader.one(reach, asked)
    total, rows, more = reader.many(reach, asked)
    answer: dict[str, Any] = {} if total is None else {"@iot.count": total}
    if more:
        query = urlencode(given | {"$top": asked.top, "$skip": asked.skip + asked.top}, safe="$", quote_via=quote)
        answer["@iot.nextLink"] = f"{reader.base}/{quote(path, safe=_SAFE)}?{query}"
    return answer | {"value": rows}


_SAFE = "/()'"


def _property(reader: Reader, reach: Reach, steps: list[str]) -> Any:
    entity = reader.one(reach, Options())
    name = steps[0]
    if name not in entity or len(steps) > 2 or (len(steps) == 2 and steps[1] != "$value"):
        raise NotFoundError(f"{reach.kind} have no {'/'.join(steps)!r}.", "See the entity.")
    return entity[name] if len(steps) == 2 else {name: entity[name]}


def _within(catalogue: Catalogue, reach: Reach, row: dict[str, Any]) -> bool:
    """Tell whether an entity is among those meant."""
    key = str(row["@iot.id"])
    if reach.nothing or (reach.key is not None and key != reach.key):
        return False
    if reach.kind in ("Things", "Locations", "FeaturesOfInterest"):
        return reach.twin in (None, key)
    if reach.kind == "Sensors":
        return reach.sensor in (None, row["@iot.id"])
    if reach.kind == "ObservedProperties":
        return reach.measure in (None, row["@iot.id"])
    if reach.kind == "HistoricalLocations":
        stay = catalogue.stays[key]
        return reach.twin in (None, stay.twin or UNATTRIBUTED) and reach.place in (None, stay.place)
    sensor, measure = _numbers(key)
    if reach.sensor not in (None, sensor) or reach.measure not in (None, measure):
        return False
    if reach.twin is None:
        return True
    twin = next(known.twin_id for known in catalogue.sensors if known.id == sensor)
    return reach.twin == (twin or UNATTRIBUTED)


def _clauses(reach: Reach, c: Columns) -> list[sa.ColumnElement[bool]]:
    """Return which observations are meant, as SQL."""
    found = []
    if reach.key is not None:
        numbers = _numbers(reach.key, 4)
        if len(numbers) != 4:
            return [sa.false()]
        found += [column == number for column, number in zip((c[name] for name in t.KEY), numbers, strict=True)]
    if reach.sensor is not None:
        found.append(c.sensor_id == reach.sensor)
    if reach.measure is not None:
        found.append(c.measure_id == reach.measure)
    if reach.twin is not None:
        twin = None if reach.twin == UNATTRIBUTED else reach.twin
        mine = sa.select(t.sensors.c.id).where(t.sensors.c.twin_id.is_not_distinct_from(twin))
        found.append(c.sensor_id.in_(mine))
    return found


_MAKERS: dict[str, Callable[[Catalogue], list[dict[str, Any]]]] = {
    "Things": Catalogue.things,
    "Locations": Catalogue.locations,
    "HistoricalLocations": Catalogue.historical_locations,
    "Datastreams": Catalogue.datastreams,
    "Sensors": Catalogue.sensor_entities,
    "ObservedProperties": Catalogue.properties,
    "FeaturesOfInterest": lambda catalogue: catalogue.outlines("encodingType", "feature"),
}


def _step(text: str) -> tuple[str, str | None]:
    match = STEP.fullmatch(text)
    if match is None:
        return text, None
    return match[1], match[2] if match[2] is not None else match[3]


def _numbers(key: str, count: int = 2) -> tuple[int, ...]:
    parts = re.fullmatch("-".join([r"(-?\d{1,18})"] * count), key, re.ASCII)
    return tuple(int(part) for part in parts.groups()) if parts else (0, 0)


def _value(row: dict[str, Any], path: str) -> Any:
    """Return a property, of properties of properties too: ``unitOfMeasurement/name``."""
    found: Any = row
    for name in ("@iot.id" if path == "id" else path).split("/"):
        if not isinstance(found, dict) or name not in found:
            raise QueryError(f"There is no property {path!r}.")
        found = found[name]
    return found


def _sortable(value: Any) -> tuple[bool, float, str]:
    number = isinstance(value, int | float)
    return (not number, float(value) if number else 0.0, "" if number else str(value))


def _quoted(key: Any) -> str:
    return str(key) if isinstance(key, int) else f"'{key}'"


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/v1.1"
