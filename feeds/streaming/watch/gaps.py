"""Spans in which prints may have been missed, and holes in the vendor's numbers that show one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.quote import MINUTE_NS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet


class Span(msgspec.Struct, frozen=True):
    """Symbols and the time for which their prints are wanted, UTC nanoseconds."""

    symbols: frozenset[str]
    start_ns: int
    end_ns: int

    @property
    def has_bars(self) -> bool:
        """Whether a minute ended in it."""
        return self.end_ns // MINUTE_NS > self.start_ns // MINUTE_NS

    def last_minute(self) -> Span:
        """The minute in which it ended: it has no bar before that minute is over."""
        minute_ns = self.end_ns // MINUTE_NS * MINUTE_NS
        return Span(self.symbols, minute_ns, minute_ns + MINUTE_NS)

    def joined(self, other: Span) -> Span:
        """The span that holds both."""
        start_ns, end_ns = min(self.start_ns, other.start_ns), max(self.end_ns, other.end_ns)
        return Span(self.symbols | other.symbols, start_ns, end_ns)


class Gaps:
    """The open gaps of one stream, by symbol."""

    def __init__(self) -> None:
        self._start_ns: dict[str, int] = {}
        self._tried: set[str] = set()

    def __len__(self) -> int:
        return len(self._start_ns)

    @property
    def symbols(self) -> frozenset[str]:
        """Symbols that may lack prints."""
        return frozenset(self._start_ns)

    def open(self, symbols: Iterable[str], start_ns: int) -> None:
        """From this instant on prints may be missing; a gap that is still open keeps its beginning."""
        for symbol in symbols:
            self._start_ns[symbol] = min(self._start_ns.get(symbol, start_ns), start_ns)
            self._tried.discard(symbol)

    def wanted(self, end_ns: int) -> Span | None:
        """One span over all gaps that have not been asked for; None where there are none."""
        untried = self._start_ns.keys() - self._tried
        if not untried:
            return None
        return Span(frozenset(untried), min(self._start_ns[symbol] for symbol in untried), end_ns)

    def filled(self, asked: Iterable[str], answered: Iterable[str]) -> None:
        """The source has answered. A symbol of which it knew nothing waits for its next live print."""
        self._tried |= frozenset(asked) & self._start_ns.keys()
        self.printed(answered)

    def printed(self, symbols: Iterable[str]) -> None:
        """Prints have come; a gap that was asked for is over with them."""
        for symbol in symbols:
            if symbol in self._tried:
                self._tried.remove(symbol)
                del self._start_ns[symbol]


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
