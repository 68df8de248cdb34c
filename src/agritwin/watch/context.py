"""What the watch knows of each twin: its rules, its floods run ahead, its neighbours; read anew when a file changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agritwin import workspace
from agritwin.alerts.catalogue import rules
from agritwin.alerts.live import Situation
from agritwin.alerts.neighbours import Recipient
from agritwin.alerts.rarity import Frequency
from agritwin.alerts.words import Language
from agritwin.errors import StoreError
from agritwin.products.library import read_library
from agritwin.settings import Settings

UNKNOWN_SOIL = 0.5
"""Soil water where no crop simulation says it: that of the normal curve number."""


@dataclass(frozen=True)
class Context:
    """What is known of one twin.

    Attributes
    ----------
    twin, language
        Id, and the language of its notices.
    situation
        What readings are judged against.
    recipients
        Who is told of a flood: the twin itself first.
    commands, notices
        These sections of its configuration.
    product
        `alerts.json` as last published, or None.
    """

    twin: str
    language: Language
    situation: Situation
    recipients: tuple[Recipient, ...]
    commands: Mapping[str, Any]
    notices: Mapping[str, Any]
    product: Mapping[str, Any] | None


def load(root: Path, twin: str, settings: Settings) -> Context:
    """Read a twin's context; what was not built yet is left out and said in the log."""
    results = root / workspace.RESULTS / twin
    alerts = _json(results / "alerts.json")
    library = read_library(results / "flood_library.json")
    stated = settings.model_dump(mode="json")
    situation = Situation(
        rules=rules(stated["alerts"] | stated["health"]),
        library=library,
        frequency=Frequency.of((alerts or {}).get("frequency")),
        soil_water=_soil_water(alerts or {}),
        valid_h=settings.alerts.live_valid_h,
    )
    told = (alerts or {}).get("neighbours") or [{"twin": twin, "distance_m": 0.0, "reason": "self"}]
    recipients = tuple(Recipient(row["twin"], row["distance_m"], row["reason"]) for row in told)
    return Context(twin, settings.language, situation, recipients, stated["commands"], stated["notices"], alerts)


def _soil_water(alerts: Mapping[str, Any]) -> float:
    found = alerts.get("soil_water")
    return UNKNOWN_SOIL if found is None else float(found)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        return workspace.read_json(path)
    except StoreError:
        return None


@dataclass
class Contexts:
    """The contexts of all twins, each read again when one of the files it rests on is another one than before."""

    root: Path
    settings: Mapping[str, Settings]
    _read: dict[str, tuple[tuple[int, ...], Context]] = field(default_factory=dict)

    def of(self, twin: str) -> Context:
        """Return what is known of a twin now."""
        stamp = self._stamp(twin)
        if twin not in self._read or self._read[twin][0] != stamp:
            self._read[twin] = stamp, load(self.root, twin, self.settings[twin])
        return self._read[twin][1]

    def _stamp(self, twin: str) -> tuple[int, ...]:
        folder = self.root / workspace.RESULTS / twin
        files = (folder / name for name in ("alerts.json", "flood_library.json"))
        return tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in files)
