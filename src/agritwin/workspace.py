"""Where everything lies. The only module that knows paths; all of them are relative to the workspace's root."""

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from agritwin.errors import ConfigError, StoreError

CONFIG = Path("config")
ARCHIVE = Path("data/archive")
HEADERS = Path("data/cache/cog_headers.sqlite")
CLOCK = Path("data/as_of.json")
RECORDS = Path("data/records.db")
RECORDS_URL = "AGRITWIN_RECORDS"
"""Environment variable with the URL of a PostgreSQL record store; it may hold a password."""
LANDING = Path("data/landing")
RAW = Path("data/raw")
REPORTS = Path("reports")
RESULTS = Path("results")


def root(start: Path | None = None) -> Path:
    """Return the workspace's root: the nearest folder upward that holds a Snakefile and ``config/config.yaml``.

    Raises
    ------
    ConfigError
        When there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "Snakefile").is_file() and (folder / CONFIG / "config.yaml").is_file():
            return folder
    raise ConfigError(f"{here} lies in no agritwin workspace.", "Go to the folder that holds the Snakefile.")


def records(folder: Path = Path()) -> Path | str:
    """Return where the record store is: the URL in the environment, else the workspace's own file."""
    return os.environ.get(RECORDS_URL) or folder / RECORDS


def enter() -> Path:
    """Make the root the working directory, so that relative paths hold wherever a notebook was opened."""
    folder = root()
    os.chdir(folder)
    return folder


def cube(kind: str, key: str) -> tuple[Path, Path]:
    """Return the store and the pointer of a cube, for example ``cube('ndvi', twin)``."""
    return Path(f"data/cubes/{kind}/{key}.icechunk"), Path(f"data/cubes/{kind}/{key}.json")


def recorded_clock() -> str | None:
    """Return the date of the last observe, or None before the first."""
    return read_json(CLOCK)["as_of"] if CLOCK.is_file() else None


def read_json(path: Path | str) -> Any:
    """Read a JSON file.

    Raises
    ------
    StoreError
        When it is missing or damaged; names the file.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(f"There is no file {path}.", "Run snakemake: it makes what is missing.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged: {error}.", "Delete it and run snakemake again.") from error


def write_json(path: Path | str, content: Any) -> None:
    """Write JSON with sorted keys, whole or not at all; an equal file stays as it is, its time included."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text aside and rename it, so that a reader sees the old or the new file, never half of one."""
    path = Path(path)
    data = text.encode()
    if path.is_file() and path.read_bytes() == data:
        return
    with aside(path) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def aside(path: Path | str):
    """Give a temporary name in the same folder; rename it to ``path`` when the block ends well, else remove it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
