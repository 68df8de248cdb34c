"""One real request to each provider, to be run where there is a network.

``AGRITWIN_LIVE=1 pytest tests/sources/test_live.py``; sources that need an account are skipped without it.
"""

import datetime as dt
import os

import numpy as np
import pytest

from agritwin.geometry import sigpac_code
from agritwin.sources.aemet import Aemet
from agritwin.sources.base import When, Where
from agritwin.sources.dem import Glo30Terrain, Mdt05Terrain
from agritwin.sources.nasa_power import NasaPower
from agritwin.sources.open_meteo import OpenMeteoEnsemble, OpenMeteoForecast, OpenMeteoWeather, elevation
from agritwin.sources.siar import Siar
from agritwin.sources.sigpac import Sigpac
from agritwin.sources.soilgrids import SoilGrids

if os.environ.get("AGRITWIN_LIVE") != "1":
    pytest.skip("set AGRITWIN_LIVE=1 to ask the real providers", allow_module_level=True)

PLACE = Where(41.27, -4.82)
JUNE = When(dt.date(2025, 6, 1), dt.date(2025, 6, 7))
TODAY = dt.datetime.now(dt.UTC).date()
NEXT_DAYS = When(TODAY, TODAY + dt.timedelta(days=5))


def account(*names):
    for name in names:
        if not os.environ.get(name):
            pytest.skip(f"{name} is not set")


@pytest.mark.parametrize("source", [OpenMeteoWeather, NasaPower])
def test_a_week_of_june_is_complete_and_sunny(source):
    dataset = source().fetch(PLACE, JUNE)
    assert dataset["air_temperature"].notnull().all()
    assert 5 < float(dataset["air_temperature"].mean()) < 35
    radiation = dataset["shortwave_radiation"]
    assert float(radiation.sel(time="2025-06-03T12:00")) > 100
    assert float(radiation.sel(time="2025-06-03T00:00")) == 0


@pytest.mark.parametrize("source", [OpenMeteoForecast, OpenMeteoEnsemble])
def test_a_forecast_reaches_three_days(source):
    dataset = source().fetch(PLACE, NEXT_DAYS)
    assert dataset.sizes["time"] >= 72
    assert dataset["air_temperature"].isel(time=slice(1, 72)).notnull().all()


def test_the_altitude_is_that_of_the_plateau():
    assert elevation(41.27, -4.82) == pytest.approx(755, abs=30)


def test_both_terrains_agree():
    surface, ground = (
        source(buffer_m=300.0).fetch(PLACE, JUNE)["surface_altitude"] for source in (Glo30Terrain, Mdt05Terrain)
    )
    assert float(surface.mean()) == pytest.approx(float(ground.mean()), abs=5)


def test_the_soil_adds_up():
    soil = SoilGrids().fetch(PLACE, JUNE)
    assert (soil["clay"] + soil["sand"] + soil["silt"]).values == pytest.approx(100, abs=2)


def test_the_enclosure_of_the_example_is_there():
    assert Sigpac().enclosure(sigpac_code("47-96-0-0-5-20-1")).area_ha == pytest.approx(13.6, abs=0.5)


def test_aemet_gives_a_week():
    account("AEMET_API_KEY")
    assert np.isfinite(Aemet("2422").daily(PLACE, JUNE)["air_temperature_max"]).all()


def test_siar_gives_a_week():
    account("SIAR_USER", "SIAR_PASSWORD")
    assert np.isfinite(Siar("VA102").daily(PLACE, JUNE)["et0"]).all()
