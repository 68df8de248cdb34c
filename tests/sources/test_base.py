import datetime as dt
from importlib.metadata import EntryPoint

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agritwin import registry
from agritwin.errors import ConfigError, SourceError
from agritwin.geometry import cell_id
from agritwin.sources import canonical
from agritwin.sources.base import When, Where, fetch_chain, open_source

PLACE = Where(41.27, -4.82)
DAY = When(dt.date(2025, 6, 14), dt.date(2025, 6, 14))


class Fake:
    kind = "weather"

    def __init__(self, name="fake", values=None, error=None, synthetic="false", origin="modelled"):
        self.name, self.values, self.error, self.synthetic, self.asked = name, values, error, synthetic, 0
        self.origin = origin

    def fetch(self, where, when):
        self.asked += 1
        if self.error:
            raise self.error
        attributes = {"source": self.name, "attribution": f"by {self.name}", "synthetic": self.synthetic}
        values = dict.fromkeys(canonical.HOURLY, np.asarray(self.values, float))
        return canonical.hourly_dataset(when.hours, values, origin=self.origin, attributes=attributes)


def failing(name, *, temporary=True):
    return Fake(name, error=SourceError(name, "did not answer", "Wait.", temporary=temporary))


def test_a_span_holds_every_hour_of_its_utc_days():
    hours = When(dt.date(2024, 2, 28), dt.date(2024, 3, 1)).hours
    assert (str(hours[0]), str(hours[-1]), hours.size) == (
        "2024-02-28T00:00:00.000000000",
        "2024-03-01T23:00:00.000000000",
        72,
    )


def test_a_span_that_runs_backwards_is_refused():
    with pytest.raises(ConfigError, match="backwards"):
        When(dt.date(2025, 1, 2), dt.date(2025, 1, 1))


def test_exchanged_coordinates_that_are_no_place_are_refused():
    with pytest.raises(ConfigError, match="no place on earth"):
        Where(latitude=-104.8, longitude=41.27)


@pytest.mark.parametrize(
    ("latitude", "longitude", "name"),
    [(41.27, -4.82, "n413w048"), (-33.9, 151.2, "s339e1512"), (0.0, 0.0, "n000e000"), (28.4, -16.3, "n284w163")],
)
def test_cells_are_named_by_tenths_of_degrees(latitude, longitude, name):
    assert cell_id(latitude, longitude) == name


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_place_lies_within_half_a_tenth_of_its_cell(latitude, longitude):
    name = cell_id(latitude, longitude)
    sign = {"n": 1, "s": -1, "e": 1, "w": -1}
    assert abs(sign[name[0]] * int(name[1:4]) / 10 - latitude) <= 0.05 + 1e-9
    assert abs(sign[name[4]] * int(name[5:]) / 10 - longitude) <= 0.05 + 1e-9


@pytest.fixture
def nothing_remembered():
    registry.registered.cache_clear()
    yield
    registry.registered.cache_clear()


@pytest.mark.usefixtures("nothing_remembered")
def test_sources_are_found_by_entry_point(monkeypatch):
    group = "agritwin.sources.weather"
    point = EntryPoint("fake", "tests_fake:Fake", group)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Fake)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group.endswith("weather") else [])
    assert open_source("weather", "fake", values=[1]).values == [1]
    with pytest.raises(ConfigError, match=r"no weather source 'other'.*Choose one of: fake"):
        open_source("weather", "other")
    with pytest.raises(ConfigError, match="none is installed"):
        open_source("soil", "fake")
    with pytest.raises(ConfigError, match="unexpected keyword argument 'speed'"):
        open_source("weather", "fake", speed=3)


def test_later_sources_fill_what_the_first_lacks_and_every_value_names_its_source():
    first, second = np.full(24, 10.0), np.full(24, 20.0)
    first[5:8] = np.nan
    second[7] = np.nan
    third = np.full(24, 30.0)
    merged = fetch_chain([Fake("a", first), Fake("b", second), Fake("c", third)], PLACE, DAY)
    assert merged["air_temperature"][4:9].values.tolist() == [10, 20, 20, 30, 10]
    assert merged["origin"].sel(variable="air_temperature")[4:9].values.tolist() == [1, 2, 2, 3, 1]
    assert merged["origin"].dtype == np.uint8
    assert merged["origin"].attrs["flag_meanings"] == "missing a.modelled b.modelled c.modelled"
    assert merged["origin"].attrs["flag_values"].tolist() == [0, 1, 2, 3]
    assert merged["air_temperature"].attrs["units"] == "degC"


def test_a_complete_answer_ends_the_chain():
    second = Fake("b", np.full(24, 20.0))
    merged = fetch_chain([Fake("a", np.full(24, 10.0)), second], PLACE, DAY)
    assert second.asked == 0
    assert merged.attrs["source"] == "a"


def test_a_variable_that_a_source_does_not_measure_comes_from_the_next():
    class Station(Fake):
        def fetch(self, where, when):
            return super().fetch(where, when).assign(surface_pressure=("time", np.full(24, np.nan)))

    station = Station("station", np.full(24, 10.0), origin="measured")
    merged = fetch_chain([station, Fake("grid", np.full(24, 20.0))], PLACE, DAY)
    assert set(merged["surface_pressure"].values) == {20.0}
    assert set(merged["air_temperature"].values) == {10.0}
    assert merged["surface_pressure"].attrs["origin"] == "modelled"
    assert merged["air_temperature"].attrs["origin"] == "measured"


def test_what_no_source_has_stays_missing_with_origin_zero():
    gap = np.full(24, 10.0)
    gap[3] = np.nan
    merged = fetch_chain([Fake("a", gap)], PLACE, DAY)
    assert np.isnan(merged["air_temperature"][3])
    assert merged["origin"].sel(variable="air_temperature")[3] == 0


def test_failures_are_reported_and_the_next_source_answers():
    failures = []
    merged = fetch_chain([failing("a"), Fake("b", np.full(24, 20.0))], PLACE, DAY, on_failure=failures.append)
    assert [error.source for error in failures] == ["a"]
    assert merged.attrs["failed_sources"] == "Source a: did not answer."
    assert set(np.unique(merged["origin"])) == {1}


def test_one_synthetic_source_makes_the_whole_synthetic():
    gap = np.full(24, np.nan)
    gap[0] = 1.0
    merged = fetch_chain([Fake("a", gap), Fake("b", np.ones(24), synthetic="true")], PLACE, DAY)
    assert merged.attrs["synthetic"] == "true"
    assert merged.attrs["attribution"] == "by a; by b"


def test_when_all_fail_the_error_names_them_all():
    with pytest.raises(SourceError, match=r"all 2 sources failed \(a: did not answer; b: did not answer\)") as caught:
        fetch_chain([failing("a"), failing("b", temporary=False)], PLACE, DAY)
    assert caught.value.temporary
    assert isinstance(caught.value.remedy, str)


def test_an_empty_chain_is_a_mistake_of_configuration():
    with pytest.raises(ConfigError, match="No source"):
        fetch_chain([], PLACE, DAY)


def test_merged_datasets_survive_a_store(tmp_path):
    merged = fetch_chain([Fake("a", np.full(24, 10.0))], PLACE, DAY)
    merged.to_zarr(tmp_path / "w.zarr", consolidated=False)
    assert xr.open_zarr(tmp_path / "w.zarr", consolidated=False)["origin"].equals(merged["origin"])
