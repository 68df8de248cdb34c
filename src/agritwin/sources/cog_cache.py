"""Headers of remote rasters kept on disk, so that the second look at a file takes one request."""

import logging
import sqlite3
from pathlib import Path
from types import TracebackType

log = logging.getLogger(__name__)

MOST = 20_000  # some 3 kB each


class HeaderCache:
    """The first bytes of files, exactly as they were sent, with what tells one version of a file from another.

    Reads see what was there when the cache was opened and what was put since; what was put is written at the end, in
    one transaction, so that processes may share a cache. A damaged cache is begun anew.

    Parameters
    ----------
    path
        SQLite file; None keeps nothing beyond the program.
    most
        Files kept; the oldest go first.
    """

    def __init__(self, path: Path | None, most: int = MOST) -> None:
        self.path = path
        self.most = most
        self._fresh: dict[str, tuple[str, bytes] | None] = {}
        self._table = self._opened() if path is not None else None

    def __enter__(self) -> "HeaderCache":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._table is not None:
            self._write(self._table)
            self._table.close()

    def get(self, url: str) -> tuple[str, bytes] | None:
        """Return version and first bytes of a file, or None."""
        if url in self._fresh or self._table is None:
            return self._fresh.get(url)
        return self._table.execute("SELECT version, head FROM header WHERE url = ?", (url,)).fetchone()

    def put(self, url: str, version: str, head: bytes) -> None:
        """Keep the first bytes of a version of a file."""
        self._fresh[url] = (version, head)

    def drop(self, url: str) -> None:
        """Forget a file that has changed."""
        self._fresh[url] = None

    def _opened(self) -> sqlite3.Connection:
        assert self.path is not None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for again in (True, False):
            table = sqlite3.connect(self.path, timeout=30.0, isolation_level=None)
            try:
                table.execute("PRAGMA synchronous=OFF")
                table.execute(
                    "CREATE TABLE IF NOT EXISTS header "
                    "(url TEXT PRIMARY KEY, version TEXT NOT NULL, head BLOB NOT NULL)"
                )
                table.execute("SELECT count(*) FROM header").fetchone()
            except sqlite3.DatabaseError as error:
                table.close()
                if not again or isinstance(error, sqlite3.OperationalError):
                    raise
                log.warning("%s is damaged (%s): begun anew", self.path, error)
                self.path.unlink()
            else:
                return table
        raise AssertionError("the second attempt returns or raises")

    def _write(self, table: sqlite3.Connection) -> None:
        kept = [(url, *found) for url, found in self._fresh.items() if found is not None]
        dropped = [(url,) for url, found in self._fresh.items() if found is None]
        table.execute("BEGIN IMMEDIATE")
        table.executemany("DELETE FROM header WHERE url = ?", dropped)
        table.executemany("INSERT OR REPLACE INTO header VALUES (?, ?, ?)", kept)
        table.execute(
            "DELETE FROM header WHERE rowid <= (SELECT rowid FROM header ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
            (self.most,),
        )
        table.execute("COMMIT")
