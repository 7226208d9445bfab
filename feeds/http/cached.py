"""The HTTP client for sources whose last good answer is still worth showing, with its age.

``get`` never raises for what a network or a source does: it returns the last good value and says what
failed. Retry, pace and limits are the client's (``feeds.http.client``).
"""

from __future__ import annotations

import asyncio
import logging
import random as _random
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

import httpx
import msgspec

from feeds.clock import Pace, wall_ns
from feeds.errors import SourceError
from feeds.http.client import MIB, TRIES, Closing, HttpClient, Limits, off_loop, parse_body
from feeds.http.exchange import Reply, Request
from feeds.http.failure import RequestError
from feeds.http.fetched import Fetched
from feeds.http.last_good import LastGood, LastGoodFolder
from rotation.quote import NS
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from pathlib import Path

    from feeds.http.body import Expected

T = TypeVar("T")
log = logging.getLogger(__name__)

KEYS_MAX = 128
FRESH_S = 60.0
TOUCH_NS = 300 * 10**9
"""An unchanged answer is written again only when the disk's copy is this much older."""
OLDER_NS = 60 * 10**9
"""Another answer made this long before the one held comes from an old cache."""


class CachedClient(Closing):
    """Shared by all sources of a feed; an async context manager, for one event loop."""

    def __init__(
        self,
        cache: Path | None = None,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        body_max: int = 4 * MIB,
        tries: int = TRIES,
        clock_ns: Callable[[], int] = wall_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = _random.random,
        refusals: Pace | None = None,
        once: bool = False,
    ) -> None:
        """``cache``: folder of the last good answers (None: memory only). The limits: see Limits.

        ``refusals``: see HttpClient. ``once``: whoever asks does not come back, and is told of no next try.
        """
        self._once = once
        self.client = HttpClient(
            Limits(tries=tries, timeout_s=timeout_s, total_s=total_s, body_max=body_max),
            clock_ns=clock_ns,
            monotonic=monotonic,
            sleep=sleep,
            random=random,
            refusals=refusals,
        )
        """For answers that count only if they are current."""
        self._disk = LastGoodFolder(cache, limit=body_max) if cache else None
        self._clock_ns = clock_ns
        self._held: OrderedDict[str, LastGood] = OrderedDict()
        self._written_ns: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        return self

    async def aclose(self) -> None:
        """Close all connections."""
        await self.client.aclose()

    async def get(
        self,
        url: str,
        *,
        parse: Callable[[bytes], T],
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        passing: Collection[str] = (),
        expect: Expected = "json",
        fresh_s: float = FRESH_S,
        reuse_s: float = 0.0,
    ) -> Fetched[T]:
        """Ask, and return the newest value there is.

        ``parse`` raises SourceError for a body that cannot be used: the last good one stays.
        ``passing``: parameters that move with the clock or hold a key; without them the question is the
        same, so the last good answer to it is too. A value older than ``fresh_s`` seconds is STALE.
        Nobody is asked where the source confirmed the last good answer less than ``reuse_s`` seconds ago.
        """
        address = httpx.URL(url, params=dict(params)) if params else httpx.URL(url)
        request = Request(address, dict(headers or {}), expect)
        key = request.key_without(frozenset(passing))
        error = ""
        async with self._locks.setdefault(key, asyncio.Lock()):
            kept = await self._recall(key, request, parse)
            try:
                if kept is None or not 0 <= self._clock_ns() - kept[0].confirmed_ns < reuse_s * NS:
                    kept = await self._ask(key, request, parse, kept)
            except RequestError as failure:
                error = str(failure) if self._once else failure.with_next_try()
                # Of many requests to a source that is down one line is enough.
                log.log(logging.WARNING if failure.asked else logging.DEBUG, "%s: %s", request.shown, error)
        self._forget_oldest()
        return self._fetched(kept, error, fresh_s)

    async def _ask(
        self, key: str, request: Request, parse: Callable[[bytes], T], kept: tuple[LastGood, T] | None
    ) -> tuple[LastGood, T]:
        """The client's answer, kept. Raises RequestError."""
        held = kept[0] if kept else None
        if held is not None and held.url_sha == request.sha:  # an ETag holds for one address only
            request = msgspec.structs.replace(request, etag=held.etag, last_modified=held.last_modified)

        def use(reply: Reply) -> T:
            if reply.body is None:
                assert kept is not None, "validators are sent only with a held answer"
                return kept[1]
            if held is not None and reply.body != held.body and self._is_older(reply, held):
                raise RequestError("an older answer than the one held")
            return parse_body(parse, reply.body)

        reply, value = await self.client.fetch(request, use)
        return await self._keep(key, request, reply, held), value

    def _is_older(self, reply: Reply, held: LastGood) -> bool:
        # A clock that was once ahead must not lock new answers out.
        return reply.confirmed_ns < min(held.confirmed_ns, self._clock_ns()) - OLDER_NS

    async def _keep(self, key: str, request: Request, reply: Reply, held: LastGood | None) -> LastGood:
        """Hold this answer, and write it down when its bytes are new or the disk's copy looks old."""
        unchanged = held if held is not None and reply.body in {None, held.body} else None
        if unchanged is not None:
            kept = msgspec.structs.replace(
                unchanged,
                url_sha=request.sha,
                confirmed_ns=reply.confirmed_ns,
                etag=reply.etag or (request.etag if reply.body is None else ""),
                last_modified=reply.last_modified or (request.last_modified if reply.body is None else ""),
            )
        else:
            made_ns = reply.confirmed_ns
            body = reply.body or b""
            kept = LastGood(
                request.origin, request.sha, body, made_ns, made_ns, reply.etag, reply.last_modified
            )
        self._held[key] = kept
        self._held.move_to_end(key)
        if self._disk is not None:
            written_ns = self._written_ns.get(key, 0) if unchanged is not None else 0
            if kept.confirmed_ns - written_ns > TOUCH_NS:
                self._written_ns[key] = kept.confirmed_ns
                await asyncio.to_thread(self._disk.write, key, kept)
        return kept

    async def _recall(
        self, key: str, request: Request, parse: Callable[[bytes], T]
    ) -> tuple[LastGood, T] | None:
        """The last good answer to this question, from memory or disk, parsed again."""
        held = self._held.get(key)
        if held is None and self._disk is not None:
            held = await asyncio.to_thread(self._disk.read, key)
        if held is None or held.origin != request.origin:
            return None
        try:
            value = await off_loop(partial(parse_body, parse), held.body, len(held.body))
        except SourceError:
            return None
        self._held[key] = held
        return held, value

    def _forget_oldest(self) -> None:
        while len(self._held) > KEYS_MAX:
            key, _ = self._held.popitem(last=False)
            self._written_ns.pop(key, None)
        if len(self._locks) > 2 * KEYS_MAX:
            self._locks = {key: lock for key, lock in self._locks.items() if lock.locked()}

    def _fetched(self, kept: tuple[LastGood, T] | None, error: str, fresh_s: float) -> Fetched[T]:
        if kept is None:
            return Fetched(None, None, None, None, Kind.OFFLINE, error)
        held, value = kept
        age_s = max(self._clock_ns() - held.confirmed_ns, 0) / 1e9
        kind = Kind.LIVE if age_s <= fresh_s else Kind.STALE
        return Fetched(value, held.confirmed_ns, held.changed_ns, age_s, kind, error)
