import json

import numpy as np
import pytest

from agritwin import cubes, pins, weather_cube
from agritwin.errors import StoreError


@pytest.fixture
def pointer(tmp_path, hourly):
    store = tmp_path / "w.icechunk"
    weather_cube.write_hourly(store, hourly, "first")
    pins.write_pointer(tmp_path / "w.json", store, weather_cube.HOURLY, synthetic=True)
    return tmp_path / "w.json"


def add_a_day(pointer, hourly):
    store = pointer.parent / "w.icechunk"
    later = hourly.isel(time=slice(72, None))
    weather_cube.write_hourly(store, later.assign_coords(time=later["time"] + np.timedelta64(1, "D")), "a day more")
    pins.write_pointer(pointer, store, weather_cube.HOURLY, synthetic=True)


SLICE = ("2025-06-01T01:00:00", "2025-06-03T00:00:00")


def test_a_pin_opens_its_slice_only(tmp_path, pointer):
    assert pins.write_pin(tmp_path / "pin.json", pointer, SLICE)
    assert pins.open_pointer(tmp_path / "pin.json").sizes["time"] == 48


def test_a_new_day_outside_the_slice_leaves_the_pin_byte_for_byte(tmp_path, pointer, hourly):
    pins.write_pin(tmp_path / "pin.json", pointer, SLICE)
    before = (tmp_path / "pin.json").read_bytes()
    add_a_day(pointer, hourly)
    assert not pins.write_pin(tmp_path / "pin.json", pointer, SLICE)
    assert (tmp_path / "pin.json").read_bytes() == before
    assert pins.open_pointer(tmp_path / "pin.json").sizes["time"] == 48


def test_a_revised_value_inside_the_slice_writes_the_pin_anew(tmp_path, pointer, hourly):
    pins.write_pin(tmp_path / "pin.json", pointer, SLICE)
    store = tmp_path / "w.icechunk"
    weather_cube.write_hourly(store, hourly.isel(time=slice(5, 9)) + 1, "revised")
    pins.write_pointer(pointer, store, weather_cube.HOURLY, synthetic=True)
    assert pins.write_pin(tmp_path / "pin.json", pointer, SLICE)


def test_a_pin_reads_the_state_it_was_made_from(tmp_path, pointer, hourly):
    pins.write_pin(tmp_path / "pin.json", pointer, SLICE)
    before = cubes.digest(pins.open_pointer(tmp_path / "pin.json"))
    weather_cube.write_hourly(tmp_path / "w.icechunk", hourly + 1, "revised")
    assert cubes.digest(pins.open_pointer(tmp_path / "pin.json")) == before
    assert json.loads((tmp_path / "pin.json").read_text())["digest"] == before


def test_a_pointer_to_nothing_says_why(tmp_path):
    pins.write_pointer(tmp_path / "p.json", tmp_path / "none.icechunk", "soil", reason="no source answered")
    with pytest.raises(StoreError, match="no source answered"):
        pins.open_pointer(tmp_path / "p.json")
    assert pins.write_pin(tmp_path / "pin.json", tmp_path / "p.json", SLICE)
    assert not pins.write_pin(tmp_path / "pin.json", tmp_path / "p.json", SLICE)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"store": 1}'])
def test_a_damaged_pointer_is_named(tmp_path, text):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(StoreError, match=r"p\.json"):
        pins.open_pointer(tmp_path / "p.json")
