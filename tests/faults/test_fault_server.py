"""Every source against every fault, end to end over TLS: bounded tries, the last good data kept, nothing partial."""

import contextlib
import datetime as dt
import itertools
import json
import re
import shutil
import time
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import pytest
from shapely.geometry import mapping
from typer.testing import CliRunner

from agritwin import cubes, weather_cube
from agritwin.cli import app
from agritwin.errors import SourceError
from agritwin.observe.clock import set_clock
from agritwin.observe.forecast import fetch_forecast
from agritwin.observe.ndvi import fetch_ndvi
from agritwin.observe.site import fetch_site
from agritwin.observe.weather import fetch_weather
from agritwin.sources import cog, cog_reader, http, quota, stac_scenes, zarr_store
from agritwin.sources.base import When, Where, open_source
from agritwin.sources.http import Patience
from agritwin.sources.stac import EarthSearch
from tests.faults import providers
from tests.faults.fault_server import FAULTS, serving
from tests.observe.test_ndvi import IMAGERY

SECRETS = {
    "AEMET_API_KEY": "k3y-of-aemet",
    "SIAR_USER": "12345678Z",
    "SIAR_PASSWORD": "s3cret-of-siar",
    "CDS_API_KEY": "k3y-of-the-climate-data-store",
    "AWS_ACCESS_KEY_ID": "k3y-of-copernicus",
    "AWS_SECRET_ACCESS_KEY": "s3cret-of-copernicus",
}
CELL, TWIN = "n413w048", "twin"
FIRST, SECOND = "2025-06-04", "2025-06-05"
PATIENCE = Patience(
    tries=2, budget_s=0.8, connect_s=0.5, read_s=0.25, first_wait_s=0.01, longest_wait_s=0.02, jitter_s=0.01
)
RETRY = {"max_retries": 1, "retry_timeout": dt.timedelta(seconds=1)}
GDAL = {"GDAL_HTTP_MAX_RETRY": "1", "GDAL_HTTP_RETRY_DELAY": "0.01", "GDAL_HTTP_TIMEOUT": "1"}
LONGEST_S = 20.0
REQUESTS_A_TRY = 40
"""The most that a source sends for a day: ERA5-Land's stores, each with its axes and two chunks a variable."""
STATIONS = {"aemet": "2422", "siar": "VA102"}
OWN_FILES = {"archive", "station_file"}
CODES = {"sigpac": "47-96-0-0-5-20-1", "catastro": "47096A00500020"}
FILES = ("sentinel-cogs", "blob.core", "eodata", ".tif")
LAST_STEP = {
    ("weather", "aemet"): ("/sh/",),
    ("weather", "siar"): ("/Datos/",),
    ("weather", "era5_land"): ("/t2m/", "/tp/"),
    ("terrain", "glo30"): (".tif",),
    **{("imagery", name): FILES for name in ("catalogue", "copernicus", "earth_search", "hls", "planetary_computer")},
}
"""What stands in the addresses of a source's last step, where there are several: the first ones go well."""


def live(kind: str) -> list[str]:
    return sorted({point.name for point in entry_points(group=f"agritwin.sources.{kind}")} - OWN_FILES)


SOURCES = [
    (kind, name) for kind in ("weather", "forecast", "imagery", "terrain", "soil", "vegetation") for name in live(kind)
] + [("register", name) for name in CODES]
ROWS = [(*source, "all") for source in SOURCES] + [(*source, "last") for source in LAST_STEP]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("network"), providers.hosts(tmp_path_factory.mktemp("providers"))) as running:
        yield running


def reach(server, patch) -> None:
    """Lead all clients to the server, with the patience that they have of a provider: the machine may be slow."""
    # GDAL remembers what it could not open; a step is a process of its own, a test is not.
    uncached = {"CPL_VSIL_CURL_NON_CACHED": "/vsis3/eodata:/vsicurl/https://copernicus-dem-30m.s3.amazonaws.com"}
    for name, value in (SECRETS | server.environment() | uncached).items():
        patch.setenv(name, value)
    patch.setitem(quota.LIMITS, "soilgrids", quota.Limits())  # not to wait for the next minute
    server.fault, server.faulty, server.requests[:] = None, lambda request: True, []


