"""Where each value comes from: one code a value, whose meaning is ``<source>.<kind>``.

Kinds are ``measured``, ``modelled`` and ``estimated``. Code 0 means that the value is missing. What is said of every
source (title, licence, attribution, synthetic) travels with its code, so that a slice names those it uses and no more.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

MISSING = "missing"
ATTRIBUTION = ("source", "title", "licence", "attribution")


@dataclass
class Provenance:
    """The codes of a table of values.

    Attributes
    ----------
    codes
        uint8, one a value.
    names
        Meaning of each code, ``missing`` first.
    about
        Name to the attributes of its source.
    preference
        Sources, best first; a value of a better one is not replaced by that of a worse one.
    """

    codes: np.ndarray
    names: list[str]
    about: dict[str, dict[str, str]]
    preference: list[str] = field(default_factory=list)

    def ranks(self) -> np.ndarray:
        """Rank of each code, 0 the best; what nobody ranked is worst."""
        order = {source: rank for rank, source in enumerate(self.preference)}
        return np.array([order.get(source_of(name), len(order)) for name in self.names])

    def used(self) -> "Provenance":
        """Return the same with only the names that occur, so that equal slices of two cubes are equal."""
        occurs = np.bincount(self.codes.ravel(), minlength=len(self.names)) > 0
        occurs[0] = True
        renumbered = (np.cumsum(occurs) - 1).astype(np.uint8)
        names = [name for name, kept in zip(self.names, occurs, strict=True) if kept]
        about = {name: self.about[name] for name in names if name in self.about}
        return Provenance(renumbered[self.codes], names, about, self.preference)

    def kinds(self, column: int) -> list[str]:
        """Kinds of the values of a column, in the order of their codes."""
        present = np.flatnonzero(np.bincount(self.codes[:, column], minlength=len(self.names)))
        return list(dict.fromkeys(kind_of(self.names[code]) for code in present if kind_of(self.names[code])))

    def attributes(self) -> dict[str, Any]:
        """Return the CF attributes of the array of codes."""
        return {
            "long_name": "source and kind of each value",
            "units": "1",
            "flag_values": np.arange(len(self.names), dtype=np.uint8),
            "flag_meanings": " ".join(self.names),
            "flag_attributes": json.dumps(self.about, sort_keys=True, ensure_ascii=False),
            "preference": " ".join(self.preference),
        }

    def dataset_attributes(self) -> dict[str, str]:
        """Return the attribution of the whole, joined from the sources used."""
        return joined(self.about[name] for name in self.names if name in self.about)


def of(dataset: xr.Dataset, names: Sequence[str], dim: str) -> Provenance:
    """Return the provenance of a dataset's variables.

    Parameters
    ----------
    dataset
        With ``origin`` (dim, variable), or from one source throughout: then the attribute ``source`` and the attribute
        ``origin`` of each variable tell.
    names
        Variables in the order of the columns wanted.
    dim
        ``time`` or ``day``.
    """
    if "origin" in dataset:
        origin = dataset["origin"]
        return Provenance(
            origin.sel(variable=list(names)).transpose(dim, "variable").to_numpy().astype(np.uint8),
            str(origin.attrs["flag_meanings"]).split(),
            json.loads(origin.attrs.get("flag_attributes", "{}")),
            str(origin.attrs.get("preference", "")).split(),
        )
    meanings = [MISSING]
    codes = np.zeros((dataset.sizes[dim], len(names)), np.uint8)
    for column, name in enumerate(names):
        if name not in dataset:
            continue
        meaning = meaning_of(str(dataset.attrs.get("source", "unknown")), dataset[name].attrs.get("origin"))
        if meaning not in meanings:
            meanings.append(meaning)
        codes[np.isfinite(dataset[name].to_numpy()), column] = meanings.index(meaning)
    about = {key: str(dataset.attrs[key]) for key in (*ATTRIBUTION, "synthetic") if key in dataset.attrs}
    return Provenance(codes, meanings, dict.fromkeys(meanings[1:], about))


def meaning_of(source: str, kind: Any) -> str:
    """Return the meaning of a code."""
    return f"{source}.{kind}" if kind else source


def source_of(meaning: str) -> str:
    """Return the source that a meaning names."""
    return meaning.partition(".")[0]


def kind_of(meaning: str) -> str:
    """Return the kind that a meaning names; empty where it names none."""
    return meaning.partition(".")[2]


def joined(attributes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Join the attribution of several sources; one synthetic source makes the whole synthetic."""
    every = list(attributes)
    texts = {
        key: "; ".join(dict.fromkeys(str(one[key]) for one in every if key in one))
        for key in ATTRIBUTION
        if any(key in one for one in every)
    }
    return texts | {"synthetic": "true" if any(one.get("synthetic") == "true" for one in every) else "false"}
