import pytest

from agritwin.errors import DataError
from agritwin.records.measures import canonical_unit, convert_value


@pytest.mark.parametrize(
    "spellings",
    [
        ("kg/ha", "kg.har-1", "kg ha-1", "kg / ha"),
        ("l/ha", "L/ha", "L.har-1"),
        ("degC", "Cel", "°C"),
        ("%", "percent"),
        ("W/m2", "W m-2", "W.m-2"),
        ("m/s", "m.s-1", "m s-1"),
        ("1", ""),
    ],
)
def test_spellings_of_one_unit_merge(spellings):
    assert len({canonical_unit(text) for text in spellings}) == 1


def test_names_of_the_house_stay_as_they_are():
    for unit in ("degC", "percent", "mm", "m s-1", "W m-2", "hPa", "kPa", "kg ha-1", "1"):
        assert canonical_unit(unit) == unit


@pytest.mark.parametrize("text", ["foo", "12 bananas", "m/s/"])
def test_what_is_no_unit(text):
    with pytest.raises(DataError):
        canonical_unit(text)


def test_conversion():
    assert convert_value(20.0, "Cel", "degF") == pytest.approx(68.0)
    assert convert_value(1.5, "t/ha", "kg ha-1") == pytest.approx(1500.0)
    with pytest.raises(DataError):
        convert_value(1.0, "kg", "degC")
