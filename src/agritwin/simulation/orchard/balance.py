"""Daily water balance of an orchard over an ensemble: the dual crop coefficient of FAO-56 chapters 7 and 8."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import ConfigError, DataError
from agritwin.simulation.inputs import (
    check_state,
    common_members,
    consecutive_days,
    daily_names,
    per_member,
    stacked_rows,
)
from agritwin.simulation.orchard import coefficients, kernels, layout
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.parameters import FRUIT_DAYS, LEAF_DAYS, WATER, YIELD, check

_REQUIRED = {"precipitation": "mm", "et0": "mm", "wind_speed": "m s-1", "relative_humidity_min": "percent"}
_CANOPY = ("kcb", "ground_cover")
_NEVER = 1e12  # day of what does not come

_OUTPUT = {
    "root_zone_depletion": ("mm", "depletion of the root zone at the end of the day"),
    "irrigated_surface_depletion": ("mm", "depletion of the surface layer that irrigation wets at the end of the day"),
    "rainfed_surface_depletion": ("mm", "depletion of the surface layer that only rain wets at the end of the day"),
    "kcb": ("1", "basal crop coefficient"),
    "ground_cover": ("1", "ground cover"),
    "readily_available_water": ("mm", "readily available water of the root zone"),
    "ks": ("1", "water stress coefficient, 1 without stress"),
    "soil_evaporation": ("mm", "soil evaporation of the day"),
    "transpiration": ("mm", "transpiration of the day"),
    "potential_transpiration": ("mm", "transpiration of the day without water stress"),
    "drainage": ("mm", "deep percolation of the day"),
    "runoff": ("mm", "surface runoff of the day"),
    "irrigation": ("mm", "net irrigation of the day"),
}
_STATE_UNITS = {"irrigated_exposed_fraction": "1", "rainfed_exposed_fraction": "1"}


def simulate(
    drivers: xr.Dataset,
    parameters: xr.Dataset | Mapping[str, Any],
    state: xr.Dataset | None = None,
    management: Irrigation | Mapping[str, Any] | None = None,
    *,
    daily: bool | Sequence[str] = True,
) -> xr.Dataset:
    """Run the water balance of an orchard for all members.

    Parameters
    ----------
    drivers
        Over ``day`` (consecutive local days) and, where members differ, ``member``: ``precipitation`` and ``et0`` (mm),
        ``wind_speed`` (m s-1 at 2 m), ``relative_humidity_min`` (percent); if wished ``irrigation`` (net mm), and both
        ``kcb`` and ``ground_cover`` (1) in place of those from the calendar of the leaves. Other variables are ignored.
    parameters
        Those of :data:`agritwin.simulation.orchard.parameters.WATER`, the days of the leaves and of the fruit
        (datetime64; NaT never comes), and for the yield those of ``YIELD``; numbers, or arrays over ``member``. Without
        a ``state`` also ``initial_depletion_share`` (of the total available water).
    state
        State at the end of the day before, as :func:`final_state` gives it.
    management
        Irrigation and its rule; None applies only what the drivers give.
    daily
        Names of the daily variables wanted, or all, or none: for large ensembles of which only the sums are wanted.

    Returns
    -------
    xarray.Dataset
        Over (member, day), as ``daily`` says: ``root_zone_depletion``, ``readily_available_water``, ``ks``, ``kcb``,
        ``soil_evaporation``, ``transpiration``, ``potential_transpiration``, ``drainage``, ``runoff``, ``irrigation``
        and others. Over member: ``season_<flux>`` sums (mm), ``total_available_water``, ``relative_yield_water`` (if
        the factors are there; NaN where no leaf came), ``water_balance_error`` (mm) and the state after the last day.

    Raises
    ------
    ConfigError
        If a parameter is missing or outside its range, or members do not match.
    DataError
        If a driver is missing, not finite or negative.

    Notes
    -----
    Water of the day comes before evaporation and transpiration, as in FAO-56 Examples 35 and 38. The exposed soil has
    two parts, that which irrigation wets and that which only rain wets (Allen et al. 2005, J. Irrig. Drain. Eng.
    131:2); with ``wetted_fraction`` 1 it is the one layer of the book. These choices go beyond both: the share of
    readily available water follows the transpiration that the day asks for, so that a wet soil surface does not count
    as stress; soil that joins an exposed part counts as dry, so that no water evaporates twice; and the surface is part
    of the root zone: it never lacks more water, and where only rain wets it, irrigation does not fill it and no root
    empties it.
    """
    irrigation = Irrigation.of(management)
    given = _as_dataset(parameters)
    check(given)
    days = consecutive_days(drivers)
    members = common_members("orchard", drivers, given, state)
    rows = parameter_rows(given, irrigation, days, members)
    forcing = driver_rows(drivers, irrigation, days, members)
    carried = state_rows(given, state, rows, members)
    start = carried[0].copy()
    sums = np.empty((len(layout.SUMS), members))
    names = daily_names("orchard", daily, layout.DAILY)
    series = np.empty((len(layout.DAILY), days.size, members)) if names else None
    kernels.run(forcing, rows, carried, sums, series)
    result = _result(drivers, given, days, start, carried, sums, series)
    return result.drop_vars([name for name in layout.DAILY if name in result and name not in names])


def final_state(result: xr.Dataset) -> xr.Dataset:
    """State after the last day of a result, to go on from."""
    return xr.Dataset({name: result[f"final_{name}"] for name in layout.STATE})


def _as_dataset(parameters: xr.Dataset | Mapping[str, Any]) -> xr.Dataset:
    if isinstance(parameters, xr.Dataset):
        return parameters
    of_days = {*LEAF_DAYS, *FRUIT_DAYS}
    variables = {
        name: per_member("orchard", name, value, "datetime64[s]" if name in of_days else "float64")
        for name, value in parameters.items()
    }
    return xr.Dataset({name: (("member",) * value.ndim, value) for name, value in variables.items()})


def _driver(drivers: xr.Dataset, name: str, lowest: float) -> xr.DataArray:
    if name not in drivers:
        raise DataError(f"The drivers have no {name}.", f"Give {name} over 'day'.")
    expected = _REQUIRED.get(name)
    found = drivers[name].attrs.get("units", expected)
    if expected and found != expected:
        raise DataError(f"Driver {name} is in '{found}', expected '{expected}'.", f"Convert it to {expected} first.")
    values = drivers[name]
    bad = int((~(np.isfinite(values) & (values >= lowest))).sum())
    if bad:
        raise DataError(
            f"Driver {name} is missing or below {lowest:g} in {bad} of {values.size} values.",
            "Fill the gaps of the weather first; the balance cannot pass over a day.",
        )
    return values


def driver_rows(
    drivers: xr.Dataset, irrigation: Irrigation, days: NDArray[np.datetime64], members: int
) -> NDArray[np.float64]:
    """Drivers (row, day, 1 or member) as the kernel reads them, one column where all members share them."""
    climate = coefficients.climatic_term(
        _driver(drivers, "wind_speed", 0.0), _driver(drivers, "relative_humidity_min", 0.0)
    )
    given = (
        _driver(drivers, "irrigation", 0.0) if "irrigation" in drivers else xr.zeros_like(drivers["day"], dtype=float)
    )
    fixed = xr.DataArray(fixed_schedule(irrigation, days), coords={"day": drivers["day"]}, dims="day")
    et0 = np.maximum(_driver(drivers, "et0", -1.0), 0.0)  # dew makes a winter day slightly negative
    rows = [_driver(drivers, "precipitation", 0.0), et0, climate, given + fixed]
    canopy = [name for name in _CANOPY if name in drivers]
    if canopy:
        if len(canopy) < len(_CANOPY):
            raise DataError(f"The drivers have {canopy[0]} alone.", "Give both kcb and ground_cover, or neither.")
        rows += [_driver(drivers, name, 0.0) for name in _CANOPY]
    return stacked_rows(rows, days.size, members)


def fixed_schedule(irrigation: Irrigation, days: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Net depth that the rule ``fixed`` gives on each day, mm."""
    depths = np.zeros(days.size)
    if irrigation.rule == "fixed":
        first, last = _window(irrigation, days)
        day = np.arange(days.size)
        due = (day >= first) & (day <= last) & ((day - max(first, 0.0)) % irrigation.interval_days == 0)
        depths[due] = irrigation.depth_mm
    return depths


