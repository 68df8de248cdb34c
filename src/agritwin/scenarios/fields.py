"""The field as it is and as the scenario has it: annual crops that share members, seed and days."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin import soil
from agritwin.errors import ConfigError
from agritwin.products import annual, season
from agritwin.scenarios.courses import Known, Weather, of
from agritwin.scenarios.definition import Layer, Scenario, SoilChange
from agritwin.scenarios.variants import Twin, asked_rule, day_of_rule, days_of, one_after_another, settings_of
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.annual.wofost import final_state, simulate
from agritwin.simulation.orchard.management import Irrigation

#: What a scenario may say of trees only, and why not of a field.
TREES_ONLY = {
    "dates.bloom": "an annual crop flowers as its sowing and the weather have it; set dates.sowing",
    "planting.year": "an annual crop is sown every year; set dates.sowing",
    "planting.trees_per_ha": "a field has no trees",
    "planting.canopy_height_m": "the crop's height follows from its growth",
    "planting.canopy_cover": "the crop's cover follows from its growth",
    "soil.total_available_water_mm": "growth needs the soil's layers; give soil.layers with sand and clay",
    "soil.curve_number": "the field's runoff follows from its storage and percolation",
    "irrigation.system": "water reaches the whole field",
    "irrigation.wetted_fraction": "water reaches the whole field",
    "irrigation.stage_shares": "the rule deficit is for trees; use none, fixed or refill",
    "irrigation.budget_mm": "the rule optimised is for trees; use refill with season_limit_mm",
    "start.last_crop": "only trees bear in alternate years",
}


@dataclass(frozen=True)
class FieldVariant:
    """A field in a weather.

    Attributes
    ----------
    weather
        Courses of weather.
    parameters, cropping
        Of all members; with the irrigation up to the day before ``rule_from``.
    rule
        Irrigation from that day on.
    days
        First and last day simulated.
    written
        Irrigation that the holding wrote down (day) [mm], or None.
    latitude, zone
        Of the field.
    """

    weather: Weather
    parameters: xr.Dataset
    cropping: Cropping
    rule: Irrigation
    rule_from: dt.date
    days: tuple[dt.date, dt.date]
    written: xr.DataArray | None
    latitude: float
    zone: str

    def run(self, members: NDArray[np.intp]) -> xr.Dataset:
        """Simulate some members; what is kept is the same for every group, whatever else runs."""
        drivers = self.weather.days(members).sel(day=slice(*map(str, self.days)))
        drivers = drivers.assign_coords(latitude=self.latitude)
        values = self.parameters.isel(member=members)
        grown = self._water(drivers, values).assign_coords(member=members)
        result = annual.completed(grown, drivers, values, self.cropping)
        yielded = result["yield_dry_matter"]
        dates = {f"date_{name}": result[name].assign_attrs(zone=self.zone) for name in annual.SHOWN_DATES}
        return result.assign(dates | {"crop": yielded, "relative_yield_water": result["relative_yield"]})

    def _water(self, drivers: xr.Dataset, values: xr.Dataset) -> xr.Dataset:
        eve = self.rule_from - dt.timedelta(days=1)
        before, after = drivers.sel(day=slice(None, str(eve))), drivers.sel(day=slice(str(self.rule_from), None))
        if self.written is not None:
            before = before.assign(
                irrigation=self.written.reindex(day=before["day"]).fillna(0.0).assign_attrs(units="mm")
            )
        ruled = replace(self.cropping, irrigation=self.rule)
        if before.sizes["day"] == 0:
            return simulate(after, values, None, ruled, daily=annual.DAILY)
        first = simulate(before, values, None, self.cropping, daily=annual.DAILY)
        if after.sizes["day"] == 0:
            return first
        state = final_state(first)
        state["refilled"] = xr.zeros_like(state["refilled"])  # a limit of the season counts from here
        return one_after_another(first, simulate(after, values, state, ruled, daily=annual.DAILY))


def baseline(twin: Twin, scenario: Scenario) -> FieldVariant:
    """Return the field as it is, in its own season, on the scenario's days, members and seed."""
    return _variant(twin, scenario.unasked(), _first_day(twin, scenario))


def changed(twin: Twin, scenario: Scenario) -> FieldVariant:
    """Return the field as the scenario has it.

    Raises
    ------
    ConfigError
        When the scenario asks for what is of trees only or cannot be: days outside the season, sowing after harvest.
    """
    refuse(scenario)
    return _variant(twin, scenario, _first_day(twin, scenario))


