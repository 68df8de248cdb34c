"""Fetch the satellite scenes that the NDVI cube of a twin lacks.

Most days bring no scene. The step therefore remembers what it found in the catalogue; where nothing has come, gone or
changed since, it repeats its pointer and ends before a cube is opened or an image library imported.
"""

import datetime as dt
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from agritwin.errors import SourceError
from agritwin.geometry import bounds_of
from agritwin.observe.status import write_status
from agritwin.sources.base import When, open_source
from agritwin.workspace import HEADERS, cube, read_json, write_json

log = logging.getLogger(__name__)

INFLUENCE = dt.timedelta(days=45)  # a scene's offset is judged by its neighbours within so many days
LOOK_BACK = 3 * INFLUENCE
"""Scenes this old are looked at again: 45 days reprocessed, the 45 that they influence, the 45 that judge those."""
FULL_LOOK = dt.timedelta(days=30)
SAME_OVERPASS = dt.timedelta(minutes=30)
UNREAD = "unread"


def fetch_ndvi(
    *, clock: str, parcel: str, pointer: str, status: str, twin: str, imagery: dict, sources_imagery: list[str]
) -> None:
    """Bring the NDVI cube of a twin up to the day before the clock.

    Parameters
    ----------
    clock, parcel
        Clock and parcel files.
    pointer, status
        Pointer and status to write.
    twin
        Id.
    imagery
        Section ``imagery`` of the configuration; where it or the parcel changed, all scenes are read again.
    sources_imagery
        Names of sources; the first that answers is used.
    """
    as_of = dt.date.fromisoformat(read_json(clock)["as_of"])
    geometry = read_json(parcel)["geometry"]
    store, _ = cube("ndvi", twin)
    memory = store.with_suffix(".look.json")
    look = _remembered(memory, store, _digest([geometry, imagery]))
    failures: list[SourceError] = []
    items = 0
    past = look["until"] is not None and as_of.isoformat() < look["until"]
    for name in [] if past else sources_imagery:
        try:
            options = {"href": imagery["catalogue"]} if name == "catalogue" else {}
            options |= {"max_cloud_cover": imagery["max_cloud_cover_percent"], "headers": HEADERS}
            source = open_source("imagery", name, **options)
            new, waiting = _look(look, source, name, geometry, as_of, imagery, store)
        except SourceError as error:
            log.warning("%s", error)
            failures.append(error)
            continue
        log.info("%s: %d new or changed scenes in %s, %d not reached", twin, new, name, waiting)
        items += new
        if not waiting:
            break
        what = f"files stopped coming; {waiting} scenes wait for the next refresh"
        failures.append(SourceError(name, what, "Try again later, or name another source.", temporary=True))
    if look["pointer"] is None:
        from agritwin.observe.ndvi_scenes import pointer_and_end

        reason = str(failures[0]) if failures else "no imagery source is configured"
        look["pointer"], look["last_value"], look["scenes"] = pointer_and_end(Path(pointer), store, reason)
    write_json(pointer, look["pointer"])
    if store.is_dir():
        write_json(memory, look)
    last_value, scenes = look["last_value"], look["scenes"]
    if past and store.is_dir():
        from agritwin.observe.ndvi_scenes import end_known_at

        last_value, scenes = end_known_at(store, as_of.isoformat())  # a day of the past is seen as it was
    write_status(
        Path(status),
        kind="imagery",
        sources=sources_imagery,
        last_value=last_value,
        failures=failures,
        items=items,
        scenes=scenes,
        skipped=look["skipped"],
    )


def _remembered(memory: Path, store: Path, asked: str) -> dict[str, Any]:
    """What the last look found; nothing where parcel, settings or cube are not those of then.

    Keys: ``asked`` (digest of parcel and settings), ``until`` (clock of the last look), ``found`` (source -> ``full``,
    the clock of the last look at the whole record, and ``scenes``: id -> time and digest of the item), ``skipped``
    (scenes that could not be read), and what pointer and status said.
    """
    if memory.is_file() and store.is_dir():
        look = read_json(memory)
        if look["asked"] == asked:
            return look
    nothing = {"until": None, "found": {}, "skipped": [], "pointer": None, "last_value": None, "scenes": 0}
    return {"asked": asked, **nothing}


def _look(
    look: dict[str, Any], source: Any, name: str, geometry: dict, as_of: dt.date, imagery: dict, store: Path
) -> tuple[int, int]:
    """Look into a catalogue; read what is new or changed; remember both.

    Returns how many scenes were new or changed, and how many the read did not get to: these are asked for at the next
    look, however old they are.
    """
    first, last = dt.date.fromisoformat(imagery["first_day"]), as_of - dt.timedelta(days=1)
    mine = look["found"].get(name, {"full": None, "scenes": {}})
    full = mine["full"] is None or as_of - dt.date.fromisoformat(mine["full"]) >= FULL_LOOK
    start = first if full else max(first, dt.date.fromisoformat(look["until"]) - LOOK_BACK)
    span = When(min(start, last), last)
    items = source.items(bounds_of(geometry), span)
    marks = {str(item["id"]): [str(item["properties"].get("datetime")), _mark(item)] for item in items}
    young = (as_of - INFLUENCE).isoformat()
    if name in look["found"]:
        changed = {
            scene
            for scene, (time, mark) in marks.items()
            if (held := mine["scenes"].get(scene, [time, None])[1]) != mark and (held != UNREAD or full or time > young)
        }
    else:
        changed = _unseen(marks, look["found"])
    waiting: set[str] = set()
    if changed or look["pointer"] is None:
        from agritwin.observe.ndvi_scenes import add_scenes

        skipped = add_scenes(store, source, geometry, span, imagery, items, changed, anew=look["until"] is None)
        unread = {entry["id"] for entry in skipped if not entry.get("lasting")}
        marks |= {scene: [marks[scene][0], UNREAD] for scene in unread & marks.keys()}
        look["pointer"], look["skipped"] = None, skipped
        waiting = {entry["id"] for entry in skipped if entry.get("waiting")}
    looked = as_of.isoformat() if full else mine["full"]
    look["found"][name] = {"full": None if waiting else looked, "scenes": mine["scenes"] | marks}
    look["until"] = as_of.isoformat()
    return len(changed - waiting), len(waiting)


def _unseen(marks: dict[str, list[str]], found: dict[str, Any]) -> set[str]:
    """Scenes of a source asked for the first time whose overpass no other source has shown."""
    others = [_moment(time) for each in found.values() for time, mark in each["scenes"].values() if mark != UNREAD]
    return {
        scene
        for scene, (time, _) in marks.items()
        if not any(abs(_moment(time) - other) < SAME_OVERPASS for other in others)
    }


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _mark(item: dict[str, Any]) -> str:
    """Digest of an item: reprocessing or another offset changes it, another place of the same files does not."""
    assets = {name: asset | {"href": None} for name, asset in item.get("assets", {}).items()}
    return _digest([item.get("collection"), item["properties"], item.get("geometry"), assets])


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
