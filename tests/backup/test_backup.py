"""The drill: what was backed up comes back with equal hashes, on either engine, also into a newer schema."""

import datetime as dt
import hashlib
import json
import zipfile

import numpy as np
import pytest
import sqlalchemy as sa
import xarray as xr

from agritwin import cubes
from agritwin.backup import archive
from agritwin.errors import StoreError
from agritwin.records import queries, tables
from agritwin.records.arrivals import Arrival, store_arrivals
from agritwin.records.database import bulk_insert, connect, migrate, reading, revision, writing
from agritwin.records.instruments import define_measure, define_sensor
from agritwin.records.locations import add_location, define_schema

TWIN = "47-96-0-0-5-20-1"
ATTRIBUTES = {"BÁSCULA": "B-7", "HA": 13.63, "riego": True}
MADE_AT = "2025-06-15T00:00:00+00:00"


def fill(engine):
    """Rows of every kind: text in accents, JSON, days, truth values, missing ones, a tree of places."""
    with writing(engine) as connection:
        connection.execute(sa.insert(tables.twins).values(id=TWIN, name="El Pinillo ñ", geometry={"type": "Point"}))
        journal = {
            "file": "a.csv",
            "sha256": "ab",
            "size": 1,
            "landed_for": TWIN,
            "reading": "1",
            "mapping": {"a": [1]},
        }
        journal |= {"as_of": dt.date(2025, 1, 1), "rows_in": 2, "accepted": 1, "known": 0, "rejected": 1}
        connection.execute(sa.insert(tables.intakes).values(**journal, questions=0, stale=True))
        weight = {"year": 2020, "amount": 6570.0, "unit": "kg", "state": "dry", "key": "ab", "occurrence": 1}
        connection.execute(sa.insert(tables.harvests).values(**weight, twin_id=TWIN, attributes=ATTRIBUTES))
    define_schema(engine, "place", {})
    field = add_location(engine, "place", "field", {}, twin_id=TWIN)
    row = add_location(engine, "place", "row", {}, twin_id=TWIN)
    with writing(engine) as connection:  # a place that refers to one that comes later
        connection.execute(sa.update(tables.locations).where(tables.locations.c.id == field).values(parent_id=row))
    measure = define_measure(engine, "level", "m")
    sensor = define_sensor(engine, "gauge", "gauge", ["level"], twin_id=TWIN)
    readings = [
        Arrival(sensor, measure, 1000 * n, n / 7 if n % 5 else None, None, 1000 * n, n % 3, n) for n in range(99)
    ]
    with writing(engine) as connection:
        store_arrivals(connection, readings)


def workspace(folder):
    """A small workspace with a cube, a pointer to it, and files as they were sent."""
    for name in ("config/config.yaml", "data/landing/x/año 1.csv", "data/raw/ab", "data/as_of.json"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    cube = folder / "data/cubes/crop/x.icechunk"
    grow(cube, 3)
    (folder / "data/cubes/crop/x.json").write_text(json.dumps({"snapshot": cubes.head(cube)}))
    return folder


def grow(cube, days):
    values = xr.Dataset({"depletion": ("day", np.arange(float(days)), {"units": "mm"})})
    with cubes.writing(cube, "grow") as session:
        values.to_zarr(session.store, mode="w", consolidated=False, zarr_format=3)


@pytest.fixture
def source(tmp_path):
    engine = connect(tmp_path / "records.db")
    migrate(engine)
    fill(engine)
    yield workspace(tmp_path / "source"), engine
    engine.dispose()


@pytest.fixture
def backup(source, tmp_path):
    file = tmp_path / "backups" / "one.zip"
    archive.write(file, *source, MADE_AT)
    return file


@pytest.fixture(params=["to sqlite", "to postgresql"])
def target(request, tmp_path):
    """An empty workspace, and where its records are to be."""
    folder = tmp_path / "target"
    folder.mkdir()
    if request.param == "to sqlite":
        return folder, folder / "data" / "records.db"
    cluster = request.getfixturevalue("cluster")
    name = "r" + hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]
    with cluster.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return folder, cluster.url.set(database=name).render_as_string(hide_password=False)


def test_what_comes_back_has_equal_hashes(store, tmp_path, target):
    fill(store)
    backup = tmp_path / "one.zip"
    archive.write(backup, workspace(tmp_path / "source"), store, MADE_AT)
    root, where = target
    manifest = archive.verify(backup)
    assert manifest == archive.restore(backup, root, where)
    engine = connect(where)
    assert revision(engine) == tables.HEAD
    assert archive.differences(backup, root, engine) == []
    assert queries.harvests(engine, TWIN)["attributes"].to_list() == [ATTRIBUTES]
    again = archive.write(root / "again.zip", root, engine, MADE_AT)
    assert again == manifest
    # The restored store goes on: numbers do not collide, the cube opens at the snapshot that its pointer names.
    assert define_sensor(engine, "another", "gauge", ["level"]) > 1
    pointer = json.loads((root / "data/cubes/crop/x.json").read_text())
    assert cubes.head(root / "data/cubes/crop/x.icechunk") == pointer["snapshot"]
    engine.dispose()


