"""Failover: several vendors as one stream, the best of those that answer in charge.

A vendor that refuses for good is left for good. One that is OFFLINE for OUTAGE_S is kept and tried on, while
the next one stands in; it takes over again once it has been well for HEALTHY_S. Only the vendor in charge is
passed on: what the others bring is dropped, and whoever takes over replaces the day's prints by its own bars.
Of the prints before, the closing auction stays, unless it was taken back or the new vendor brings its own.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from feeds.clock import Time
from feeds.events import Batch, ColumnBatch, PrintsCorrected, PrintsReplaced, Status, SymbolStates
from feeds.streaming import states
from rotation.columns import to_quotes
from rotation.quote import Role
from rotation.sessions import session_at
from rotation.status import Kind, Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from feeds.events import Event
    from feeds.http.cached import CachedClient
    from feeds.streaming.feed import StreamFeed
    from rotation.feed_stats import FeedStats
    from rotation.quote import Quote
    from rotation.status import Mode

log = logging.getLogger(__name__)

TICK_S = 1.0
OUTAGE_S = 60.0
"""A vendor may be OFFLINE for so long before the next one stands in."""
HEALTHY_S = 15.0
"""A better vendor must have been well for so long before it takes over again."""


class _Source:
    """One vendor's stream, and how it has been since ``since_s``, monotonic seconds."""

    def __init__(self, stream: StreamFeed, now_s: float) -> None:
        self.stream = stream
        self.is_well = False
        self.since_s = now_s
        self.status: Status | None = None
        self.symbol_states: SymbolStates | None = None
        self.pump: asyncio.Task[None] | None = None

    def on_status(self, status: Status, now_s: float) -> None:
        """Take in what the vendor says of itself."""
        self.status = status
        is_well = status.state is not Kind.OFFLINE and not isinstance(status.state, Refusal)
        if is_well != self.is_well:
            self.is_well, self.since_s = is_well, now_s

    @property
    def has_refused(self) -> bool:
        """Whether it has stopped connecting for good, and reported that."""
        refusal = self.stream.refusal
        return refusal is not None and self.status is not None and self.status.state == refusal.refusal

    def for_s(self, now_s: float, *, is_well: bool) -> float:
        """Seconds that it has been well, or not; 0 where it is the other way round."""
        return now_s - self.since_s if self.is_well is is_well else 0.0


