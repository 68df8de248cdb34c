"""Pin what a twin sees: closed seasons apart from the current one, so that a new day refits nothing."""

import datetime as dt
from pathlib import Path

from agritwin.clock import Period, history_and_season, utc_bounds
from agritwin.pins import write_pin
from agritwin.workspace import read_json


def pin(
    *,
    clock: str,
    weather: str,
    forecast: str,
    ndvi: str,
    weather_pin: str,
    forecast_pin: str,
    ndvi_pin: str,
    season_start: str,
    weather_first_day: str,
    zone: str,
) -> None:
    """Write the three pins of a twin; those whose slice did not change stay as they are.

    Parameters
    ----------
    clock, weather, forecast, ndvi
        Clock and pointers.
    weather_pin, forecast_pin, ndvi_pin
        Pins to write.
    season_start, weather_first_day, zone
        When seasons begin, when the record begins, whose civil days count.
    """
    as_of = dt.date.fromisoformat(read_json(clock)["as_of"])
    known = as_of.isoformat()
    history, current = history_and_season(as_of, dt.date.fromisoformat(weather_first_day), season_start)
    # The season goes on to the last hour known, which lies in the civil day that the forecast continues.
    seen = f"{current.end.isoformat()}T23:00:00"
    (first, last), (begin, _) = utc_bounds(history, zone), utc_bounds(current, zone)
    hours = {"history": (first.isoformat(), last.isoformat()), "season": (begin.isoformat(), seen)}
    write_pin(Path(weather_pin), Path(weather), hours, known)
    # Issues are keyed by their day, so the newest state of that cube holds all that was known.
    write_pin(Path(forecast_pin), Path(forecast), (None, f"{known}T23:00:00"))
    scenes = {"history": _scene_bounds(history), "season": _scene_bounds(current)}
    write_pin(Path(ndvi_pin), Path(ndvi), scenes, known)


def _scene_bounds(period: Period) -> tuple[str, str]:
    return f"{period.start.isoformat()}T00:00:00", f"{period.end.isoformat()}T23:59:59"
