"""Fetch the forecast issued on the clock's day and keep it beside all earlier issues."""

import datetime as dt
import sys
from pathlib import Path

from agritwin import forecast_cube
from agritwin.cubes import head, is_past
from agritwin.errors import SourceError, StoreError
from agritwin.observe import step
from agritwin.observe.status import write_status
from agritwin.pins import is_synthetic, write_pointer
from agritwin.sources import quota
from agritwin.sources.base import When, Where, open_source
from agritwin.workspace import cube, read_json

DAYS = 10


def fetch_forecast(
    *,
    clock: str,
    pointer: str,
    status: str,
    cell: str,
    place: list[float],
    sources_forecast: list[str],
    sources_quota_share: float,
) -> None:
    """Append the issue of the clock's day to the forecast cube of a cell.

    What was issued on a past day cannot be asked for any more, except of a source that keeps its issues.

    Parameters
    ----------
    clock, pointer, status, cell, place
        As :func:`agritwin.observe.weather.fetch_weather` takes them.
    sources_forecast, sources_quota_share
        Names of sources; the first that answers is used. None is allowed: then there is no forecast. Share of their
        limits that may be used.
    """
    as_of = dt.date.fromisoformat(read_json(clock)["as_of"])
    store, _ = cube("forecast", cell)
    where, when = Where(latitude=place[0], longitude=place[1]), When(as_of, as_of + dt.timedelta(days=DAYS - 1))
    failures: list[SourceError] = []
    items, past = 0, is_past(store, as_of.isoformat())
    for name in [] if forecast_cube.has_issue(store, as_of) else sources_forecast:
        source = open_source("forecast", name)
        if past and not getattr(source, "keeps_issues", False):
            continue
        try:
            quota.book(source, where, when, sources_quota_share)
            items += forecast_cube.write_issue(store, source.fetch(where, when), f"forecast of {as_of}")
            break
        except SourceError as error:
            failures.append(error)
    last, synthetic, reason = None, False, "no forecast source is configured"
    if head(store) is not None:
        try:
            newest = forecast_cube.open_issue(store, until=dt.datetime.combine(as_of, dt.time(23)))
            last, synthetic = str(newest["issue_time"].to_numpy().astype("datetime64[h]")), is_synthetic(newest)
        except StoreError as error:
            reason = error.message
    elif failures:
        reason = str(failures[0])
    extra = {"synthetic": synthetic} if last else {"synthetic": False, "reason": reason}
    write_pointer(Path(pointer), store, forecast_cube.ISSUES, **extra)
    write_status(
        Path(status), kind="forecast", sources=sources_forecast, last_value=last, failures=failures, items=items
    )


if __name__ == "__main__":
    sys.exit(step.main(fetch_forecast))
