"""The season corrected by what was seen of it: green cover from images, water in the soil from probes."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.products.crop import dated
from agritwin.products.ndvi import usable
from agritwin.products.season import quantiles, stress_days
from agritwin.simulation.assimilation.cycle import USED, Assimilation, assimilate, consistency
from agritwin.simulation.assimilation.ensemble import Members, Unknown
from agritwin.simulation.assimilation.observations import Observation
from agritwin.simulation.assimilation.orchard import FACTORS, SCALES, SPRING_DAYS, OrchardModel
from agritwin.simulation.orchard.canopy import cover_from_ndvi
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.parameters import with_cover

#: What is estimated: parameters of the trees and the soil, the date of the leaves, factors of the weather.
PARAMETERS = (
    "total_available_water",
    "depletion_fraction",
    "initial_depletion_share",
    "stomatal_factor",
    "cover_maximum",
)
#: Standard deviations of priors and errors, none of them published: log of a factor, m3 m-3, cover.
FACTOR_ERRORS = {"rain_factor": 0.10, "et0_factor": 0.07, "irrigation_factor": 0.15}
PROBE_BIAS, PROBE_ERROR, COVER_ERROR = 0.03, 0.012, 0.06
PROBE_DAYS = 3  # errors of neighbouring days are not independent
BIAS = Unknown("probe_bias")
BLOOM_DAYS = ("bud_swell", "bloom", "fruit_set")  # come earlier or later with the leaves
PROBE, SATELLITE = "soil moisture probe", "satellite"
_MOISTURE = re.compile(r"soil_moisture_(\d+)cm")


@dataclass(frozen=True)
class Correction:
    """What the observations changed: parameters, calendar and weather of the members, and the cycle itself.

    ``free_weather`` is that of the open loop: the drivers with the prior's factors.
    """

    parameters: xr.Dataset
    stages: xr.Dataset
    weather: xr.Dataset
    free_weather: xr.Dataset
    prior: dict[str, Members]
    found: Assimilation


def water_content(site: dict[str, Any]) -> tuple[float, float] | None:
    """Return field capacity and wilting point of the root zone [m3 m-3], weighted by thickness; None if unknown."""
    if site["soil"] is None:
        return None
    depth = site["soil"]["root_depth_m"]
    layers = pd.DataFrame(site["soil"]["layers"])
    thickness = (layers["depth_bottom_m"].clip(upper=depth) - layers["depth_top_m"]).clip(lower=0.0)
    means = [float(np.average(layers[name], weights=thickness)) for name in ("field_capacity", "wilting_point")]
    return means[0], means[1]


def root_zone_moisture(context: pd.DataFrame, root_depth_m: float) -> pd.Series:
    """Return the soil moisture of the root zone by day [m3 m-3] from probes at several depths.

    Each probe stands for the soil that is nearer to it than to the others, down to the roots' depth; days on which one
    of them is silent are left out.
    """
    depths = {int(found[1]) / 100.0: name for name in context.columns if (found := _MOISTURE.fullmatch(str(name)))}
    order = sorted(depth for depth in depths if depth <= root_depth_m)
    if not order:
        return pd.Series(dtype=float)
    edges = np.concatenate([[0.0], (np.array(order[1:]) + order[:-1]) / 2.0, [root_depth_m]])
    measured = context[[depths[depth] for depth in order]].dropna()
    return pd.Series(measured.to_numpy() @ np.diff(edges) / root_depth_m, pd.DatetimeIndex(measured.index))


def observations(
    scenes: xr.Dataset | None, context: pd.DataFrame, site: dict[str, Any], first: dt.date
) -> list[Observation]:
    """Return what was seen of the season: cover from usable scenes, and water from probes every third day.

    Parameters
    ----------
    scenes
        All scenes up to now, or None.
    context
        Table of days with columns ``soil_moisture_<depth>cm``, where there are probes.
    site
        The product ``parcel``.
    first
        First day from which scenes count: before the leaves they show what grows between the trees.
    """
    seen = [
        Observation(day, "ground_cover", float(cover_from_ndvi(ndvi)), COVER_ERROR, SATELLITE)
        for day, ndvi in greenness(scenes, np.datetime64(first, "ns"))
    ]
    return seen + moisture(context, site)


def greenness(
    scenes: xr.Dataset | None, first: np.datetime64, last: np.datetime64 | None = None
) -> list[tuple[dt.date, float]]:
    """Return the mean NDVI of usable scenes by day, the last of a day, between two days; none without scenes."""
    if scenes is None:
        return []
    mean = usable(scenes)["ndvi_mean"].to_series().dropna()
    by_day = mean.groupby(pd.DatetimeIndex(mean.index).normalize()).last().loc[first:last]
    return list(zip(pd.DatetimeIndex(by_day.index).date, by_day.to_numpy().tolist(), strict=True))


def moisture(context: pd.DataFrame, site: dict[str, Any]) -> list[Observation]:
    """Return the water that probes measured in the root zone every third day; none where the soil is not known."""
    if site["soil"] is None:
        return []
    measured = root_zone_moisture(context, site["soil"]["root_depth_m"])
    return [
        Observation(day, "soil_moisture", float(value), PROBE_ERROR, PROBE, BIAS.name)
        for day, value in zip(pd.DatetimeIndex(measured.index).date, measured.to_numpy(), strict=True)
        if day.toordinal() % PROBE_DAYS == 0
    ]


def correct(
    weather: xr.Dataset,
    members: xr.Dataset,
    stages: xr.Dataset,
    management: Irrigation,
    seen: list[Observation],
    site: dict[str, Any],
    seed: int,
    last_observed: dt.date,
) -> Correction:
    """Correct the members by the observations of a season; where the leaves of some never come, nothing is corrected.

    Parameters
    ----------
    weather
        Drivers (member, day); those after ``last_observed`` are corrected too, by the same factors.
    members, stages, management
        Parameters and calendar of the members, and irrigation.
    seen
        Of :func:`observations`; none leaves everything as it was.
    site, seed, last_observed
        The product ``parcel``, seed of the priors, last day of the season's weather.
    """
    past = weather.sel(day=slice(None, np.datetime64(last_observed, "ns")))
    model = OrchardModel(past, dated(members, stages), management, site["latitude"], water_content(site))
    leafless = bool(stages["leaf_out"].isnull().any())
    prior = model.prior(*PARAMETERS) | ({} if leafless else model.prior("leaf_out"))
    random = np.random.default_rng([seed, 1])
    for name, error in FACTOR_ERRORS.items():
        if name != "irrigation_factor" or "irrigation" in weather:
            prior[name] = np.exp(error * random.standard_normal(weather.sizes["member"]))
    if any(one.bias is not None for one in seen):
        prior[BIAS.name] = PROBE_BIAS * random.standard_normal(weather.sizes["member"])
    estimated = [BIAS if name == BIAS.name else SCALES[name] for name in prior if np.ptp(prior[name]) > 0.0]
    of_season = [one for one in seen if past["day"].to_numpy()[0] <= np.datetime64(one.day)]
    found = assimilate(model, prior, estimated, [] if leafless else of_season)
    values = model.parameters(found.unknowns)
    changed = with_cover(members.assign({name: ("member", values[name]) for name in PARAMETERS}), site["latitude"])
    later = values["leaf_out"] - stages["leaf_out"].to_numpy().astype("datetime64[s]")
    moved = stages if leafless else stages.assign({name: stages[name] + later for name in (*BLOOM_DAYS, *SPRING_DAYS)})
    return Correction(changed, moved, _scaled(weather, found.unknowns), _scaled(weather, prior), prior, found)


def _scaled(weather: xr.Dataset, unknowns: dict[str, Members]) -> xr.Dataset:
    """Multiply each member's drivers by its factors."""
    drivers = {"rain_factor": "precipitation", "et0_factor": "et0", "irrigation_factor": "irrigation"}
    factors = {drivers[name]: xr.DataArray(unknowns[name], dims="member") for name in FACTORS if name in unknowns}
    return weather.assign(
        {name: (weather[name] * by).assign_attrs(weather[name].attrs) for name, by in factors.items()}
    )


