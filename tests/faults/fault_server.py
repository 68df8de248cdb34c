"""A proxy that stands for the whole network: it ends every TLS connection itself, answers as the providers do, and
fails in every way in which they fail. Clients need nothing but the environment variables of a proxy and a certificate.
"""

import contextlib
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

Handler = Callable[[httpx.Request], httpx.Response]

FAULTS = (
    "429 with Retry-After",
    "500",
    "502",
    "503 as a web page",
    "reset",
    "time-out",
    "slow drip",
    "truncated JSON",
    "a web page in place of JSON",
    "200 with an error body",
    "empty 200",
    "longer than it says",
    "shorter than it says",
    "a changed schema",
    "damaged bytes",
    "certificate failure",
)


class FaultServer(threading.Thread):
    """The proxy.

    Attributes
    ----------
    hosts
        Host -> what answers its requests.
    fault
        Which fault, of :data:`FAULTS`, or None.
    faulty
        Which requests it strikes.
    requests
        Host and target of every request that reached a provider.
    """

    def __init__(self, folder: Path, hosts: dict[str, Handler]) -> None:
        super().__init__(daemon=True)
        self.hosts, self.fault, self.requests = hosts, None, []
        self.faulty: Callable[[httpx.Request], bool] = lambda request: True
        self.ca, trusted = certificates(folder / "trusted", list(hosts))
        _, strange = certificates(folder / "strange", list(hosts))
        self._contexts = {False: _context(*trusted), True: _context(*strange)}
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def environment(self) -> dict[str, str]:
        """Environment variables that lead every client here."""
        proxy = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), self.address)
        trust = dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), str(self.ca))
        return proxy | trust | {"NO_PROXY": "", "no_proxy": ""}

    def run(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, ValueError, AssertionError), client:
            client.settimeout(10)
            host = _received(client)[0].split()[1].rpartition(":")[0]
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            context = self._contexts[self.fault == "certificate failure"]
            with context.wrap_socket(client, server_side=True) as secure:
                head, body = _received(secure)
                asked, *lines = head.split("\r\n")
                method, target, _ = asked.split()
                headers = dict(line.split(": ", 1) for line in lines)
                request = httpx.Request(method, f"https://{host}{target}", headers=headers, content=body)
                self.requests.append((host, target))
                good = self.hosts[host](request)
                _answer(secure, method, good, self.fault if self.fault and self.faulty(request) else None)


def _received(connection: socket.socket) -> tuple[str, bytes]:
    """Head and body of a request."""
    head, body, expected = b"", b"", None
    while expected is None or len(body) < expected:
        piece = connection.recv(4096)
        if not piece:
            raise ValueError("the client has gone")
        body += piece
        if expected is None and b"\r\n\r\n" in body:
            head, _, body = body.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^content-length: *(\d+)", head)
            expected = int(length[1]) if length else 0
    return head.decode(), body


def _answer(connection: ssl.SSLSocket, method: str, good: httpx.Response, fault: str | None) -> None:
    body, status, length = good.content, good.status_code, None
    headers = {name: value for name, value in good.headers.items() if name not in ("content-length", "connection")}
    if fault in ("429 with Retry-After", "500", "502"):
        status, body, headers = int(fault[:3]), b"{}", {"Retry-After": "0"} if fault.startswith("429") else {}
    elif fault == "503 as a web page":
        status, body = 503, b"<html><body>busy</body></html>"
    elif fault == "reset":
        # Closing with unsent data and no linger sends a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return
    elif fault == "time-out":
        time.sleep(1.0)
        return
    elif fault == "truncated JSON":
        body = body[: len(body) // 2]
    elif fault == "a web page in place of JSON":
        body = b"<!DOCTYPE html><html>maintenance</html>"
    elif fault == "200 with an error body":
        body = b'{"error": true, "reason": "the model is being updated"}'
    elif fault == "empty 200":
        body = b""
    elif fault == "longer than it says":
        length = len(body) // 2
    elif fault == "shorter than it says":
        length = len(body) + 100
    elif fault == "a changed schema":
        body = b'{"v2": [{"surprise": 1}]}'
    elif fault == "damaged bytes":
        middle = len(body) // 2
        body = body[:middle] + bytes(byte ^ 0xFF for byte in body[middle : middle + 64]) + body[middle + 64 :]
    headers |= {"Content-Length": str(len(body) if length is None else length), "Connection": "close"}
    lines = [f"HTTP/1.1 {status} x", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connection.sendall("\r\n".join(lines).encode())
    if method == "HEAD":
        return
    if fault == "slow drip":
        for position in range(len(body)):
            connection.sendall(body[position : position + 1])
            time.sleep(0.05)
    else:
        connection.sendall(body)


def certificates(folder: Path, hosts: list[str]) -> tuple[Path, tuple[Path, Path]]:
    """Make an authority and a certificate for hosts; return the authority's file, and certificate and key."""
    folder.mkdir(parents=True)
    names = ",".join(f"DNS:{host}" for host in hosts)
    (folder / "extensions").write_text(f"subjectAltName={names}\n")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run = {"cwd": folder, "check": True, "capture_output": True}
    extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
    subprocess.run(
        [*new, "-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem", *extensions], **run
    )
    subprocess.run([*new, "-subj", "/CN=provider", "-keyout", "own.key", "-out", "own.csr"], **run)
    sign = ["openssl", "x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
    subprocess.run([*sign, "-days", "2", "-extfile", "extensions", "-out", "own.pem"], **run)
    return folder / "ca.pem", (folder / "own.pem", folder / "own.key")


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextlib.contextmanager
def serving(folder: Path, hosts: dict[str, Handler]) -> Iterator[FaultServer]:
    """Run the proxy for hosts."""
    server = FaultServer(folder, hosts)
    server.start()
    try:
        yield server
    finally:
        server.close()
