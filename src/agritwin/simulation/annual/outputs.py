"""Results of an annual crop: names, units and sums."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.simulation.annual import layout
from agritwin.simulation.annual.management import Cropping

#: Unit, unit of the kernel over this one, meaning, WOFOST's symbol; the daily variables and, as ``final_``, the state.
MEANING: dict[str, tuple[str, float, str, str]] = {
    "phase": ("1", 1.0, f"phase: {', '.join(f'{n} {name}' for n, name in enumerate(layout.PHASES))}", "STAGE"),
    "development_stage": ("1", 1.0, "stage of development: 0 emergence, 1 flowering, 2 ripeness", "DVS"),
    "leaf_area_index": ("1", 1.0, "leaf area index, stems and pods included", "LAI"),
    "leaf_weight": ("kg ha-1", 1.0, "dry weight of living leaves", "WLV"),
    "stem_weight": ("kg ha-1", 1.0, "dry weight of living stems", "WST"),
    "root_weight": ("kg ha-1", 1.0, "dry weight of living roots", "WRT"),
    "storage_organ_weight": ("kg ha-1", 1.0, "dry weight of storage organs", "WSO"),
    "dead_leaf_weight": ("kg ha-1", 1.0, "dry weight of dead leaves", "DWLV"),
    "dead_stem_weight": ("kg ha-1", 1.0, "dry weight of dead stems", "DWST"),
    "dead_root_weight": ("kg ha-1", 1.0, "dry weight of dead roots", "DWRT"),
    "above_ground_production": ("kg ha-1", 1.0, "dry weight above the ground, living and dead", "TAGP"),
    "rooting_depth": ("m", 0.01, "rooting depth", "RD"),
    "soil_moisture": ("1", 1.0, "volumetric water content of the root zone", "SM"),
    "root_zone_water": ("mm", 10.0, "water in the root zone", "W"),
    "subsoil_water": ("mm", 10.0, "water between the roots and the depth that can be rooted", "WLOW"),
    "surface_storage": ("mm", 10.0, "water on the surface", "SS"),
    "vernalisation": ("d", 1.0, "days of cold", "VERN"),
    "temperature_sum": ("degC d", 1.0, "temperature sum of development", "TSUM"),
    "exponential_leaf_area": ("1", 1.0, "leaf area that warmth alone would allow", "LAIEXP"),
    "root_zone_depletion": ("mm", 10.0, "water that the root zone lacks to field capacity", ""),
    "readily_available_water": ("mm", 10.0, "readily available water of the root zone", ""),
    "ks": ("1", 1.0, "water stress coefficient, 1 without stress", "RFWS"),
    "transpiration_reduction": ("1", 1.0, "transpiration over that of the day's demand, for water and oxygen", "RFTRA"),
    "transpiration": ("mm", 10.0, "transpiration of the day", "TRA"),
    "potential_transpiration": ("mm", 10.0, "transpiration of the day without stress", "TRAMX"),
    "soil_evaporation": ("mm", 10.0, "soil evaporation of the day", "EVS"),
    "surface_evaporation": ("mm", 10.0, "evaporation of water on the surface of the day", "EVW"),
    "infiltration": ("mm", 10.0, "infiltration of the day", "RIN"),
    "percolation": ("mm", 10.0, "percolation from the root zone of the day", "PERC"),
    "drainage": ("mm", 10.0, "water lost below the depth that can be rooted, of the day", "LOSS"),
    "runoff": ("mm", 10.0, "surface runoff of the day", "DTSR"),
    "irrigation": ("mm", 10.0, "net irrigation of the day", "RIRR"),
    "gross_assimilation": ("kg ha-1", 1.0, "gross assimilation of the day, as CH2O", "GASS"),
    "maintenance_respiration": ("kg ha-1", 1.0, "maintenance respiration of the day, as CH2O", "MRES"),
}
_STANDARD_NAME = {"leaf_area_index": "leaf_area_index"}
_FLUXES = layout.DAILY[layout.DAILY.index("transpiration") :]
_STATE_UNITS = {
    "temperature_sum": "degC d",
    "emergence_temperature_sum": "degC d",
    "rooting_depth": "cm",
    "water_depth": "cm",
    "soil_moisture": "1",
    "gross_assimilation_sum": "kg ha-1",
    "maintenance_respiration_sum": "kg ha-1",
}
_STATE_WATER = {"crop_transpiration", "crop_evaporation", "root_zone_water", "subsoil_water", "surface_storage"}
_STATE_WATER |= {"wetted_before", "refilled"}
#: Leaf classes of the state, over (leaf_class, member): a ring, see ``kernels``.
LEAVES = ("leaf_class_weight", "leaf_class_specific_area", "leaf_class_birth")
_LEAF_UNITS = ("kg ha-1", "ha kg-1", "d")
#: Sums of a run: state that holds them, meaning.
_SUMS = {
    "transpiration": "transpiration_sum",
    "soil_evaporation": "soil_evaporation_sum",
    "surface_evaporation": "surface_evaporation_sum",
    "precipitation": "precipitation_sum",
    "irrigation": "irrigation_sum",
    "infiltration": "infiltration_sum",
    "runoff": "runoff_sum",
    "percolation": "percolation_sum",
    "drainage": "drainage_sum",
}
_DATES = {"start": "start_day", "emergence": "emergence_day", "flowering": "flowering_day"}
_DATES |= {"ripeness": "ripeness_day", "end": "end_day"}


def dataset(
    drivers: xr.Dataset,
    cropping: Cropping,
    names: tuple[str, ...],
    series: NDArray[np.float64],
    start: NDArray[np.float64],
    carried: NDArray[np.float64],
    leaves: NDArray[np.float64],
) -> xr.Dataset:
    """Assemble the result of a run.

    Parameters
    ----------
    drivers, cropping
        What was run.
    names, series
        Daily variables (name, day, member) in the units of the kernel; changed to those of the result.
    start, carried, leaves
        State before the first and after the last day, and its leaf classes.
    """
    variables: dict[str, tuple] = {}
    for name, values in zip(names, series, strict=True):
        if MEANING[name][1] != 1.0:
            values *= MEANING[name][1]  # in place: the daily variables are most of the memory
        variables[name] = (("member", "day"), values.T, _attributes(name))
    variables |= _per_member(cropping, start, carried)
    for name, values in zip(layout.STATE, carried, strict=True):
        attributes = {"units": _state_unit(name), "long_name": f"{name.replace('_', ' ')} after the last day"}
        variables[f"final_{name}"] = ("member", values, attributes)
    for position, (name, units) in enumerate(zip(LEAVES, _LEAF_UNITS, strict=True)):
        attributes = {"units": units, "long_name": f"{name.replace('_', ' ')} after the last day"}
        variables[f"final_{name}"] = (("leaf_class", "member"), leaves[:, position], attributes)
    attributes = {name: drivers.attrs[name] for name in ("source", "synthetic", "licence") if name in drivers.attrs}
    attributes["history"] = f"WOFOST 7.2, {cropping.production.replace('_', '-')} production"
    coordinates = {"member": np.arange(carried.shape[1]), "day": drivers["day"]}
    return xr.Dataset(variables, coords=coordinates, attrs=attributes)


def _attributes(name: str) -> dict[str, str]:
    units, _, long_name, symbol = MEANING[name]
    attributes = {"units": units, "long_name": long_name}
    attributes["cell_methods"] = "day: sum" if name in _FLUXES else "day: point"
    if symbol:
        attributes["symbol"] = symbol
    if name in _STANDARD_NAME:
        attributes["standard_name"] = _STANDARD_NAME[name]
    return attributes


def _state_unit(name: str) -> str:
    if name in _STATE_UNITS:
        return _STATE_UNITS[name]
    if name.endswith("_weight"):
        return "kg ha-1"
    if name.endswith("_day"):
        return "days since 1970-01-01"
    if name.startswith("tmin_"):
        return "degC"
    if name.startswith("days_") or name in ("vernalisation", "leaf_age"):
        return "d"
    return "cm" if name in _STATE_WATER or name.endswith("_sum") else "1"


def _per_member(cropping: Cropping, start: NDArray[np.float64], carried: NDArray[np.float64]) -> dict[str, tuple]:
    before = dict(zip(layout.STATE, start, strict=True))
    after = dict(zip(layout.STATE, carried, strict=True))
    variables: dict[str, tuple] = {}
    for name, row in _DATES.items():
        days = np.where(after[row] < 0.0, np.datetime64("NaT", "D"), after[row].astype("datetime64[D]"))
        variables[name] = ("member", days.astype("datetime64[s]"), {"long_name": f"local day of {name} of the crop"})
    produced = after["leaf_weight"] + after["dead_leaf_weight"] + after["stem_weight"] + after["dead_stem_weight"]
    produced = produced + after["storage_organ_weight"]
    stored = after["storage_organ_weight"]
    index = np.divide(stored, produced, out=np.full_like(stored, np.nan), where=produced > 0.0)
    for name, values, units, long_name in (
        ("yield_dry_matter", stored, "kg ha-1", "dry weight of the storage organs after the last day"),
        ("total_above_ground_production", produced, "kg ha-1", "dry weight above the ground after the last day"),
        ("harvest_index", index, "1", "storage organs over all that grew above the ground"),
        ("largest_leaf_area_index", after["largest_leaf_area_index"].copy(), "1", "largest leaf area index so far"),
    ):
        variables[name] = ("member", values, {"units": units, "long_name": long_name})
    for name, row in _SUMS.items():
        values = (after[row] - before[row]) * 10.0
        variables[f"season_{name}"] = ("member", values, {"units": "mm", "long_name": f"{name}, summed over the run"})
    if cropping.production == "water_limited":
        attributes = {"units": "mm", "long_name": "change of storage not explained"}
        variables["water_balance_error"] = ("member", 10.0 * _unexplained(before, after), attributes)
    return variables


def _unexplained(before: dict[str, NDArray[np.float64]], after: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    change = {name: after[name] - before[name] for name in after}
    stored = change["root_zone_water"] + change["subsoil_water"] + change["surface_storage"]
    came = change["precipitation_sum"] + change["irrigation_sum"]
    left = change["transpiration_sum"] + change["soil_evaporation_sum"] + change["surface_evaporation_sum"]
    return stored - (came - left - change["runoff_sum"] - change["drainage_sum"])
