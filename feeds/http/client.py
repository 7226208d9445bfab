"""The HTTP client of every REST source: the only place that retries, paces, backs off and keeps quotas.

Nothing that is logged or reported holds a query, a header or a body.
"""

from __future__ import annotations

import asyncio
import logging
import random as _random
import time
from contextlib import AsyncExitStack
from functools import cache
from typing import TYPE_CHECKING, Self, TypeVar

import httpx
import msgspec

from feeds.clock import Pace, wall_ns
from feeds.errors import SourceError
from feeds.http.body import THREAD_BYTES
from feeds.http.exchange import Reply, Request, exchange, user_agent
from feeds.http.failure import ABOUT_THE_REQUEST, RequestError
from feeds.http.quota import MARGIN_S, WINDOW_S, Quota

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

A = TypeVar("A")
T = TypeVar("T")
log = logging.getLogger(__name__)

TRIES = 3
WAIT_MAX_S = 15.0
"""A longer wait is not slept through: the call fails and says when the next try is due."""
_TOO_MANY = 429
MIB = 1024 * 1024
LOST_IN_A_ROW = 3
"""So many requests in a row without an answer of use, whatever they asked for: it is the source."""


class Limits(msgspec.Struct, frozen=True):
    """How a source is asked."""

    tries: int = TRIES
    """Attempts of one call, if another may help."""
    timeout_s: float = 10.0
    """Bounds each wait for the peer."""
    total_s: float = 30.0
    """Bounds a whole try, however slowly it drips."""
    body_max: int = 4 * MIB
    """Bytes, decompressed."""
    gap_s: float = 0.0
    """Least seconds from one request to the next; above 0, one request at a time."""
    wait_due_s: float = 0.0
    """A call that comes too early after a failure waits so long at most, else it is not sent."""


def download_limits(gap_s: float) -> Limits:
    """For downloads of many symbols from one source, where only today's answer will do."""
    # 50 years of daily bars are 1.5 MB of JSON.
    return Limits(tries=4, timeout_s=20.0, total_s=60.0, body_max=8 * MIB, gap_s=gap_s, wait_due_s=WAIT_MAX_S)


class Closing:
    """Connections that are closed at the end of ``async with``."""

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        raise NotImplementedError


