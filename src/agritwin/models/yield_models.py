"""Predictions of a harvest from few years: baselines, a Bayesian regression with stated priors, ridge for many rows.

Every model is a function of the harvests it learns from and the rows it predicts, and answers with Student t
distributions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from agritwin.models import scoring
from agritwin.models.features import Feature

Floats = NDArray[np.float64]

NOISE = 0.25  # prior deviation of a harvest from what is expected of it, as a share
NOISE_WEIGHT = 2.0  # shape of the prior of the noise variance: it weighs as much as four harvests
LEVEL_SD = 0.15  # prior deviation of the level itself, as a share
LAST_YEAR = (-0.3, 0.3)  # prior effect of last year's anomaly: alternate bearing (Rosenstock et al. 2010)
SMALLEST_YIELD = 1.0  # kg/ha: what is expected of an orchard that never bore
RIDGE_PENALTIES = 10.0 ** np.arange(-2, 5)
FEWEST_DEGREES = 1.5  # of freedom: below two, the spread of a t distribution has no variance


@dataclass(frozen=True)
class Rows:
    """Harvests or rows to predict, as arrays of one length.

    Parameters
    ----------
    parcel
        Number of the parcel, 0..parcels - 1.
    year, harvest
        Harvest year and yield (kg/ha, NaN where to be predicted).
    previous, by_age
        Yield of the year before and yield expected at that age (kg/ha, NaN where unknown).
    features
        Features by name.
    parcels
        Number of parcels there are.
    """

    parcel: NDArray[np.intp]
    year: NDArray[np.int64]
    harvest: Floats
    previous: Floats
    by_age: Floats
    features: Mapping[str, Floats]
    parcels: int

    @classmethod
    def of(cls, table: pd.DataFrame) -> Self:
        """Rows of a training table (see `yields.training_table`)."""
        numbers, names = pd.factorize(table["parcel"])
        named = ("parcel", "year", "yield", "previous_yield", "expected_by_age")
        return cls(
            parcel=numbers,
            year=table["year"].to_numpy(np.int64),
            harvest=table["yield"].to_numpy(float),
            previous=table["previous_yield"].to_numpy(float),
            by_age=table["expected_by_age"].to_numpy(float),
            features={str(name): table[name].to_numpy(float) for name in table.columns.drop(list(named))},
            parcels=len(names),
        )

    def where(self, mask: NDArray[np.bool_]) -> Self:
        """Rows for which the mask is true."""
        features = {name: values[mask] for name, values in self.features.items()}
        columns = (self.parcel[mask], self.year[mask], self.harvest[mask], self.previous[mask], self.by_age[mask])
        return type(self)(*columns, features, self.parcels)

    def __len__(self) -> int:
        return len(self.harvest)


@dataclass(frozen=True)
class Predictive:
    """Student t distributions, one for each row predicted, in the unit of the yield.

    Parameters
    ----------
    location, scale, dof
        Centre, scale and degrees of freedom, arrays of one length.
    """

    location: Floats
    scale: Floats
    dof: Floats

    def quantile(self, level: float) -> Floats:
        """Quantile of each row, not below zero: no harvest is."""
        return np.maximum(stats.t.ppf(level, self.dof, self.location, self.scale), 0.0)

    def crps(self, observed: Floats) -> Floats:
        """CRPS of each row (of the t distribution itself)."""
        return scoring.crps_student_t(self.location, self.scale, self.dof, observed)


type Model = Callable[[Rows, Rows], Predictive]


def count_by_parcel(train: Rows, rows: Rows) -> Floats:
    """Number of past harvests of each row's parcel, one at least."""
    return np.maximum(np.bincount(train.parcel, minlength=train.parcels)[rows.parcel], 1).astype(float)


