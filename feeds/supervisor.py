"""The one task between feeds and market: drives every feed, publishes each Snapshot to its listeners."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING
from weakref import WeakSet

import msgspec

from feeds.base import Batch, FedNews, Rewind, Status
from rotation.snapshot import FeedHealth, Tape

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from feeds.base import Event, Feed
    from rotation.market import Market
    from rotation.snapshot import Snapshot

log = logging.getLogger(__name__)

TICK_S = 1.0
"""A live desk is told anew this often though nothing trades."""


class Listener:
    """The newest snapshot, for one reader. A slow reader misses snapshots; nothing queues up."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._ended = False

    def put(self, snapshot: Snapshot) -> None:
        """Replace what the reader has not seen yet."""
        self._snapshot = snapshot
        self._wake.set()

    def end(self) -> None:
        """Let the reader finish after the newest snapshot."""
        self._ended = True
        self._wake.set()

    def __aiter__(self) -> AsyncIterator[Snapshot]:
        return self

    async def __anext__(self) -> Snapshot:
        while self._snapshot is None:
            if self._ended:
                raise StopAsyncIteration
            await self._wake.wait()
            self._wake.clear()
        snapshot, self._snapshot = self._snapshot, None
        return snapshot


class Supervisor:
    """Owns a market and its feeds. Feeds that end are done; one that raises ends the run with its error."""

    def __init__(
        self,
        market: Market,
        feeds: Sequence[Feed],
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._market = market
        self._feeds = tuple(feeds)
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._listeners: WeakSet[Listener] = WeakSet()  # a reader that has gone is forgotten
        self._ended = False
        self._status = {feed.name: Status(feed.mode) for feed in feeds}
        self._quotes: Counter[str] = Counter()
        self._batches: Counter[str] = Counter()
        self._as_of_ns: int | None = None
        self.latest: Snapshot | None = None
        self.observer: Callable[[str, Event, int], None] | None = None
        """Told of every event (feed's name, event, as-of in ns) before the market is: for a recorder."""

    def listen(self) -> Listener:
        """A new reader; it gets the newest snapshot at once if there is one."""
        listener = Listener()
        if self.latest is not None:
            listener.put(self.latest)
        if self._ended:
            listener.end()
        self._listeners.add(listener)
        return listener

    async def run(self) -> None:
        """Publish what the feeds say until all have ended; without any, the settled state."""
        live = all(feed.tape() is None for feed in self._feeds)
        try:
            if not self._feeds:
                self._publish(self._market.apply((), as_of_ns=self._clock_ns()))
            async with asyncio.TaskGroup() as group:
                driven = [
                    group.create_task(self._drive(feed), name=f"feed {feed.name}") for feed in self._feeds
                ]
                if live and driven:
                    clock = group.create_task(self._tick(), name="clock")
                    await asyncio.wait(driven)
                    clock.cancel()
        finally:
            self._ended = True
            for listener in self._listeners:
                listener.end()

    async def _tick(self) -> None:
        """Time goes on where nothing trades: ages grow, what was fresh becomes stale."""
        while True:
            await self._sleep(TICK_S)
            as_of_ns = self._clock_ns()
            if self.observer is not None:
                self.observer("", Batch(()), as_of_ns)
            self._publish(self._market.apply((), as_of_ns=as_of_ns))

    async def _drive(self, feed: Feed) -> None:
        log.info("feed %s starts as %s", feed.name, feed.mode)
        async for event in feed.events():
            self._take(feed, event)
        log.info("feed %s has ended", feed.name)

    def _take(self, feed: Feed, event: Event) -> None:
        as_of_ns = self._time_of(event)
        if self.observer is not None and as_of_ns is not None:
            self.observer(feed.name, event, as_of_ns)
        if isinstance(event, Status):
            self._status[feed.name] = event
            log.info("feed %s: %s %s", feed.name, event.state, event.detail)
            self._tell(as_of_ns)
            return
        if isinstance(event, FedNews):
            self._market.take_fed(event.fed)
            self._tell(as_of_ns)
            return
        assert as_of_ns is not None  # only a status and news may come before a tape's first quotes
        self._as_of_ns = as_of_ns
        if isinstance(event, Rewind):
            self._market.restart(as_of_ns)
        if event.quotes or isinstance(event, Batch):
            self._quotes[feed.name] += len(event.quotes)
            self._batches[feed.name] += 1
        self._publish(self._market.apply(event.quotes, as_of_ns=as_of_ns))

    def _time_of(self, event: Event) -> int | None:
        """The event's own, else the tape's or the clock's; None for news before a tape's first quotes."""
        if event.as_of_ns is not None:
            return event.as_of_ns
        if self._tape() is not None and not isinstance(event, Batch | Rewind):
            return self._as_of_ns
        return self._clock_ns()

    def _tell(self, as_of_ns: int | None) -> None:
        """Show how a source is doing though no quote comes: that is when one wants to know."""
        if as_of_ns is not None:  # a tape's time is not known before its first quotes
            self._publish(self._market.apply((), as_of_ns=as_of_ns))

    def _publish(self, snapshot: Snapshot) -> None:
        self.latest = msgspec.structs.replace(
            snapshot,
            health=msgspec.structs.replace(snapshot.health, feeds=self._health(), tape=self._tape()),
        )
        for listener in self._listeners:
            listener.put(self.latest)

    def _health(self) -> tuple[FeedHealth, ...]:
        return tuple(
            FeedHealth(name, status.state, status.detail, self._quotes[name], self._batches[name])
            for name, status in self._status.items()
        )

    def _tape(self) -> Tape | None:
        return next((tape for feed in self._feeds if (tape := feed.tape())), None)
