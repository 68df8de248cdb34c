"""Finding items: paged searches of STAC APIs, giving plain item dicts."""

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
from pydantic import BaseModel

from agritwin.errors import SourceError
from agritwin.sources.base import When
from agritwin.sources.http import RETRIED_STATUSES, TransientError, ask, client, json_of, require_ok, validated
from agritwin.sources.stac_static import Bounds

log = logging.getLogger(__name__)

PAGE_SIZE = 100
SMALLEST_PAGE = 10
MOST_PAGES = 200
TOO_LARGE = 502


class _Properties(BaseModel):
    datetime: dt.datetime


class _Item(BaseModel):
    id: str
    properties: _Properties


class _Page(BaseModel):
    features: list[_Item]
    links: list[dict[str, Any]] = []


class _AnswerTooLargeError(Exception):
    """The server could not send so many items at once."""


def search_api(
    url: str, collections: Sequence[str], bounds: Bounds, when: When, *, source: str
) -> list[dict[str, Any]]:
    """Return all items of a STAC API that touch a box in a span of days.

    Pages are halved when the server answers 502, which Earth Search does for answers above some 6 MB.

    Parameters
    ----------
    url
        Root of the API.
    bounds
        West, south, east, north [degrees].

    Raises
    ------
    SourceError
        When the search fails or does not end; never part of the answer.
    """
    search = {
        "collections": list(collections),
        "bbox": list(bounds),
        "datetime": f"{when.start}T00:00:00Z/{when.end}T23:59:59Z",
    }
    size = PAGE_SIZE
    with client() as http:
        while True:
            try:
                return list(_items(_pages(http, f"{url.rstrip('/')}/search", search | {"limit": size}, source), source))
            except _AnswerTooLargeError:
                size //= 2
                log.warning("%s answered %d, asking for %d items a page", source, TOO_LARGE, size)


def _pages(http: httpx.Client, url: str, search: dict[str, Any], source: str) -> Iterator[list[dict[str, Any]]]:
    """Items page by page: each names the request for the next, as the STAC API's paging has it."""

    def read(response: httpx.Response) -> Any:
        if response.status_code == TOO_LARGE:
            if search["limit"] // 2 >= SMALLEST_PAGE:
                raise _AnswerTooLargeError
            raise TransientError(f"answered {TOO_LARGE}")
        require_ok(response, source)
        return json_of(response)

    link: dict[str, Any] | None = {"href": url, "method": "POST", "body": search}
    while link is not None:
        posted = link.get("method", "GET").upper() == "POST"
        answer = ask(
            http,
            link["href"],
            method="POST" if posted else "GET",
            body=(search if link.get("merge") else {}) | link.get("body", {}) if posted else None,
            source=source,
            read=read,
            retried=RETRIED_STATUSES - {TOO_LARGE},
        )
        page = validated(_Page, answer, source)
        yield answer["features"]
        link = next((link for link in page.links if link.get("rel") == "next"), None) if page.features else None


def _items(pages: Iterator[list[dict[str, Any]]], source: str) -> Iterator[dict[str, Any]]:
    seen: set[tuple[str, str]] = set()
    for number, page in enumerate(pages, start=1):
        items = {(str(item.get("collection")), str(item["id"])): item for item in page}
        if items and items.keys() <= seen:
            raise SourceError(source, f"page {number} of the search repeats an earlier one", "Name another source.")
        if number > MOST_PAGES:
            raise SourceError(source, f"the search has more than {MOST_PAGES} pages", "Ask for a shorter span of days.")
        yield from (item for key, item in items.items() if key not in seen)
        seen |= items.keys()
