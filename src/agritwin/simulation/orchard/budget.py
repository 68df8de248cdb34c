"""The best use of a season's water: how much of a budget each stage gets, against what else could be done with it."""

import datetime
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import ConfigError
from agritwin.simulation.orchard import balance, kernels, layout
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.parameters import check

#: Shares of transpiration by stage, and share of the readily available water at which a full share holds the trees.
_BOUNDS = ((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.1, 1.0))
#: Relative yield that 100 mm more water must bring to be worth giving: of two equal plans the drier one is better.
_WATER_WORTH = 1e-5
_WEEK = 7


@dataclass(frozen=True)
class Allocation:
    """How a budget is best spent.

    Attributes
    ----------
    management
        The rule found, with the budget as its limit of the season.
    plan
        ``optimised``, or the name of the counterfactual that nothing beat.
    table
        Over ``plan`` (``none``, ``uniform``, ``refill``, ``optimised``, ``unlimited``): ``relative_yield`` (mean),
        ``relative_yield_p10``, ``relative_yield_p90`` (1) and ``irrigation`` (mm, mean) over the members on which
        plans were judged.
    judged_apart
        Whether the members judged had other weather than those on which the plan was sought.
    """

    management: Irrigation
    plan: str
    table: xr.Dataset
    judged_apart: bool

    @property
    def gain(self) -> float:
        """Relative yield gained over the best counterfactual of the same budget."""
        others = self.table["relative_yield"].sel(plan=["none", "uniform", "refill"])
        return float(self.table["relative_yield"].sel(plan="optimised") - others.max())


