"""Spans in which prints may have been missed, and holes in the vendor's numbers that show one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.quote import MINUTE_NS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from rotation.quote import Quote


class Span(msgspec.Struct, frozen=True):
    """Symbols and the time for which their prints are wanted, UTC nanoseconds."""

    symbols: frozenset[str]
    start_ns: int
    end_ns: int

    @property
    def has_bars(self) -> bool:
        """Whether a minute ended in it."""
        return self.end_ns // MINUTE_NS > self.start_ns // MINUTE_NS


class Missing(msgspec.Struct, frozen=True):
    """What one symbol may lack, from one event time to another, UTC nanoseconds."""

    start_ns: int
    end_ns: int
    due_ns: int = 0
    """When to ask for it, by our clock; 0: at once, it has not been asked for."""
    tries: int = 0
    """Answers that did not contain it."""
    is_answered: bool = False
    """Bars of a part of it have come, so no bar for the rest means no trade."""

    @property
    def whole_ns(self) -> int:
        """When its last minute is over: from then on there are bars of all of it."""
        return (self.end_ns // MINUTE_NS + 1) * MINUTE_NS

    def overlaps(self, bar: Quote) -> bool:
        """Whether a minute's bar holds prints of this time, at an edge perhaps beside others."""
        return self.start_ns < bar.ts_ns and bar.ts_ns - MINUTE_NS <= self.end_ns


class Gaps:
    """The open gaps of one stream, by symbol."""

    def __init__(self) -> None:
        self._missing: dict[str, Missing] = {}
        self.unpriced: set[str] = set()
        """Symbols of which nothing has come since: their price is old, and not only their range in doubt."""

    @property
    def symbols(self) -> frozenset[str]:
        """Symbols that may lack prints."""
        return frozenset(self._missing)

    def __len__(self) -> int:
        """How many symbols may lack prints."""
        return len(self._missing)

    def open(self, symbols: Iterable[str], start_ns: int, end_ns: int) -> None:
        """Prints between the two may be missing; to a gap that is still open this is added."""
        for symbol in symbols:
            known = self._missing.get(symbol)
            begins_ns = start_ns if known is None else min(start_ns, known.start_ns)
            ends_ns = end_ns if known is None else max(end_ns, known.end_ns)
            self._missing[symbol] = Missing(begins_ns, ends_ns)
            self.unpriced.add(symbol)

    def due(self, now_ns: int) -> dict[str, Missing]:
        """What is to be asked for now."""
        return {symbol: missing for symbol, missing in self._missing.items() if missing.due_ns <= now_ns}

    def get(self, symbol: str) -> Missing | None:
        """What a symbol may lack."""
        return self._missing.get(symbol)

    def put(self, symbol: str, missing: Missing | None) -> None:
        """Less is missing now; None: nothing."""
        if missing is not None:
            self._missing[symbol] = missing
            return
        del self._missing[symbol]
        self.unpriced.discard(symbol)

    def drop_before(self, ts_ns: int) -> None:
        """What was missing before this time is of no use any more."""
        for symbol in [symbol for symbol, missing in self._missing.items() if missing.end_ns < ts_ns]:
            self.put(symbol, None)


class Sequence:
    """The vendor's own numbers on one connection, where it counts without holes."""

    def __init__(self, symbols: AbstractSet[str]) -> None:
        self._symbols = symbols
        self._latest: dict[str, int] = {}
        self.is_used = False
        """Whether the vendor has ever sent a number: then gaps show by themselves."""

    def restart(self) -> None:
        """A new connection counts from the beginning."""
        self._latest.clear()

    def holes(self, numbers: Iterable[tuple[str, int]]) -> list[frozenset[str]]:
        """The symbols that each hole concerns: all of them where the connection as a whole is counted."""
        holes: list[frozenset[str]] = []
        for symbol, number in numbers:
            if symbol and symbol not in self._symbols:
                continue
            self.is_used = True
            before = self._latest.get(symbol, number)
            self._latest[symbol] = max(number, before)
            if number > before + 1:
                holes.append(frozenset((symbol,)) if symbol else frozenset(self._symbols))
        return holes
