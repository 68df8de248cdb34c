"""Who was told of which danger, and that somebody has taken notice."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query

from agritwin.alerts import stores
from agritwin.api.access import Caller, on_twin
from agritwin.api.errors import NotFoundError, documented
from agritwin.api.paging import Paged
from agritwin.api.shapes import Message, Parameters, Shape, TwinId
from agritwin.api.surroundings import Around

router = APIRouter(tags=["notices"], responses=documented(404))


class Notice(Shape):
    """A notice in a twin's inbox; times are UTC."""

    number: int
    recipient: str
    twin: str
    level: str
    title: str
    body: str
    evidence: Parameters
    issued: str
    valid_until: str | None
    state: Literal["new", "seen", "acknowledged", "expired"]
    sent: dict[str, str]


@router.get("/notices/{twin}")
def list_notices(
    twin: TwinId,
    around: Around,
    account: Caller,
    page: Paged,
    standing: Annotated[bool, Query(description="only those that hold and that nobody has acknowledged")] = False,
) -> list[Notice]:
    """List the notices to a twin, newest first; `sent` says by channel what became of each."""
    on_twin(account, "read", twin)
    found = stores.inbox(around.engine, twin, around.now())
    return [_notice(row) for row in page.cut([row for row in found if not standing or row["state"] in ("new", "seen")])]


@router.post("/notices/{twin}/{number}/acknowledge")
def acknowledge(
    twin: TwinId, number: Annotated[int, Path(ge=1, le=2**31 - 1)], around: Around, account: Caller
) -> Message:
    """Say that the holding has taken notice; again by whomever changes nothing."""
    on_twin(account, "record", twin)
    if number not in {row["id"] for row in stores.inbox(around.engine, twin, around.now())}:
        raise NotFoundError(f"There is no notice {number} to {twin}.", "List the notices.")
    stores.acknowledge(around.engine, number, account.email, around.now())
    return Message(detail=f"Notice {number} is acknowledged.")


def _notice(row: dict[str, Any]) -> Notice:
    renamed = {"number": row["id"], "twin": row["twin_id"], "issued": row["issue_time"]}
    return Notice(**{name: row[name] for name in Notice.model_fields if name not in renamed}, **renamed)