def test_what_moved_on_since_is_told(source, backup):
    root, engine = source
    assert archive.differences(backup, root, engine) == []
    (root / "data/raw/ab").write_text("other")
    with writing(engine) as connection:
        connection.execute(sa.update(tables.readings_float).where(tables.readings_float.c.seq == 7).values(flags=16))
    assert archive.differences(backup, root, engine) == ["data/raw/ab", "readings_float"]


def test_a_backup_of_the_first_schema_comes_back_in_the_present_one(tmp_path, target):
    old = connect(tmp_path / "old.db")
    migrate(old, to="0001")
    with writing(old) as connection:
        bulk_insert(connection, tables.twins, ["id", "name"], [(TWIN, "old")])
        bulk_insert(connection, tables.measures, ["id", "name", "unit", "datatype"], [(4, "level", "m", "float")])
        bulk_insert(connection, tables.sensor_types, ["name", "description"], [("gauge", "")])
        bulk_insert(connection, tables.sensors, ["id", "name", "sensor_type", "status"], [(9, "g", "gauge", "active")])
        columns = ["sensor_id", "measure_id", "time_ms", "occurrence", "value", "flags"]
        bulk_insert(connection, sa.table("readings"), columns, [(9, 4, 1000 * n, 0, n / 3, 0) for n in range(20)])
    file = tmp_path / "old.zip"
    assert archive.write(file, workspace(tmp_path / "source"), old, MADE_AT)["revision"] == "0001"
    root, where = target
    archive.restore(file, root, where)
    engine = connect(where)
    assert revision(engine) == tables.HEAD
    assert archive.differences(file, root, engine) == []
    with reading(engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(tables.readings_float.c.seq.is_(None))) == 20
    with writing(engine) as connection:
        connection.execute(sa.update(tables.readings_float).where(tables.readings_float.c.time_ms == 0).values(flags=1))
    assert archive.differences(file, root, engine) == ["readings_float"]
    engine.dispose()


def test_data_that_are_there_are_not_given_up_unasked(source, backup):
    root, _ = source
    where = root / "data" / "records.db"
    (root / "data/raw/later").write_text("later")
    with pytest.raises(StoreError, match="holds data already"):
        archive.restore(backup, root, where)
    (root / "config/config.yaml").write_text("mine")
    archive.restore(backup, root, where, replace=True)
    assert not (root / "data/raw/later").exists()
    assert (root / "config.old/config.yaml").read_text() == "mine"
    assert archive.differences(backup, root, connect(where)) == []


@pytest.mark.parametrize("harm", ["bit", "cut", "member", "manifest", "newer", "escape"])
def test_what_is_not_sound_is_refused_and_changes_nothing(source, backup, tmp_path, harm):
    content = bytearray(backup.read_bytes())
    if harm == "bit":
        content[content.index(b"data/cubes/crop/x.json") + 60] ^= 1
    elif harm == "cut":
        content = content[: len(content) // 2]
    if harm in ("bit", "cut"):
        backup.write_bytes(content)
    else:
        with zipfile.ZipFile(backup) as old:
            members = {name: old.read(name) for name in old.namelist()}
        manifest = json.loads(members["manifest.json"])
        if harm == "member":
            del members["data/raw/ab"]
        elif harm == "manifest":
            del members["manifest.json"]
        else:
            manifest |= {"format": 99} if harm == "newer" else {"members": {"../../x": {"sha256": "", "size": 0}}}
            members["manifest.json"] = json.dumps(manifest).encode()
        with zipfile.ZipFile(backup, "w") as new:
            for name, data in members.items():
                new.writestr(name, data)
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(StoreError):
        archive.restore(backup, target, target / "data" / "records.db")
    assert list(target.iterdir()) == []


def test_writers_do_not_disturb(source, tmp_path, monkeypatch):
    """What is written during the backup is in it wholly or not at all."""
    root, engine = source
    later = Arrival(1, 1, 10**6, 1.0, None, 10**6, 0, 1000)

    def disturb(name):
        if name == "readings_float":
            with writing(engine) as connection:
                store_arrivals(connection, [later])
            grow(root / "data/cubes/crop/x.icechunk", 5)

    manifest = archive.write(tmp_path / "busy.zip", root, engine, MADE_AT, disturb)
    assert manifest["tables"]["readings_float"]["rows"] == 99
    target = tmp_path / "target"
    target.mkdir()
    archive.restore(tmp_path / "busy.zip", target, target / "data" / "records.db")
    cube = target / "data/cubes/crop/x.icechunk"
    session = cubes.repository(cube).readonly_session(
        snapshot_id=json.loads((target / "data/cubes/crop/x.json").read_text())["snapshot"]
    )
    assert xr.open_zarr(session.store, consolidated=False).sizes["day"] == 3


def test_only_its_owner_reads_it(backup):
    assert backup.stat().st_mode & 0o777 == 0o600
