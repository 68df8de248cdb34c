"""Every source against every fault, end to end over TLS: bounded tries, the last good data kept, nothing partial."""

import datetime as dt
import json
import shutil
import time
from importlib.metadata import entry_points
from pathlib import Path

import httpx
import pytest
from shapely import box

from agritwin import cubes, weather_cube
from agritwin.errors import SourceError
from agritwin.observe.clock import set_clock
from agritwin.observe.forecast import fetch_forecast
from agritwin.observe.weather import fetch_weather
from agritwin.sources import http
from agritwin.sources.base import When, Where, open_source
from agritwin.sources.http import Patience
from tests.faults.fault_server import FAULTS, serving
from tests.sources import test_nasa_power, test_siar
from tests.sources.conftest import open_meteo_answer

SECRETS = {"AEMET_API_KEY": "k3y-of-aemet", "SIAR_USER": "12345678Z", "SIAR_PASSWORD": "s3cret-of-siar"}
CELL = "n413w048"
FIRST, SECOND = "2025-06-15", "2025-06-16"
PATIENCE = Patience(
    tries=2, budget_s=0.8, connect_s=0.5, read_s=0.25, first_wait_s=0.01, longest_wait_s=0.02, jitter_s=0.01
)
REQUESTS_A_TRY = 12
"""The most that a source sends for a day when all goes well: sign in, quota, hours, and days besides."""
STATIONS = {"aemet": "2422", "siar": "VA102"}
OWN_FILES = {"archive", "station_file"}
ELSEWHERE = {"era5_land"}
"""Read through an object store; its faults are told in its own tests."""


def members(request):
    return open_meteo_answer(request, ("", "_member01"))


def aemet(request):
    """Both steps of hours and of days."""
    about = {"ta": 20.5, "hr": 40.0, "vv": 2.0, "prec": 0.0, "pres": 930.0}
    hours = [{"fint": f"2025-06-{day}T{hour:02d}:00:00", **about} for day in (14, 15) for hour in range(24)]
    days = [
        {"fecha": f"2025-06-{day}", "tmed": "20,0", "tmax": "30,0", "tmin": "10,0", "prec": "Ip"}
        for day in (13, 14, 15)
    ]
    address = f"https://opendata.aemet.es/opendata/sh/{'days' if 'climatologicos' in request.url.path else 'hours'}"
    if "/sh/" in request.url.path:
        return httpx.Response(200, json=days if request.url.path.endswith("days") else hours)
    return httpx.Response(200, json={"descripcion": "exito", "estado": 200, "datos": address})


def nothing(request):
    return httpx.Response(200, json={})


OTHER_HOSTS = (
    "rest.isric.org",
    "copernicus-dem-30m.s3.amazonaws.com",
    "servicios.idee.es",
    "earth-search.aws.element84.com",
    "planetarycomputer.microsoft.com",
    "stac.dataspace.copernicus.eu",
    "modis.ornl.gov",
)
"""Of sources that give no weather: all that matters here is that a fault becomes a SourceError in bounded time."""
HOSTS = dict.fromkeys(OTHER_HOSTS, nothing) | {
    "archive-api.open-meteo.com": open_meteo_answer,
    "api.open-meteo.com": open_meteo_answer,
    "ensemble-api.open-meteo.com": members,
    "power.larc.nasa.gov": test_nasa_power.answer,
    "opendata.aemet.es": aemet,
    "servicio.mapa.gob.es": test_siar.service(test_siar.half_hourly),
}


def live(kind):
    names = {point.name for point in entry_points(group=f"agritwin.sources.{kind}")}
    return sorted(names - OWN_FILES - ELSEWHERE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("network"), HOSTS) as running:
        yield running


