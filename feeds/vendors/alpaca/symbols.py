"""Our symbols as Alpaca writes them, and back: classes of shares differ, indices it does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from feeds.events import Correction
from feeds.parsing.symbols import alpaca_symbol
from feeds.streaming.vendor import Band, Halt
from rotation.desk import is_index
from rotation.quote import Nbbo, Quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Named = TypeVar("Named", Quote, Halt, Correction, Nbbo, Band)


class Names:
    """The vendor's names of the symbols that are wanted."""

    def __init__(self, symbols: Iterable[str] = ()) -> None:
        """Indices are left out: a channel spent on one would never say anything."""
        pairs = {alpaca_symbol(symbol): symbol for symbol in symbols if not is_index(symbol)}
        self.theirs = frozenset(pairs)
        """To ask with."""
        self.renamed: Mapping[str, str] = {theirs: ours for theirs, ours in pairs.items() if theirs != ours}
        """Ours by theirs, where they differ."""

    def ours(self, symbols: frozenset[str]) -> frozenset[str]:
        """Symbols that Alpaca named, as we write them."""
        return frozenset(self.renamed.get(symbol, symbol) for symbol in symbols)

    def by_ours(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Figures by Alpaca's symbols, by ours."""
        return {self.renamed.get(symbol, symbol): figure for symbol, figure in figures.items()}

    def back(self, items: Iterable[Named]) -> tuple[Named, ...]:
        """What Alpaca sent, with our symbols."""
        if not self.renamed:
            return tuple(items)
        return tuple(
            msgspec.structs.replace(item, symbol=self.renamed[item.symbol])
            if item.symbol in self.renamed
            else item
            for item in items
        )
