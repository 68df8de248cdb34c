"""Searches against a local server that replays recorded answers."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import box

from agritwin.errors import SourceError
from agritwin.sources.base import When
from agritwin.sources.stac_search import search_api

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "providers" / "eo_samples" / "stac"
PARCEL = box(-105.11, 40.16, -105.10, 40.17)
DAY = When(dt.date(2023, 10, 8), dt.date(2023, 10, 8))

Answer = Callable[[dict[str, Any], str], tuple[int, str]]


class Server:
    """Answers POST /search and remembers the bodies it was sent."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: Answer = lambda body, root: (200, json.dumps({"type": "FeatureCollection", "features": []}))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body)
                status, text = outer.answer(body, outer.root)
                self.send_response(status)
                self.send_header("Content-Type", "application/geo+json")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


@pytest.fixture(autouse=True)
def impatient(waits: list[float]) -> list[float]:
    return waits


def search(server: Server) -> list[dict[str, Any]]:
    return search_api(server.root, ("sentinel-2-l2a",), PARCEL.bounds, DAY, source="earth_search")


def recorded(name: str, server: Server) -> str:
    """A recorded answer with the server's own address; skips, so it is asked for by the test, never while serving."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"recorded answer {name} is not here")
    return path.read_text().replace("https://earth-search.aws.element84.com/v1", server.root)


def page(number: int, root: str, more: bool) -> str:
    """A made-up page in the shape of Earth Search's."""
    link = {
        "rel": "next",
        "method": "POST",
        "merge": False,
        "href": f"{root}/search",
        "body": {"next": f"token {number}"},
    }
    properties = {"datetime": "2023-10-08T17:58:10Z"}
    items = [{"type": "Feature", "id": f"item {number}", "collection": "c", "properties": properties}]
    return json.dumps({"type": "FeatureCollection", "features": items, "links": [link] if more else []})


def test_paging_sends_the_links_own_body_and_ends_on_an_empty_page(server: Server) -> None:
    first = recorded("earthsearch_search_point_2023_page1.json", server)
    second = recorded("earthsearch_search_point_2023_page2_empty.json", server)
    server.answer = lambda body, root: (200, second if "next" in body else first)
    items = search(server)
    assert [item["id"] for item in items] == ["S2A_13TDE_20231008_0_L2A", "LC08_L2SP_033032_20231008_02_T1"]
    assert len(server.asked) == 2
    assert server.asked[0]["collections"] == ["sentinel-2-l2a"]
    assert server.asked[0]["limit"] == 100
    assert server.asked[0]["bbox"] == pytest.approx([-105.11, 40.16, -105.10, 40.17])
    assert server.asked[0]["datetime"] == "2023-10-08T00:00:00Z/2023-10-08T23:59:59Z"
    assert server.asked[1]["next"].endswith("landsat-c2-l2")
    assert "limit" not in server.asked[1]


def test_a_bad_gateway_is_met_with_smaller_pages(server: Server) -> None:
    server.answer = lambda body, root: (502, "too large") if body["limit"] > 25 else (200, page(1, root, more=False))
    assert len(search(server)) == 1
    assert [body["limit"] for body in server.asked] == [100, 50, 25]


def test_a_lasting_bad_gateway_is_a_temporary_error(server: Server) -> None:
    server.answer = lambda body, root: (502, "<html>")
    with pytest.raises(SourceError, match="answered 502") as failed:
        search(server)
    assert failed.value.temporary
    assert server.asked[-1]["limit"] == 12


def test_a_refusal_is_not_repeated(server: Server) -> None:
    refusal = recorded("earthsearch_404_error.json", server)
    server.answer = lambda body, root: (404, refusal)
    with pytest.raises(SourceError, match="answered 404") as failed:
        search(server)
    assert not failed.value.temporary
    assert len(server.asked) == 1


def test_busy_servers_are_asked_again(server: Server) -> None:
    server.answer = lambda body, root: (503, "busy") if len(server.asked) == 1 else (200, page(1, root, more=False))
    assert len(search(server)) == 1
    assert len(server.asked) == 2


def test_a_web_page_in_place_of_json_is_an_error(server: Server) -> None:
    server.answer = lambda body, root: (200, "<html>maintenance</html>")
    with pytest.raises(SourceError, match="a web page in place of data"):
        search(server)


@pytest.mark.parametrize("merge", [True, False])
def test_a_next_page_is_asked_for_as_its_link_says(server: Server, merge: bool) -> None:
    def answer(body: dict[str, Any], root: str) -> tuple[int, str]:
        first = json.loads(page(1, root, more=True))
        first["links"][0]["merge"] = merge
        return 200, page(2, root, more=False) if "next" in body else json.dumps(first)

    server.answer = answer
    assert [item["id"] for item in search(server)] == ["item 1", "item 2"]
    assert ("bbox" in server.asked[1]) is merge


@pytest.mark.parametrize("changes", [{"id": None}, {"properties": {}}, {"properties": {"datetime": "in autumn"}}])
def test_items_of_another_form_are_an_error(server: Server, changes: dict[str, Any]) -> None:
    def answer(body: dict[str, Any], root: str) -> tuple[int, str]:
        changed = json.loads(page(1, root, more=False))
        changed["features"][0] |= changes
        return 200, json.dumps(changed)

    server.answer = answer
    with pytest.raises(SourceError, match="expected form"):
        search(server)


def test_a_page_that_repeats_is_an_error_not_an_endless_loop(server: Server) -> None:
    server.answer = lambda body, root: (200, page(1, root, more=True))
    with pytest.raises(SourceError, match="repeats"):
        search(server)
    assert len(server.asked) == 2


def test_no_server_is_a_temporary_error(server: Server) -> None:
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(SourceError, match="could not be reached") as failed:
        search(server)
    assert failed.value.temporary
