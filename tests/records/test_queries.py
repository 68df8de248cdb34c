import datetime as dt
import random

import pytest
import sqlalchemy as sa

from agritwin.errors import DataError
from agritwin.records import queries, tables
from agritwin.records.database import connect, migrate, reading, writing

TWIN, OTHER = "47-96-0-0-5-20-1", "47-124-0-0-1-53-1"


def rows_of(twin):
    lines = [
        {
            "twin_id": twin,
            "key": f"{day}-{task}",
            "occurrence": n,
            "day": dt.date(2021, 1, day),
            "category": "pruning",
            "task": task,
            "text": task,
        }
        for day in range(1, 11)
        for task in ("PODA", "RIEGO")
        for n in (1, 2)
    ]
    weights = [
        {
            "twin_id": twin,
            "key": f"{year}",
            "occurrence": 1,
            "year": year,
            "day": None if year % 2 else dt.date(year, 9, 30),
            "amount": 100.0 * (year - 2000),
            "unit": "kg",
            "state": "dry",
        }
        for year in range(2015, 2022)
    ]
    return lines, weights


def new_store(path):
    store = connect(path)
    migrate(store)
    return store


def fill(store, twins=(TWIN, OTHER), seed=0):
    shuffled = random.Random(seed)
    with writing(store) as connection:
        for twin in shuffled.sample(twins, len(twins)):
            connection.execute(sa.insert(tables.twins).values(id=twin))
            for table, rows in zip((tables.activities, tables.harvests), rows_of(twin), strict=True):
                connection.execute(sa.insert(table), shuffled.sample(rows, len(rows)))
    return store


@pytest.fixture
def engine(store):
    return fill(store)


def test_the_digest_does_not_depend_on_the_order_of_insertion(engine, tmp_path):
    for seed in (1, 2):
        other = fill(new_store(tmp_path / f"{seed}.db"), seed=seed)
        assert queries.digest(other, TWIN) == queries.digest(engine, TWIN)
    alone = fill(new_store(tmp_path / "alone.db"), twins=(TWIN,))
    assert queries.digest(alone, TWIN) == queries.digest(engine, TWIN)


def test_the_digest_changes_with_every_value_and_not_with_what_lies_ahead(engine):
    until = dt.date(2021, 1, 5)
    whole, early = queries.digest(engine, TWIN), queries.digest(engine, TWIN, until)
    change = sa.update(tables.activities).where(
        tables.activities.c.key == "9-PODA", tables.activities.c.twin_id == TWIN
    )
    with writing(engine) as connection:
        connection.execute(change.values(notes="cold"))
    assert queries.digest(engine, TWIN) != whole
    assert queries.digest(engine, TWIN, until) == early
    assert queries.digest(engine, TWIN, what=["harvests"]) != queries.digest(engine, TWIN, what=["activities"])


def test_totals_of_a_year_are_known_when_it_is_over(engine):
    assert queries.harvests(engine, TWIN, dt.date(2021, 12, 30))["year"].max() == 2020
    assert queries.harvests(engine, TWIN, dt.date(2021, 12, 31))["year"].max() == 2021
    assert queries.harvests(engine, TWIN, dt.date(2020, 9, 29))["year"].max() == 2019


def test_yields_per_hectare(engine):
    yields = queries.seasonal_yields(engine, TWIN, area_ha=10.0)
    assert yields.set_index("season")["kg_per_ha"][2020] == 200.0
    with pytest.raises(DataError):
        queries.seasonal_yields(engine, TWIN, area_ha=0.0)


def test_corrections_are_events(engine):
    key = queries.correct_activity(engine, TWIN, "1-PODA", 1, {"text": "RIEGO"})
    lines = queries.activities(engine, TWIN)
    assert len(lines) == 40
    assert lines.loc[lines["key"] == key, "text"].item() == "RIEGO"
    with pytest.raises(DataError, match="corrected before"):
        queries.correct_activity(engine, TWIN, "1-PODA", 1, {"text": "SIEGA"})
    queries.correct_activity(engine, TWIN, key, 1, {}, withdraw=True)
    assert len(queries.activities(engine, TWIN)) == 39
    with reading(engine) as connection:
        kept = sa.select(sa.func.count()).select_from(tables.activities).where(tables.activities.c.twin_id == TWIN)
        assert connection.scalar(kept) == 42
    with pytest.raises(DataError, match="cannot be corrected"):
        queries.correct_activity(engine, TWIN, "2-PODA", 1, {"twin_id": OTHER})


def test_a_deleted_twin_is_gone_from_the_file_too(engine, tmp_path):
    with writing(engine) as connection:
        connection.execute(
            sa.update(tables.activities).where(tables.activities.c.twin_id == TWIN).values(notes="SECRET-7")
        )
    other = queries.digest(engine, OTHER)
    removed = queries.delete_twin(engine, TWIN)
    assert (removed["activities"], removed["harvests"]) == (40, 7)
    assert queries.activities(engine, TWIN).empty
    assert queries.digest(engine, OTHER) == other
    engine.dispose()
    for path in tmp_path.glob("records.db*"):
        assert b"SECRET-7" not in path.read_bytes()
    with pytest.raises(DataError, match="no twin"):
        queries.delete_twin(engine, TWIN)
