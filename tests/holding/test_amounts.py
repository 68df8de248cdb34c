import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.holding.amounts import decide_numbers, read_number


def written(number, sign):
    text = f"{number:,.2f}"
    return text if sign == "." else text.translate(str.maketrans(",.", ".,"))


@given(st.lists(st.floats(-1e8, 1e8).map(lambda x: round(x, 2)), min_size=1), st.sampled_from([",", "."]))
def test_a_column_with_cents_is_read_as_written(numbers, sign):
    column = decide_numbers([written(number, sign) for number in numbers])
    assert column.numbers == pytest.approx(numbers)


def test_one_thousand_or_one_and_a_bit_is_asked():
    assert decide_numbers(["1.234", "2.500"]).question
    assert decide_numbers(["1.234", "2.500"]).numbers == (None, None)
    assert decide_numbers(["1.234", "2.500"], ",").numbers == (1234.0, 2500.0)


def test_one_value_decides_the_column():
    assert decide_numbers(["1.234", "0,5"]).numbers == (1234.0, 0.5)


def test_mixed_signs_are_asked():
    assert decide_numbers(["0,5", "0.5"]).question


@pytest.mark.parametrize("value", [None, "", "abc", "1/2", True, float("nan"), float("inf"), "1e5", "--1"])
def test_what_is_no_number(value):
    assert read_number(value, ",") is None
