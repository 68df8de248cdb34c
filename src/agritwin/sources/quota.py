"""What providers allow, and what was used of it: planned before anything is fetched, kept on disk, shared by all twins.

The counts are of this machine's address, so one file serves all; they follow the provider's clock (UTC), not ``as_of``.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from agritwin.errors import SourceError
from agritwin.workspace import read_json, write_json

log = logging.getLogger(__name__)

LEDGER = Path("data/quota.json")
KEPT_DAYS = 31
WINDOWS = {"minute": "%Y-%m-%dT%H:%M", "hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}


@dataclass(frozen=True)
class Limits:
    """Cost units that a provider allows in each window; None where it names none."""

    minute: float | None = None
    hour: float | None = None
    day: float | None = None
    month: float | None = None


LIMITS = {
    # open-meteo.com/en/terms: weighted calls of the free tier.
    "open_meteo": Limits(600, 5_000, 10_000, 300_000),
    # Seen by clients: about 40 requests a minute and key. The day's limit is ours, out of courtesy.
    "aemet": Limits(minute=40, day=5_000),
    # The service tells the quota of the account itself (Info/ACCESOS); these hold for its requests.
    "siar": Limits(minute=100, day=10_000),
    # No limit is published; a point request is light, and many at once are answered with 429.
    "nasa_power": Limits(minute=60, day=2_000),
    # docs.isric.org: fair use.
    "soilgrids": Limits(minute=5),
}


@dataclass(frozen=True)
class Plan:
    """What a fetch will take of a provider: requests, and cost units as the provider counts them."""

    provider: str
    requests: int
    units: float

    def __str__(self) -> str:
        return f"{self.provider}: {self.requests} requests, {self.units:g} cost units"


class QuotaReachedError(SourceError):
    """A fetch would pass the share of a provider's limit that this machine may use."""


def book(source: Any, where: Any, when: Any, share: float, what: str = "plan") -> None:
    """Book what a question takes of a provider's quota, where its source states it.

    Parameters
    ----------
    source, where, when
        Who is asked, for where and when.
    share
        As :func:`spend` takes it.
    what
        The source's method that states the plan.

    Raises
    ------
    QuotaReachedError
        See :func:`spend`.
    """
    plan = getattr(source, what, None)
    if plan is not None:
        spend(plan(where, when), share)


def spend(
    plan: Plan,
    share: float,
    *,
    ledger: Path = LEDGER,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> None:
    """State a plan, and book it unless it passes the share of a limit; a full minute is waited for.

    Parameters
    ----------
    plan
        What will be asked.
    share
        Part of each limit, 0 to 1, that may be used.
    ledger
        File of the counts.
    now
        The machine's clock.

    Raises
    ------
    QuotaReachedError
        When a longer window is full; nothing is booked then. Names the window and what is left of it.
    """
    limits = LIMITS.get(plan.provider, Limits())
    ledger.parent.mkdir(parents=True, exist_ok=True)
    while True:
        moment = now()
        with FileLock(ledger.with_suffix(".lock")):
            book = read_json(ledger) if ledger.is_file() else {}
            mine = book.setdefault(plan.provider, {})
            full = _full_window(plan, share, limits, mine, moment)
            if full is None:
                _enter(mine, plan, moment)
                write_json(ledger, book)
                log.info("planned %s", plan)
                return
        window, used, allowed = full
        if window != "minute":
            raise QuotaReachedError(
                plan.provider,
                f"the quota is kept: {plan.requests} requests of {plan.units:g} cost units were planned, "
                f"{max(allowed - used, 0):g} of the {allowed:g} allowed a {window} are left",
                "The rest is fetched by a later run; sources.quota_share says how much may be used.",
                temporary=True,
            )
        log.info("%s: waiting for the next minute", plan.provider)
        time.sleep(60 - moment.second)


def _full_window(
    plan: Plan, share: float, limits: Limits, book: dict, moment: dt.datetime
) -> tuple[str, float, float] | None:
    for window in ("month", "day", "hour", "minute"):
        limit = getattr(limits, window)
        if limit is None:
            continue
        key, allowed = moment.strftime(WINDOWS[window]), share * limit
        used = sum(entry["units"] for stamp, entry in book.items() if stamp.startswith(key))
        # A plan above a minute's worth is spread by the provider's own answers, so it may begin in an empty minute.
        fits = used + plan.units <= allowed or (window == "minute" and used == 0)
        if not fits:
            return window, used, allowed
    return None


def _enter(book: dict, plan: Plan, moment: dt.datetime) -> None:
    """Book a plan under its minute; minutes of past hours are folded into their hour, old ones dropped."""
    hour, oldest = moment.strftime(WINDOWS["hour"]), (moment - dt.timedelta(days=KEPT_DAYS)).strftime("%Y-%m-%d")
    for stamp in list(book):
        entry = book[stamp] if stamp.startswith(hour) else book.pop(stamp)
        if not stamp.startswith(hour) and stamp >= oldest:
            _add(book, stamp[:13], entry["requests"], entry["units"])
    _add(book, moment.strftime(WINDOWS["minute"]), plan.requests, plan.units)


def _add(book: dict, stamp: str, requests: int, units: float) -> None:
    entry = book.setdefault(stamp, {"requests": 0, "units": 0.0})
    entry["requests"] += requests
    entry["units"] = round(entry["units"] + units, 3)
