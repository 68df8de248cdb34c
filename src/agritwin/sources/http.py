"""Asking a provider over HTTP: one client, bounded retries, answers checked before use, no secret in any message."""

import contextlib
import email.utils
import json
import logging
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import stamina
from pydantic import BaseModel, ValidationError

from agritwin import __version__
from agritwin.errors import SourceError
from agritwin.sources.traffic import TRAFFIC

RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
LIMIT_WINDOWS_S = (
    (re.compile(r"(?i)minut"), 61.0),
    (re.compile(r"(?i)hour|hora"), 3600.0),
    (re.compile(r"(?i)dail|day|tomorrow|diari"), 86400.0),
)
SECRETS = re.compile(
    r"(?i)\b(api_key|apikey|token|usuario|password|cadena|claveapi|username)=[^&\s\"']*",
)


@dataclass(frozen=True)
class Patience:
    """How long a provider is borne: tries, and seconds for all together, to connect, without a byte, between tries."""

    tries: int = 5
    budget_s: float = 300.0
    connect_s: float = 10.0
    read_s: float = 60.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    jitter_s: float = 1.0


PATIENCE = Patience()


class TransientError(Exception):
    """A failure that may pass: the request is repeated after ``wait_s``, or after the usual growing wait."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.wait_s = wait_s


class _Redact(logging.Filter):
    """Blanks secret query parameters, since httpx logs the URL of every request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), ()
        return True


def redacted(text: str) -> str:
    """Return a text with the values of secret query parameters blanked."""
    return SECRETS.sub(r"\1=***", text)


logging.getLogger("httpx").addFilter(_Redact())


