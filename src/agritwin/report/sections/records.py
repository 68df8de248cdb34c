"""What the holding wrote down, and what could not be taken as it was."""

from collections import Counter
from typing import Any

from agritwin.holding import sentences
from agritwin.report.twin import Twin
from agritwin.views.blocks import Absent, Block, Section, State, Table, Text, Tile, Tiles
from agritwin.views.language import UNKNOWN, Language

COUNTS = ("activities", "treatments", "harvests", "readings", "quarantine")
MOST_ROWS = 40
LATEST = 8
MARKS: dict[str, State] = {"question": "low", "rejected": "mid"}


def build(twin: Twin, say: Language) -> Section:
    """Return the section of records."""
    product = twin.product("records")
    if product is None:
        why = twin.why("records") or say("reason.not_built")
        return Section("records", say("records.title"), "", (Absent(say("records.title"), why),))
    counts = product.get("counts") or {}
    tiles = tuple(
        Tile(
            say(f"records.{name}"),
            say.number(counts[name], 0),
            "",
            "",
            state="low" if name == "quarantine" and counts[name] else "plain",
        )
        for name in COUNTS
        if counts.get(name) is not None
    )
    blocks: list[Block] = [Tiles(tiles)] if tiles else []
    blocks += [_latest(product.get("recent_activities"), say), _quarantine(product, say), _journal(product, say)]
    return Section("records", say("records.title"), say("records.lead"), tuple(blocks))


def _latest(latest: list[dict[str, Any]] | None, say: Language) -> Block:
    if not latest:
        return Absent(say("records.latest_caption"), say("reason.no_activities"))
    lines = [
        (
            say.date(row.get("day")),
            say.word("activity", row.get("category")),
            str(row.get("text") or row.get("task") or UNKNOWN),
        )
        for row in latest
    ]
    # Equal lines of a day are several workers at one task.
    rows = tuple((*line, str(count)) for line, count in list(Counter(lines).items())[:LATEST])
    header = (say("word.date"), say("records.activity"), say("records.detail"), say("records.times"))
    return Table(say("records.latest_caption"), header, rows, frozenset({3}))


def _quarantine(product: dict[str, Any], say: Language) -> Block:
    rows = product.get("quarantine") or []
    if not rows:
        return Text(say("records.no_quarantine"), "good")
    total = (product.get("counts") or {}).get("quarantine") or len(rows)
    body = tuple(
        (
            _where(row),
            str(row.get("column") or "–"),
            _short(row.get("value")),
            sentences.say(row.get("reason"), say.code) or "–",
            sentences.say(row.get("suggestion"), say.code) or "–",
        )
        for row in rows[:MOST_ROWS]
    )
    header = tuple(say(f"records.column_{name}") for name in ("where", "column", "value", "reason", "suggestion"))
    caption = say("records.quarantine_caption", shown=len(body), total=total)
    marks: tuple[State, ...] = tuple(MARKS.get(row.get("kind") or "", "plain") for row in rows[:MOST_ROWS])
    return Table(caption, header, body, folded=True, marks=marks)


def _where(row: dict[str, Any]) -> str:
    parts = [str(row["file"]).rpartition("/")[2] if row.get("file") else "", str(row.get("sheet") or "")]
    place = ", ".join(part for part in parts if part)
    return f"{place}, {row['row']:.0f}" if row.get("row") is not None else place or "–"


def _short(value: Any, most: int = 60) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _journal(product: dict[str, Any], say: Language) -> Block:
    rows = product.get("journal") or []
    if not rows:
        return Absent(say("records.journal_caption"), say("reason.no_files"))
    body = tuple(
        (
            str(row["file"]).rpartition("/")[2],
            say.number(row.get("rows"), 0),
            say.number(row.get("accepted"), 0),
            say.number(row.get("rejected"), 0),
            say.number(row.get("questions"), 0),
        )
        for row in rows
    )
    header = tuple(say(f"records.column_{name}") for name in ("file", "rows", "accepted", "rejected", "questions"))
    return Table(say("records.journal_caption"), header, body, frozenset({1, 2, 3, 4}), folded=True)
