"""The archive as it is committed, and the package that writes it."""

import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def archive() -> Path:
    return ROOT / "data" / "archive"


@pytest.fixture(scope="session")
def hourly(archive: Path) -> pd.DataFrame:
    return pd.read_parquet(archive / "weather" / "n413w048.parquet").set_index("time").astype(float)


@pytest.fixture(scope="session")
def daily(hourly: pd.DataFrame) -> pd.DataFrame:
    days = hourly.resample("D")
    return pd.DataFrame(
        {
            "high": days["temperature_2m"].max(),
            "low": days["temperature_2m"].min(),
            "rain": days["precipitation"].sum(),
            "humidity": days["relative_humidity_2m"].mean(),
            "wind": days["wind_speed_10m"].mean(),
            "radiation": days["shortwave_radiation"].sum() * 0.0036,
        }
    )
