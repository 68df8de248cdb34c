"""Growth of an annual crop over an ensemble: WOFOST 7.2, potential or limited by water."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import ConfigError, DataError
from agritwin.simulation.annual import kernels, layout, outputs, tables, weather
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.annual.parameters import CROP, SOIL, as_dataset, check, table, value
from agritwin.simulation.inputs import check_state, common_members, consecutive_days, daily_names, stacked_rows

_NEVER = 1e12  # day of what does not come
_REQUIRED = {
    "air_temperature_min": ("degC", -90.0, 60.0, 1.0),
    "air_temperature_max": ("degC", -90.0, 60.0, 1.0),
    "shortwave_radiation": ("MJ m-2 d-1", 0.0, 50.0, 1e6),
    "precipitation": ("mm", 0.0, 2000.0, 0.1),
    "open_water_evaporation": ("mm", -2.0, 60.0, 0.1),
    "bare_soil_evaporation": ("mm", -2.0, 60.0, 0.1),
    "et0": ("mm", -2.0, 60.0, 0.1),
}
_IRRIGATION = ("mm", 0.0, 1000.0, 0.1)
_TOP = 10.0  # cm of soil that count as root zone before there are roots


def simulate(
    drivers: xr.Dataset,
    parameters: xr.Dataset | Mapping[str, Any],
    state: xr.Dataset | None = None,
    management: Cropping | Mapping[str, Any] | None = None,
    *,
    daily: bool | Sequence[str] = True,
) -> xr.Dataset:
    """Grow a crop for all members.

    Parameters
    ----------
    drivers
        Over ``day`` (consecutive local days) and, where members differ, ``member``, with the coordinate ``latitude``,
        as :func:`agritwin.simulation.annual.weather.drivers` gives them; if wished ``irrigation`` (net mm).
    parameters
        Those of :mod:`agritwin.simulation.annual.parameters`: numbers, or arrays over ``member``; tables are shared.
    state
        State after the day before, as :func:`final_state` gives it; without one the soil begins as ``WAV``, ``SMLIM``
        and ``SSI`` say, and the crop is sown on its day.
    management
        When the crop is sown and harvested, and how it is watered.
    daily
        Names of the daily variables wanted, or all, or none.

    Returns
    -------
    xarray.Dataset
        Over (member, day): states **with which the day begins** (stage, leaf area, weights, root depth, water) and
        fluxes **of the day** (transpiration, evaporation, drainage, assimilation, ...). Over member: days of emergence,
        flowering, ripeness and end, ``yield_dry_matter``, ``above_ground_production``, ``harvest_index``, sums in mm,
        ``water_balance_error`` (mm) and the state after the last day.

    Raises
    ------
    ConfigError
        If a parameter is missing or outside its range, members do not match, or the sowing lies before the drivers.
    DataError
        If a driver is missing, not finite or outside its range.

    Notes
    -----
    Rates come from the state with which a day begins; a crop that ends has its last day's rates but no growth of that
    day. Soil without a crop goes on losing water. With ``production: potential`` water never lacks, the soil is not
    reckoned and irrigation has no effect.
    """
    if management is None:
        raise ConfigError("crop: management missing.", "Say at least on which day the crop is sown.")
    cropping = Cropping.of(management)
    given = as_dataset(parameters)
    check(given, from_sowing=cropping.start == "sowing")
    days = consecutive_days(drivers).astype("datetime64[D]")
    members = common_members("crop", drivers, given, state)
    forcing = _driver_rows(drivers, cropping, days, members)
    rows = _parameter_rows(given, cropping, days, members)
    carried, leaves = _state_rows(given, state, cropping, days, members)
    start = carried.copy()
    names = daily_names("crop", daily, layout.DAILY)
    series = np.empty((len(names), days.size, members))
    lines, ends = tables.cut({name: table(given, name) for name in layout.STAGE_TABLES})
    warmth = tables.stacked({name: table(given, name) for name in layout.WARMTH_TABLES})
    kernels.run(
        forcing,
        weather.sun(days, _latitude(drivers)),
        lines,
        ends,
        warmth,
        rows,
        carried,
        leaves,
        int(_number(days[0])),
        cropping.production == "water_limited",
        np.array([layout.DAILY.index(name) for name in names], dtype=np.int64),
        series,
    )
    return outputs.dataset(drivers, cropping, names, series, start, carried, leaves)


def final_state(result: xr.Dataset) -> xr.Dataset:
    """State after the last day of a result, to go on from."""
    names = [*layout.STATE, *outputs.LEAVES]
    return xr.Dataset({name: result[f"final_{name}"] for name in names})


def initial_water(parameters: xr.Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Water content of the uppermost 10 cm (1), and water below them (cm), before the first day.

    The available water WAV fills the top up to SMLIM; what is left lies below it, up to saturation.
    """
    dry, full, depth = (value(parameters, name) for name in ("SMW", "SM0", "RDMSOL"))
    available = value(parameters, "WAV")
    most = np.clip(value(parameters, "SMLIM"), dry, full)
    top = np.clip(dry + available / _TOP, dry, most)
    below = np.clip(available + depth * dry - top * _TOP, 0.0, full * (depth - _TOP))
    return top, below


