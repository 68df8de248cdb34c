"""The daily rows that PCSE ships for its own tests, six crops, to the precision with which PCSE checks them."""

import pytest
import xarray as xr

from agritwin.simulation.annual.wofost import simulate
from tests.simulation.annual import published
from tests.simulation.annual.conftest import cropping, field

#: Symbol, decimals that have to agree, variables that are summed, factor from the house's unit to WOFOST's.
CHECKED = {
    "DVS": (3, ("development_stage",), 1.0),
    "TRA": (3, ("transpiration",), 0.1),
    "RD": (3, ("rooting_depth",), 100.0),
    "SM": (3, ("soil_moisture",), 1.0),
    "LAI": (2, ("leaf_area_index",), 1.0),
    "TAGP": (1, ("above_ground_production",), 1.0),
    "TWLV": (1, ("leaf_weight", "dead_leaf_weight"), 1.0),
    "TWST": (1, ("stem_weight", "dead_stem_weight"), 1.0),
    "TWSO": (1, ("storage_organ_weight",), 1.0),
    "TWRT": (1, ("root_weight", "dead_root_weight"), 1.0),
}
#: Published days of each crop.
DAYS = {"wheat": 151, "maize": 133, "barley": 121, "potato": 96, "rapeseed": 160, "sunflower": 123}


def grown(crop: str, production: str) -> xr.Dataset:
    """The crop from the day of its emergence, where the published water balance begins too."""
    weather = published.weather().sel(day=slice(published.start(crop), None))
    return simulate(weather, field(crop), None, cropping(crop, production=production)).isel(member=0)


@pytest.mark.parametrize("mode", ["pp", "wlp"])
@pytest.mark.parametrize("crop", list(published.CROPS))
def test_every_published_row(crop: str, mode: str) -> None:
    found = grown(crop, "potential" if mode == "pp" else "water_limited")
    rows = published.results(crop, mode)
    assert len(rows) == DAYS[crop]
    same = found.sel(day=rows.index)
    for symbol, (decimals, names, factor) in CHECKED.items():
        values = sum(same[name] for name in names) * factor
        worst = float(abs(values - rows[symbol].astype(float).to_numpy()).max())
        assert worst < 0.5 * 10.0**-decimals, f"{symbol} is off by {worst:g}"


def test_last_rows_of_the_water_limited_crops() -> None:
    """Above-ground production and storage organs on the last published day, kg ha-1."""
    last = {
        "wheat": (15261.752, 7179.805),
        "maize": (5580.411, 0.0),
        "barley": (14431.217, 4825.184),
        "potato": (12223.381, 6136.635),
        "sunflower": (2550.145, 156.608),
    }
    for crop, (above, stored) in last.items():
        day = grown(crop, "water_limited").sel(day=published.results(crop, "wlp").index[-1])
        assert float(day["above_ground_production"]) == pytest.approx(above, abs=0.05)
        assert float(day["storage_organ_weight"]) == pytest.approx(stored, abs=0.05)
