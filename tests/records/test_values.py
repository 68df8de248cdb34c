"""Every value of every type comes back from number and text as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.records.values import LARGEST, LONGEST, SMALLEST, columns_of, read_value, value_of

VALUES = st.one_of(
    st.tuples(st.just("float"), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just("int"), st.integers(SMALLEST, LARGEST)),
    st.tuples(st.just("bool"), st.booleans()),
    st.tuples(st.just("string"), st.text()),
)


@given(VALUES)
def test_nothing_is_lost(typed):
    datatype, value = typed
    found = value_of(datatype, *columns_of(datatype, value))
    assert (type(found), found) == (type(value), value)
    assert read_value(datatype, value) == value
    if datatype != "string":
        assert read_value(datatype, str(value)) == value


@pytest.mark.parametrize(
    ("datatype", "given"),
    [
        *(("float", "wet"), ("float", float("nan")), ("float", 10**400), ("float", [1])),
        *(("int", 1.5), ("int", True), ("int", 2**63), ("int", "1.5"), ("int", float("inf")), ("int", {})),
        *(("bool", 2), ("bool", "perhaps"), ("bool", None), ("string", "x" * (LONGEST + 1))),
    ],
)
def test_what_is_not_of_the_type_is_told(datatype, given):
    assert read_value(datatype, given) is None


def test_devices_and_files_write_types_loosely():
    assert [read_value("bool", text) for text in ("TRUE", " 0", 1.0)] == [True, False, True]
    assert [read_value("int", text) for text in ("12.0", "-7", 3.0)] == [12, -7, 3]
    assert read_value("string", [1, "a"]) == '[1, "a"]'
