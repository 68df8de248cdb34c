"""Cubes: Icechunk repositories with one locked writer, idempotent writes and readers that never see half of one.

Icechunk loses commits of concurrent local writers, so every write holds one file lock from opening the session to the
commit; the kernel frees it when a process is killed. Nothing is committed when nothing is new.
"""

import contextlib
import hashlib
import itertools
import json
import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import icechunk
import numpy as np
import xarray as xr
import zarr
from filelock import FileLock
from packaging.version import Version
from xarray.namedarray import pycompat
from zarr.errors import GroupNotFoundError

from agritwin import workspace
from agritwin.errors import StoreError

log = logging.getLogger(__name__)

# Its warning that local storage bears no concurrent commits is what the lock below answers.
icechunk.set_logs_filter("error")

# xarray imports dask and pint at the first dataset, only to see whether an array is theirs: half a second of every job.
# Ours are numpy's, so it is told that there are no others; the libraries themselves stay usable.
_seen_by_xarray: Any = pycompat._cached_duck_array_modules
for _library in {"dask", "pint", "cupy", "sparse", "cubed"} - sys.modules.keys():
    _seen_by_xarray[_library] = SimpleNamespace(module=None, version=Version("0"), type=(), available=False)

DIGEST = "content_digest"
HOUR = np.timedelta64(1, "h")
EPOCH = np.datetime64("1970-01-01T00", "ns")


def digest(dataset: xr.Dataset) -> str:
    """Return a SHA-256 over names, dimensions, types, attributes and values of a dataset.

    Equal content gives an equal digest on every machine, whatever the chunks, the order of variables or the snapshot.
    """
    total = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        values = np.ascontiguousarray(variable.values)
        if values.dtype.kind in "OUTS":
            payload = json.dumps([str(value) for value in values.ravel()], ensure_ascii=False).encode()
            kind = "text"
        else:
            payload = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
            kind = values.dtype.newbyteorder("<").str
        head = [name, list(map(str, variable.dims)), list(values.shape), kind, _plain(variable.attrs)]
        total.update(json.dumps(head, sort_keys=True).encode())
        total.update(payload)
    attributes = {key: value for key, value in dataset.attrs.items() if key != DIGEST}
    total.update(json.dumps(_plain(attributes), sort_keys=True).encode())
    return total.hexdigest()


def _plain(attributes: Any) -> Any:
    if isinstance(attributes, dict):
        return {str(key): _plain(value) for key, value in attributes.items()}
    if isinstance(attributes, list | tuple):
        return [_plain(value) for value in attributes]
    if isinstance(attributes, np.ndarray):
        return _plain(attributes.tolist())
    return attributes.item() if isinstance(attributes, np.generic) else attributes


@contextlib.contextmanager
def writing(store: Path, message: str) -> Iterator[icechunk.Session]:
    """Open a store for writing, alone; commit when the block ends well and something changed.

    The commit carries the workspace's clock, so that :func:`known_at` finds what was known on a day.

    Parameters
    ----------
    store
        Folder of the repository; made when it is not there.
    message
        Why this commit.
    """
    store.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(store.with_suffix(".lock")):
        session = _open_or_create(store).writable_session("main")
        yield session
        if session.has_uncommitted_changes:
            clock = workspace.recorded_clock()
            snapshot = session.commit(message, {"as_of": clock} if clock else None)
            log.info("committed %s to %s: %s", snapshot, store, message)


def _open_or_create(store: Path) -> icechunk.Repository:
    storage = icechunk.local_filesystem_storage(str(store))
    if icechunk.Repository.exists(storage):
        return icechunk.Repository.open(storage)
    if store.exists():
        # A process was killed while it made the repository: nothing was ever committed to it.
        shutil.rmtree(store)
    return icechunk.Repository.create(icechunk.local_filesystem_storage(str(store)))


def repository(store: Path) -> icechunk.Repository:
    """Open a store for reading.

    Raises
    ------
    StoreError
        When there is none.
    """
    if store.is_dir():
        # Opening tells whether it is there; to ask first would read the disk twice.
        with contextlib.suppress(icechunk.IcechunkError):
            return icechunk.Repository.open(icechunk.local_filesystem_storage(str(store)))
    raise StoreError(f"There is no cube {store}.", "Run snakemake: it makes what is missing.")


