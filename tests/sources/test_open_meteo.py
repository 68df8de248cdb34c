import datetime as dt
import json

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.errors import SourceError
from agritwin.sources import open_meteo
from agritwin.sources.base import When, Where
from agritwin.sources.canonical import wind_at_2m

from .conftest import open_meteo_answer

PLACE = Where(41.27, -4.82, elevation_m=748.4)
TWO_YEARS = When(dt.date(2023, 12, 31), dt.date(2024, 1, 1))
WEEK = When(dt.date(2025, 6, 15), dt.date(2025, 6, 21))


def weather(handler, answers, when=TWO_YEARS):
    transport = answers(handler)
    return open_meteo.OpenMeteoWeather(transport=transport).fetch(PLACE, when), transport


def test_a_year_a_request_with_model_units_and_zone_spelt_out(answers):
    dataset, transport = weather(open_meteo_answer, answers)
    asked = [dict(request.url.params) for request in transport.requests]
    assert [(params["start_date"], params["end_date"]) for params in asked] == [
        ("2023-12-31", "2023-12-31"),
        ("2024-01-01", "2024-01-01"),
    ]
    assert asked[0]["wind_speed_unit"] == "ms"
    assert asked[0]["timezone"] == "GMT"
    assert asked[0]["models"] == "era5_seamless"
    assert asked[0]["elevation"] == "748"
    assert str(transport.requests[0].url).startswith("https://archive-api.open-meteo.com/v1/archive?")
    assert dataset["time"].values.tolist() == TWO_YEARS.hours.tolist()


def test_the_dataset_is_canonical(answers):
    dataset, _ = weather(open_meteo_answer, answers)
    assert {name: variable.attrs["units"] for name, variable in dataset.data_vars.items()} == {
        "air_temperature": "degC",
        "relative_humidity": "percent",
        "wind_speed": "m s-1",
        "precipitation": "mm",
        "shortwave_radiation": "W m-2",
        "surface_pressure": "hPa",
    }
    assert all(variable.attrs["origin"] == "modelled" for variable in dataset.data_vars.values())
    assert dataset.attrs["synthetic"] == "false"
    assert {"source", "title", "licence", "attribution"} <= set(dataset.attrs)
    assert "Copernicus" in dataset.attrs["attribution"]


def test_wind_is_brought_from_ten_to_two_metres(answers):
    dataset, _ = weather(open_meteo_answer, answers)
    assert dataset["air_temperature"][23] == 23.0
    assert float(dataset["wind_speed"][23]) == pytest.approx(23 * 0.748, abs=0.01)
    assert wind_at_2m(1.0, 10.0) == pytest.approx(0.748, abs=0.0005)
    # FAO-56, example 14: 3.2 m/s at 10 m is 2.4 m/s at 2 m.
    assert round(wind_at_2m(3.2, 10.0), 1) == 2.4


def test_null_is_missing_never_zero(answers):
    def handler(request):
        return open_meteo_answer(request, precipitation=[None] + [0.5] * 23)

    dataset, _ = weather(handler, answers)
    assert np.isnan(dataset["precipitation"].values).tolist() == ([True] + [False] * 23) * 2


def test_nothing_but_null_is_an_error(answers):
    nothing = {name: [None] * 24 for name in open_meteo.UNITS}
    with pytest.raises(SourceError, match="no value for this place"):
        weather(lambda request: open_meteo_answer(request, **nothing), answers)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time": ["2024-01-01T00:00"]}, "does not cover every hour"),
        ({"temperature_2m": [1.0] * 23}, "unequal length"),
        ({"temperature_2m": ["warm"] * 24}, "text in place of numbers"),
        ({"temperature_2m": 3}, "expected form: hourly.temperature_2m"),
    ],
)
def test_a_damaged_series_is_refused_whole(changes, message, answers):
    with pytest.raises(SourceError, match=message):
        weather(lambda request: open_meteo_answer(request, **changes), answers)


@pytest.mark.parametrize(
    ("unit", "given"), [("wind_speed_10m", "km/h"), ("temperature_2m", "°F"), ("precipitation", "inch")]
)
def test_other_units_are_refused(unit, given, answers):
    def handler(request):
        body = json.loads(open_meteo_answer(request).content)
        body["hourly_units"][unit] = given
        return httpx.Response(200, json=body)

    with pytest.raises(SourceError, match=f"{unit} came in '{given}'"):
        weather(handler, answers)


