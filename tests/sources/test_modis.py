"""MODIS by the web service's contract, its answers filled with sixteen real years of a Swiss field."""

import csv
import datetime as dt
import json

import httpx
import numpy as np
import pytest

from agritwin.errors import SourceError
from agritwin.sources.base import When, Where
from agritwin.sources.modis import COMPOSITES, Modis

FIELD = Where(47.2863, 7.7343)


@pytest.fixture
def rows(recorded) -> list[dict[str, str]]:
    with recorded("eo_samples/modis/mod13a1_10_flux_sites.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["site"] == "CH-Oe2" and row["NDVI"] not in ("", "NA")]


def modis_date(text: str) -> str:
    return f"A{dt.date.fromisoformat(text):%Y%j}"


def service(rows, answers, **changes):
    """The service of the contract, with at most ten composites an answer."""
    columns = {"NDVI": "NDVI", "pixel_reliability": "SummaryQA", "composite_day_of_the_year": "DayOfYear"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/dates"):
            dates = [{"modis_date": modis_date(row["date"]), "calendar_date": row["date"]} for row in rows]
            return httpx.Response(200, content=json.dumps({"dates": dates}))
        params = request.url.params
        wanted = [row for row in rows if params["startDate"] <= modis_date(row["date"]) <= params["endDate"]]
        if len(wanted) > COMPOSITES:
            return httpx.Response(400, text="Number of dates is limited to 10")
        band = params["band"]
        subset = [
            {
                "modis_date": modis_date(row["date"]), "calendar_date": row["date"], "band": band, "tile": "h18v04",
                "proc_date": "2020", "data": [float(row[columns[band.removeprefix("250m_16_days_")]] or -3000)],
            }
            for row in wanted
        ]  # fmt: skip
        body = {
            "xllcorner": "1", "yllcorner": "2", "cellsize": 231.65, "nrows": 1, "ncols": 1, "band": band, "units": "",
            "scale": "0.0001", "latitude": 47.3, "longitude": 7.7, "header": "", "subset": subset,
        }  # fmt: skip
        return httpx.Response(200, content=json.dumps(body | changes))

    transport = answers(answer)
    return Modis(transport=transport), transport


def test_years_of_a_field_come_in_pieces_of_ten(rows, answers) -> None:
    modis, transport = service(rows, answers)
    dataset = modis.fetch(FIELD, When(dt.date(2004, 1, 1), dt.date(2007, 12, 31)))
    wanted = [row for row in rows if "2003-12-17" <= row["date"] <= "2007-12-31"]
    assert dataset.sizes["time"] == len(wanted)
    by_start = dataset.sortby("composite_start")
    assert by_start["composite_start"].dt.strftime("%Y-%m-%d").values.tolist() == [row["date"] for row in wanted]
    np.testing.assert_allclose(by_start["ndvi"], [int(row["NDVI"]) * 1e-4 for row in wanted], atol=1e-9)
    assert by_start["reliability"].values.tolist() == [int(row["SummaryQA"]) for row in wanted]
    pieces = [request for request in transport.requests if request.url.path.endswith("/subset")]
    assert len(pieces) == 3 * -(-len(wanted) // COMPOSITES)
    assert transport.requests[0].headers["accept"] == "application/json"


def test_the_time_is_the_day_seen_and_may_lie_in_the_next_year(rows, answers) -> None:
    modis, _ = service(rows, answers)
    dataset = modis.fetch(FIELD, When(dt.date(2000, 2, 18), dt.date(2018, 6, 10)))
    late = (dataset["time"] - dataset["composite_start"]).dt.days
    assert late.min() >= 0
    assert sorted(set(late.values))[-2:] == [15, 21], "one composite of a leap year tells a day beyond its end"
    crossing = dataset["time"].dt.year > dataset["composite_start"].dt.year
    assert crossing.any(), "the sample holds composites seen in January"
    assert (np.diff(dataset["time"].values) >= np.timedelta64(0, "ns")).all()


def test_fill_values_are_missing_and_never_numbers(rows, answers) -> None:
    rows = [row | {"NDVI": "-3000", "SummaryQA": "-1"} if number == 3 else row for number, row in enumerate(rows[:12])]
    modis, _ = service(rows, answers)
    dataset = modis.fetch(FIELD, When(dt.date(2000, 1, 1), dt.date(2000, 12, 31))).sortby("composite_start")
    assert np.isnan(dataset["ndvi"].values).tolist() == [number == 3 for number in range(12)]
    assert dataset["reliability"].values[3] == 255


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"scale": "1.0"}, "scaled by 1.0"), ({"band": "EVI"}, "something else came"), ({"subset": []}, "did not come")],
)
def test_an_answer_of_another_form_is_an_error(rows, answers, changes, message) -> None:
    modis, _ = service(rows, answers, **changes)
    with pytest.raises(SourceError, match=message):
        modis.fetch(FIELD, When(dt.date(2004, 1, 1), dt.date(2004, 12, 31)))


def test_days_without_a_composite_are_an_error(rows, answers) -> None:
    modis, _ = service(rows, answers)
    with pytest.raises(SourceError, match="no composite of 1999"):
        modis.fetch(FIELD, When(dt.date(1999, 1, 1), dt.date(1999, 12, 31)))
