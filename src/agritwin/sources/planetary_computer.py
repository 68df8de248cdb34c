"""Sentinel-2 from Microsoft's Planetary Computer, whose files open to signed addresses only."""

import re
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import AwareDatetime, BaseModel, Field

from agritwin.sources import http
from agritwin.sources.base import When
from agritwin.sources.stac import StacImagery
from agritwin.sources.stac_search import search_api
from agritwin.sources.stac_static import Bounds


class _Token(BaseModel):
    token: str
    expiry: AwareDatetime = Field(alias="msft:expiry")


class PlanetaryComputer(StacImagery):
    """Microsoft's Planetary Computer; file addresses are signed when they are opened, and never stored.

    Source: https://planetarycomputer.microsoft.com/docs/concepts/sas
    """

    name = "planetary_computer"
    title = "Sentinel-2 Level-2A, Microsoft Planetary Computer"
    url = "https://planetarycomputer.microsoft.com/api/stac/v1"
    token_url = "https://planetarycomputer.microsoft.com/api/sas/v1/token"
    blob = re.compile(r"(?P<account>[a-z0-9]+)\.blob\.core\.windows\.net")
    public_accounts = frozenset({"ai4edatasetspublicassets"})
    renew_before_s = 60.0
    tries = 2

    def __init__(
        self,
        max_cloud_cover: float = 95.0,
        headers: Path | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(max_cloud_cover, headers)
        self._http = http.client(transport)
        self._lock = threading.Lock()
        self._tokens: dict[str, _Token] = {}

    def items(self, bounds: Bounds, when: When) -> list[dict[str, Any]]:
        """Search the collection."""
        return search_api(self.url, ("sentinel-2-l2a",), bounds, when, source=self.name)

    def address(self, href: str, failed: bool) -> str:
        """Sign an address of a private container; a token that just failed is replaced."""
        parts = urlsplit(href)
        match = self.blob.fullmatch(parts.netloc)
        if match is None or match["account"] in self.public_accounts or "sig=" in parts.query:
            return href
        container = f"{match['account']}/{parts.path.lstrip('/').split('/')[0]}"
        return f"{href}?{self._token(container, failed)}"

    def _token(self, container: str, failed: bool) -> str:
        with self._lock:
            held = self._tokens.get(container)
            if held is None or failed or held.expiry.timestamp() - time.time() < self.renew_before_s:
                answer = http.get_json(self._http, f"{self.token_url}/{container}", source=self.name)
                held = self._tokens[container] = http.validated(_Token, answer, self.name)
            return held.token
