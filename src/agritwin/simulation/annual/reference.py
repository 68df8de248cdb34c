"""PCSE, the reference implementation of WOFOST, behind the interface of ``agritwin.simulation.annual.wofost``.

It works one member at a time and is three orders slower; it is here to check results, not to make them. PCSE is
licensed under the EUPL and is not part of this package.
"""

import contextlib
import importlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr

from agritwin.errors import ConfigError
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.annual.outputs import MEANING
from agritwin.simulation.annual.parameters import CROP, SOIL, TABLES, as_dataset, check, table, value

#: Daily variables whose symbol is also PCSE's; water in the soil only where it is reckoned.
_COMMON = (
    "development_stage", "leaf_area_index", "leaf_weight", "stem_weight", "root_weight", "storage_organ_weight",
    "dead_leaf_weight", "dead_stem_weight", "dead_root_weight", "above_ground_production", "rooting_depth",
    "soil_moisture", "temperature_sum", "exponential_leaf_area", "transpiration_reduction", "transpiration",
    "potential_transpiration", "soil_evaporation", "gross_assimilation", "maintenance_respiration",
)  # fmt: skip
_WATER = (
    "root_zone_water", "subsoil_water", "surface_storage", "surface_evaporation", "infiltration", "percolation",
    "drainage", "runoff", "irrigation",
)  # fmt: skip
_DRIVERS = {
    "TMIN": ("air_temperature_min", 1.0),
    "TMAX": ("air_temperature_max", 1.0),
    "IRRAD": ("shortwave_radiation", 1e6),
    "RAIN": ("precipitation", 0.1),
    "E0": ("open_water_evaporation", 0.1),
    "ES0": ("bare_soil_evaporation", 0.1),
    "ET0": ("et0", 0.1),
}


