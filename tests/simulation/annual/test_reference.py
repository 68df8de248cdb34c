"""Side by side with PCSE: other crops, soils, seasons and weather, day by day, in every variable that both reckon."""

import datetime as dt
import sys
from typing import Any

import numpy as np
import pytest
import xarray as xr

from agritwin.errors import ConfigError
from agritwin.simulation.annual import reference
from agritwin.simulation.annual.parameters import SPECIES, sample
from agritwin.simulation.annual.weather import drivers, penman, sun
from agritwin.simulation.annual.wofost import simulate
from tests.simulation.annual import published
from tests.simulation.annual.conftest import cropping, field, shipped, wageningen, wageningen_drivers

pytestmark = pytest.mark.filterwarnings("ignore:Passing unrec:DeprecationWarning")


def disagreement(found: xr.Dataset, expected: xr.Dataset) -> dict[str, float]:
    """Largest relative difference of each variable; what is below a millionth of its unit counts as zero."""
    worst = {}
    for name in expected.data_vars:
        known = expected[name].to_numpy()
        there = ~np.isnan(known)
        apart = np.abs(found[name].to_numpy() - known)[there]
        worst[str(name)] = float(np.max(apart / np.maximum(np.abs(known[there]), 1e-6), initial=0.0))
    return worst


def assert_agree(weather: xr.Dataset, parameters: Any, management: dict[str, Any]) -> xr.Dataset:
    expected = reference.simulate(weather, parameters, None, management)
    found = simulate(weather, parameters, None, management)
    worst = disagreement(found, expected)
    assert max(worst.values()) < 1e-6, {name: value for name, value in worst.items() if value >= 1e-6}
    return expected


def perturbed(seed: int) -> tuple[xr.Dataset, dict[str, Any], dict[str, Any]]:
    """Some crop on some soil in some place, with weather that is colder or warmer, drier or wetter."""
    random = np.random.default_rng(seed)
    crop = str(random.choice(list(published.CROPS)))
    parameters = field(crop)
    for name in ("TSUM1", "TSUM2", "SPAN", "TDWI", "RGRLAI", "Q10", "RML", "RMO", "RMR", "RMS", "CFET", "RRI", "RDMCR"):
        parameters[name] *= random.uniform(0.7, 1.3)
    for name in ("CVL", "CVO", "CVR", "CVS"):
        parameters[name] = min(parameters[name] * random.uniform(0.8, 1.2), 0.95)
    parameters |= {"TSUMEM": random.uniform(50, 200), "TBASEM": random.uniform(-2, 5), "TEFFMX": random.uniform(15, 30)}
    parameters |= {"DEPNR": random.uniform(1, 5), "RDI": float(random.choice([10.0, 15.0, 6.0]))}
    parameters |= {"IDSL": float(random.integers(3)), "IAIRDU": float(random.random() < 0.2)}
    base, shortest = random.uniform(0, 10), random.uniform(6, 11)
    parameters |= {"DLC": shortest, "DLO": shortest + random.uniform(2, 6), "VERNDVS": random.uniform(0.1, 0.5)}
    parameters |= {"VERNBASE": base, "VERNSAT": base + random.uniform(5, 50), "PERDL": random.uniform(0.02, 0.05)}
    parameters["VERNRTB"] = [(-8, 0), (-4, 0), (3, 1), (10, 1), (17, 0), (20, 0)]
    if random.random() < 0.4:  # green stems and pods
        parameters |= {"SPA": random.uniform(0, 0.001), "SSATB": [(0, 0), (0.5, 0.0005), (2, 0.0002)]}
    for name in ("AMAX_FACTOR", "EFF_FACTOR", "KDIF_FACTOR", "SLA_FACTOR"):
        parameters[name] = random.uniform(0.8, 1.2)
    dry = random.uniform(0.03, 0.2)
    moist = dry + random.uniform(0.05, 0.2)
    full = moist + random.uniform(0.03, 0.2)
    parameters |= {"SMW": dry, "SMFCF": moist, "SM0": full, "SMLIM": random.uniform(dry, full)}
    # no round numbers: with a percolation of 1 cm the next day's evaporation would hang on the last digit
    parameters |= {name: float(random.choice([0.5, 2.0, 50.0])) * random.uniform(0.9, 1.1) for name in ("SOPE", "KSUB")}
    parameters |= {"CRAIRC": random.uniform(0.03, 0.1), "RDMSOL": float(random.choice([40, 90, 200]))}
    parameters |= {"IFUNRN": float(random.integers(2)), "NOTINF": float(random.choice([0, 0.3, 0.8]))}
    parameters |= {"SSMAX": float(random.choice([0, 2, 5])), "WAV": random.uniform(0, 30)}
    parameters["SSI"] = parameters["SSMAX"] * random.uniform(0, 1)
    weather = published.weather().assign_coords(latitude=random.uniform(-55, 62)).copy(deep=True)
    weather["precipitation"][:] = np.minimum(weather["precipitation"] * random.choice([0.1, 1, 4, 10]), 240.0)
    warmer = random.normal(0, 4)
    weather["air_temperature_max"][:] += warmer
    weather["air_temperature_min"][:] += warmer
    weather["shortwave_radiation"][:] *= random.uniform(0.5, 1.0)
    if random.random() < 0.3:
        depths = np.zeros(366)
        depths[random.integers(0, 365, 12)] = random.uniform(5, 60, 12)
        weather["irrigation"] = ("day", depths, {"units": "mm"})
    sowing = dt.date(2000, 1, 1) + dt.timedelta(int(random.integers(0, 150)))
    production = "water_limited" if random.random() < 0.8 else "potential"
    parameters["IOX"] = float(random.integers(2)) if production == "water_limited" else 0.0
    management = {"sowing": sowing, "start": str(random.choice(["sowing", "emergence"])), "production": production}
    management |= {"duration_days": int(random.choice([365, 120])), "end": str(random.choice(["ripeness", "earliest"]))}
    if random.random() < 0.5:
        management |= {"harvest": sowing + dt.timedelta(int(random.integers(60, 200))), "end": "harvest"}
    return weather, parameters, management


