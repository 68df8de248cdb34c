"""Where sensors stood when: SensorThings' historical locations, and the places that they name."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from agritwin.records import tables as t

GEOJSON = "application/geo+json"


@dataclass(frozen=True)
class Stay:
    """A sensor at a place, from a moment on; ``end_ms`` is None where it still stands there."""

    sensor: str
    sensor_id: int
    twin: str | None
    start_ms: int
    end_ms: int | None
    place: int
    place_name: str
    schema: str
    values: dict[str, Any]
    geometry: dict[str, Any] | None

    @property
    def key(self) -> str:
        """Id of the stay."""
        return f"{self.sensor_id}-{self.start_ms}"


def stays(connection: sa.Connection, sensors: Collection[int]) -> list[Stay]:
    """Return the stays of sensors, each sensor's in order of time."""
    s, i, p = t.sensors.c, t.installations.c, t.locations.c
    select = (
        sa.select(
            *(s.name.label("sensor"), i.sensor_id, s.twin_id.label("twin"), i.start_ms, i.end_ms),
            *(p.id.label("place"), p.name.label("place_name"), p.schema, p["values"], p.geometry),
        )
        .select_from(t.installations.join(t.sensors).join(t.locations))
        .where(i.sensor_id.in_(list(sensors)))
        .order_by(i.sensor_id, i.start_ms)
    )
    return [Stay(**row) for row in connection.execute(select).mappings()]


def place(stay: Stay) -> dict[str, Any]:
    """Return the place of a stay as a location: its geometry, a point, or the coordinates of its own schema."""
    point = [stay.values.get(name) for name in ("longitude", "latitude")]
    outline = stay.geometry or (None if None in point else {"type": "Point", "coordinates": point})
    return {
        "@iot.id": stay.place,
        "name": stay.place_name,
        "description": f"place of schema {stay.schema}",
        "encodingType": "application/json" if outline is None else GEOJSON,
        "location": outline or stay.values,
    }
