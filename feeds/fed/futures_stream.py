"""Fed funds futures from Yahoo's streamer: the newest quote of every contract, pushed."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from feeds.clock import Time
from feeds.events import Batch, Status
from feeds.fed.futures import MONTHS, contract, from_frame, symbol
from feeds.fed.strip import months_ahead, usable
from feeds.streaming.feed import StreamFeed
from feeds.streaming.watch.hours import Globex
from feeds.vendors.yahoo.stream import Yahoo, YahooConversation
from rotation.fed.inputs import StripQuote
from rotation.sessions import NEW_YORK, new_york_day, to_ns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from feeds.http.cached import CachedClient
    from feeds.vendors.yahoo.frames import PricingData
    from rotation.fed.strip.contracts import Month
    from rotation.feed_stats import FeedStats
    from rotation.quote import Quote


class _Vendor(Yahoo):
    """Yahoo, for contracts of which only the newest price is wanted."""

    @staticmethod
    def named(symbol: str) -> str:
        """As it is."""
        return symbol

    def __init__(self, http: CachedClient, time: Time) -> None:
        super().__init__(http, clock_ns=time.clock_ns)
        self.frame_quotes: dict[str, StripQuote] = {}
        """The newest frame of each contract: it also holds what was bid and asked."""

    def conversation(self) -> YahooConversation:
        """A new connection begins."""
        return YahooConversation(self.named, self._see)

    def _see(self, data: PricingData) -> None:
        quote = from_frame(data)
        if quote is not None:
            self.frame_quotes[data.id] = quote

    async def backfill(self, *_gap: object) -> tuple[Quote, ...]:
        """Nothing: the path between two prices moves no probability."""
        return ()


class YahooStripStream:
    """The strip, live. ``ROTATION_TUI_YAHOO_STREAM_URL`` and ``…_REST_URL`` move it.

    ``events`` yields the contracts that changed, and a Status whenever the state does, until cancelled.
    Raises InputError for a wrong address.
    """

    name = "Yahoo stream"

    def __init__(self, http: CachedClient, *, months: int = MONTHS, time: Time | None = None) -> None:
        """``months``: contracts from the current one on."""
        self._time = time or Time()
        self._months = months
        self._vendor = _Vendor(http, self._time)
        self._feed = self._opened()
        self.quotes: dict[Month, StripQuote] = {}
        """The newest of each contract."""

    def stats(self) -> FeedStats:
        """What has been counted since the month began, or the stream."""
        return self._feed.stats()

    async def events(self) -> AsyncIterator[tuple[StripQuote, ...] | Status]:
        """Run until cancelled. When a month ends the strip moves on by one contract."""
        while True:
            async with aclosing(self._feed.events()) as events:
                async for event in events:
                    if isinstance(event, Status):
                        yield event
                    elif isinstance(event, Batch) and (changed := self._changed(event)):
                        yield changed
            self._feed = self._opened()

    def _month(self) -> Month:
        today = new_york_day(self._time.clock_ns())
        return today.year, today.month

    def _opened(self) -> StreamFeed:
        year, month = self._month()
        names = [symbol(*ahead) for ahead in months_ahead(year, month, self._months)]
        next_month = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=NEW_YORK)
        return StreamFeed(
            self._vendor,
            names,
            hours=Globex(),
            canaries=frozenset(),
            until_ns=to_ns(next_month),
            time=self._time,
        )

    def _changed(self, batch: Batch) -> tuple[StripQuote, ...]:
        names = dict.fromkeys(quote.symbol for quote in batch.quotes)
        return tuple(quote for name in names if (quote := self._newest(name)) is not None)

    def _newest(self, name: str) -> StripQuote | None:
        last, named = self._feed.last.get(name), contract(name)
        price = usable(last.price) if last else None
        if last is None or named is None or price is None:
            return None
        frame_quote = self._vendor.frame_quotes.get(name)
        if frame_quote is None or frame_quote.ts_ns != last.ts_ns or frame_quote.price != price:
            frame_quote = StripQuote(
                year=named[0], month=named[1], price=price, ts_ns=last.ts_ns, source=self._vendor.name
            )
        elif (
            frame_quote.bid is not None and frame_quote.ask is not None and frame_quote.bid > frame_quote.ask
        ):
            frame_quote = msgspec.structs.replace(frame_quote, bid=None, ask=None)
        if self.quotes.get(frame_quote.contract) == frame_quote:
            return None
        self.quotes[frame_quote.contract] = frame_quote
        return frame_quote
