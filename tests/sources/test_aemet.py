import csv
import datetime as dt
import json
import math

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.errors import SourceError
from agritwin.sources import aemet
from agritwin.sources.base import When, Where

PLACE = Where(41.27, -4.819)
DATA_URL = "https://opendata.aemet.es/opendata/sh/208c3ca3"
BUSY = {"descripcion": "Límite de peticiones o caudal por minuto excedido para este usuario", "estado": 429}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("AEMET_API_KEY", "s3cret")


def service(body, envelope=None):
    """Both steps: the envelope, then the rows in the service's own encoding."""

    def handler(request):
        if str(request.url) == DATA_URL:
            content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode("iso-8859-15")
            return httpx.Response(200, content=content, headers={"content-type": "text/plain"})
        return httpx.Response(200, json=envelope or {"descripcion": "exito", "estado": 200, "datos": DATA_URL})

    return handler


def rows_of_archive(path):
    """Rows of the older distribution under the names of the service."""
    lines = list(csv.reader(path.read_text("iso-8859-15").splitlines(), delimiter=";"))
    keys = ["indicativo", "nombre", "provincia", "altitud", "year", "month", "day", "tmax", "", "tmin", "", "tmed"]
    keys += ["racha", "dir", "", "velmedia", "prec", "sol", "presMax", "", "presMin", ""]
    rows = []
    for line in lines[1:]:
        row = {key: value for key, value in zip(keys, line, strict=False) if key and value}
        row["fecha"] = f"{row.pop('year')}-{int(row.pop('month')):02d}-{int(row.pop('day')):02d}"
        rows.append(row)
    return rows


def test_recorded_observations_are_the_hours_that_end_at_their_time(recorded, answers):
    transport = answers(service(recorded("weather/aemet/observation_3195.json").read_bytes()))
    day = When(dt.date(2021, 1, 8), dt.date(2021, 1, 8))
    dataset = aemet.Aemet("3195", transport).fetch(PLACE, day)
    at = dataset.sel(time="2021-01-08T15:00")
    assert (at["precipitation"], at["air_temperature"], at["surface_pressure"]) == (1.5, 0.2, 929.0)
    assert dataset["air_temperature"].isnull().sum() == 14
    assert dataset["shortwave_radiation"].isnull().all()
    assert dataset["air_temperature"].attrs["origin"] == "measured"
    assert dataset.attrs["attribution"] == "© AEMET"


def test_the_key_travels_in_the_header_only(recorded, answers, caplog):
    transport = answers(service(recorded("weather/aemet/observation_3195.json").read_bytes()))
    aemet.Aemet("3195", transport).fetch(PLACE, When(dt.date(2021, 1, 8), dt.date(2021, 1, 8)))
    assert {request.headers["api_key"] for request in transport.requests} == {"s3cret"}
    assert "s3cret" not in "".join(str(request.url) for request in transport.requests) + caplog.text


def test_without_a_key_nothing_is_asked(monkeypatch, answers):
    monkeypatch.delenv("AEMET_API_KEY")
    transport = answers(service([]))
    with pytest.raises(SourceError, match="AEMET_API_KEY"):
        aemet.Aemet("3195", transport).fetch(PLACE, When(dt.date(2021, 1, 8), dt.date(2021, 1, 8)))
    assert transport.requests == []


def test_times_may_carry_a_zone():
    rows = [{"fint": "2021-01-08T14:00:00+0100", "ta": 1.0}, {"fint": "2021-01-08T15:00:00", "ta": 2.0}]
    dataset = aemet.observations(rows, When(dt.date(2021, 1, 8), dt.date(2021, 1, 8)), {})
    assert (dataset["air_temperature"][13], dataset["air_temperature"][15]) == (1.0, 2.0)


