"""Every source that speaks HTTP, against every way in which a provider fails."""

import datetime as dt

import httpx
import pytest

from agritwin.errors import SourceError
from agritwin.geometry import sigpac_code
from agritwin.sources.aemet import Aemet
from agritwin.sources.base import When, Where
from agritwin.sources.dem import Glo30Terrain, Mdt05Terrain
from agritwin.sources.nasa_power import NasaPower
from agritwin.sources.open_meteo import OpenMeteoEnsemble, OpenMeteoForecast, OpenMeteoWeather, elevation
from agritwin.sources.siar import Siar
from agritwin.sources.sigpac import Sigpac
from agritwin.sources.soilgrids import SoilGrids

PLACE = Where(41.27, -4.82)
DAY = When(dt.date(2025, 6, 14), dt.date(2025, 6, 14))
MOST_TRIES = 5

SOURCES = {
    "open_meteo": lambda transport: OpenMeteoWeather(transport=transport).fetch(PLACE, DAY),
    "open_meteo forecast": lambda transport: OpenMeteoForecast(transport=transport).fetch(PLACE, DAY),
    "open_meteo_ensemble": lambda transport: OpenMeteoEnsemble(transport=transport).fetch(PLACE, DAY),
    "open_meteo elevation": lambda transport: elevation(41.27, -4.82, transport),
    "nasa_power": lambda transport: NasaPower(transport).fetch(PLACE, DAY),
    "nasa_power daily": lambda transport: NasaPower(transport).daily(PLACE, DAY),
    "aemet": lambda transport: Aemet("2422", transport).fetch(PLACE, DAY),
    "aemet daily": lambda transport: Aemet("2422", transport).daily(PLACE, DAY),
    "siar": lambda transport: Siar("VA102", transport).fetch(PLACE, DAY),
    "soilgrids": lambda transport: SoilGrids(transport).fetch(PLACE, DAY),
    "sigpac": lambda transport: Sigpac(transport).enclosure(sigpac_code("47-96-0-0-5-20-1")),
    "mdt05": lambda transport: Mdt05Terrain(transport=transport).fetch(PLACE, DAY),
    "glo30": lambda transport: Glo30Terrain(transport=transport).fetch(PLACE, DAY),
}
HEAD_ONLY = {"glo30"}
"""Asks only whether a file exists, so that bodies do not matter."""

PASSING = {
    "429 with Retry-After": httpx.Response(429, headers={"Retry-After": "7"}),
    "500": httpx.Response(500),
    "503 as a web page": httpx.Response(503, text="<html><body>busy</body></html>"),
    "connection reset": httpx.ReadError("connection reset by peer"),
    "time-out": httpx.ReadTimeout("timed out"),
    "no connection": httpx.ConnectError("name or service not known"),
}
BROKEN_BODIES = {
    "a web page with status 200": httpx.Response(200, text="<!DOCTYPE html><html>maintenance</html>"),
    "truncated JSON": httpx.Response(200, text='{"hourly": {"time": ["2025-06-14T00:00", "2025-'),
    "an empty body with status 200": httpx.Response(200, content=b""),
}
LASTING = {
    "400": httpx.Response(400, json={"error": True, "reason": "no data for this place"}),
    "403": httpx.Response(403, text="forbidden"),
}


@pytest.fixture(autouse=True)
def accounts(monkeypatch):
    for name in ("AEMET_API_KEY", "SIAR_USER", "SIAR_PASSWORD"):
        monkeypatch.setenv(name, "s3cret")


def fails(source, fault, answers):
    def handler(request):
        if isinstance(fault, Exception):
            raise fault
        return fault

    transport = answers(handler)
    with pytest.raises(SourceError) as caught:
        SOURCES[source](transport)
    return caught.value, transport.requests


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("source", SOURCES)
def test_a_fault_that_may_pass_is_retried_a_bounded_number_of_times(source, fault, answers, waits):
    error, requests = fails(source, PASSING[fault], answers)
    assert 2 <= len(requests) <= MOST_TRIES
    assert len(waits) == len(requests) - 1
    assert error.temporary
    assert error.remedy
    if "Retry-After" in fault:
        assert set(waits) == {7.0}


@pytest.mark.parametrize("fault", BROKEN_BODIES)
@pytest.mark.parametrize("source", sorted(set(SOURCES) - HEAD_ONLY - {"siar"}))
def test_a_broken_body_is_never_data(source, fault, answers, waits):
    error, requests = fails(source, BROKEN_BODIES[fault], answers)
    assert 2 <= len(requests) <= MOST_TRIES
    assert error.temporary


@pytest.mark.parametrize("fault", ["a web page with status 200", "an empty body with status 200"])
def test_a_broken_token_is_never_used(fault, answers, waits):
    error, requests = fails("siar", BROKEN_BODIES[fault], answers)
    assert all("Autenticacion" in str(request.url) for request in requests)
    assert error.temporary


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("source", sorted(set(SOURCES) - {"aemet", "aemet daily"}))
def test_a_lasting_refusal_is_not_retried(source, fault, answers, waits):
    error, requests = fails(source, LASTING[fault], answers)
    assert (len(requests), waits) == (1, [])
    assert not error.temporary


@pytest.mark.parametrize("source", sorted(set(SOURCES) - HEAD_ONLY - {"siar", "mdt05"}))
def test_a_wrong_form_is_an_error_at_once(source, answers, waits):
    error, requests = fails(source, httpx.Response(200, json={"unexpected": [1, 2, 3]}), answers)
    assert (len(requests), waits) == (1, [])
    assert not error.temporary
    assert "expected form" in error.message


@pytest.mark.parametrize("source", SOURCES)
def test_no_message_holds_a_secret_or_a_query(source, answers, waits):
    error, _ = fails(source, httpx.ConnectError("failed"), answers)
    assert "s3cret" not in str(error)
    assert "?" not in str(error)
