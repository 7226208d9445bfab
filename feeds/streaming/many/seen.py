"""Which prints have been seen: what a source sends twice counts once. Pure, and bounded."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from feeds.streaming.many.identity import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.many.identity import Identity
    from feeds.streaming.many.look import Table
    from feeds.streaming.many.seen_rows import SeenRows
    from rotation.quote import Quote

KEPT = 32_768
"""Identities remembered: seconds of a whole market, hours of a desk's symbols. What comes again later is
known by the market (``rotation.market.prints``), which counts it as a repeat or as late."""


class Seen:
    """The identities of the last KEPT prints: as hashes of single ones, as arrays where many came at once."""

    def __init__(self) -> None:
        """Nothing has been seen."""
        self._count = 0
        self._single: dict[int, int] = {}
        """By the hash of an identity, how many were remembered before it."""
        self._newest_ns: dict[str, int] = {}
        """By symbol the latest time of prints that came one by one."""
        self._rows: SeenRows | None = None
        self._alike: set[Identity] = set()
        """Of prints that came as arrays, those of the times that are asked for."""

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._single) + (0 if self._rows is None else len(self._rows))

    def rows(self, table: Table) -> SeenRows:
        """The same for prints as arrays. From the first call on both know what the other does."""
        if self._rows is None:
            from feeds.streaming.many.seen_rows import SeenRows  # noqa: PLC0415 - it imports numpy

            self._rows = SeenRows(table, self._newest_ns)
        return self._rows

    def expect(self, quotes: Iterable[Quote]) -> None:
        """``is_repeated`` is about to be asked of these."""
        if self._rows is not None:
            self._alike = self._rows.of_these([quote.ts_ns for quote in quotes])

    def is_repeated(self, quote: Quote, *, remembers: bool = True) -> bool:
        """Whether this print was seen before; it is now, where ``remembers``."""
        identity = (quote.symbol, quote.ts_ns, quote.price, number_of(quote.seq, quote.size))
        if self.has(identity) or identity in self._alike:
            return True
        if remembers:
            self._single[hash(identity)] = self._count
            self._count += 1
            if quote.ts_ns > self._newest_ns.get(quote.symbol, -1):
                self._newest_ns[quote.symbol] = quote.ts_ns
                if self._rows is not None:
                    self._rows.note(quote.symbol, quote.ts_ns)
        return False

    def has(self, identity: Identity) -> bool:
        """Whether a print that came by itself has this identity."""
        return hash(identity) in self._single

    def take_numbers(self, count: int) -> int:
        """So many more are remembered as arrays; returns how many were before."""
        before, self._count = self._count, self._count + count
        return before

    def forget_oldest(self) -> None:
        """Remember the last KEPT prints, whatever they came as."""
        oldest = self._count - KEPT
        if self._rows is not None:
            self._rows.forget(oldest)
            self._alike = set()
        forgotten = takewhile(lambda item: item[1] < oldest, self._single.items())
        for identity in [identity for identity, _ in forgotten]:
            del self._single[identity]

    def hashes(self) -> set[int]:
        """Of all identities that are remembered."""
        rows = set() if self._rows is None else self._rows.identities()
        return set(self._single) | set(map(hash, rows))
