"""Which symbols are halted, from messages and from prints that show trading has resumed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.quote import NS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from feeds.streaming.vendor import Halt
    from rotation.quote import Quote

RESUMED_NS = 5 * NS
"""A print this much newer than the halt shows that trading has resumed."""


class Halts:
    """The newest message of each symbol."""

    def __init__(self, symbols: AbstractSet[str]) -> None:
        self._symbols = symbols
        self._latest: dict[str, Halt] = {}

    @property
    def symbols(self) -> frozenset[str]:
        """Symbols that are halted now."""
        return frozenset(symbol for symbol, halt in self._latest.items() if halt.halted)

    @property
    def named(self) -> frozenset[str]:
        """Symbols that a message has named: prints of others say nothing."""
        return frozenset(self._latest)

    def on_halts(self, halts: Iterable[Halt]) -> None:
        """Messages of the vendor; an older one than the one held changes nothing."""
        for halt in halts:
            known = self._latest.get(halt.symbol)
            if halt.symbol in self._symbols and (known is None or halt.ts_ns >= known.ts_ns):
                self._latest[halt.symbol] = halt

    def on_prints(self, quotes: Iterable[Quote]) -> None:
        """Prints that were let in: the message that trading resumed may have been missed in an outage."""
        for quote in quotes if self._latest else ():
            known = self._latest.get(quote.symbol)
            if known is not None and quote.ts_ns > known.ts_ns + RESUMED_NS:
                del self._latest[quote.symbol]
