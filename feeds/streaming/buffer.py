"""Events between a stream and whoever takes them: bounded, conflating. Pure.

A reader that waited for its consumer would not see pings either, and the vendor would cut it off: so the
reader only ever adds, and what waits too long is merged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.events import Batch, Correction, Gap, Status, SymbolStates
from rotation.quote import MINUTE_NS, Quote

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

KEPT = 4096
"""Quotes waiting, at least; twice the symbols where there are more of them."""
CORRECTIONS = 256


class Waiting(msgspec.Struct, frozen=True):
    """All that waited, in the order in which it is to be handed on."""

    gap: Gap | None = None
    batch: Batch | None = None
    corrections: tuple[Correction, ...] = ()
    symbol_states: SymbolStates | None = None
    status: Status | None = None
    """Symbol states and status come after the quotes that they refer to."""


class Buffer:
    """Quotes in order of arrival, and the newest of everything else."""

    def __init__(self, symbols: int) -> None:
        """``symbols``: how many there are."""
        self._limit = max(KEPT, 2 * symbols)
        self._quotes: list[Quote] = []
        self._minutes: dict[tuple[str, int], Quote] = {}
        """Bars that take the place of their minutes, the newest of each: at most a session of them."""
        self._gap: Gap | None = None
        self._symbol_states: SymbolStates | None = None
        self._status: Status | None = None
        self._corrections: dict[Correction, None] = {}
        self.is_held = False
        """Set it to let quotes wait for older ones, of a gap, that are being fetched."""
        self.conflated = 0

    def __len__(self) -> int:
        """Quotes that wait."""
        return len(self._quotes) + len(self._minutes)

    @property
    def is_ready(self) -> bool:
        """Whether ``take`` would return anything."""
        others = (self._gap, self._symbol_states, self._status)
        has_quotes = bool(self._quotes or self._minutes) and not self.is_held
        return has_quotes or bool(self._corrections) or any(event is not None for event in others)

    def put(self, quotes: Iterable[Quote]) -> None:
        """Add quotes; the oldest are merged where too many wait."""
        self._quotes += quotes
        if len(self._quotes) > self._limit:
            self._conflate(_minute)
        if len(self._quotes) > self._limit:
            self._conflate(lambda quote: quote.symbol)

    def put_first(self, quotes: Iterable[Quote]) -> None:
        """Add quotes older than those that wait."""
        waiting, self._quotes = self._quotes, []
        self.put(quotes)
        self.put(waiting)

    def put_minutes(self, bars: Iterable[Quote]) -> None:
        """Add bars that take the place of their minutes: they go first, and are never merged."""
        self._minutes |= {(bar.symbol, bar.ts_ns): bar for bar in bars}

    def remove(self, quote: Quote) -> bool:
        """Take a quote back that waits; False if it does not, since it was handed on or merged."""
        if quote not in self._quotes:
            return False
        self._quotes.remove(quote)
        return True

    def add(self, *events: Gap | SymbolStates | Status | Correction) -> None:
        """Add events without quotes. A newer one replaces the one that waits; gaps are joined."""
        for event in events:
            if isinstance(event, Status):
                self._status = event
            elif isinstance(event, SymbolStates):
                self._symbol_states = event
            elif isinstance(event, Gap):
                self._gap = event if self._gap is None else _joined(self._gap, event)
            elif len(self._corrections) < CORRECTIONS:
                self._corrections[event] = None

    def take(self) -> Waiting:
        """All that waits."""
        batch = None
        if (self._quotes or self._minutes) and not self.is_held:
            batch, self._quotes = Batch((*self._minutes.values(), *self._quotes)), []
            self._minutes = {}
        corrections = tuple(self._corrections)
        waiting = Waiting(self._gap, batch, corrections, self._symbol_states, self._status)
        self._gap = self._symbol_states = self._status = None
        self._corrections.clear()
        return waiting

    def _conflate(self, key: Callable[[Quote], Hashable]) -> None:
        before = len(self._quotes)
        merged: dict[Hashable, Quote] = {}
        for quote in self._quotes:
            held = merged.get(key(quote))
            merged[key(quote)] = quote if held is None else merge(held, quote)
        self._quotes = list(merged.values())
        self.conflated += before - len(self._quotes)


def _minute(quote: Quote) -> Hashable:
    """A print at the very end of a minute is a key of its own: it closes the path of the minute before."""
    return quote.symbol, quote.ts_ns // MINUTE_NS, quote.ts_ns % MINUTE_NS == 0


def merge(first: Quote, then: Quote) -> Quote:
    """Two quotes of a symbol as one bar: last by event time, range and size of both."""
    if first.sets_last != then.sets_last:  # of one of them only the size counts
        return msgspec.structs.replace(first if first.sets_last else then, size=first.size + then.size)
    newer = then if (then.ts_ns, then.seq) >= (first.ts_ns, first.seq) else first
    highs = [quote.price if quote.high is None else quote.high for quote in (first, then)]
    lows = [quote.price if quote.low is None else quote.low for quote in (first, then)]
    return msgspec.structs.replace(newer, size=first.size + then.size, high=max(highs), low=min(lows))


def _joined(first: Gap, second: Gap) -> Gap:
    start_ns, end_ns = min(first.start_ns, second.start_ns), max(first.end_ns, second.end_ns)
    return Gap(first.symbols | second.symbols, start_ns, end_ns)
