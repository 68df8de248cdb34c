"""One value of a good answer replaced by anything at all: a dataset or a SourceError comes out, nothing else."""

import copy
import datetime as dt
import json

import httpx
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agritwin.errors import SourceError
from agritwin.geometry import sigpac_code
from agritwin.sources.aemet import Aemet
from agritwin.sources.base import When, Where
from agritwin.sources.nasa_power import NasaPower
from agritwin.sources.open_meteo import OpenMeteoWeather
from agritwin.sources.siar import Siar
from agritwin.sources.sigpac import Enclosure, Sigpac
from agritwin.sources.soilgrids import SoilGrids
from agritwin.sources.stations import Station

from . import test_aemet, test_nasa_power, test_siar, test_soilgrids
from .conftest import open_meteo_answer

PLACE = Where(41.27, -4.82)
DAY = When(dt.date(2025, 6, 14), dt.date(2025, 6, 14))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.text(max_size=4), children, max_size=2),
    max_leaves=3,
)
RECINTO = {"provincia": 47, "municipio": 96, "agregado": 0, "zona": 0, "poligono": 5, "parcela": 20, "recinto": 1}
RECINTO |= {"superficie": 13.6, "uso_sigpac": "FS", "srid": 4258, "wkt": "POLYGON((-4 41,-4 42,-5 42,-4 41))"}
OBSERVATION = {"fint": "2025-06-14T14:00:00", "ta": 20.5, "hr": 40.0, "vv": 2.0, "prec": 0.0, "pres": 930.0}
STATION = {"indicativo": "2422", "nombre": "VALLADOLID", "latitud": "413827N", "longitud": "044515W", "altitud": "734"}
QUOTA = {"datos": [{"MaxRegistrosMinuto": 100, "MaxRegistrosDia": 10_000, "RegistrosAcumuladosDia": 0}]}
CLIMATE = {"fecha": "2025-06-14", "tmed": "20,0", "tmax": "30,0", "tmin": "10,0", "prec": "Ip", "hrMax": "90"}


def places(value, path=()):
    """Every place in a JSON value, those of long lists by their first two items."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def damaged(payload, pick, replacement):
    every = list(places(payload))
    path = every[pick % len(every)]
    if not path:
        return replacement
    result = copy.deepcopy(payload)
    parent = result
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = replacement
    return result


def damaging(good, pick, replacement):
    """A transport that damages the answers of a good handler."""

    def handler(request):
        body = damaged(json.loads(good(request).content), pick, replacement)
        return httpx.Response(200, content=json.dumps(body))

    return httpx.MockTransport(handler)


def rows(body):
    return lambda request: httpx.Response(200, content=json.dumps(body))


def network(service, body, marker):
    """A good service of several steps whose answer to addresses with a marker is damaged."""

    def damage(pick, value):
        def handler(request):
            if marker in str(request.url):
                return httpx.Response(200, content=json.dumps(damaged(body, pick, value)))
            return service(request)

        return httpx.MockTransport(handler)

    return damage


AEMET = test_aemet.service([])
SIAR = test_siar.service([])
SPAN = {"FechaInicial": "2025-06-14", "FechaFinal": "2025-06-14", "Id": "VA102"}
HALF_HOURS = {"datos": test_siar.half_hourly(SPAN), "MensajeRespuesta": None}
DAYS = {"datos": [{"Fecha": "2025-06-14T00:00:00", "TempMedia": 20.0, "EtPMon": 5.0, "Radiacion": 25.0}]}
CODE = sigpac_code("47-96-0-0-5-20-1")

READERS = {
    "open_meteo": lambda *how: OpenMeteoWeather(transport=damaging(open_meteo_answer, *how)).fetch(PLACE, DAY),
    "nasa_power": lambda *how: NasaPower(damaging(test_nasa_power.answer, *how)).fetch(PLACE, DAY),
    "soilgrids": lambda *how: SoilGrids(damaging(test_soilgrids.answer, *how)).fetch(PLACE, DAY),
    "sigpac": lambda *how: Sigpac(damaging(rows([RECINTO]), *how)).enclosure(CODE),
    "aemet": lambda *how: Aemet("2422", network(AEMET, [OBSERVATION], "/sh/")(*how)).fetch(PLACE, DAY),
    "aemet daily": lambda *how: Aemet("2422", network(AEMET, [CLIMATE], "/sh/")(*how)).daily(PLACE, DAY),
    "aemet stations": lambda *how: Aemet(transport=network(AEMET, [STATION], "/sh/")(*how)).nearest(PLACE),
    "siar": lambda *how: Siar("VA102", network(SIAR, HALF_HOURS, "/Datos/")(*how)).fetch(PLACE, DAY),
    "siar daily": lambda *how: Siar("VA102", network(SIAR, DAYS, "/Datos/")(*how)).daily(PLACE, DAY),
    "siar quota": lambda *how: Siar("VA102", network(SIAR, QUOTA, "ACCESOS")(*how)).daily(PLACE, DAY),
}


@pytest.fixture(autouse=True)
def accounts(monkeypatch):
    monkeypatch.setenv("AEMET_API_KEY", "s3cret")
    monkeypatch.setenv("SIAR_USER", "12345678Z")
    monkeypatch.setenv("SIAR_PASSWORD", "s3cret")


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pick=st.integers(0, 10_000), value=ANYTHING)
def test_a_damaged_answer_gives_a_dataset_or_a_source_error(reader, pick, value, waits):
    try:
        found = READERS[reader](pick, value)
    except SourceError as error:
        assert error.source
    else:
        assert isinstance(found, xr.Dataset | Enclosure | Station)
