"""Why a level was judged, in plain sentences: which data, which rule, which threshold."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from agritwin.alerts.rules import Judgement
from agritwin.alerts.words import LEVELS, NAMES, NOTES, SENTENCES, SOURCES, STAGES, UNITS, WHAT, WORDS, Language


def title(judgement: Judgement, language: Language) -> str:
    """Heading of a notice: the rule and its level; no data is no all-clear."""
    level = "no_data" if (judgement.level, judgement.code) == ("none", "no_data") else judgement.level
    return f"{_capital(NAMES[language][judgement.rule])}: {LEVELS[language][level]}"


def sentence(judgement: Judgement, language: Language) -> str:
    """Say in one or two sentences which data led to the level by which threshold."""
    evidence, texts = judgement.evidence, SENTENCES[language]
    several = f"{judgement.code}_members"
    form = texts[several if evidence["members"] > 1 and several in texts else judgement.code]
    main = form.format(
        what=_capital(WHAT[language][judgement.rule]),
        source=source_name(evidence["source"], language),
        members=evidence["members"],
        required=round(100 * evidence["required_share"]),
        share=round(100 * (judgement.probability or 0)),
        value=quantity(judgement.value, judgement.unit, language),
        threshold=quantity(judgement.threshold, judgement.unit, language),
        level=LEVELS[language][judgement.level],
    )
    notes = {name: _note(evidence[name], language) for name in NOTES[language] if evidence.get(name)}
    return " ".join([main, *(NOTES[language][name].format(text) for name, text in notes.items())])


def source_name(source: str, language: Language) -> str:
    """Name of the data that evidence rests on: a product or provider, `model (variable)`, or `twin/sensor measure`."""
    if known := SOURCES[language].get(source):
        return known
    if about := re.fullmatch(r"(\w+) \((\w+)\)", source):
        return f"{_words(about[1], language)} ({_words(about[2], language)})"
    sensor, _, measure = source.rpartition("/")[2].partition(" ")
    return f"{sensor} ({_words(measure, language)})" if measure else sensor


def _words(name: str, language: Language) -> str:
    """Name of a model or a measure in words, the depth of a probe after it."""
    stem, _, depth = name.rpartition("_")
    at_depth = re.fullmatch(r"(\d+)cm", depth)
    quantity_ = stem if at_depth else name
    words = WORDS[language].get(quantity_, quantity_.replace("_", " "))
    return f"{words}, {at_depth[1]} cm" if at_depth else words


def _note(value: Any, language: Language) -> str:
    if isinstance(value, str):
        words = value.replace("_", " ")
        return STAGES[language].get(words) or _decimals(words, language)
    return _decimals(f"{value:.3g}", language)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _decimals(number: str, language: Language) -> str:
    return number.replace(".", ",") if language == "es" else number


def quantity(value: float | None, unit: str, language: Language) -> str:
    """Value with its unit as people write it, a comma for the decimals in Spanish; a dash where unknown."""
    if value is None:
        return "–"
    rounded = round(value, 3)
    number = _decimals(f"{rounded:.0f}" if abs(rounded) >= 100 else f"{rounded:.3g}", language)
    return f"{number} {UNITS.get(unit, unit)}".strip()


def as_dict(judgement: Judgement) -> dict[str, Any]:
    """Judgement as plain values for JSON, times in ISO 8601, with its explanation as code, values and sentences."""
    return {
        "rule": judgement.rule,
        "level": judgement.level,
        "value": None if judgement.value is None else round(judgement.value, 3),
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


def from_dict(written: Mapping[str, Any]) -> Judgement:
    """Judgement as `as_dict` wrote it."""
    start, end, since = (written.get(name) for name in ("valid_from", "valid_until", "since"))
    code = str(written["explanation"]["code"]).rpartition(".")[2]
    return Judgement(
        rule=written["rule"],
        unit=written["unit"],
        level=written["level"],
        value=written["value"],
        threshold=written["threshold"],
        probability=written["probability"],
        valid_from=_moment(start),
        valid_until=_moment(end),
        since=None if since is None else _moment(since),
        code=code,  # type: ignore[arg-type]
        evidence=written["evidence"],
    )


def _moment(written: str | None) -> dt.datetime:
    moment = dt.datetime.fromisoformat(str(written))
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
