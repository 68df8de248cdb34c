"""Zarr stores of the web, read by several requests at a time, with retries that end and chunks that are whole."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any

from obstore.store import HTTPStore, from_url
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import ObjectStore, WrapperStore

REQUEST_TIME = "60s"
RETRY: Any = {"max_retries": 4, "retry_timeout": dt.timedelta(seconds=300)}
BLOSC, BLOSC_HEADER = 2, 16
"""First byte of what Blosc packed, the version of its format; bytes 12 to 15 tell the length."""


class WholeChunks(WrapperStore[ObjectStore]):
    """A store that refuses what is no whole chunk where Blosc is to unpack it: Blosc reads on beyond its end."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self._packed: set[str] = set()

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return an object, None where there is none; OSError for a chunk that is not what its array's codec makes."""
        found = await super().get(key, prototype, byte_range)
        if found is None or byte_range is not None:
            return found
        if key.endswith((".zmetadata", ".zarray", "zarr.json")):
            self._packed |= packed_by_blosc(key, found.to_bytes())
        elif any(key.startswith(f"{array}/") for array in self._packed) and key[-1].isdigit():
            head = found.as_numpy_array()[:BLOSC_HEADER].tobytes()
            length = int.from_bytes(head[12:], "little")
            if len(head) < BLOSC_HEADER or head[0] != BLOSC or length != len(found):
                raise OSError(f"chunk {key} is cut off or no chunk")
        return found


def packed_by_blosc(key: str, content: bytes) -> set[str]:
    """Return the names of the arrays whose metadata (Zarr 2 or 3, consolidated or not) name Blosc."""
    try:
        document = json.loads(content)
    except ValueError:
        return set()  # Zarr itself will say so
    if not isinstance(document, dict):
        return set()
    inner = document.get("consolidated_metadata") or document
    several = inner.get("metadata") if isinstance(inner, dict) else None
    entries = several if isinstance(several, dict) else {key: document}
    names = {
        name: json.dumps([entry.get("compressor"), entry.get("codecs")])
        for name, entry in entries.items()
        if isinstance(entry, dict)
    }
    return {re.sub(r"/(\.zarray|zarr\.json)$", "", name) for name, codecs in names.items() if '"blosc"' in codecs}


def remote_store(address: str, headers: Mapping[str, str] | None = None) -> WholeChunks:
    """Return a store for reading at an address of http(s), s3, gs or az, without signature.

    Parameters
    ----------
    headers
        Sent with every request, for example a key; for http(s) alone.
    """
    options: Any = {"connect_timeout": "20s", "timeout": REQUEST_TIME}
    if address.startswith(("http://", "https://")):
        options |= {"default_headers": dict(headers or {}), "allow_http": address.startswith("http://")}
        store = HTTPStore(address, client_options=options, retry_config=RETRY)
    else:
        store = from_url(address, client_options=options, retry_config=RETRY, skip_signature=True)
    return WholeChunks(ObjectStore(store, read_only=True))
