"""Minute bars of Yahoo's chart: today's path of a symbol, and its last trade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.parsing.fields import price
from feeds.parsing.rows import bar_prices
from feeds.vendors.yahoo.chart import parse_chart
from rotation.market.auction import AUCTION_NS
from rotation.quote import NS, Quote, Role
from rotation.sessions import close_ns, session_at

if TYPE_CHECKING:
    from feeds.vendors.yahoo.chart import ChartRow

BAR_NS = 60 * NS
LATEST_NS = 30 * BAR_NS
"""No closing auction, and no index's closing value, comes later after the bell."""


class Minutes(msgspec.Struct, frozen=True):
    """One symbol's."""

    last: Quote
    """The last trade of the regular session, as the answer states it; an index's last value."""
    bars: tuple[Quote, ...]
    """At their end, in order. The last one may still be forming: its end is ahead of the clock."""
    delay_min: float | None = None
    """Minutes by which Yahoo says its prices are late; None where it does not say."""

    def newest(self, now_ns: int) -> Quote:
        """The newest price: before and after hours that of the last whole minute, which ``last`` lacks.

        In the regular session ``last``, whose own time is exact where a bar's end is not. A minute that may
        hold the closing auction beside late trades is told as a bar.
        """
        whole = [bar for bar in self.bars if self.last.ts_ns <= bar.ts_ns - BAR_NS and bar.ts_ns <= now_ns]
        if not whole:
            return self.last
        bar = whole[-1]
        starts_ns = bar.ts_ns - BAR_NS
        session = session_at(starts_ns)
        is_mixed = session is not None and 0 <= starts_ns - close_ns(session) < AUCTION_NS
        return Quote(bar.symbol, bar.ts_ns, bar.price, bar_ns=BAR_NS if is_mixed else 0)

    def auction(self, now_ns: int) -> Quote | None:
        """``last`` as the running session's closing auction; None before that can be.

        Yahoo rounds its time down, often to the bell itself: then it is the auction's only once all auctions
        must have printed.
        """
        session = session_at(now_ns)
        if session is None:
            return None
        after_ns = self.last.ts_ns - close_ns(session)
        is_over = now_ns - close_ns(session) >= AUCTION_NS
        is_auction = 0 < after_ns <= LATEST_NS or (after_ns == 0 and is_over)
        return msgspec.structs.replace(self.last, role=Role.CLOSE) if is_auction else None

    def snapshot(self, now_ns: int) -> tuple[Quote, ...]:
        """The newest price, and before it the closing auction's once that has printed."""
        newest, auction = self.newest(now_ns), self.auction(now_ns)
        if auction is None:
            return (newest,)
        return (auction,) if newest is self.last else (auction, newest)


def parse_minutes(body: bytes, symbol: str, named: str) -> Minutes:
    """A chart answer, for a symbol that Yahoo writes as ``named``.

    Raises SourceError for another symbol's, or without a last trade.
    """
    chart = parse_chart(body)
    if chart.symbol != named:
        raise SourceError("Yahoo: an answer for another symbol")
    last = price(chart.price)
    if chart.traded_ns is None or last is None:
        raise SourceError("Yahoo: no last trade in the answer")
    bars = [bar for row in chart.rows if (bar := _bar(symbol, row)) is not None]
    ordered = tuple(sorted(bars, key=lambda bar: bar.ts_ns))
    return Minutes(Quote(symbol, chart.traded_ns, last), ordered, chart.delay_min)


def _bar(symbol: str, row: ChartRow) -> Quote | None:
    """None where a minute had no trade, and for the row of the last trade, which is not a whole minute."""
    prices = bar_prices(row.close, high=row.high, low=row.low)
    if row.ts_ns is None or prices is None or row.ts_ns % BAR_NS:
        return None
    size = int(row.volume) if row.volume is not None and row.volume >= 0 else 0
    end_ns = row.ts_ns + BAR_NS
    return Quote(symbol, end_ns, prices.close, size=size, high=prices.high, low=prices.low, bar_ns=BAR_NS)
