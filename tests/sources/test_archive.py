import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.transform import from_origin

from agritwin.errors import ConfigError, SourceError
from agritwin.sources import open_meteo, soilgrids
from agritwin.sources.archive import ArchiveForecast, ArchiveSoil, ArchiveTerrain, ArchiveWeather
from agritwin.sources.base import When, Where
from agritwin.sources.canonical import wind_at_2m

PLACE = Where(41.271, -4.819)
ELSEWHERE = Where(40.0, -3.0)
ISSUE = When(dt.date(2025, 6, 3), dt.date(2025, 6, 4))
HOURS = pd.date_range("2025-06-01", "2025-06-10T23:00", freq="h")


@pytest.fixture
def folder(tmp_path):
    """An archive of one cell: values that say what hour they belong to, two members, twelve lead hours."""
    site = {
        "weather_cell": {"name": "n413w048", "latitude": 41.27, "longitude": -4.82, "elevation_m": 748.0},
        "soil": "soil/here.json",
        "terrain": "terrain/here.tif",
    }
    about = {"title": "Test archive", "notice": "Made up.", "synthetic": True, "sites": {"here": site}}
    for name in ("weather", "soil", "terrain"):
        (tmp_path / name).mkdir()
    (tmp_path / "archive.json").write_text(json.dumps(about))
    hour = HOURS.hour.to_numpy(float)
    table = {"time": HOURS, "temperature_2m": hour, "relative_humidity_2m": 95.0, "wind_speed_10m": 1.0}
    table |= {"precipitation": np.arange(HOURS.size) / 10, "shortwave_radiation": np.where(hour > 6, 100.0, 0.0)}
    pd.DataFrame(table | {"surface_pressure": 930.0}).astype(dict.fromkeys(open_meteo.UNITS, "float32")).to_parquet(
        tmp_path / "weather" / "n413w048.parquet"
    )
    lead = np.arange(1, 13)
    errors = pd.concat(
        pd.DataFrame(
            {
                "member": member,
                "lead_hour": lead,
                "temperature_2m": member * lead / 10,
                "relative_humidity_2m": 10.0,
                "wind_speed_10m": -3.0,
                "shortwave_radiation": 20.0,
                "surface_pressure": 1.0,
                "precipitation_factor": 2.0,
                "precipitation_shift_h": shift,
            }
        )
        for member, shift in ((1, -3), (2, 0))
    )
    errors.to_parquet(tmp_path / "weather" / "n413w048.forecast_errors.parquet")
    (tmp_path / "soil" / "here.json").write_text(json.dumps(soil_answer()))
    profile = {"driver": "GTiff", "width": 300, "height": 300, "count": 1, "dtype": "float32", "crs": "EPSG:32630"}
    with rasterio.open(
        tmp_path / "terrain" / "here.tif", "w", transform=from_origin(346900, 4571300, 5, 5), **profile
    ) as raster:
        raster.write(np.full((300, 300), 750.0, np.float32), 1)
    return tmp_path


def soil_answer():
    units = {"clay": "%", "sand": "%", "silt": "%", "soc": "g/kg", "phh2o": "-", "bdod": "kg/dm³", "cfvo": "cm³/100cm³"}
    layers = [
        {
            "name": name,
            "unit_measure": {"d_factor": 10, "mapped_units": "", "target_units": unit},
            "depths": [
                {"label": depth, "values": {"mean": 100 + position}} for position, depth in enumerate(soilgrids.DEPTHS)
            ],
        }
        for name, unit in units.items()
    ]
    return {"type": "Feature", "properties": {"layers": layers}}


def test_weather_is_the_archive_in_canonical_form_and_says_it_is_synthetic(folder):
    dataset = ArchiveWeather(folder).fetch(PLACE, ISSUE)
    assert dataset["air_temperature"].values.tolist() == [*range(24), *range(24)]
    assert float(dataset["wind_speed"][0]) == pytest.approx(wind_at_2m(1.0, 10.0))
    assert dataset.attrs["synthetic"] == "true"
    assert dataset.attrs["title"] == "Test archive"
    assert dataset.attrs["source"] == "archive"


def test_nothing_is_served_after_the_day_asked_for(folder):
    dataset = ArchiveWeather(folder).fetch(PLACE, ISSUE)
    assert dataset["time"].values[-1] == np.datetime64("2025-06-04T23:00")


def test_a_forecast_is_the_weather_plus_each_members_error(folder):
    forecast = ArchiveForecast(folder).fetch(PLACE, ISSUE)
    assert dict(forecast.sizes) == {"member": 2, "time": 13}
    assert forecast["issue_time"].values == np.datetime64("2025-06-03T00:00")
    assert forecast["air_temperature"].values[0].round(6).tolist() == [round(h + h / 10, 6) for h in range(13)]
    assert forecast["air_temperature"].values[1].round(6).tolist() == [round(h + h / 5, 6) for h in range(13)]
    assert forecast["surface_pressure"].values[0].tolist() == [930.0] + [931.0] * 12
    assert forecast.attrs["synthetic"] == "true"


