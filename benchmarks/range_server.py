"""Serves the files of a folder as an object store does: byte ranges, entity tags, and a delay before every answer.

Run: python range_server.py FOLDER DELAY_SECONDS. Prints its port; then, for every empty line on its standard input, one
line of JSON with the requests, the most at one time and the bytes since the last.
"""

import asyncio
import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

FOLDER, DELAY_S = Path(sys.argv[1]).resolve(), float(sys.argv[2])
counts: Counter[str] = Counter()
waiting: set[asyncio.TimerHandle] = set()


class Connection(asyncio.Protocol):
    """One connection that stays open; requests are answered in order."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            request, _, self.received = self.received.partition(b"\r\n\r\n")
            loop = asyncio.get_running_loop()
            waiting.difference_update([one for one in waiting if one.when() < loop.time()])
            waiting.add(loop.call_later(DELAY_S, self.answer, request.decode("latin-1")))
            counts["together"] = max(counts["together"], len(waiting))

    def answer(self, request: str) -> None:
        if self.transport.is_closing():
            return
        method, address, _ = request.split(" ", 2)
        path = FOLDER / address.split("?")[0].lstrip("/")
        counts[method] += 1
        if not path.is_file():
            self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        about = path.stat()
        asked = re.search(r"(?im)^range:\s*bytes=(\d+)-(\d*)", request)
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2] or about.st_size), about.st_size - 1) if asked else about.st_size - 1
        lines = [
            "HTTP/1.1 206 Partial Content" if asked else "HTTP/1.1 200 OK",
            f"Content-Length: {last - first + 1}",
            "Accept-Ranges: bytes",
            "Content-Type: image/tiff",
            f'ETag: "{about.st_mtime_ns:x}-{about.st_size:x}"',
            "Last-Modified: Wed, 01 Jan 2025 00:00:00 GMT",
            *([f"Content-Range: bytes {first}-{last}/{about.st_size}"] if asked else []),
        ]
        self.transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        if method == "GET":
            with path.open("rb") as file:
                self.transport.write(os.pread(file.fileno(), last - first + 1, first))
            counts["bytes"] += last - first + 1


def report() -> None:
    if not sys.stdin.readline():
        asyncio.get_running_loop().stop()
        return
    print(json.dumps(counts), flush=True)
    counts.clear()


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=1024)
    loop.add_reader(sys.stdin.fileno(), report)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


try:
    asyncio.run(main())
except RuntimeError:
    sys.exit(0)
