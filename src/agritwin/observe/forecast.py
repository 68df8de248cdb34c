"""Fetch the forecast issued on the clock's day and keep it beside all earlier issues."""

import datetime as dt
import sys
from pathlib import Path

from agritwin import forecast_cube
from agritwin.cubes import head
from agritwin.errors import SourceError, StoreError
from agritwin.observe import step
from agritwin.observe.status import write_status
from agritwin.pins import write_pointer
from agritwin.sources.base import When, Where, open_source
from agritwin.workspace import cube, read_json


def fetch_forecast(
    *, clock: str, pointer: str, status: str, cell: str, place: list[float], sources_forecast: list[str]
) -> None:
    """Append the issue of the clock's day to the forecast cube of a cell.

    Parameters
    ----------
    clock
        Clock file.
    pointer, status
        Pointer and status to write.
    cell
        Key of the cube.
    place
        Latitude and longitude [degrees] of the cell.
    sources_forecast
        Names of sources; the first that answers is used. None is allowed: then there is no forecast.
    """
    as_of = dt.date.fromisoformat(read_json(clock)["as_of"])
    store, _ = cube("forecast", cell)
    where, when = Where(latitude=place[0], longitude=place[1]), When(as_of, as_of + dt.timedelta(days=9))
    failures: list[SourceError] = []
    for name in sources_forecast:
        try:
            forecast_cube.write_issue(store, open_source("forecast", name).fetch(where, when), f"forecast of {as_of}")
            break
        except SourceError as error:
            failures.append(error)
    last, synthetic, reason = None, False, "no forecast source is configured"
    if head(store) is not None:
        try:
            newest = forecast_cube.open_issue(store, until=dt.datetime.combine(as_of, dt.time(23)))
            last, synthetic = (
                str(newest["issue_time"].to_numpy().astype("datetime64[h]")),
                newest.attrs["synthetic"] == "true",
            )
        except StoreError as error:
            reason = error.message
    elif failures:
        reason = str(failures[0])
    extra = {"synthetic": synthetic} if last else {"synthetic": False, "reason": reason}
    write_pointer(Path(pointer), store, forecast_cube.ISSUES, **extra)
    write_status(Path(status), kind="forecast", sources=sources_forecast, last_value=last, failures=failures)


if __name__ == "__main__":
    sys.exit(step.main(fetch_forecast))
