"""What the intake says to people, in their language: the English sentence is the key of its translation."""

import functools
import re
import tomllib
from importlib.resources import files


def say(sentence: str | None, language: str) -> str | None:
    """Return a sentence of the quarantine in a language; one that is not known stays as it is.

    Parameters
    ----------
    sentence
        As stored, in English, its blanks filled.
    language
        ``es`` or ``en``.

    Examples
    --------
    >>> say("The day lies after 2025-06-14.", "es")
    'El día es posterior a 2025-06-14.'
    """
    if sentence is None or language == "en":
        return sentence
    for pattern, translation in _catalogue(language):
        found = pattern.fullmatch(sentence)
        if found:  # a blank may be filled with a sentence of its own
            return translation.format(**{name: say(text, language) for name, text in found.groupdict().items()})
    if re.fullmatch(r"-?\d+\.\d+", sentence):
        return sentence.replace(".", ",")
    return sentence


@functools.cache
def _catalogue(language: str) -> list[tuple[re.Pattern[str], str]]:
    text = (files("agritwin.holding") / f"sentences_{language}.toml").read_text(encoding="utf-8")
    pairs = tomllib.loads(text).items()
    # Those with more letters of their own first: a blank alone would fit everything.
    ordered = sorted(pairs, key=lambda pair: -len(re.sub(r"\{\w+\}", "", pair[0])))
    return [(_pattern(english), translation) for english, translation in ordered]


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    written = (re.escape(part) if place % 2 == 0 else f"(?P<{part}>.+)" for place, part in enumerate(parts))
    return re.compile("".join(written), re.DOTALL)
