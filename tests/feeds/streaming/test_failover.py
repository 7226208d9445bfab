"""An outage hands over to the next vendor and back, without mixing their prints or losing the day's range."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing
from datetime import date
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from feeds.desk.choose import by_vendor
from feeds.events import Batch, ColumnBatch, Correction, PrintsCorrected, PrintsReplaced, Status, SymbolStates
from feeds.http.cached import CachedClient
from feeds.streaming.failover import OUTAGE_S, Failover, _Auctions, _Source
from feeds.streaming.feed import StreamFeed
from rotation.columns import of_quotes
from rotation.quote import MINUTE_NS, NS, Quote, Role
from rotation.sessions import close_ns, open_ns
from rotation.status import Kind
from tests.support.fake_time import NOW_NS, FakeTime, driven, settle
from tests.support.fault_table import FIRST, LATER, Exchange, prints
from tests.support.servers.alpaca import Answers
from tests.support.servers.ws import ABORT, READY, STAY, Refuse
from tests.support.subjects import ALPACA, SYMBOLS, YAHOO

if TYPE_CHECKING:
    from feeds.events import Event

MARK_DOWN = 0.5
"""The two vendors' prices differ by so much: a figure of one among the other's shows."""


def bars(prices: dict[str, float], less: float) -> tuple[Quote, ...]:
    """Minute bars of the last half hour; each day's low in the oldest of them."""
    return tuple(
        Quote(
            symbol,
            NOW_NS - ago * MINUTE_NS,
            price - less,
            size=100,
            high=price - less + 0.1,
            low=price - less - (3.0 if ago == 30 else 0.1),
            bar_ns=MINUTE_NS,
        )
        for symbol, price in prices.items()
        for ago in range(30, 0, -1)
    )


class Desk:
    """What a consumer has: the prints of today, as the market would keep them."""

    def __init__(self, feed: Failover) -> None:
        self.feed = feed
        self.events: list[object] = []
        self.prints: dict[str, list[Quote]] = {symbol: [] for symbol in SYMBOLS}
        self.by_symbol: dict[str, Kind] = {}

    async def drive(self) -> None:
        async with aclosing(self.feed.events()) as events:
            async for event in events:
                self.take(event)

    def take(self, event: object) -> None:
        self.events.append(event)
        if isinstance(event, PrintsReplaced):
            for symbol in event.symbols:
                self.prints[symbol].clear()
        if isinstance(event, Batch | PrintsReplaced):
            for quote in event.quotes:
                self.prints[quote.symbol].append(quote)
        elif isinstance(event, SymbolStates):
            self.by_symbol = event.by_symbol

    @property
    def status(self) -> Status:
        return [event for event in self.events if isinstance(event, Status)][-1]

    def low(self, symbol: str) -> float:
        return min(quote.low or quote.price for quote in self.prints[symbol])