def mean_by_parcel(values: Floats, train: Rows, rows: Rows) -> Floats:
    """Mean of values of past harvests at each row's parcel; that of all parcels where the parcel has none."""
    count = np.bincount(train.parcel, minlength=train.parcels)
    total = np.bincount(train.parcel, values, train.parcels)
    mean = np.divide(total, count, out=np.full(train.parcels, values.mean()), where=count > 0)
    return mean[rows.parcel]


def parcel_means(train: Rows, rows: Rows) -> Floats:
    """Mean past yield of each row's parcel."""
    return mean_by_parcel(train.harvest, train, rows)


def around(location: Floats, errors: Floats, parameters: int, inflation: Floats | float = 1.0) -> Predictive:
    """Distributions around given centres with the spread of past errors left by so many fitted parameters."""
    dof = max(len(errors) - parameters, FEWEST_DEGREES)
    scale = np.maximum(np.sqrt((errors**2).sum() / dof) * inflation, 1e-9) * np.ones_like(location)
    return Predictive(location, scale, np.full_like(location, dof))


def parcels_in(train: Rows) -> int:
    """Number of parcels with a past harvest."""
    return len(np.unique(train.parcel))


def mean_of_past_years(train: Rows, rows: Rows) -> Predictive:
    """Mean of the parcel's other years; deviations pooled over parcels."""
    errors = train.harvest - parcel_means(train, train)
    return around(parcel_means(train, rows), errors, parcels_in(train), np.sqrt(1 + 1 / count_by_parcel(train, rows)))


def last_year(train: Rows, rows: Rows) -> Predictive:
    """Repeat the yield of the year before; the mean where that is unknown."""
    errors = train.harvest - train.previous
    location = np.where(np.isfinite(rows.previous), rows.previous, parcel_means(train, rows))
    return around(location, errors[np.isfinite(errors)], 0)


def trend(train: Rows, rows: Rows) -> Predictive:
    """A straight line through the years, one slope for all parcels, each with its own level."""
    years = train.year.astype(float)
    x, x_rows = years - mean_by_parcel(years, train, train), rows.year - mean_by_parcel(years, train, rows)
    squares = max(float(x @ x), 1e-9)
    residual = train.harvest - parcel_means(train, train)
    slope = float(x @ residual) / squares
    inflation = np.sqrt(1 + 1 / count_by_parcel(train, rows) + x_rows**2 / squares)
    return around(parcel_means(train, rows) + slope * x_rows, residual - slope * x, parcels_in(train) + 1, inflation)


def expected(train: Rows, rows: Rows) -> Floats:
    """Yield expected of each row: the age curve scaled to the parcel's past, or the parcel's mean without a curve."""
    level = np.maximum(parcel_means(train, rows), SMALLEST_YIELD)
    if not ((train.by_age > 0).all() and (rows.by_age > 0).all()):
        return level
    return level / mean_by_parcel(train.by_age, train, rows) * rows.by_age


def age_curve(train: Rows, rows: Rows) -> Predictive:
    """The age curve scaled to the parcel's past; deviations grow with what is expected."""
    errors = train.harvest / expected(train, train) - 1
    location = expected(train, rows)
    inflation = location * np.sqrt(1 + 1 / count_by_parcel(train, rows))
    return around(location, errors, parcels_in(train), inflation)


def design(train: Rows, rows: Rows, steps: Mapping[str, float]) -> Floats:
    """Level, last year's anomaly and features of each row, in steps from the training mean; unknown counts as usual.

    Parameters
    ----------
    steps
        Name and size of one step of each feature, in its unit.
    """
    last = rows.previous / expected(train, rows) - 1
    columns = [(rows.features[name] - np.nanmean(train.features[name])) / step for name, step in steps.items()]
    return np.column_stack([np.ones(len(rows)), *(np.nan_to_num(column) for column in (last, *columns))])


def usable(train: Rows, features: tuple[Feature, ...]) -> list[Feature]:
    """Features that the table has and knows of in at least two years."""
    return [f for f in features if f.name in train.features and np.isfinite(train.features[f.name]).sum() >= 2]


