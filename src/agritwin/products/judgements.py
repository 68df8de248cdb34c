"""Judgements as products publish them: plain, ranked, as of a date."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from agritwin.alerts.explanation import as_dict
from agritwin.alerts.rules import LEVELS, Judgement


def known_until(issue_time: str) -> dt.datetime:
    """Return the moment up to which data entered, the start of the issue date, or that of the clock's date (UTC)."""
    return dt.datetime.fromisoformat(issue_time).replace(tzinfo=dt.UTC)


def publishable(judgements: list[Judgement], published: Sequence[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """Return judgements, and those that another product has published, as plain values, the most dangerous first."""
    rows = [*map(as_dict, judgements), *published]
    return sorted(rows, key=lambda row: (-LEVELS.index(row["level"]), row["rule"]))


def overall(rows: list[dict[str, Any]]) -> str:
    """Return the highest level of all judgements, as :func:`publishable` returns them."""
    return max((row["level"] for row in rows), key=LEVELS.index, default="none")
