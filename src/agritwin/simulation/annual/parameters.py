"""Parameters of annual crops: what each means, where it may lie, and where the shipped values come from.

Names and units of crop, soil and site are those of WOFOST, so that published sets can be used as they stand. The
shipped files (``wheat.yaml`` and its neighbours) give each parameter a value, for members that shall differ a range, a
source and a mark: ``published`` for a value read in the source named, ``prior`` for a guess that waits for
calibration.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
import yaml
from numpy.typing import NDArray

from agritwin.errors import ConfigError
from agritwin.settings import ANNUAL_SPECIES
from agritwin.simulation.annual import tables
from agritwin.simulation.annual.management import Start
from agritwin.simulation.inputs import per_member

SPECIES = ANNUAL_SPECIES
MARKS = ("published", "prior")


class Meaning(NamedTuple):
    """What a parameter may be."""

    lowest: float
    highest: float
    units: str
    long_name: str
    default: float | None = None


#: Parameters of the crop, one number a member.
CROP: dict[str, Meaning] = {
    "TSUMEM": Meaning(0.0, 1000.0, "degC d", "temperature sum from sowing to emergence"),
    "TBASEM": Meaning(-10.0, 20.0, "degC", "lower threshold temperature for emergence"),
    "TEFFMX": Meaning(5.0, 45.0, "degC", "highest effective temperature for emergence"),
    "TSUM1": Meaning(50.0, 5000.0, "degC d", "temperature sum from emergence to flowering"),
    "TSUM2": Meaning(50.0, 5000.0, "degC d", "temperature sum from flowering to ripeness"),
    "IDSL": Meaning(0.0, 2.0, "1", "development by temperature (0), and day length (1), and cold (2)", 0.0),
    "DLO": Meaning(-99.0, 24.0, "h", "optimum day length for development", -99.0),
    "DLC": Meaning(-99.0, 24.0, "h", "critical day length for development", -99.0),
    "DVSI": Meaning(0.0, 1.0, "1", "stage of development at emergence", 0.0),
    "DVSEND": Meaning(1.0, 2.5, "1", "stage of development at ripeness", 2.0),
    "VERNBASE": Meaning(0.0, 150.0, "d", "days of cold before which development rests", 0.0),
    "VERNSAT": Meaning(0.0, 200.0, "d", "days of cold after which development is free", 0.0),
    "VERNDVS": Meaning(0.0, 1.0, "1", "stage after which cold does not count", 0.3),
    "TDWI": Meaning(0.1, 5000.0, "kg ha-1", "dry weight of the crop at the start"),
    "RGRLAI": Meaning(0.001, 0.5, "d-1 degC-1", "greatest relative increase of leaf area per degree-day"),
    "SPA": Meaning(0.0, 0.01, "ha kg-1", "specific pod area", 0.0),
    "SPAN": Meaning(5.0, 100.0, "d", "life of leaves at 35 degC"),
    "TBASE": Meaning(-10.0, 20.0, "degC", "lower threshold temperature for the ageing of leaves"),
    "CVL": Meaning(0.2, 1.0, "kg kg-1", "conversion of assimilates into leaves"),
    "CVO": Meaning(0.2, 1.0, "kg kg-1", "conversion of assimilates into storage organs"),
    "CVR": Meaning(0.2, 1.0, "kg kg-1", "conversion of assimilates into roots"),
    "CVS": Meaning(0.2, 1.0, "kg kg-1", "conversion of assimilates into stems"),
    "Q10": Meaning(1.0, 4.0, "1", "factor of respiration for 10 degC more"),
    "RML": Meaning(0.0, 0.1, "kg kg-1 d-1", "maintenance respiration of leaves at 25 degC"),
    "RMO": Meaning(0.0, 0.1, "kg kg-1 d-1", "maintenance respiration of storage organs at 25 degC"),
    "RMR": Meaning(0.0, 0.1, "kg kg-1 d-1", "maintenance respiration of roots at 25 degC"),
    "RMS": Meaning(0.0, 0.1, "kg kg-1 d-1", "maintenance respiration of stems at 25 degC"),
    "PERDL": Meaning(0.0, 0.5, "d-1", "greatest relative death rate of leaves for lack of water"),
    "CFET": Meaning(0.3, 2.0, "1", "correction factor of transpiration", 1.0),
    "DEPNR": Meaning(1.0, 5.0, "1", "crop group for the depletion of soil water"),
    "IAIRDU": Meaning(0.0, 1.0, "1", "air ducts in the roots (1) or none (0)", 0.0),
    "IOX": Meaning(0.0, 1.0, "1", "lack of oxygen reckoned (1) or not (0)", 0.0),
    "RDI": Meaning(1.0, 100.0, "cm", "rooting depth at the start"),
    "RRI": Meaning(0.0, 10.0, "cm d-1", "greatest daily increase of the rooting depth"),
    "RDMCR": Meaning(10.0, 400.0, "cm", "greatest rooting depth of the crop"),
    "AMAX_FACTOR": Meaning(0.2, 2.0, "1", "factor on AMAXTB", 1.0),
    "EFF_FACTOR": Meaning(0.2, 2.0, "1", "factor on EFFTB", 1.0),
    "KDIF_FACTOR": Meaning(0.2, 2.0, "1", "factor on KDIFTB", 1.0),
    "SLA_FACTOR": Meaning(0.2, 3.0, "1", "factor on SLATB", 1.0),
}
#: Parameters of soil and site, one number a member.
SOIL: dict[str, Meaning] = {
    "SMW": Meaning(0.005, 0.5, "1", "volumetric water content at wilting point"),
    "SMFCF": Meaning(0.02, 0.7, "1", "volumetric water content at field capacity"),
    "SM0": Meaning(0.1, 0.95, "1", "volumetric water content at saturation"),
    "CRAIRC": Meaning(0.005, 0.4, "1", "air content below which roots lack oxygen", 0.06),
    "SOPE": Meaning(0.01, 500.0, "cm d-1", "greatest percolation of the root zone"),
    "KSUB": Meaning(0.01, 500.0, "cm d-1", "greatest percolation of the subsoil"),
    "RDMSOL": Meaning(10.0, 500.0, "cm", "depth to which the soil can be rooted"),
    "IFUNRN": Meaning(0.0, 1.0, "1", "rain kept out by storm size (1) or by a fixed share (0)", 0.0),
    "NOTINF": Meaning(0.0, 1.0, "1", "greatest share of rain kept out", 0.0),
    "SSMAX": Meaning(0.0, 50.0, "cm", "greatest storage on the surface", 0.0),
    "SSI": Meaning(0.0, 50.0, "cm", "initial storage on the surface", 0.0),
    "WAV": Meaning(0.0, 200.0, "cm", "initial water in the soil above the wilting point"),
    "SMLIM": Meaning(0.0, 0.95, "1", "highest initial water content of the uppermost 10 cm", 0.95),
}
#: Tables, shared by all members: what x is, range of y, units of y, meaning.
TABLES: dict[str, tuple[str, Meaning]] = {
    "DTSMTB": ("degC", Meaning(0.0, 60.0, "degC", "daily increase of the temperature sum")),
    "VERNRTB": ("degC", Meaning(0.0, 1.0, "1", "days of cold counted in a day", 0.0)),
    "SLATB": ("1", Meaning(0.0, 0.05, "ha kg-1", "specific leaf area")),
    "SSATB": ("1", Meaning(0.0, 0.05, "ha kg-1", "specific stem area", 0.0)),
    "KDIFTB": ("1", Meaning(0.1, 2.0, "1", "extinction coefficient for diffuse visible light")),
    "EFFTB": ("degC", Meaning(0.0, 2.0, "kg ha-1 h-1 J-1 m2 s", "light use efficiency of single leaves")),
    "AMAXTB": ("1", Meaning(0.0, 150.0, "kg ha-1 h-1", "greatest assimilation of single leaves")),
    "TMPFTB": ("degC", Meaning(0.0, 1.0, "1", "factor on AMAX for the temperature of the light hours")),
    "TMNFTB": ("degC", Meaning(0.0, 1.0, "1", "factor on assimilation for low night temperatures")),
    "RFSETB": ("1", Meaning(0.0, 2.0, "1", "factor on respiration for senescence")),
    "FRTB": ("1", Meaning(0.0, 1.0, "1", "share of dry matter to roots")),
    "FLTB": ("1", Meaning(0.0, 1.0, "1", "share of shoot dry matter to leaves")),
    "FSTB": ("1", Meaning(0.0, 1.0, "1", "share of shoot dry matter to stems")),
    "FOTB": ("1", Meaning(0.0, 1.0, "1", "share of shoot dry matter to storage organs")),
    "RDRRTB": ("1", Meaning(0.0, 0.5, "d-1", "relative death rate of roots")),
    "RDRSTB": ("1", Meaning(0.0, 0.5, "d-1", "relative death rate of stems")),
}


class Entry(NamedTuple):
    """A shipped parameter; of a table ``value`` are its pairs, and low and high do not apply."""

    value: Any
    low: float
    high: float
    units: str
    mark: str
    source: str


def require(species: str) -> None:
    """Refuse a crop for which there are no parameters of WOFOST.

    Raises
    ------
    ConfigError
        Naming what there is, and the balance that serves any crop.
    """
    if species not in SPECIES:
        raise ConfigError(
            f"crop: there are no WOFOST parameters for '{species}'.",
            f"Use one of {', '.join(SPECIES)}; for its water alone run the FAO-56 balance of "
            "agritwin.simulation.orchard.balance with the crop's kcb and ground_cover among the drivers.",
        )


@cache
def load(species: str) -> dict[str, Entry]:
    """Shipped parameters of a crop, and of a soil where nothing is known of it.

    Raises
    ------
    ConfigError
        If there is no such crop, or a file is wrong.
    """
    require(species)
    return {**_file("soil"), **_file(species)}


@cache
def usual_start(species: str) -> tuple[Start, str]:
    """How and when (MM-DD) the shipped set of a crop begins: at sowing, or as winter crops at emergence on 1 January.

    Sets of winter crops were fitted with that start; sown in autumn they would flower too early.
    """
    require(species)
    calendar = _content(species)["calendar"]
    return calendar["start"], calendar["day"]


def _content(stem: str) -> dict[str, Any]:
    return yaml.safe_load(resources.files(__package__).joinpath(f"{stem}.yaml").read_text(encoding="utf-8"))


def _file(stem: str) -> dict[str, Entry]:
    content = _content(stem)
    source = content.pop("source")
    content.pop("calendar", None)
    return {name: _entry(stem, name, given, source) for name, given in content.items()}


def _entry(stem: str, name: str, given: Mapping[str, Any], source: str) -> Entry:
    values = np.asarray(given["value"], dtype=np.float64)
    default = {"low": float(values.min()), "high": float(values.max()), "mark": "published", "source": source}
    entry = Entry(**{**default, **given})
    if entry.mark not in MARKS or (values.ndim == 0 and not entry.low <= values <= entry.high):
        raise ConfigError(
            f"{stem}.yaml: {name} has value {entry.value}, range {entry.low} to {entry.high}, mark '{entry.mark}'.",
            "Put the value inside its range and mark it published or prior.",
        )
    return entry


def sample(species: str, members: int, seed: int, **fixed: Any) -> xr.Dataset:
    """Draw members from the ranges of a crop's shipped parameters.

    Parameters
    ----------
    species, members, seed
        Name, number of members, seed of the random numbers; each number is triangular between the ends of its range
        with its mode at its value, independent of the others. The first member has the values themselves. Tables are
        shared; factors make members differ.
    **fixed
        Parameters known for this field, numbers or arrays over member, or tables; they replace what is shipped.

    Returns
    -------
    xarray.Dataset
        One variable a parameter: numbers over ``member``, tables over (``<name>_point``, ``axis``).

    Raises
    ------
    ConfigError
        If the crop or a parameter is unknown.
    """
    shipped = load(species)
    unknown = sorted(set(fixed) - {*CROP, *SOIL, *TABLES})
    if unknown:
        raise ConfigError(f"{species}: unknown parameter {', '.join(unknown)}.", f"Known are {', '.join(shipped)}.")
    random = np.random.default_rng(seed)
    drawn: dict[str, tuple] = {}
    for name, entry in shipped.items():
        attributes = {"units": entry.units, "mark": entry.mark, "source": entry.source}
        if name in TABLES:
            drawn[name] = (f"{name}_point", "axis"), tables.points_of(name, entry.value), attributes
            continue
        values = np.full(members, float(entry.value))
        draws = random.triangular(entry.low, entry.value, entry.high, members) if entry.low < entry.high else values
        values[1:] = draws[1:]
        drawn[name] = ("member", values, attributes)
    dataset = xr.Dataset(drawn, coords={"member": np.arange(members)}, attrs={"species": species})
    spread = {name: given if name in TABLES else np.broadcast_to(given, members) for name, given in fixed.items()}
    known = as_dataset(spread)
    return dataset.drop_vars([name for name in fixed if name in dataset]).assign(
        {name: known[name].assign_attrs(mark="given") for name in fixed}
    )


def as_dataset(parameters: xr.Dataset | Mapping[str, Any]) -> xr.Dataset:
    """Parameters as a Dataset; numbers, arrays over member and tables are told apart by their names."""
    if isinstance(parameters, xr.Dataset):
        return parameters
    variables: dict[str, tuple] = {}
    for name, given in parameters.items():
        if name in TABLES:
            variables[name] = (f"{name}_point", "axis"), tables.points_of(name, given)
        else:
            values = per_member("crop", name, given)
            variables[name] = ("member",) * values.ndim, values
    return xr.Dataset(variables)


def check(parameters: xr.Dataset, *, from_sowing: bool = True) -> None:
    """Refuse parameters that are missing, no numbers, or outside what they can mean.

    Parameters
    ----------
    parameters
        As :func:`sample` gives them.
    from_sowing
        Whether emergence has to be reckoned.

    Raises
    ------
    ConfigError
        Naming the parameter, its value and what is allowed.
    """
    needed = {**CROP, **SOIL, **{name: meaning for name, (_, meaning) in TABLES.items()}}
    missing = [name for name, meaning in needed.items() if meaning.default is None and name not in parameters]
    if missing:
        raise ConfigError(f"crop: {', '.join(missing)} missing.", "Give them, or start from sample().")
    for name, meaning in needed.items():
        if name in parameters:
            values = parameters[name].to_numpy().astype(np.float64)
            _check_range(name, values[:, 1] if name in TABLES else values, meaning)
    for smaller, larger in (("SMW", "SMFCF"), ("SMFCF", "SM0")):
        _check_order(parameters, smaller, larger)
    _check_order(parameters, "RDI", "RDMSOL", equal=True)
    if from_sowing:
        _check_range("TSUMEM", parameters["TSUMEM"].to_numpy(), CROP["TSUMEM"]._replace(lowest=1.0))
    if (value(parameters, "IDSL") >= 1.0).any():
        _check_order(parameters, "DLC", "DLO")
    if (value(parameters, "IDSL") >= 2.0).any():
        _check_order(parameters, "VERNBASE", "VERNSAT")
    _check_shares(parameters)


def value(parameters: xr.Dataset, name: str) -> NDArray[np.float64]:
    """A parameter, or its default where it has one and is not given."""
    meaning = {**CROP, **SOIL}[name]
    if name in parameters:
        return parameters[name].to_numpy().astype(np.float64)
    return np.asarray(meaning.default, dtype=np.float64)


def table(parameters: xr.Dataset, name: str) -> NDArray[np.float64]:
    """A table as (point, [x, y]), or its level default where it has one and is not given."""
    if name in parameters:
        return tables.points_of(name, parameters[name].to_numpy())
    return np.array([[0.0, float(TABLES[name][1].default or 0.0)]])


def _check_range(name: str, values: NDArray[np.float64], meaning: Meaning) -> None:
    bad = ~((values >= meaning.lowest) & (values <= meaning.highest))
    if bad.any():
        raise ConfigError(
            f"crop: {name} ({meaning.long_name}) is {values[bad].flat[0]:g} {meaning.units}.",
            f"Give a value from {meaning.lowest:g} to {meaning.highest:g}.",
        )


def _check_order(parameters: xr.Dataset, smaller: str, larger: str, *, equal: bool = False) -> None:
    low, high = value(parameters, smaller), value(parameters, larger)
    if not (low <= high if equal else low < high).all():
        raise ConfigError(
            f"crop: {smaller} ({np.max(low):g}) is not below {larger} ({np.min(high):g}) in every member.",
            "Correct one of the two.",
        )


def _check_shares(parameters: xr.Dataset) -> None:
    parts = [table(parameters, name) for name in ("FLTB", "FSTB", "FOTB")]
    stages = np.unique(np.concatenate([part[:, 0] for part in parts]))
    total = sum(tables.read(part, stages) for part in parts)
    worst = int(np.abs(np.asarray(total) - 1.0).argmax())
    if abs(np.asarray(total)[worst] - 1.0) > 0.02:
        raise ConfigError(
            f"crop: FLTB, FSTB and FOTB sum to {np.asarray(total)[worst]:g} at stage {stages[worst]:g}.",
            "Give shares that sum to 1 at every stage.",
        )