@pytest.fixture
def network(server, monkeypatch):
    for name, value in (SECRETS | server.environment()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(http, "PATIENCE", PATIENCE)
    server.fault, server.requests[:] = None, []
    return server


def observe(kind, name, as_of):
    set_clock(clock="data/as_of.json", as_of=as_of)
    shared = {
        "clock": "data/as_of.json",
        "pointer": f"data/cubes/{kind}/{CELL}.json",
        "status": f"data/cubes/{kind}/{CELL}.status.json",
        "cell": CELL,
        "place": [41.3, -4.8],
        "sources_quota_share": 0.9,
    }
    if kind == "weather":
        dates = {"first_day": "2025-06-14", "refetch_days": 0}
        fetch_weather(**shared, zone="UTC", sources_weather=[name], weather=dates, stations=STATIONS)
    else:
        fetch_forecast(**shared, sources_forecast=[name])
    return json.loads(Path(shared["status"]).read_text())


@pytest.fixture(scope="module")
def good(server, tmp_path_factory):
    """A folder for each source with its first day, fetched once and copied for each fault."""
    made = {}

    def first_day(kind, name):
        if (kind, name) not in made:
            made[kind, name] = folder = tmp_path_factory.mktemp(f"{kind}-{name}")
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                for key, value in (SECRETS | server.environment()).items():
                    patch.setenv(key, value)
                server.fault = None
                status = observe(kind, name, FIRST)
                assert status["state"] == "ok", status
        return made[kind, name]

    return first_day


def everything_written(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


CASES = [(kind, name) for kind in ("weather", "forecast") for name in live(kind)]


PARCEL = box(-4.8205, 41.2683, -4.8186, 41.2700)
OTHERS = [
    (kind, point.name)
    for kind in ("imagery", "terrain", "soil", "vegetation")
    for point in sorted(entry_points(group=f"agritwin.sources.{kind}"), key=lambda each: each.name)
    if point.name not in OWN_FILES | {"catalogue", "hls"}
]
"""``catalogue`` and ``hls`` are named by the holding or need an account."""
OTHER_FAULTS = ("certificate failure", "time-out", "reset", "a web page in place of JSON")


def pytest_generate_tests(metafunc):
    """Every source with every fault in the campaign; by default a third, which holds each source and each fault."""
    full = metafunc.config.getoption("--thorough")
    if "other" in metafunc.fixturenames:
        # Catalogues are searched by a library that waits between its tries as it sees fit: a quarter of a minute.
        pairs = [(*each, fault) for each in OTHERS for fault in OTHER_FAULTS if full or each[0] != "imagery"]
        metafunc.parametrize(("other", "name", "fault"), pairs)
    if "kind" in metafunc.fixturenames:
        pairs = [
            (kind, name, fault)
            for row, (kind, name) in enumerate(CASES)
            for column, fault in enumerate(FAULTS)
            if full or (row + column) % 3 == 0
        ]
        metafunc.parametrize(("kind", "name", "fault"), pairs)


def test_a_fault_keeps_the_last_good_data_and_says_why(kind, name, fault, good, network, tmp_path, monkeypatch, caplog):
    folder = tmp_path / "workspace"
    shutil.copytree(good(kind, name), folder)
    monkeypatch.chdir(folder)
    store = Path(f"data/cubes/{kind}/{CELL}.icechunk")
    before, pointer = cubes.head(store), Path(f"data/cubes/{kind}/{CELL}.json").read_bytes()
    last = json.loads(Path(f"data/cubes/{kind}/{CELL}.status.json").read_text())["last_value"]
    network.fault, network.requests[:] = fault, []
    begun = time.monotonic()
    status = observe(kind, name, SECOND)
    assert time.monotonic() - begun < 20, "a total budget bounds all tries"
    assert len(network.requests) <= PATIENCE.tries * REQUESTS_A_TRY
    if fault == "longer than it says" and status["state"] == "ok":
        pytest.fail("half an answer was taken for the whole")
    assert status["state"] == "stale"
    assert status["last_value"] == last
    assert status["failures"], status
    assert all(failure["what"] for failure in status["failures"])
    assert cubes.head(store) == before, "nothing partial is committed"
    assert Path(f"data/cubes/{kind}/{CELL}.json").read_bytes() == pointer
    told = caplog.text.encode() + b"".join(everything_written(folder))
    for secret in SECRETS.values():
        assert secret.encode() not in told
    network.fault = None
    assert observe(kind, name, SECOND)["state"] == "ok", "and it goes on when the provider is back"
    assert cubes.head(store) != before


def test_a_fault_of_any_other_source_is_a_source_error_in_bounded_time(other, name, fault, network):
    network.fault = fault
    begun = time.monotonic()
    with pytest.raises(SourceError) as caught:
        open_source(other, name).fetch(
            Where(41.269, -4.819, geometry=PARCEL), When(dt.date(2025, 6, 1), dt.date(2025, 6, 9))
        )
    assert time.monotonic() - begun < 60
    assert caught.value.remedy or caught.value.temporary
    assert network.requests or fault == "certificate failure", "the request went out"


@pytest.mark.parametrize("fault", ["500", "truncated JSON", "reset"])
def test_a_provider_that_fails_at_its_last_step_commits_nothing(fault, good, network, tmp_path, monkeypatch):
    """AEMET's data address and SIAR's rows fail after all steps before them went well."""
    for name, marker in (("aemet", "/sh/"), ("siar", "/Datos/")):
        folder = tmp_path / name
        shutil.copytree(good("weather", name), folder)
        monkeypatch.chdir(folder)
        store = Path(f"data/cubes/weather/{CELL}.icechunk")
        before = cubes.head(store)
        network.fault, network.faulty = fault, lambda request, marker=marker: marker in str(request.url)
        try:
            assert observe("weather", name, SECOND)["state"] == "stale"
        finally:
            network.faulty = lambda request: True
        assert cubes.head(store) == before


def test_a_second_source_answers_while_the_first_is_down(good, network, tmp_path, monkeypatch):
    folder = tmp_path / "workspace"
    shutil.copytree(good("weather", "open_meteo"), folder)
    monkeypatch.chdir(folder)
    network.fault, network.faulty = "503 as a web page", lambda request: "open-meteo" in request.url.host
    try:
        set_clock(clock="data/as_of.json", as_of=SECOND)
        fetch_weather(
            clock="data/as_of.json",
            pointer="p.json",
            status="s.status.json",
            cell=CELL,
            place=[41.3, -4.8],
            zone="UTC",
            sources_weather=["open_meteo", "nasa_power"],
            sources_quota_share=0.9,
            weather={"first_day": "2025-06-14", "refetch_days": 0},
            stations={},
        )
    finally:
        network.faulty = lambda request: True
    read = weather_cube.open_hourly(Path(f"data/cubes/weather/{CELL}.icechunk"))
    assert read["origin"].attrs["flag_meanings"] == "missing open_meteo.modelled nasa_power.modelled"
    assert read.sizes["time"] == 48
    status = json.loads(Path("s.status.json").read_text())
    assert status["missing_days"] == []
    assert status["failures"][0]["source"] == "open_meteo"


def test_the_server_tells_the_truth_when_nothing_is_wrong(network, server):
    with httpx.Client() as client:
        found = client.get(
            "https://api.open-meteo.com/v1/x?hourly=temperature_2m&start_date=2025-06-14&end_date=2025-06-14"
        )
    assert found.json()["hourly"]["temperature_2m"][:3] == [0.0, 1.0, 2.0]
