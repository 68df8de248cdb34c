"""The field's season corrected by what was seen of it: leaf area by images, water by probes, the harvest's weight."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.products.assimilation import BIAS, PROBE_BIAS, greenness, log_told, moisture
from agritwin.products.season import quantiles
from agritwin.simulation.annual.canopy import cover, cover_from_ndvi, leaf_area_from_cover
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.assimilation.annual import SCALES, AnnualModel
from agritwin.simulation.assimilation.cycle import Assimilation, assimilate
from agritwin.simulation.assimilation.ensemble import Members
from agritwin.simulation.assimilation.observations import Observation

#: What images teach: growth. Not the sums to flowering and ripeness: leaf area moves them the wrong way on real fields.
GROWTH = ("TDWI", "RGRLAI", "SLA_FACTOR", "AMAX_FACTOR", "SPAN")
SOIL = ("SMFCF", "WAV")
SCENES_MINIMUM = 3
HARVEST_ERROR = 0.10  # of the weight, a prior
SATELLITE, HARVEST = "satellite leaf area", "harvest"


@dataclass(frozen=True)
class Correction:
    """What the observations changed: parameters of the members, the cycle itself, and a sentence on what came of it."""

    parameters: xr.Dataset
    prior: dict[str, Members]
    found: Assimilation
    outcome: str


def leaf_area_error(leaf_area_index: float) -> float:
    """Standard deviation of a leaf area from NDVI, a prior: it grows, since closing stands look ever more alike."""
    return 0.3 + 0.3 * leaf_area_index


def observations(
    scenes: xr.Dataset | None, context: pd.DataFrame, site: dict[str, Any], free: xr.Dataset
) -> list[Observation]:
    """Return what was seen of the crop: leaf area from emergence to ripeness, water in the soil, weight of the harvest.

    Parameters
    ----------
    scenes
        All scenes up to now, or None.
    context
        Table of days with columns ``soil_moisture_<depth>cm`` and ``harvest_dry`` (kg) or ``harvest_dry_per_area``
        (kg ha-1), where they are known; grain weighed wet does not tell its dry matter.
    site
        The product ``parcel``.
    free
        Run without observations: says between which days green leaves are the crop's.
    """
    emerged, ripe = (_middle(free[name]) for name in ("emergence", "end"))
    first, last = free["day"].to_numpy()[0], free["day"].to_numpy()[-1]
    of_season = context.loc[first:last]
    if emerged is None:
        return moisture(of_season, site)
    green = greenness(scenes, emerged, last if ripe is None else ripe)
    areas = [(day, float(leaf_area_from_cover(cover_from_ndvi(ndvi)))) for day, ndvi in green]
    seen = [Observation(day, "leaf_area_index", area, leaf_area_error(area), SATELLITE) for day, area in areas]
    return seen + moisture(of_season, site) + _harvest(of_season.loc[emerged:], site)


def _middle(days: xr.DataArray) -> np.datetime64 | None:
    known = np.sort(days.to_numpy()[~np.isnat(days.to_numpy())])
    return known[(known.size - 1) // 2].astype("datetime64[ns]") if known.size >= days.size / 2 else None


def _harvest(context: pd.DataFrame, site: dict[str, Any]) -> list[Observation]:
    """The dry weight that was taken off, on its last day."""
    scale = {"harvest_dry_per_area": 1.0, "harvest_dry": 1.0 / site["area_ha"] if site.get("area_ha") else np.nan}
    for name, factor in scale.items():
        if name in context and np.isfinite(factor):
            weighed = pd.Series(context[name]).dropna()
            if weighed.sum() > 0.0:
                weight = factor * float(weighed.sum())
                day = dt.date.fromisoformat(str(weighed.index[-1])[:10])
                return [Observation(day, "yield", weight, HARVEST_ERROR * weight, HARVEST)]
    return []


def correct(
    weather: xr.Dataset, members: xr.Dataset, cropping: Cropping, seen: list[Observation], seed: int, last: dt.date
) -> Correction:
    """Correct the members by the observations of a season; fewer scenes than three correct nothing.

    Parameters
    ----------
    weather
        Drivers (member, day).
    members, cropping
        Parameters of the members, and how the crop is grown.
    seen
        Of :func:`observations`; none leaves everything as it was.
    seed, last
        Seed of the probes' bias, last day of the season's weather.
    """
    images = [one for one in seen if one.stream == SATELLITE]
    used = [one for one in seen if one.stream != SATELLITE or len(images) >= SCENES_MINIMUM]
    outcome = f"{len(used)} observations, {len(images)} of them from images."
    if len(images) < SCENES_MINIMUM:
        outcome = f"Not enough scenes: {len(images)} since emergence, at least {SCENES_MINIMUM} are needed; "
        outcome += f"{len(used)} other observations."
    model = AnnualModel(weather.sel(day=slice(None, str(last))), members, cropping)
    probes = any(one.bias is not None for one in used)
    prior = model.prior(*GROWTH, *(SOIL if probes else ()))
    estimated = [SCALES[name] for name in prior if np.ptp(prior[name]) > 0.0]
    if probes:
        spread = np.random.default_rng([seed, 1]).standard_normal(members.sizes["member"])
        prior[BIAS.name] = PROBE_BIAS * spread
        estimated.append(BIAS)
    found = assimilate(model, prior, estimated, used)
    changed = model.parameters(found.unknowns) if used else members
    return Correction(changed, prior, found, outcome)


def told(correction: Correction, run: xr.Dataset, free: xr.Dataset, last: dt.date) -> dict[str, Any]:
    """Return the part ``assimilation`` of the product's summary, as the orchard's has it, with its ``outcome``.

    Every observation is also told as the plot shows it: leaf area as the cover it makes, moisture as what the roots'
    depth of that day lacks [mm], less the probes' bias.

    Parameters
    ----------
    correction
        Of :func:`correct`.
    run, free
        The corrected run and the one without observations.
    last
        Last day observed.
    """
    bias = float(np.median(correction.found.unknowns.get(BIAS.name, np.zeros(1))))
    moist, rooted = float(correction.parameters["SMFCF"].median()), run["rooting_depth"].median("member")

    def shown(row: dict[str, Any]) -> float:
        if row["quantity"] == "leaf_area_index":
            return float(cover(row["value"]))
        if row["quantity"] == "soil_moisture":
            return 10.0 * float(rooted.sel(day=np.datetime64(row["day"]))) * (moist - (row["value"] - bias))
        return row["value"]

    return log_told(correction.found, correction.prior, shown) | {
        "outcome": correction.outcome,
        "open_loop": {
            "depletion_mm": float(free["root_zone_depletion"].sel(day=np.datetime64(last)).median()),
            "relative_yield": quantiles(free["relative_yield"]),
            "leaf_area_index": float(free["leaf_area_index"].sel(day=np.datetime64(last)).median()),
        },
    }
