"""StreamFeed: any streaming vendor as a feed. The tasks around a StreamState, which takes all decisions."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from feeds.clock import Time
from feeds.errors import PartialAnswer, SourceError
from feeds.refresh import Alarm
from feeds.streaming import wording
from feeds.streaming.connection import Connection
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.requests import Answer, Purpose
from feeds.streaming.state import CANARIES, StreamState
from feeds.streaming.vendor import ModesBySymbol, newest_of, reference_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

    from feeds.events import Event
    from feeds.streaming.members.prints import MemberPrints
    from feeds.streaming.requests import Reference, Request
    from feeds.streaming.vendor import Vendor, VendorError
    from feeds.streaming.watch.hours import Hours
    from rotation.feed_stats import FeedStats
    from rotation.quote import Quote
    from rotation.status import Mode

log = logging.getLogger(__name__)

TICK_S = 1.0
PACE_S = 0.04
"""A desk's pace: everything that arrives within it is one batch, one pass over the figures, one Snapshot."""


class StreamFeed:
    """Live quotes of the symbols: a ``feeds.events.Stream``.

    ``events`` runs until cancelled, or until ``until_ns``; after a final refusal it connects no more and
    its state stays.
    """

    def __init__(
        self,
        vendor: Vendor,
        symbols: Iterable[str],
        *,
        hours: Hours | None = None,
        canaries: frozenset[str] = CANARIES,
        closes: Mapping[str, float] | None = None,
        on_corrected_close: Callable[[str], None] = lambda _: None,
        until_ns: int | None = None,
        time: Time | None = None,
        pace_s: float = 0.0,
        members: MemberPrints | None = None,
    ) -> None:
        """``symbols`` in order of importance: a vendor's limit cuts the last ones off.

        ``closes``: reference closes, against which the first prints are judged. ``hours``: US equities'.
        ``on_corrected_close`` is given each symbol whose settled close the vendor may have corrected.
        ``until_ns``: when the symbols expire, UTC nanoseconds; None where they do not.
        ``pace_s``: seconds between looks at what has come, at least (``PACE_S``); 0 to look at once.
        ``members``: given the members of indices that the vendor brings on the same connection, if it does.
        """
        ordered = list(dict.fromkeys(symbols))
        self.name = vendor.name
        self.mode = vendor.mode
        self.vendor = vendor
        self.symbols = frozenset(ordered)
        self._modes = vendor if isinstance(vendor, ModesBySymbol) else None
        self._on_corrected_close = on_corrected_close
        self._until_ns = until_ns
        self._time = time or Time()
        self.state = StreamState(
            vendor,
            ordered,
            self._time.now(),
            hours=hours,
            canaries=canaries,
            closes=closes,
            random=self._time.random,
            members=members,
        )
        self._connection = Connection(vendor, self.state, self._time, changed=self._changed, pace_s=pace_s)
        self._fetches: dict[Request, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._retry = Alarm(self._time.sleep)
        self._wake = asyncio.Event()

    @property
    def refusal(self) -> VendorError | None:
        """The vendor's final no, once the Status that says so has been yielded; None before."""
        return self.state.refusal

    @property
    def is_kept_out(self) -> bool:
        """Whether the vendor lets nobody in until another session of the account has ended."""
        return self.state.session.is_kept_out

    @property
    def last(self) -> Mapping[str, Quote]:
        """The newest quote of each symbol by event time."""
        return self.state.filter.last

    def tape(self) -> None:
        """None: it is live."""

    def mode_of(self, symbol: str) -> Mode:
        """What the prices of this symbol are worth by design."""
        return self.mode if self._modes is None else self._modes.mode_of(symbol)

    def stats(self) -> FeedStats:
        """What has been counted until now."""
        return self.state.report.stats(self._time.now())

    def take_over(self, auctions: Iterable[Quote] = ()) -> None:
        """Replace what the consumer has of today by this vendor's bars, as soon as they can be had.

        ``auctions`` are a Failover's to keep.
        """
        del auctions
        self.state.on_take_over(self._time.now())
        self._wake.set()

    def ask_now(self) -> tuple[str, ...]:
        """Connect now, unless the vendor wants us to wait; else compare with a snapshot by REST."""
        if self._retry.is_waiting and not self.state.session.must_wait:
            self._retry.ring()
            return (self.name,)
        return (self.name,) if self.state.compare_now(self._time.now()) else ()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Quotes, states, gaps and corrections, as soon as there are any; one call at a time.

        After an error it may be called again: what is known of the day is kept, the time between is a gap.
        """
        run = asyncio.create_task(self._run(), name=f"stream {self.name}")
        try:
            while True:
                for event in self.state.take_events():
                    yield event
                if run.done():
                    run.result()
                    return
                if self._is_expired():
                    return
                await self._wake.wait()
                self._wake.clear()
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            self.state.on_left()

    async def _run(self) -> None:
        """All tasks of the stream. The first error of any of them ends the others, and is raised."""
        self._forget_broken()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._stay_connected(), name=f"connection {self.name}")
                group.create_task(self._tick(), name=f"tick {self.name}")
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        finally:
            self._wake.set()

    def _forget_broken(self) -> None:
        """What a run that ended with an error has left behind: a connection, and requests without answer."""
        now = self._time.now()
        if self.state.session.is_open:
            self.state.on_lost(Reason(Why.INTERNAL), now)
        self._fetches.clear()
        self._group = None
        self.state.forget_requests(now)

    async def _stay_connected(self) -> None:
        """One connection after another, until the vendor refuses for good."""
        while True:
            self.state.on_connecting(self._time.now())
            ended = await self._connection.run()
            self.state.on_lost(ended.reason, self._time.now(), floor_s=ended.floor_s)
            self._changed()
            session = self.state.session
            log.warning("%s: %s", self.name, wording.of_retry(session.reason, session.retry_s))
            if session.retry_s is None:
                return
            await self._retry.wait(session.retry_s)

    async def _tick(self) -> None:
        while True:
            await self._time.sleep(TICK_S)
            await self._connection.tick()
            if self._is_expired():
                self._wake.set()

    def _is_expired(self) -> bool:
        return self._until_ns is not None and self._time.clock_ns() >= self._until_ns

    def _changed(self, *, is_part: bool = False) -> None:
        """Carry out what the state asks for after an input; events of a part wait for the rest of it."""
        for symbol in self.state.take_closes():
            self._on_corrected_close(symbol)
        for request in [request for request in self._fetches if not self.state.requests.awaits(request)]:
            self._fetches.pop(request).cancel()
        for request in self.state.requests.take():
            assert self._group is not None
            fetch = self._fetch(request)
            self._fetches[request] = self._group.create_task(fetch, name=f"fetch {self.name}")
        if self.state.has_events and not is_part:
            self._wake.set()

    async def _fetch(self, request: Request) -> None:
        bars: tuple[Quote, ...] = ()
        newest: tuple[Quote, ...] = ()
        reference: Reference | None = None
        error = ""
        lacking: frozenset[str] = frozenset()
        try:
            if request.session is not None:
                reference = await reference_of(self.vendor, request.symbols, request.session)
            if request.wants_bars:
                try:
                    bars = await self.vendor.backfill(request.symbols, request.start_ns, request.end_ns)
                except PartialAnswer as failure:
                    bars, lacking, error = failure.quotes, failure.lacking, str(failure)
            if request.wants_newest:
                anew = request.purpose is Purpose.CONFIRM
                newest = await newest_of(self.vendor, request.symbols, anew=anew)
        except SourceError as failure:
            error, lacking = str(failure), frozenset()
            log.warning("%s: %s request failed: %s", self.name, request.purpose.name.lower(), error)
        self._fetches.pop(request, None)
        self.state.on_answer(request, Answer(bars, newest, error, lacking, reference), self._time.now())
        self._changed()
