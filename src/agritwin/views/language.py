"""The two languages: a catalogue of texts each, and numbers and dates as they are written there."""

import datetime as dt
import functools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from agritwin.errors import ConfigError

LANGUAGES = ("es", "en")
UNKNOWN = "–"


@dataclass(frozen=True)
class Language:
    """A language: called with a key it gives the text, its blanks filled.

    Attributes
    ----------
    code
        ``es`` or ``en``.
    texts
        Key (``section.name``) to text.
    """

    code: str
    texts: Mapping[str, Any]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text of a key; ``values`` fill its ``{blanks}``.

        Raises
        ------
        ConfigError
            When the catalogue lacks the key.
        """
        if key not in self.texts:
            raise ConfigError(f"The texts in {self.code!r} lack {key!r}.", "Add it to both catalogues.")
        return self.texts[key].format(**values)

    @property
    def locale(self) -> str:
        """Tag by which browsers write dates and numbers."""
        return {"es": "es-ES", "en": "en-GB"}[self.code]

    def has(self, key: str) -> bool:
        """Tell whether the catalogue knows a key; for names that come from data."""
        return key in self.texts

    def word(self, family: str, name: object) -> str:
        """Return the word for a name that comes from data, or the name itself where the catalogue has none."""
        key = f"{family}.{name}"
        return self(key) if self.has(key) else str(name).replace("_", " ")

    def number(self, value: float | None, digits: int = 1) -> str:
        """Return a number with the decimal mark of the language; a dash where it is not known."""
        if value is None or not math.isfinite(value):
            return UNKNOWN
        plain = f"{value:,.{digits}f}"
        if float(plain.replace(",", "")) == 0:
            plain = plain.lstrip("-")
        plain = plain.replace("-", "−")
        return plain.translate(str.maketrans(",.", ".,")) if self.code == "es" else plain

    def amount(self, value: float | None, unit: str, digits: int = 1) -> str:
        """Return a number and its unit, kept on one line; a dash alone where it is not known."""
        text = self.number(value, digits)
        return text if text == UNKNOWN else f"{text}\u00a0{unit}"

    def percent(self, share: float | None, digits: int = 0) -> str:
        """Return a share (0 to 1) in percent."""
        return self.amount(None if share is None else 100 * share, "%", digits)

    def date(self, day: Any, year: bool = True) -> str:
        """Return a day, for example ``15 jun 2025``; a dash where it is not known.

        Parameters
        ----------
        day
            ISO text, ``datetime.date`` or ``numpy.datetime64``; times of day are left out.
        year
            Whether the year is told.
        """
        when = as_date(day)
        if when is None:
            return UNKNOWN
        month = self("month.names").split()[when.month - 1]
        return f"{when.day}\u00a0{month}\u00a0{when.year}" if year else f"{when.day}\u00a0{month}"


def as_date(day: Any) -> dt.date | None:
    """Return a day from ISO text, ``date`` or ``datetime64``; None for what is unknown."""
    if day is None or (isinstance(day, np.datetime64) and np.isnat(day)):
        return None
    if isinstance(day, dt.datetime):
        return day.date()
    return day if isinstance(day, dt.date) else dt.date.fromisoformat(str(day)[:10])


@functools.cache
def language(code: str) -> Language:
    """Return a language.

    Raises
    ------
    ConfigError
        For codes other than ``es`` and ``en``.
    """
    if code not in LANGUAGES:
        raise ConfigError(f"Language {code!r} is unknown.", f"Choose one of {', '.join(LANGUAGES)}.")
    tree = tomllib.loads((files("agritwin.views") / "texts" / f"{code}.toml").read_text(encoding="utf-8"))
    texts = {f"{family}.{name}": text for family, members in tree.items() for name, text in members.items()}
    return Language(code, texts)
