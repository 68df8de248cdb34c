"""Files as they arrive: refused when unsafe, hashed, and kept byte for byte under their hash."""

import hashlib
import re
import unicodedata
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from agritwin import workspace
from agritwin.errors import DataError

LARGEST_FILE = 50 * 2**20
LARGEST_UNPACKED = 300 * 2**20
LARGEST_RATIO = 200.0
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
UNFIT = re.compile(r"[/\\\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
ZIP_MAGIC = b"PK\x03\x04"
FORMATS = {
    ".xlsx": ZIP_MAGIC, ".ods": ZIP_MAGIC, ".xls": OLE_MAGIC,
    ".csv": b"", ".tsv": b"", ".txt": b"", ".json": b"", ".geojson": b"",
}  # fmt: skip


@dataclass(frozen=True)
class Landed:
    """A file of a sender: its name (a label, never a path), its suffix, its bytes and their SHA-256."""

    name: str
    suffix: str
    data: bytes
    sha256: str


def check_name(name: str) -> str:
    """Return a file name that is a plain label.

    Accents, spaces, ``%`` and ``#`` are fine; separators, ``..``, control characters and those that turn the order of
    letters (``gsc.exe`` shown as ``exe.csg``) are not.

    Raises
    ------
    DataError
        When the name could be taken for a path or cannot be shown.
    """
    label = unicodedata.normalize("NFC", name)
    if UNFIT.search(label) or label in ("", ".", "..") or len(label) > 255:
        raise DataError(f"{name!r} cannot be the name of a file.", "Rename it: no slashes, no control characters.")
    return label


def land(path: Path, name: str | None = None, formats: Mapping[str, bytes] | None = None) -> Landed:
    """Read a file of a sender after the checks that need no understanding of its content.

    Parameters
    ----------
    path
        Where it lies.
    name
        What the sender called it, where that differs.
    formats
        Endings that are read and how such files begin; workbooks, csv and json where None.

    Raises
    ------
    DataError
        When it is missing, no regular file, empty, too large, of an unknown or untrue format, holds macros, or would
        unpack to an unreasonable size.
    """
    label = check_name(name if name is not None else path.name)
    if path.is_symlink() or not path.is_file():
        raise DataError(f"{path} is not a regular file.", "Put the file itself there.")
    size = path.stat().st_size
    if size == 0:
        raise DataError(f"{label} is empty.", "Send it again; the upload may have been cut off.")
    if size > LARGEST_FILE:
        raise DataError(
            f"{label} has {size / 2**20:.0f} MiB; {LARGEST_FILE / 2**20:.0f} are allowed.", "Split it by year."
        )
    data = path.read_bytes()
    suffix = Path(label).suffix.lower()
    _check_format(label, suffix, data, FORMATS if formats is None else formats)
    return Landed(label, suffix, data, hashlib.sha256(data).hexdigest())


def keep(landed: Landed, raw: Path) -> Path:
    """Store the bytes under ``raw/<sha256>``, written aside and renamed; nothing is done where they are already."""
    target = raw / landed.sha256
    if not target.exists():
        with workspace.aside(target) as temporary:
            temporary.write_bytes(landed.data)
    return target


def put(path: Path, name: str, folder: Path) -> tuple[Landed, Path, bool]:
    """Put a file into a folder, whole or not at all: what it holds, where it lies, and whether it is new there.

    The same bytes again change nothing; other bytes under a name that is taken get the begin of their hash into it.

    Raises
    ------
    DataError
        As for :func:`land`.
    """
    landed = land(path, name)
    target = folder / landed.name
    if target.is_file() and digest(target) != landed.sha256:
        target = folder / f"{target.stem}.{landed.sha256[:8]}{target.suffix}"
    if target.is_file():
        return landed, target, False
    with workspace.aside(target) as temporary:
        temporary.write_bytes(landed.data)
    return landed, target, True


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_format(label: str, suffix: str, data: bytes, formats: Mapping[str, bytes]) -> None:
    if suffix in (".xlsm", ".xlsb", ".xltm", ".docm"):
        raise DataError(f"{label} is a format that can hold macros.", "Save it as .xlsx and send that.")
    if suffix not in formats:
        raise DataError(f"{label}: files {suffix or 'without an ending'} are not read.", f"Use {', '.join(formats)}.")
    if not data.startswith(formats[suffix]):
        raise DataError(
            f"{label} is no {suffix} inside.", "Open it in its program and save it anew; renaming does not convert."
        )
    if not formats[suffix] and data.startswith((ZIP_MAGIC, OLE_MAGIC)):
        raise DataError(f"{label} is a workbook or archive inside.", "Give it the ending that it deserves.")
    if formats[suffix] == ZIP_MAGIC:
        _check_zip(label, data)
    elif suffix == ".xls" and "_VBA_PROJECT".encode("utf-16-le") in data:
        raise DataError(f"{label} holds macros.", "Save it as .xlsx and send that.")


def _check_zip(label: str, data: bytes) -> None:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise DataError(f"{label} is damaged: {error}.", "Send it again; the upload may have been cut off.") from error
    if any(Path(member.filename).name.lower() == "vbaproject.bin" for member in members):
        raise DataError(f"{label} holds macros.", "Save it as .xlsx without macros and send that.")
    unpacked = sum(member.file_size for member in members)
    if unpacked > LARGEST_UNPACKED or unpacked > LARGEST_RATIO * max(len(data), 2**16):
        raise DataError(
            f"{label} would unpack to {unpacked / 2**20:.0f} MiB from {len(data) / 2**20:.2f}.",
            "Delete formatted but empty rows and columns, or send a csv.",
        )
