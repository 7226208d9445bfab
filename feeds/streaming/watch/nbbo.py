"""Bid, ask and price band of each symbol: for the mid, and against a print that they do not allow. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.quote import FUTURE_NS, NS, Nbbo

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from feeds.streaming.vendor import Band
    from rotation.quote import Quote

FRESH_NS = 5 * NS
"""A bid and an ask say something of prints up to this much later."""
WIDE = 0.02
"""As a share of the mid: a wider market, as before the bell, is no guide."""
OUTSIDE = 0.01
"""As a share of the mid: a print further than this beyond bid or ask is far outside."""
AGREE = 0.002
"""Relative: a second print within as much of the one that waits confirms it."""
WAIT_NS = 5 * NS
"""A print that nothing has confirmed by then is dropped."""


class Quotes:
    """The newest bid and ask of each symbol by event time, a crossed one too, and the prints that wait."""

    def __init__(self, symbols: AbstractSet[str]) -> None:
        self._symbols = symbols
        self._newest: dict[str, Nbbo] = {}
        self._bands: dict[str, Band] = {}
        self._waiting: dict[str, Quote] = {}
        self._news: dict[str, Nbbo] = {}
        self.is_due = False
        """There is news, and a second has passed: they change far too often to be handed on one by one."""

    def nbbo(self, symbol: str) -> Nbbo | None:
        """The newest bid and ask; None where the vendor sends none."""
        return self._newest.get(symbol)

    def band(self, symbol: str) -> Band | None:
        """The newest limits, up and down, of a symbol; None where the vendor sends none."""
        return self._bands.get(symbol)

    def mid(self, symbol: str, now_ns: int) -> float | None:
        """The midpoint of a fresh, narrow market; None without one."""
        market = self._newest.get(symbol)
        if market is None or now_ns - market.ts_ns > FRESH_NS or not _is_tight(market):
            return None
        return (market.bid + market.ask) / 2

    def on_quotes(self, markets: Iterable[Nbbo], bands: Iterable[Band], now_ns: int | None = None) -> None:
        """Take in what a frame says; older than what is held, or of other symbols: passed over.

        ``now_ns``: what is further ahead of it than FUTURE_NS is passed over too, lest it stays the newest.
        """
        latest_ns = None if now_ns is None else now_ns + FUTURE_NS
        for market in markets:
            held = self._newest.get(market.symbol)
            is_newer = held is None or market.ts_ns >= held.ts_ns
            is_possible = latest_ns is None or market.ts_ns <= latest_ns
            if market.symbol in self._symbols and is_newer and is_possible:
                self._newest[market.symbol] = self._news[market.symbol] = market
        for band in bands:
            known = self._bands.get(band.symbol)
            is_newer = known is None or band.ts_ns >= known.ts_ns
            if band.symbol in self._symbols and is_newer and 0 < band.low < band.high:
                self._bands[band.symbol] = band

    def on_tick(self) -> None:
        """A second has passed."""
        self.is_due = bool(self._news)

    def take_news(self) -> dict[str, Nbbo]:
        """The newest bid and ask of each symbol of which another has come, once a second; else empty."""
        if not self.is_due:
            return {}
        news, self._news, self.is_due = self._news, {}, False
        return news

    @property
    def is_used(self) -> bool:
        """Whether ``judge`` has anything to say: the vendor sends bid and ask, or bands."""
        return bool(self._newest or self._bands or self._waiting)

    @property
    def is_waiting(self) -> bool:
        """Whether any print waits."""
        return bool(self._waiting)

    @property
    def waiting_ns(self) -> int:
        """The latest time of a print that waits, UTC ns; 0 where none does."""
        return max((quote.ts_ns for quote in self._waiting.values()), default=0)

    def may_hold(self, symbol: str, low: float, high: float) -> bool:
        """Whether ``judge`` might hold prints of a symbol between two prices, whatever their time."""
        market, band = self._newest.get(symbol), self._bands.get(symbol)
        if market is not None and may_stop(market, low, high):
            return True
        return symbol in self._waiting or (band is not None and may_stop(band, low, high))

    def judge(self, quotes: Iterable[Quote], now_ns: int) -> tuple[list[Quote], list[Quote]]:
        """The prints that may go on, in order, and those that nothing confirmed in time.

        A print far outside the market of its time waits: for bid and ask to follow it, or for a second print
        of another trade that agrees. Bars, and prints of which only the size counts, never wait.
        """
        passed, dropped = [], self._expired(now_ns)
        for quote in quotes:
            if quote.bar_ns or not quote.sets_last:
                passed.append(quote)
                continue
            held = self._waiting.get(quote.symbol)
            if not self._is_far(quote):
                passed.append(quote)
            elif held is not None and _is_second(held, quote):
                del self._waiting[quote.symbol]
                passed += (held, quote)
            elif held is None or quote.ts_ns >= held.ts_ns:
                if held is not None and not _is_same(held, quote):
                    dropped.append(held)
                self._waiting[quote.symbol] = quote
        return self._released() + passed, dropped

    def _released(self) -> list[Quote]:
        """Prints that waited and that bid and ask have followed meanwhile."""
        free = [quote for quote in self._waiting.values() if not self._is_far(quote, follows=True)]
        for quote in free:
            del self._waiting[quote.symbol]
        return free

    def _expired(self, now_ns: int) -> list[Quote]:
        old = [quote for quote in self._waiting.values() if now_ns - quote.ts_ns > WAIT_NS]
        for quote in old:
            del self._waiting[quote.symbol]
        return old

    def _is_far(self, quote: Quote, *, follows: bool = False) -> bool:
        """``follows``: a market made after the print counts too."""
        band = self._bands.get(quote.symbol)
        is_bound = band is not None and 0 <= quote.ts_ns - band.ts_ns <= BAND_NS
        if band is not None and is_bound and not band.low <= quote.price <= band.high:
            return True
        market = self._newest.get(quote.symbol)
        if market is None or not _is_tight(market):
            return False
        age_ns = quote.ts_ns - market.ts_ns
        if age_ns > FRESH_NS or (age_ns < -FRESH_NS and not follows):
            return False
        slack = OUTSIDE * (market.bid + market.ask) / 2
        return not market.bid - slack <= quote.price <= market.ask + slack


BAND_NS = 60 * NS
"""Limits are renewed every 30 s at most; older ones no longer apply."""


def may_stop(limits: Nbbo | Band, low: float, high: float) -> bool:
    """Whether a market or a band might be a reason to hold prints between two prices, whatever their time."""
    if isinstance(limits, Nbbo):
        slack = OUTSIDE * (limits.bid + limits.ask) / 2
        return low < limits.bid - slack or high > limits.ask + slack
    return not limits.low <= low <= high <= limits.high


def _is_tight(market: Nbbo) -> bool:
    return market.is_market and market.ask - market.bid <= WIDE * (market.bid + market.ask) / 2


def _is_same(quote: Quote, other: Quote) -> bool:
    return (quote.ts_ns, quote.seq) == (other.ts_ns, other.seq)


def _is_second(held: Quote, quote: Quote) -> bool:
    """Another trade, at about the same price."""
    return not _is_same(held, quote) and abs(held.price - quote.price) <= AGREE * held.price
