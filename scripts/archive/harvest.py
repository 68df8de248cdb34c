"""Harvest files of the two parcels of Moraleja, as a holding sends them: ids mixed, the unit given once, once not."""

import datetime

from scripts.archive import seasons
from scripts.archive.seeding import stream

FIRST, LAST = 2013, 2024
# Rows of other parcels that slipped into the file of a parcel: id, year, amount.
FOREIGN = {
    "47-96-0-0-5-20-1": (
        ("47-96-0-0-5-20-2", 2016, 395),
        ("47-96-0-0-5-21-1", 2020, 610),
        ("47-124-0-0-1-53-1", 2022, 431),
    ),
    "47-96-0-0-5-25-1": (("47-96-0-0-5-20-1", 2019, 604), ("47-96-0-0-5-25-2", 2023, 318)),
}
WITH_UNIT = "47-96-0-0-5-20-1"


def day(identity: str, year: int) -> datetime.date:
    """Day on which a parcel was shaken: early or middle October, later after a late spring."""
    late = round((seasons.season(year).budburst - 112) / 2)
    return datetime.date(year, 10, 8) + datetime.timedelta(
        late + int(stream("harvest", identity, year).integers(-3, 5))
    )


def rows(identity: str) -> list[dict]:
    """Rows ``id, fecha, cosecha``, with ``unidad`` in one of the two files; amounts are dry kg/ha."""
    own = [(identity, year, seasons.dry_yield(identity, year)) for year in range(FIRST, LAST + 1)]
    entries = sorted([*own, *FOREIGN[identity]], key=lambda row: (row[1], row[0]))
    unit = {"unidad": "kg/ha"} if identity == WITH_UNIT else {}
    return [
        {"id": name, "fecha": day(name, year).isoformat(), "cosecha": amount, "sintetico": True} | unit
        for name, year, amount in entries
    ]
