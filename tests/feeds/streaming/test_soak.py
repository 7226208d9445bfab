"""A week of sessions through a loopback websocket, with faults at random: what is left is the truth.

Time is moved by half-minutes; the server, the sockets and the driver are real.
"""

from __future__ import annotations

import contextlib
import gc
import random
import tracemalloc
from datetime import date
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from feeds.streaming.many import seen
from rotation.market.prints import Prints
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, hours, open_ns, sessions_between
from tests.support.fault_table import running
from tests.support.servers.ws import STAY, Refuse
from tests.support.subjects import SYMBOLS, YAHOO

FEEDS = Path(seen.__file__).parents[2]
WEEK = sessions_between(date(2026, 11, 23), date(2026, 11, 27))
"""Thanksgiving and a half-day among them."""
STEP_S = 29.0
MINUTE_NS = 60 * NS


class Truth:
    """All that has traded, whether anybody was told or not: the exchange, and its bars."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.price = {"IWM": 221.28, "QQQ": 495.43, "SPY": 562.0}
        self.volume = dict.fromkeys(SYMBOLS, 0)
        self.prints: dict[str, list[Quote]] = {symbol: [] for symbol in SYMBOLS}

    def trade(self, symbol: str, ts_ns: int) -> Quote:
        price = round(self.price[symbol] * (1 + self._chance.uniform(-0.002, 0.002)), 2)
        self.price[symbol] = price
        self.volume[symbol] += 1
        quote = Quote(symbol, ts_ns, price, self.volume[symbol])
        self.prints[symbol].append(quote)
        return quote

    def bars(self, symbol: str, start_ns: int, end_ns: int) -> list[Quote]:
        """Of whole minutes; the last one is still forming, as vendors send it."""
        minutes: dict[int, list[Quote]] = {}
        for quote in self.prints[symbol]:
            minute_ns = -(-quote.ts_ns // MINUTE_NS) * MINUTE_NS
            if start_ns < minute_ns <= end_ns + MINUTE_NS:
                minutes.setdefault(minute_ns, []).append(quote)
        return [
            Quote(
                symbol, minute_ns, result[-1].price, size=100 * len(result),
                high=max(quote.price for quote in result), low=min(quote.price for quote in result),
            )
            for minute_ns, result in minutes.items()
        ]  # fmt: skip


class Desk:
    """What a market makes of what it is given: a book per symbol and session, as its filter has it."""

    def __init__(self) -> None:
        self.books: dict[tuple[date, str], Prints] = {}
        self.quotes = 0

    def take(self, quotes: list[Quote]) -> None:
        self.quotes += len(quotes)
        for quote in quotes:
            for day in WEEK:
                if open_ns(day) <= quote.ts_ns <= close_ns(day):
                    book = self.books.setdefault((day, quote.symbol), Prints(open_ns(day)))
                    # A copy, numbers and all: what the feeds allocated must be free again.
                    book.take(msgspec.json.decode(msgspec.json.encode(quote), type=Quote))


def held_kb() -> float:
    """What code of ours allocated, and still holds."""
    gc.collect()
    taken = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, f"{FEEDS}/*")])
    return sum(trace.size for trace in taken.traces) / 1024


def frame(quote: Quote):
    return YAHOO.trade(quote.symbol, quote.price, quote.ts_ns, quote.seq)


class Week:
    """The run, and the dice."""

    def __init__(self, run, truth: Truth, desk: Desk, chance: random.Random) -> None:
        self.run, self.truth, self.desk, self.chance = run, truth, desk, chance
        self.mute = 0

    async def step(self, seconds: float) -> None:
        await self.run.time.passing(seconds, step=STEP_S)
        self.desk.take(self.run.quotes)
        self.run.events.clear()

    async def send(self, *frames) -> None:
        with contextlib.suppress(ConnectionClosed, IndexError):
            await self.run.server.send(*frames)

    async def fault(self, sent: list) -> None:
        """Something, one time in forty."""
        dice = self.chance.random() * 40
        connection = self.run.server.clients[-1].connection
        if dice < 0.2:
            connection.transport.abort()
        elif dice < 0.4:
            self.run.server.scripts = [Refuse(self.chance.choice((429, 500, 503)), "120"), (STAY,)]
            connection.transport.abort()
        elif dice < 0.5:
            await connection.close(self.chance.choice((1000, 1001, 1008, 1011)))
        elif dice < 0.6:
            self.mute = self.chance.randrange(1, 5)
        elif dice < 0.8:
            await self.send(*sent, *sent)
        elif dice < 0.9:
            await self.send(*YAHOO.damaged)
        elif dice < 1.0:
            now_ns = self.run.time.clock_ns()
            bad = (0.0, -1.0, float("nan"), 1e308, self.truth.price["IWM"] * 1.3)
            await self.send(*(YAHOO.trade("IWM", price, now_ns, 10**6 + i) for i, price in enumerate(bad)))

    async def session(self, day: date) -> None:
        run, truth = self.run, self.truth
        while run.time.clock_ns() < close_ns(day) - 30 * NS:
            now_ns = run.time.clock_ns()
            run.vendor.newest = truth.price
            run.vendor.bars = _Bars(truth, now_ns)
            frames = [frame(truth.trade(symbol, now_ns)) for symbol in SYMBOLS]
            if self.mute:
                self.mute -= 1
            else:
                self.chance.shuffle(frames)
                await self.send(*frames)
                await self.fault(frames)
            await self.step(STEP_S)


class _Bars:
    """Asked for by symbol, as ``Exchange.backfill`` does: made only when wanted."""

    def __init__(self, truth: Truth, now_ns: int) -> None:
        self._truth, self._now_ns = truth, now_ns

    def __iter__(self):
        for symbol in SYMBOLS:
            yield from self._truth.bars(symbol, self._now_ns - 1200 * NS, self._now_ns)


def _at(book: Prints, minute: int) -> float | None:
    quote = book.minutes.get(minute)
    return quote.price if quote else None


@pytest.mark.timeout(900)  # ends a test that hangs; a week takes a minute or two on a busy machine
@pytest.mark.parametrize("seed", [2026])
async def test_a_week_with_faults(monkeypatch, caplog, seed):
    chance = random.Random(seed)
    monkeypatch.setattr(seen, "KEPT", 400)
    truth, desk = Truth(chance), Desk()
    start_ns = hours(WEEK[0])[0]
    sizes = []
    caplog.set_level("CRITICAL")  # what is captured is kept
    kb: list[float] = []
    tracemalloc.start()
    async with running(monkeypatch, YAHOO, (STAY,), now_ns=start_ns, newest={}) as run:
        week = Week(run, truth, desk, chance)
        for day in WEEK:
            while run.time.clock_ns() < open_ns(day):
                await week.step(min((open_ns(day) - run.time.clock_ns()) / NS, 290.0))
            await week.session(day)
            # The last words of the session, after all faults.
            await week.step(400.0)
            state = run.feed.state
            sizes.append((len(state.filter._seen), len(state.buffer), len(run.time._sleeping)))
            run.vendor.asked.clear()  # the test's own notes, not the feed's memory
            run.vendor.compared.clear()
            kb.append(held_kb())
        stats = run.feed.stats()
    tracemalloc.stop()
    assert len(WEEK) == 4
    assert kb[-1] <= max(kb[:2]) + 32, f"flat after the first sessions: {kb} KB"
    assert stats.reconnects >= 20
    assert stats.gaps >= 10
    assert stats.duplicates >= 30
    assert stats.rejects >= 20
    assert all(seen <= 400 and waiting == 0 and sleeping <= 3 for seen, waiting, sleeping in sizes)
    for day in WEEK:
        for symbol in SYMBOLS:
            book, whole = desk.books[day, symbol], Prints(open_ns(day))
            for quote in truth.prints[symbol]:
                if open_ns(day) <= quote.ts_ns <= close_ns(day):
                    whole.take(quote)
            assert (day, symbol, book.last.price) == (day, symbol, whole.last.price)
            assert (day, symbol, book.high, book.low) == (day, symbol, whole.high, whole.low)
            wrong = {minute for minute, quote in whole.minutes.items() if _at(book, minute) != quote.price}
            assert (day, symbol, wrong) == (day, symbol, set())
