"""Our symbols as Alpaca, Massive and Finnhub write them, and back.

Classes of shares differ (``BRK-B`` is their ``BRK.B``); indices and currencies are not in their streams of
shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from feeds.parsing.symbols import dotted_symbol, is_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class _Named(Protocol):
    @property
    def symbol(self) -> str: ...


Named = TypeVar("Named", bound=_Named)
"""A struct of something that a vendor sent: a Quote, a halt, a correction, bid and ask, a band."""


class Names:
    """The vendor's names of the symbols that are wanted."""

    def __init__(self, symbols: Iterable[str] = ()) -> None:
        """What is no share is left out: a channel spent on an index would never say anything.

        Of two spellings of one share the later in the alphabet has its prices; no desk names both.
        """
        pairs = {dotted_symbol(symbol): symbol for symbol in sorted(symbols) if is_share(symbol)}
        self.theirs = frozenset(pairs)
        """To ask with."""
        self.renamed: Mapping[str, str] = {theirs: ours for theirs, ours in pairs.items() if theirs != ours}
        """Ours by theirs, where they differ."""

    def ours(self, symbols: frozenset[str]) -> frozenset[str]:
        """Symbols that the vendor named, as we write them."""
        return frozenset(self.renamed.get(symbol, symbol) for symbol in symbols)

    def by_ours(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Figures by the vendor's symbols, by ours."""
        return {self.renamed.get(symbol, symbol): figure for symbol, figure in figures.items()}

    def back(self, items: Iterable[Named]) -> tuple[Named, ...]:
        """What the vendor sent, with our symbols."""
        if not self.renamed:
            return tuple(items)
        return tuple(
            msgspec.structs.replace(item, symbol=self.renamed[item.symbol])  # type: ignore[type-var]
            if item.symbol in self.renamed
            else item
            for item in items
        )
