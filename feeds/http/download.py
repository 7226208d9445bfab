"""One answer of a download, or the error that says whether the source is away or the symbol unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.http.failure import RequestError, source_error

if TYPE_CHECKING:
    from feeds.http.client import HttpClient
    from feeds.http.exchange import Request


class Body(msgspec.Struct, frozen=True):
    """An answer's body."""

    data: bytes
    known_ns: int
    """The instant that it describes, UTC ns: see Reply.known_ns."""


async def download(client: HttpClient, request: Request, source: str) -> Body:
    """Ask for this. Raises SourceError, and SourceAway where it concerns every symbol of ``source``."""
    try:
        reply, data = await client.fetch(request, lambda reply: reply.body or b"")
    except RequestError as failure:
        raise source_error(source, failure) from failure
    return Body(data, reply.known_ns)
