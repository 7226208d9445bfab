"""One request after another to one vendor: a least gap between them, and back-off when it refuses.

For downloads where only today's answer will do; ``feeds.http.client`` is for values that may be old.
"""

from __future__ import annotations

import asyncio
import logging
import random as _random
import time
from typing import TYPE_CHECKING, Self

import httpx
import msgspec

from feeds.clock import Pace, wall_ns
from feeds.errors import SourceAway, SourceError
from feeds.http.exchange import Failure, Request, exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from feeds.http.body import Expected
    from feeds.http.exchange import Reply

log = logging.getLogger(__name__)

TRIES = 4
WAIT_MAX_S = 15.0
"""A longer wait is the caller's business: it is told as SourceAway."""
LOST_IN_A_ROW = 3
"""So many requests without an answer of use, whatever they asked for: it is the vendor, not the symbol."""
BODY_MAX = 8 * 1024 * 1024
"""50 years of daily bars are 1.5 MB of JSON."""
_DEFINITE = frozenset({400, 404, 410, 422})
"""These answers concern what was asked for."""
_NOBODY = frozenset({401, 402, 403, 407, 451})
"""These concern who asks."""


class Body(msgspec.Struct, frozen=True):
    """What came."""

    data: bytes
    known_ns: int
    """The instant that it describes: when it was asked for, or earlier where a cache on the way kept it."""


class PacedClient:
    """An async context manager; one request at a time."""

    def __init__(
        self,
        name: str,
        *,
        gap_s: float,
        timeout_s: float = 20.0,
        total_s: float = 60.0,
        clock_ns: Callable[[], int] = wall_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        """``name``: the vendor's, for messages. ``gap_s``: least seconds from request to request."""
        self._name = name
        self._gap_s = gap_s
        self._total_s = total_s
        self._client = httpx.AsyncClient(timeout=timeout_s, max_redirects=3)
        self._clock_ns = clock_ns
        self._monotonic = monotonic
        self._sleep = sleep
        self._pace = Pace(random=random)
        self._free_s = 0.0
        self._lost = 0
        self._said, self._refused = "", False
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def get(
        self,
        url: str,
        params: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        expect: Expected = "json",
    ) -> Body:
        """Ask, and again where that helps. Raises SourceError, SourceAway where it concerns all symbols."""
        request = Request(httpx.URL(url, params=dict(params)), dict(headers or {}), expect)
        async with self._lock:
            left = TRIES
            while True:
                left -= 1
                await self._wait()
                asked_ns = self._clock_ns()
                try:
                    reply = await self._once(request)
                except Failure as failure:
                    self._judge(failure, left)
                    log.info("%s: %s; again", request.shown, failure)
                else:
                    self._pace.worked(self._name)
                    self._lost = 0
                    return Body(reply.body or b"", min(asked_ns, reply.confirmed_ns))

    async def _once(self, request: Request) -> Reply:
        return await exchange(
            self._client, request, total_s=self._total_s, body_max=BODY_MAX, clock_ns=self._clock_ns
        )

    async def _wait(self) -> None:
        now_s = self._monotonic()
        due_s = self._pace.wait_s(self._name, now_s)
        if due_s > WAIT_MAX_S:
            raise SourceAway(self._said, after_s=due_s, refused=self._refused)
        wait_s = max(due_s, self._free_s - now_s)
        if wait_s > 0:
            await self._sleep(wait_s)
        self._free_s = self._monotonic() + self._gap_s

    def _judge(self, failure: Failure, left: int) -> None:
        """Return where another try is worth it, else raise."""
        said = f"{self._name}: {failure}"
        if failure.status == 404:
            said = f"{self._name}: does not know it (HTTP 404)"
        if failure.status in _DEFINITE:
            self._pace.worked(self._name)
            self._lost = 0
            raise SourceError(said) from failure
        if failure.status in _NOBODY:
            raise SourceAway(said) from failure
        wait_s = self._pace.failed(self._name, self._monotonic(), failure.after_s)
        self._said, self._refused = said, failure.host_wide
        if failure.again and left and wait_s <= WAIT_MAX_S:
            return
        self._lost += 1
        out_of_reach = isinstance(failure.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
        if failure.host_wide or out_of_reach or self._lost >= LOST_IN_A_ROW:
            raise SourceAway(said, after_s=wait_s, refused=failure.host_wide) from failure
        raise SourceError(said) from failure