class _Ensemble:
    """Members that plans are tried on, ready for the kernel."""

    def __init__(self, drivers: xr.Dataset, parameters: xr.Dataset, state: xr.Dataset | None) -> None:
        self.days = drivers["day"].to_numpy().astype("datetime64[s]")
        self.members = parameters.sizes["member"]
        self._values = {str(name): np.asarray(values) for name, values in parameters.items()}
        self._state = state
        self._forcing = balance.driver_rows(drivers, Irrigation(), self.days, self.members)

    def try_out(self, management: Irrigation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Relative yield and irrigation (mm) of every member under a rule."""
        rows = balance.parameter_rows(self._values, management, self.days, self.members)
        state = balance.state_rows(self._values, self._state, rows, self.members)
        sums = np.empty((len(layout.SUMS), self.members))
        forcing = self._forcing.copy()
        forcing[layout.DRIVERS.index("irrigation")] += balance.fixed_schedule(management, self.days)[:, None]
        kernels.run(forcing, rows, state, sums, None)
        relative = balance.relative_yield_water(self._values, dict(zip(layout.STATE, state, strict=True)))
        return relative, sums[layout.SUMS.index("irrigation")]


def allocate(
    drivers: xr.Dataset,
    parameters: xr.Dataset,
    budget_mm: float,
    management: Irrigation | None = None,
    state: xr.Dataset | None = None,
    *,
    courses: NDArray[np.intp] | None = None,
    seed: int = 0,
    generations: int = 30,
) -> Allocation:
    """Find the shares by stage that make the most of a season's water.

    Parameters
    ----------
    drivers, parameters, state
        As for :func:`agritwin.simulation.orchard.balance.simulate`, with the days of the calendar and over ``member``;
        the members are the futures over which the mean relative yield is made greatest.
    budget_mm
        Net water of the season.
    management
        System, limits of a day and dates; its rule is not used.
    courses
        Number of the weather that each member has. With four or more of them the plan is sought on the even ones and
        judged on the odd ones; otherwise both on all members.
    seed, generations
        Of the search (differential evolution, Storn and Price 1997).

    Returns
    -------
    Allocation
        The plan, and what else could be done with the same water: ``none``; ``uniform``: equal depths from the median
        leaf-out (or the first day) to the median maturity, weekly, or as much more often as the limit of a day asks;
        ``refill`` when the trees begin to lack water, until the budget is spent; and, for comparison, ``unlimited``:
        the same without a budget.

    Raises
    ------
    ConfigError
        If the budget is no positive number, or no member has leaves and fruit within the days.
    """
    if not (np.isfinite(budget_mm) and budget_mm > 0.0):
        raise ConfigError(f"irrigation.budget_mm is {budget_mm}.", "Give a positive depth in mm.")
    check(parameters)
    system = management or Irrigation()
    sought, judged, apart = _halves(parameters.sizes["member"], courses)
    trial = _Ensemble(_of(drivers, sought), _of(parameters, sought), _of(state, sought))
    plans = _counterfactuals(system, parameters, budget_mm, drivers["day"].to_numpy()[0])
    best = _search(trial, system, budget_mm, seed, generations)
    plans["optimised"] = best
    sought_yield = {name: float(np.nanmean(trial.try_out(rule)[0])) for name, rule in plans.items()}
    court = _Ensemble(_of(drivers, judged), _of(parameters, judged), _of(state, judged)) if apart else trial
    results = {name: court.try_out(rule) for name, rule in plans.items()}
    chosen = max(("optimised", "refill", "uniform", "none"), key=lambda name: sought_yield[name])  # of equals the first
    return Allocation(plans[chosen], chosen, _table(results), apart)


def _halves(members: int, courses: NDArray[np.intp] | None) -> tuple[NDArray[np.intp], NDArray[np.intp], bool]:
    everyone = np.arange(members)
    if courses is None or np.unique(courses).size < 4:
        return everyone, everyone, False
    return everyone[courses % 2 == 0], everyone[courses % 2 == 1], True


def _of(dataset: Any, members: NDArray[np.intp]) -> Any:
    return dataset.isel(member=members) if dataset is not None and "member" in dataset.dims else dataset


def _search(trial: _Ensemble, system: Irrigation, budget_mm: float, seed: int, generations: int) -> Irrigation:
    from scipy.optimize import differential_evolution

    def rule(values: NDArray[np.float64]) -> Irrigation:
        *shares, threshold = (float(value) for value in values)
        return replace(
            system,
            rule="deficit",
            stage_shares=tuple(shares),
            threshold_share_of_raw=threshold,
            season_limit_mm=budget_mm,
        )

    def loss(values: NDArray[np.float64]) -> float:
        relative, water = trial.try_out(rule(values))
        return float(_WATER_WORTH * np.mean(water) / 100.0 - np.nanmean(relative))

    random = np.random.default_rng(seed)
    # all or nothing for each stage first: a little water is best kept for one of them, which chance alone may miss
    extremes = [(*shares, threshold) for shares in product((0.0, 1.0), repeat=3) for threshold in (0.9, 0.4)]
    low, high = np.transpose(_BOUNDS)
    start = np.concatenate([extremes, random.uniform(low, high, (16, low.size))])
    found = differential_evolution(
        loss,
        _BOUNDS,
        init=start,  # type: ignore[arg-type]
        rng=random,
        maxiter=generations,
        polish=False,
    )
    return rule(found.x)


def _counterfactuals(
    system: Irrigation, parameters: xr.Dataset, budget_mm: float, begin: np.datetime64
) -> dict[str, Irrigation]:
    leaf_out, last = (_median_day(parameters[name].to_numpy()) for name in ("leaf_out", "maturity"))
    first = max(leaf_out, begin.astype("datetime64[D]").item())
    span = max((last - first).days // _WEEK, 1) * _WEEK
    # every week, or as much more often as the system needs to bring the water in
    interval = int(np.clip(system.maximum_mm_per_day * span / budget_mm, 1, _WEEK))
    refill = replace(system, rule="refill", threshold_share_of_raw=1.0, season_limit_mm=budget_mm)
    return {
        "none": replace(system, rule="none"),
        "uniform": replace(
            system,
            rule="fixed",
            depth_mm=min(budget_mm / -(-span // interval), system.maximum_mm_per_day),
            interval_days=interval,
            first_day=first,
            last_day=first + datetime.timedelta(days=span - 1),
        ),
        "refill": refill,
        "unlimited": replace(refill, season_limit_mm=float("inf")),
    }


def _median_day(dates: NDArray) -> datetime.date:
    known = np.sort(dates[~np.isnat(dates)])
    if known.size == 0:
        raise ConfigError("No member bears leaves and fruit within the season.", "Give a season that reaches harvest.")
    return known[known.size // 2].astype("datetime64[D]").item()


def _table(results: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> xr.Dataset:
    relative = np.array([values for values, _ in results.values()])
    low, high = np.nanquantile(relative, [0.1, 0.9], axis=1)
    columns = {
        "relative_yield": (np.nanmean(relative, axis=1), "1", "relative yield for water, mean of the members"),
        "relative_yield_p10": (low, "1", "relative yield for water, 10 % quantile"),
        "relative_yield_p90": (high, "1", "relative yield for water, 90 % quantile"),
        "irrigation": (np.array([water.mean() for _, water in results.values()]), "mm", "net irrigation, mean"),
    }
    return xr.Dataset(
        {
            name: ("plan", values, {"units": units, "long_name": text})
            for name, (values, units, text) in columns.items()
        },
        coords={"plan": list(results)},
    )