def _latitude(drivers: xr.Dataset) -> float:
    if "latitude" not in drivers.coords:
        raise DataError("The drivers have no latitude.", "Make them by agritwin.simulation.annual.weather.drivers.")
    return float(drivers["latitude"])


def _number(dates: Any) -> NDArray[np.float64]:
    """Dates as days from 1970-01-01; NaT as a day that never comes."""
    dates = np.asarray(dates).astype("datetime64[D]")
    return np.where(np.isnat(dates), _NEVER, dates.astype(np.int64).astype(np.float64))


def _driver(drivers: xr.Dataset, name: str, allowed: tuple[str, float, float, float]) -> xr.DataArray:
    units, lowest, highest, factor = allowed
    if name not in drivers:
        raise DataError(f"The drivers have no {name}.", "Make them by agritwin.simulation.annual.weather.drivers.")
    values = drivers[name]
    found = values.attrs.get("units", units)
    if found != units:
        raise DataError(f"Driver {name} is in '{found}', expected '{units}'.", f"Convert it to {units} first.")
    bad = int((~(np.isfinite(values) & (values >= lowest) & (values <= highest))).sum())
    if bad:
        raise DataError(
            f"Driver {name} is missing or outside {lowest:g} to {highest:g} {units} in {bad} of {values.size} values.",
            "Fill the gaps of the weather first; growth cannot pass over a day.",
        )
    return values * factor


def _driver_rows(
    drivers: xr.Dataset, cropping: Cropping, days: NDArray[np.datetime64], members: int
) -> NDArray[np.float64]:
    """Stack the drivers as the kernel reads them, one column where all members share them."""
    of = {name: _driver(drivers, name, allowed) for name, allowed in _REQUIRED.items()}
    swapped = int((of["air_temperature_min"] > of["air_temperature_max"]).sum())
    if swapped:
        raise DataError(
            f"The minimum temperature is above the maximum on {swapped} days.", "Check the weather of these days."
        )
    given = _driver(drivers, "irrigation", _IRRIGATION) if "irrigation" in drivers else xr.zeros_like(of["et0"])
    given = given + xr.DataArray(_fixed_schedule(cropping, days), coords={"day": drivers["day"]}, dims="day")
    rows = [of["air_temperature_min"], of["air_temperature_max"], of["shortwave_radiation"], of["precipitation"], given]
    rows += [of["open_water_evaporation"], of["bare_soil_evaporation"], of["et0"]]
    return stacked_rows(rows, days.size, members)