@contextlib.contextmanager
def impatient(*, silence_s: float = stac_scenes.SILENCE_S) -> Iterator[None]:
    """Let no client wait long, as long as something is broken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "PATIENCE", PATIENCE)
        patch.setattr(stac_scenes, "SILENCE_S", silence_s)
        for module in (cog_reader, zarr_store):
            patch.setattr(module, "REQUEST_TIME", "1s")
            patch.setattr(module, "RETRY", RETRY)
        for key, value in GDAL.items():
            patch.setitem(cog.GDAL_SETTINGS, key, value)
        yield


@pytest.fixture
def network(server, monkeypatch):
    reach(server, monkeypatch)
    return server


def where_kept(kind: str) -> str:
    return CELL if kind in ("weather", "forecast") else TWIN


def observe(kind: str, name: str, as_of: str) -> dict[str, Any]:
    """Run the step that fetches from a source; return its status."""
    set_clock(clock="data/as_of.json", as_of=as_of)
    place = where_kept(kind)
    pointer, status = f"data/cubes/{kind}/{place}.json", f"data/cubes/{kind}/{place}.status.json"
    files = {"clock": "data/as_of.json", "pointer": pointer, "status": status}
    cell = {"cell": CELL, "place": [41.3, -4.8], "sources_quota_share": 0.9}
    if kind == "weather":
        dates = {"first_day": "2025-06-03", "refetch_days": 0}
        fetch_weather(**files, **cell, zone="UTC", sources_weather=[name], weather=dates, stations=STATIONS)
    elif kind == "forecast":
        fetch_forecast(**files, **cell, sources_forecast=[name])
    elif kind == "imagery":
        feature = {"type": "Feature", "geometry": mapping(providers.PARCEL), "properties": {}}
        Path("parcel.geojson").write_text(json.dumps(feature))
        settings = IMAGERY | {"first_day": "2025-06-01", "catalogue": providers.CATALOGUE}
        files["pointer"] = "data/cubes/ndvi/twin.json"
        fetch_ndvi(**files, parcel="parcel.geojson", twin=TWIN, imagery=settings, sources_imagery=[name])
    else:
        shape = {"geometry": mapping(providers.PARCEL), "declared_area_ha": None, "area_confirmed": None, "note": None}
        fetch_site(
            outline=[], parcel="parcel.geojson", twin=TWIN, zone="Europe/Madrid", status=status,
            terrain="data/cubes/terrain/twin.json", soil="data/cubes/soil/twin.json",
            parcel_settings=shape, terrain_settings={"buffer_m": 100.0, "resolution_m": 10.0},
            sources_terrain=[name] if kind == "terrain" else [], sources_soil=[name] if kind == "soil" else [],
            sources_quota_share=0.9,
        )  # fmt: skip
    return json.loads(Path(status).read_text())


def kept(folder: Path) -> dict[str, Any]:
    """Everything that must not change: pointers, pins and memories by content, stores by what was committed."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("data/cubes/*/*.json")}
    stores = {str(path.relative_to(folder)): cubes.head(path) for path in folder.glob("data/cubes/*/*.icechunk")}
    return {name: content for name, content in (files | stores).items() if not name.endswith(".status.json")}


def contents(folder: Path) -> dict[str, str]:
    return {
        path.stem: cubes.digest(cubes.open_group(path, path.parent.name))
        for path in folder.glob("data/cubes/*/*.icechunk")
    }


@pytest.fixture(scope="module")
def good(server, tmp_path_factory):
    """A folder for each source with its first day, fetched once and copied for each fault."""
    made = {}

    def first_day(kind, name):
        if (kind, name) not in made:
            folder = tmp_path_factory.mktemp(f"{kind}-{name}")
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                reach(server, patch)
                status = observe(kind, name, FIRST)
            assert status["state"] == "ok", status
            made[kind, name] = folder
        return made[kind, name]

    return first_day


