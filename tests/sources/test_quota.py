"""What providers allow is planned before, shared by all twins, kept by day on disk and never passed."""

import datetime as dt
import json

import pytest

from agritwin.sources import quota
from agritwin.sources.quota import Limits, Plan, QuotaReachedError, spend

NOON = dt.datetime(2026, 3, 1, 12, 0, 30, tzinfo=dt.UTC)


@pytest.fixture
def book(tmp_path, monkeypatch):
    monkeypatch.setitem(quota.LIMITS, "p", Limits(minute=100, hour=200, day=300, month=1000))
    return tmp_path / "quota.json"


def at(moment):
    return lambda: moment


def used(book):
    return sum(entry["units"] for entry in json.loads(book.read_text())["p"].values())


def test_plans_add_up_over_processes_until_the_share_of_the_limit_is_reached(book):
    for minutes in (0, 1):
        spend(Plan("p", 2, 40.0), 0.5, ledger=book, now=at(NOON + dt.timedelta(minutes=minutes)))
    assert used(book) == 80
    with pytest.raises(QuotaReachedError, match="20 of the 100 allowed a hour are left") as caught:
        spend(Plan("p", 1, 21.0), 0.5, ledger=book, now=at(NOON + dt.timedelta(minutes=2)))
    assert caught.value.temporary
    assert used(book) == 80


@pytest.mark.parametrize(
    ("later", "window"), [(dt.timedelta(hours=1), "day"), (dt.timedelta(days=1), "month")], ids=["day", "month"]
)
def test_longer_windows_hold_too(book, later, window):
    moment, spent = NOON, 0
    with pytest.raises(QuotaReachedError, match=f"allowed a {window} are left"):
        for _ in range(40):
            spend(Plan("p", 1, 100.0), 1.0, ledger=book, now=at(moment))
            spent, moment = spent + 100, moment + later
    assert spent == {"day": 300, "month": 1000}[window]


def test_a_full_minute_is_waited_for(book, monkeypatch):
    moments, waits = [NOON], []

    def sleep(seconds):
        waits.append(seconds)
        moments.append(moments[-1] + dt.timedelta(seconds=seconds))

    monkeypatch.setattr("time.sleep", sleep)
    spend(Plan("p", 1, 90.0), 1.0, ledger=book, now=lambda: moments[-1])
    spend(Plan("p", 1, 20.0), 1.0, ledger=book, now=lambda: moments[-1])
    assert waits == [30]


def test_a_new_day_begins_anew_and_old_days_are_forgotten(book):
    spend(Plan("p", 1, 150.0), 0.5 + 0.5, ledger=book, now=at(NOON))
    spend(Plan("p", 1, 150.0), 1.0, ledger=book, now=at(NOON + dt.timedelta(days=1)))
    assert set(json.loads(book.read_text())["p"]) == {"2026-03-01T12", "2026-03-02T12:00"}
    spend(Plan("p", 1, 1.0), 1.0, ledger=book, now=at(NOON + dt.timedelta(days=40)))
    assert used(book) == 1.0


def test_a_provider_without_limits_is_counted_only(book):
    for _ in range(3):
        spend(Plan("elsewhere", 1, 1e6), 0.1, ledger=book, now=at(NOON))
    assert json.loads(book.read_text())["elsewhere"]["2026-03-01T12:00"] == {"requests": 3, "units": 3e6}


def test_limits_are_those_of_the_providers_terms():
    assert quota.LIMITS["open_meteo"] == Limits(600, 5_000, 10_000, 300_000)
