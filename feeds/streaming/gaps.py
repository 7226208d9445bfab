"""Spans in which prints may have been missed, and the one call that fills them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.quote import NS, Quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.vendor import Vendor

BAR_NS = 60 * NS


class Fill(msgspec.Struct, frozen=True):
    """What to ask for, or what came."""

    symbols: frozenset[str]
    start_ns: int
    end_ns: int
    quotes: tuple[Quote, ...] = ()

    @property
    def has_bars(self) -> bool:
        """Whether a minute has ended in it."""
        return self.end_ns // BAR_NS > self.start_ns // BAR_NS

    def rest(self) -> Fill:
        """What its own bars leave out: the minute in which it ended, to be asked for when that is over.

        Part of it has been seen: the bar's range is wanted, not its size.
        """
        minute_ns = self.end_ns // BAR_NS * BAR_NS
        return Fill(self.symbols, minute_ns, minute_ns + BAR_NS)

    def joined(self, other: Fill) -> Fill:
        """One that holds both."""
        start_ns, end_ns = min(self.start_ns, other.start_ns), max(self.end_ns, other.end_ns)
        return Fill(self.symbols | other.symbols, start_ns, end_ns)


class Gaps:
    """The open gaps of one stream, by symbol."""

    def __init__(self) -> None:
        self._start_ns: dict[str, int] = {}
        self._tried: set[str] = set()

    def __len__(self) -> int:
        return len(self._start_ns)

    @property
    def symbols(self) -> frozenset[str]:
        """Those that may lack prints."""
        return frozenset(self._start_ns)

    def open(self, symbols: Iterable[str], start_ns: int) -> None:
        """From this instant on prints may be missing; a gap that is still open stays as long as it was."""
        for symbol in symbols:
            self._start_ns[symbol] = min(self._start_ns.get(symbol, start_ns), start_ns)
            self._tried.discard(symbol)

    def wanted(self, end_ns: int) -> Fill | None:
        """One call for all that have not been asked for; None where there are none."""
        untried = self._start_ns.keys() - self._tried
        if not untried:
            return None
        return Fill(frozenset(untried), min(self._start_ns[symbol] for symbol in untried), end_ns)

    def filled(self, fill: Fill) -> None:
        """The source has answered. A symbol of which it knew nothing waits for its next live print."""
        self._tried |= fill.symbols & self._start_ns.keys()
        self.printed(quote.symbol for quote in fill.quotes)

    def printed(self, symbols: Iterable[str]) -> None:
        """Prints have come; a gap that was asked for is over with them."""
        for symbol in symbols:
            if symbol in self._tried:
                self._tried.remove(symbol)
                del self._start_ns[symbol]


async def bars(vendor: Vendor, wanted: Fill) -> list[Quote]:
    """Of the minutes that ended in a gap.

    A bar that has not ended by ``end_ns`` is still forming: it is left out. One that began before the
    gap has been seen in part: its range counts, its size would be counted twice.
    Raises SourceError where the source does not answer.
    """
    if not wanted.has_bars:
        return []
    found = await vendor.backfill(wanted.symbols, wanted.start_ns, wanted.end_ns)
    return [
        bar if bar.ts_ns - BAR_NS >= wanted.start_ns else msgspec.structs.replace(bar, size=0)
        for bar in found
        if wanted.start_ns < bar.ts_ns <= wanted.end_ns
    ]


async def fetch(vendor: Vendor, wanted: Fill) -> Fill:
    """Bars of the gap and the newest prints, oldest first. Raises SourceError likewise."""
    missed = await bars(vendor, wanted)
    # A snapshot's size belongs to a print that a bar may already hold.
    newest = [msgspec.structs.replace(quote, size=0) for quote in await vendor.snapshot(wanted.symbols)]
    ordered = sorted((*missed, *newest), key=lambda quote: (quote.ts_ns, quote.seq))
    return msgspec.structs.replace(wanted, quotes=tuple(ordered))
