"""What the tests of history sync share: a store, a made-up market, vendors, a fake clock."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from feeds.clock import Time
from feeds.history.daily import OneByOne
from feeds.history.renames import Renames
from feeds.history.store import HistoryStore
from feeds.history.sync import HistorySync
from feeds.parsing.symbols import stooq_symbol, tiingo_symbol, yahoo_symbol
from feeds.vendors.stooq import daily as stooq
from feeds.vendors.tiingo import daily as tiingo
from feeds.vendors.yahoo import daily as yahoo_chart
from rotation.history import rounded
from rotation.sessions import NEW_YORK, close_ns, new_york_day, sessions_between, to_ns
from tests.support.servers.history import Market, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from feeds.errors import SourceAway
    from feeds.history.daily import Answer, Bars
    from rotation.sync_report import SyncProgress, SyncReport

S = 1_000_000_000
SINCE = date(2024, 5, 1)
DAYS = sessions_between(SINCE, date(2024, 7, 19))


def ny(day: date, hour: int, minute: int = 0) -> int:
    return to_ns(datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK))


class Vendor(OneByOne):
    """A vendor by its own parser, answering from the market at once; ``asked`` lists (symbols, since)."""

    def __init__(self, world: World, name: str = "Yahoo", at_once: int = 1) -> None:
        self.name = name
        self.restates = name == "Yahoo"
        self._world = world
        self._at_once = at_once
        self.asked: list[tuple[list[str], date]] = []
        self.away: list[SourceAway] = []
        """Raised first, one a call."""
        self.lacks: set[str] = set()
        self.spoil: Callable[[str, Bars], Answer] = lambda _symbol, bars: bars
        self.from_day = date.min
        """It has nothing before this."""

    def serves(self, symbol: str) -> bool:
        return symbol not in self.lacks

    def at_once(self, sessions: int) -> int:
        return self._at_once

    async def daily(self, symbols: Sequence[str], since: date, through: date) -> Mapping[str, Answer]:
        self.asked.append((list(symbols), since))
        if self.away:
            raise self.away.pop(0)
        return await super().daily(symbols, since, through)

    async def _bars_of(self, symbol: str, since: date, through: date) -> Bars:
        now_ns = self._world.now_ns
        market = self._world.market
        market.now_ns = now_ns
        start = max(since, self.from_day)
        if self.name == "Stooq":
            query = {"s": stooq_symbol(symbol), "d1": f"{start:%Y%m%d}", "d2": f"{through:%Y%m%d}"}
            data = market.stooq(query | {"o": stooq.SKIP_DIVIDENDS})
            bars = stooq.parse(data, symbol, since=since, through=through, known_ns=now_ns)
        elif self.name == "Tiingo":
            query = {"startDate": start.isoformat(), "endDate": through.isoformat()}
            data = market.tiingo(tiingo_symbol(symbol), query)
            bars = tiingo.parse(data, symbol, since=since, through=through, known_ns=now_ns)
        else:
            query = {"period1": str(ny(start, 0) // S), "period2": str(ny(through, 0) // S + 3 * 86_400)}
            data = market.yahoo(yahoo_symbol(symbol), query)
            bars = yahoo_chart.parse(data, symbol, since=since, through=through, known_ns=now_ns)
        answer = self.spoil(symbol, bars)
        if isinstance(answer, Exception):
            raise answer
        return answer


class World:
    def __init__(self, folder: Path, shares: dict[str, Share], now_ns: int = 0) -> None:
        self.store = HistoryStore(folder)
        self.now_ns = now_ns or ny(DAYS[-2], 18)
        self.market = Market(shares, self.now_ns)
        self.yahoo = Vendor(self)
        self.progress: list[SyncProgress] = []
        self.slept: list[float] = []
        self.renames = Renames(())

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_ns += int(seconds * S)

    def time(self) -> Time:
        """This world's: sleeping moves its clock, and lets others run."""

        async def sleep(seconds: float) -> None:
            self.now_ns += int(seconds * S)
            await asyncio.sleep(0)

        return Time(
            clock_ns=lambda: self.now_ns,
            monotonic=lambda: self.now_ns / S,
            sleep=sleep,
            random=lambda: 0.5,
        )

    def sync(self, *symbols: str, sources: Sequence[Vendor] = (), since: date = SINCE) -> SyncReport:
        syncing = HistorySync(
            self.store,
            list(sources) or [self.yahoo],
            renames=self.renames,
            clock_ns=lambda: self.now_ns,
            monotonic=lambda: self.now_ns / S,
            sleep=self._sleep,
        )
        wanted = symbols or tuple(self.market.shares)
        return asyncio.run(syncing.run(wanted, since=since, on_progress=self.progress.append))

    def rows(self, symbol: str) -> pl.DataFrame:
        return self.store.rows(symbol, self.store.symbols()[symbol])

    def truth(self, symbol: str, known: str | None = None) -> list[tuple[date, float, float]]:
        """What a full import would hold now: day, close, adjusted close."""
        self.market.now_ns = self.now_ns
        today = new_york_day(self.now_ns)
        share = self.market.shares[known or symbol]
        rows = [
            (day, close, adjusted)
            for day, close, adjusted in share.rows(SINCE, today, self.market.restated())
            if close is not None and close_ns(day) + 20 * 60 * S <= self.now_ns
        ]
        # Rounded by history's own rule, which has a test of its own: a tie may go either way.
        frame = pl.DataFrame(rows, schema=["date", "close", "adj_close"], orient="row")
        return frame.with_columns(rounded("close", "adj_close")).rows() if rows else []

    def held(self, symbol: str) -> list[tuple[date, float, float]]:
        return self.rows(symbol).select("date", "close", "adj_close").rows()


def share(level: float = 100.0, days: list[date] = DAYS) -> Share:
    """Closes that climb by a cent a session."""
    return Share({day: round(level + count / 100, 2) for count, day in enumerate(days)})
