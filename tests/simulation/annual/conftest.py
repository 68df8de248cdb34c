"""Annual crops: a field in small, recorded weather of other years, and PCSE where it is installed."""

import datetime as dt
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.simulation.annual.parameters import usual_start
from agritwin.simulation.annual.weather import drivers
from tests.simulation.annual import published


def field(crop: str, **changes: Any) -> dict[str, Any]:
    """Parameters of a crop of the published rows, changed."""
    return {**published.parameters(crop), **changes}


def cropping(crop: str, **changes: Any) -> dict[str, Any]:
    """The crop of the published rows: emerged on its day, grown until ripe."""
    start = dt.date.fromisoformat(published.start(crop))
    return {"sowing": start, "start": "emergence", "end": "ripeness", **changes}


def shipped(crop: str, year: int = 2000, **changes: Any) -> dict[str, Any]:
    """The start that a shipped set of parameters is meant for."""
    start, day = usual_start(crop)
    return {"sowing": dt.date.fromisoformat(f"{year}-{day}"), "start": start, **changes}


@cache
def wageningen(year: int) -> xr.Dataset:
    """Days of recorded weather at Wageningen (51.97 N, 7 m) from the files that PCSE ships, as the house has them."""
    path = published.packaged(f"NL1.{year - 1000}")
    rows = [line.split() for line in path.read_text(encoding="latin-1").splitlines() if line.strip()[:1].isdigit()]
    rows = [row for row in rows if len(row) == 9]
    _, _, day, radiation, coldest, warmest, vapour, wind, rain = np.array(rows, dtype=float).T
    variables = {
        "air_temperature_max": (warmest, "degC"),
        "air_temperature_min": (coldest, "degC"),
        "vapour_pressure": (vapour, "kPa"),
        "wind_speed": (wind, "m s-1"),
        "shortwave_radiation": (radiation / 1000.0, "MJ m-2 d-1"),
        "precipitation": (rain, "mm"),
    }
    days = pd.date_range(f"{year}-01-01", periods=day.size, freq="D")
    return xr.Dataset(
        {name: ("day", values, {"units": units}) for name, (values, units) in variables.items()},
        coords={"day": days, "latitude": 51.97},
        attrs={"synthetic": "false", "source": "Wageningen"},
    )


def wageningen_drivers(year: int) -> xr.Dataset:
    return drivers(wageningen(year), 51.97, 7.0, (0.18, 0.55))


@pytest.fixture(scope="session")
def pcse(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """PCSE, with a home of its own, since it writes there as soon as it is imported."""
    published.packaged("pcse_dump.sql")
    home = tmp_path_factory.mktemp("home")
    (home / ".pcse").mkdir()
    (home / ".pcse" / "pcse.db").touch()  # or it builds its demonstration database
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("USER", "tester")
        from agritwin.simulation.annual import reference

        return reference.load()
