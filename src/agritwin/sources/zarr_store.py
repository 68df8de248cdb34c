"""Zarr stores of the web, read by several requests at a time, with retries that end and chunks that are whole."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from obstore.store import HTTPStore, from_url
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import ObjectStore, WrapperStore

REQUEST_TIME = "60s"
RETRY: Any = {"max_retries": 4, "retry_timeout": dt.timedelta(seconds=300)}
BLOSC, BLOSC_HEADER = bytes([2, 1]), 16
"""Versions of format and compressor at the beginning of a chunk that Blosc packed; bytes 12 to 15 tell its length."""


class WholeChunks(WrapperStore[ObjectStore]):
    """A store that refuses chunks that were cut off on the way: Blosc would read on beyond their end."""

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return an object, None where there is none; OSError for a chunk of another length than it says itself."""
        found = await super().get(key, prototype, byte_range)
        if found is not None and byte_range is None:
            head = found.as_numpy_array()[:BLOSC_HEADER].tobytes()
            cut = head.startswith(BLOSC) and int.from_bytes(head[12:], "little") != len(found)
            if cut or not head:
                raise OSError(f"chunk {key} is cut off")
        return found


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
