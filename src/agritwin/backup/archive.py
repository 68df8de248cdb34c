"""The file of a backup: written in one pass, verified member by member, restored aside and swapped in."""

import contextlib
import hashlib
import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa
from filelock import FileLock

from agritwin import __version__
from agritwin.backup.tables import Dumped, digest, lines_of, load, one_state, tables_of
from agritwin.errors import StoreError
from agritwin.records.database import connect, migrate, revision
from agritwin.records.tables import HEAD

FORMAT = 1
MANIFEST = "manifest.json"
KEPT = ("config", "data/as_of.json", "data/landing", "data/raw", "data/twins", "data/cubes")
"""What a workspace holds besides its records. Pins and pointers come before the cubes: what they name is in them."""
CHUNK = 1 << 20

Told = Callable[[str], None]


def write(file: Path, root: Path, engine: sa.Engine, made_at: str, told: Told = lambda name: None) -> dict[str, Any]:
    """Write a backup of a workspace while it may be in use.

    Records are read in one transaction; each cube is copied under its writer's lock.

    Parameters
    ----------
    file
        Made aside and renamed when it is complete; readable by its owner alone, since it holds persons and hashes.
    root, engine
        The workspace and its record store.
    made_at
        Moment of the backup, ISO 8601.
    told
        Called with each member's name.

    Returns
    -------
    dict
        The manifest: format, revision, tables with rows and hashes, members with sizes and hashes.
    """
    part = file.with_name(f".{file.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.unlink(missing_ok=True)
    part.touch(0o600)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            records = {"revision": revision(engine), "tables": _write_tables(archive, engine, told)}
            members = _write_files(archive, root, told)
            manifest = {"format": FORMAT, "agritwin": __version__, "made_at": made_at, **records, "members": members}
            text = json.dumps(manifest, indent=1, sort_keys=True)
            archive.writestr(MANIFEST, text)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)  # half a backup would keep a full disk full
    return json.loads(text)


def _write_tables(archive: zipfile.ZipFile, engine: sa.Engine, told: Told) -> dict[str, dict[str, Any]]:
    found = {}
    with one_state(engine) as connection:
        for table in tables_of(connection):
            told(table.name)
            total, rows = hashlib.sha256(), 0
            with archive.open(_member(table.name), "w", force_zip64=True) as target:
                for line in lines_of(connection, table):
                    target.write(line)
                    total.update(line)
                    rows += 1
            found[table.name] = asdict(Dumped(tuple(column.name for column in table.c), rows, total.hexdigest()))
    return found


def _member(table: str) -> str:
    return f"records/{table}.jsonl"


def _write_files(archive: zipfile.ZipFile, root: Path, told: Told) -> dict[str, dict[str, Any]]:
    members = {}
    for path in _plain_files(root):
        members[_name(path, root)] = _copy(archive, path, root, told)
    for store in sorted((root / "data/cubes").rglob("*.icechunk")):
        with FileLock(store.with_suffix(".lock")):
            for path in sorted(path for path in store.rglob("*") if path.is_file()):
                members[_name(path, root)] = _copy(archive, path, root, told)
    return members


def _plain_files(root: Path) -> Iterator[Path]:
    for kept in KEPT:
        for path in sorted((root / kept).rglob("*")) if (root / kept).is_dir() else [root / kept]:
            in_cube = any(part.endswith(".icechunk") for part in path.relative_to(root).parts)
            passing = path.suffix == ".lock" or path.name.startswith(".")
            if path.is_file() and not path.is_symlink() and not in_cube and not passing:
                yield path


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _copy(archive: zipfile.ZipFile, path: Path, root: Path, told: Told) -> dict[str, Any]:
    name = _name(path, root)
    told(name)
    total, size = hashlib.sha256(), 0
    about = zipfile.ZipInfo(name)
    # Chunks of cubes are compressed already.
    about.compress_type = zipfile.ZIP_STORED if name.startswith("data/cubes/") else zipfile.ZIP_DEFLATED
    with path.open("rb") as source, archive.open(about, "w", force_zip64=True) as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
            total.update(chunk)
            size += len(chunk)
    return {"sha256": total.hexdigest(), "size": size}


