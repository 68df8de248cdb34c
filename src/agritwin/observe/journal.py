"""The journal of fetches: a line for each source that was asked for a cell or a twin, kept beside the data.

It tells requests, bytes, items, seconds, gaps and failures. Numbers that differ from run to run stand here and not in
the status files, which are compared by their content.
"""

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

from filelock import FileLock

from agritwin.sources.traffic import TRAFFIC
from agritwin.workspace import recorded_clock

JOURNAL = Path("data/journal.jsonl")

_started = [time.perf_counter()]


def begin() -> None:
    """Start the clock of a step: what it counts is its own, also where it runs in a fork of another process."""
    TRAFFIC.clear()
    _started[0] = time.perf_counter()


def enter(
    *, kind: str, place: str, sources: list[str], failures: list[dict[str, str]], items: int | None, gaps: int | None
) -> None:
    """Append a line for each source.

    Parameters
    ----------
    kind, place
        What was fetched, and for which cell or twin.
    sources
        Names, in the order asked; one that was not needed stands with no requests.
    failures
        ``source`` and ``what`` of each.
    items, gaps
        What is new (hours, issues, scenes, layers), and how many runs of days are missing still; None: not counted.
    """
    told = {failure["source"]: failure["what"] for failure in failures}
    moment = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    lines = []
    for name in dict.fromkeys([*sources, *told]):
        traffic = TRAFFIC[name]
        line: dict[str, Any] = {
            "time": moment,
            "as_of": recorded_clock(),
            "kind": kind,
            "place": place,
            "source": name,
            "requests": traffic.requests,
            "bytes": traffic.bytes,
            "items": items,
            "gaps": gaps,
            "seconds": round(time.perf_counter() - _started[0], 2),
            "failure": told.get(name),
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    JOURNAL.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(JOURNAL.with_suffix(".lock")), JOURNAL.open("a", encoding="utf-8") as journal:
        journal.write("".join(lines))


def read(places: set[str] | None = None, path: Path = JOURNAL) -> list[dict[str, Any]]:
    """Return the lines of some places (None: of all), oldest first; a line cut off by a power failure is left out."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if places is None or line["place"] in places:
            lines.append(line)
    return lines
