"""See what is new for one twin: its satellite scenes, then the pins of all that it may see.

One job, not two: of a thousand twins each job is planned a thousand times, and pinning costs less than starting a job.
"""

import sys

from agritwin.observe import step
from agritwin.observe.ndvi import fetch_ndvi
from agritwin.observe.pin import pin
from agritwin.workspace import cube


def observe_twin(
    *,
    clock: str,
    parcel: str,
    weather: str,
    forecast: str,
    weather_pin: str,
    forecast_pin: str,
    ndvi_pin: str,
    status: str,
    twin: str,
    imagery: dict,
    sources_imagery: list[str],
    season_start: str,
    weather_first_day: str,
    zone: str,
) -> None:
    """Bring a twin's own cube up to the clock and pin what it sees of all cubes.

    Parameters
    ----------
    clock, parcel, weather, forecast
        Clock, parcel, and pointers to the cubes of the cell.
    weather_pin, forecast_pin, ndvi_pin, status
        Pins to write, and the status of the imagery.
    twin, imagery, sources_imagery
        As `fetch_ndvi` takes them.
    season_start, weather_first_day, zone
        As `pin` takes them.
    """
    ndvi = str(cube("ndvi", twin)[1])
    fetch_ndvi(
        clock=clock,
        parcel=parcel,
        pointer=ndvi,
        status=status,
        twin=twin,
        imagery=imagery,
        sources_imagery=sources_imagery,
    )
    pin(
        clock=clock,
        weather=weather,
        forecast=forecast,
        ndvi=ndvi,
        weather_pin=weather_pin,
        forecast_pin=forecast_pin,
        ndvi_pin=ndvi_pin,
        season_start=season_start,
        weather_first_day=weather_first_day,
        zone=zone,
    )


if __name__ == "__main__":
    sys.exit(step.main(observe_twin))
