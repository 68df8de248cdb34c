"""Parameters of orchards: what each means, where it may lie, and where the shipped values come from.

The shipped files (``pistachio.yaml`` and its neighbours) give each parameter a value, a range, a source and a mark:
``published`` for a number read in the source named, ``excerpt`` for one read in an abstract or a citation of it,
``prior`` for a guess that waits for calibration.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
import yaml

from agritwin.errors import ConfigError
from agritwin.simulation.orchard import coefficients

SPECIES = ("pistachio", "almond", "olive", "vine")
EVERGREEN = ("olive",)
MARKS = ("published", "excerpt", "prior")


class Meaning(NamedTuple):
    """What a parameter may be."""

    lowest: float
    highest: float
    units: str
    long_name: str


#: Parameters of the water balance.
WATER: dict[str, Meaning] = {
    "total_available_water": Meaning(5.0, 1000.0, "mm", "total available water of the root zone"),
    "total_evaporable_water": Meaning(2.0, 60.0, "mm", "total evaporable water of the surface layer"),
    "readily_evaporable_water": Meaning(0.5, 30.0, "mm", "readily evaporable water of the surface layer"),
    "curve_number": Meaning(1.0, 99.0, "1", "SCS curve number"),
    "depletion_fraction": Meaning(0.1, 0.8, "1", "share of the available water that is readily available at 5 mm d-1"),
    "depletion_adjustment": Meaning(0.0, 0.1, "d mm-1", "change of that share per mm d-1 of demand below 5 mm d-1"),
    "kcb_initial": Meaning(0.0, 1.4, "1", "basal crop coefficient without leaves"),
    "kcb_mid": Meaning(0.0, 1.4, "1", "basal crop coefficient in full leaf"),
    "kcb_end": Meaning(0.0, 1.4, "1", "basal crop coefficient at leaf fall"),
    "height": Meaning(0.1, 15.0, "m", "height of the plants"),
    "cover_minimum": Meaning(0.0, 1.0, "1", "ground cover without leaves"),
    "cover_maximum": Meaning(0.0, 1.0, "1", "ground cover in full leaf"),
}
#: Parameters of the yield response, needed only for ``relative_yield``.
YIELD: dict[str, Meaning] = {
    f"ky_stage_{stage}": Meaning(0.0, 2.0, "1", f"yield response factor of stage {stage}") for stage in (1, 2, 3)
}
#: Local days of the leaves and of the fruit, in the order in which they come.
LEAF_DAYS = ("leaf_out", "full_canopy", "senescence", "leaf_fall", "leafless")
FRUIT_DAYS = ("leaf_out", "stage_2", "stage_3", "maturity")


class Entry(NamedTuple):
    """A shipped parameter."""

    value: float
    low: float
    high: float
    units: str
    mark: str
    source: str


@cache
def load(species: str) -> dict[str, Entry]:
    """Shipped parameters of a species.

    Raises
    ------
    ConfigError
        If there is no such species.
    """
    if species not in SPECIES:
        raise ConfigError(f"planting: species is '{species}'.", f"Known are {', '.join(SPECIES)}.")
    text = resources.files(__package__).joinpath(f"{species}.yaml").read_text(encoding="utf-8")
    return {name: _entry(species, name, given) for name, given in yaml.safe_load(text).items()}


def _entry(species: str, name: str, given: Mapping[str, Any]) -> Entry:
    entry = Entry(**{"low": given["value"], "high": given["value"], **given})
    if not entry.low <= entry.value <= entry.high or entry.mark not in MARKS:
        raise ConfigError(
            f"{species}.yaml: {name} has value {entry.value}, range {entry.low} to {entry.high}, mark '{entry.mark}'.",
            f"Put the value inside its range and mark it {', '.join(MARKS)}.",
        )
    return entry


def sample(species: str, members: int, seed: int, **fixed: Any) -> xr.Dataset:
    """Draw members from the ranges of a species' shipped parameters.

    Parameters
    ----------
    species, members, seed
        Name, number of members, seed of the random numbers; each parameter is triangular between the ends of its range
        with its mode at its value, and independent of the others. The first member has the values themselves.
    **fixed
        Parameters known for this orchard, numbers or arrays over member; they replace the draws.

    Returns
    -------
    xarray.Dataset
        One variable a parameter over ``member``.

    Raises
    ------
    ConfigError
        If the species or a parameter is unknown.
    """
    unknown = sorted(set(fixed) - set(load(species)))
    if unknown:
        raise ConfigError(
            f"{species}: unknown parameter {', '.join(unknown)}.", f"Known are {', '.join(load(species))}."
        )
    random = np.random.default_rng(seed)
    drawn: dict[str, tuple] = {}
    for name, entry in load(species).items():
        values = np.full(members, float(entry.value))
        draws = random.triangular(entry.low, entry.value, entry.high, members) if entry.low < entry.high else values
        values[1:] = draws[1:]
        drawn[name] = ("member", values, {"units": entry.units, "mark": entry.mark, "source": entry.source})
    dataset = xr.Dataset(drawn, coords={"member": np.arange(members)}, attrs={"species": species})
    for name, value in fixed.items():
        values = np.broadcast_to(np.asarray(value), (members,)).copy()
        dataset[name] = ("member", values, {"mark": "given"})
    return dataset


def with_cover(parameters: xr.Dataset, latitude: float) -> xr.Dataset:
    """Set the basal coefficients in full leaf from ground cover and height (FAO-56 Eqs. 97 to 102).

    What the trees are without leaves is never above what they are in full leaf, and evergreens are never without.

    Parameters
    ----------
    parameters
        With ``cover_maximum``, ``height``, ``density_multiplier`` (2 in Eq. 98), ``stomatal_factor`` (Fr of Eq. 102)
        and ``kcb_late_share``, the coefficient at leaf fall over that in full leaf.
    latitude
        Degrees north.

    Returns
    -------
    xarray.Dataset
        The same with ``kcb_initial``, ``kcb_mid``, ``kcb_end`` and ``cover_minimum``.
    """
    mid, end = sparse_coefficients(parameters, latitude)
    initial, least, cover = (parameters[name] for name in ("kcb_initial", "cover_minimum", "cover_maximum"))
    standing = cover if parameters.attrs.get("species") in EVERGREEN else least.where(least < cover, cover)
    return parameters.assign(
        kcb_initial=initial.where(initial < mid, mid).assign_attrs(initial.attrs),
        kcb_mid=mid,
        kcb_end=end,
        cover_minimum=standing.assign_attrs(least.attrs),
    )


def sparse_coefficients(parameters: Any, latitude: float) -> tuple[Any, Any]:
    """Basal coefficients in full leaf and at leaf fall, of a dataset or a mapping of arrays: see :func:`with_cover`."""
    cover, height = parameters["cover_maximum"], parameters["height"]
    midsummer = 196 if latitude >= 0.0 else 196 - 183  # day of the year for which the shade of the trees is reckoned
    shaded = coefficients.effective_cover(cover, latitude, midsummer)
    density = coefficients.density_coefficient(cover, shaded, height, parameters["density_multiplier"])
    mid = parameters["stomatal_factor"] * coefficients.sparse_kcb(coefficients.kcb_full(height), density)
    return mid, mid * parameters["kcb_late_share"]


def check(parameters: xr.Dataset) -> None:
    """Refuse parameters of the water balance that are missing, unknown numbers or outside their range.

    Raises
    ------
    ConfigError
        Naming the parameter, its value and what is allowed.
    """
    missing = [name for name in WATER if name not in parameters]
    missing += [name for name in {*LEAF_DAYS, *FRUIT_DAYS} if name not in parameters]
    if missing:
        raise ConfigError(f"orchard: {', '.join(sorted(missing))} missing.", "Give them, or start from sample().")
    for name, meaning in {**WATER, **YIELD}.items():
        if name in parameters:
            _check_range(name, np.asarray(parameters[name].to_numpy(), dtype=np.float64), meaning)
    _check_order(parameters, "readily_evaporable_water", "total_evaporable_water")
    _check_order(parameters, "cover_minimum", "cover_maximum")
    for days in (LEAF_DAYS, FRUIT_DAYS):
        for earlier, later in pairwise(days):
            _check_order(parameters, earlier, later)


def _check_range(name: str, values: np.ndarray, meaning: Meaning) -> None:
    bad = ~((values >= meaning.lowest) & (values <= meaning.highest))
    if bad.any():
        raise ConfigError(
            f"orchard: {name} is {values[bad].flat[0]:g} {meaning.units} in {bad.sum()} of {values.size} members.",
            f"Give a value from {meaning.lowest:g} to {meaning.highest:g}.",
        )


def _check_order(parameters: xr.Dataset, smaller: str, larger: str) -> None:
    wrong = (
        parameters[smaller] >= parameters[larger]
        if smaller != "cover_minimum"
        else (parameters[smaller] > parameters[larger])
    )
    if bool(wrong.any()):
        raise ConfigError(f"orchard: {smaller} is not below {larger} in every member.", "Correct one of the two.")
