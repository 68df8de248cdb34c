import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.clock import Period, history_and_season, season_start, utc_bounds, zone_info
from agritwin.errors import ConfigError

DAYS = st.dates(dt.date(1950, 1, 1), dt.date(2100, 12, 31))


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2025-06-15", "2024-11-01"), ("2025-11-01", "2025-11-01"), ("2025-10-31", "2024-11-01")],
)
def test_season_starts_on_its_month_and_day(day, expected):
    assert season_start(dt.date.fromisoformat(day), "11-01") == dt.date.fromisoformat(expected)


@given(DAYS)
def test_a_day_lies_in_its_own_season_and_at_most_a_year_after_its_start(day):
    start = season_start(day, "11-01")
    assert dt.timedelta(0) <= day - start < dt.timedelta(366)


@given(DAYS)
def test_history_ends_the_day_before_the_season_begins_and_nothing_is_known_of_today(as_of):
    history, season = history_and_season(as_of, dt.date(1940, 1, 1), "11-01")
    assert history.end + dt.timedelta(1) == season.start
    assert season.end == as_of - dt.timedelta(1)


def test_hours_of_a_civil_day_in_summer_and_winter():
    day = dt.date(2025, 6, 15)
    assert utc_bounds(Period(day, day), "Europe/Madrid") == (dt.datetime(2025, 6, 14, 23), dt.datetime(2025, 6, 15, 22))
    day = dt.date(2025, 1, 15)
    assert utc_bounds(Period(day, day), "Europe/Madrid") == (dt.datetime(2025, 1, 15, 0), dt.datetime(2025, 1, 15, 23))


def test_the_night_the_clock_goes_back_has_25_hours():
    day = dt.date(2025, 10, 26)
    first, last = utc_bounds(Period(day, day), "Europe/Madrid")
    assert (last - first) / dt.timedelta(hours=1) + 1 == 25


def test_an_unknown_zone_is_refused_with_an_example():
    with pytest.raises(ConfigError, match="Europe/Madrid"):
        zone_info("Europe/Moraleja")