def _fixed_schedule(cropping: Cropping, days: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Irrigation of the rule ``fixed``, cm."""
    depths, rule = np.zeros(days.size), cropping.irrigation
    if rule.rule == "fixed":
        first, last = _window(cropping)
        first = max(first, float(_number(cropping.sowing)))
        number = _number(days)
        due = (number >= first) & (number <= last) & ((number - first) % rule.interval_days == 0)
        depths[due] = rule.depth_mm / 10.0
    return depths


def _window(cropping: Cropping) -> tuple[float, float]:
    """First and last day on which a rule may irrigate."""
    first, last = cropping.irrigation.first_day, cropping.irrigation.last_day
    return -_NEVER if first is None else float(_number(first)), _NEVER if last is None else float(_number(last))


def _parameter_rows(
    parameters: xr.Dataset, cropping: Cropping, days: NDArray[np.datetime64], members: int
) -> NDArray[np.float64]:
    """Translate parameters and management into the rows of the kernel."""
    given = {name: value(parameters, name) for name in (*CROP, *SOIL)}
    rule = cropping.irrigation
    first, last = _window(cropping)
    refills = rule.rule == "refill"
    rows = {
        **{name: given[name] for name in given if name in layout.PARAMETERS},
        "PHOTOPERIODIC": given["IDSL"] >= 1.0,
        "VERNALISING": given["IDSL"] >= 2.0,
        "LNQ10": np.log(given["Q10"]),
        "OXYGEN": (given["IOX"] == 1.0) & (given["IAIRDU"] == 0.0),
        "RDM": np.maximum(given["RDI"], np.minimum(given["RDMCR"], given["RDMSOL"])),
        "START": _number(cropping.sowing),
        "FROM_SOWING": cropping.start == "sowing",
        "HARVEST": _number(cropping.harvest) if cropping.harvest and cropping.end != "ripeness" else _NEVER,
        "TO_RIPENESS": cropping.end != "harvest",
        "DURATION": cropping.duration_days,
        "THRESHOLD": rule.threshold_share_of_raw,
        "REFILL": rule.refill_share if refills else 0.0,
        "MAXIMUM": rule.maximum_mm_per_day / 10.0,
        "LIMIT": rule.season_limit_mm / 10.0,
        "FIRST_DAY": first,
        "LAST_DAY": last,
    }
    return np.stack([np.broadcast_to(rows[name], members).astype(np.float64) for name in layout.PARAMETERS])


def _state_rows(
    parameters: xr.Dataset, state: xr.Dataset | None, cropping: Cropping, days: NDArray[np.datetime64], members: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if state is not None:
        check_state("crop", state, (*layout.STATE, *outputs.LEAVES))
        rows = [np.broadcast_to(state[name].to_numpy().astype(float), members) for name in layout.STATE]
        parts = [state[name].transpose("leaf_class", ..., "member").to_numpy() for name in outputs.LEAVES]
        leaves = np.broadcast_to(np.stack(parts, axis=1), (layout.CLASSES, 3, members))
        return np.stack(rows), np.array(leaves, order="C")  # a copy of its own: the kernel writes into it
    if np.datetime64(cropping.sowing) < days[0]:
        raise ConfigError(
            f"crop: sowing {cropping.sowing} lies before the first day of the drivers, {days[0]}.",
            "Begin the drivers on the day of sowing at the latest, or go on from a state.",
        )
    return _fresh_rows(parameters, cropping.production == "water_limited", members), np.zeros(
        (layout.CLASSES, 3, members)
    )


def _fresh_rows(parameters: xr.Dataset, limited: bool, members: int) -> NDArray[np.float64]:
    rows = np.zeros((len(layout.STATE), members))
    of = {name: rows[position] for position, name in enumerate(layout.STATE)}
    for name in ("start_day", "emergence_day", "flowering_day", "ripeness_day", "end_day"):
        of[name][:] = -1.0
    of["development_stage"][:] = -0.1
    of["water_depth"][:] = _TOP
    dry, moist = value(parameters, "SMW"), value(parameters, "SMFCF")
    if limited:
        top, below = initial_water(parameters)
        of["root_zone_water"][:] = top * _TOP
        of["subsoil_water"][:] = below
        of["soil_moisture"][:] = top
        of["surface_storage"][:] = value(parameters, "SSI")
        of["days_since_rain"][:] = np.where(top >= dry + 0.5 * (moist - dry), 1.0, 5.0)
    else:
        of["soil_moisture"][:] = moist
        of["days_since_rain"][:] = 1.0
    return rows