def told(correction: Correction, free: xr.Dataset, site: dict[str, Any], last_observed: dt.date) -> dict[str, Any]:
    """Return the part ``assimilation`` of the product's summary: streams, observations, what was learnt, the open loop.

    Every observation is also told as the plot shows it: cover as it is, moisture as depletion [mm] less the bias.
    """
    found = correction.found
    limits = water_content(site)
    bias = float(np.median(found.unknowns.get(BIAS.name, np.zeros(1))))
    water = float(np.median(found.unknowns["total_available_water"]))

    def shown(row: dict[str, Any]) -> float:
        if row["quantity"] == "soil_moisture" and limits is not None:
            return water * (limits[0] - (row["value"] - bias)) / (limits[0] - limits[1])
        return row["value"]

    return log_told(found, correction.prior, shown) | {
        "open_loop": {
            "depletion_mm": float(free["root_zone_depletion"].sel(day=np.datetime64(last_observed)).median()),
            "relative_yield": quantiles(free["relative_yield"].to_numpy()),
        },
    }


def log_told(
    found: Assimilation, prior: dict[str, Members], shown: Callable[[dict[str, Any]], float]
) -> dict[str, Any]:
    """Return streams, observations with their verdicts, and what was learnt.

    Parameters
    ----------
    found, prior
        The cycle, and the values that it began with.
    shown
        A row of the log to its value in the unit of the plot.
    """
    log = found.log
    told_of = ("day", "stream", "quantity", "value", "normalised", "verdict")
    return {
        "streams": consistency(log).to_dict("records") if len(log) else [],
        "used": int(np.isin(log["verdict"].to_numpy(str), USED).sum()),
        "observations": [{key: row[key] for key in told_of} | {"shown": shown(row)} for row in log.to_dict("records")],
        "unknowns": [
            {"unknown": name, "prior": quantiles(prior[name]), "posterior": quantiles(values)}
            for name, values in found.unknowns.items()
            if np.ptp(prior[name]) > 0.0  # what is alike in all members was given, and cannot be learnt
        ],
    }


