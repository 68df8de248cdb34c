"""Units as clients write them: two spellings are one measure, and words that are no unit stay words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agritwin.errors import DataError
from agritwin.records.database import reading, writing
from agritwin.records.spellings import find, is_annotation, spell, spellings, unit_of


@pytest.mark.parametrize(
    ("written", "unit"),
    [("degrees Celsius", "degC"), ("Cel", "degC"), ("percent", "percent"), ("%", "percent"), (None, "1"), ("", "1"),
     ("mms", "mm"), ("millibar", "mbar"), ("m/s", "m s-1"), ("Kelvin", "K"), ("Unit 1", "{Unit 1}"),
     ("9**9**9**9", "{9**9**9**9}"), ("\x07", "{\x07}")],
)  # fmt: skip
def test_what_clients_write_has_one_meaning(written, unit):
    assert unit_of(written) == unit
    assert is_annotation(unit) == unit.startswith("{")


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="mskgC°%/ .*^()-+0129[]{}eE\n\x00µ²", max_size=12))
def test_no_words_are_too_odd(written):
    assert isinstance(unit_of(written), str)


def test_two_spellings_of_a_unit_are_one_measure(engine):
    with writing(engine) as connection:
        first = spell(connection, "sensor", "temperature", "degrees Celsius", "float")
        assert spell(connection, "sensor", "temperature", "degC", "float") == first
        kelvin = spell(connection, "sensor", "temperature", "Kelvin", "float")
        of_model = spell(connection, "model", "temperature", "Cel", "float")
        assert kelvin.measure_id != first.measure_id == of_model.measure_id
        with pytest.raises(DataError, match="holds float values"):
            spell(connection, "sensor", "temperature", "degC", "integer")
    with reading(engine) as connection:
        assert [known.units for known in spellings(connection, "sensor")] == ["degrees Celsius", "Kelvin"]
        assert [known.units for known in find(connection, "sensor", "temperature", "K")] == ["Kelvin"]
