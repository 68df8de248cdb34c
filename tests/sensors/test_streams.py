import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.errors import ConfigError, DataError
from agritwin.records.instruments import Flag
from agritwin.records.readings import readings
from agritwin.records.values import value_of
from agritwin.sensors.flags import count_flags, flag, out_of_order, stuck
from agritwin.sensors.gaps import gaps
from agritwin.sensors.ingest import ingest
from agritwin.sensors.registry import Registry, load_registry, propose_registry
from agritwin.sensors.stream import moments, read_stream

ROOT = Path(__file__).parents[2]
TWIN = "47-96-0-0-5-20-1"
AS_OF = dt.date(2025, 6, 15)
WIDE = Registry.model_validate(
    {
        "name": "logger",
        "time": "time",
        "zone": "Europe/Madrid",
        "streams": [
            {
                "column": "soil", "sensor": "probe", "measure": "soil_temperature", "unit": "Cel",
                "minimum": -15, "maximum": 50, "cadence_minutes": 60, "stuck_readings": 4,
            }
        ],
    }
)  # fmt: skip
LONG = Registry.model_validate(
    {
        **WIDE.model_dump(),
        "zone": "UTC",
        "topic": "topic",
        "value": "value",
        "unit": "unit",
        "arrival": "received",
        "late_minutes": 60,
    }
)


@pytest.fixture
def csv(tmp_path):
    def write(*lines, header="time,soil"):
        path = tmp_path / "stream.csv"
        path.write_text("\n".join([header, *lines]))
        return path

    return write


@pytest.fixture
def messages(tmp_path):
    def write(*objects):
        path = tmp_path / "stream.jsonl"
        path.write_text("\n".join(json.dumps(one) for one in objects))
        return path

    return write


def message(time, value, *, received=None, unit="Cel", topic="soil"):
    return {"time": time, "value": value, "received": received or time, "unit": unit, "topic": topic}


def test_local_time_across_both_nights_of_change():
    local = ["2025-03-30T01:30", "2025-03-30T03:30", "2025-10-26T01:30", "2025-10-26T02:30", "2025-10-26T02:30"]
    utc = moments(pd.Series(local), "Europe/Madrid")
    assert utc.dt.strftime("%m-%d %H:%M").to_list() == [
        "03-30 00:30",
        "03-30 01:30",
        "10-25 23:30",
        "10-26 00:30",
        "10-26 01:30",
    ]


def test_an_hour_that_does_not_exist_or_cannot_be_told_is_a_problem(csv):
    read = read_stream(csv("2025-03-30T02:30,10", "2025-03-30T12:00,11", "nonsense,12"), WIDE)
    assert read.table["value"].to_list() == [11.0]
    assert [(problem.line, problem.value) for problem in read.problems] == [(2, "2025-03-30T02:30"), (4, "nonsense")]


def test_an_offset_is_taken_at_its_word():
    utc = moments(pd.Series(["2025-06-01T12:00:00Z", "2025-06-01T12:00:00+02:00", "2025-06-01T12:00:00"]), "UTC")
    assert utc.dt.hour.to_list() == [12, 10, 12]


def test_unknown_columns_and_topics_are_counted_and_left_out(csv, messages):
    read = read_stream(csv("2025-06-01T12:00,10,5", "2025-06-01T13:00,11,", header="time,soil,water"), WIDE)
    assert read.unknown == {"water": 1}
    read = read_stream(messages(message("2025-06-01T12:00Z", 1, topic="other"), message("2025-06-01T12:00Z", 2)), LONG)
    assert read.unknown == {"other": 1}
    assert read.table["value"].to_list() == [2.0]


def test_every_flag_and_nothing_dropped(messages):
    path = messages(
        message("2025-06-01T10:00Z", 20.0),
        message("2025-06-01T12:00Z", 21.0),
        message("2025-06-01T11:00Z", 20.5, received="2025-06-01T12:01Z"),  # late and out of order
        message("2025-06-01T12:00Z", 21.0),  # again
        message("2025-06-01T12:00Z", 22.0),  # another value of one moment
        message("2025-06-01T13:00Z", 80.0),  # absurd
        message("2025-06-01T14:00Z", "NaN!"),  # no number
        message("2025-06-01T15:00Z", 68.0, unit="degF"),  # another unit
        message("2025-06-01T16:00Z", 20.0, unit="kPa"),  # another kind of unit
        message("2025-06-01T18:00Z", 20.0, received="2025-06-01T17:00Z"),  # before it happened
    )
    table = flag(read_stream(path, LONG).table, LONG)
    assert len(table) == 10
    assert table["flags"].to_list() == [
        0,
        0,
        Flag.LATE | Flag.OUT_OF_ORDER,
        Flag.DUPLICATE,
        Flag.CONFLICT,
        Flag.ABSURD,
        Flag.ABSURD,
        Flag.UNIT_CHANGED,
        Flag.UNIT_CHANGED | Flag.ABSURD,
        Flag.FUTURE,
    ]
    assert table["text"][6] == "NaN!"
    assert table["value"][7] == pytest.approx(20.0)
    assert count_flags(table)["absurd"] == 3


def test_a_stuck_sensor_is_noticed_in_order_of_time(csv):
    values = [1, 2, 5, 5, 5, 5, 3, 5]
    table = flag(read_stream(csv(*(f"2025-06-01T{h:02}:00,{v}" for h, v in enumerate(values))), WIDE).table, WIDE)
    assert (table["flags"] & int(Flag.STUCK) > 0).to_list() == [False, False, True, True, True, True, False, False]


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(2, 6), st.randoms())
def test_stuck_does_not_depend_on_the_order_of_arrival(values, readings_in_a_row, moments_):
    value, time = np.array(values, float), np.arange(len(values))
    order = list(range(len(values)))
    moments_.shuffle(order)
    expected = stuck(time, value, readings_in_a_row)
    assert (stuck(time[order], value[order], readings_in_a_row) == expected[order]).all()


