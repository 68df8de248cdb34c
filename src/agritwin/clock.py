"""Time: UTC inside, the holding's civil days and seasons at the edges. Nothing here reads the machine's clock."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agritwin.errors import ConfigError


@dataclass(frozen=True)
class Period:
    """A run of civil days, both ends included."""

    start: dt.date
    end: dt.date

    @property
    def days(self) -> int:
        """Number of days, 0 for an empty period."""
        return max((self.end - self.start).days + 1, 0)


def zone_info(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name.

    Raises
    ------
    ConfigError
        When the name is unknown.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"Time zone {name!r} is unknown.", "Use an IANA name such as Europe/Madrid.") from error


def season_start(day: dt.date, month_day: str) -> dt.date:
    """Return the first day of the season that holds a day.

    Parameters
    ----------
    day
        Any day of the season.
    month_day
        ``MM-DD`` on which seasons begin, for example ``11-01``.

    Examples
    --------
    >>> season_start(dt.date(2025, 6, 15), "11-01")
    datetime.date(2024, 11, 1)
    """
    month, first = (int(part) for part in month_day.split("-"))
    start = dt.date(day.year, month, first)
    return start if start <= day else dt.date(day.year - 1, month, first)


def history_and_season(as_of: dt.date, first_day: dt.date, month_day: str) -> tuple[Period, Period]:
    """Split what is known on a day into closed seasons and the current one.

    Parameters
    ----------
    as_of
        The clock of the run: data up to the end of the day before are known.
    first_day
        First day of the record.
    month_day
        ``MM-DD`` on which seasons begin.
    """
    known_until = as_of - dt.timedelta(days=1)
    start = season_start(known_until, month_day)
    return Period(first_day, start - dt.timedelta(days=1)), Period(max(start, first_day), known_until)


def utc_bounds(period: Period, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """Return the first and last hour stamp (UTC, naive) of a period of civil days.

    Stamps name the end of an hour, so a day runs from 01:00 to 24:00 local time.
    """
    tz = zone_info(zone)
    begin = dt.datetime.combine(period.start, dt.time(), tz).astimezone(dt.UTC)
    end = dt.datetime.combine(period.end + dt.timedelta(days=1), dt.time(), tz).astimezone(dt.UTC)
    return begin.replace(tzinfo=None) + dt.timedelta(hours=1), end.replace(tzinfo=None)