def _window(irrigation: Irrigation, days: NDArray[np.datetime64]) -> tuple[float, float]:
    """First and last day on which a rule may irrigate, counted from the first day of the drivers."""
    first = -_NEVER if irrigation.first_day is None else _day_number(np.datetime64(irrigation.first_day), days)
    last = _NEVER if irrigation.last_day is None else _day_number(np.datetime64(irrigation.last_day), days)
    return float(first), float(last)


def _day_number(dates: Any, days: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Dates as days from the first day of the drivers; NaT as a day that never comes."""
    dates = np.asarray(dates).astype("datetime64[s]")
    number = (dates - days[0]) / np.timedelta64(1, "D")
    return np.where(np.isnat(dates), _NEVER, number)


def parameter_rows(
    parameters: xr.Dataset | Mapping[str, NDArray], irrigation: Irrigation, days: NDArray[np.datetime64], members: int
) -> NDArray[np.float64]:
    """Parameters and management as the rows of the kernel, dates counted from the first of ``days``."""
    value = {name: np.asarray(parameters[name], dtype=np.float64) for name in WATER}
    date = {
        name: _day_number(parameters[name], days)
        for name in ("leaf_out", "full_canopy", "senescence", "leaf_fall", "leafless", "stage_2", "stage_3", "maturity")
    }
    cover = value["cover_maximum"]
    density = coefficients.density_coefficient(cover, cover, value["height"])  # the climate acts on what stands there
    gain = coefficients.height_factor(value["height"])
    # a surface layer deeper than the root zone is as deep as it
    depth = np.minimum(value["total_available_water"] / value["total_evaporable_water"], 1.0)
    first, last = _window(irrigation, days)
    shares = irrigation.stage_shares if irrigation.rule == "deficit" else (-1.0, -1.0, -1.0)
    refill = {"refill": irrigation.refill_share, "deficit": 1.0}.get(irrigation.rule, 0.0)
    rows = {
        **{name: value[name] for name in value if name in layout.PARAMETERS},
        "total_evaporable_water": value["total_evaporable_water"] * depth,
        "inverse_falling_rate": 1.0 / (value["total_evaporable_water"] - value["readily_evaporable_water"]) / depth,
        "retention": 25_400.0 / value["curve_number"] - 254.0,
        "kcb_climate_gain": gain * density,
        "height_factor": gain,
        "leaf_out": date["leaf_out"],
        "inverse_development": _inverse(date["full_canopy"] - date["leaf_out"]),
        "senescence": date["senescence"],
        "inverse_late": _inverse(date["leaf_fall"] - date["senescence"]),
        "leaf_fall": date["leaf_fall"],
        "inverse_fall": _inverse(date["leafless"] - date["leaf_fall"]),
        **{name: date[name] for name in ("stage_2", "stage_3", "maturity")},
        "wetted_fraction": irrigation.wetted_fraction,
        "inverse_wetted": 1.0 / irrigation.wetted_fraction,
        "canopy_shelter": 0.67 if irrigation.under_canopy else 0.0,
        "threshold": irrigation.threshold_share_of_raw,
        "refill": refill,
        **{f"deficit_stage_{stage}": share for stage, share in enumerate(shares, start=1)},
        "maximum": irrigation.maximum_mm_per_day,
        "season_limit": irrigation.season_limit_mm,
        "first_day": first,
        "last_day": last,
    }
    return np.stack([np.broadcast_to(rows[name], members) for name in layout.PARAMETERS])


def _inverse(duration: NDArray[np.float64]) -> NDArray[np.float64]:
    """One over a duration in days; a leaf calendar that never starts has none."""
    return 1.0 / np.where(duration > 0.0, duration, 1.0)


def state_rows(
    parameters: xr.Dataset | Mapping[str, NDArray], state: xr.Dataset | None, rows: NDArray[np.float64], members: int
) -> NDArray[np.float64]:
    """State as the rows of the kernel: the one given, or that at the start of a season."""
    if state is not None:
        check_state("orchard", state, layout.STATE)
        return np.stack([np.broadcast_to(state[name].to_numpy().astype(float), members) for name in layout.STATE])
    if "initial_depletion_share" not in parameters:
        raise ConfigError("orchard: initial_depletion_share missing.", "Give it, 0 to 1, or a state to go on from.")
    share = np.asarray(parameters["initial_depletion_share"], dtype=np.float64)
    if not ((share >= 0.0) & (share <= 1.0)).all():
        raise ConfigError(f"orchard: initial_depletion_share is {share}.", "Give a share of the water, from 0 to 1.")
    carried = np.zeros((len(layout.STATE), members))
    position = layout.STATE.index
    water = {name: rows[layout.PARAMETERS.index(name)] for name in layout.PARAMETERS}
    carried[position("root_zone_depletion")] = share * water["total_available_water"]
    for part in ("irrigated", "rainfed"):
        carried[position(f"{part}_surface_depletion")] = share * water["total_evaporable_water"]
        carried[position(f"{part}_exposed_fraction")] = 1.0  # no soil joins on the first day
    return carried


def _result(
    drivers: xr.Dataset,
    parameters: xr.Dataset,
    days: NDArray[np.datetime64],
    start: NDArray[np.float64],
    carried: NDArray[np.float64],
    sums: NDArray[np.float64],
    series: NDArray[np.float64] | None,
) -> xr.Dataset:
    variables: dict[str, tuple] = {}
    for name, values in zip(layout.DAILY, () if series is None else series, strict=False):
        units, long_name = _OUTPUT[name]
        variables[name] = (("member", "day"), values.T, {"units": units, "long_name": long_name})
    for name, values in zip(layout.SUMS, sums, strict=True):
        variables[f"season_{name}"] = ("member", values, {"units": "mm", "long_name": f"{_OUTPUT[name][1]}, summed"})
    for name, values in zip(layout.STATE, carried, strict=True):
        units = _STATE_UNITS.get(name, "mm")
        variables[f"final_{name}"] = ("member", values, {"units": units, "long_name": f"{name} after the last day"})
    flux = dict(zip(layout.SUMS, sums, strict=True))
    rain = np.broadcast_to(drivers["precipitation"].sum("day").to_numpy(), start.size)
    lost = flux["soil_evaporation"] + flux["transpiration"] + flux["drainage"]
    error = carried[0] - start - (lost - (rain - flux["runoff"] + flux["irrigation"]))
    taw = np.broadcast_to(parameters["total_available_water"].to_numpy(), start.size)
    variables["season_precipitation"] = ("member", rain, {"units": "mm", "long_name": "precipitation, summed"})
    variables["water_balance_error"] = (
        "member",
        error,
        {"units": "mm", "long_name": "change of storage not explained"},
    )
    variables["total_available_water"] = (
        "member",
        taw,
        {"units": "mm", "long_name": WATER["total_available_water"][3]},
    )
    if all(name in parameters for name in YIELD):
        relative = relative_yield_water(parameters, dict(zip(layout.STATE, carried, strict=True)))
        attributes = {"units": "1", "long_name": "relative yield for water, to the last day"}
        variables["relative_yield_water"] = ("member", relative, attributes)
    attributes = {name: drivers.attrs[name] for name in ("source", "synthetic", "licence") if name in drivers.attrs}
    attributes["history"] = "FAO-56 dual crop coefficient water balance of an orchard"
    return xr.Dataset(variables, coords={"member": np.arange(start.size), "day": drivers["day"]}, attrs=attributes)


def relative_yield_water(
    parameters: xr.Dataset | Mapping[str, NDArray], state: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Yield over that without water stress, the product of the stages' linear responses (Stewart's Ky).

    Transpiration stands for evapotranspiration, since dry soil between trees costs no yield. Ky is meant for deficits
    up to a half: the low values of rainfed groves are an extrapolation. Stages not begun yet count as unstressed; a
    tree without leaves has no yield to speak of (NaN).
    """
    relative = np.where(np.isnat(np.asarray(parameters["leaf_out"])), np.nan, np.ones(state["refilled"].size))
    for stage in (1, 2, 3):
        potential = state[f"potential_transpiration_stage_{stage}"]
        met = np.divide(
            state[f"transpiration_stage_{stage}"], potential, out=np.ones_like(potential), where=potential > 0
        )
        relative = relative * np.maximum(1.0 - np.asarray(parameters[f"ky_stage_{stage}"]) * (1.0 - met), 0.0)
    return relative