def test_recorded_daily_climatology(recorded, answers):
    transport = answers(service(recorded("weather/aemet/daily_climatology_5530E.json").read_bytes()))
    dataset = aemet.Aemet("5530E", transport).daily(PLACE, When(dt.date(2020, 1, 17), dt.date(2020, 1, 31)))
    first = dataset.isel(day=0)
    assert (first["air_temperature_min"], first["air_temperature_max"]) == (-1.6, 14.7)
    assert first["surface_pressure"] == pytest.approx(965.3)
    assert first["sunshine_duration"] == 6.0
    assert first["wind_speed"] == pytest.approx(1.1 * 0.748, abs=0.001)
    # 2020-01-31 was sent without wind.
    assert np.isnan(dataset["wind_speed"][-1])
    assert "fechaini/2020-01-17T00:00:00UTC/fechafin/2020-01-31T23:59:59UTC/estacion/5530E" in str(
        transport.requests[0].url
    )


def test_recorded_traces_are_zero_and_marked(recorded):
    rows = rows_of_archive(recorded("weather/aemet/daily_climatology_archive_2422_201204.csv"))
    dataset = aemet.climatology(rows, When(dt.date(2012, 4, 1), dt.date(2012, 4, 30)), {})
    trace = dataset.sel(day="2012-04-04")
    assert (trace["precipitation"], trace["precipitation_trace"]) == (0.0, 1)
    assert dataset["precipitation_trace"].sum() == sum(row["prec"] == "Ip" for row in rows)


def test_a_recorded_total_of_several_days_belongs_to_none_of_them(recorded):
    rows = rows_of_archive(recorded("weather/aemet/daily_climatology_archive_4642E_acum.csv"))
    dataset = aemet.climatology(rows, When(dt.date(2011, 4, 17), dt.date(2011, 4, 26)), {})
    assert dataset["precipitation"].values == pytest.approx([0.0, 2.1, 14.1, *[np.nan] * 5, 1.2, 0.0], nan_ok=True)
    assert dataset["accumulated_precipitation"].sel(day="2011-04-24") == 22.0
    assert dataset["accumulated_precipitation"].notnull().sum() == 1


def test_long_ranges_are_cut(answers):
    transport = answers(service([{"fecha": "2024-01-01", "tmax": "9,0", "tmin": "1,0", "tmed": "5,0"}]))
    aemet.Aemet("2422", transport).daily(PLACE, When(dt.date(2024, 1, 1), dt.date(2024, 12, 31)))
    assert sum("fechaini" in str(request.url) for request in transport.requests) == 3


def test_plans_are_what_is_asked(answers):
    inventory = [
        {"indicativo": code, "nombre": code, "latitud": "411600N", "longitud": f"0449{code}W", "altitud": "750"}
        for code in ("10", "20", "30", "40")
    ]

    asked = []

    def handler(request):
        if str(request.url) != DATA_URL:
            asked.append(str(request.url))
            return httpx.Response(200, json={"estado": 200, "datos": DATA_URL})
        days = [{"fecha": "2024-01-01", "tmax": "9,0", "tmin": "1,0"}]
        return httpx.Response(200, json=inventory if "inventario" in asked[-1] else days)

    when = When(dt.date(2023, 1, 1), dt.date(2024, 12, 31))
    for station, question, plan in (
        (None, "choose", "plan_choice"), ("2422", "daily", "plan_days"), (None, "daily", "plan_days"),
    ):  # fmt: skip
        transport = answers(handler)
        client = aemet.Aemet(station, transport)
        getattr(client, question)(PLACE, when)
        assert len(transport.requests) == getattr(client, plan)(PLACE, when).requests


def test_no_data_is_no_value_not_a_crash(answers):
    nothing = {"descripcion": "No hay datos que satisfagan esos criterios", "estado": 404}
    with pytest.raises(SourceError, match="no value for this place"):
        aemet.Aemet("2422", answers(service([], nothing))).daily(PLACE, When(dt.date(2024, 1, 1), dt.date(2024, 1, 9)))


@pytest.mark.parametrize(
    ("envelope", "message"),
    [
        ({"descripcion": "El rango de fechas no puede ser superior a 6 meses", "estado": 404}, "rango de fechas"),
        ({"descripcion": "API key invalido", "estado": 401}, "state 401"),
        ({"estado": "ok"}, "expected form"),
    ],
)
def test_refusals_in_the_body_count_whatever_the_status(envelope, message, answers, waits):
    with pytest.raises(SourceError, match=message) as caught:
        aemet.Aemet("2422", answers(service([], envelope))).daily(PLACE, When(dt.date(2024, 1, 1), dt.date(2024, 1, 9)))
    assert not caught.value.temporary


