"""A cube's table: all variables stacked in one array over a regular axis, the provenance of every value beside it.

One array appends ten times faster than one a variable. Rows that no source gave are NaN, so a gap is visible and can be
filled later; a missing value never erases one that is there, nor does a worse source replace a better one.
"""

import json
from collections.abc import Mapping
from typing import Any

import icechunk
import numpy as np
import zarr
from zarr.codecs import BytesCodec, TransposeCodec, ZstdCodec
from zarr.errors import GroupNotFoundError

from agritwin.errors import DataError, StoreError
from agritwin.provenance import ATTRIBUTION, MISSING, Provenance

LAYOUT = 2


class Stacked:
    """A group of a cube, open at a session."""

    def __init__(self, group: zarr.Group) -> None:
        self.group = group
        if self.note("layout") != LAYOUT:
            raise StoreError(
                f"{group.store_path} was written by another version of agritwin.",
                "Delete data/cubes/weather and data/cubes/forecast; the next run fetches them again.",
            )

    @classmethod
    def open(cls, session: icechunk.Session, path: str) -> "Stacked | None":
        """Return the group at a path, None where it is not there."""
        try:
            return cls(zarr.open_group(session.store, path=path, mode="r" if session.read_only else "r+"))
        except (FileNotFoundError, GroupNotFoundError):
            return None

    @classmethod
    def create(cls, session: icechunk.Session, path: str, notes: Mapping[str, Any]) -> "Stacked":
        """Make a group with its notes; attributes whose name ends in ``_attributes`` are kept as JSON."""
        group = zarr.create_group(session.store, path=path)
        stored = {key: json.dumps(value) if key.endswith("_attributes") else value for key, value in notes.items()}
        group.attrs.update({"layout": LAYOUT, **stored})
        return cls(group)

    def array(self, name: str) -> zarr.Array:
        """Return an array of the group."""
        found = self.group[name]
        assert isinstance(found, zarr.Array)
        return found

    def note(self, key: str, otherwise: Any = None) -> Any:
        """Return an attribute; texts that hold JSON come back as what they say."""
        if key not in self.group.attrs:
            return otherwise
        value: Any = self.group.attrs[key]
        return json.loads(value) if key.endswith("_attributes") else value

    def remember(self, key: str, value: Any) -> None:
        """Keep a note, where it differs from the one that is there."""
        if self.note(key) != value:
            self.group.attrs[key] = json.dumps(value) if key.endswith("_attributes") else value

    @property
    def variables(self) -> list[str]:
        """Names of the columns."""
        return list(self.note("variables"))

    @property
    def first(self) -> int:
        """Number of the first row: hours or days since 1970."""
        return int(self.note("first"))

    @property
    def size(self) -> int:
        """Number of rows."""
        return self.array("values").shape[0]

    def merge(self, rows: np.ndarray, fresh: np.ndarray, provenance: Provenance) -> np.ndarray:
        """Merge values into the table.

        Parameters
        ----------
        rows
            Numbers of the rows, as of :attr:`first`.
        fresh, provenance
            Values (rows, variables) and where they come from.

        Returns
        -------
        numpy.ndarray
            Numbers of the rows whose values changed.
        """
        if rows.min() < self.first:
            raise DataError(
                "The data begin before the cube's first moment.",
                "Set weather.first_day once, before the first fetch; delete the cube to begin earlier.",
            )
        codes, ranks = self._codes(provenance)
        values, sources = self.array("values"), self.array("origin")
        low, high = int(rows.min()) - self.first, int(rows.max()) - self.first + 1
        grown = high > values.shape[0]
        if grown:
            values.resize((high, values.shape[1]))
            sources.resize((high, values.shape[1]))
        old, old_codes = np.asarray(values[low:high]), np.asarray(sources[low:high])
        new, new_codes = old.copy(), old_codes.copy()
        places = rows - self.first - low
        wins = np.isfinite(fresh) & (np.isnan(old[places]) | (ranks[codes] <= ranks[old_codes[places]]))
        new[places] = np.where(wins, fresh, old[places])
        new_codes[places] = np.where(wins, codes, old_codes[places])
        changed = ((new != old) & ~(np.isnan(new) & np.isnan(old))).any(axis=1)
        if changed.any() or grown or (new_codes != old_codes).any():
            values[low:high] = new
            sources[low:high] = new_codes
        return np.flatnonzero(changed) + low + self.first

    def _codes(self, provenance: Provenance) -> tuple[np.ndarray, np.ndarray]:
        """Codes of the fresh values in the cube's own numbering, and the rank of each of the cube's codes."""
        names, about = list(self.note("origins")), dict(self.note("source_attributes"))
        new = [name for name in provenance.used().names if name not in names]
        if new:
            names += new
            self.remember("origins", names)
        described = {name: provenance.about[name] for name in provenance.names if name in provenance.about}
        self.remember("source_attributes", about | {name: value for name, value in described.items() if name in names})
        if provenance.preference:
            self.remember("preference", provenance.preference)
        number = np.array([names.index(name) if name in names else 0 for name in provenance.names], np.uint8)
        ranked = Provenance(np.empty(0, np.uint8), names, {}, list(self.note("preference", [])))
        return number[provenance.codes], ranked.ranks()

    def read(self, low: int, high: int) -> tuple[np.ndarray, Provenance]:
        """Return rows from ``low`` up to, not including, ``high``, counted from the first."""
        codes = np.asarray(self.array("origin")[low:high])
        names, about = list(self.note("origins")), self.note("source_attributes")
        provenance = Provenance(codes, names, about, list(self.note("preference", [])))
        return np.asarray(self.array("values")[low:high]), provenance.used()


def create_table(
    session: icechunk.Session,
    path: str,
    *,
    variables: Mapping[str, Mapping[str, Any]],
    first: int,
    attributes: Mapping[str, Any],
    chunk: int,
) -> Stacked:
    """Make an empty table.

    Parameters
    ----------
    session, path
        Where.
    variables
        Name to attributes, in the order of the columns.
    first
        Number of the first row.
    attributes
        Attributes of the dataset; those that name the source are kept with the source.
    chunk
        Rows of a chunk.
    """
    about_sources = {*ATTRIBUTION, "synthetic", "failed_sources"}
    table = Stacked.create(
        session,
        path,
        {
            "variables": list(variables),
            "first": first,
            "variable_attributes": {name: _texts(kept) for name, kept in variables.items()},
            "dataset_attributes": _texts({key: each for key, each in attributes.items() if key not in about_sources}),
            "origins": [MISSING],
            "source_attributes": {},
        },
    )
    count = len(variables)
    # Codes compress to nothing, so a chunk of them holds far more rows and is read in one piece.
    for name, kind, fill, rows in (("values", "f4", np.nan, chunk), ("origin", "u1", 0, 8 * chunk)):
        table.group.create_array(
            name,
            shape=(0, count),
            chunks=(rows, count),
            dtype=kind,
            fill_value=fill,
            # One variable after the other: like values lie together, which saves a third.
            filters=[TransposeCodec(order=(1, 0))],
            serializer=BytesCodec(),
            compressors=[ZstdCodec(level=9)],
        )
    return table


def _texts(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): np.asarray(value).tolist() for key, value in attributes.items()}
