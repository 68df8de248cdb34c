import datetime as dt
import json

import httpx
import numpy as np
import pandas as pd
import pvlib
import pytest

from agritwin.errors import SourceError
from agritwin.sources import nasa_power
from agritwin.sources.base import When, Where

PLACE = Where(44.76, 7.64)
DAY = When(dt.date(2025, 2, 2), dt.date(2025, 2, 2))
HOURLY_UNITS = {
    "T2M": "C",
    "RH2M": "%",
    "WS2M": "m/s",
    "PRECTOTCORR": "mm/hour",
    "ALLSKY_SFC_SW_DWN": "MJ/hr",
    "PS": "kPa",
}
DAILY_UNITS = HOURLY_UNITS | {
    "PRECTOTCORR": "mm/day",
    "ALLSKY_SFC_SW_DWN": "MJ/m^2/day",
    "T2M_MAX": "C",
    "T2M_MIN": "C",
}
# Radiation of 2025-02-02 at this place as the service gave it, W/m2, labelled 00 to 23 UTC.
RECORDED_RADIATION = [0.0] * 7 + [50.25, 184.2, 281.55, 368.3, 406.48, 386.45, 316.05, 210.1, 109.05, 12.9] + [0.0] * 7


def answer(request, value=lambda key, label: 1.0, units=None):
    asked = dict(request.url.params)
    start, end = pd.Timestamp(asked["start"]), pd.Timestamp(asked["end"])
    hourly = "/hourly/" in request.url.path
    times = pd.date_range(start, end + pd.Timedelta(hours=23 if hourly else 0), freq="h" if hourly else "D")
    labels = times.strftime("%Y%m%d%H" if hourly else "%Y%m%d")
    units = (HOURLY_UNITS if hourly else DAILY_UNITS) | (units or {})
    keys = asked["parameters"].split(",")
    body = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [7.64, 44.76, 705.88]},
        "properties": {"parameter": {key: {label: value(key, label) for label in labels} for key in keys}},
        "header": {"fill_value": -999.0, "time_standard": asked["time-standard"]},
        "messages": [],
        "parameters": {key: {"units": units[key], "longname": key} for key in keys},
    }
    return httpx.Response(200, content=json.dumps(body))


def fetch(handler, answers, when=DAY):
    transport = answers(handler)
    return nasa_power.NasaPower(transport).fetch(PLACE, when), transport


def test_hours_are_labelled_by_their_end(answers):
    """The service labels an hour by its beginning: its hour 23 of the day before is our 00:00."""
    dataset, transport = fetch(lambda request: answer(request, lambda key, label: float(label[-2:])), answers)
    assert transport.requests[0].url.params["start"] == "20250201"
    assert transport.requests[0].url.params["time-standard"] == "UTC"
    assert dataset["air_temperature"].values.tolist() == [23.0, *range(23)]


def test_recorded_radiation_is_centred_on_the_sun_only_if_labels_are_beginnings(answers):
    def handler(request):
        values = dict(zip((f"{hour:02d}" for hour in range(24)), RECORDED_RADIATION, strict=True))

        def value(key, label):
            return values[label[-2:]] if key == "ALLSKY_SFC_SW_DWN" and label.startswith("20250202") else 0.0

        return answer(request, value, {"ALLSKY_SFC_SW_DWN": "W/m^2"})

    radiation = fetch(handler, answers)[0]["shortwave_radiation"]
    centre = float((radiation * (np.arange(24) - 0.5)).sum() / radiation.sum())
    transit = pvlib.location.Location(44.76, 7.64).get_sun_rise_set_transit(pd.DatetimeIndex(["2025-02-02T12:00Z"]))
    noon = transit["transit"].iloc[0]
    assert centre == pytest.approx(noon.hour + noon.minute / 60, abs=0.25)


def test_units_are_converted_from_what_the_answer_says(answers):
    dataset, _ = fetch(answer, answers)
    assert set(dataset["surface_pressure"].values) == {10.0}
    assert dataset["shortwave_radiation"].values == pytest.approx(277.78, abs=0.01)
    dataset, _ = fetch(lambda request: answer(request, units={"ALLSKY_SFC_SW_DWN": "Wh/m^2"}), answers)
    assert set(dataset["shortwave_radiation"].values) == {1.0}


def test_the_fill_value_is_missing_before_any_conversion(answers):
    def value(key, label):
        return -999.0 if key == "PS" and label.endswith("05") else 90.0

    dataset, _ = fetch(lambda request: answer(request, value), answers)
    assert np.flatnonzero(dataset["surface_pressure"].isnull()).tolist() == [6]


def test_one_request_a_year(answers):
    dataset, transport = fetch(answer, answers, When(dt.date(2024, 12, 30), dt.date(2025, 1, 2)))
    assert [request.url.params["start"] for request in transport.requests] == ["20241229", "20241231"]
    assert dataset.sizes["time"] == 96
    assert dataset["air_temperature"].notnull().all()


def test_daily_weather_is_of_utc_days(answers):
    dataset = nasa_power.NasaPower(answers(answer)).daily(PLACE, When(dt.date(2025, 2, 1), dt.date(2025, 2, 3)))
    assert dataset["day"].attrs["zone"] == "UTC"
    assert dataset.sizes == {"day": 3}
    assert dataset["shortwave_radiation"].attrs["units"] == "MJ m-2 d-1"
    assert {"air_temperature_max", "air_temperature_min"} <= set(dataset.data_vars)


def test_other_units_and_missing_parameters_are_refused(answers):
    with pytest.raises(SourceError, match="WS2M came in 'km/h'"):
        fetch(lambda request: answer(request, units={"WS2M": "km/h"}), answers)

    def without_rain(request):
        body = json.loads(answer(request).content)
        del body["properties"]["parameter"]["PRECTOTCORR"]
        return httpx.Response(200, json=body)

    with pytest.raises(SourceError, match="lacks PRECTOTCORR"):
        fetch(without_rain, answers)


def test_a_series_that_ends_early_is_refused_whole(answers):
    def short(request):
        body = json.loads(answer(request).content)
        body["properties"]["parameter"]["T2M"].popitem()
        body["properties"]["parameter"]["T2M"].popitem()
        return httpx.Response(200, json=body)

    with pytest.raises(SourceError, match="T2M lacks 1 of 24 times"):
        fetch(short, answers)


def test_recorded_headers_and_units_are_understood(recorded):
    body = json.loads(recorded("weather/nasa-power/monthly_regional.json").read_bytes())
    read = nasa_power._Answer.model_validate(body | {"properties": body["features"][0]["properties"]})
    assert read.header.fill_value == -999.0
    assert read.properties.parameter["T2M"]["202213"] == 19.0
    assert nasa_power.FACTORS["MJ m-2 d-1", read.parameters["ALLSKY_SFC_SW_DWN"].units] == 1.0
