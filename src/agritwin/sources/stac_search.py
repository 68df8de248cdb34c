"""Finding items: paged searches of STAC APIs, giving plain item dicts."""

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from urllib3 import Retry

from agritwin.errors import SourceError
from agritwin.sources.base import When
from agritwin.sources.stac_static import Bounds

if TYPE_CHECKING:
    from pystac_client import ItemSearch

log = logging.getLogger(__name__)

PAGE_SIZE = 100
SMALLEST_PAGE = 10
MOST_PAGES = 200
TIMEOUT_S = (10.0, 60.0)
RETRY = Retry(
    total=4,
    backoff_factor=1.0,
    backoff_jitter=1.0,
    status_forcelist=(429, 500, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)
TEMPORARY_STATUSES = {None, 429, 500, 502, 503, 504}


def search_api(
    url: str,
    collections: Sequence[str],
    bounds: Bounds,
    when: When,
    *,
    source: str,
    retry: Retry = RETRY,
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
    # Imported here: the client costs more than a second, which a static catalogue need not pay.
    from pystac_client import ItemSearch
    from pystac_client.exceptions import APIError
    from pystac_client.stac_api_io import StacApiIO

    size = PAGE_SIZE
    while True:
        search = ItemSearch(
            f"{url.rstrip('/')}/search",
            stac_io=StacApiIO(timeout=TIMEOUT_S, max_retries=retry),
            limit=size,
            collections=list(collections),
            bbox=list(bounds),
            datetime=f"{when.start}T00:00:00Z/{when.end}T23:59:59Z",
        )
        try:
            return list(_items(search, source))
        except APIError as error:
            status = getattr(error, "status_code", None)
            if status == 502 and size // 2 >= SMALLEST_PAGE:
                size //= 2
                log.warning("%s answered 502, asking for %d items a page", source, size)
                continue
            raise _search_error(source, status, str(error)) from error
        except ValueError as error:
            raise SourceError(
                source, f"the search answered something that is not JSON ({error})", "Try again later.", temporary=True
            ) from error


def _items(search: "ItemSearch", source: str) -> Iterator[dict[str, Any]]:
    seen: set[tuple[str, str]] = set()
    for number, page in enumerate(search.pages_as_dicts(), start=1):
        items = {(str(item.get("collection")), str(item["id"])): item for item in page["features"]}
        if items.keys() <= seen:
            raise SourceError(source, f"page {number} of the search repeats an earlier one", "Name another source.")
        if number > MOST_PAGES:
            raise SourceError(source, f"the search has more than {MOST_PAGES} pages", "Ask for a shorter span of days.")
        yield from (item for key, item in items.items() if key not in seen)
        seen |= items.keys()


def _search_error(source: str, status: int | None, text: str) -> SourceError:
    what = f"the search failed: {' '.join(text.split())[:200]}" if status is None else f"the search answered {status}"
    temporary = status in TEMPORARY_STATUSES
    remedy = "Try again later, or name another source." if temporary else "Check the address and the collections."
    return SourceError(source, what, remedy, temporary=temporary)
