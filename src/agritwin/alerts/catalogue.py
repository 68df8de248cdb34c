"""The rules there are, with thresholds, persistence and hysteresis from the configuration."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agritwin.alerts.rules import LEVELS, Direction, Rule

# Damage to pistachio by stage: reversible from the first value, irreversible from the last (Gholipour 2007, J. Appl.
# Hort. 9:150; dormant buds: critical and more than 70 % dead, four cultivars); the level between is half-way. Read in
# abstracts only: priors, to be replaced by what the holding sees.
FROST_BY_STAGE: Mapping[str, tuple[float, float]] = {
    "dormant": (-15.0, -30.0),
    "bud": (-4.0, -6.0),
    "swelling": (-2.0, -4.0),
    "flowering": (2.0, 0.0),
}

# Name, key of the configuration, quantity, unit, direction.
_CATALOGUE: tuple[tuple[str, str, str, str, Direction], ...] = (
    ("frost", "frost_deg_c", "air_temperature", "degC", "below"),
    ("heat", "heat_deg_c", "air_temperature", "degC", "above"),
    ("heavy_rain", "rain_mm_per_day", "precipitation_24h", "mm", "above"),
    ("downpour", "rain_mm_per_hour", "precipitation", "mm", "above"),
    ("flood", "flood_depth_m", "water_depth", "m", "above"),
    ("drought", "drought_depletion_over_raw", "depletion_over_raw", "1", "above"),
    ("botryosphaeria", "infection_index", "infection_index", "1", "above"),
    ("stale_source", "stale_days", "age", "d", "above"),
    ("silent_sensor", "silent_sensor_messages", "missed_messages", "1", "above"),
    ("stuck_sensor", "stuck_sensor_h", "constant_for", "h", "above"),
    ("failing_model", "failing_model_crps_ratio", "crps_ratio", "1", "above"),
    ("model_coverage", "model_coverage_error", "coverage_error", "1", "above"),
    ("model_skill", "model_crps_ratio", "crps_ratio", "1", "above"),
    ("unconverged_model", "unconverged_models", "unconverged", "1", "above"),
)


def rules(alerts: Mapping[str, Any]) -> dict[str, Rule]:
    """Rules by name from the sections `alerts` or `health` of the configuration.

    Parameters
    ----------
    alerts
        `{low, mid, serious}` with `persistence` (1 where left out) and `hysteresis` (0) by key with the unit in its
        name, and `probability_min`. A rule whose key is missing does not exist.
    """
    probability = float(alerts.get("probability_min", 0.3))
    return {
        name: _rule(name, quantity, unit, direction, probability, alerts[key])
        for name, key, quantity, unit, direction in _CATALOGUE
        if alerts.get(key) is not None
    }


def _rule(
    name: str, quantity: str, unit: str, direction: Direction, probability: float, stated: Mapping[str, float]
) -> Rule:
    thresholds = {level: float(stated[level]) for level in LEVELS[1:] if level in stated}
    persistence, hysteresis = int(stated.get("persistence", 1)), float(stated.get("hysteresis", 0.0))
    return Rule(name, quantity, unit, thresholds, direction, probability, persistence, hysteresis)


def frost_rule(rule: Rule, stage: str | None) -> Rule:
    """Frost rule with the thresholds of a phenological stage; the rule as configured where the stage has none."""
    if stage is None or stage not in FROST_BY_STAGE:
        return rule
    first, last = FROST_BY_STAGE[stage]
    return replace(rule, thresholds={"low": first, "mid": (first + last) / 2, "serious": last})
