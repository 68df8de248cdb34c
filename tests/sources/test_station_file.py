import datetime as dt
import shutil

import numpy as np
import pandas as pd
import pytest

from agritwin.errors import ConfigError, SourceError
from agritwin.sources.base import When, Where, open_source
from agritwin.sources.station_file import StationFile

PLACE = Where(41.27, -4.82)
DAY = When(dt.date(2025, 6, 14), dt.date(2025, 6, 14))
MAPPING = {
    "time": "Fecha",
    "time_format": "%d/%m/%Y %H:%M",
    "separator": ";",
    "decimal": ",",
    "columns": {
        "air_temperature": {"column": "Temp", "unit": "degC"},
        "precipitation": {"column": "Lluvia", "unit": "mm"},
    },
}


def readings(start="2025-06-13 23:10", end="2025-06-14 23:00", step="10min"):
    times = pd.date_range(start, end, freq=step)
    return pd.DataFrame({"Fecha": times, "Temp": times.hour + times.minute / 60, "Lluvia": 0.1})


def write(path, table):
    texts = table.assign(Fecha=table["Fecha"].dt.strftime("%d/%m/%Y %H:%M"))
    texts.to_csv(path, sep=";", decimal=",", index=False)
    return path


def fetch(path, when=DAY, **changes):
    return StationFile(path, MAPPING | changes).fetch(PLACE, when)


def test_ten_minute_readings_become_hours(tmp_path):
    dataset = fetch(write(tmp_path / "a.csv", readings()))
    assert dataset["precipitation"].values == pytest.approx(0.6)
    # The hour that ends at 12:00: 11:10 to 12:00.
    assert dataset["air_temperature"].sel(time="2025-06-14T12:00") == pytest.approx(np.mean(11 + np.arange(1, 7) / 6))
    assert dataset["air_temperature"].attrs["cell_methods"] == "time: mean"
    assert dataset["relative_humidity"].isnull().all()
    assert dataset["air_temperature"].attrs["origin"] == "measured"


def test_an_hour_that_lacks_a_reading_is_missing(tmp_path):
    table = readings()
    table.loc[8, "Lluvia"] = np.nan
    dataset = fetch(write(tmp_path / "a.csv", table))
    assert np.flatnonzero(dataset["precipitation"].isnull()).tolist() == [1]
    assert dataset["air_temperature"].notnull().all()


def test_stamps_at_the_start_are_moved_to_the_end(tmp_path):
    path = write(tmp_path / "a.csv", readings("2025-06-13 23:00", "2025-06-14 22:00", "1h"))
    dataset = fetch(path, stamp="start")
    assert dataset["air_temperature"].values.tolist() == [23.0, *range(23)]


def test_local_time_becomes_utc_through_the_autumn_change(tmp_path):
    """On 2024-10-27 the hour from 02:00 to 03:00 comes twice in Madrid."""
    local = pd.date_range("2024-10-27 00:00", "2024-10-28 01:00", freq="1h", tz="Europe/Madrid")
    table = pd.DataFrame({"Fecha": local.tz_localize(None), "Temp": np.arange(local.size, dtype=float), "Lluvia": 0.0})
    dataset = fetch(
        write(tmp_path / "a.csv", table), When(dt.date(2024, 10, 27), dt.date(2024, 10, 27)), zone="Europe/Madrid"
    )
    # 00:00 local is 22:00 UTC of the day before, so 00:00 UTC is the third value; no hour is lost or doubled.
    assert dataset["air_temperature"].values.tolist() == list(np.arange(2.0, 26.0))


def test_units_and_wind_height_are_converted(tmp_path):
    table = readings(step="1h", start="2025-06-14 00:00").rename(columns={"Temp": "Viento"})
    path = write(tmp_path / "a.csv", table.assign(Viento=36.0))
    columns = {"wind_speed": {"column": "Viento", "unit": "km/h"}}
    assert fetch(path, columns=columns)["wind_speed"].values == pytest.approx(10.0)
    assert fetch(path, columns=columns, wind_height_m=10.0)["wind_speed"].values == pytest.approx(7.48, abs=0.01)
    radiation = {"shortwave_radiation": {"column": "Viento", "unit": "MJ m-2 h-1"}}
    assert fetch(path, columns=radiation)["shortwave_radiation"].values == pytest.approx(10_000)


