"""What is kept of a scenario and told of it, always beside the twin as it is."""

from typing import Any

import numpy as np
import xarray as xr

from agritwin.products import annual, crop
from agritwin.products.season import quantiles, stage_days, stress_days
from agritwin.simulation.orchard.budget import Allocation

SHOWN_DATES = (*crop.SHOWN_DATES, *annual.SHOWN_DATES)
#: Number of a run in the coordinate ``run`` of what is kept.
RUNS = {"baseline": 0, "scenario": 1}
ONCE = (
    "relative_yield",
    "relative_yield_water",
    "frost_damage",
    "crop",
    "season_irrigation",
    "season_transpiration",
    "season_soil_evaporation",
    "season_drainage",
    "season_runoff",
    "season_precipitation",
    "total_available_water",
    "water_balance_error",
)
#: Key of the summary to the variable that it sums up over members.
TOLD = {
    "relative_yield": "relative_yield",
    "relative_yield_water": "relative_yield_water",
    "frost_damage": "frost_damage",
    "crop_kg_per_ha": "crop",
    "irrigation_mm": "season_irrigation",
    "transpiration_mm": "season_transpiration",
    "soil_evaporation_mm": "season_soil_evaporation",
    "drainage_mm": "season_drainage",
    "precipitation_mm": "season_precipitation",
    "stress_days": "stress_days",
}


def kept(baseline: xr.Dataset, scenario: xr.Dataset) -> xr.Dataset:
    """Return what is kept of some members: both runs (run, member, day), states by day, yields and stages."""
    runs = [_kept(each) for each in (baseline, scenario)]
    both = xr.concat(runs, "run", join="override", combine_attrs="override")
    meanings = {
        "flag_values": list(RUNS.values()),
        "flag_meanings": " ".join(RUNS),
        "long_name": "the twin as it is, or asked",
    }
    return both.assign_coords(run=("run", list(RUNS.values()), meanings))


def _kept(result: xr.Dataset) -> xr.Dataset:
    chosen = result[[name for name in (*crop.WATER, *ONCE) if name in result]]
    if "crop" not in chosen:
        unknown = {"units": "kg ha-1", "long_name": "crop of the year; the age of the trees is not known"}
        chosen = chosen.assign(crop=xr.full_like(chosen["relative_yield"], np.nan).assign_attrs(unknown))
    chosen = chosen.assign({f"date_{name}": result[f"date_{name}"] for name in SHOWN_DATES if f"date_{name}" in result})
    chosen["stress_days"] = stress_days(result)
    return chosen.drop_attrs(deep=False).transpose("member", "day", ...)


def summary(dataset: xr.Dataset, allocation: Allocation | dict[str, Any] | None) -> dict[str, Any]:
    """Return the summary: each run, and what the scenario makes better or worse, member by member.

    Parameters
    ----------
    dataset
        Of :func:`kept`, all members that are done.
    allocation
        Of the optimiser, or None.
    """
    runs = {name: _run(dataset.sel(run=number)) for name, number in RUNS.items()}
    change = dataset.sel(run=RUNS["scenario"], drop=True) - dataset.sel(run=RUNS["baseline"], drop=True)
    told = _told(change)
    # what a field yields relative to plenty of water says nothing of grain that was cut green
    judged = "crop" if f"date_{annual.SHOWN_DATES[0]}" in dataset else "relative_yield"
    better = float((change[judged] > 1e-9).mean())
    return {**runs, "difference": told, "share_better": better, "allocation": allocation}


def _told(run: xr.Dataset) -> dict[str, dict[str, float | None]]:
    """What is told of every crop; what a crop has not, frost damage of a field for instance, is unknown."""
    return {key: quantiles(run.get(name, [])) for key, name in TOLD.items()}


def _run(run: xr.Dataset) -> dict[str, Any]:
    dates = [name for name in SHOWN_DATES if f"date_{name}" in run]
    return {
        **_told(run),
        "stages": [{"stage": name, **stage_days(run[f"date_{name}"])} for name in dates],
        "taw_mm": float(run["total_available_water"].median()),
        "balance_error_mm": float(abs(run["water_balance_error"]).max()),
    }


def allocated(allocation: Allocation, budget_mm: float) -> dict[str, Any]:
    """Return a plan for the water as JSON knows it: the rule, and the counterfactuals it is told beside."""
    table = allocation.table
    return {
        "budget_mm": budget_mm,
        "plan": allocation.plan,
        "rule": allocation.management.rule,
        "stage_shares": [float(share) for share in allocation.management.stage_shares],
        "threshold_share_of_raw": float(allocation.management.threshold_share_of_raw),
        "gain": allocation.gain,
        "judged_apart": allocation.judged_apart,
        "counterfactuals": [
            {"plan": str(name), **{str(key): float(table[key].sel(plan=name)) for key in table.data_vars}}
            for name in table["plan"].to_numpy()
        ],
    }