def cases(full: bool) -> list[tuple[str, str, str, str]]:
    """Every source with every fault, or the diagonal of it."""
    return [
        (*row, fault)
        for number, row in enumerate(ROWS)
        for column, fault in enumerate(FAULTS)
        if (full or (number + column) % len(FAULTS) == 0) and (row[2] == "all" or fault != "certificate failure")
    ]


def pytest_generate_tests(metafunc):
    if "step" in metafunc.fixturenames:
        chosen = cases(metafunc.config.getoption("--thorough"))
        metafunc.parametrize(("kind", "name", "step", "fault"), chosen)


def test_the_default_run_holds_each_source_and_each_fault():
    chosen = cases(full=False)
    assert {case[:2] for case in chosen} == set(SOURCES)
    assert {case[3] for case in chosen} == set(FAULTS)


def everything_told(folder: Path, log: str) -> bytes:
    return log.encode() + b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_fault_keeps_the_last_good_data_and_says_why(
    kind, name, step, fault, good, network, tmp_path, monkeypatch, caplog
):
    folder = tmp_path / "workspace"
    monkeypatch.chdir(folder.parent)
    strike = {"register": by_hand, "vegetation": from_nothing}.get(kind, by_a_step)
    strike(kind, name, step, fault, good, network, folder, monkeypatch)
    told = everything_told(folder, caplog.text)
    for secret in SECRETS.values():
        assert secret.encode() not in told


@contextlib.contextmanager
def struck(network, kind, name, step, fault) -> Iterator[None]:
    """Let a fault strike while the block lasts, which must not be long."""
    markers = ("",) if step == "all" else LAST_STEP[kind, name]
    network.fault, network.requests[:] = fault, []
    network.faulty = lambda request: any(marker in str(request.url) for marker in markers)
    begun = time.monotonic()
    with impatient():
        yield
    assert time.monotonic() - begun < LONGEST_S, "a total budget bounds all tries"
    assert len(network.requests) <= PATIENCE.tries * REQUESTS_A_TRY
    network.fault = None


def by_a_step(kind, name, step, fault, good, network, folder, monkeypatch) -> None:
    """The step ends well, commits nothing, says what failed and of when the data are that stay."""
    shutil.copytree(good(kind, name), folder)
    monkeypatch.chdir(folder)
    before = kept(folder)
    last = json.loads(next(folder.glob("data/cubes/*/*.status.json")).read_text())["last_value"]
    with struck(network, kind, name, step, fault):
        status = observe(kind, name, SECOND)
    if status["state"] == "ok" and fault in ("shorter than it says", "damaged bytes"):
        # GDAL takes ranges as they come, and every byte that it needed came: then it is the undisturbed result.
        found = contents(folder)
        shutil.rmtree(folder / "data")
        observe(kind, name, SECOND)
        assert contents(folder) == found
        return
    assert (status["state"], status["last_value"]) == ("stale", last), status
    assert status["failures"]
    assert all(failure["source"] == name and failure["what"] for failure in status["failures"])
    assert kept(folder) == before, "nothing partial is committed"
    journal = (folder / "data/journal.jsonl").read_text().splitlines()
    assert json.loads(journal[-1])["failure"] == status["failures"][-1]["what"]
    assert observe(kind, name, SECOND)["state"] == "ok", "and it goes on when the provider is back"
    assert (kept(folder) != before) == (kind in ("weather", "forecast", "imagery")), "a site is the same as before"


