"""Downloads of any series, with units and provenance."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response, StreamingResponse

from agritwin.api import series
from agritwin.api.access import Caller, on_twin
from agritwin.api.errors import documented
from agritwin.api.paging import Paged
from agritwin.api.parcels import known_twins
from agritwin.api.shapes import Moment, Shape, TwinId
from agritwin.api.surroundings import Around

router = APIRouter(prefix="/series", tags=["series"], responses=documented(404))

CSV, PARQUET = "text/csv; charset=utf-8", "application/vnd.apache.parquet"
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}, PARQUET: {}}, "description": "the series"}
}


class Listed(Shape):
    """A series that can be downloaded."""

    name: str
    title: str
    units: str


@router.get("")
def list_twins(around: Around, account: Caller, page: Paged) -> list[str]:
    """List the twins whose series this account may read."""
    return list(page.cut([twin for twin in known_twins(around.root) if account.may("read", twin)]))


@router.get("/{twin}")
def list_series(twin: TwinId, around: Around, account: Caller, page: Paged) -> list[Listed]:
    """List the series of a twin."""
    on_twin(account, "read", twin)
    found = series.catalogue(around.root, around.engine, twin)
    return [Listed(name=each.name, title=each.title, units=each.units) for each in page.cut(found)]


@router.get("/{twin}/{name}", response_class=Response, responses=FILES)
def download(
    twin: TwinId,
    name: Annotated[str, Path(max_length=200, pattern=r"^[a-z0-9_.]+$")],
    around: Around,
    account: Caller,
    format: Annotated[Literal["csv", "parquet"], Query(description="csv with lines of comment, or Parquet")] = "csv",
    start: Annotated[Moment | None, Query(description="from this moment on, UTC")] = None,
    end: Annotated[Moment | None, Query(description="up to this moment, UTC")] = None,
) -> Response:
    """Download a series."""
    on_twin(account, "read", twin)
    table = series.find(around.root, around.engine, twin, name).between(start, end)
    about = {"Content-Disposition": f'attachment; filename="{twin}.{name}.{format}"'}
    if format == "parquet":
        return Response(table.parquet(), media_type=PARQUET, headers=about)
    return StreamingResponse(table.csv(), media_type=CSV, headers=about)
