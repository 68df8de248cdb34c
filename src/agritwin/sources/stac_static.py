"""Static catalogues: JSON files that link to one another, on disk or on the web."""

import datetime as dt
import json
import posixpath
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

from agritwin.errors import SourceError
from agritwin.sources.base import When

Bounds = tuple[float, float, float, float]
"""West, south, east, north [degrees]."""


def walk_catalogue(href: str, bounds: Bounds, when: When, *, source: str) -> list[dict[str, Any]]:
    """Return the items of a static catalogue that touch a box in a span of days, with absolute asset addresses.

    Parameters
    ----------
    href
        Path or URL of a ``catalog.json`` or ``collection.json``.

    Raises
    ------
    SourceError
        When the catalogue or an item of it cannot be read.
    """
    read = _reader(href, source)
    try:
        return [
            _with_absolute_addresses(item, place)
            for item, place in _items(href, read, set())
            if when.start <= _day(item) <= when.end and _touches(item, bounds)
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            source, f"the catalogue {href} cannot be read ({error})", "Check its path and that it is complete."
        ) from error


def _reader(href: str, source: str) -> Callable[[str], Any]:
    if "://" not in href:
        return _from_disk
    # Imported here: a catalogue on disk, the demo's, needs no client.
    from agritwin.sources import http

    client = http.client()
    return lambda place: http.get_json(client, place, source=source)


def _from_disk(place: str) -> Any:
    with open(place, "rb") as file:  # noqa: PTH123 (half the time of a Path, for hundreds of items)
        return json.load(file)


def _items(place: str, read: Callable[[str], Any], seen: set[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Items below a catalogue with the place of each; every document is read once, so that loops end."""
    seen.add(place)
    document = read(place)
    if document["type"] == "Feature":
        yield document, place
        return
    for link in document["links"]:
        target = _joined(place, link["href"])
        if link["rel"] in {"child", "item"} and target not in seen:
            yield from _items(target, read, seen)


def _joined(place: str, href: str) -> str:
    if "://" in place or "://" in href:
        return urljoin(place, href)
    return posixpath.normpath(posixpath.join(posixpath.dirname(place), href))


def _with_absolute_addresses(item: dict[str, Any], place: str) -> dict[str, Any]:
    for asset in item.get("assets", {}).values():
        asset["href"] = _joined(place, asset["href"])
    return item


def _day(item: dict[str, Any]) -> dt.date:
    text = item["properties"].get("datetime") or item["properties"]["start_datetime"]
    moment = dt.datetime.fromisoformat(text)
    return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).date()


def _touches(item: dict[str, Any], bounds: Bounds) -> bool:
    box = item["bbox"]  # four numbers, six where it has heights
    west, south, east, north = box[0], box[1], box[len(box) // 2], box[len(box) // 2 + 1]
    return west <= bounds[2] and east >= bounds[0] and south <= bounds[3] and north >= bounds[1]
