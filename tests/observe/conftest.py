"""Steps run in this process, in a workspace of their own, with sources that answer as told."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from agritwin.errors import SourceError
from agritwin.observe import weather
from agritwin.observe.clock import set_clock
from agritwin.sources import canonical, open_meteo
from agritwin.sources.base import When, Where
from agritwin.sources.quota import Plan

CELL = "fake-n413w048"


def values_of(hours: np.ndarray, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Plausible weather that follows from its time alone."""
    count = (hours.astype("datetime64[h]").astype(np.int64)).astype(float)
    day = np.sin((count % 24 - 9) / 24 * 2 * np.pi)
    return {
        "air_temperature": 15 + 8 * day + np.sin(count / 500) + shift,
        "relative_humidity": 60 - 20 * day,
        "wind_speed": 2 + 0.5 * day,
        "precipitation": np.where(count % 97 == 0, 2.0, 0.0),
        "shortwave_radiation": np.maximum(day, 0) * 700,
        "surface_pressure": np.where(hours < np.datetime64("2025-01-10"), 925.0, 930.0),
    }


class Source:
    """A source that fails while ``fault`` is set, and lacks the days told."""

    kind = "weather"

    def __init__(self, name="fake", *, shift=0.0, origin="modelled", lacks=(), fault=None, provider=None):
        self.name, self.shift, self.origin, self.lacks, self.fault = name, shift, origin, lacks, fault
        self.provider = provider or name
        self.asked: list[When] = []

    def plan(self, where: Where, when: When) -> Plan:
        return Plan(self.provider, 1, 1.0)

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        self.asked.append(when)
        if self.fault:
            raise SourceError(self.name, self.fault, "Wait.", temporary=True)
        hours = when.hours
        given = values_of(hours, self.shift)
        gone = np.isin(hours.astype("datetime64[D]"), np.array(self.lacks, "datetime64[D]"))
        for name in given:
            given[name] = np.where(gone, np.nan, given[name])
        about = {
            "source": self.name,
            "title": "t",
            "licence": "l",
            "attribution": f"by {self.name}",
            "synthetic": "true",
        }
        return canonical.hourly_dataset(hours, given, origin=self.origin, attributes=about)


class Workspace:
    """A folder in which the weather step runs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.sources: dict[str, Source] = {}
        self.weather = {"first_day": "2025-05-01", "refetch_days": 0}
        self.stations: dict[str, str] = {}
        self.share = 0.5
        self.store = Path(f"data/cubes/weather/{CELL}.icechunk")
        self.pointer = Path(f"data/cubes/weather/{CELL}.json")
        self.status_file = Path(f"data/cubes/weather/{CELL}.status.json")
        monkeypatch.setattr(weather, "open_source", lambda kind, name, **options: self.sources[name])
        monkeypatch.setattr(open_meteo, "elevation", lambda latitude, longitude: 750.0)

    def add(self, *sources: Source) -> None:
        self.sources |= {source.name: source for source in sources}

    def run(self, as_of: str) -> dict:
        """Bring the cube up to a clock; return the status."""
        set_clock(clock="data/as_of.json", as_of=as_of)
        weather.fetch_weather(
            clock="data/as_of.json",
            pointer=str(self.pointer),
            status=str(self.status_file),
            cell=CELL,
            place=[41.3, -4.8],
            zone="Europe/Madrid",
            sources_weather=list(self.sources),
            sources_quota_share=self.share,
            weather=self.weather,
            stations=self.stations,
        )
        return json.loads(self.status_file.read_text())


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path, monkeypatch)


@pytest.fixture
def source() -> type[Source]:
    return Source


@pytest.fixture
def day():
    return dt.date.fromisoformat
