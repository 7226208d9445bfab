"""Between the reader of a socket and whoever takes the quotes: bounded, never blocking, conflating.

A reader that waited for its consumer would not see pings either, and the vendor would cut it off.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from feeds.events import Batch, Gap, Status, SymbolStates
from rotation.quote import NS, Quote

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from feeds.events import Correction, Event

KEPT = 4096
"""Quotes waiting, at least; twice the symbols where there are more of them."""
MINUTE_NS = 60 * NS
CORRECTIONS = 256


class Buffer:
    """Quotes in order of arrival, and the newest of everything else."""

    def __init__(self, symbols: int) -> None:
        """``symbols``: how many there are."""
        self._limit = max(KEPT, 2 * symbols)
        self._quotes: list[Quote] = []
        self._gap: Gap | None = None
        self._words: SymbolStates | None = None
        self._status: Status | None = None
        self._corrections: dict[Correction, None] = {}
        self._wake = asyncio.Event()
        self._is_tick = False
        self.held = False
        """Set it to let quotes wait for older ones, of a gap, that are being fetched."""
        self.conflated = 0

    def put(self, quotes: Iterable[Quote]) -> None:
        """Add quotes; the oldest are merged where too many wait."""
        self._quotes += quotes
        if len(self._quotes) > self._limit:
            self._conflate(lambda quote: (quote.symbol, quote.ts_ns // MINUTE_NS))
        if len(self._quotes) > self._limit:
            self._conflate(lambda quote: quote.symbol)
        self._wake.set()

    def put_first(self, quotes: Iterable[Quote]) -> None:
        """Add quotes older than those that wait."""
        waiting, self._quotes = self._quotes, []
        self.put(quotes)
        self.put(waiting)

    def tell(self, event: Gap | SymbolStates | Status | Correction) -> None:
        """Add what is no quote. A newer one replaces what has not been taken; gaps are joined."""
        if isinstance(event, Status):
            self._status = event
        elif isinstance(event, SymbolStates):
            self._words = event
        elif isinstance(event, Gap):
            self._gap = event if self._gap is None else _joined(self._gap, event)
        elif len(self._corrections) < CORRECTIONS:
            self._corrections[event] = None
        self._wake.set()

    def release(self) -> None:
        """Older quotes have come, or are waited for no longer."""
        self.held = False
        self._wake.set()

    def tick(self) -> None:
        """Wake the reader though there may be nothing."""
        self._is_tick = True
        self._wake.set()

    async def take(self) -> list[Event]:
        """All that waits, once there is something. Words come after the quotes that justify them."""
        await self._wake.wait()
        self._wake.clear()
        told: list[Event] = []
        if self._gap:
            told.append(self._gap)
        if self._quotes and not self.held:
            told.append(Batch(tuple(self._quotes)))
            self._quotes = []
        told += [*self._corrections, *(one for one in (self._words, self._status) if one is not None)]
        if not told and self._is_tick:
            told.append(Batch(()))
        self._is_tick = False
        self._gap = self._words = self._status = None
        self._corrections.clear()
        return told

    def _conflate(self, key: Callable[[Quote], Hashable]) -> None:
        before = len(self._quotes)
        merged: dict[Hashable, Quote] = {}
        for quote in self._quotes:
            there = merged.get(key(quote))
            merged[key(quote)] = quote if there is None else merge(there, quote)
        self._quotes = list(merged.values())
        self.conflated += before - len(self._quotes)


def merge(first: Quote, then: Quote) -> Quote:
    """Two quotes of a symbol as one bar: last by event time, range and size of both."""
    newer = then if (then.ts_ns, then.seq) >= (first.ts_ns, first.seq) else first
    highs = [quote.price if quote.high is None else quote.high for quote in (first, then)]
    lows = [quote.price if quote.low is None else quote.low for quote in (first, then)]
    return msgspec.structs.replace(newer, size=first.size + then.size, high=max(highs), low=min(lows))


def _joined(one: Gap, other: Gap) -> Gap:
    start_ns, end_ns = min(one.start_ns, other.start_ns), max(one.end_ns, other.end_ns)
    return Gap(one.symbols | other.symbols, start_ns, end_ns)
