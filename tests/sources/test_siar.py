import csv
import datetime as dt
import json

import httpx
import numpy as np
import pandas as pd
import pvlib
import pytest

from agritwin.errors import SourceError
from agritwin.sources import siar
from agritwin.sources.base import When, Where

PLACE = Where(39.0, 1.44)
DAY = When(dt.date(2025, 6, 14), dt.date(2025, 6, 14))


@pytest.fixture(autouse=True)
def account(monkeypatch):
    monkeypatch.setenv("SIAR_USER", "12345678Z")
    monkeypatch.setenv("SIAR_PASSWORD", "s3cret")


def service(rows, quota=None):
    quota = {"MaxRegistrosMinuto": 100, "MaxRegistrosDia": 10_000, "RegistrosAcumuladosDia": 0} | (quota or {})

    def handler(request):
        path, params = request.url.path, request.url.params
        if path.endswith("cifrarCadena"):
            return httpx.Response(200, text=f'"enc({params["cadena"]})"')
        if path.endswith("obtenerToken"):
            assert params["Usuario"] == "enc(12345678Z)"
            return httpx.Response(200, text="t0ken+/=")
        assert params["token"] == "t0ken+/="
        if path.endswith("ACCESOS"):
            return httpx.Response(200, json={"datos": [quota], "MensajeRespuesta": None})
        found = rows(params) if callable(rows) else rows
        return httpx.Response(200, content=json.dumps({"Datos": found, "MensajeRespuesta": None}))

    return handler


