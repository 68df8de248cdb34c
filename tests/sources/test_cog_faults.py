"""Files on a server that fails: what passes is tried again, what does not is an error in bounded time, never pixels."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from agritwin.errors import DataError
from agritwin.sources import cog_reader
from agritwin.sources.cog_cache import HeaderCache
from agritwin.sources.cog_header import OtherLayoutError
from agritwin.sources.cog_reader import CogReader
from agritwin.sources.grids import Grid

GRID = Grid(32630, 300100.0, 4600000.0, 10.0, 12, 12)


class Faulty:
    """Serves one file; ``fault`` tells how each of the first ``times`` requests fails."""

    def __init__(self, body: bytes) -> None:
        self.body, self.fault, self.times, self.asked = body, "", 0, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked += 1
                first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
                piece = outer.body[first : last + 1]
                fault = outer.fault if outer.asked <= outer.times else ""
                if fault.isdigit():
                    self.reply(int(fault), b"busy")
                elif fault == "reset":
                    self.connection.close()
                elif fault == "a web page":
                    self.reply(200, b"<html>maintenance</html>")
                elif fault == "too short":
                    self.reply(206, piece[: len(piece) // 2], first, declared=len(piece))
                elif fault == "silence":
                    time.sleep(3.0)
                else:
                    self.reply(206, piece, first)

            def reply(self, status: int, body: bytes, first: int = 0, declared: int | None = None) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(declared or len(body)))
                self.send_header("ETag", '"one"')
                if status == 206:
                    end = first + (declared or len(body)) - 1
                    self.send_header("Content-Range", f"bytes {first}-{end}/{len(outer.body)}")
                self.end_headers()
                self.wfile.write(body)
                if declared:
                    self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def read(self) -> np.ndarray:
        with ThreadPoolExecutor(2) as threads:
            reader = CogReader(HeaderCache(None), threads)
            return asyncio.run(reader.window(f"http://127.0.0.1:{self.http.server_port}/red.tif", GRID))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    monkeypatch.setattr(cog_reader, "REQUEST_TIME", "500ms")
    with rasterio.open(
        tmp_path / "red.tif", "w", driver="GTiff", width=400, height=400, count=1, dtype="uint16", crs="EPSG:32630",
        transform=Affine(10, 0, 300000, 0, -10, 4600020), nodata=0, tiled=True, blockxsize=256, blockysize=256,
        compress="deflate", predictor=2,
    ) as raster:  # fmt: skip
        raster.write(np.random.default_rng(1).integers(1, 9000, (400, 400)).astype("u2"), 1)
    running = Faulty((tmp_path / "red.tif").read_bytes())
    yield running
    running.http.shutdown()
    running.http.server_close()


@pytest.mark.parametrize("fault", ["500", "502", "503", "429", "reset", "too short", "silence"])
def test_what_passes_is_tried_again(server: Faulty, fault: str) -> None:
    expected = server.read()
    server.asked, server.fault, server.times = 0, fault, 1
    assert np.array_equal(server.read(), expected)
    assert server.asked == 3


@pytest.mark.parametrize("fault", ["503", "reset", "a web page", "404", "403"])
def test_what_lasts_is_an_error_after_a_bounded_number_of_tries(server: Faulty, fault: str) -> None:
    server.fault, server.times = fault, 10**6
    with pytest.raises((DataError, OtherLayoutError)):
        server.read()
    assert server.asked <= 5


def test_a_block_that_was_damaged_on_the_way_is_an_error(server: Faulty) -> None:
    server.read()
    middle = len(server.body) // 3
    server.body = server.body[:middle] + bytes([server.body[middle] ^ 1]) + server.body[middle + 1 :]
    with pytest.raises(DataError, match="damaged"):
        server.read()
