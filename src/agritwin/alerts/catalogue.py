"""The rules there are, with thresholds from the configuration or from the literature."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agritwin.alerts.rules import Direction, Rule

# Damage to pistachio by stage: reversible from the first value, irreversible from the last (Gholipour 2007, J. Appl.
# Hort. 9:150; dormant buds: critical and more than 70 % dead, four cultivars); the level between is half-way. Read in
# abstracts only: priors, to be replaced by what the holding sees.
FROST_BY_STAGE: Mapping[str, tuple[float, float]] = {
    "dormant": (-15.0, -30.0),
    "bud": (-4.0, -6.0),
    "swelling": (-2.0, -4.0),
    "flowering": (2.0, 0.0),
}

# Rules about the twin itself, unless the configuration says otherwise.
OWN_THRESHOLDS: Mapping[str, Mapping[str, float]] = {
    "silent_sensor": {"low": 3.0, "mid": 12.0, "serious": 48.0},  # missed messages in a row
    "stuck_sensor": {"low": 12.0, "mid": 24.0, "serious": 72.0},  # h of one and the same value
    "failing_model": {"low": 1.25, "mid": 1.5, "serious": 2.0},  # recent over expected CRPS
}

# Name, key of the configuration, quantity, unit, direction, persistence in steps, hysteresis.
_CATALOGUE: tuple[tuple[str, str, str, str, Direction, int, float], ...] = (
    ("frost", "frost_deg_c", "air_temperature", "degC", "below", 1, 0.5),
    ("heat", "heat_deg_c", "air_temperature", "degC", "above", 2, 0.5),
    ("heavy_rain", "rain_mm_per_day", "precipitation_24h", "mm", "above", 1, 2.0),
    ("downpour", "rain_mm_per_hour", "precipitation", "mm", "above", 1, 1.0),
    ("flood", "flood_depth_m", "water_depth", "m", "above", 1, 0.02),
    ("drought", "drought_depletion_over_raw", "depletion_over_raw", "1", "above", 2, 0.05),
    ("stale_source", "stale_days", "age", "d", "above", 1, 0.0),
    ("silent_sensor", "silent_sensor", "missed_messages", "1", "above", 1, 0.0),
    ("stuck_sensor", "stuck_sensor", "constant_for", "h", "above", 1, 0.0),
    ("failing_model", "failing_model", "crps_ratio", "1", "above", 1, 0.1),
)


def rules(alerts: Mapping[str, Any]) -> dict[str, Rule]:
    """Rules by name from the section `alerts` of the configuration.

    Parameters
    ----------
    alerts
        Thresholds `{low, mid, serious}` by key with the unit in its name, and `probability_min`. A rule whose key is
        missing does not exist, apart from those about the twin itself and the disease rule, which is as published.
    """
    probability = float(alerts.get("probability_min", 0.3))
    made = {}
    for name, key, quantity, unit, direction, persistence, hysteresis in _CATALOGUE:
        thresholds = alerts.get(key, OWN_THRESHOLDS.get(name))
        if thresholds is not None:
            made[name] = Rule(name, quantity, unit, dict(thresholds), direction, probability, persistence, hysteresis)
    made["botryosphaeria"] = Rule(
        "botryosphaeria", "infection_index", "1", {"mid": 1.0, "serious": 2.0}, "above", probability
    )
    return made


def frost_rule(rule: Rule, stage: str | None) -> Rule:
    """Frost rule with the thresholds of a phenological stage; the rule as configured where the stage has none."""
    if stage is None or stage not in FROST_BY_STAGE:
        return rule
    first, last = FROST_BY_STAGE[stage]
    return replace(rule, thresholds={"low": first, "mid": (first + last) / 2, "serious": last})
