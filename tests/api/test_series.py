"""Downloads carry their unit and origin, as CSV and as Parquet alike."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from agritwin.api.series import Table
from agritwin.records import accounts
from agritwin.records.people import set_role
from tests.api.conftest import ON_SQLITE
from tests.report import holding


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    holding.make(folder)
    return folder


@pytest.fixture
def reader(made, workspace, engine, as_, around):
    """A client that may read the holding of formulas."""
    for name in ("data", "results"):
        (workspace / name).symlink_to(made / name)
    set_role(engine, accounts.find_account(engine, "nobody@example.org").party_id, holding.TWIN, "worker")
    return as_("nobody")


def comments(text):
    pairs = (line[2:].split(": ", 1) for line in text.splitlines() if line.startswith("# "))
    return dict(pairs)


def table(text):
    return pd.read_csv(io.StringIO(text), comment="#")


@ON_SQLITE
def test_the_catalogue_has_every_kind_of_series(reader):
    names = [row["name"] for row in reader.get(f"/series/{holding.TWIN}").json()]
    assert {name.split(".")[0] for name in names} == {"weather", "ndvi", "members", "forecast", "crop"}
    assert "weather.air_temperature" in names


@ON_SQLITE
@pytest.mark.parametrize(
    ("name", "column", "unit"),
    [
        ("weather.precipitation", "precipitation", "mm"),
        ("members.air_temperature", "member_0", "degC"),
        ("ndvi", "ndvi_mean", "1"),
        ("forecast.et0", "q0.5", "mm"),
        ("crop.root_zone_depletion", "p50", "mm"),
    ],
)
def test_a_download_tells_unit_and_origin(reader, name, column, unit):
    answer = reader.get(f"/series/{holding.TWIN}/{name}")
    assert answer.status_code == 200, answer.text
    about = comments(answer.text)
    assert f"{column} [{unit}]" in about["units"]
    assert about["synthetic"].startswith("true")
    assert about["twin"] == holding.TWIN
    values = table(answer.text)
    assert column in values
    assert len(values) > 0
    packed = reader.get(f"/series/{holding.TWIN}/{name}", params={"format": "parquet"})
    file = pq.read_table(io.BytesIO(packed.content))
    assert file.schema.field(column).metadata[b"units"] == unit.encode()
    origin = json.loads(file.schema.metadata[b"agritwin"])
    assert {key: " ".join(text.split()) for key, text in origin.items()}.items() <= about.items()
    assert np.allclose(file[column].to_numpy(), values[column], rtol=1e-6, equal_nan=True)


@ON_SQLITE
def test_weather_of_both_pins_is_one_series_without_gap_or_repeat(reader):
    values = table(reader.get(f"/series/{holding.TWIN}/weather.air_temperature").text)
    time = pd.to_datetime(values["time"])
    assert (time.diff().dropna() == pd.Timedelta("1h")).all()
    assert time.iloc[0] == pd.Timestamp("2021-10-01T00:00Z")
    assert time.iloc[-1] == pd.Timestamp("2025-06-14T22:00Z")
    span = {"start": "2025-01-01T00:00:00Z", "end": "2025-01-01T05:00:00+00:00"}
    assert len(table(reader.get(f"/series/{holding.TWIN}/weather.air_temperature", params=span).text)) == 6


@pytest.mark.parametrize(
    ("datatype", "values", "kind"),
    [
        ("float", [0.31, 0.29], "double"),
        ("integer", [2**60 + 1, -3], "int64"),
        ("boolean", [True, False], "bool"),
        ("string", ["wet", "año 1"], "large_string"),
    ],
)
def test_readings_of_a_sensor_are_a_series_of_their_twin(reader, admin, datatype, values, kind):
    measure = {"name": "soil tension", "units": "kilopascal", "datatype": datatype}
    assert admin.post("/sensor/insert-sensor-type", json={"name": "probe", "measures": [measure]}).is_success
    about = {"type_name": "probe", "unique_identifier": "P1", "twin": holding.TWIN}
    assert admin.post("/sensor/insert-sensor", json=about).is_success
    rows = {"unique_identifier": "P1", "measure_name": "soil tension", "readings": values}
    rows |= {"timestamps": ["2025-06-01T00:00:00Z", "2025-06-02T00:00:00Z"]}
    assert reader.post("/sensor/insert-sensor-readings", json=rows).is_success
    listed = reader.get(f"/series/{holding.TWIN}").json()
    (name,) = [row["name"] for row in listed if row["title"] == "soil tension of sensor P1"]
    answer = reader.get(f"/series/{holding.TWIN}/{name}")
    assert "value [kPa]" in comments(answer.text)["units"]
    assert table(answer.text)["value"].to_list() == values
    kept = pq.read_table(io.BytesIO(reader.get(f"/series/{holding.TWIN}/{name}", params={"format": "parquet"}).content))
    assert (str(kept.schema.field("value").type), kept["value"].to_pylist()) == (kind, values)


@ON_SQLITE
def test_what_is_not_there_is_told(reader):
    assert reader.get(f"/series/{holding.TWIN}/weather.nothing").status_code == 404
    assert reader.get("/series/47-9-9-0-0-1-1/ndvi").status_code == 403


def test_texts_that_a_spreadsheet_would_compute_are_quoted():
    moments = pd.to_datetime(["2025-06-15T12:00", "2025-06-15T13:00", "2025-06-15T14:00"])
    values = pd.DataFrame({"time": moments, "=state": ["=HYPERLINK(1)", "open", None], "level": [-1.5, 2.0, 3.0]})
    written = table("".join(Table(values, {"=state": "1", "level": "m"}, {}).csv()))
    assert list(written.columns) == ["time", "'=state", "level"]
    assert written["'=state"].dropna().to_list() == ["'=HYPERLINK(1)", "open"]
    assert written["level"].to_list() == [-1.5, 2.0, 3.0]
