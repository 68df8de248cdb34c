"""What a scenario changes of the twin: soil, density, stages, irrigation."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin import soil
from agritwin.errors import ConfigError
from agritwin.scenarios.definition import IrrigationChange, Layer, Scenario, SoilChange
from agritwin.simulation.orchard import coefficients
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.parameters import with_cover
from agritwin.simulation.orchard.phenology import DATES

#: Depth that dries by evaporation (FAO-56, p. 144), and readily evaporable share of its water (Table 19).
_SURFACE_M, _READILY_SHARE = 0.1, 0.45


def changed_soil(known: dict[str, Any] | None, wanted: SoilChange) -> dict[str, Any] | None:
    """Return the product's soil with other layers, other roots, or other water.

    Raises
    ------
    ConfigError
        When roots are to change in a soil that is not known.
    """
    if wanted.total_available_water_mm is not None:
        return (known or {}) | {"total_available_water_mm": wanted.total_available_water_mm}
    if wanted.layers is None and wanted.root_depth_m is None:
        return known
    if wanted.layers is None and known is None:
        raise ConfigError("soil.root_depth_m needs layers; the soil is not known.", "Give soil.layers as well.")
    layers = _layers(wanted.layers) if wanted.layers else _known_layers(known or {})
    depth = wanted.root_depth_m or (known or {}).get("root_depth_m") or float(layers["depth_bottom_m"][-1])
    return (known or {}) | {"total_available_water_mm": soil.total_available_water(layers, depth)}


def _known_layers(known: dict[str, Any]) -> xr.Dataset:
    table = pd.DataFrame(known["layers"])
    return xr.Dataset({str(name): ("depth", values.to_numpy()) for name, values in table.items()})


def _layers(wanted: list[Layer]) -> xr.Dataset:
    bottoms = [layer.bottom_m for layer in wanted]
    water = [_water_contents(layer) for layer in wanted]
    return xr.Dataset(
        {
            "depth_top_m": ("depth", [0.0, *bottoms[:-1]]),
            "depth_bottom_m": ("depth", bottoms),
            "field_capacity": ("depth", [field_capacity for field_capacity, _ in water]),
            "wilting_point": ("depth", [wilting_point for _, wilting_point in water]),
            "coarse_fragments": ("depth", [layer.coarse_fragments for layer in wanted]),
        }
    )


def _water_contents(layer: Layer) -> tuple[float, float]:
    if layer.field_capacity is not None and layer.wilting_point is not None:
        return layer.field_capacity, layer.wilting_point
    found = soil.saxton_rawls(np.array(layer.sand), np.array(layer.clay), np.array(layer.organic_matter))
    return float(found["field_capacity"]), float(found["wilting_point"])


def with_surface(values: xr.Dataset, wanted: SoilChange) -> xr.Dataset:
    """Return parameters with what dries at the surface from the uppermost layer (FAO-56, Eq. 73), and curve number."""
    changes: dict[str, Any] = {}
    if wanted.curve_number is not None:
        changes["curve_number"] = xr.full_like(values["curve_number"], wanted.curve_number)
    if wanted.layers:
        water = coefficients.total_evaporable_water(*_water_contents(wanted.layers[0]), _SURFACE_M)
        changes["total_evaporable_water"] = xr.full_like(values["total_evaporable_water"], water)
        changes["readily_evaporable_water"] = xr.full_like(values["readily_evaporable_water"], _READILY_SHARE * water)
    return values.assign(changes)


def with_density(values: xr.Dataset, planting: dict[str, Any], scenario: Scenario, latitude: float) -> xr.Dataset:
    """Return parameters with the cover of another density of trees, which goes with their number.

    Raises
    ------
    ConfigError
        When the twin's own density is not known.
    """
    wanted = scenario.planting.trees_per_ha
    if wanted is None or scenario.planting.canopy_cover is not None:
        return values
    known = planting["trees_per_ha"]
    if known is None:
        raise ConfigError(
            "planting.trees_per_ha asks for another density, but the twin's own is not known.",
            "Set planting.trees_per_ha in the twin's YAML, or give planting.canopy_cover here.",
        )
    cover = (values["cover_maximum"] * (wanted / known)).clip(0.02, 0.95)
    return with_cover(values.assign(cover_maximum=cover), latitude)


def moved(stages: xr.Dataset, scenario: Scenario) -> xr.Dataset:
    """Return stages moved with the day of bloom, and the harvest set.

    Raises
    ------
    ConfigError
        When the harvest would come before the kernels fill.
    """
    if scenario.dates.bloom is not None:
        shift = np.datetime64(scenario.dates.bloom, "s") - np.datetime64(median_day(stages, "bloom"), "s")
        stages = stages.assign({name: stages[name] + shift for name in DATES})
    if scenario.dates.harvest is not None:
        day = np.datetime64(scenario.dates.harvest, "s")
        early = stages["stage_3"] >= day
        if bool(early.any()):
            raise ConfigError(
                f"dates.harvest {day} comes before the kernels fill in {int(early.sum())} of {early.size} members.",
                f"Choose a day after {median_day(stages, 'stage_3')}.",
            )
        stages = stages.assign(maturity=xr.full_like(stages["maturity"], day))
    return stages


def median_day(stages: xr.Dataset, name: str) -> dt.date:
    """Return the day by which half of the members have come to a stage.

    Raises
    ------
    ConfigError
        When none comes to it.
    """
    known = np.sort(stages[name].to_numpy()[~np.isnat(stages[name].to_numpy())])
    if known.size == 0:
        raise ConfigError(f"No member comes to {name} in this weather.", "Choose another weather.")
    return known[(known.size - 1) // 2].astype("datetime64[D]").item()


def changed_rule(own: Irrigation, wanted: IrrigationChange) -> Irrigation:
    """Return the scenario's rule on the twin's equipment; an optimised one is a refill until it is planned."""
    rule = {None: own.rule, "optimised": "refill"}.get(wanted.rule, wanted.rule)
    changes: dict[str, Any] = {
        "rule": rule,
        "under_canopy": None if wanted.system is None else wanted.system == "drip",
        "season_limit_mm": wanted.budget_mm if wanted.rule == "optimised" else wanted.season_limit_mm,
        "last_day": wanted.until_day,
    }
    for key in (
        "wetted_fraction",
        "depth_mm",
        "interval_days",
        "stage_shares",
        "threshold_share_of_raw",
        "maximum_mm_per_day",
    ):
        changes[key] = getattr(wanted, key)
    if wanted.system == "none":
        changes["rule"] = "none"
    if wanted.from_day is not None and rule != "refill":
        changes["first_day"] = wanted.from_day
    return replace(own, **{key: value for key, value in changes.items() if value is not None})