@given(st.lists(st.integers(0, 50), max_size=40))
def test_out_of_order_is_what_lies_before_the_latest_so_far(times):
    expected = [any(earlier > time for earlier in times[:i]) for i, time in enumerate(times)]
    assert out_of_order(np.array(times)).tolist() == expected


def test_a_stream_is_stored_once_and_the_clock_holds(engine, csv):
    path = csv("2025-06-14T12:00,20", "2025-06-14T13:00,60", "2025-06-15T12:00,21")
    report = ingest(engine, path, WIDE, [TWIN], AS_OF, landed_for=TWIN)
    assert (report.new, report.known, report.postponed, report.flags) == (2, 0, 1, {"absurd": 1})
    again = ingest(engine, path, WIDE, [TWIN], AS_OF, landed_for=TWIN)
    assert (again.new, again.known) == (0, 2)
    assert ingest(engine, path, WIDE, [TWIN], dt.date(2025, 6, 16), landed_for=TWIN).new == 1
    assert readings(engine, twin_id=TWIN)["value"].to_list() == [20.0, 21.0]
    assert len(readings(engine, twin_id=TWIN, doubtful=True)) == 3


def test_counters_and_states_of_a_file_keep_their_type(engine, csv):
    streams = [
        {"column": kind, "sensor": "valve", "measure": kind, "unit": "1", "datatype": kind}
        for kind in ("int", "bool", "string")
    ]
    registry = Registry.model_validate({"name": "valves", "streams": streams})
    moments_ = ("2025-06-01T00:00Z", "2025-06-01T01:00Z")
    path = csv(f"{moments_[0]},{2**53 + 1},true,open", f"{moments_[1]},1.5,maybe,", header="time,int,bool,string")
    ingest(engine, path, registry, [TWIN], AS_OF, landed_for=TWIN)
    rows = readings(engine, doubtful=True).replace({float("nan"): None}).itertuples()
    found = [(row.measure, value_of(str(row.measure), row.value, row.text), row.flags) for row in rows]
    assert sorted(found, key=str) == sorted(
        [
            *(("int", 2**53 + 1, 0), ("bool", True, 0), ("string", "open", 0)),
            *(("int", "1.5", Flag.ABSURD), ("bool", "maybe", Flag.ABSURD)),
        ],
        key=str,
    )


def test_readings_without_an_owner_or_of_strangers(engine, csv):
    path = csv("2025-06-14T12:00,20")
    with pytest.raises(DataError, match="whose"):
        ingest(engine, path, WIDE, [TWIN], AS_OF)
    owned = WIDE.model_copy(update={"twin": "plot"})
    path = csv("2025-06-14T12:00,20,47-1-0-0-1-1-1", header="time,soil,plot")
    report = ingest(engine, path, owned, [TWIN], AS_OF)
    assert (report.new, report.strangers) == (0, {"47-1-0-0-1-1-1": 1})


def test_gaps():
    times = pd.to_datetime(["2025-06-01T00:00", "2025-06-01T01:05", "2025-06-01T05:00", "2025-06-01T05:00"])
    table = pd.DataFrame({"sensor": "a", "measure": "m", "time": times})
    hour = dt.timedelta(hours=1)
    found = gaps(table, hour)
    assert found[["start", "end", "missing"]].values.tolist() == [[times[1], times[2], 3]]
    assert gaps(table.iloc[:0], hour).empty


@pytest.mark.parametrize("content", ["", "{", "a,b\n1,2", '{"time": 1}\n[]'])
def test_what_is_no_stream(tmp_path, content):
    for name in ("a.csv", "a.jsonl"):
        (tmp_path / name).write_text(content)
        with pytest.raises(DataError):
            read_stream(tmp_path / name, WIDE)


def test_registries_are_checked(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("name: x\nstreams:\n  - {column: a, sensor: s, measure: m, unit: bananas}\n")
    with pytest.raises(ConfigError, match=r"streams.0.unit"):
        load_registry(path)
    with pytest.raises(ConfigError, match="no sensor registry"):
        load_registry(tmp_path / "absent.yaml")


def test_headers_that_state_their_unit_propose_a_registry():
    registry = propose_registry(["time_utc", "parcel", "soil moisture [m3 m-3]", "level [m]", "source"], "logger")
    assert [(stream.measure, stream.unit) for stream in registry.streams] == [("soil_moisture", "1"), ("level", "m")]
    assert (registry.time, registry.twin) == ("time_utc", "parcel")
    with pytest.raises(DataError):
        propose_registry(["time", "level"], "logger")


def test_faults_of_the_demos_logger_are_found(engine):
    path = ROOT / "data" / "archive" / "holding" / "sensors.csv"
    if not path.exists():
        pytest.skip("the archive's sensor file is not built")
    registry = load_registry(ROOT / "config" / "mappings" / "sensors" / "orchard-logger.yaml")
    report = ingest(engine, path, registry, [TWIN], AS_OF)
    assert report.flags == {"absurd": 2, "stuck": 38}
    assert not report.unknown
    assert not report.problems
    long_gaps = report.gaps.query("missing > 1")
    assert long_gaps["missing"].to_list() == [38] * 4
    assert set(long_gaps["start"].dt.date) == {dt.date(2025, 5, 17)}
    assert len(report.gaps) - len(long_gaps) == 6  # six empty fields
    assert ingest(engine, path, registry, [TWIN], AS_OF).new == 0
