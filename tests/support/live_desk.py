"""A live desk in time that a test moves: one vendor's server, settled history, a supervisor over both."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import polars as pl

from feeds.desk.change.cast import Cast, feeds_of
from feeds.desk.live import Shared, lineup
from feeds.history.updater import HistoryUpdater
from feeds.streaming.feed import StreamFeed
from feeds.supervisor import Supervisor
from rotation.history import History
from rotation.market.market import Market
from rotation.sessions import last_closed, sessions_between
from rotation.status import CONSOLIDATED, Mode
from tests.support.fake_time import NOW_NS, FakeTime, assert_no_tasks_beyond, at_once, driven, settle
from tests.support.fault_table import FIRST, Exchange
from tests.support.subjects import SYMBOLS, Subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from feeds.clock import Time
    from feeds.events import Feed
    from feeds.history.store import HistoryStore
    from feeds.streaming.requests import Reference
    from rotation.desk import Desk
    from rotation.snapshot import FeedHealth, Leg


def feeds_at_start(
    desk: Desk, history: History, store: HistoryStore | None, *, time: Time | None = None, **given: Any
) -> tuple[Feed, ...]:
    """Those of a desk as the program casts them when it opens one. ``given``: as ``lineup`` takes it."""
    cast = Cast(Shared(time))
    roles = cast.plan(lineup(desk, history, store, shared=cast.shared, **given))
    cast.take(roles)
    return feeds_of(roles)


def closes(now_ns: int, sessions: int = 12) -> History:
    """Settled until ``now_ns``: a price a percent below FIRST, a cent more each session."""
    last = last_closed(now_ns)
    days = sessions_between(last.replace(year=last.year - 1), last)[-sessions:]
    rows = [
        (symbol, day, price * 0.99 + i / 100, None)
        for symbol, price in FIRST.items()
        for i, day in enumerate(days)
    ]
    return History(pl.DataFrame(rows, schema=["symbol", "date", "close", "adj_close"], orient="row"))


class LiveDesk:
    """``vendor``: the REST side, scripted. ``snapshot`` is the newest one."""

    def __init__(
        self,
        subject: Subject,
        server: Any,
        time: FakeTime,
        history: History,
        beside: Feed | None = None,
        reference: Reference | None = None,
    ) -> None:
        self.subject = subject
        self.server = server
        self.time = time
        vendor = subject.vendor()
        if vendor.mode.venue:  # of the consolidated tape: one exchange's volume is not shown
            vendor.mode = Mode(venue=CONSOLIDATED)
        self.vendor = Exchange(vendor, {}, time)
        if reference is not None:
            self.vendor.closes, self.vendor.splits = reference.closes, reference.splits
        self.corrected_closes: list[str] = []
        self.stream = StreamFeed(self.vendor, SYMBOLS, time=time, on_corrected_close=self._on_corrected_close)
        feeds: list[Any] = [self.stream]
        self._updater = beside
        if beside is not None:
            feeds.append(beside)
        self.market = Market(history, as_of_ns=time.clock_ns())
        self.supervisor = Supervisor(
            self.market, feeds, clock_ns=time.clock_ns, sleep=time.sleep, offload=at_once
        )
        self.unadjusted: list[str] = []
        self.supervisor.on_unadjusted = self.unadjusted.append

    def _on_corrected_close(self, symbol: str) -> None:
        self.corrected_closes.append(symbol)
        if isinstance(self._updater, HistoryUpdater):
            self._updater.ask_again(symbol)

    @property
    def legs(self) -> dict[str, Leg]:
        assert self.supervisor.latest is not None
        return self.supervisor.latest.legs

    @property
    def health(self) -> FeedHealth:
        assert self.supervisor.latest is not None
        return self.supervisor.latest.health.feeds[0]

    async def trade(self, prices: dict[str, float], number: int = 0) -> None:
        """A live print of each, now."""
        now_ns = self.time.clock_ns()
        for i, (symbol, price) in enumerate(prices.items()):
            await self.server.tell(self.subject.trade(symbol, price, now_ns, number or now_ns // 1000 + i))
        await settle()

    async def trading(self, seconds: int, prices: dict[str, float] = FIRST) -> None:
        """A print of each every second."""
        for _ in range(seconds):
            await self.trade(prices)
            await self.time.passing(1)


@contextlib.asynccontextmanager
async def live_desk(
    monkeypatch: Any,
    subject: Subject,
    *scripts: Any,
    now_ns: int = NOW_NS,
    beside: Callable[[FakeTime], Feed | None] = lambda _: None,
    reference: Reference | None = None,
) -> AsyncIterator[LiveDesk]:
    """It runs inside; at its end nothing may be left. ``beside``: an updater, told of corrected closes.

    ``reference``: what the vendor says of closes and splits from the beginning.
    """
    before = asyncio.all_tasks()
    async with subject.server(*scripts) as server:
        monkeypatch.setenv(f"ROTATION_TUI_{subject.name.upper()}_STREAM_URL", server.url)
        time = FakeTime(now_ns)
        updater = beside(time)
        history = History.empty() if updater is not None else closes(now_ns)
        desk = LiveDesk(subject, server, time, history, updater, reference)
        async with driven(desk.supervisor.run(), server.until(lambda: server.clients)):
            yield desk
    await settle()
    assert_no_tasks_beyond(before)
