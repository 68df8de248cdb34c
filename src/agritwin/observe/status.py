"""What became of a fetch: written beside the pointer, read by the alerts and the report."""

import logging
from pathlib import Path
from typing import Any

from agritwin.errors import SourceError
from agritwin.observe import journal
from agritwin.workspace import write_json

log = logging.getLogger(__name__)


def write_status(
    path: Path,
    *,
    kind: str,
    sources: list[str],
    last_value: str | None,
    failures: list[SourceError],
    items: int | None = None,
    kept: bool | None = None,
    **extra: Any,
) -> None:
    """Write the outcome of a fetch, and enter it in the journal.

    Parameters
    ----------
    path
        The status file.
    kind
        ``weather``, ``forecast``, ``imagery``, ``terrain`` or ``soil``.
    sources
        Names asked, in order.
    last_value
        ISO moment of the newest value that is kept, or None.
    failures
        What went wrong; empty when all is well.
    items
        What is new, for the journal alone.
    kept
        Whether earlier data are there, of what has no newest value.
    extra
        Further keys, for example counts.
    """
    for failure in failures:
        of = f", of {last_value}," if last_value else ""
        left = f"the last good data{of} are kept" if last_value or kept else "there are no earlier data"
        log.warning("%s: %s %s", kind, failure.message, left)
    # The same failure on every day of a gap is one.
    told = list({(failure.source, failure.what): None for failure in failures})
    faults = [{"source": source, "what": what} for source, what in told]
    write_json(
        path,
        {
            "kind": kind,
            "sources": sources,
            "state": "ok" if not failures else ("stale" if last_value or kept else "missing"),
            "last_value": last_value,
            "failures": faults,
            **extra,
        },
    )
    gaps = extra.get("missing_days")
    name = path.name.removesuffix(".status.json")
    journal.enter(
        kind=kind,
        place=path.parent.name if name == "site" else name,
        sources=sources,
        failures=faults,
        items=items,
        gaps=None if gaps is None else len(gaps),
    )