def verify(file: Path, told: Told = lambda name: None) -> dict[str, Any]:
    """Check every byte of a backup against its manifest, and return the manifest.

    Raises
    ------
    StoreError
        When it is damaged, incomplete, no backup, or of a newer version; names the member.
    """
    with _opened(file) as archive:
        manifest = _manifest(archive, file)
        hashes = {name: about["sha256"] for name, about in manifest["members"].items()}
        hashes |= {_member(table): about["sha256"] for table, about in manifest["tables"].items()}
        if strange := sorted(set(archive.namelist()) ^ {*hashes, MANIFEST}):
            raise StoreError(f"{file} and its manifest do not agree on {strange[0]}.", "Use another backup.")
        for name, expected in hashes.items():
            told(name)
            total = hashlib.sha256()
            with archive.open(name) as source:
                while chunk := source.read(CHUNK):
                    total.update(chunk)
            if total.hexdigest() != expected:
                raise StoreError(f"{file}: {name} is not what was written.", "Use another backup.")
    return manifest


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except FileNotFoundError as error:
        raise StoreError(f"There is no file {file}.", "Check its name.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise StoreError(f"{file} is damaged: {error}.", "Use another backup.") from error


def _manifest(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    if MANIFEST not in archive.namelist():
        raise StoreError(f"{file} is no backup of agritwin, or was cut off.", "Use another file.")
    manifest = json.loads(archive.read(MANIFEST))
    if manifest["format"] > FORMAT:
        raise StoreError(f"{file} was made by agritwin {manifest['agritwin']}.", "Update agritwin, then restore.")
    for name in manifest["members"]:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not any(path.is_relative_to(kept) for kept in KEPT):
            raise StoreError(f"{file} holds {name}, which belongs to no workspace.", "Do not trust this file.")
    return manifest


def restore(
    file: Path, root: Path, where: Path | str, *, replace: bool = False, told: Told = lambda name: None
) -> dict[str, Any]:
    """Bring a workspace to the state of a backup, its records to the schema of this version.

    Everything is unpacked beside what is there and swapped in at the end, so that a restore that fails changes nothing.
    The folder ``config`` that was there is kept as ``config.old``.

    Parameters
    ----------
    file
        The backup; verified first.
    root
        The workspace.
    where
        Its record store: a path for SQLite, or the URL of a PostgreSQL database. Either takes backups of either.
    replace
        Whether data that are there may be replaced; without, they are an error.
    told
        Called with each member's name.

    Raises
    ------
    StoreError
        When the backup is not sound, its revision is newer than this code, or data would be lost.
    """
    manifest = verify(file, told)
    there = [path for path in _plain_files(root) if not path.is_relative_to(root / "config")]
    if there and not replace:
        raise StoreError(f"The workspace holds data already ({there[0]}).", "Add --replace to give them up.")
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=root) as folder, _opened(file) as archive:
        unpacked = Path(folder) / "new"
        for name in manifest["members"]:
            told(name)
            target = unpacked / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, CHUNK)
        with _new_store(where, Path(folder), replace) as engine:
            _load(engine, archive, manifest)
        _swap(unpacked, root, Path(folder) / "old")
    return manifest


@contextlib.contextmanager
def _new_store(where: Path | str, folder: Path, replace: bool) -> Iterator[sa.Engine]:
    """Give an empty store: a file of its own that is renamed in the end, or the tables of a PostgreSQL database."""
    if isinstance(where, Path):
        if where.exists() and not replace:
            raise StoreError(f"The record store {where} exists.", "Add --replace to give it up.")
        engine = connect(folder / "records.db")
        yield engine
        engine.dispose()
        for leftover in (f"{where}-wal", f"{where}-shm"):
            Path(leftover).unlink(missing_ok=True)
        where.parent.mkdir(parents=True, exist_ok=True)
        (folder / "records.db").replace(where)
        return
    engine = connect(where)
    there = sa.MetaData()
    there.reflect(engine)
    if there.tables and not replace:
        raise StoreError(f"The database {engine.url} is not empty.", "Name an empty one, or add --replace.")
    there.drop_all(engine)
    yield engine
    engine.dispose()


def _load(engine: sa.Engine, archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    if manifest["revision"] is None:
        return
    migrate(engine, to=manifest["revision"])
    with contextlib.ExitStack() as opened:
        lines = {
            name: (tuple(about["columns"]), opened.enter_context(archive.open(_member(name))))
            for name, about in manifest["tables"].items()
        }
        load(engine, lines)
    migrate(engine)


def _swap(unpacked: Path, root: Path, old: Path) -> None:
    for kept in KEPT:
        new, target = unpacked / kept, root / kept
        if target.exists():
            aside = root / "config.old" if kept == "config" else old / kept
            if aside.exists():
                shutil.rmtree(aside)
            aside.parent.mkdir(parents=True, exist_ok=True)
            target.rename(aside)
        if new.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            new.rename(target)


def differences(file: Path, root: Path, engine: sa.Engine) -> list[str]:
    """Return what a workspace has otherwise than a backup: files by name, tables by name.

    A store of a newer schema is compared with what the backup gives in that schema.
    """
    with _opened(file) as archive:
        manifest = _manifest(archive, file)
        tables = manifest["tables"]
        if manifest["revision"] not in (None, HEAD) and revision(engine) == HEAD:
            tables = _in_present_schema(archive, manifest)
    found = []
    for name, about in manifest["members"].items():
        path = root / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != about["sha256"]:
            found.append(name)
    with one_state(engine) as connection:
        there = {table.name: table for table in tables_of(connection)}
        for name, about in tables.items():
            expected = (about["rows"], about["sha256"])
            if name not in there or digest(connection, there[name], about["columns"]) != expected:
                found.append(name)
    return found


def _in_present_schema(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return columns, rows and hashes of the tables that a backup of an older schema gives in the present one."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(Path(folder) / "records.db")
        _load(engine, archive, manifest)
        with one_state(engine) as connection:
            found = {table.name: _dumped(connection, table) for table in tables_of(connection)}
        engine.dispose()
    return found


def _dumped(connection: sa.Connection, table: sa.Table) -> dict[str, Any]:
    columns = tuple(column.name for column in table.c)
    return asdict(Dumped(columns, *digest(connection, table, columns)))