def test_perturbed_crops_soils_and_weather(pcse: Any, thorough: bool) -> None:
    grown = []
    for seed in range(200 if thorough else 4):
        expected = assert_agree(*perturbed(seed))
        grown.append(float(expected["above_ground_production"].max()))
    assert max(grown) > 1000.0


@pytest.mark.parametrize("crop", ["maize", "wheat"])
def test_recorded_weather_of_a_dry_and_a_wet_year(pcse: Any, crop: str) -> None:
    soil = {"SMW": 0.06, "SMFCF": 0.16, "SM0": 0.39, "RDMSOL": 90.0, "WAV": 8.0, "SSMAX": 1.0, "NOTINF": 0.1}
    dry, wet = (
        assert_agree(wageningen_drivers(year), field(crop, **soil), cropping(crop, sowing=dt.date(year, 4, 20)))
        for year in (1976, 1998)
    )
    rain = {year: float(wageningen(year)["precipitation"].sum()) for year in (1976, 1998)}
    assert rain[1976] < rain[1998]
    assert float(dry["transpiration_reduction"].min()) < float(wet["transpiration_reduction"].min()) + 0.5


def test_shipped_parameters_run_alike_in_both_engines(pcse: Any, thorough: bool) -> None:
    for crop in SPECIES if thorough else ("rapeseed", "potato"):
        assert_agree(published.weather(), sample(crop, 1, seed=0), shipped(crop))


def test_members_of_an_ensemble_are_those_of_single_runs(pcse: Any) -> None:
    members = sample("maize", 40, seed=4)
    found = simulate(published.weather(), members, None, shipped("maize"))
    chosen = [17, 39]
    expected = reference.simulate(published.weather(), members.isel(member=chosen), None, shipped("maize"))
    assert max(disagreement(found.isel(member=chosen), expected).values()) < 1e-6


def test_evaporation_of_water_and_soil_is_pcses(pcse: Any) -> None:
    from pcse.util import penman as oracle

    weather = wageningen(1987)
    found = penman(weather, 51.97, 7.0, (0.18, 0.55))
    for position in range(0, 365, 7):
        day = weather.isel(day=position)
        water, soil, _ = oracle(
            day["day"].to_numpy().astype("datetime64[D]").item(),
            51.97,
            7.0,
            float(day["air_temperature_min"]),
            float(day["air_temperature_max"]),
            float(day["shortwave_radiation"]) * 1e6,
            float(day["vapour_pressure"]) * 10.0,
            float(day["wind_speed"]),
            0.18,
            0.55,
        )
        assert float(found["open_water_evaporation"][position]) == pytest.approx(water, rel=1e-9, abs=1e-12)
        assert float(found["bare_soil_evaporation"][position]) == pytest.approx(soil, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("latitude", [-72.0, 0.0, 41.3, 69.0])
def test_the_course_of_the_sun_is_pcses(pcse: Any, latitude: float) -> None:
    from pcse.util import astro

    days = np.arange("2001-01-01", "2002-01-01", 11, dtype="datetime64[D]")
    for row, day in zip(sun(days, latitude), days, strict=True):
        oracle = astro(day.item(), latitude, 1e7)
        assert row[0] == pytest.approx(oracle.DAYL, rel=1e-12)
        assert row[1] == pytest.approx(oracle.DAYLP, rel=1e-12)
        if oracle.DAYL > 0:
            assert row[5] == pytest.approx(oracle.ANGOT, rel=1e-12)
            assert row[6] == pytest.approx(oracle.DSINBE, rel=1e-12)


def test_reference_evapotranspiration_comes_near_pcses(pcse: Any) -> None:
    from pcse.util import penman_monteith

    weather = wageningen(1987)
    found = drivers(weather, 51.97, 7.0, (0.18, 0.55))["et0"]
    summer = weather.isel(day=slice(120, 240))
    oracle = [
        penman_monteith(
            day.astype("datetime64[D]").item(),
            51.97,
            7.0,
            *(float(summer[name].sel(day=day)) for name in ("air_temperature_min", "air_temperature_max")),
            float(summer["shortwave_radiation"].sel(day=day)) * 1e6,
            float(summer["vapour_pressure"].sel(day=day)) * 10.0,
            float(summer["wind_speed"].sel(day=day)),
        )
        for day in summer["day"].to_numpy()
    ]
    assert float(found.isel(day=slice(120, 240)).sum()) == pytest.approx(sum(oracle), rel=0.01)


def test_without_pcse_the_reference_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pcse", None)
    with pytest.raises(ConfigError, match="pip install pcse"):
        reference.simulate(published.weather(), field("wheat"), None, cropping("wheat"))
