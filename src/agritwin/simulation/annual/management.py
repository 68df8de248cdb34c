"""How an annual crop is grown: when it is sown and harvested, how it is watered, and what may limit it."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from agritwin.errors import ConfigError
from agritwin.simulation.orchard.management import Irrigation

type Start = Literal["sowing", "emergence"]
type End = Literal["ripeness", "harvest", "earliest"]
type Production = Literal["water_limited", "potential"]

_CHOICES = {
    "start": ("sowing", "emergence"),
    "end": ("ripeness", "harvest", "earliest"),
    "production": ("water_limited", "potential"),
}
_LONGEST = 365


@dataclass(frozen=True)
class Cropping:
    """A crop on a field.

    Parameters
    ----------
    sowing
        Local day of sowing, or of emergence where ``start`` says so.
    start
        ``sowing``: emergence comes by warmth; ``emergence``: the crop is up on that day.
    harvest
        Local day on which the crop is taken off; needed where ``end`` is ``harvest``.
    end
        ``ripeness``; ``harvest``: on that day, ripe or not; ``earliest`` of both.
    duration_days
        The crop is taken off so many days after ``sowing`` at the latest.
    production
        ``water_limited``, or ``potential``: water never lacks and the soil is not reckoned.
    irrigation
        Irrigation and its rule. Water reaches the whole field, so that what it says of wetted ground has no effect.

    Raises
    ------
    ConfigError
        If sowing comes after harvest, or a value is not one of those allowed.
    """

    sowing: datetime.date
    start: Start = "sowing"
    harvest: datetime.date | None = None
    end: End = "earliest"
    duration_days: int = _LONGEST
    production: Production = "water_limited"
    irrigation: Irrigation = field(default_factory=Irrigation)

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"crop: {name} is '{getattr(self, name)}'.", f"Use one of {', '.join(allowed)}.")
        if not 1 <= self.duration_days <= _LONGEST:
            raise ConfigError(
                f"crop: duration_days is {self.duration_days}.",
                f"Give a value from 1 to {_LONGEST}: annual crops only.",
            )
        if self.harvest is None:
            if self.end == "harvest":
                raise ConfigError("crop: end is 'harvest' without a day of harvest.", "Give harvest, or end: ripeness.")
        elif self.harvest <= self.sowing:
            first, last = (self.sowing + datetime.timedelta(days=days) for days in (1, _LONGEST))
            raise ConfigError(
                f"crop: sowing {self.sowing} is not before harvest {self.harvest}.",
                f"Correct one of them: this sowing has its harvest from {first} to {last}.",
            )

    @classmethod
    def of(cls, management: "Cropping | Mapping[str, Any]") -> "Cropping":
        """Make one from a mapping of its parameters; ``irrigation`` may itself be a mapping.

        Raises
        ------
        ConfigError
            If a key is unknown or ``sowing`` is missing.
        """
        if isinstance(management, Cropping):
            return management
        given = dict(management)
        known = [entry.name for entry in fields(cls)]
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ConfigError(f"crop: unknown key {', '.join(unknown)}.", f"Known are {', '.join(known)}.")
        if "sowing" not in given:
            raise ConfigError("crop: sowing missing.", "Give the local day on which the crop is sown.")
        return cls(**{**given, "irrigation": Irrigation.of(given.get("irrigation"))})