def half_hourly(params):
    """48 rows a day, stamps 0030 to 2400, every value the half hour's number."""
    days = pd.date_range(params["FechaInicial"], params["FechaFinal"])
    return [
        {
            "Fecha": f"{day:%Y-%m-%d}T00:00:00",
            "Estacion": params["Id"],
            "HorMin": (half // 2) * 100 + (half % 2) * 30,
            "TempMedia": float(half),
            "HumedadMedia": 50.0,
            "VelViento": 2.0,
            "Radiacion": 300.0,
            "Precipitacion": 0.2,
        }
        for day in days
        for half in range(1, 49)
    ]


def recorded_rows(path):
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    texts = ("Fecha", "Estacion")
    return [
        {key: value if key in texts else (float(value) if value else None) for key, value in row.items()}
        for row in rows
    ]


def test_half_hours_become_hours_that_end_at_their_stamp(answers):
    transport = answers(service(half_hourly))
    dataset = siar.Siar("VA102", transport).fetch(PLACE, DAY)
    # The hour that ends at 01:00 is the mean of 00:30 and 01:00; that at 00:00 of 23:30 and 24:00 of the day before.
    assert dataset["air_temperature"].values[:3].tolist() == [47.5, 1.5, 3.5]
    assert dataset["precipitation"].values == pytest.approx(0.4)
    assert dataset["wind_speed"].values == pytest.approx(2.0)
    assert dataset["surface_pressure"].isnull().all()
    assert dataset["air_temperature"].attrs["cell_methods"] == "time: mean"


def test_an_hour_with_one_half_is_missing():
    rows = [
        {key.lower(): value for key, value in row.items()}
        for row in half_hourly({"FechaInicial": "2025-06-14", "FechaFinal": "2025-06-14", "Id": "x"})
    ]
    dataset = siar.half_hours(rows[:10] + rows[11:], DAY, {})
    assert np.flatnonzero(dataset["air_temperature"].isnull()).tolist() == [0, 6]


def test_requests_keep_to_the_quota(answers):
    transport = answers(service(half_hourly))
    siar.Siar("VA102", transport).fetch(PLACE, When(dt.date(2025, 6, 11), dt.date(2025, 6, 14)))
    spans = [
        (request.url.params["FechaInicial"], request.url.params["FechaFinal"])
        for request in transport.requests
        if "Datos" in request.url.path
    ]
    # 100 rows a minute are two days of half hours.
    assert spans == [("2025-06-10", "2025-06-11"), ("2025-06-12", "2025-06-13"), ("2025-06-14", "2025-06-14")]


@pytest.mark.parametrize(("question", "plan"), [("fetch", "plan"), ("daily", "plan_days")])
def test_plans_are_what_is_asked(question, plan, answers):
    def daily(params):
        days = pd.date_range(params["FechaInicial"], params["FechaFinal"])
        return [{"Fecha": f"{day:%Y-%m-%d}T00:00:00", "Estacion": "VA102", "TempMedia": 20.0} for day in days]

    transport = answers(service(half_hourly if question == "fetch" else daily))
    client, when = siar.Siar("VA102", transport), When(dt.date(2025, 1, 2), dt.date(2025, 6, 14))
    getattr(client, question)(PLACE, when)
    assert len(transport.requests) == pytest.approx(getattr(client, plan)(PLACE, when).requests, abs=1)


def test_a_day_without_quota_is_not_begun(answers):
    transport = answers(service(half_hourly, {"RegistrosAcumuladosDia": 9_950}))
    with pytest.raises(SourceError, match="exceed what is left of the day's quota"):
        siar.Siar("VA102", transport).fetch(PLACE, DAY)
    assert not any("Datos" in request.url.path for request in transport.requests)


def test_no_secret_appears_in_logs_or_errors(answers, caplog, waits):
    caplog.set_level("DEBUG")
    transport = answers(service(half_hourly))
    siar.Siar("VA102", transport).fetch(PLACE, DAY)
    with pytest.raises(SourceError) as caught:
        siar.Siar("VA102", answers(lambda request: httpx.Response(503))).fetch(PLACE, DAY)
    for secret in ("12345678Z", "s3cret", "t0ken", "enc("):
        assert secret not in caplog.text + str(caught.value)


def test_without_an_account_nothing_is_asked(monkeypatch, answers):
    monkeypatch.delenv("SIAR_PASSWORD")
    transport = answers(service([]))
    with pytest.raises(SourceError, match="SIAR_USER and SIAR_PASSWORD"):
        siar.Siar("VA102", transport).daily(PLACE, DAY)
    assert transport.requests == []


@pytest.mark.parametrize("status", [200, 403])
def test_a_message_in_place_of_data_is_an_error(status, answers):
    def handler(request):
        if "Autenticacion" in request.url.path:
            return service([])(request)
        return httpx.Response(status, json={"datos": None, "MensajeRespuesta": "Token no válido"})

    with pytest.raises(SourceError, match="refused: Token no válido"):
        siar.Siar("VA102", answers(handler)).daily(PLACE, DAY)


def test_recorded_days(recorded, answers):
    rows = recorded_rows(recorded("weather/siar/daily_IB01.csv"))
    dataset = siar.Siar("IB01", answers(service(rows))).daily(PLACE, When(dt.date(2004, 3, 30), dt.date(2004, 4, 2)))
    first = dataset.isel(day=0)
    assert (first["air_temperature"], first["relative_humidity_min"], first["wind_speed"]) == (12.855, 66.11, 2.011)
    assert first["shortwave_radiation"] == 1.787
    assert first["et0"] == pytest.approx(1.185, abs=1e-3)


def test_the_recorded_false_zero_of_leap_years_is_missing(recorded, answers):
    rows = recorded_rows(recorded("weather/siar/daily_IB01.csv"))
    dataset = siar.Siar("IB01", answers(service(rows))).daily(PLACE, When(dt.date(2020, 12, 30), dt.date(2020, 12, 31)))
    assert dataset["et0"].isnull().values.tolist() == [False, True]
    assert dataset["shortwave_radiation"][1] > 0


def test_recorded_gaps_stay_gaps(recorded, answers):
    rows = recorded_rows(recorded("weather/siar/daily_IB01.csv"))
    dataset = siar.Siar("IB01", answers(service(rows))).daily(PLACE, When(dt.date(2005, 5, 1), dt.date(2005, 5, 3)))
    assert np.isnan(dataset["precipitation"][0])
    assert dataset["precipitation"][1:].notnull().all()
    assert dataset["air_temperature"].isnull().all()


def test_recorded_minima_lie_at_sunrise_in_utc(recorded):
    """What the clock of the network is: were it local time, the minima would come one or two hours after sunrise."""
    rows = [row for row in recorded_rows(recorded("weather/siar/daily_IB01.csv")) if row["TempMin"] is not None]
    days = pd.DatetimeIndex([row["Fecha"] for row in rows], tz="UTC") + pd.Timedelta(hours=12)
    sunrise = pvlib.location.Location(39.01, 1.44).get_sun_rise_set_transit(days)["sunrise"]
    clock = np.array([row["HorMinTempMin"] // 100 + row["HorMinTempMin"] % 100 / 60 for row in rows])
    late = clock - (sunrise.dt.hour + sunrise.dt.minute / 60).to_numpy()
    assert abs(np.median(late[(clock > 3) & (clock < 10)])) < 0.5


def test_recorded_stations_without_the_closed_ones(recorded, answers):
    with recorded("weather/siar/stations_baleares.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    client = siar.Siar(transport=answers(service(rows)))
    stations = client.stations()
    assert len(stations) == sum(not row["Fecha_Baja"] for row in rows) < len(rows)
    assert client.nearest(Where(39.01, 1.44)).code == "IB01"
    assert stations[0].latitude == pytest.approx(39.01)
    assert stations[0].longitude == pytest.approx(1.4397, abs=1e-4)
