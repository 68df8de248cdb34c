"""Why a level was judged, in plain sentences: which data, which rule, which threshold."""

from collections.abc import Mapping
from typing import Any, Literal

from agritwin.alerts.rules import Judgement

type Language = Literal["en", "es"]

_NAMES: dict[Language, dict[str, str]] = {
    "en": {
        "frost": "frost",
        "heat": "heat",
        "heavy_rain": "heavy rain",
        "downpour": "downpour",
        "flood": "flooding",
        "drought": "drought stress",
        "botryosphaeria": "weather for Botryosphaeria blight",
        "stale_source": "data out of date",
        "silent_sensor": "silent sensor",
        "stuck_sensor": "stuck sensor",
        "failing_model": "failing forecast model",
    },
    "es": {
        "frost": "helada",
        "heat": "calor",
        "heavy_rain": "lluvia intensa",
        "downpour": "aguacero",
        "flood": "inundación",
        "drought": "estrés hídrico",
        "botryosphaeria": "tiempo favorable a Botryosphaeria",
        "stale_source": "datos sin actualizar",
        "silent_sensor": "sensor sin señal",
        "stuck_sensor": "sensor atascado",
        "failing_model": "modelo de predicción fallando",
    },
}
_LEVELS: dict[Language, dict[str, str]] = {
    "en": {"none": "no danger", "low": "low", "mid": "medium", "serious": "serious"},
    "es": {"none": "sin peligro", "low": "bajo", "mid": "medio", "serious": "grave"},
}
_UNITS = {"degC": "°C", "1": "", "d": {"en": "days", "es": "días"}}
_SENTENCES: dict[Language, dict[str, str]] = {
    "en": {
        "beyond": "{who} {reach} {value}; the threshold of level {level} is {threshold}.",
        "held": "The value is back at {value} ({source}), not yet far enough from {threshold} to leave level {level}.",
        "harmless": "The value is {value} ({source}) and stays short of the threshold {threshold}.",
        "no_data": "{source} gives no value; the level stays as it was.",
    },
    "es": {
        "beyond": "{who} {reach} {value}; el umbral del nivel {level} es {threshold}.",
        "held": "El valor vuelve a {value} ({source}), aún demasiado cerca de {threshold} para dejar el nivel {level}.",
        "harmless": "El valor es {value} ({source}) y no llega al umbral {threshold}.",
        "no_data": "{source} no da ningún valor; se mantiene el nivel.",
    },
}
_NOTES: dict[Language, dict[str, str]] = {
    "en": {"stage": "Stage of the crop: {}.", "return_years": "It comes about once in {} years here."},
    "es": {"stage": "Fase del cultivo: {}.", "return_years": "Aquí ocurre una vez cada {} años, más o menos."},
}


def title(judgement: Judgement, language: Language) -> str:
    """Heading of a notice: the rule and its level."""
    return f"{_NAMES[language][judgement.rule].capitalize()}: {_LEVELS[language][judgement.level]}"


def sentence(judgement: Judgement, language: Language) -> str:
    """Say in one or two sentences which data led to the level by which threshold."""
    values = explained_values(judgement, language)
    parts = [_SENTENCES[language][judgement.code].format(**values)]
    parts += [
        text.format(judgement.evidence[note]) for note, text in _NOTES[language].items() if note in judgement.evidence
    ]
    return " ".join(parts)


def explained_values(judgement: Judgement, language: Language) -> Mapping[str, str]:
    """Texts that the sentences are filled with."""
    members, source = judgement.evidence["members"], judgement.evidence["source"]
    share = round(100 * (judgement.probability or 0))
    of_members = {"en": f"{members} members of {source}", "es": f"{members} miembros de {source}"}[language]
    voters = {"en": f"{share} % of {of_members}", "es": f"El {share} % de {of_members}"}[language]
    return {
        "who": source if members <= 1 else voters,
        "reach": {"en": "reaches" if members <= 1 else "reach", "es": "llega a"}[language],
        "source": source if members <= 1 else of_members,
        "value": quantity(judgement.value, judgement.unit, language),
        "threshold": quantity(judgement.threshold, judgement.unit, language),
        "level": _LEVELS[language][judgement.level],
    }


def quantity(value: float | None, unit: str, language: Language) -> str:
    """Value with its unit as people write it, a comma for the decimals in Spanish; a dash where unknown."""
    if value is None:
        return "–"
    number = f"{value:.1f}" if abs(value) >= 1 or value == 0 else f"{value:.2f}"
    name = _UNITS.get(unit, unit)
    text = f"{number} {name if isinstance(name, str) else name[language]}".strip()
    return text.replace(".", ",", 1) if language == "es" else text


def as_dict(judgement: Judgement) -> dict[str, Any]:
    """Judgement as plain values for JSON, times in ISO 8601, with its explanation as code, values and sentences."""
    return {
        "rule": judgement.rule,
        "level": judgement.level,
        "value": judgement.value,
        "unit": judgement.unit,
        "threshold": judgement.threshold,
        "probability": judgement.probability,
        "valid_from": judgement.valid_from.isoformat(),
        "valid_until": judgement.valid_until.isoformat(),
        "since": judgement.since.isoformat() if judgement.since else None,
        "evidence": dict(judgement.evidence),
        "explanation": {
            "code": f"{judgement.rule}.{judgement.code}",
            "en": f"{title(judgement, 'en')}. {sentence(judgement, 'en')}",
            "es": f"{title(judgement, 'es')}. {sentence(judgement, 'es')}",
        },
    }
