"""Twin experiments: truths that nobody knows, seen through a biased probe and a clouded satellite.

Synthetic throughout. Each truth is an orchard with its own weather, drawn from one population; the filter starts from
a population that is wrong: shifted by half a standard deviation, up or down by chance, in every parameter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import chisquare

from agritwin.simulation.assimilation.cycle import State, Unknowns, assimilate, open_loop
from agritwin.simulation.assimilation.ensemble import Unknown
from agritwin.simulation.assimilation.observations import Observation
from agritwin.simulation.assimilation.orchard import SCALES, OrchardModel
from tests.simulation.orchard.conftest import orchard, season

LATITUDE = 41.4
SEASON = slice("2024-04-01", "2024-10-31")
BIAS = Unknown("bias_probe")
#: Mean and standard deviation on the scale of the filter.
POPULATION = {
    "total_available_water": (np.log(140.0), 0.20),
    "stomatal_factor": (np.log(0.9), 0.15),
    "cover_maximum": (-0.4, 0.30),
    "depletion_fraction": (-0.29, 0.30),
    "initial_depletion_share": (-0.85, 0.55),
    "leaf_out": (11.0, 6.0),
    "rain_factor": (0.0, 0.10),
    "et0_factor": (0.0, 0.07),
    "irrigation_factor": (0.0, 0.15),
    "ky_stage_1": (-0.41, 0.20),
    "ky_stage_2": (-1.39, 0.20),
    "ky_stage_3": (-0.20, 0.20),
    "bias_probe": (0.0, 0.06),
}
RESPONSES = tuple(name for name in POPULATION if name.startswith("ky"))
UNKNOWNS = {**SCALES, "bias_probe": BIAS}
#: Neither probe nor satellite can see how the yield responds to water.
ESTIMATED = tuple(UNKNOWNS[name] for name in POPULATION if name not in RESPONSES)
PROBE_ERROR, SATELLITE_ERROR, CLOUDY = 0.04, 0.10, 0.2
LEAD = 7
SPIN_UP = 10  # days that are not scored
NO_STATE = np.zeros((2, 1))  # the cover does not depend on it


@dataclass(frozen=True)
class Score:
    """One truth against open loop and filter: mean CRPS of both, share within the 90 % interval, and rank (0 to 1).

    The rank is that on one day drawn for the truth, so that ranks of different truths are independent.
    """

    open_loop: float
    filtered: float
    inside: float
    rank: float


def drawn(members: int, random: np.random.Generator, shift: NDArray[np.float64] | None = None) -> dict[str, NDArray]:
    """Draw unknowns; ``shift`` in standard deviations."""
    moved = np.zeros(len(POPULATION)) if shift is None else shift
    return {
        name: UNKNOWNS[name].backward(mean + sd * (shifted + random.standard_normal(members)))
        for (name, (mean, sd)), shifted in zip(POPULATION.items(), moved, strict=True)
    }


def respread(unknowns: Mapping[str, NDArray], response_sd: float) -> dict[str, NDArray]:
    """The same draws from a population in which the yield's response to water is known better or worse."""
    changed = dict(unknowns)
    for name in RESPONSES:
        mean, sd = POPULATION[name]
        scaled = (UNKNOWNS[name].forward(unknowns[name]) - mean) / sd
        changed[name] = UNKNOWNS[name].backward(mean + response_sd * scaled)
    return changed


def model(weather: xr.Dataset, members: int) -> OrchardModel:
    """Build an orchard whose members are alike but for the unknowns."""
    given = orchard(
        density_multiplier=1.5, kcb_late_share=0.38, stomatal_factor=0.9, leaf_out=np.datetime64("2024-04-12")
    )
    fixed = {name: ("member", np.repeat(np.asarray(value), members)) for name, value in given.items()}
    return OrchardModel(weather, xr.Dataset(fixed), None, LATITUDE)


