"""What the crop's product tells of the grove: from priors and published thresholds, and nothing where neither holds."""

import datetime as dt

import numpy as np
import pytest
import xarray as xr

from agritwin.products import grove
from agritwin.simulation.orchard import parameters
from tests.simulation.orchard.test_risks import hourly, wet

TREES = parameters.sample("pistachio", 40, seed=1)
FULL = xr.Dataset({"relative_yield": ("member", np.full(40, 0.9))})


def test_the_crop_grows_with_age_and_says_that_it_is_a_prior() -> None:
    old, young = (grove.crop_told(FULL, TREES, {"year": year}, 2025) for year in (2008, 2020))
    assert old is not None
    assert young is not None
    assert old["basis"] == "prior"
    assert old["kg_per_ha"]["p50"] > 2 * young["kg_per_ha"]["p50"] > 0
    assert old["kg_per_ha"]["p10"] < old["kg_per_ha"]["p50"] < old["kg_per_ha"]["p90"]
    assert grove.crop_told(FULL, TREES, {"year": None}, 2025) is None


@pytest.mark.parametrize(("bloom", "counted"), [("2025-05-02", 1), ("2025-05-06", 0)])
def test_wet_spells_count_from_bloom(bloom: str, counted: int) -> None:
    weather = hourly()
    wet(weather, 60, 20, 8.0)  # 3 May
    stages = xr.Dataset({"bloom": ("member", np.full(40, np.datetime64(bloom, "s")))})
    told = grove.risks_told(weather, stages, "pistachio", "UTC", dt.date(2025, 5, 10))
    assert told is not None
    assert told["botryosphaeria"]["high"] == counted
    assert told["psylla_generations"] == pytest.approx(10 * 10 / 333.3, rel=0.02)


def test_nothing_is_claimed_before_bloom_with_gaps_or_of_other_trees() -> None:
    weather = hourly()
    stages = xr.Dataset({"bloom": ("member", np.full(40, np.datetime64("2025-06-01", "s")))})
    early = grove.risks_told(weather, stages, "pistachio", "UTC", dt.date(2025, 5, 10))
    assert early is not None
    assert early["botryosphaeria"] is None
    weather["precipitation"][100] = np.nan
    stages["bloom"][:] = np.datetime64("2025-05-02")
    gap = grove.risks_told(weather, stages, "pistachio", "UTC", dt.date(2025, 5, 10))
    assert gap is not None
    assert "missing" in gap["reason"]
    assert grove.risks_told(weather, stages, "olive", "UTC", dt.date(2025, 5, 10)) is None
