"""Weather stations of a network, and the one nearest to a place."""

from dataclasses import dataclass

from agritwin.errors import SourceError
from agritwin.sources.base import Where


@dataclass(frozen=True)
class Station:
    """A station: code and name of its network, degrees north and east, height in metres."""

    code: str
    name: str
    latitude: float
    longitude: float
    altitude_m: float


def nearest(stations: list[Station], where: Where, source: str) -> Station:
    """Return the station with the shortest way over the WGS 84 ellipsoid.

    Raises
    ------
    SourceError
        When the network lists no station.
    """
    if not stations:
        raise SourceError(source, "the list of stations is empty", "Name the station, or try again later.")
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    return min(stations, key=lambda each: geod.inv(where.longitude, where.latitude, each.longitude, each.latitude)[2])
