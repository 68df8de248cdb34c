"""Ensembles that carry what is not known: unknowns with their bounds, and draws with exact moments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agritwin.errors import ConfigError

type Members = NDArray[np.float64]
type Transform = Literal["identity", "log", "logit"]

_EDGE = 1e-6  # share of the range that a bounded value keeps from its bounds


@dataclass(frozen=True)
class Unknown:
    """A quantity that the filter estimates, and the scale on which it does so.

    Attributes
    ----------
    name
        Of a parameter of the model, or of the bias of a stream of observations.
    transform
        ``identity``; ``log`` for what is above ``low``; ``logit`` for what lies between ``low`` and ``high``. The
        update is linear on that scale, so that no update can leave the bounds.
    low, high
        Bounds, in the unit of the quantity.
    """

    name: str
    transform: Transform = "identity"
    low: float = 0.0
    high: float = 1.0

    def forward(self, values: Members) -> Members:
        """Values on the scale of the filter; those on a bound are taken a millionth of the range inside."""
        if self.transform == "log":
            return np.log(np.maximum(values - self.low, _EDGE))
        if self.transform == "logit":
            share = np.clip((values - self.low) / (self.high - self.low), _EDGE, 1.0 - _EDGE)
            return np.log(share / (1.0 - share))
        return values.copy()

    def backward(self, scaled: Members) -> Members:
        """Values in the unit of the quantity."""
        if self.transform == "log":
            return self.low + np.exp(scaled)
        if self.transform == "logit":
            return self.low + (self.high - self.low) / (1.0 + np.exp(-scaled))
        return scaled.copy()


def to_scale(unknowns: tuple[Unknown, ...], values: Mapping[str, Members]) -> NDArray[np.float64]:
    """Stack the values of unknowns as (unknown, member) on the scale of the filter."""
    return np.stack([unknown.forward(values[unknown.name]) for unknown in unknowns])


def from_scale(unknowns: tuple[Unknown, ...], rows: NDArray[np.float64]) -> dict[str, Members]:
    """Take the rows of :func:`to_scale` back to values by name."""
    return {unknown.name: unknown.backward(row) for unknown, row in zip(unknowns, rows, strict=True)}


def exact_ensemble(
    mean: NDArray[np.float64], covariance: NDArray[np.float64], members: int, seed: int
) -> NDArray[np.float64]:
    """Draw an ensemble whose sample mean and covariance (n - 1) are those given, to rounding.

    Second-order exact sampling (Pham 2001, Mon. Wea. Rev. 129:1194): normal draws are centred, whitened and coloured.

    Parameters
    ----------
    mean, covariance
        (variable,) and (variable, variable), symmetric and positive definite.
    members, seed
        More members than variables; seed of the random numbers.

    Returns
    -------
    numpy.ndarray
        (variable, member).

    Raises
    ------
    ConfigError
        If there are too few members.
    """
    if members <= mean.size:
        raise ConfigError(
            f"{members} members cannot have the exact moments of {mean.size} variables.",
            f"Take at least {mean.size + 1}.",
        )
    draws = np.random.default_rng(seed).standard_normal((mean.size, members))
    draws -= draws.mean(axis=1, keepdims=True)
    white = np.linalg.solve(np.linalg.cholesky(draws @ draws.T / (members - 1)), draws)
    return mean[:, None] + np.linalg.cholesky(covariance) @ white
