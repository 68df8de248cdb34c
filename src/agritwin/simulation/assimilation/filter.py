"""One observation at a time into an ensemble, without random numbers: the serial square-root filter."""

import numpy as np
from numpy.typing import NDArray

_TINY = 1e-300  # keeps a variable without spread from dividing by zero


def update(
    ensemble: NDArray[np.float64],
    predicted: NDArray[np.float64],
    value: float,
    variance: float,
    tapered: bool = True,
) -> NDArray[np.float64]:
    """Condition an ensemble on one observation (EnSRF; Whitaker and Hamill 2002, Mon. Wea. Rev. 130:1913).

    Parameters
    ----------
    ensemble
        (variable, member): state, parameters and biases side by side.
    predicted
        (member): what each member would have observed.
    value, variance
        Observation and its error variance, in the unit of ``predicted``.
    tapered
        Whether to damp covariances that may be chance (:func:`taper`).

    Returns
    -------
    numpy.ndarray
        The ensemble after it. Its mean moves by the gain times the innovation; its departures shrink by a reduced gain
        (Eq. 13), so that without taper their covariance is that of the Kalman filter, with no perturbed observations.
        An ensemble whose members predict the same is returned as it was.
    """
    members = predicted.size
    centre = predicted.mean()
    departures = predicted - centre
    if not departures.any():
        return ensemble
    spread = departures @ departures / (members - 1)
    covariance = ensemble @ departures / (members - 1)  # departures sum to zero
    if tapered:
        covariance = covariance * taper(covariance**2 / (ensemble.var(axis=1, ddof=1) * spread + _TINY), members)
    gain = covariance / (spread + variance)
    reduction = 1.0 / (1.0 + np.sqrt(variance / (spread + variance)))
    return ensemble + np.outer(gain, (value - centre) - reduction * departures)


def taper(squared_correlation: NDArray[np.float64], members: int) -> NDArray[np.float64]:
    """Factor for sample covariances that minimises their expected square error, 0 for those no larger than chance.

    ``r2 / (r2 + (1 + r2) / N)`` (Furrer and Bengtsson 2007, J. Multivariate Anal. 98:227), at the squared correlation
    less the part that independent variables have in a sample of this size.
    """
    likely = np.maximum((squared_correlation * members - 1.0) / (members - 1.0), 0.0)
    return likely / (likely + (1.0 + likely) / members)


def inflate(ensemble: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Widen an ensemble about its mean so that its variances grow by a factor."""
    if factor == 1.0:
        return ensemble
    mean = ensemble.mean(axis=1, keepdims=True)
    return mean + np.sqrt(factor) * (ensemble - mean)


class Inflation:
    """Adaptive inflation of the variances, one factor for all, learnt from the innovations.

    The factor of a day follows from innovations d, ensemble variances s and error variances r of its observations,
    ``(sum d^2/r - p) / sum s/r``, and is blended with that of the day before by the inverse of their variances
    (after Miyoshi 2011, Mon. Wea. Rev. 139:1519, for a single factor). It never narrows the ensemble.

    Parameters
    ----------
    error
        Standard deviation of the factor carried on from the day before; 0 switches the inflation off.
    highest
        Upper bound of the factor.
    """

    def __init__(self, error: float = 0.05, highest: float = 1.5) -> None:
        self.factor = 1.0
        self._variance = error**2
        self._highest = highest

    def learn(
        self, innovation: NDArray[np.float64], spread: NDArray[np.float64], variance: NDArray[np.float64]
    ) -> None:
        """Take in the observations of a day: innovations, ensemble variances before inflation, error variances."""
        expected = float((spread / variance).sum())
        if self._variance == 0.0 or expected == 0.0:
            return
        count = innovation.size
        found = (float((innovation**2 / variance).sum()) - count) / expected
        uncertainty = 2.0 / count * ((self.factor * expected + count) / expected) ** 2
        weight = self._variance / (self._variance + uncertainty)
        self.factor = float(np.clip(self.factor + weight * (found - self.factor), 1.0, self._highest))
