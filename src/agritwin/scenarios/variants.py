"""The twin as it is and as the scenario has it: two orchards that share members, seed and days."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import ConfigError
from agritwin.products import annual, crop
from agritwin.products.season import from_now_on, written_irrigation
from agritwin.scenarios.changes import changed_rule, changed_soil, median_day, moved, with_density, with_surface
from agritwin.scenarios.courses import Known, Weather, of
from agritwin.scenarios.definition import Scenario
from agritwin.simulation.orchard import bearing
from agritwin.simulation.orchard.balance import final_state, simulate
from agritwin.simulation.orchard.budget import Allocation, allocate
from agritwin.simulation.orchard.frost_damage import frost_damage, relative_yield
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.phenology import DATES, calendar

#: Members on which a plan for the water is sought and judged.
_PLAN_MEMBERS = 128


@dataclass(frozen=True)
class Variant:
    """An orchard in a weather.

    Attributes
    ----------
    weather
        Courses of weather.
    parameters
        All members, stages included.
    own, rule
        Irrigation up to the day before ``rule_from``, and from it on.
    days
        First and last day simulated.
    year
        Of planting, or None; of the harvest.
    last_crop
        Last year's crop over that of a mean year, or None.
    written
        Irrigation that the holding wrote down (day) [mm], or None.
    """

    weather: Weather
    parameters: xr.Dataset
    own: Irrigation
    rule: Irrigation
    rule_from: dt.date
    days: tuple[dt.date, dt.date]
    age: int | None
    last_crop: float | None
    written: xr.DataArray | None

    def drivers(self, members: NDArray[np.intp]) -> xr.Dataset:
        """Return the drivers of some members on the days simulated."""
        whole = self.weather.days(members).sel(day=slice(*map(str, self.days)))
        if whole.sizes["day"] == 0:
            raise ConfigError(
                f"dates: no weather from {self.days[0]} to {self.days[1]}.", "Choose days within the season."
            )
        return whole

    def run(self, members: NDArray[np.intp]) -> xr.Dataset:
        """Simulate some members; what is kept is the same for every group, whatever else runs."""
        drivers, values = self.drivers(members), self.parameters.isel(member=members)
        result = self._water(drivers, values).assign_coords(member=members)
        lowest = self.weather.days(members)["air_temperature_min"].sel(day=slice(None, str(self.days[1])))
        damage = frost_damage(lowest, values, values)
        result["relative_yield"] = relative_yield(result["relative_yield_water"], damage)
        result["precipitation"] = drivers["precipitation"]
        if self.age is not None:
            result = result.assign(bearing.crop(result["relative_yield"], values, self.age, self.last_crop).data_vars)
        return result.assign(damage.data_vars).assign({f"date_{name}": values[name] for name in DATES})

    def _water(self, drivers: xr.Dataset, values: xr.Dataset) -> xr.Dataset:
        before = drivers.sel(day=slice(None, str(self.rule_from - dt.timedelta(days=1))))
        after = drivers.sel(day=slice(str(self.rule_from), None))
        if self.written is not None:
            before = before.assign(irrigation=self.written.reindex(day=before["day"]).fillna(0.0))
        if before.sizes["day"] == 0:
            return simulate(after, values, None, self.rule)
        first = simulate(before, values, None, self.own)
        if after.sizes["day"] == 0:
            return first
        return one_after_another(first, simulate(after, values, _handed_over(first), self.rule))


def _handed_over(first: xr.Dataset) -> xr.Dataset:
    """State at which a new rule takes over: its limit of the season counts from there."""
    state = final_state(first)
    return state.assign(refilled=xr.zeros_like(state["refilled"]))


def one_after_another(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    """Days one after the other; sums added, states and yields those at the end."""
    daily = [name for name in second.data_vars if "day" in second[name].dims]
    result = second.drop_vars(daily).drop_vars("day")
    for name in second.data_vars:
        if str(name).startswith("season_") or name == "water_balance_error":
            result[name] = (first[name] + second[name]).assign_attrs(second[name].attrs)
    return result.merge(xr.concat([first[daily], second[daily]], "day", join="override"))


@dataclass(frozen=True)
class Twin:
    """What is configured and known of the twin, as the crop's notebook has it."""

    known: Known
    planting: dict[str, Any]
    irrigation: dict[str, Any]
    settings: dict[str, Any]
    ndvi: xr.Dataset | None
    context: pd.DataFrame | None


def baseline(twin: Twin, scenario: Scenario) -> Variant:
    """Return the twin as it is, in its own season, on the scenario's days, members and seed."""
    return changed(twin, scenario.unasked())


