"""Observations, and whether to believe them."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agritwin.errors import ConfigError


@dataclass(frozen=True)
class Observation:
    """One number that was observed at the end of a local day.

    Attributes
    ----------
    day
        Local day.
    quantity
        What was observed: a name that the model can predict.
    value, error
        Value and standard deviation of its random error, in the unit of the quantity; a value that is not finite is a
        gap.
    stream
        Probe, satellite or person that it came from.
    bias
        Name of the unknown that this stream adds to every value, or None where it is taken to have none.

    Raises
    ------
    ConfigError
        If the error is not above zero: nothing is observed without one.
    """

    day: datetime.date
    quantity: str
    value: float
    error: float
    stream: str
    bias: str | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.error) and self.error > 0.0):
            raise ConfigError(
                f"assimilation: {self.stream} has the error {self.error:g} on {self.day}.",
                "Give the standard deviation of its random error, a number above 0.",
            )


@dataclass(frozen=True)
class Checks:
    """How far an observation may lie from what is expected, in standard deviations of that difference.

    Attributes
    ----------
    gross
        From the prediction of the ensemble.
    buddy
        From other observations of the same quantity on the same day, which share the error of the ensemble.
    memory_days
        A rejected observation is believed after all when two rejected ones of its stream within these days lie as far
        off to the same side: then it is the ensemble that is wrong.
    stuck
        An instrument (a stream with a bias) is stuck when so many of its values in a row are equal, while what it was
        expected to show has moved by more than ``moved`` of its errors.
    moved
        See ``stuck``.
    """

    gross: float = 4.0
    buddy: float = 4.0
    memory_days: int = 15
    stuck: int = 4
    moved: float = 1.0


class QualityControl:
    """Gross-error and buddy check (Lorenc and Hammon 1988, QJRMS 114:515, in their deterministic form); flat lines.

    A stuck instrument is as far off day after day as one that tells of a wrong ensemble, so it is found first. An
    observation far from the ensemble is rejected unless its buddies support it; one far from its buddies is rejected
    even if the ensemble supports it. Buddies are observations of the same quantity on the same day; in time, those of
    the same stream that were rejected shortly before.
    """

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._doubted: dict[str, list[tuple[datetime.date, float]]] = {}
        self._resting: dict[str, list[tuple[float, float]]] = {}

    def judge(
        self, batch: Sequence[Observation], innovation: NDArray[np.float64], spread: NDArray[np.float64]
    ) -> list[str]:
        """Judge the observations of a day.

        Parameters
        ----------
        batch
            Observations of one day.
        innovation, spread
            Value minus mean prediction, and variance of the predictions over members.

        Returns
        -------
        list
            ``good``; ``supported``: far off, but so are its buddies; ``gross``; ``buddy``; ``stuck``; ``missing``.
        """
        quantity = np.array([one.quantity for one in batch])
        variance = np.array([one.error for one in batch]) ** 2
        limit = self._checks.gross * np.sqrt(spread + variance)
        verdicts = []
        for position, one in enumerate(batch):
            if not np.isfinite(innovation[position]):
                verdicts.append("missing")
                continue
            if self._stuck(one, innovation[position]):
                verdicts.append("stuck")
                continue
            others = (quantity == one.quantity) & np.isfinite(innovation)
            others[position] = False
            far = abs(innovation[position]) > limit[position]
            if others.sum() >= 2:
                middle = float(np.median(innovation[others]))
                apart = abs(innovation[position] - middle)
                allowed = np.sqrt(variance[position] + variance[others].mean() / others.sum())
                agrees = apart <= self._checks.buddy * allowed
                verdict = "buddy" if not agrees else "supported" if far else "good"
            else:
                verdict = self._alone(one, innovation[position]) if far else "good"
            verdicts.append(verdict)
        return verdicts

    def _stuck(self, one: Observation, innovation: float) -> bool:
        """Whether an instrument shows what it showed before, though something else was expected."""
        if one.bias is None:
            return False
        run = [past for past in self._resting.get(one.stream, []) if past[0] == one.value]
        run.append((one.value, one.value - innovation))
        self._resting[one.stream] = run
        moved = float(np.ptp([expected for _, expected in run]))
        return len(run) >= self._checks.stuck and moved > self._checks.moved * one.error

    def _alone(self, one: Observation, innovation: float) -> str:
        """Judge an observation that is far off and has no buddies that day by those rejected before it."""
        past = self._doubted.setdefault(one.stream, [])
        alike = [
            there
            for day, there in past
            if (one.day - day).days <= self._checks.memory_days
            and abs(there - innovation) <= self._checks.buddy * np.sqrt(2.0) * one.error
        ]
        past.append((one.day, innovation))
        return "supported" if len(alike) >= 2 else "gross"