def bayesian(features: tuple[Feature, ...]) -> Model:
    """Conjugate normal regression of the relative yield, with the priors that the features state.

    The relative yield, yield over expected yield minus one, is level + effects x steps + noise; the noise variance is
    inverse gamma around `NOISE`, the effects are normal given it. The answer is the posterior predictive distribution.

    Source: O'Hagan and Forster (2004), Kendall's Advanced Theory of Statistics 2B, 2nd ed., sections 11.3 to 11.11.
    """

    def predict(train: Rows, rows: Rows) -> Predictive:
        used = usable(train, features)
        steps = {feature.name: float(feature.scale) for feature in used}
        mean = np.array([0.0, LAST_YEAR[0], *(feature.effect for feature in used)])
        sd = np.array([LEVEL_SD, LAST_YEAR[1], *(feature.effect_sd for feature in used)])
        relative = train.harvest / expected(train, train) - 1
        share = conjugate(design(train, train, steps), relative, mean, sd).predict(design(train, rows, steps))
        base = expected(train, rows)
        return Predictive(base * (1 + share.location), base * share.scale, share.dof)

    return predict


@dataclass(frozen=True)
class Posterior:
    """Normal inverse gamma posterior: mean and covariance (over the noise variance) of effects, shape and rate."""

    mean: Floats
    covariance: Floats
    shape: float
    rate: float

    def predict(self, x: Floats) -> Predictive:
        """Posterior predictive of each row of the design."""
        variance = self.rate / self.shape * (1 + np.einsum("ri,ij,rj->r", x, self.covariance, x))
        return Predictive(x @ self.mean, np.sqrt(variance), np.full(len(x), 2 * self.shape))


def conjugate(x: Floats, y: Floats, prior_mean: Floats, prior_sd: Floats) -> Posterior:
    """Posterior of a linear regression with independent normal priors of the effects and noise around `NOISE`.

    Parameters
    ----------
    x, y
        Design (row, effect) and response (row).
    prior_mean, prior_sd
        Of each effect, where the noise is as expected.
    """
    precision_0 = np.diag((NOISE / prior_sd) ** 2)
    precision = precision_0 + x.T @ x
    covariance = np.linalg.inv(precision)
    mean = covariance @ (precision_0 @ prior_mean + x.T @ y)
    rate_0 = NOISE**2 * (NOISE_WEIGHT - 1)
    rate = rate_0 + 0.5 * (y @ y + prior_mean @ precision_0 @ prior_mean - mean @ precision @ mean)
    return Posterior(mean, covariance, NOISE_WEIGHT + len(y) / 2, float(rate))


def ridge(features: tuple[Feature, ...]) -> Model:
    """Ridge regression of the relative yield, its penalty by generalised cross-validation; for many rows only.

    Source: Golub, Heath and Wahba (1979), Technometrics 21:215, Eq. 1.4.
    """

    def predict(train: Rows, rows: Rows) -> Predictive:
        deviations = {f.name: float(np.nanstd(train.features[f.name])) for f in usable(train, features)}
        steps = {name: deviation for name, deviation in deviations.items() if deviation > 0}
        x, x_rows = design(train, train, steps)[:, 1:], design(train, rows, steps)[:, 1:]
        relative = train.harvest / expected(train, train) - 1
        level, n = relative.mean(), len(relative)
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        turned = u.T @ (relative - level)
        kept = s**2 / (s**2 + RIDGE_PENALTIES[:, None])
        errors = relative - level - (kept * turned) @ u.T
        freedom = n - 1 - kept.sum(1)
        best = int(np.argmin((errors**2).mean(1) / (freedom / n) ** 2))
        effects = vt.T @ (s / (s**2 + RIDGE_PENALTIES[best]) * turned)
        base = expected(train, rows)
        inflation = base * np.sqrt(1 + 1 / n)
        return around(base * (1 + level + x_rows @ effects), errors[best], round(n - freedom[best]), inflation)

    return predict