def changed(twin: Twin, scenario: Scenario) -> Variant:
    """Return the twin as the scenario has it; an optimised irrigation still lacks its plan, see :func:`plan`.

    Raises
    ------
    ConfigError
        When the scenario asks for what cannot be: a density over an unknown one, soil layers that are not known, days
        outside the season.
    """
    if scenario.dates.sowing is not None or annual.grown({"species": scenario.planting.species}):
        raise ConfigError("An orchard is not sown: dates.sowing and annual species are of fields.", "Take them out.")
    known, settings = twin.known, settings_of(twin, scenario)
    weather = of(known, scenario.weather, twin.settings["horizon_days"])
    planting = twin.planting | scenario.planting.model_dump(exclude_none=True)
    site = known.site | {"soil": changed_soil(known.site["soil"], scenario.soil)}
    values, _ = crop.parameters(site, planting, settings, twin.ndvi, known.end.year)
    values = with_density(values, twin.planting, scenario, known.site["latitude"])
    values = with_surface(values, scenario.soil)
    southern = crop.check_season(known.start, known.site["latitude"])
    stages = moved(calendar(weather.temperature, values, known.start, known.zone, southern=southern), scenario)
    values = values.assign({name: stages[name] for name in (*DATES, "chill")})
    own, written = _own_irrigation(twin, stages)
    rule = asked_rule(own, twin, scenario)
    days = days_of(scenario, known, weather)
    rule_from = day_of_rule(scenario, known, days[0])
    age = None if planting["year"] is None else known.end.year - planting["year"]
    return Variant(weather, values, own, rule, rule_from, days, age, scenario.start.last_crop, written)


def asked_rule(own: Irrigation, twin: Twin, scenario: Scenario) -> Irrigation:
    """Return the rule from the scenario's day on: the one asked for, else the twin's own as it goes on from now."""
    if scenario.irrigation.rule is None:
        own = from_now_on(own, twin.irrigation["rule"], twin.known.last_observed)
    return changed_rule(own, scenario.irrigation)


def days_of(scenario: Scenario, known: Known, weather: Weather) -> tuple[dt.date, dt.date]:
    """Return the first and the last day simulated.

    Raises
    ------
    ConfigError
        When they are no span of the season, or the irrigation asked for begins or ends on another day.
    """
    end = (weather.near if weather.far is None else weather.far)["day"].to_numpy()[-1]
    last = min(known.end, end.astype("datetime64[D]").item())
    days = scenario.dates.first or known.start, scenario.dates.last or last
    if not known.start <= days[0] < days[1] <= last:
        raise ConfigError(
            f"dates: {days[0]} to {days[1]} is no span of the season.",
            f"Choose days from {known.start} to {last}.",
        )
    asked = scenario.irrigation
    for name, day in (("from_day", asked.from_day), ("until_day", asked.until_day)):
        if day is not None and not days[0] <= day <= days[1]:
            raise ConfigError(
                f"irrigation.{name} {day} is none of the days simulated.", f"Choose one from {days[0]} to {days[1]}."
            )
    return days


def day_of_rule(scenario: Scenario, known: Known, first: dt.date) -> dt.date:
    """Return the day from which the rule waters: that asked for, else the first; the twin's own goes on tomorrow."""
    own = known.last_observed + dt.timedelta(days=1)
    return scenario.irrigation.from_day or (own if scenario.irrigation.rule is None else first)


def settings_of(twin: Twin, scenario: Scenario) -> dict[str, Any]:
    """Return the twin's settings with the scenario's members, seed and start."""
    given: dict[str, Any] = {
        "members": scenario.members,
        "seed": scenario.seed,
        "initial_depletion_share": scenario.start.depletion_share,
    }
    return twin.settings | {key: value for key, value in given.items() if value is not None}


def _own_irrigation(twin: Twin, stages: xr.Dataset) -> tuple[Irrigation, xr.DataArray | None]:
    """The twin's own irrigation over the whole season, and what it wrote down."""
    own = twin.irrigation
    management = Irrigation(
        rule="refill" if own["rule"] == "refill" else "none",
        wetted_fraction=own["wetted_fraction"],
        under_canopy=own["system"] == "drip",
        threshold_share_of_raw=own["threshold_share_of_raw"],
        maximum_mm_per_day=own["maximum_mm_per_day"],
        first_day=None if own["rule"] == "none" or stages.attrs["evergreen"] else median_day(stages, "leaf_out"),
    )
    if own["rule"] != "records" or twin.context is None:
        return management, None
    return management, written_irrigation(twin.context, twin.known.now)


def plan(variant: Variant, budget_mm: float, seed: int) -> Allocation:
    """Find the best use of the budget over the first members, from the day on which the rule holds."""
    members = np.arange(min(variant.parameters.sizes["member"], _PLAN_MEMBERS))
    drivers, values = variant.drivers(members), variant.parameters.isel(member=members)
    before = drivers.sel(day=slice(None, str(variant.rule_from - dt.timedelta(days=1))))
    after = drivers.sel(day=slice(str(variant.rule_from), None))
    state = _handed_over(simulate(before, values, None, variant.own)) if before.sizes["day"] else None
    courses = variant.weather.course_of(members)
    return allocate(after, values, budget_mm, variant.rule, state, courses=courses, seed=seed)