def refuse(scenario: Scenario) -> None:
    """Refuse what a scenario says of trees only.

    Raises
    ------
    ConfigError
        Naming each such key and why it has no meaning for a field.
    """
    said = scenario.changes()
    wrong = [key for key in TREES_ONLY if key.split(".")[1] in (said.get(key.split(".")[0]) or {})]
    if wrong:
        lines = [f"{key} makes no sense for an annual crop: {TREES_ONLY[key]}." for key in wrong]
        raise ConfigError("\n".join(lines), "Take the keys named above out.")
    species = scenario.planting.species
    if species is not None and not annual.grown({"species": species}):
        raise ConfigError(
            f"planting.species is {species!r}, no annual crop.", f"Use one of {', '.join(annual.SPECIES)}."
        )


def _first_day(twin: Twin, scenario: Scenario) -> dt.date:
    """First day of both runs: the season's, or the earlier of both sowings."""
    own = _cropping(twin, Scenario(twin=scenario.twin, title="own")).sowing
    return min(twin.known.start, own, _cropping(twin, scenario).sowing)


def _cropping(twin: Twin, scenario: Scenario) -> Cropping:
    known, other = twin.known, scenario.planting.species not in (None, twin.planting["species"])
    planting = twin.planting | scenario.planting.model_dump(exclude_none=True)
    if other:
        planting |= {"sowing": None, "harvest": None}  # those are the days of the twin's own crop
    written = None if other else twin.context
    southern = known.site["latitude"] < 0.0
    found, _ = annual.manage(planting, twin.irrigation, known.start, known.last_observed, written, southern=southern)
    dates = scenario.dates
    sown = {} if dates.sowing is None else {"sowing": dates.sowing, "start": "sowing"}
    return replace(found, harvest=dates.harvest or found.harvest, **sown)


def _variant(twin: Twin, scenario: Scenario, first_day: dt.date) -> FieldVariant:
    settings = settings_of(twin, scenario)
    past, now = season.parted(twin.known.past, twin.known.now, first_day)
    known: Known = replace(twin.known, past=past, now=now)
    site = known.site | {"soil": _changed_soil(known.site["soil"], scenario.soil)}
    if site["soil"] is None and scenario.start.depletion_share is not None:
        raise ConfigError("start.depletion_share needs the soil, which is not known.", "Give soil.layers as well.")
    settings |= {"root_depth_m": scenario.soil.root_depth_m or settings["root_depth_m"]}
    cropping = _cropping(twin, scenario)
    planting = twin.planting | scenario.planting.model_dump(exclude_none=True)
    values = annual.parameters(site, planting, settings)
    values = annual.brought_forward(values, planting["species"], cropping, known.past, site)
    weather = of(known, scenario.weather, settings["horizon_days"], lambda days: annual.for_growth(days, site))
    days = days_of(scenario, known, weather)
    own = replace(cropping.irrigation, last_day=None)
    rule_from = day_of_rule(scenario, known, days[0])
    records = twin.irrigation["rule"] == "records" and twin.context is not None
    written = season.written_irrigation(twin.context, known.now) if records and twin.context is not None else None
    rule = asked_rule(own, twin, scenario)
    own_cropping = replace(cropping, irrigation=own)
    return FieldVariant(
        weather, values, own_cropping, rule, rule_from, days, written, known.site["latitude"], known.zone
    )


def _changed_soil(known: dict[str, Any] | None, wanted: SoilChange) -> dict[str, Any] | None:
    """The product's soil, or one of the layers wanted."""
    if wanted.layers is None:
        return known
    tops = [0.0, *(layer.bottom_m for layer in wanted.layers)]
    return {"layers": [_layer(top, layer) for top, layer in zip(tops, wanted.layers, strict=False)]}


def _layer(top: float, layer: Layer) -> dict[str, Any]:
    if layer.sand is None or layer.clay is None:
        raise ConfigError(
            "soil.layers of a field need sand and clay.", "Saturation and conductivity are reckoned from them."
        )
    found = soil.saxton_rawls(np.array(layer.sand), np.array(layer.clay), np.array(layer.organic_matter))
    return {
        "depth_top_m": top,
        "depth_bottom_m": layer.bottom_m,
        "coarse_fragments": layer.coarse_fragments,
        **{name: float(values) for name, values in found.items()},
    }
