"""Places of any kind inside a holding, and which sensor stood where and when."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from agritwin import workspace
from agritwin.cli.application import console, sentence
from agritwin.cli.pages import show
from agritwin.cli.records import one_twin, open_store, records
from agritwin.errors import DataError

places = typer.Typer(no_args_is_help=True, help="Places of any kind (row, zone, tree, point), and sensors there.")
records.add_typer(places, name="places")

KINDS = workspace.CONFIG / "places"


@places.command()
@sentence
def kinds(
    files: Annotated[list[Path] | None, typer.Argument(help="YAML files; default: all of config/places.")] = None,
) -> None:
    """Define kinds of places by their typed fields, or define them anew."""
    from agritwin.records.locations import define_kind

    given = [file.resolve() for file in files or []]
    _, engine, _ = open_store()
    for file in given or sorted(KINDS.glob("*.yaml")):
        kind = define_kind(engine, file)
        console.print(f"{kind.name}: {', '.join(kind.fields) or 'no fields'}", highlight=False)


@places.command()
@sentence
def add(
    kind: Annotated[str, typer.Argument(help="Its kind.")],
    name: Annotated[str, typer.Argument(help="Its name.")],
    values: Annotated[list[str] | None, typer.Argument(help="field=value, all that its kind has.")] = None,
    twin: Annotated[str | None, typer.Option(help="Twin to which it belongs.")] = None,
    inside: Annotated[int | None, typer.Option(help="Number of the place in which it lies.")] = None,
    outline: Annotated[Path | None, typer.Option(help="GeoJSON file of its point, line or outline.")] = None,
    since: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = None,
    until: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
) -> None:
    """Add a place."""
    from agritwin.records.database import reading
    from agritwin.records.locations import add_location, fields_of

    shape = None if outline is None else _shape(outline)
    _, engine, twins = open_store()
    owner = None if twin is None else one_twin(twins, twin)
    with reading(engine) as connection:
        fields = fields_of(connection, kind)
    typed = dict(_value(written, fields) for written in values or [])
    number = add_location(
        engine, kind, name, typed, twin_id=owner, parent_id=inside, geometry=shape,
        valid_from=since and since.date(), valid_to=until and until.date(),
    )  # fmt: skip
    console.print(f"{kind} {name} is place {number}.", highlight=False)


@places.command("list")
@sentence
def list_places(
    twin: Annotated[str | None, typer.Option(help="Only of this twin.")] = None,
    on: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only those there on this day.")] = None,
) -> None:
    """Show places with their numbers, and the sensors that stood there."""
    from agritwin.records.instruments import stays
    from agritwin.records.locations import locations

    _, engine, _ = open_store()
    found = locations(engine, twin, None if on is None else on.date()).astype(object)
    there: dict[int, list[str]] = {}
    for stay in stays(engine):
        there.setdefault(stay.location_id, []).append(f"{stay.sensor} {_time(stay.start_ms)} – {_time(stay.end_ms)}")
    show(
        {
            "place": str(row["id"]),
            "kind": row["schema"],
            "name": row["name"],
            "twin": row["twin_id"],
            "inside": row["parent_id"] and f"{row['parent_id']:g}",
            "values": ", ".join(f"{field}: {value}" for field, value in row["values"].items()),
            "since": row["valid_from"] and f"{row['valid_from']:%Y-%m-%d}",
            "until": row["valid_to"] and f"{row['valid_to']:%Y-%m-%d}",
            "sensors": ", ".join(there.get(row["id"], [])),
        }
        for row in found.where(found.notna(), None).to_dict("records")
    )


@places.command()
@sentence
def stand(
    sensor: Annotated[str, typer.Argument(help="Its name.")],
    place: Annotated[int, typer.Argument(help="Number of the place, as the list shows it.")],
    since: Annotated[dt.datetime, typer.Option(help="First moment, UTC.")],
    until: Annotated[dt.datetime | None, typer.Option(help="Moment at which it is taken away, UTC.")] = None,
) -> None:
    """Say that a sensor stands at a place, until another moment or its next place; readings follow it."""
    from agritwin.records import tables as t
    from agritwin.records.database import writing
    from agritwin.records.instruments import install, milliseconds, numbers_of

    _, engine, _ = open_store()
    with writing(engine) as connection:
        if connection.scalar(sa.select(t.locations.c.id).where(t.locations.c.id == place)) is None:
            raise DataError(f"There is no place {place}.", "See: agritwin records places list")
        number = numbers_of(connection, t.sensors, [sensor])[sensor]
        install(connection, number, place, milliseconds(since), None if until is None else milliseconds(until))
    console.print(f"{sensor} stands at place {place} since {since:%Y-%m-%d %H:%M} UTC.", highlight=False)


@records.command()
@sentence
def span(
    twin: Annotated[str, typer.Argument(help="Id of the twin.")],
    since: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; open if left out.")
    ] = None,
    until: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day; open if left out.")] = None,
) -> None:
    """Say from when to when a parcel belongs to the holding; the interface offers it for those days."""
    from agritwin.records.people import set_span

    _, engine, twins = open_store()
    set_span(engine, one_twin(twins, twin), since and since.date(), until and until.date())
    first, last = (day and f"{day:%Y-%m-%d}" for day in (since, until))
    console.print(f"{twin}: {first or 'ever'} – {last or 'open'}", highlight=False)


def _time(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC):%Y-%m-%d %H:%M}"


def _value(written: str, fields: dict[str, dict[str, str]]) -> tuple[str, Any]:
    name, _, value = written.partition("=")
    kind = fields.get(name, {}).get("type")
    try:
        if kind == "bool":
            return name, {"true": True, "false": False}[value.lower()]
        return name, {"float": float, "int": int}.get(kind or "", str)(value)
    except (ValueError, KeyError) as error:
        raise DataError(f"{written!r} is no {kind}.", "Write numbers as 2.5, truths as true or false.") from error


def _shape(file: Path) -> dict[str, Any]:
    from shapely.errors import ShapelyError
    from shapely.geometry import mapping, shape

    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        features = document.get("features", [document])
        if len(features) != 1:
            raise DataError(f"{file} holds {len(features)} shapes.", "Give a file with one.")
        found = shape(features[0].get("geometry", features[0]))
    except (OSError, ValueError, AttributeError, TypeError, KeyError, ShapelyError) as error:
        raise DataError(f"{file} cannot be read as GeoJSON: {error}.", "Export it as GeoJSON in EPSG:4326.") from error
    west, south, east, north = found.bounds
    if found.is_empty or not found.is_valid or min(west, south) < -180 or max(east, north) > 180:
        raise DataError(f"{file} is no shape in degrees.", "Export it as GeoJSON in EPSG:4326.")
    return mapping(found)