def weather_of(seed: int) -> xr.Dataset:
    """Make the weather of a truth and its irrigation: 20 mm a week in summer, less than the trees would take."""
    days = season(seed=seed).sel(day=SEASON)
    week = np.arange(days.sizes["day"]) % 7 == 0
    summer = (days["day"] >= np.datetime64("2024-06-01")) & (days["day"] <= np.datetime64("2024-09-10"))
    days["irrigation"] = ("day", np.where(week & summer.to_numpy(), 20.0, 0.0))
    return days


def observed(
    truth: OrchardModel, unknowns: dict[str, NDArray], depletion: NDArray, random: np.random.Generator,
    probe_days: int = 3, satellite_days: int = 8,
) -> list[Observation]:  # fmt: skip
    """See a truth through the probe and the satellite."""
    days = truth.days.astype("datetime64[D]").tolist()
    seen = []
    for position, day in enumerate(days):
        if probe_days and position % probe_days == 2:
            share = depletion[position] / unknowns["total_available_water"][0] + unknowns["bias_probe"][0]
            value = share + PROBE_ERROR * random.standard_normal()
            seen.append(Observation(day, "depletion_share", float(value), PROBE_ERROR, "probe", "bias_probe"))
        if satellite_days and position % satellite_days == 5 and random.uniform() >= CLOUDY:
            cover = truth.predict("ground_cover", unknowns, NO_STATE, position)[0]
            error = SATELLITE_ERROR * max(cover, 0.1)
            value = cover + error * random.standard_normal()
            seen.append(Observation(day, "ground_cover", float(value), error, "satellite"))
    return seen


def crps(members: NDArray, truth: NDArray) -> NDArray:
    """CRPS of ensembles over the first axis."""
    count = members.shape[0]
    ordered = np.sort(members, axis=0)
    weight = (2 * np.arange(1, count + 1) - count - 1).reshape(-1, *[1] * (members.ndim - 1))
    return abs(members - truth).mean(0) - (weight * ordered).sum(0) / count**2


def inside(members: NDArray, truth: NDArray) -> NDArray:
    low, high = np.quantile(members, [0.05, 0.95], axis=0)
    return (truth >= low) & (truth <= high)


def rank(members: NDArray, truth: float, random: np.random.Generator) -> float:
    """Rank of a truth among the members as a share, ties and the place between ranks by chance."""
    below, equal = int((members < truth).sum()), int((members == truth).sum())
    return float((below + random.uniform() * (equal + 1)) / (members.size + 1))


def experiment(
    seed: int, members: int, response_sds: Sequence[float] = (), **options: Any
) -> tuple[dict[str, Score], pd.DataFrame]:
    """Estimate one truth; ``options`` go to :func:`assimilate`.

    Returns
    -------
    tuple
        Scores of ``depletion`` (every day, by the observations up to it), ``forecast`` (of the depletion seven days
        ahead, from every second day of the probe, driven by the weather that came), ``yield`` (at the end of the
        season) and ``bias`` (of the probe, at its end), and of the yield for each of ``response_sds``
        (:func:`respread`), under its name; and the innovation log.
    """
    random = np.random.default_rng(1000 + seed)
    weather = weather_of(seed)
    truth, secret = model(weather, 1), drawn(1, random)
    course, end = open_loop(truth, secret)
    depletion = course["root_zone_depletion"].to_numpy()[0]
    seen = observed(truth, secret, depletion, random)
    orchards = model(weather, members)
    prior = drawn(members, random, 0.5 * random.choice([-1.0, 1.0], len(POPULATION)))
    free, free_end = open_loop(orchards, prior)
    free_depletion = free["root_zone_depletion"].to_numpy()
    ahead: dict[int, NDArray] = {}

    def forecast(day: int, unknowns: Unknowns, state: State) -> None:
        if day % 6 == 2 and SPIN_UP <= day + LEAD < truth.days.size:
            later, _ = orchards.advance(unknowns, state, day + 1, day + 1 + LEAD)
            ahead[day + LEAD] = later[0]

    found = assimilate(orchards, prior, ESTIMATED, seen, after_correction=forecast, **options)
    filtered = found.filtered["root_zone_depletion"].to_numpy()
    last = truth.days.size - 1

    def yields(sd: float | None) -> Score:
        known, before, after = (
            unknowns if sd is None else respread(unknowns, sd) for unknowns in (secret, prior, found.unknowns)
        )
        told = truth.predict("relative_yield", known, end, last)
        free = orchards.predict("relative_yield", before, free_end, last)
        return _score(
            free[:, None], orchards.predict("relative_yield", after, found.state, last)[:, None], told, random
        )

    bias = secret["bias_probe"][0]
    scored, due = np.arange(SPIN_UP, last + 1), np.array(sorted(ahead))
    scores = {
        "depletion": _score(free_depletion[:, scored], filtered[:, scored], depletion[scored], random),
        "forecast": _score(free_depletion[:, due], np.stack([ahead[day] for day in due], 1), depletion[due], random),
        "yield": yields(None),
        "bias": _score(prior["bias_probe"][:, None], found.unknowns["bias_probe"][:, None], np.array([bias]), random),
    }
    return scores | {str(sd): yields(sd) for sd in response_sds}, found.log