@contextlib.asynccontextmanager
async def two(monkeypatch, alpaca, yahoo):
    """Alpaca before Yahoo, each with its own prices and bars; nothing may be left of them."""
    before = asyncio.all_tasks()
    time = FakeTime()
    async with contextlib.AsyncExitStack() as stack:
        servers, made, vendors = [], [], []
        for subject, scripts, less in ((ALPACA, alpaca, 0.0), (YAHOO, yahoo, MARK_DOWN)):
            server = await stack.enter_async_context(subject.server(*scripts))
            monkeypatch.setenv(f"ROTATION_TUI_{subject.name.upper()}_STREAM_URL", server.url)
            newest = {symbol: price - less for symbol, price in FIRST.items()}
            vendor = Exchange(subject.vendor(), newest, time)
            vendor.bars = bars(FIRST, less)
            servers.append(server)
            vendors.append(vendor)
            made.append(by_vendor(vendor, SYMBOLS, {}, time, list.clear))
        desk = Desk(Failover(CachedClient(), made, time=time))
        passing = time.passing

        async def ticking(seconds: float, step: float = 1.0) -> None:
            """Every symbol prints each second on every connection that is subscribed."""
            for _ in range(round(seconds)):
                for server, subject, prices in zip(
                    servers, (ALPACA, YAHOO), (LATER, lowered(LATER)), strict=True
                ):
                    client = server.clients[-1] if server.clients else None
                    if client is not None and client.ready and not client.closed:
                        now_ns = time.clock_ns()
                        frames = [subject.trade(s, prices[s], now_ns, now_ns // NS) for s in SYMBOLS]
                        with contextlib.suppress(ConnectionClosed):
                            if subject is ALPACA:
                                await server.tell(*(frame[0] for frame in frames))
                            else:
                                await server.send(*frames)
                await passing(1, step)

        time.passing = ticking  # type: ignore[method-assign]
        task = asyncio.create_task(desk.drive())
        await settle()
        yield desk, time, servers, vendors
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await settle()
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()


def lowered(prices: dict[str, float]) -> dict[str, float]:
    return {symbol: price - MARK_DOWN for symbol, price in prices.items()}


ALPACA_GOOD = (READY, STAY)
YAHOO_GOOD = (READY, STAY)


async def test_a_short_outage_changes_nothing(monkeypatch):
    alpaca = (Refuse(500), Refuse(503), ALPACA_GOOD)
    async with two(monkeypatch, alpaca, (YAHOO_GOOD,)) as (desk, time, servers, _):
        await time.passing(OUTAGE_S + 5)
        assert (desk.feed.name, desk.status.state) == ("Alpaca", "LIVE")
        assert servers[1].upgrades == 0


async def test_a_long_one_hands_over_and_says_why(monkeypatch):
    async with two(monkeypatch, (Refuse(500),), (YAHOO_GOOD,)) as (desk, time, servers, _):
        await time.passing(OUTAGE_S - 2)
        assert desk.feed.name == "Alpaca"
        await time.passing(12)
        assert (desk.feed.name, desk.status.state) == ("Yahoo", "LIVE")
        assert desk.status.detail.startswith("Alpaca: OFFLINE (HTTP 500; next try in ")
        assert desk.status.detail.endswith("3 of 3 symbols")
        tries = servers[0].upgrades
        await time.passing(180)
        assert servers[0].upgrades > tries, "its owner wants this one: it is tried on"


async def test_there_and_back_again_without_mixing_prints_or_losing_the_range(monkeypatch):
    alpaca = ((READY, *prints(ALPACA, FIRST), ABORT), *[Refuse(500)] * 8, ALPACA_GOOD)
    async with two(monkeypatch, alpaca, (YAHOO_GOOD,)) as (desk, time, servers, _):
        await time.passing(5)
        assert desk.feed.name == "Alpaca"
        while desk.feed.name == "Alpaca":
            await time.passing(1)
        assert set(desk.by_symbol) == set(SYMBOLS), "marked until its own bars are there"
        await time.passing(20)
        assert desk.by_symbol == {}
        for symbol, price in FIRST.items():
            cents = {round(quote.price % 1, 2) for quote in desk.prints[symbol]}
            assert cents <= {round((p - MARK_DOWN) % 1, 2) for p in (price, LATER[symbol])}, "Yahoo's alone"
            assert desk.low(symbol) == pytest.approx(price - MARK_DOWN - 3.0)
        while desk.feed.name == "Yahoo":
            await time.passing(1)
            assert time.now_s < 1600
        assert servers[1].clients[-1].closed, "Yahoo's stream has ended"
        await time.passing(20)
        assert (desk.status.state, desk.status.detail) == ("LIVE", "3 of 3 symbols")
        assert desk.by_symbol == {}
        for symbol, price in FIRST.items():
            cents = {round(quote.price % 1, 2) for quote in desk.prints[symbol]}
            assert cents <= {round(p % 1, 2) for p in (price, LATER[symbol])}, "Alpaca's alone"
            assert desk.low(symbol) == pytest.approx(price - 3.0)


async def test_a_better_one_that_is_well_for_a_moment_only_does_not_take_over(monkeypatch):
    blip = (READY, *prints(ALPACA, FIRST, 70), ABORT)
    async with two(monkeypatch, (*[Refuse(500)] * 7, blip, Refuse(500)), (YAHOO_GOOD,)) as parts:
        desk, time, servers, _ = parts
        await time.passing(OUTAGE_S + 240, step=1)
        assert servers[0].upgrades > 8
        assert desk.feed.name == "Yahoo"


async def test_a_connection_limit_says_why_goes_on_after_a_minute_and_comes_back(monkeypatch):
    limited = (Answers(auth=(406,) * 8), READY, STAY)
    async with two(monkeypatch, (limited,), (YAHOO_GOOD,)) as (desk, time, servers, _):
        await time.passing(30)
        assert (desk.feed.name, desk.status.state) == ("Alpaca", "OFFLINE")
        assert "connection limit" in desk.status.detail or "406" in desk.status.detail
        await time.passing(40)
        assert (desk.feed.name, desk.status.state) == ("Yahoo", "LIVE")
        assert "406" in desk.status.detail
        while desk.feed.name == "Yahoo":
            await time.passing(1)
            assert time.now_s < 1400
        await time.passing(20)
        assert (desk.feed.name, desk.status.state) == ("Alpaca", "LIVE")
        assert servers[0].upgrades == 1


async def test_a_slow_consumer_makes_nothing_queue_up(monkeypatch):
    async with two(monkeypatch, (ALPACA_GOOD,), (YAHOO_GOOD,)) as (desk, time, _, _vendors):
        assert desk.feed._queue.maxsize == 1
        await time.passing(3)
        assert desk.feed._queue.qsize() <= 1


async def test_a_stand_in_s_error_of_our_own_ends_the_feed_s_run_to_be_started_again(monkeypatch):
    async with two(monkeypatch, (ALPACA_GOOD,), (YAHOO_GOOD,)) as (_, time, _servers, _):
        vendor = Exchange(ALPACA.vendor(), FIRST, time)
        again = Failover(CachedClient(), [by_vendor(vendor, SYMBOLS, {}, time, list.clear)], time=time)

        async def broken(symbols):
            raise RuntimeError("a bug")

        vendor.snapshot = broken
        desk = Desk(again)
        task = asyncio.create_task(desk.drive())
        with pytest.raises(RuntimeError, match="a bug"):  # noqa: PT012 - it is raised while time passes
            await time.passing(5)
            await task
        del vendor.snapshot
        task = asyncio.create_task(desk.drive())
        await time.passing(5)
        assert desk.status.state == "LIVE"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_back_off_belongs_to_one_stream(monkeypatch):
    """The broker has a blip each minute; Yahoo, for the indices beside it, cannot be reached."""
    blip = (READY, *prints(ALPACA, FIRST), ABORT)
    time = FakeTime()
    async with ALPACA.server(*[blip] * 6, ALPACA_GOOD) as broker, YAHOO.server(Refuse(500)) as away:
        monkeypatch.setenv("ROTATION_TUI_ALPACA_STREAM_URL", broker.url)
        monkeypatch.setenv("ROTATION_TUI_YAHOO_STREAM_URL", away.url)
        feeds = [
            StreamFeed(Exchange(subject.vendor(), FIRST, time), SYMBOLS, time=time)
            for subject in (ALPACA, YAHOO)
        ]

        async def drive(feed: StreamFeed) -> None:
            async with aclosing(feed.events()) as events:
                async for _ in events:
                    pass

        tasks = [asyncio.create_task(drive(feed)) for feed in feeds]
        await time.passing(20)
        shown = feeds[1].state.session.retry_s
        assert shown is None or shown >= 4.0, "what the broker does never resets Yahoo's back-off"
        assert away.upgrades <= 7
        assert feeds[0].state.session.pace is not feeds[1].state.session.pace
        assert broker.upgrades >= 4
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


BELL_NS = close_ns(date(2024, 7, 16))
AUCTION = Quote("IWM", BELL_NS + 3 * NS, 222.0, 98, size=100_000, role=Role.CLOSE)
MIXED = Quote("IWM", BELL_NS + MINUTE_NS, 221.9, size=120_000, bar_ns=MINUTE_NS, role=Role.MINUTE)
IWM = frozenset({"IWM"})


class Scripted:
    """A vendor's stream that brings what a test puts into ``queue``."""

    refusal = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.queue: asyncio.Queue[Event] = asyncio.Queue()

    async def events(self):
        while True:
            yield await self.queue.get()

    def take_over(self) -> None:
        """Its bars are put by the test."""


@pytest.mark.parametrize("as_rows", [False, True])
@pytest.mark.parametrize("taken_back", [False, True])
async def test_an_auction_that_is_known_outlives_its_vendor_unless_it_was_taken_back(as_rows, taken_back):
    time, first, second = FakeTime(BELL_NS + 5 * NS), Scripted("first"), Scripted("second")
    feed = Failover(CachedClient(), [lambda: first, lambda: second], time=time)
    auction = ColumnBatch(of_quotes([AUCTION])) if as_rows else Batch((AUCTION,), has_auction=True)
    events: list[Event] = []

    async def follow() -> None:
        async with aclosing(feed.events()) as every:
            async for event in every:
                events.append(event)  # noqa: PERF401 - it never ends

    async with driven(follow(), settle()):
        for event in (Status(Kind.LIVE), auction):
            first.queue.put_nowait(event)
        await time.passing(1)
        if taken_back:
            wrong = Correction("IWM", AUCTION.ts_ns, AUCTION.seq)
            first.queue.put_nowait(PrintsCorrected((wrong,)))
        first.queue.put_nowait(Status(Kind.OFFLINE))
        await time.passing(OUTAGE_S + 5)
        assert feed.name == "second"
        late = Quote("IWM", time.clock_ns(), 221.5)
        for event in (Status(Kind.LIVE), Batch((late,)), *[PrintsReplaced(IWM, (MIXED, late))] * 2):
            second.queue.put_nowait(event)
        await time.passing(1)
        own = msgspec.structs.replace(AUCTION, seq=5)
        for event in (PrintsReplaced(IWM, (MIXED, own)), PrintsReplaced(IWM, (MIXED,))):
            second.queue.put_nowait(event)
        await time.passing(1)
    kept = () if taken_back else (AUCTION,)
    assert [event.quotes for event in events if isinstance(event, PrintsReplaced)] == [
        (MIXED, late, *kept),
        (MIXED, late, *kept),
        (MIXED, own),
        (MIXED,),
    ]


def test_an_auction_of_an_earlier_session_is_not_brought_back():
    kept, replaced = _Auctions(), PrintsReplaced(IWM, (MIXED,))
    first, again = (_Source(cast("StreamFeed", Scripted("first")), 0.0) for _ in range(2))
    kept.take(first, Batch((AUCTION,)), BELL_NS)
    assert kept.take(again, replaced, BELL_NS + 600 * NS) == PrintsReplaced(IWM, (MIXED, AUCTION))
    assert kept.take(again, replaced, open_ns(date(2024, 7, 17))) == replaced