def test_a_failing_second_year_gives_nothing_at_all(answers, waits):
    def handler(request):
        if request.url.params["start_date"] == "2024-01-01":
            return httpx.Response(400, json={"error": True, "reason": "Parameter 'end_date' is out of allowed range"})
        return open_meteo_answer(request)

    with pytest.raises(SourceError, match="out of allowed range"):
        weather(handler, answers)


def test_a_recorded_answer_in_local_time_is_refused(recorded, answers):
    body = recorded("weather/open-meteo/archive_hourly.json").read_bytes()
    with pytest.raises(SourceError, match="7200 s off UTC"):
        weather(lambda request: httpx.Response(200, content=body), answers)


def test_recorded_members_are_told_from_the_control_run(recorded):
    body = json.loads(recorded("weather/open-meteo/ensemble_hourly_gefs.json").read_bytes())
    answer = open_meteo._Answer.model_validate(body)
    names = [member for _, variable, member in open_meteo._series(answer) if variable == "temperature_2m"]
    assert names == ["control", *(f"member {number}" for number in range(1, 31))]


def test_the_ensemble_has_members_an_issue_time_and_ends_with_the_run(answers):
    def handler(request):
        response = json.loads(open_meteo_answer(request, ("", "_member01", "_member02")).content)
        for name, values in response["hourly"].items():
            if name != "time":
                values[100:] = [None] * (len(values) - 100)
        return httpx.Response(200, json=response)

    dataset = open_meteo.OpenMeteoEnsemble(transport=answers(handler)).fetch(PLACE, WEEK)
    assert dict(dataset.sizes) == {"member": 3, "time": 100}
    assert dataset["member"].values.tolist() == [0, 1, 2]
    assert dataset["issue_time"].values == np.datetime64("2025-06-15")
    assert dataset["time"].values[0] == np.datetime64("2025-06-15")
    assert dataset["air_temperature"].dims == ("member", "time")


def test_a_member_that_lacks_a_variable_is_refused(answers):
    def handler(request):
        body = json.loads(open_meteo_answer(request, ("", "_member01")).content)
        del body["hourly"]["precipitation_member01"]
        return httpx.Response(200, json=body)

    with pytest.raises(SourceError, match="member 1 lacks precipitation"):
        open_meteo.OpenMeteoEnsemble(transport=answers(handler)).fetch(PLACE, WEEK)


def test_the_deterministic_forecast_is_one_member(answers):
    transport = answers(open_meteo_answer)
    dataset = open_meteo.OpenMeteoForecast(transport=transport).fetch(PLACE, WEEK)
    assert dict(dataset.sizes) == {"member": 1, "time": 168}
    assert transport.requests[0].url.host == "api.open-meteo.com"


def test_recorded_elevation(recorded, answers):
    body = recorded("weather/open-meteo/elevation.json").read_bytes()
    assert open_meteo.elevation(52.4, 4.8, answers(lambda request: httpx.Response(200, content=body))) == 11.0


def test_the_plan_weighs_requests_as_the_provider_does():
    # Worked by hand from the published rule: 6 variables, 365 days: 0.6 x 365 / 14 = 15.64 calls; two days at least 1.
    assert open_meteo.cost(When(dt.date(2023, 1, 1), dt.date(2023, 12, 31))) == pytest.approx(15.643, 1e-4)
    assert open_meteo.OpenMeteoWeather().plan(PLACE, TWO_YEARS).units == 2.0
    # 31 members: 18.6 tens over 7 days.
    assert open_meteo.OpenMeteoEnsemble().plan(PLACE, WEEK).units == pytest.approx(18.6)


@given(st.dates(dt.date(1940, 1, 1), dt.date(2030, 1, 1)), st.integers(0, 4000))
def test_planned_requests_cover_the_span_without_overlap(start, length):
    when = When(start, start + dt.timedelta(days=length))
    spans = [request.when for request in open_meteo.requests_of(PLACE, when, "era5_seamless")]
    assert (spans[0].start, spans[-1].end) == (when.start, when.end)
    assert sum(span.days for span in spans) == when.days
    assert all(span.start.year == span.end.year for span in spans)
