"""Places, as DTBase addresses them: kinds of coordinates, and places that have them."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from agritwin.api.access import Caller, choose_twin
from agritwin.api.errors import RefusalError, UnknownError, documented
from agritwin.api.paging import Paged
from agritwin.api.shapes import Coordinates, LocationIdentifier, LocationSchema, Message, Name, Shape, TwinId, Value
from agritwin.api.stored import locations
from agritwin.api.surroundings import Around
from agritwin.records.database import reading, writing
from agritwin.records.spellings import is_annotation

router = APIRouter(prefix="/location", tags=["location"], responses=documented(400, 409))


class InsertLocation(Shape):
    """A place and the identifiers that make its kind."""

    identifiers: Annotated[list[LocationIdentifier], Field(min_length=1, max_length=200)]
    values: Annotated[list[Value], Field(max_length=200)]
    twin: TwinId | None = None


class InsertedLocation(Shape):
    """The kind to which a new place belongs."""

    schema_name: str


class LocationOfSchema(Shape):
    """A place of a kind."""

    schema_name: Name
    coordinates: Coordinates
    twin: TwinId | None = None


class LocationQuery(Shape):
    """Which places are wanted."""

    schema_name: Name
    coordinates: Coordinates | None = None


class SchemaName(Shape):
    """A kind of place by its name."""

    schema_name: Name


def warnings(fields: dict[str, dict[str, Any]]) -> list[str] | None:
    """Return a sentence for each unit that is none."""
    unknown = [about["written"] for about in fields.values() if is_annotation(about["unit"])]
    return [f"{words!r} is no unit that is known; it is kept as a label." for words in unknown] or None


@router.post("/insert-location-schema", status_code=201, response_model_exclude_none=True)
def insert_location_schema(body: LocationSchema, around: Around) -> Message:
    """Define a kind of place by the identifiers that its places have."""
    fields = locations.fields_of(body.identifiers)
    with writing(around.engine) as connection:
        locations.add_schema(connection, body.name, body.description, fields)
    return Message(detail="Location schema inserted", warnings=warnings(fields))


@router.post("/insert-location", status_code=201)
def insert_location(body: InsertLocation, around: Around, account: Caller) -> InsertedLocation:
    """Add a place and, unless it is there, its kind, named after its identifiers in order."""
    if len(body.identifiers) != len(body.values):
        raise RefusalError("There are not as many values as identifiers.", "Give one value for each identifier.")
    twin = choose_twin(account, "arrange", body.twin)
    fields = locations.fields_of(body.identifiers)
    schema = "-".join(sorted(fields))
    coordinates = {about.name: value for about, value in zip(body.identifiers, body.values, strict=True)}
    with writing(around.engine) as connection:
        locations.ensure_schema(connection, schema, fields)
        locations.add(connection, schema, coordinates, twin)
    return InsertedLocation(schema_name=schema)


@router.post("/insert-location-for-schema", status_code=201, response_model_exclude_none=True)
def insert_location_for_schema(body: LocationOfSchema, around: Around, account: Caller) -> Message:
    """Add a place of a kind that is there; the coordinates are exactly the kind's identifiers."""
    twin = choose_twin(account, "arrange", body.twin)
    with writing(around.engine) as connection:
        locations.add(connection, body.schema_name, body.coordinates, twin)
    return Message(detail="Location inserted")


@router.post("/list-locations")
def list_locations(body: LocationQuery, around: Around, account: Caller, page: Paged) -> list[dict[str, Value]]:
    """List the places of a kind, those with some coordinates where any are given."""
    with reading(around.engine) as connection:
        found = locations.listed(connection, body.schema_name, body.coordinates or {}, account.twins())
    return [{"id": row["id"], **row["values"]} for row in page.cut(found)]


@router.get("/list-location-schemas")
def list_location_schemas(around: Around, page: Paged) -> list[LocationSchema]:
    """List the kinds of places."""
    with reading(around.engine) as connection:
        return [LocationSchema.model_validate(row) for row in page.cut(locations.schemas(connection))]


@router.get("/list-location-identifiers")
def list_location_identifiers(around: Around, page: Paged) -> list[LocationIdentifier]:
    """List all identifiers that kinds of places have, each once."""
    with reading(around.engine) as connection:
        known = locations.schemas(connection)
    each = {(row["name"], row["units"]): row for schema in known for row in schema["identifiers"]}
    return [LocationIdentifier.model_validate(row) for row in page.cut(list(each.values()))]


@router.post("/get-schema-details")
def get_schema_details(body: SchemaName, around: Around) -> LocationSchema:
    """Tell the identifiers of a kind of place."""
    with reading(around.engine) as connection:
        return LocationSchema.model_validate(locations.schema(connection, body.schema_name))


@router.post("/delete-location-schema", response_model_exclude_none=True)
def delete_location_schema(body: SchemaName, around: Around) -> Message:
    """Remove a kind of place that has no places."""
    with writing(around.engine) as connection:
        locations.delete_schema(connection, body.schema_name)
    return Message(detail=f"Location schema '{body.schema_name}' has been deleted.")


@router.post("/delete-location", response_model_exclude_none=True)
def delete_location(body: LocationOfSchema, around: Around, account: Caller) -> Message:
    """Remove a place at which no sensor ever stood."""
    with writing(around.engine) as connection:
        mine = account.twins("arrange")
        found = locations.listed(connection, body.schema_name, body.coordinates, mine)
        if body.twin is not None:
            found = [row for row in found if row["twin_id"] == body.twin]
        if not found:
            raise UnknownError("Location not found", "List the locations.")
        if len(found) > 1:
            raise RefusalError("Several locations have these coordinates.", "Give all coordinates, or 'twin'.")
        locations.delete(connection, found[0]["id"])
    return Message(detail="Location deleted")
