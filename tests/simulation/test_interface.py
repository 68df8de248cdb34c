"""Both crop engines are driven in one way, as docs/simulation.md shows it."""

import datetime
import re
from pathlib import Path

import pytest
import xarray as xr

from agritwin.errors import ConfigError
from agritwin.simulation.annual import wofost
from agritwin.simulation.orchard import balance

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"
SHARED = re.findall(r"`(\w+)`", next(line for line in PAGE.read_text().splitlines() if "daily, of both" in line))
GROVE, FIELD = ("almonds", "season"), ("wheat", "grown")


@pytest.fixture(scope="module")
def page() -> dict:
    """Names of the page's examples, run one after the other."""
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        exec(block, names)
    return names


def test_the_examples_of_the_page_tell_a_season(page: dict) -> None:
    assert set(page["season"].data_vars) >= {"root_zone_depletion", "ks"}
    assert "transpiration" not in page["season"]
    assert (
        700.0 < float(page["season"]["season_irrigation"].median()) < 1100.0
    )  # no drop of rain, 1017 mm asked for by grass
    apart = page["season"]["ks"].isel(day=-1) - page["autumn"]["ks"].isel(day=-1)
    assert float(abs(apart).max()) < 1e-12
    assert 1000.0 < float(page["grown"]["yield_dry_matter"].median()) < 12_000.0


def test_what_both_tell_has_one_name_one_shape_and_one_unit(page: dict) -> None:
    grove, field = page["autumn"], page["grown"]
    assert len(SHARED) == 9
    for name in SHARED:
        assert grove[name].dims == field[name].dims == ("member", "day")
        assert grove[name].attrs["units"] == field[name].attrs["units"], name
    assert "season_irrigation" in field
    for result in (grove, field):
        assert all("units" in result[name].attrs or result[name].dtype.kind == "M" for name in result.data_vars)
        assert float(abs(result["water_balance_error"]).max()) < 0.01


@pytest.mark.parametrize("engine", [balance, wofost])
def test_both_refuse_alike(page: dict, engine) -> None:
    if engine is balance:
        name, drivers, management, parameters = "height", page["drivers"], {}, page["almonds"]
    else:
        drivers = page["drivers_of_growth"](page["days"], 41.3, 750.0, (0.25, 0.5))
        name, management, parameters = "TSUM1", {"sowing": datetime.date(2023, 11, 1)}, page["wheat"]
    one = {str(key): values.isel(member=0, missing_dims="ignore").values for key, values in parameters.items()}
    for value, message in (("tall", "is 'tall'.*a number"), (1e9, "1e[+]09.*from"), ([[1.0]], r"shape \(1, 1\)")):
        with pytest.raises(ConfigError, match=f"{name}.*{message}"):
            engine.simulate(drivers, {**one, name: value}, None, management)
    with pytest.raises(ConfigError, match=r"the state lacks .*final_state"):
        engine.simulate(drivers, parameters, xr.Dataset(), management)
    with pytest.raises(ConfigError, match="unknown daily variable kss"):
        engine.simulate(drivers, parameters, None, management, daily=["kss"])
