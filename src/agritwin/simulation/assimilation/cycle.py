"""The cycle of assimilation: run to the next observed day, judge what was observed, correct, go on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import chdtri

from agritwin.errors import ConfigError
from agritwin.simulation.assimilation.ensemble import Members, Unknown, from_scale, to_scale
from agritwin.simulation.assimilation.filter import Inflation, inflate, update
from agritwin.simulation.assimilation.observations import Checks, Observation, QualityControl

type State = NDArray[np.float64]
type Unknowns = Mapping[str, Members]
type Daily = Mapping[str, NDArray[np.float64]]


class Model(Protocol):
    """An engine as the cycle drives it: members side by side, days by their position."""

    days: NDArray[np.datetime64]
    corrected: slice  # rows of the state that observations correct

    def start(self, unknowns: Unknowns) -> State:
        """State (row, member) before the first day."""
        ...

    def advance(self, unknowns: Unknowns, state: State, first: int, last: int) -> tuple[State, Daily]:
        """Run the days from ``first`` up to ``last`` (excluded): the state then, and daily results (day, member)."""
        ...

    def predict(self, quantity: str, unknowns: Unknowns, state: State, day: int) -> Members:
        """Predict what each member would observe of a quantity at the end of a day."""
        ...

    def bounded(self, unknowns: Unknowns, state: State) -> State:
        """Bring the state back to what it can be after a correction."""
        ...


@dataclass(frozen=True)
class Assimilation:
    """What came of a cycle.

    Attributes
    ----------
    filtered
        Daily results of the model (member, day) as they were known on each day, by the observations up to it.
    smoothed
        The same by all observations: the last run over each day. A course without jumps.
    unknowns
        Posterior values (member) by name.
    state
        State after the last day, (row, member).
    log
        One row an observation: ``day, quantity, stream, value, error, predicted, spread`` (standard deviation over
        members), ``innovation, normalised`` (by spread and error), ``verdict, inflation``. Those outside the days of
        the model come last, with the verdict ``outside`` and no prediction.
    """

    filtered: xr.Dataset
    smoothed: xr.Dataset
    unknowns: dict[str, Members]
    state: State
    log: pd.DataFrame


LOG = (
    "day", "quantity", "stream", "value", "error", "predicted", "spread", "innovation", "normalised", "verdict",
    "inflation",
)  # fmt: skip
USED = ("good", "supported")


def assimilate(
    model: Model,
    prior: Unknowns,
    estimated: Sequence[Unknown],
    observations: Sequence[Observation],
    *,
    lag_days: int | None = None,
    checks: Checks | None = None,
    inflation: Inflation | None = None,
    tapered: bool = True,
    after_correction: Callable[[int, Unknowns, State], None] | None = None,
) -> Assimilation:
    """Run a model over all its days and correct it by each observation on its day.

    An observation corrects the unknowns and the state at an anchor in the past; the present follows by running the lag
    again from there, so that every state is one that the model can reach and its water balance closes. This is the
    filter with a confirming step (Wen and Chen 2006, SPE J. 11:431), and a fixed-lag smoother at once.

    Parameters
    ----------
    model
        Engine with its drivers.
    prior
        Values (member) of all that the model and the observations name and that differs between members.
    estimated
        Those of them that observations may change, with their scales.
    observations
        In any order; those outside the days of the model are logged and correct nothing.
    lag_days
        Least age of the anchor; it moves up when it is twice as old. 0 corrects the present state itself, the plain
        filter. None anchors at the first day, where the state follows from the unknowns.
    checks, inflation
        Quality control and adaptive inflation; defaults where None.
    tapered
        Whether covariances that may be chance are damped.
    after_correction
        Called with the position of the day, unknowns and state after the observations of a day.

    Returns
    -------
    Assimilation
        Without any observation the same bytes as :func:`open_loop`.

    Raises
    ------
    ConfigError
        If an unknown or a bias has no prior.

    Notes
    -----
    Where all members predict the same, as a single one does, an observation is judged by its error alone and corrects
    nothing.
    """
    named = [unknown.name for unknown in estimated] + [one.bias for one in observations if one.bias is not None]
    missing = sorted({name for name in named if name not in prior})
    if missing:
        raise ConfigError(f"assimilation: no prior for {', '.join(missing)}.", "Give its values over member.")
    control = QualityControl(checks or Checks())
    run = _Run(model, dict(prior), tuple(estimated), lag_days, control, inflation or Inflation(), tapered)
    position = {day: number for number, day in enumerate(model.days.astype("datetime64[D]").tolist())}
    inside = sorted((one for one in observations if one.day in position), key=lambda one: one.day)
    for day, batch in groupby(inside, key=lambda one: one.day):
        run.to(position[day] + 1)
        run.correct(list(batch))
        if after_correction is not None:
            after_correction(position[day], run.unknowns, run.state)
    run.to(len(model.days))
    run.log += [
        (one.day, one.quantity, one.stream, one.value, one.error, *[np.nan] * 4, "outside", np.nan)
        for one in observations
        if one.day not in position
    ]
    log = pd.DataFrame(run.log, columns=list(LOG))
    return Assimilation(_dataset(model, run.filtered), _dataset(model, run.smoothed), run.unknowns, run.state, log)


class _Run:
    """A cycle under way: the anchor, the present, and the daily results between and before."""

    def __init__(
        self,
        model: Model,
        unknowns: dict[str, Members],
        estimated: tuple[Unknown, ...],
        lag_days: int | None,
        control: QualityControl,
        inflation: Inflation,
        tapered: bool,
    ) -> None:
        self.model, self.unknowns, self.estimated, self.lag_days = model, unknowns, estimated, lag_days
        self.control, self.inflation, self.tapered = control, inflation, tapered
        self.state = self.anchor = model.start(unknowns)
        self.anchor_day = self.done = 0
        self.filtered: list[Daily] = []
        self.settled: list[Daily] = []  # results before the anchor, which no observation changes any more
        self.open: list[Daily] = []  # results since the anchor
        self.log: list[tuple] = []
        self._scaled: NDArray[np.float64] | None = None  # unknowns as the filter left them

    @property
    def smoothed(self) -> list[Daily]:
        return self.settled + self.open

    def to(self, day: int) -> None:
        """Run up to a day (excluded)."""
        if day > self.done:
            self.state, daily = self.model.advance(self.unknowns, self.state, self.done, day)
            self.filtered.append(daily)
            self.open.append(daily)
            self.done = day

    def _settle(self, day: int) -> None:
        """Move the anchor up to a day; at lag 0 it is the present."""
        if day == self.done:
            self.anchor = self.state
            self.settled, self.open = self.smoothed, []
        else:
            self.anchor, daily = self.model.advance(self.unknowns, self.anchor, self.anchor_day, day)
            self.settled.append(daily)
            self.state, rest = self.model.advance(self.unknowns, self.anchor, day, self.done)
            self.open = [rest]
        self.anchor_day = day

    def correct(self, batch: list[Observation]) -> None:
        """Judge the observations of a day, assimilate the believed ones one after the other, and run the lag again."""
        if self.lag_days is not None and self.done - self.anchor_day >= max(2 * self.lag_days, 1):
            self._settle(self.done - self.lag_days)
        value = np.array([one.value for one in batch])
        variance = np.array([one.error for one in batch]) ** 2
        predicted = np.array([self._predicted(one) for one in batch])
        innovation = value - predicted.mean(axis=1)
        spread = predicted.var(axis=1, ddof=1) if predicted.shape[1] > 1 else np.zeros(len(batch))
        verdicts = self.control.judge(batch, innovation, spread)
        used = [at for at, verdict in enumerate(verdicts) if verdict in USED]
        if used:
            self.inflation.learn(innovation[used], spread[used], variance[used])
            rows = inflate(np.concatenate([*self._rows(), predicted]), self.inflation.factor)
            first = len(rows) - len(batch)
            for at in used:  # what the later ones predict is corrected along
                rows = update(rows, rows[first + at], value[at], variance[at], self.tapered)
            self._replace(rows[:first])
        normalised = innovation / np.sqrt(spread + variance)
        for at, one in enumerate(batch):
            about = (one.day, one.quantity, one.stream, one.value, one.error)
            found = (value[at] - innovation[at], spread[at] ** 0.5, innovation[at], normalised[at])
            self.log.append((*about, *found, verdicts[at], self.inflation.factor))

    def _predicted(self, one: Observation) -> Members:
        members = self.model.predict(one.quantity, self.unknowns, self.state, self.done - 1)
        return members if one.bias is None else members + self.unknowns[one.bias]

    def _rows(self) -> list[NDArray[np.float64]]:
        """Unknowns on their scales, and the state at the anchor where it does not follow from them."""
        rows = [] if self.lag_days is None else [self.anchor[self.model.corrected]]
        if self._scaled is None and self.estimated:
            self._scaled = to_scale(self.estimated, self.unknowns)
        return rows if self._scaled is None else [self._scaled, *rows]

    def _replace(self, rows: NDArray[np.float64]) -> None:
        """Take over corrected unknowns and anchor, and run again from there to the present."""
        count = len(self.estimated)
        self._scaled = rows[:count]
        self.unknowns = {**self.unknowns, **from_scale(self.estimated, self._scaled)}
        if self.lag_days is None:
            self.anchor = self.model.start(self.unknowns)
        else:
            self.anchor = self.anchor.copy()
            self.anchor[self.model.corrected] = rows[count:]
            self.anchor = self.model.bounded(self.unknowns, self.anchor)
        if self.done == self.anchor_day:
            self.state = self.anchor
            return
        self.state, daily = self.model.advance(self.unknowns, self.anchor, self.anchor_day, self.done)
        self.open = [daily]
        self.filtered[-1] = {
            name: np.vstack([before[:-1], daily[name][-1:]]) for name, before in self.filtered[-1].items()
        }


def open_loop(model: Model, prior: Unknowns) -> tuple[xr.Dataset, State]:
    """Run without any observation: daily results (member, day), and the state after the last."""
    state, daily = model.advance(prior, model.start(prior), 0, len(model.days))
    return _dataset(model, [daily]), state


def _dataset(model: Model, parts: Sequence[Daily]) -> xr.Dataset:
    joined = {name: np.concatenate([part[name] for part in parts]).T for name in parts[0]}
    members = next(iter(joined.values())).shape[0]
    variables = {name: (("member", "day"), values) for name, values in joined.items()}
    days = model.days.astype("datetime64[ns]")
    return xr.Dataset(variables, coords={"member": np.arange(members), "day": days})


def consistency(log: pd.DataFrame) -> pd.DataFrame:
    """Sum a log up by stream: whether innovations are as large as spread and error say.

    Returns
    -------
    pandas.DataFrame
        Per stream ``observations, used, bias`` (mean innovation, in the unit of the stream), ``ratio``: the mean of the
        squared normalised innovations of those used, 1 for a consistent filter (Dee 1995, Mon. Wea. Rev. 123:1128),
        ``low`` and ``high``: between which 95 % of such means lie by chi-square with as many degrees.
    """
    rows = []
    for stream, group in log.groupby("stream", sort=False):
        used = group["verdict"].isin(USED).to_numpy()
        count = max(int(used.sum()), 1)
        innovation, normalised = (group[name].to_numpy(float)[used] for name in ("innovation", "normalised"))
        rows.append(
            {
                "stream": stream,
                "observations": len(group),
                "used": int(used.sum()),
                "bias": innovation.mean() if used.any() else np.nan,
                "ratio": (normalised**2).mean() if used.any() else np.nan,
                "low": float(chdtri(count, 0.975) / count),
                "high": float(chdtri(count, 0.025) / count),
            }
        )
    return pd.DataFrame(rows)