def test_forecast_errors_respect_physical_limits(folder):
    forecast = ArchiveForecast(folder).fetch(PLACE, ISSUE).isel(member=0, time=slice(1, None))
    assert set(forecast["relative_humidity"].values) == {100.0}
    assert set(forecast["wind_speed"].values) == {0.0}
    # No sun is forecast for hours that are dark in the archive.
    assert forecast["shortwave_radiation"].values.tolist() == [0.0] * 6 + [120.0] * 6


def test_forecast_rain_is_scaled_and_shifted_in_time(folder):
    weather = ArchiveWeather(folder).fetch(PLACE, ISSUE)["precipitation"]
    rain = ArchiveForecast(folder).fetch(PLACE, ISSUE)["precipitation"]
    assert rain.values[1, 1:13] == pytest.approx(2 * weather.values[1:13])
    assert rain.values[0, 1:13] == pytest.approx(2 * weather.values[4:16])


def test_the_hour_that_ends_with_the_issue_is_known(folder):
    weather = ArchiveWeather(folder).fetch(PLACE, ISSUE).isel(time=0)
    forecast = ArchiveForecast(folder).fetch(PLACE, ISSUE).isel(time=0)
    for name in weather.data_vars:
        assert forecast[name].values == pytest.approx(float(weather[name]))


@pytest.mark.parametrize("source", [ArchiveWeather, ArchiveForecast, ArchiveSoil, ArchiveTerrain])
def test_elsewhere_the_archive_says_what_it_covers(source, folder):
    with pytest.raises(SourceError, match="covers only the cells n413w048") as caught:
        source(folder).fetch(ELSEWHERE, ISSUE)
    assert "live source" in caught.value.remedy
    assert not caught.value.temporary


def test_days_outside_the_archive_are_refused_whole(folder):
    with pytest.raises(SourceError, match="holds 2025-06-01 to 2025-06-10"):
        ArchiveWeather(folder).fetch(PLACE, When(dt.date(2025, 5, 31), dt.date(2025, 6, 2)))


def test_soil_comes_through_the_live_client(folder):
    soil = ArchiveSoil(folder).fetch(PLACE, ISSUE)
    assert soil["clay"].values.tolist() == [10.0, 10.1, 10.2, 10.3, 10.4, 10.5]
    assert soil.attrs["synthetic"] == "true"


def test_terrain_is_read_around_the_place(folder):
    terrain = ArchiveTerrain(folder, buffer_m=50.0, resolution_m=10.0).fetch(PLACE, ISSUE)
    assert set(np.unique(terrain["surface_altitude"])) == {750.0}
    assert dict(terrain.sizes) in ({"y": 10, "x": 11}, {"y": 11, "x": 10}, {"y": 11, "x": 11}, {"y": 10, "x": 10})
    with pytest.raises(SourceError, match="have no height"):
        ArchiveTerrain(folder, buffer_m=5000.0).fetch(PLACE, ISSUE)


def test_the_folder_is_found_from_below(folder, tmp_path, monkeypatch):
    home = tmp_path / "home" / "data"
    home.mkdir(parents=True)
    (home / "archive").symlink_to(folder)
    below = tmp_path / "home" / "notebooks"
    below.mkdir()
    monkeypatch.chdir(below)
    assert ArchiveWeather().fetch(PLACE, ISSUE).attrs["title"] == "Test archive"


@pytest.mark.parametrize("content", ["", "[]", '{"title": "x"}', "{"])
def test_a_damaged_description_is_a_configuration_error(content, folder):
    (folder / "archive.json").write_text(content)
    with pytest.raises(ConfigError, match="does not describe"):
        ArchiveWeather(folder)


def test_a_damaged_table_is_a_source_error(folder):
    (folder / "weather" / "n413w048.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match="cannot be read"):
        ArchiveWeather(folder).fetch(PLACE, ISSUE)


def test_the_archive_of_the_repository_answers_for_its_own_sites():
    weather = ArchiveWeather()
    for site in weather._archive.about["sites"].values():
        place = Where(site["position"]["latitude"], site["position"]["longitude"])
        as_of = dt.date.fromisoformat(weather._archive.about["as_of"])
        dataset = weather.fetch(place, When(as_of, as_of))
        assert not any(bool(variable.isnull().any()) for variable in dataset.data_vars.values())
        forecast = ArchiveForecast().fetch(place, When(as_of, as_of + dt.timedelta(days=9)))
        assert forecast.sizes["time"] == 240
        assert (ArchiveSoil().fetch(place, When(as_of, as_of))["clay"] > 0).all()
        assert (ArchiveTerrain().fetch(place, When(as_of, as_of))["surface_altitude"] > 0).all()
