import datetime as dt

import numpy as np
import pandas as pd
import pytest

from agritwin.errors import DataError
from agritwin.records import tables
from agritwin.records.database import writing
from agritwin.records.instruments import (
    Flag,
    define_measure,
    define_sensor,
    install,
    milliseconds,
    numbers_of,
    stays,
)
from agritwin.records.locations import add_location, define_kind, define_schema, locations
from agritwin.records.readings import readings, store_readings
from tests.conftest import ROOT


@pytest.fixture
def engine(store):
    define_measure(store, "soil_moisture", "m3 m-3")
    define_sensor(store, "probe", "capacitance probe", ["soil_moisture"], cadence_s=3600)
    return store


def stream(values, start="2025-03-29T20:00", measure="soil_moisture"):
    times = pd.date_range(start, periods=len(values), freq="h")
    return pd.DataFrame({"sensor": "probe", "measure": measure, "time": times, "value": values})


def test_a_stream_comes_back_across_the_night_of_summer_time(engine):
    # 2025-03-30 02:00 does not exist in Madrid; UTC does not care.
    assert store_readings(engine, stream(np.arange(10.0))) == (10, 0)
    back = readings(engine, sensor="probe")
    assert back["value"].to_list() == list(range(10))
    assert back["time"].diff().dropna().unique().tolist() == [pd.Timedelta(hours=1)]


def test_a_stream_sent_again_and_longer_adds_only_what_is_new(engine):
    store_readings(engine, stream([1.0, 2.0]))
    assert store_readings(engine, stream([1.0, 2.0, 3.0])) == (1, 2)
    assert readings(engine)["flags"].to_list() == [0, 0, 0]


def test_duplicates_and_conflicts_are_stored_beside_the_first_and_flagged(engine):
    table = pd.concat([stream([1.0]), stream([1.0]), stream([7.0])])
    assert store_readings(engine, table) == (3, 0)
    assert store_readings(engine, table) == (0, 3)
    everything = readings(engine, doubtful=True)
    assert everything["value"].to_list() == [1.0, 1.0, 7.0]
    assert everything["flags"].to_list() == [0, Flag.DUPLICATE, Flag.CONFLICT]
    assert readings(engine)["value"].to_list() == [1.0]


def test_missing_values_and_texts(engine):
    table = stream([np.nan, 2.0]).assign(text=["dry", None])
    assert store_readings(engine, table) == (2, 0)
    assert store_readings(engine, table) == (0, 2)
    back = readings(engine)
    assert np.isnan(back["value"][0])
    assert back["text"][0] == "dry"


def at(hour):
    return dt.datetime(2025, 3, 29) + dt.timedelta(hours=hour)


def put(engine, place, start, end=None):
    with writing(engine) as connection:
        number = numbers_of(connection, tables.sensors, ["probe"])["probe"]
        install(connection, number, place, milliseconds(start), None if end is None else milliseconds(end))


def test_unknown_sensors_are_named(engine):
    with pytest.raises(DataError, match="ghost"):
        store_readings(engine, stream([1.0]).assign(sensor="ghost"))


def test_one_measure_has_one_unit(engine):
    assert define_measure(engine, "soil_moisture", "m3.m-3") == define_measure(engine, "soil_moisture", "1")
    with pytest.raises(DataError, match="soil_moisture"):
        define_measure(engine, "soil_moisture", "percent")


def test_a_reading_belongs_to_where_the_sensor_was(engine):
    define_schema(engine, "row", {"trees": {"type": "int"}, "spacing": {"type": "float", "unit": "m"}})
    north = add_location(engine, "row", "north", {"trees": 40, "spacing": 6.0})
    south = add_location(engine, "row", "south", {"trees": 38, "spacing": 6})
    put(engine, north, at(21))
    put(engine, south, at(23), at(25))
    store_readings(engine, stream(np.arange(7.0)))
    places = readings(engine)["location_id"].to_list()
    assert places[1:5] == [north, north, south, south]
    assert pd.isna(places[0])
    assert pd.isna(places[5])
    for start, end, told in ((22, 24, "elsewhere"), (23, None, "already"), (22, 21, "before it begins")):
        with pytest.raises(DataError, match=told):
            put(engine, north, at(start), None if end is None else at(end))
    put(engine, north, at(20))  # until the next one, which was known before
    assert [(stay.location_id, stay.start_ms, stay.end_ms) for stay in stays(engine)] == [
        (north, milliseconds(at(20)), milliseconds(at(21))),
        (north, milliseconds(at(21)), milliseconds(at(23))),
        (south, milliseconds(at(23)), milliseconds(at(25))),
    ]


def test_places_keep_to_their_schema(engine):
    define_schema(engine, "tree", {"height": {"type": "float", "unit": "m"}, "alive": {"type": "bool"}})
    add_location(engine, "tree", "1", {"height": 3.5, "alive": True})
    for values in ({"height": "tall", "alive": True}, {"height": 3.5}, {"height": True, "alive": True}):
        with pytest.raises(DataError):
            add_location(engine, "tree", "2", values)
    with pytest.raises(DataError, match="already"):
        add_location(engine, "tree", "1", {"height": 3.5, "alive": True})
    with pytest.raises(DataError, match="no unit"):
        define_schema(engine, "pond", {"depth": {"type": "float", "unit": "fathomless"}})
    with pytest.raises(DataError, match="agree"):
        define_schema(engine, "tree", {"girth": {"type": "float"}})
    assert len(locations(engine)) == 1


def test_the_kinds_that_come_along_can_be_defined(engine):
    files = sorted((ROOT / "config" / "places").glob("*.yaml"))
    kinds = [define_kind(engine, file) for file in files]
    assert [kind.name.replace(" ", "-") for kind in kinds] == [file.stem for file in files] != []
    assert all(kind.description for kind in kinds)


def test_places_have_a_time(engine):
    define_schema(engine, "zone", {})
    add_location(engine, "zone", "old", {}, valid_to=dt.date(2020, 12, 31))
    add_location(engine, "zone", "new", {}, valid_from=dt.date(2021, 1, 1))
    assert locations(engine, on=dt.date(2020, 6, 1))["name"].to_list() == ["old"]
    assert locations(engine, on=dt.date(2021, 6, 1))["name"].to_list() == ["new"]