def client(transport: httpx.BaseTransport | None = None, *, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """Return the one kind of HTTP client that all sources use.

    Parameters
    ----------
    transport
        Answers in place of the network (the demo's archive, a recording).
    headers
        Sent with every request, for example a key.
    """
    return httpx.Client(
        transport=transport,
        headers={"User-Agent": f"agritwin/{__version__}", **(headers or {})},
        timeout=httpx.Timeout(PATIENCE.read_s, connect=PATIENCE.connect_s),
        limits=httpx.Limits(max_connections=4, max_keepalive_connections=2),
    )


def ask[T](
    http: httpx.Client,
    url: str,
    params: Mapping[str, Any] | None = None,
    *,
    source: str,
    read: Callable[[httpx.Response], T],
    method: str = "GET",
    body: Any = None,
    retried: Collection[int] = RETRIED_STATUSES,
    tries: int | None = None,
    budget_s: float | None = None,
    pause_s: float | None = None,
) -> T:
    """Send a request and read its answer, again if need be.

    Connection errors, 429, 500, 502, 503, 504 and answers for which ``read`` raises :class:`TransientError` are
    repeated with growing waits and jitter, or after the wait that the server asks for in ``Retry-After``; never more
    than ``tries`` times nor beyond ``budget_s`` seconds in all, however slowly an answer drips in. Both default to
    :data:`PATIENCE`.

    Parameters
    ----------
    source
        Name of the source for messages.
    read
        Turns a response of any status that is not repeated into the result; raises :class:`TransientError` or
        :class:`SourceError`.
    body
        Sent as JSON.
    retried
        Statuses that are repeated.
    pause_s
        Wait after a refusal for too many requests that names no wait of its own.

    Raises
    ------
    SourceError
        ``temporary`` where only the tries or the time ran out. Messages name host and path, never the query.
    """
    place, patience = _place(url), PATIENCE
    budget_s = patience.budget_s if budget_s is None else budget_s
    started = time.monotonic()
    deadline = started + budget_s

    def wait(error: Exception) -> bool | float:
        if not isinstance(error, TransientError):
            return False
        if error.wait_s is None:
            return True
        return error.wait_s if time.monotonic() - started + error.wait_s <= budget_s else False

    try:
        for attempt in stamina.retry_context(
            on=wait,
            attempts=patience.tries if tries is None else tries,
            timeout=budget_s,
            wait_initial=patience.first_wait_s,
            wait_max=patience.longest_wait_s,
            wait_jitter=patience.jitter_s,
        ):
            with attempt:
                request = http.build_request(method, url, params=params, json=body)
                return read(_once(http, request, source, deadline, pause_s, retried))
    except TransientError as error:
        raise SourceError(
            source, f"{place} {error.what}", "Try again later, or name another source.", temporary=True
        ) from error
    raise AssertionError("stamina gives at least one attempt")


def _once(
    http: httpx.Client,
    request: httpx.Request,
    source: str,
    deadline: float,
    pause_s: float | None,
    retried: Collection[int],
) -> httpx.Response:
    try:
        response = _received(http, request, source, deadline)
    except httpx.TimeoutException as error:
        raise TransientError("did not answer in time") from error
    except httpx.TransportError as error:
        hint = " (set SSL_CERT_FILE to a complete chain)" if "CERTIFICATE" in str(error).upper() else ""
        raise TransientError(f"could not be reached: {redacted(str(error)) or type(error).__name__}{hint}") from error
    except httpx.DecodingError as error:
        raise TransientError("sent a damaged body") from error
    if response.status_code in retried:
        reason = reason_of(response)
        wait = _wait_asked_for(response, reason)
        # AEMET sends its limit as an error page of status 500 that mentions 429.
        busy = response.status_code == 429 or b"429" in response.content
        raise TransientError(f"answered {response.status_code}{reason}", pause_s if wait is None and busy else wait)
    return response


def _received(http: httpx.Client, request: httpx.Request, source: str, deadline: float) -> httpx.Response:
    """Send a request and read the whole body, unless that takes until the deadline."""
    traffic = TRAFFIC[source]
    traffic.requests += 1
    with contextlib.closing(http.send(request, stream=True)) as response:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if time.monotonic() > deadline:
                raise TransientError("sent its answer too slowly")
    traffic.bytes += len(body)
    about = [(name, value) for name, value in response.headers.multi_items() if name not in ("content-encoding",)]
    return httpx.Response(response.status_code, headers=about, content=bytes(body), request=response.request)


def get_json(
    http: httpx.Client,
    url: str,
    params: Mapping[str, Any] | None = None,
    *,
    source: str,
    tries: int | None = None,
    budget_s: float | None = None,
) -> Any:
    """Return the JSON of an answer; see :func:`ask` for what is repeated.

    Raises
    ------
    SourceError
        For every status but 200, and for a body that is still empty, HTML or broken JSON after the last try.
    """

    def read(response: httpx.Response) -> Any:
        require_ok(response, source)
        return json_of(response)

    return ask(http, url, params, source=source, read=read, tries=tries, budget_s=budget_s)


def require_ok(response: httpx.Response, source: str) -> None:
    """Raise a lasting SourceError for every status but 200."""
    if response.status_code == 200:
        return
    status = response.status_code
    remedy = {
        401: "Check the key in the environment.",
        403: "Check the key in the environment and what it allows.",
        404: "Check the address in the configuration.",
    }.get(status, "Correct the request: place, dates or options.")
    raise SourceError(source, f"{_place(str(response.url))} answered {status}{reason_of(response)}", remedy)


def json_of(response: httpx.Response, otherwise: str | None = None) -> Any:
    """Return the JSON of a response whatever its status; :class:`TransientError` for an empty, HTML or broken body."""
    body = response.content.strip()
    if not body:
        raise TransientError("sent an empty answer")
    if body.startswith(b"<"):
        raise TransientError("sent a web page in place of data")
    try:
        return json.loads(text_of(response, otherwise))
    except json.JSONDecodeError as error:
        raise TransientError(f"sent broken JSON ({error.msg} at character {error.pos})") from error


def text_of(response: httpx.Response, otherwise: str | None = None) -> str:
    """Decode a body by its declared charset, else as UTF-8, else as ``otherwise``; else it is damaged."""
    for encoding in (response.charset_encoding, "utf-8", otherwise):
        if encoding is not None:
            try:
                return response.content.decode(encoding)
            except (LookupError, UnicodeDecodeError):
                continue
    raise TransientError("sent damaged text")


def validated[M: BaseModel](model: type[M], payload: Any, source: str) -> M:
    """Return a payload as a pydantic model, or raise a SourceError that names the first field that does not fit."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise SourceError(
            source,
            f"the answer does not have the expected form: {field}: {first['msg']}",
            "The provider may have changed its service: update agritwin or name another source.",
        ) from error


def reason_of(response: httpx.Response) -> str:
    """Return the reason that a JSON error body gives, as ``: reason``, or nothing."""
    try:
        body = json.loads(response.content)
    except (UnicodeDecodeError, json.JSONDecodeError):
        return ""
    if not isinstance(body, dict):
        return ""
    reason = next((body[key] for key in ("reason", "messages", "descripcion", "detail") if body.get(key)), "")
    return f": {redacted(str(reason))[:300]}" if reason else ""


def _wait_asked_for(response: httpx.Response, reason: str) -> float | None:
    """Seconds that the server asks to wait: Retry-After (RFC 9110, 10.2.3), else the window its reason names."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    if text and "date" in response.headers:
        try:
            moment, now = (email.utils.parsedate_to_datetime(each) for each in (text, response.headers["date"]))
        except ValueError:
            return None
        return max(0.0, (moment - now).total_seconds())
    if response.status_code == 429:
        return next((seconds for window, seconds in LIMIT_WINDOWS_S if window.search(reason)), None)
    return None


def _place(url: str) -> str:
    parts = httpx.URL(url)
    return f"{parts.host}{parts.path}"