def head(store: Path) -> str | None:
    """Return the newest snapshot of a store and tag it, so that expiry keeps it; None where nothing was committed."""
    with contextlib.suppress(StoreError):
        repo = repository(store)
        snapshot = repo.lookup_branch("main")
        tag = f"pin-{snapshot}"
        if tag not in repo.list_tags():
            with FileLock(store.with_suffix(".lock")):
                repo.create_tag(tag, snapshot)
        return snapshot
    return None


def known_at(store: Path, as_of: str) -> str | None:
    """Return the snapshot that holds what was known on a day: the last before the first commit of a later clock.

    Parameters
    ----------
    store
        Folder of the repository.
    as_of
        ISO date of the clock.

    Returns
    -------
    str | None
        The first commit where all are of later clocks; None where nothing was committed.
    """
    history = _history(store)
    if not history:
        return None
    known = [*itertools.takewhile(lambda commit: _clock(commit) <= as_of, history)]
    return known[-1].id if known else history[0].id


def known_before(store: Path, day: str) -> str | None:
    """Return the snapshot that earlier clocks than a day had left; None where there was nothing yet.

    Whoever reads the cubes of others at this snapshot finds the same, whether theirs were brought up to the day by then
    or not.
    """
    known = [*itertools.takewhile(lambda commit: _clock(commit) < day, _history(store))]
    return known[-1].id if known else None


def is_past(store: Path, as_of: str) -> bool:
    """Tell whether a store was written under a later clock, so that a day is seen as it was and nothing is fetched."""
    return any(_clock(commit) > as_of for commit in _history(store))


def _history(store: Path) -> list[icechunk.SnapshotInfo]:
    """Commits of a store, oldest first; none where there is no store."""
    try:
        return list(repository(store).ancestry(branch="main"))[::-1][1:]
    except StoreError:
        return []


def _clock(commit: icechunk.SnapshotInfo) -> str:
    return str(commit.metadata.get("as_of", ""))


def write_group(store: Path, group: str, dataset: xr.Dataset, message: str) -> None:
    """Replace a group by a dataset, in one commit; equal content commits nothing.

    Parameters
    ----------
    store, group
        Where.
    dataset
        What; its encodings are used.
    message
        Why.
    """
    mark = digest(dataset)
    with writing(store, message) as session:
        if _attributes(session, group).get(DIGEST) != mark:
            dataset.assign_attrs({DIGEST: mark}).to_zarr(
                session.store, group=group, mode="w", consolidated=False, zarr_format=3
            )


def _attributes(session: icechunk.Session, group: str) -> dict[str, Any]:
    try:
        return dict(zarr.open_group(session.store, path=group, mode="r").attrs)
    except (FileNotFoundError, GroupNotFoundError):
        return {}


def open_group(store: Path, group: str, snapshot: str | None = None) -> xr.Dataset:
    """Open a group as it was at a snapshot (None: now), lazily.

    Raises
    ------
    StoreError
        When store, snapshot or group is not there.
    """
    session = reading(store, snapshot)
    try:
        dataset = xr.open_zarr(session.store, group=group, consolidated=False, chunks=None)
    except (FileNotFoundError, GroupNotFoundError) as error:
        raise StoreError(f"Cube {store} has no group {group!r}.", "Run snakemake: it makes what is missing.") from error
    dataset.attrs.pop(DIGEST, None)
    return dataset


def reading(store: Path, snapshot: str | None = None) -> icechunk.Session:
    """Open a read-only session at a snapshot (None: the newest).

    Raises
    ------
    StoreError
        When the store or the snapshot is not there.
    """
    repo = repository(store)
    try:
        return repo.readonly_session(snapshot_id=snapshot) if snapshot else repo.readonly_session("main")
    except icechunk.IcechunkError as error:
        raise StoreError(
            f"Cube {store} has no snapshot {snapshot}.", "Delete the pointer that names it and run snakemake."
        ) from error
