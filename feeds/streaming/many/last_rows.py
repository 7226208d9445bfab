"""The newest print of each symbol, of prints that came as arrays. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rotation.quote import Quote, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.many.look import Array, Look, Table

_ROLES = tuple(Role)
_NONE = -(2**63)
"""Time and number of a symbol without a print: every print is newer."""


class LastRows:
    """By symbol; it knows the time and number of those that came as quotes, too."""

    def __init__(self, table: Table, quotes: Iterable[Quote]) -> None:
        """``quotes``: the newest until now."""
        self._table = table
        count = len(table.names)
        self._ts_ns, self._seq = np.full(count, _NONE, np.int64), np.full(count, _NONE, np.int64)
        self._price = np.zeros(count)
        self._size, self._role = np.zeros(count, np.int64), np.zeros(count, np.uint8)
        self._is_fresh = np.zeros(count, np.bool_)
        """The newest came as an array, and is no quote yet."""
        for quote in quotes:
            self.note(quote)

    def identity(self, symbol: str) -> tuple[int, int]:
        """Time and number of its newest print; below every other without one."""
        code = self._table.code_of[symbol]
        return int(self._ts_ns[code]), int(self._seq[code])

    def note(self, quote: Quote) -> None:
        """The newest of its symbol is a quote that is kept elsewhere."""
        code = self._table.code_of[quote.symbol]
        self._ts_ns[code], self._seq[code], self._is_fresh[code] = quote.ts_ns, quote.seq, False

    def take(self, look: Look, newest: Array) -> None:
        """``newest``: the place of the newest print of each symbol, of those that may set the last price."""
        codes = look.code[newest]
        ts_ns, seq, was_ns = look.ts_ns[newest], look.seq[newest], self._ts_ns[codes]
        is_newer = (ts_ns > was_ns) | ((ts_ns == was_ns) & (seq >= self._seq[codes]))
        if not is_newer.all():
            codes, newest = codes[is_newer], newest[is_newer]
            ts_ns, seq = ts_ns[is_newer], seq[is_newer]
        self._ts_ns[codes], self._seq[codes], self._price[codes] = ts_ns, seq, look.price[newest]
        self._size[codes], self._role[codes] = look.size[newest], look.role[newest]
        self._is_fresh[codes] = True

    def take_fresh(self) -> list[Quote]:
        """The newest prints that are no quotes yet, as quotes."""
        codes = np.flatnonzero(self._is_fresh)
        self._is_fresh[codes] = False
        columns = (self._ts_ns, self._price, self._seq, self._size, self._role)
        rows = zip(self._table.named(codes), *(column[codes].tolist() for column in columns), strict=True)
        return [
            Quote(symbol, ts_ns, price, seq, size, role=_ROLES[role])
            for symbol, ts_ns, price, seq, size, role in rows
        ]
