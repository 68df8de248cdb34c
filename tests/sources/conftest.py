"""Providers without a network: recorded answers, and a clock that does not wait."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from agritwin.sources import open_meteo
from agritwin.sources.base import When

PROVIDERS = Path(__file__).parents[3] / "shared" / "providers"


@pytest.fixture
def recorded() -> Callable[[str], Path]:
    """Path of a recorded answer, or skip."""

    def path(name: str) -> Path:
        if not (PROVIDERS / name).exists():
            pytest.skip(f"the recorded answer {name} is not here")
        return PROVIDERS / name

    return path


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that retries would have taken; nobody waits."""
    seen: list[float] = []
    monkeypatch.setattr("time.sleep", seen.append)
    return seen


class Answers(httpx.MockTransport):
    """A transport that remembers the requests it answered."""

    def __init__(self, handler: Callable[[httpx.Request], httpx.Response]) -> None:
        self.requests: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return handler(request)

        super().__init__(answer)


@pytest.fixture
def answers() -> type[Answers]:
    return Answers


def open_meteo_answer(request: httpx.Request, endings: tuple[str, ...] = ("",), **changes) -> httpx.Response:
    """An answer in Open-Meteo's form, every value its hour of the day; ``changes`` replace parts of ``hourly``."""
    params = request.url.params
    when = When(*(dt.date.fromisoformat(params[key]) for key in ("start_date", "end_date")))
    times = [str(stamp)[:16] for stamp in when.hours]
    hourly = {"time": times}
    units = {"time": "iso8601"}
    for ending in endings:
        for name in params["hourly"].split(","):
            hourly[name + ending] = [float(hour % 24) for hour in range(len(times))]
            units[name + ending] = open_meteo.UNITS[name]
    body = {
        "latitude": 41.25,
        "longitude": -4.75,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "hourly_units": units,
        "hourly": hourly | changes,
    }
    return httpx.Response(200, content=json.dumps(body))