class _Auctions:
    """The closing auctions that the consumer has: whoever takes over later may know them only in a bar."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, tuple[_Source | None, Quote]] = {}
        """The newest, and who brought it: a vendor's next stream does not know what its last one did. None:
        whoever was in charge before any of these vendors."""

    def keep(self, auctions: Iterable[Quote]) -> None:
        """The consumer has these already."""
        self._by_symbol = {quote.symbol: (None, quote) for quote in auctions} | self._by_symbol

    def take(self, source: _Source, event: Event, now_ns: int) -> Event:
        """The event as it is to be passed on: bars that replace another vendor's prints keep its auctions.

        A vendor that leaves out its own has taken it back.
        """
        match event:
            case Batch():
                self._keep(source, event.quotes)
            case ColumnBatch():
                self._keep(source, to_quotes(event.rows.filter(event.rows["role"] == Role.CLOSE.value)))
            case PrintsCorrected():
                for each in event.corrections:
                    self._drop(source, each.symbol)
            case PrintsReplaced():
                self._keep(source, event.quotes)
                lacking = event.symbols - {q.symbol for q in event.quotes if q.role == Role.CLOSE}
                for symbol in lacking:
                    self._drop(source, symbol)
                held = [self._by_symbol[symbol][1] for symbol in sorted(lacking & self._by_symbol.keys())]
                kept = [quote for quote in held if session_at(quote.ts_ns) == session_at(now_ns)]
                return msgspec.structs.replace(event, quotes=(*event.quotes, *kept))
            case _:
                pass
        return event

    def _keep(self, source: _Source, quotes: Iterable[Quote]) -> None:
        self._by_symbol |= {quote.symbol: (source, quote) for quote in quotes if quote.role == Role.CLOSE}

    def _drop(self, source: _Source, symbol: str) -> None:
        if symbol in self._by_symbol and self._by_symbol[symbol][0] is source:
            del self._by_symbol[symbol]


class Failover:
    """A ``feeds.events.Stream`` over several vendors; see the module."""

    def __init__(
        self,
        http: CachedClient,
        streams: Sequence[Callable[[], StreamFeed]],
        *,
        time: Time | None = None,
        why: str = "",
    ) -> None:
        """``streams``: best first, each made in its turn. ``http`` is theirs, closed at the end.

        ``why``: why they are tried in this order, in words, for the Health panel.
        """
        self._why = why
        self._http = http
        self._streams = list(streams)
        self._time = time or Time()
        self._refused: dict[int, tuple[str, Status]] = {}
        """By place in ``streams``: name and last status."""
        self._sources: dict[int, _Source] = {}
        self._place = 0
        self._last_shown: Status | None = None
        self._prints_of: int | None = None
        """Whose prints the consumer has."""
        self._auctions = _Auctions()
        self._queue: asyncio.Queue[tuple[int, Event] | None] = asyncio.Queue(1)
        self._current = self._make(0)

    @property
    def name(self) -> str:
        """The name of the vendor in charge."""
        return self._current.stream.name

    @property
    def mode(self) -> Mode:
        """LIVE or DELAYED."""
        return self._current.stream.mode

    @property
    def symbols(self) -> frozenset[str]:
        """Whose quotes it brings."""
        return self._current.stream.symbols

    def mode_of(self, symbol: str) -> Mode:
        """What the prices of this symbol are worth by design, by the vendor in charge."""
        return self._current.stream.mode_of(symbol)

    def stats(self) -> FeedStats:
        """Counters of the vendor in charge."""
        return self._current.stream.stats()

    @property
    def is_kept_out(self) -> bool:
        """Whether the vendor in charge waits for another session of the account to end."""
        return self._current.stream.is_kept_out

    def ask_now(self) -> tuple[str, ...]:
        """As the vendor in charge does it."""
        return self._current.stream.ask_now()

    def take_over(self, auctions: Iterable[Quote] = ()) -> None:
        """Have the vendor in charge replace what the consumer has of today by its own bars.

        ``auctions``: of those that the consumer has from elsewhere; they stay, as between vendors.
        """
        self._auctions.keep(auctions)
        self._current.stream.take_over()

    def tape(self) -> None:
        """None: it is live."""

    async def events(self) -> AsyncIterator[Event]:
        """Events of the vendor in charge; each Status also says why those before it are not."""
        await self._http.__aenter__()
        try:
            async for event in self._events():
                yield event
        except Exception:
            raise  # it is started again, and others may be using the transport
        except BaseException:
            await self._http.aclose()
            raise
        else:
            await self._http.aclose()

    async def _events(self) -> AsyncIterator[Event]:
        self._queue = asyncio.Queue(1)
        self._last_shown = None
        ticks = asyncio.create_task(self._tick(), name="failover")
        try:
            self._start(self._place)
            while True:
                item = await self._queue.get()
                if item is not None and item[0] == self._place:
                    event = item[1]
                    if isinstance(event, Batch | ColumnBatch | PrintsReplaced):
                        self._prints_of = self._place
                    has_none = isinstance(event, Batch) and not event.has_auction
                    if not isinstance(event, Status):
                        now_ns = self._time.clock_ns()
                        yield event if has_none else self._auctions.take(self._current, event, now_ns)
                    elif self._current.stream.refusal is None or self._next_best() is None:
                        status = self._shown()
                        if status is not None:
                            yield status
                if self._is_over():
                    return
                for event in await self._decide():
                    yield event
        finally:
            ticks.cancel()
            for place in tuple(self._sources):
                await self._stop(place)
            self._sources = {self._place: self._current}
            await asyncio.gather(ticks, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            await self._time.sleep(TICK_S)
            await self._queue.put(None)

    # The vendors

    def _make(self, place: int) -> _Source:
        source = self._sources[place] = _Source(self._streams[place](), self._time.monotonic())
        return source

    def _start(self, place: int) -> None:
        source = self._sources.get(place) or self._make(place)
        source.pump = asyncio.create_task(self._pump(place, source), name=f"failover {source.stream.name}")

    async def _pump(self, place: int, source: _Source) -> None:
        """Its events: to the consumer while it is in charge, who may be slow; else only noted."""
        async with aclosing(source.stream.events()) as events:
            async for event in events:
                if isinstance(event, Status):
                    source.on_status(event, self._time.monotonic())
                elif isinstance(event, SymbolStates):
                    source.symbol_states = event
                if place == self._place:
                    await self._queue.put((place, event))

    async def _stop(self, place: int) -> None:
        """It must have ended before another one begins: what was left must not go on behind it."""
        source = self._sources.pop(place)
        if source.pump is not None:
            source.pump.cancel()
            await asyncio.gather(source.pump, return_exceptions=True)
            source.pump = None

    def _is_over(self) -> bool:
        """Whether the vendor in charge has ended. Raises the error with which a vendor has."""
        for place, source in tuple(self._sources.items()):
            if source.pump is None or not source.pump.done() or source.pump.cancelled():
                continue
            error = source.pump.exception()
            if place == self._place:
                if error is not None:
                    raise error
                return self._queue.empty()
            log.error("feed: %s failed, switching to the next one", source.stream.name, exc_info=error)
            del self._sources[place]
            self._refused[place] = (source.stream.name, Status(Kind.OFFLINE, "internal error, see the log"))
        return False

    # Who is in charge

    async def _decide(self) -> list[Event]:
        """Put another vendor in charge where it is time; the events that say so."""
        place = self._place
        if self._current.has_refused and self._next_best() is not None:
            self._refused[place] = (self.name, self._current.status or Status(Kind.OFFLINE))
            await self._stop(place)
            return await self._put_in_charge(self._next_best())
        now_s = self._time.monotonic()
        for better in sorted(self._sources):
            source = self._sources[better]
            if better < place and source.has_refused:
                self._refused[better] = (source.stream.name, source.status or Status(Kind.OFFLINE))
                await self._stop(better)
            elif better < place and source.for_s(now_s, is_well=True) >= HEALTHY_S:
                return await self._put_in_charge(better)
        if self._current.for_s(now_s, is_well=False) >= OUTAGE_S and self._next_best() is not None:
            return await self._put_in_charge(self._next_best())
        status = self._shown()
        return [] if status is None else [status]

    def _next_best(self) -> int | None:
        """Which vendor should take over: one that is well, else one not tried yet; None where none is."""
        others = [place for place in range(len(self._streams)) if place not in {self._place, *self._refused}]
        well = [place for place in others if place in self._sources and self._sources[place].is_well]
        fresh = [place for place in others if place not in self._sources]
        return next(iter((*well, *fresh)), None)

    async def _put_in_charge(self, place: int | None) -> list[Event]:
        if place is None:
            return []
        before = self.name
        for worse in [other for other in self._sources if other > place]:
            await self._stop(worse)
        is_running = place in self._sources
        self._place = place
        self._current = self._sources.get(place) or self._make(place)
        log.warning("feed: continuing with %s instead of %s", self.name, before)
        if self._prints_of not in {None, place}:
            self._current.stream.take_over()
        if not is_running:
            self._start(place)
            return []
        status = self._shown()
        return [event for event in (self._current.symbol_states, status) if event is not None]

    # To the consumer

    def _shown(self) -> Status | None:
        """The status of the vendor in charge, and why those before it are not; None where it is unchanged."""
        if self._current.status is None:
            return None
        others = dict(self._refused)
        for place, source in self._sources.items():
            if place < self._place and source.status is not None:
                others[place] = (source.stream.name, source.status)
        status = states.after_refusals(
            self._current.status, [others[place] for place in sorted(others)], self._why
        )
        if status == self._last_shown:
            return None
        self._last_shown = status
        return status