def chances_of_need(seed: int, members: int) -> pd.DataFrame:
    """Chance that the trees of a truth run short of readily available water within the next seven days.

    One row every sixth day: ``told`` by the filter, ``free`` by the open loop, and whether it ``came``.
    """
    random = np.random.default_rng(1000 + seed)
    weather = weather_of(seed)
    truth, secret = model(weather, 1), drawn(1, random)
    course, _ = open_loop(truth, secret)
    seen = observed(truth, secret, course["root_zone_depletion"].to_numpy()[0], random)
    orchards = model(weather, members)
    prior = drawn(members, random, 0.5 * random.choice([-1.0, 1.0], len(POPULATION)))
    last = truth.days.size

    def short(orchard: OrchardModel, unknowns: Unknowns, state: State, first: int, end: int) -> NDArray:
        _, series = orchard.advance(unknowns, state, first, end)
        return series["root_zone_depletion"] > series["readily_available_water"]

    come, free = (
        short(each, known, each.start(known), 0, last) for each, known in ((truth, secret), (orchards, prior))
    )
    rows = []

    def ask(day: int, unknowns: Unknowns, state: State) -> None:
        week = slice(day + 1, day + 1 + LEAD)
        if day % 6 == 2 and SPIN_UP <= day + LEAD < last:
            told = short(orchards, unknowns, state, week.start, week.stop)
            rows.append([float(days.any(axis=0).mean()) for days in (told, free[week], come[week])])

    assimilate(orchards, prior, ESTIMATED, seen, after_correction=ask)
    return pd.DataFrame(rows, columns=["told", "free", "came"])


def _score(free: NDArray, filtered: NDArray, truth: NDArray, random: np.random.Generator) -> Score:
    day = random.integers(truth.size)
    return Score(
        float(crps(free, truth).mean()),
        float(crps(filtered, truth).mean()),
        float(inside(filtered, truth).mean()),
        rank(filtered[:, day], float(truth[day]), random),
    )


def summary(outcomes: list[dict[str, Score]]) -> pd.DataFrame:
    """Sum truths up: CRPS of both, their ratio, coverage, and the p value of flat ranks by chi-square.

    Five bins, one independent rank a truth (Hamill 2001, Mon. Wea. Rev. 129:550; Wilks 2019, ibid. 147:763).
    """
    rows = {}
    for name in outcomes[0]:
        free, filtered, share, ranks = (
            np.array([getattr(scores[name], key) for scores in outcomes])
            for key in ("open_loop", "filtered", "inside", "rank")
        )
        counts = np.bincount(np.minimum((ranks * 5).astype(int), 4), minlength=5)
        rows[name] = {
            "open_loop": free.mean(),
            "filtered": filtered.mean(),
            "ratio": filtered.mean() / free.mean(),
            "coverage": share.mean(),
            "flat": float(chisquare(counts).pvalue),
        }
    return pd.DataFrame(rows).T
