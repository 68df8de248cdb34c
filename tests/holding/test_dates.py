import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.holding.dates import decide_days, order_in

DAYS = st.dates(dt.date(1960, 1, 1), dt.date(2090, 12, 31))
WRITTEN = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}


@given(st.lists(DAYS, min_size=1, max_size=30), st.sampled_from(["dmy", "mdy"]))
def test_a_column_is_read_as_it_was_written_or_asked_about(days, order):
    column = decide_days([day.strftime(WRITTEN[order]) for day in days])
    assert column.question or column.days == tuple(days)


@given(st.lists(DAYS, min_size=1, max_size=30), st.sampled_from(["dmy", "mdy"]))
def test_one_day_above_twelve_decides_the_whole_column(days, order):
    days = [*days, dt.date(2020, 5, 31)]
    column = decide_days([day.strftime(WRITTEN[order]) for day in days])
    assert column.order == order
    assert column.days == tuple(days)


@given(st.lists(DAYS, min_size=1, max_size=30), st.sampled_from(["dmy", "mdy"]), st.sampled_from(["dmy", "mdy"]))
def test_a_stated_order_never_swaps_a_column_that_contradicts_it(days, order, stated):
    column = decide_days([day.strftime(WRITTEN[order]) for day in days], stated)
    if order != stated and any(day.day > 12 for day in days):
        assert all(day is None for day in column.days if day not in days)
        assert column.question
    if order == stated:
        assert column.days == tuple(days)


@given(st.lists(st.one_of(st.text(max_size=12), st.none(), st.integers(), st.floats(), DAYS), max_size=20))
def test_anything_in_a_cell_gives_a_day_or_none(values):
    column = decide_days(values)
    assert len(column.days) == len(values)
    assert all(day is None or type(day) is dt.date for day in column.days)


def test_an_ambiguous_column_gives_nothing():
    column = decide_days(["07/02/2019", "08/02/2019"])
    assert column.days == (None, None)
    assert "day/month" in column.question


def test_the_same_day_in_both_orders_is_no_question():
    assert decide_days(["05/05/2020"]).days == (dt.date(2020, 5, 5),)


def test_one_column_in_two_orders_gives_nothing():
    column = decide_days(["31/01/2019", "01/31/2019"])
    assert column.question
    assert set(column.days) == {None}


def test_dates_half_converted_by_a_spreadsheet_are_noticed():
    # 07/02 and 08/02 became July 2 and August 2 in a program set to the other country, 13/02 stayed text.
    column = decide_days([dt.date(2019, 7, 2), dt.date(2019, 8, 2), "13/02/2019", "14/02/2019"])
    assert column.question
    assert set(column.days) == {None}


def test_a_few_typing_errors_are_refused_alone_once_the_order_is_stated():
    values = ["31/01/2019", *["05/02/2019"] * 30, "02/13/2019"]
    assert decide_days(values).question
    column = decide_days(values, "dmy")
    assert not column.question
    assert column.days[1] == dt.date(2019, 2, 5)
    assert column.days[-1] is None


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2019-02-07", dt.date(2019, 2, 7)),
        ("2019-02-07T10:00:00", dt.date(2019, 2, 7)),
        ("7 feb 2019", dt.date(2019, 2, 7)),
        ("7 de febrero de 2019", dt.date(2019, 2, 7)),
        ("31/1/19", dt.date(2019, 1, 31)),
        ("31.01.2019", dt.date(2019, 1, 31)),
        (dt.datetime(2019, 2, 7, 12, 30), dt.date(2019, 2, 7)),
        ("31/02/2019", None),
        ("yesterday", None),
        ("07/02", None),
        (43503, None),
        (None, None),
    ],
)
def test_one_cell(written, day):
    assert decide_days([written]).days == (day,)


@pytest.mark.parametrize("written", ["5-abr-21", "lunes, 5 de abril de 2021", "Monday 5 Apr 2021", "5/4/21"])
def test_months_and_weekdays_by_name(written):
    column = decide_days([written, "13/4/21"])
    assert column.days[0] == dt.date(2021, 4, 5)


@pytest.mark.parametrize("written", ["abr-5-21", "21-abr", "Sept. 2021", "lunes", "2021-abr-05", "123 abr 2021"])
def test_what_names_a_month_and_is_no_day(written):
    assert decide_days([written]).days == (None,)


@pytest.mark.parametrize(
    ("header", "order"),
    [("Fecha (dd/mm/aaaa)", "dmy"), ("Date mm-dd-yyyy", "mdy"), ("Fecha", None), ("Added by", None)],
)
def test_the_order_that_a_header_states(header, order):
    assert order_in(header) == order