class HttpClient(Closing):
    """An async context manager, for one event loop. Failures are counted by source and by request."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        clock_ns: Callable[[], int] = wall_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = _random.random,
        refusals: Pace | None = None,
    ) -> None:
        """``refusals``: by source, when it may be asked again after a 429; shared by clients of one clock.

        Raises InputError for a User-Agent that is not a valid header.
        """
        self._refusals = refusals or Pace(random=random)
        self.limits = limits or Limits()
        user_agent()  # a wrong one is refused here, where a person sees it
        self._client = self._opened()
        self._clock_ns = clock_ns
        self._monotonic = monotonic
        self._sleep = sleep
        self._pace = Pace(random=random)
        self._last: dict[str, RequestError] = {}
        """The last failure by origin, until it answers again."""
        self._lost: dict[str, int] = {}
        """Requests in a row without an answer of use, by origin."""
        self._quotas: dict[str, Quota] = {}
        self._free_s = 0.0
        self._turn = asyncio.Lock()

    def _opened(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=_tls(),
            timeout=httpx.Timeout(self.limits.timeout_s, connect=min(self.limits.timeout_s, 5.0)),
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=4),
        )

    async def __aenter__(self) -> Self:
        if self._client.is_closed:  # its feed ended with an error, and is started again
            self._client = self._opened()
        return self

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(
        self,
        url: str,
        *,
        parse: Callable[[bytes], T],
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        reserve: int | None = None,
    ) -> T:
        """The parsed JSON of this address as it is now; ``reserve``: see Request.

        Raises RequestError; a body for which ``parse`` raises SourceError is a failed try too.
        """
        address = httpx.URL(url, params=dict(params)) if params else httpx.URL(url)
        _, value = await self.fetch(
            Request(address, dict(headers or {}), reserve=reserve),
            lambda reply: parse_body(parse, reply.body or b""),
        )
        return value

    async def fetch(self, request: Request, use: Callable[[Reply], T]) -> tuple[Reply, T]:
        """Ask, and again where that helps; ``use`` makes a value of the answer. Raises RequestError.

        ``use`` raises RequestError for an answer that is of no use: that counts against the request.
        """
        async with AsyncExitStack() as stack:
            if self.limits.gap_s:
                await stack.enter_async_context(self._turn)
            request = self._better(request)
            wait_s = self._due_s(request)
            left = self.limits.tries
            # A source that has been away is asked once: the caller has waited, not this client.
            if self._lost.get(request.origin, 0) and self._is_away(request.origin):
                left = 1
            while True:
                await self._wait(request, wait_s)
                left -= 1
                try:
                    reply = await self._exchange(request)
                    value = await off_loop(use, reply, len(reply.body or b""))
                except RequestError as failure:
                    wait_s = self._count(request, failure)
                    if not failure.retryable or not left or wait_s > self._longest_s(request):
                        self._give_up(request, failure)
                        log.info("%s: %s", request.shown, failure)
                        raise
                    twin = None if failure.host_wide else request.twin()
                    if twin is not None:
                        request, wait_s = twin, self._pace.wait_s(twin.origin, self._monotonic())
                    log.info("%s: %s; again in %.1f s", request.shown, failure, wait_s)
                else:
                    self._worked(request)
                    return reply, value

    async def _exchange(self, request: Request) -> Reply:
        def note(status: int, headers: Mapping[str, str]) -> None:
            if request.reserve is not None:
                self._quotas.setdefault(request.origin, Quota()).note(status, headers, self._clock_ns())

        return await exchange(
            self._client,
            request,
            total_s=self.limits.total_s,
            body_max=self.limits.body_max,
            clock_ns=self._clock_ns,
            on_answer=note,
        )

    def _better(self, request: Request) -> Request:
        """The source's other address where this one is backing off and that one is not."""
        twin, now_s = request.twin(), self._monotonic()
        if twin is None or not self._pace.wait_s(request.origin, now_s):
            return request
        return request if self._pace.wait_s(twin.origin, now_s) else twin

    def _due_s(self, request: Request) -> float:
        """Seconds to wait out before this call's first try. Raises RequestError where they are too many."""
        now_s = self._monotonic()
        due_s = max(self._pace.wait_s(name, now_s) for name in (request.origin, request.key))
        refused_s = self._refusals.wait_s(request.group, now_s) if request.group else 0.0
        due_s = max(due_s, refused_s)
        if due_s <= self.limits.wait_due_s:
            return due_s
        last = self._last.get(request.origin)
        if last is None and refused_s:
            last = RequestError("HTTP 429", status=429, host_wide=True)  # another client has been told so
        raise RequestError(
            str(last) if last is not None else "the last request failed",
            status=last.status if last is not None else None,
            host_wide=last is not None and last.host_wide,
            asked=False,
            next_try_s=due_s,
        )

    def _longest_s(self, request: Request) -> float:
        """The longest wait between two tries of a call: a stated quota is back within its minute."""
        return WAIT_MAX_S if request.reserve is None else WINDOW_S + MARGIN_S

    async def _wait(self, request: Request, wait_s: float) -> None:
        if request.reserve is not None and request.origin in self._quotas:
            quota_s = self._quotas[request.origin].wait_s(self._clock_ns(), request.reserve)
            wait_s = max(wait_s, quota_s)
        if self.limits.gap_s:
            wait_s = max(wait_s, self._free_s - self._monotonic())
        if wait_s > 0:
            await self._sleep(wait_s)
        self._free_s = self._monotonic() + self.limits.gap_s

    def _count(self, request: Request, failure: RequestError) -> float:
        """Note a failed try where it belongs; returns the seconds to the next one."""
        by_source = failure.host_wide or failure.unreachable
        if self.limits.gap_s and failure.status not in ABOUT_THE_REQUEST:
            by_source = True  # a download asks for something else next, and of the same source
        name = request.origin if by_source else request.key
        failure.next_try_s = self._pace.failed(name, self._monotonic(), failure.retry_after_s)
        if request.group and failure.status == _TOO_MANY:
            refused_s = self._refusals.failed(request.group, self._monotonic(), failure.retry_after_s)
            failure.next_try_s = max(failure.next_try_s, refused_s)
        return failure.next_try_s

    def _give_up(self, request: Request, failure: RequestError) -> None:
        if failure.status in ABOUT_THE_REQUEST:
            self._pace.worked(request.origin)
            self._lost.pop(request.origin, None)
            return
        lost = self._lost.get(request.origin, 0) + 1
        self._lost[request.origin] = lost
        failure.in_a_row = lost >= LOST_IN_A_ROW
        self._last[request.origin] = failure

    def _is_away(self, origin: str) -> bool:
        last = self._last.get(origin)
        return self.limits.gap_s > 0 and last is not None and last.is_away

    def _worked(self, request: Request) -> None:
        for name in (request.origin, request.key):
            self._pace.worked(name)
        if request.group:
            self._refusals.worked(request.group)
        self._lost.pop(request.origin, None)
        self._last.pop(request.origin, None)


@cache
def _tls() -> ssl.SSLContext:
    """The trusted certificates, read once: every client would read them again, 30 ms of the loop each."""
    return httpx.create_ssl_context()


async def off_loop(work: Callable[[A], T], given: A, size: int) -> T:
    """``work(given)``, in another thread where a body of this many bytes would hold up the loop.

    A client has at most eight connections, so no more threads than that are ever busy.
    """
    return work(given) if size <= THREAD_BYTES else await asyncio.to_thread(work, given)


def parse_body(parse: Callable[[bytes], T], body: bytes) -> T:
    """The body's value. Raises RequestError, in our own words, for one that cannot be used."""
    try:
        return parse(body)
    except SourceError as error:
        raise RequestError(str(error)) from error
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise RequestError("the answer cannot be parsed") from error
