"""Files for the landing zone, and what of them was not loaded."""

import tempfile
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, UploadFile
from pydantic import Field

from agritwin.api.access import Caller, on_twin
from agritwin.api.errors import NotFoundError, RefusalError, documented
from agritwin.api.paging import Paged
from agritwin.api.parcels import known_twins
from agritwin.api.shapes import Shape, TwinId
from agritwin.api.surroundings import Around
from agritwin.holding.files import LARGEST_FILE, check_name, digest, put
from agritwin.records import queries
from agritwin.workspace import LANDING

CHUNK = 2**20
LONGEST_NAME = 200  # bytes; file systems take 255, and names get a hash where they clash

router = APIRouter(tags=["files"], responses=documented(404, 413))


class LargeError(RefusalError):
    """More bytes than are taken."""

    status = 413


class Landed(Shape):
    """A file in the landing zone."""

    file: str
    size: int
    sha256: str


class NewlyLanded(Landed):
    """A file that was sent."""

    changed: bool = Field(description="false where the same bytes lay there already")


class Quarantined(Shape):
    """A line of a file that was not loaded, or a question about it."""

    kind: str
    file: str
    sheet: str
    row: int | None
    column: str | None
    value: str | None
    reason: str
    suggestion: str


@router.post("/landing/{twin}", status_code=201)
async def upload(twin: TwinId, file: UploadFile, around: Around, account: Caller) -> NewlyLanded:
    """Put a file into a twin's landing zone; the next refresh takes it in.

    Workbooks (xlsx, xls, ods), csv, tsv, txt, json and geojson are taken, up to 50 MiB. The same bytes again change
    nothing; other bytes under a name that is taken get the begin of their hash into the name.
    """
    on_twin(account, "record", twin)
    if twin not in known_twins(around.root):
        raise NotFoundError(f"There is no twin {twin!r}.", "List the parcels.")
    name = check_name(file.filename or "")
    if name.startswith(".") or len(name.encode()) > LONGEST_NAME:
        raise RefusalError(f"{name[:50]!r} begins with a dot or is too long.", "Rename it.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        size = 0
        with path.open("wb") as target:
            while part := await file.read(CHUNK):
                size += len(part)
                if size > LARGEST_FILE:
                    raise LargeError(f"{name} has more than {LARGEST_FILE // 2**20} MiB.", "Split it by year.")
                target.write(part)
        return await anyio.to_thread.run_sync(_put, around.root / LANDING / twin, path, name)


@router.get("/landing/{twin}")
def list_landed(twin: TwinId, around: Around, account: Caller, page: Paged) -> list[Landed]:
    """List the files in a twin's landing zone."""
    on_twin(account, "read", twin)
    folder = around.root / LANDING / twin
    paths = sorted(path for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))
    return [Landed(file=path.name, size=path.stat().st_size, sha256=digest(path)) for path in page.cut(paths)]


@router.get("/quarantine/{twin}")
def list_quarantine(twin: TwinId, around: Around, account: Caller, page: Paged) -> list[Quarantined]:
    """List what of a twin's files was not loaded or is to be answered, line by line."""
    on_twin(account, "read", twin)
    rows = queries.quarantine(around.engine, twin).astype(object)
    found = rows.where(rows.notna(), None).to_dict("records")
    return [Quarantined.model_validate(_plain(row)) for row in page.cut(found)]


def _put(folder: Path, path: Path, name: str) -> NewlyLanded:
    landed, file, changed = put(path, name, folder)
    return NewlyLanded(file=file.name, size=len(landed.data), sha256=landed.sha256, changed=changed)


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): int(value) if name == "row" and value is not None else value for name, value in row.items()}