def band(values: xr.DataArray, dim: str = "day") -> xr.DataArray:
    """Return the 10, 50 and 90 % quantile over members, days on a dimension of their own."""
    quantiles = values.quantile([0.1, 0.5, 0.9], "member").rename(day=dim)
    return quantiles.transpose("quantile", dim).assign_attrs(values.attrs)


def with_bands(kept: xr.Dataset, free: xr.Dataset, outlook: xr.Dataset, last_observed: dt.date) -> xr.Dataset:
    """Return a crop cube with the open loop beside the corrected run, and the outlook to the season's end."""
    ahead = outlook.sel(day=slice(np.datetime64(last_observed, "ns"), None))
    return kept.assign(
        {
            "open_loop_depletion": band(free["root_zone_depletion"]),
            "open_loop_cover": band(free["ground_cover"]),
            "corrected_cover": band(outlook["ground_cover"].sel(day=kept["day"])),
            "outlook_depletion": band(ahead["root_zone_depletion"], "day_ahead"),
            "outlook_readily_available": band(ahead["readily_available_water"], "day_ahead"),
            "outlook_irrigation": band(ahead["irrigation"].cumsum("day"), "day_ahead"),
        }
    )


def outlook_summary(outlook: xr.Dataset, weather: xr.Dataset, last_observed: dt.date) -> dict[str, Any]:
    """Return the part ``outlook`` of the product's summary: yield and water to the end, and what they rest on."""
    later = outlook.sel(day=slice(np.datetime64(last_observed) + np.timedelta64(1, "D"), None))
    years, counts = np.unique(weather["year"].to_numpy(), return_counts=True)
    origin = weather["origin"].to_numpy()
    return {
        "until": outlook["day"].to_numpy()[-1],
        "relative_yield": quantiles(outlook["relative_yield"].to_numpy()),
        "irrigation_mm": quantiles(later["irrigation"].sum("day").to_numpy()),
        "stress_days": quantiles(stress_days(later)),
        "forecast_days": int((origin == "forecast").sum()),
        "years": {str(year): int(count) for year, count in zip(years, counts, strict=True) if year},
    }
