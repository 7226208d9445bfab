"""One HTTP client for every REST source.

``get`` never raises for what a network or a source does: it returns the last good value with its age
and says what failed. Nothing that is logged or reported holds a query, a header or a body.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random as _random
import time
from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import httpx
import msgspec

from feeds.clock import Pace, wall_ns
from feeds.errors import SourceError
from feeds.http.exchange import Failure, Request, exchange
from feeds.http.last_good import KEY, LastGood, LastGoodFolder
from rotation.text import duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from feeds.http.body import Expected
    from feeds.http.exchange import Reply

T = TypeVar("T")
log = logging.getLogger(__name__)

BODY_MAX = 4 * 1024 * 1024
KEYS_MAX = 128
TRIES = 3
WAIT_MAX_S = 15.0
"""A longer wait is not slept through: the call returns what there is; until then nothing is asked."""
FRESH_S = 60.0
TOUCH_NS = 300 * 10**9
"""An unchanged answer is written again only when the disk's copy is this much older."""
OLDER_NS = 60 * 10**9
"""Another answer made this long before the one held comes from an old cache."""


class Fetched(msgspec.Struct, Generic[T], frozen=True):
    """What a source gave: the value, how old it is, and what failed in this call."""

    value: T | None
    fetched_at_ns: int | None
    """When the source last confirmed the value; None when there has never been one."""
    changed_at_ns: int | None
    """When its bytes were first seen."""
    age_s: float | None
    state: str
    """LIVE, STALE 42s or OFFLINE."""
    error: str = ""
    """What failed, and when the next try is due; empty when nothing did."""


class Transport:
    """Shared by all REST sources; an async context manager, for one event loop."""

    def __init__(
        self,
        cache: Path | None = None,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        body_max: int = BODY_MAX,
        tries: int = TRIES,
        clock_ns: Callable[[], int] = wall_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        """``cache``: folder of the last good answers (None: memory only).

        ``timeout_s`` bounds each wait for the peer, ``total_s`` a whole try, however slowly it drips.
        ``tries``: of one call, where another may help.
        """
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=4),
            max_redirects=3,
        )
        self._disk = LastGoodFolder(cache, limit=body_max) if cache else None
        self._total_s = total_s
        self._body_max = body_max
        self._tries = tries
        self._clock_ns = clock_ns
        self._monotonic = monotonic
        self._sleep = sleep
        self._pace = Pace(random=random)
        self._held: OrderedDict[str, LastGood] = OrderedDict()
        self._written_ns: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(
        self,
        url: str,
        *,
        parse: Callable[[bytes], T],
        key: str = "",
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Expected = "json",
        fresh_s: float = FRESH_S,
        seen: Callable[[int, Mapping[str, str]], None] | None = None,
    ) -> Fetched[T]:
        """Ask, try again where that helps, and return the newest value there is.

        ``parse`` raises SourceError for a body that cannot be used: the last good one stays.
        ``key`` names the answer in the cache (default: from the address). A value older than
        ``fresh_s`` seconds is STALE. ``seen`` is told the status and the headers of every answer, for
        sources whose headers say how often they may be asked.
        """
        full = httpx.URL(url, params=dict(params)) if params else httpx.URL(url)
        key = key or f"url-{sha256(str(full).encode()).hexdigest()[:24]}"
        if not KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a key")
        request = Request(full, dict(headers or {}), expect, seen=seen)
        error = ""
        async with self._locks.setdefault(key, asyncio.Lock()):
            kept = await self._recall(key, request, parse)
            try:
                kept = await self._ask(key, request, parse, kept)
            except Failure as failure:
                error = str(failure)
                # Of many requests to a source that is down one tells enough.
                level = logging.WARNING if failure.tried else logging.DEBUG
                log.log(level, "%s: %s", request.shown, error)
        self._forget_oldest()
        return self._fetched(kept, error, fresh_s)

    async def _ask(
        self, key: str, request: Request, parse: Callable[[bytes], T], kept: tuple[LastGood, T] | None
    ) -> tuple[LastGood, T]:
        """Try until it works or waiting is not worth it; raises Failure."""
        names = (request.origin, key)
        due_s = max(self._pace.wait_s(name, self._monotonic()) for name in names)
        if due_s > 0:
            raise Failure(f"not asked: the next try is due in {_whole(due_s)}", tried=False)
        left = self._tries
        while True:
            left -= 1
            try:
                answer = await self._once(key, request, parse, kept)
            except Failure as failure:
                # A host that cannot be reached is not asked for the next thing at once either.
                name = request.origin if failure.host_wide or failure.unreachable else key
                wait_s = self._pace.failed(name, self._monotonic(), failure.after_s)
                if not failure.again or not left or wait_s > WAIT_MAX_S:
                    raise Failure(f"{failure}; next try in {_whole(wait_s)}") from failure
                log.info("%s: %s; again in %.1f s", request.shown, failure, wait_s)
            else:
                for name in names:
                    self._pace.worked(name)
                return answer
            await self._sleep(wait_s)

    async def _once(
        self, key: str, request: Request, parse: Callable[[bytes], T], kept: tuple[LastGood, T] | None
    ) -> tuple[LastGood, T]:
        """One exchange and its parse: an answer of no use is a failed one. Raises Failure."""
        held = kept[0] if kept else None
        if held is not None and held.url_sha == request.sha:  # an ETag holds for one address only
            request = msgspec.structs.replace(request, etag=held.etag, last_modified=held.last_modified)
        reply = await exchange(
            self._client,
            request,
            total_s=self._total_s,
            body_max=self._body_max,
            clock_ns=self._clock_ns,
        )
        if reply.body is None and kept is not None:
            return await self._keep(key, request, reply, kept[0]), kept[1]
        if reply.body is None:
            raise Failure("unchanged, though there was nothing to change")
        if held is not None and reply.body != held.body and self._is_older(reply, held):
            raise Failure("an older answer than the one held")
        try:
            value = parse(reply.body)
        except (ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise Failure(_why(error)) from error
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
        """The last good answer of this source, from memory or disk, parsed again."""
        held = self._held.get(key)
        if held is None and self._disk is not None:
            held = await asyncio.to_thread(self._disk.read, key)
        if held is None or held.origin != request.origin:
            return None
        try:
            value = parse(held.body)
        except (ValueError, msgspec.MsgspecError, RecursionError):
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
            return Fetched(None, None, None, None, "OFFLINE", error)
        held, value = kept
        age_s = max(self._clock_ns() - held.confirmed_ns, 0) / 1e9
        state = "LIVE" if age_s <= fresh_s else f"STALE {duration(age_s)}"
        return Fetched(value, held.confirmed_ns, held.changed_ns, age_s, state, error)


def dated(fetched: Fetched[T], data_ns: int, *, now_ns: int, fresh_s: float) -> Fetched[T]:
    """The same, marked STALE when what it says is itself old: a source may confirm last month's page."""
    age_s = max(now_ns - data_ns, 0) / 1e9
    if fetched.value is None or age_s <= fresh_s:
        return fetched
    return msgspec.structs.replace(fetched, state=f"STALE {duration(age_s)}")


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, SourceError) else "the answer cannot be understood"


def _whole(seconds: float) -> str:
    return duration(math.ceil(seconds)) if seconds >= 1 else "under 1s"
