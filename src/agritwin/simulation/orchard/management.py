"""How an orchard is watered."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from agritwin.errors import ConfigError

type Rule = Literal["none", "fixed", "refill", "deficit"]

_RULES = ("none", "fixed", "refill", "deficit")


@dataclass(frozen=True)
class Irrigation:
    """Irrigation of a season; what the drivers give as ``irrigation`` is applied under every rule.

    Parameters
    ----------
    rule
        ``none``; ``fixed``: ``depth_mm`` every ``interval_days``; ``refill``: when the depletion of the root zone
        passes ``threshold_share_of_raw`` of the readily available water, give back ``refill_share`` of it; ``deficit``:
        give each day what holds the trees at the stage's share of the transpiration without stress.
    wetted_fraction
        Share of the ground that a wetting reaches (fw): about 0.3 for drip, 1 for sprinklers.
    under_canopy
        Whether emitters stand in the shade of the trees.
    threshold_share_of_raw, maximum_mm_per_day, season_limit_mm
        Of the rules ``refill`` and ``deficit``; the first and the last may be arrays over member.
    refill_share
        Of the rule ``refill``.
    stage_shares
        Of the rule ``deficit``: shares of the transpiration without stress in the stages 1 to 3, from leaf-out to
        maturity; numbers, or arrays over member. A share of 1 holds the depletion at the threshold, 0 gives nothing.
    depth_mm, interval_days
        Of the rule ``fixed``.
    first_day, last_day
        Local days between which a rule may irrigate, both included; open where None.
    efficiency
        Share of the water given that reaches the root zone; depths in the balance are net of losses.

    Raises
    ------
    ConfigError
        If a value lies outside what it can mean.
    """

    rule: Rule = "none"
    wetted_fraction: float = 0.3
    under_canopy: bool = True
    threshold_share_of_raw: Any = 1.0
    refill_share: float = 1.0
    stage_shares: tuple[Any, Any, Any] = (1.0, 1.0, 1.0)
    maximum_mm_per_day: float = float("inf")
    season_limit_mm: Any = float("inf")
    depth_mm: float = 0.0
    interval_days: int = 7
    first_day: datetime.date | None = None
    last_day: datetime.date | None = None
    efficiency: float = 0.9

    def __post_init__(self) -> None:
        if self.rule not in _RULES:
            raise ConfigError(f"irrigation: rule is '{self.rule}'.", f"Use one of {', '.join(_RULES)}.")
        allowed: dict[str, tuple[float, float]] = {
            "wetted_fraction": (0.01, 1.0),
            "threshold_share_of_raw": (0.0, 3.0),
            "refill_share": (0.0, 1.0),
            "maximum_mm_per_day": (0.0, float("inf")),
            "season_limit_mm": (0.0, float("inf")),
            "stage_shares": (0.0, 1.0),
            "depth_mm": (0.0, 500.0),
            "interval_days": (1, 366),
            "efficiency": (0.1, 1.0),
        }
        for name, (lowest, highest) in allowed.items():
            value = getattr(self, name)
            # not(...) rather than a comparison turned round, so that NaN is refused too
            if not all(np.all((np.asarray(part) >= lowest) & (np.asarray(part) <= highest)) for part in _parts(value)):
                raise ConfigError(f"irrigation: {name} is {value}.", f"Give a value from {lowest} to {highest}.")
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ConfigError(
                f"irrigation: first_day {self.first_day} is after last_day {self.last_day}.", "Swap or correct them."
            )

    @classmethod
    def of(cls, management: "Irrigation | Mapping[str, Any] | None") -> "Irrigation":
        """Make one from a mapping of its parameters; None irrigates only what the drivers give."""
        if isinstance(management, Irrigation):
            return management
        given = dict(management or {})
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise ConfigError(
                f"irrigation: unknown key {', '.join(unknown)}.", f"Known are {', '.join(sorted(known))}."
            )
        return cls(**given)


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
