"""Reading an answer's body: never more than a limit, and only what was asked for."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Literal

from feeds.errors import SourceError

if TYPE_CHECKING:
    import httpx

Expected = Literal["json", "csv", "html"]
_GZIP = 31
"""zlib's window bits for a gzip wrapper."""
THREAD_BYTES = 1024 * 1024
"""A larger body is inflated and parsed outside the event loop, which it would hold up by milliseconds."""


async def read_body(response: httpx.Response, limit: int) -> bytes:
    """The body, decompressed. Raises SourceError beyond ``limit`` bytes or for a broken compression.

    What goes beyond THREAD_BYTES is inflated in another thread, a step of THREAD_BYTES at a time.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip"}:
        raise SourceError("unexpected content encoding")
    # Decompressed here in bounded steps: a library would inflate a hostile chunk whole.
    inflate = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
    body = bytearray()
    async for chunk in response.aiter_raw(65_536):
        if inflate is None:
            body += chunk
        else:
            await _inflate(inflate, chunk, body, limit)
        if len(body) > limit:
            raise SourceError(f"the body is larger than {limit:,} bytes")
    if inflate is not None and not inflate.eof:
        raise SourceError("the body is truncated")
    return bytes(body)


async def _inflate(inflate: zlib._Decompress, chunk: bytes, body: bytearray, limit: int) -> None:
    """Add a chunk's bytes to the body, one more than ``limit`` at most."""
    while chunk and len(body) <= limit:
        if inflate.eof:
            # The library would keep such data, and copy them anew with every chunk.
            raise SourceError("data after the end of the compressed body")
        most = min(THREAD_BYTES, limit + 1 - len(body))
        try:
            if len(body) < THREAD_BYTES:
                body += inflate.decompress(chunk, most)
            else:
                body += await asyncio.to_thread(inflate.decompress, chunk, most)
        except zlib.error as error:
            raise SourceError("the compressed body is damaged") from error
        chunk = inflate.unused_data if inflate.eof else inflate.unconsumed_tail


def check_content(body: bytes, content_type: str, expected: Expected) -> None:
    """Raise SourceError for an empty body, and for a page where data were expected (a wall, a login)."""
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise SourceError("an empty body")
    if expected == "html":
        return
    if start.startswith(b"<") or "html" in content_type.lower():
        raise SourceError(f"an HTML page instead of {expected.upper()}")
