import re
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agritwin
from agritwin.errors import ConfigError
from agritwin.views.language import LANGUAGES, UNKNOWN, language

SOURCE = Path(agritwin.__file__).parent
SPANISH, ENGLISH = language("es"), language("en")


def blanks(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_say_the_same_things_with_the_same_blanks():
    assert SPANISH.texts.keys() == ENGLISH.texts.keys()
    for key in SPANISH.texts:
        assert blanks(SPANISH.texts[key]) == blanks(ENGLISH.texts[key]), key


def used_keys() -> tuple[set[str], set[str]]:
    """Keys written out in code and templates, and the beginnings of those that are put together."""
    files = [path for folder in ("views", "report", "app", "api") for path in (SOURCE / folder).rglob("*")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files if path.suffix in {".py", ".jinja"})
    whole = set(re.findall(r"""["']([a-z]+\.[a-z0-9_]+)["']""", code))
    begun = set(re.findall(r"""f["']([a-z]+\.[a-z0-9_]*)\{""", code)) | set(
        re.findall(r"""["']([a-z]+\.)["'] \+""", code)
    )
    begun |= {f"{family}." for family in re.findall(r"""\.word\(\s*["']([a-z]+)["']""", code)}
    return whole, begun


def test_no_text_is_unused():
    whole, begun = used_keys()
    unused = {key for key in SPANISH.texts if key not in whole and not key.startswith(tuple(begun))}
    assert unused == set()


def test_every_text_that_the_code_asks_for_is_there():
    families = {key.partition(".")[0] for key in SPANISH.texts}
    asked = {key for key in used_keys()[0] if key.partition(".")[0] in families}
    files = {name for name in asked if name.endswith((".css", ".js", ".py", ".json"))}
    assert asked - files <= SPANISH.texts.keys()


def test_a_missing_text_is_an_error_with_a_remedy():
    with pytest.raises(ConfigError, match=r"word\.nonsense"):
        SPANISH("word.nonsense")
    with pytest.raises(ConfigError, match="fr"):
        language("fr")


@pytest.mark.parametrize(
    ("value", "digits", "spanish", "english"),
    [
        (1234.56, 1, "1.234,6", "1,234.6"),
        (0.5, 2, "0,50", "0.50"),
        (-3.25, 1, "−3,2", "−3.2"),
        (-0.04, 1, "0,0", "0.0"),
        (None, 1, UNKNOWN, UNKNOWN),
        (float("nan"), 1, UNKNOWN, UNKNOWN),
    ],
)
def test_numbers(value, digits, spanish, english):
    assert SPANISH.number(value, digits) == spanish
    assert ENGLISH.number(value, digits) == english


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_a_written_number_reads_back(value, digits):
    for say, decimal, group in ((SPANISH, ",", "."), (ENGLISH, ".", ",")):
        text = say.number(value, digits).replace(group, "").replace(decimal, ".").replace("−", "-")
        assert float(text) == pytest.approx(value, abs=0.51 * 10**-digits)


@pytest.mark.parametrize("day", ["2025-06-15", "2025-06-15T11:06:42", np.datetime64("2025-06-15T11:06", "ns")])
def test_dates(day):
    assert SPANISH.date(day) == "15\u00a0jun\u00a02025"
    assert ENGLISH.date(day, year=False) == "15\u00a0Jun"
    assert SPANISH.date(None) == SPANISH.date(np.datetime64("NaT", "D")) == UNKNOWN


def test_words_from_data_fall_back_to_themselves():
    assert SPANISH.word("rule", "frost") == "Helada"
    assert SPANISH.word("rule", "new_rule") == "new rule"


def test_every_language_has_twelve_months():
    assert all(len(language(code)("month.names").split()) == 12 for code in LANGUAGES)