def test_excel_is_read_too(tmp_path):
    table = readings(step="1h", start="2025-06-14 00:00")
    table.to_excel(tmp_path / "a.xlsx", index=False, sheet_name="Datos")
    dataset = fetch(tmp_path / "a.xlsx", sheet="Datos", time_format="ISO8601")
    assert dataset["air_temperature"].values.tolist() == list(range(24))


def test_date_and_time_may_stand_in_two_columns(tmp_path):
    (tmp_path / "a.csv").write_text("Dia,Hora,Temp\n2025-06-14,00:00,1.5\n2025-06-14,01:00,2.5\n")
    columns = {"air_temperature": {"column": "Temp", "unit": "degC"}}
    mapping = {"time": ["Dia", "Hora"], "columns": columns}
    dataset = StationFile(tmp_path / "a.csv", mapping).fetch(PLACE, DAY)
    assert dataset["air_temperature"].values[:2].tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("14/06/2025 02:00;warm;0,1", "row 4, column Temp: 'warm' is no number"),
        ("14/06/2025 01:00;1,0;0,1", "missing or occur twice"),
        ("2025-06-14;1,0;0,1", "times cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(line, message, tmp_path):
    (tmp_path / "a.csv").write_text(f"Fecha;Temp;Lluvia\n14/06/2025 00:00;1,0;0,1\n14/06/2025 01:00;1,0;0,1\n{line}\n")
    with pytest.raises(SourceError, match=message):
        fetch(tmp_path / "a.csv")


def test_a_missing_file_and_a_missing_column_are_source_errors(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        fetch(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="no column Regen"):
        fetch(write(tmp_path / "a.csv", readings()), columns={"precipitation": {"column": "Regen", "unit": "mm"}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"stamp": "middle"}, "stamp"),
        ({"speed": 1}, "speed"),
        ({"columns": {"rain": {"column": "x", "unit": "mm"}}}, "rain is unknown"),
    ],
)
def test_a_wrong_mapping_is_a_configuration_error(changes, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        StationFile(tmp_path / "a.csv", MAPPING | changes)


def test_units_that_do_not_agree_are_refused(tmp_path):
    columns = {"air_temperature": {"column": "Temp", "unit": "mm"}}
    with pytest.raises(SourceError, match="cannot become 'degC'"):
        fetch(write(tmp_path / "a.csv", readings()), columns=columns)


def test_the_configuration_names_the_description_of_a_station(root, tmp_path):
    """The shipped description, and a file such as it describes."""
    shutil.copy(root / "config/mappings/weather/own-station.yaml", tmp_path)
    times = pd.date_range("2025-06-14 00:00", "2025-06-15 02:00", freq="1h").strftime("%d/%m/%Y %H:%M")
    rows = [f"{time};{21.5};55;3,6;0,2;500;925,1".replace(".", ",") for time in times]
    names = "Fecha;Temperatura;Humedad;Viento;Lluvia;Radiacion;Presion"
    (tmp_path / "own-station.csv").write_text("\n".join([names, *rows]))
    dataset = open_source("weather", "station_file", station=str(tmp_path / "own-station.yaml")).fetch(PLACE, DAY)
    noon = dataset.sel(time="2025-06-14T12:00")
    expected = {
        "air_temperature": 21.5, "relative_humidity": 55, "wind_speed": 1.0, "precipitation": 0.2,
        "shortwave_radiation": 500, "surface_pressure": 925.1,
    }  # fmt: skip
    assert {name: noon[name].item() for name in expected} == pytest.approx(expected)
    # Midnight in Madrid is 22:00 UTC of the day before.
    assert dataset["air_temperature"].notnull().all()


@pytest.mark.parametrize("text", ["- a list", "time: Fecha", "file: [x]", "file: {"])
def test_a_description_that_names_no_file_is_a_configuration_error(text, tmp_path):
    (tmp_path / "station.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"station\.yaml"):
        StationFile(tmp_path / "station.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        StationFile(tmp_path / "none.yaml")
