"""Weather stations of a network: which of them speaks for a place, and why."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from agritwin.errors import SourceError
from agritwin.sources.base import Where

log = logging.getLogger(__name__)

COMPLETE = 0.8
"""Share of days of the last ten years that a station should have."""
EXAMINED = 3
METRES_PER_KM = 10.0
"""A difference in height of so many metres counts like a kilometre of distance: 100 m, some 0.65 K, like 10 km."""


@dataclass(frozen=True)
class Station:
    """A station: code and name of its network, degrees north and east, height in metres."""

    code: str
    name: str
    latitude: float
    longitude: float
    altitude_m: float


@dataclass(frozen=True)
class Candidate:
    """A station as seen from a place.

    Attributes
    ----------
    code, name
        Of the station.
    distance_km, height_difference_m
        From the place to the station; the height is None where that of the place is not known.
    completeness
        Share of days with values in the ten years examined, None where it was not or could not be examined.
    """

    code: str
    name: str
    distance_km: float
    height_difference_m: float | None
    completeness: float | None = None

    @property
    def farness(self) -> float:
        """Distance with the difference in height, km."""
        return self.distance_km + abs(self.height_difference_m or 0.0) / METRES_PER_KM


@dataclass(frozen=True)
class Choice:
    """Which station was chosen, and which would be next."""

    chosen: Candidate
    second: Candidate | None

    def record(self) -> dict[str, Any]:
        """Return the choice as plain values."""
        return {"chosen": asdict(self.chosen), "second": asdict(self.second) if self.second else None}


def ranked(stations: list[Station], where: Where, source: str) -> list[Candidate]:
    """Return stations by distance over the WGS 84 ellipsoid and difference in height, nearest first.

    Raises
    ------
    SourceError
        When the network lists no station.
    """
    if not stations:
        raise SourceError(source, "the list of stations is empty", "Name the station, or try again later.")
    from pyproj import Geod

    geod = Geod(ellps="WGS84")

    def seen(each: Station) -> Candidate:
        metres = geod.inv(where.longitude, where.latitude, each.longitude, each.latitude)[2]
        height = None if where.elevation_m is None else round(each.altitude_m - where.elevation_m, 1)
        return Candidate(each.code, each.name, round(metres / 1000, 2), height)

    return sorted(map(seen, stations), key=lambda candidate: candidate.farness)


def nearest(stations: list[Station], where: Where, source: str) -> Station:
    """Return the station nearest to a place; see :func:`ranked`."""
    code = ranked(stations, where, source)[0].code
    return next(each for each in stations if each.code == code)


def choose(stations: list[Station], where: Where, source: str, completeness: Callable[[str], float]) -> Choice:
    """Choose the nearest station that is complete enough, or the most complete of those examined.

    Parameters
    ----------
    stations, where, source
        The network, the place, the name of the source.
    completeness
        Share of days of the last ten years that a station has, by its code; a SourceError means that it is not known.
    """
    candidates = ranked(stations, where, source)
    examined: list[Candidate] = []
    for candidate in candidates[:EXAMINED]:
        try:
            examined.append(replace(candidate, completeness=round(completeness(candidate.code), 3)))
        except SourceError as error:
            log.warning("%s: completeness of %s is not known: %s", source, candidate.code, error)
            examined.append(candidate)
        if sum(_enough(each) for each in examined) == 2:
            break
    complete = [each for each in examined if _enough(each)]
    # The sort is stable: of equally complete stations the nearer stays first.
    others = sorted((each for each in examined if not _enough(each)), key=lambda each: -(each.completeness or 0.0))
    order = [*complete, *others]
    return Choice(order[0], order[1] if len(order) > 1 else None)


def _enough(candidate: Candidate) -> bool:
    return candidate.completeness is not None and candidate.completeness >= COMPLETE