def by_hand(kind, name, step, fault, good, network, folder, monkeypatch) -> None:
    """A register is asked by a person: the file fetched before stays, and the message says of which day it is."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    command = ["outline", CODES[name], "--to", "parcel.geojson"]
    assert CliRunner().invoke(app, command).exit_code == 0
    before = Path("parcel.geojson").read_bytes()
    with struck(network, kind, name, step, fault):
        failed = CliRunner().invoke(app, command)
    assert failed.exit_code == 2, failed.output
    assert name in failed.output or "catastro" in failed.output
    assert f"parcel.geojson of {dt.date.today()} is kept" in " ".join(failed.output.split())
    assert Path("parcel.geojson").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["parcel.geojson"]


def from_nothing(kind, name, step, fault, good, network, folder, monkeypatch) -> None:
    """A source that keeps nothing: an error with its name, or the whole answer."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    where, when = Where(41.269, -4.819), When(dt.date(2025, 6, 1), dt.date(2025, 6, 9))
    assert open_source(kind, name).fetch(where, when).sizes["time"] == 1
    with struck(network, kind, name, step, fault), pytest.raises(SourceError) as caught:
        open_source(kind, name).fetch(where, when)
    assert caught.value.source == name
    assert caught.value.remedy
    assert list(folder.iterdir()) == []


@pytest.fixture
def forty_scenes(good, network, tmp_path, monkeypatch):
    """A folder with the first day's scenes and forty more in the catalogue, of whose files few are asked at a time."""
    folder = tmp_path / "workspace"
    shutil.copytree(good("imagery", "earth_search"), folder)
    monkeypatch.chdir(folder)
    catalogue = providers.many_scenes(network.hosts["earth-search.aws.element84.com"], 40)
    monkeypatch.setitem(network.hosts, "earth-search.aws.element84.com", catalogue)
    monkeypatch.setattr(EarthSearch, "files", 4)
    network.faulty = lambda request: request.url.path.endswith(".tif")
    return folder


@pytest.mark.parametrize("fault", ["time-out", "slow drip"])
def test_all_files_of_a_read_have_one_budget(forty_scenes, network, fault):
    """Each of 120 files has tries and time of its own; four at a time they would fail for a minute."""
    before, first = kept(forty_scenes), json.loads(Path("data/cubes/imagery/twin.status.json").read_text())
    network.fault, begun = fault, time.monotonic()
    with impatient(silence_s=1.5):
        status = observe("imagery", "earth_search", SECOND)
    assert time.monotonic() - begun < LONGEST_S, "120 files that each had their own would take a minute"
    assert (status["state"], status["last_value"]) == ("stale", first["last_value"])
    assert status["failures"][0]["source"] == "earth_search"
    assert kept(forty_scenes) == before


def test_files_that_stop_coming_are_left_for_the_next_refresh(forty_scenes, network):
    network.fault, served = "time-out", itertools.count()
    network.faulty = lambda request: request.url.path.endswith(".tif") and next(served) >= 60
    with impatient(silence_s=1.5):
        status = observe("imagery", "earth_search", SECOND)
    assert status["state"] == "stale"
    waiting = re.search(r"(\d+) scenes wait for the next refresh", status["failures"][0]["what"])
    assert waiting
    assert 15 <= int(waiting[1]) < 40
    assert status["scenes"] + len(status["skipped"]) == 43, "what was read is kept"
    network.fault = None
    assert observe("imagery", "earth_search", SECOND)["state"] == "ok"
    found = contents(forty_scenes)
    shutil.rmtree(forty_scenes / "data")
    observe("imagery", "earth_search", SECOND)
    assert contents(forty_scenes) == found


def test_a_second_source_answers_while_the_first_is_down(good, network, tmp_path, monkeypatch):
    folder = tmp_path / "workspace"
    shutil.copytree(good("weather", "open_meteo"), folder)
    monkeypatch.chdir(folder)
    network.fault, network.faulty = "503 as a web page", lambda request: "open-meteo" in request.url.host
    set_clock(clock="data/as_of.json", as_of=SECOND)
    with impatient():
        fetch_weather(
            clock="data/as_of.json",
            pointer="p.json",
            status="s.status.json",
            cell=CELL,
            place=[41.3, -4.8],
            zone="UTC",
            sources_weather=["open_meteo", "nasa_power"],
            sources_quota_share=0.9,
            weather={"first_day": "2025-06-03", "refetch_days": 0},
            stations={},
        )
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
