"""Lists by the page: ``limit`` and ``offset`` in the address, the total in a header; without them all is answered."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query, Response

TOTAL = "X-Total-Count"


class Page:
    """The part of a list that was asked for."""

    def __init__(
        self,
        response: Response,
        limit: Annotated[int | None, Query(ge=1, le=1_000_000, description="most entries to answer")] = None,
        offset: Annotated[int, Query(ge=0, le=2**31 - 1, description="entries to leave out")] = 0,
    ) -> None:
        self.response, self.limit, self.offset = response, limit, offset

    def cut[T](self, entries: Sequence[T]) -> Sequence[T]:
        """Return the part, and tell how many there are in all."""
        self.tell(len(entries))
        return entries[self.offset : None if self.limit is None else self.offset + self.limit]

    def tell(self, total: int) -> None:
        """Write the total into the answer's header."""
        self.response.headers[TOTAL] = str(total)


Paged = Annotated[Page, Depends(Page)]
