import datetime as dt

import pandas as pd
import pytest
import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import tables as t
from agritwin.records.database import reading, writing
from agritwin.records.instruments import define_measure
from agritwin.records.people import set_role
from agritwin.records.runs import products, record_run, runs

TWIN, OTHER = "47-96-0-0-5-20-1", "47-124-0-0-1-53-1"
MANIFEST = {"inputs": {"weather": "abc"}, "code": "def", "parameters": {}, "metrics": {"rmse": 1.0}, "seed": 1}


@pytest.fixture
def engine(store):
    return store


def roles(engine):
    with reading(engine) as connection:
        return connection.execute(sa.select(t.roles.c.party_id, t.roles.c.role)).tuples().all()


def test_the_last_owner_stays(engine):
    with writing(engine) as connection:
        connection.execute(sa.insert(t.parties), [{"id": 1, "name": "Ana"}, {"id": 2, "name": "Ben"}])
    set_role(engine, 1, TWIN, "owner")
    for role in ("viewer", None):
        with pytest.raises(DataError, match="without an owner"):
            set_role(engine, 1, TWIN, role)
    set_role(engine, 2, TWIN, "owner")
    set_role(engine, 1, TWIN, None)
    assert roles(engine) == [(2, "owner")]
    with pytest.raises(DataError, match="no role"):
        set_role(engine, 1, TWIN, "king")


def output(values):
    time = pd.date_range("2025-06-15", periods=len(values))
    return pd.DataFrame({"measure": "depletion", "time": time, "value": values})


def test_a_run_is_stored_once_and_comes_back(engine):
    define_measure(engine, "depletion", "mm")
    arguments = (engine, TWIN, "bucket", "dry", {"rain": 0.5}, dt.date(2025, 6, 15), MANIFEST)
    first = record_run(*arguments, output([1.0, 2.0]))
    assert record_run(*arguments, output([1.0, 2.0])) == first
    second = record_run(*arguments, output([1.0, 3.0]))
    table = runs(engine, TWIN, "bucket")
    assert table["id"].to_list() == [first, second]
    assert table["manifest"][0] == MANIFEST
    assert products(engine, second)["value"].to_list() == [1.0, 3.0]
    assert set(products(engine, second)["unit"]) == {"mm"}


def test_a_run_without_its_origin_is_refused(engine):
    bare = {key: value for key, value in MANIFEST.items() if key != "code"}
    with pytest.raises(DataError, match="lacks code"):
        record_run(engine, TWIN, "m", "s", {}, dt.date(2025, 6, 15), bare, output([]))
    with pytest.raises(DataError, match="depletion"):
        record_run(engine, TWIN, "m", "s", {}, dt.date(2025, 6, 15), MANIFEST, output([1.0]))
    assert runs(engine, TWIN).empty


def test_a_scenario_keeps_its_meaning(engine):
    define_measure(engine, "depletion", "mm")
    issue = dt.date(2025, 6, 15)
    record_run(engine, TWIN, "bucket", "dry", {"rain": 0.5}, issue, MANIFEST, output([1.0]))
    with pytest.raises(DataError, match="other parameters"):
        record_run(engine, TWIN, "bucket", "dry", {"rain": 0.6}, issue, MANIFEST, output([1.0]))