def test_the_limit_is_waited_out_however_it_is_said(recorded, answers, waits):
    good = service(recorded("weather/aemet/observation_3195.json").read_bytes())
    page = httpx.Response(500, text="<html>Error 429</html>", headers={"content-type": "text/html"})
    refusals = [httpx.Response(200, json=BUSY), page, httpx.Response(429, text="")]
    handler = lambda request: refusals.pop(0) if refusals else good(request)  # noqa: E731
    aemet.Aemet("3195", answers(handler)).fetch(PLACE, When(dt.date(2021, 1, 8), dt.date(2021, 1, 8)))
    assert waits == [61.0, 61.0, 61.0]


def test_an_expired_address_is_asked_for_again(recorded, answers):
    good = service(recorded("weather/aemet/observation_3195.json").read_bytes())
    expired = [httpx.Response(404)]

    def handler(request):
        return expired.pop() if str(request.url) == DATA_URL and expired else good(request)

    transport = answers(handler)
    aemet.Aemet("3195", transport).fetch(PLACE, When(dt.date(2021, 1, 8), dt.date(2021, 1, 8)))
    assert len(transport.requests) == 4


def test_the_recorded_inventory_gives_the_nearest_station(recorded, answers):
    inventory = json.loads(recorded("weather/aemet/station_inventory_subset.json").read_text("utf-8"))
    client = aemet.Aemet(transport=answers(service(inventory)))
    assert len(client.stations()) == len(inventory) == 40
    # 10.7 km from the parcel by the provider notes.
    assert client.nearest(PLACE).code == "2503B"
    assert all(station.name == station.name.strip() for station in client.stations())


def test_an_empty_inventory_is_a_source_error(answers):
    with pytest.raises(SourceError, match="list of stations is empty"):
        aemet.Aemet(transport=answers(service([]))).daily(PLACE, When(dt.date(2024, 1, 1), dt.date(2024, 1, 9)))


def test_the_key_is_not_shown_to_another_host(answers):
    elsewhere = {"descripcion": "exito", "estado": 200, "datos": "https://example.test/sh/1"}
    transport = answers(service([], elsewhere))
    with pytest.raises(SourceError, match="foreign host"):
        aemet.Aemet("2422", transport).daily(PLACE, When(dt.date(2024, 1, 1), dt.date(2024, 1, 9)))
    assert {request.url.host for request in transport.requests} == {"opendata.aemet.es"}


@pytest.mark.parametrize(
    ("text", "value"), [("411932N", 41.32556), ("044113W", -4.68694), ("051960W", -5.33333), ("428212S", -43.37)]
)
def test_positions_are_degrees_minutes_seconds_and_sixty_seconds_carry(text, value):
    assert aemet.degrees(text) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "value"), [("6,6", 6.6), ("-1,6", -1.6), ("0,0", 0.0), ("Ip", 0.0), ("12", 12.0), (" 3,5 ", 3.5)]
)
def test_numbers_have_a_decimal_comma(text, value):
    assert aemet.number(text) == value


@pytest.mark.parametrize("text", ["", "Acum", "Varias"])
def test_words_for_no_value_are_missing(text):
    assert math.isnan(aemet.number(text))


@given(st.decimals(-100, 2000, places=1))
def test_every_number_is_read_back(value):
    assert aemet.number(str(value).replace(".", ",")) == float(value)


@given(st.text())
def test_any_text_is_a_number_or_a_source_error(text):
    try:
        assert isinstance(aemet.number(text), float)
    except SourceError as error:
        assert "is no number" in error.message


def test_a_mean_that_is_no_middle_reveals_a_parsing_error():
    rows = [{"fecha": "2024-01-01", "tmax": "9,0", "tmin": "1,0", "tmed": "50"}]
    with pytest.raises(SourceError, match="2024-01-01 is not the middle"):
        aemet.climatology(rows, When(dt.date(2024, 1, 1), dt.date(2024, 1, 1)), {})