def simulate(
    drivers: xr.Dataset,
    parameters: xr.Dataset | Mapping[str, Any],
    state: xr.Dataset | None = None,
    management: Cropping | Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Grow a crop for all members, one after the other.

    Parameters
    ----------
    drivers, parameters, management
        As in :func:`agritwin.simulation.annual.wofost.simulate`, without a rule of irrigation; depths that the drivers
        give are applied, but for the very last day, on which PCSE takes none. At least two days.
    state
        Has to be None: PCSE cannot go on from one.

    Returns
    -------
    xarray.Dataset
        Over (member, day) the daily variables that PCSE reckons too, NaN where it has none.

    Raises
    ------
    ConfigError
        If PCSE is not installed, a state or a rule of irrigation is given, or a parameter is refused.
    """
    if management is None or state is not None:
        raise ConfigError("crop: PCSE starts afresh and needs a management.", "Leave state out and give management.")
    cropping = Cropping.of(management)
    if cropping.irrigation.rule != "none":
        raise ConfigError(
            f"crop: PCSE has no irrigation rule '{cropping.irrigation.rule}'.", "Give depths as the driver irrigation."
        )
    given = as_dataset(parameters)
    check(given, from_sowing=cropping.start == "sowing")
    sizes = [part.sizes["member"] for part in (drivers, given) if "member" in part.dims]
    members = max(sizes, default=1)
    runs = [_run(_of(drivers, member), _of(given, member), cropping) for member in range(members)]
    return xr.concat(runs, "member").assign_coords(member=np.arange(members), day=drivers["day"])


def preparation(
    drivers: xr.Dataset, parameters: xr.Dataset, cropping: Cropping, outputs: list[str] | None = None
) -> Callable[[], Any]:
    """Translate weather, parameters and calendar of one member for PCSE.

    Parameters
    ----------
    drivers, parameters
        Of one member.
    cropping
        How it is grown.
    outputs
        PCSE's names of the daily variables; its own choice where None.

    Returns
    -------
    Callable
        Makes an engine that is ready to run.
    """
    load()
    models, base = importlib.import_module("pcse.models"), importlib.import_module("pcse.base")
    numbers = {name: float(value(parameters, name)) for name in (*CROP, *SOIL)}
    tables = {name: table(parameters, name) for name in TABLES}
    for name in ("AMAX", "EFF", "KDIF", "SLA"):
        tables[f"{name}TB"] = tables[f"{name}TB"] * [1.0, numbers.pop(f"{name}_FACTOR")]
    soil = {name: numbers.pop(name) for name in SOIL}
    crop = numbers | {name: _flat(values) for name, values in tables.items()}
    limited = cropping.production == "water_limited"
    model = models.Wofost72_WLP_CWB if limited else models.Wofost72_PP
    weather, calendar = _weather(drivers), _calendar(drivers, cropping)

    def make() -> Any:
        provider = base.ParameterProvider(cropdata=crop, soildata=soil, sitedata={})
        return model(provider, weather, calendar, output_vars=outputs)

    return make


def load() -> ModuleType:
    """Import PCSE and keep what it does to the logging of the process from lasting.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        with _quiet():
            return importlib.import_module("pcse")
    except ModuleNotFoundError as error:
        if error.name != "pcse":
            raise
        raise ConfigError(
            "crop: the reference engine PCSE is not installed.",
            "Install it with 'pip install pcse', or use agritwin.simulation.annual.wofost.",
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Undo what PCSE's import does: it prints, and replaces the handlers of all loggers."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    known = [logger for logger in logging.Logger.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    disabled = {logger: logger.disabled for logger in known}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for logger, was in disabled.items():
            logger.disabled = was


def _of(dataset: xr.Dataset, member: int) -> xr.Dataset:
    if "member" not in dataset.dims:
        return dataset
    return dataset.isel(member=member if dataset.sizes["member"] > 1 else 0, drop=True)


def _flat(values: np.ndarray) -> list[float]:
    """A table as PCSE reads it; one point alone it cannot read."""
    pairs = values if len(values) > 1 else np.vstack([values, values + np.array([1.0, 0.0])])
    return [float(number) for number in pairs.ravel()]


def _weather(drivers: xr.Dataset) -> Any:
    base = importlib.import_module("pcse.base")
    provider = base.WeatherDataProvider()
    provider.latitude, provider.longitude, provider.elevation = float(drivers["latitude"]), 0.0, 0.0
    columns = {name: drivers[source].to_numpy() * factor for name, (source, factor) in _DRIVERS.items()}
    for position, day in enumerate(drivers["day"].to_numpy().astype("datetime64[D]").astype(object)):
        values = {name: float(column[position]) for name, column in columns.items()}
        place = {"LAT": provider.latitude, "LON": 0.0, "ELEV": 0.0}
        container = base.WeatherDataContainer(DAY=day, VAP=10.0, WIND=2.0, **place, **values)
        provider._store_WeatherDataContainer(container, day)
    return provider


def _calendar(drivers: xr.Dataset, cropping: Cropping) -> list[dict]:
    days = drivers["day"].to_numpy().astype("datetime64[D]").astype(object)
    first, last = days[0], days[-1]
    ends = {"ripeness": "maturity", "harvest": "harvest", "earliest": "earliest" if cropping.harvest else "maturity"}
    calendar = {
        "crop_name": "crop",
        "variety_name": "crop",
        "crop_start_date": cropping.sowing,
        "crop_start_type": cropping.start,
        "crop_end_date": cropping.harvest,
        "crop_end_type": ends[cropping.end],
        "max_duration": cropping.duration_days,
    }
    events = None
    if "irrigation" in drivers and bool((drivers["irrigation"] > 0).any()):
        depths = zip(days, drivers["irrigation"].to_numpy(), strict=True)
        table_of = [
            {day: {"amount": float(mm) / 10.0, "efficiency": 1.0}} for day, mm in depths if mm > 0 and day < last
        ]
        events = [{"event_signal": "irrigate", "name": "given", "comment": "cm", "events_table": table_of}]
    campaign = {"CropCalendar": calendar, "TimedEvents": events, "StateEvents": None}
    return [{first: campaign}, {last: None}]


def _run(drivers: xr.Dataset, parameters: xr.Dataset, cropping: Cropping) -> xr.Dataset:
    names = [*_COMMON, *(_WATER if cropping.production == "water_limited" else ())]
    symbols = {name: MEANING[name][3] for name in names}
    make = preparation(drivers, parameters, cropping, list(symbols.values()))
    with _quiet():
        model = make()
        model.run_till_terminate()
    found = {day["day"]: day for day in model.get_output()}
    days = drivers["day"].to_numpy().astype("datetime64[D]").astype(object)
    variables = {}
    for name, symbol in symbols.items():
        units, factor, long_name, _ = MEANING[name]
        known = [found.get(day, {}).get(symbol) for day in days]
        values = np.array([np.nan if number is None else float(number) for number in known]) * factor
        variables[name] = ("day", values, {"units": units, "long_name": long_name, "symbol": symbol})
    up = variables["development_stage"][1] >= 0.0  # before emergence PCSE leaves this rate at zero
    variables["transpiration_reduction"][1][~up] = np.nan
    attributes = {"history": f"PCSE {load().__version__}, {model.__class__.__name__}"}
    return xr.Dataset(variables, coords={"day": drivers["day"]}, attrs=attributes)
